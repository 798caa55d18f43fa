-- All visits of one patient, those without a date last.
select *
from visit
where patient_id = $patient_id
order by acquired_on nulls last, session_id
