-- Where along the cord each compartment of one patient lies, in millimetres and vertebrae, visits with a date in time order.
select session_id, acquired_on, compartment, along_length_mm, levels, level_reason, missing_reason, label_session_id
from shape
where patient_id = $patient_id and acquired_on is not null
order by compartment, acquired_on, session_id
