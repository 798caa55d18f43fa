-- What one patient's scans say beside solid tumour, visit by visit, under one set of criteria.
select *
from reading_assessment
where patient_id = $patient_id and criteria_id = $criteria_id
order by acquired_on, session_id, reading
