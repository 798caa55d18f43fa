-- What became of one patient's cyst, syrinx, oedema, cavity and haemorrhage, visit by visit.
select session_id, acquired_on, compartment, course, compared_session_id, reason
from compartment_course
where patient_id = $patient_id
order by compartment, acquired_on, session_id
