-- Every number measured for one patient, with the files behind it; visits without a date last.
select *
from measurement
where patient_id = $patient_id
order by acquired_on nulls last, session_id, compartment = 'tumour' desc, compartment
