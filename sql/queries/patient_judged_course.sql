-- What judgement looked at for one patient, as text.
select patient_id, course
from record.stored_course
where patient_id = $patient_id
