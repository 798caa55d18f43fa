-- The verdict on each lesion of one patient at each visit, under one set of criteria.
select *
from lesion_assessment
where patient_id = $patient_id and criteria_id = $criteria_id
order by lesion_id, acquired_on, session_id
