-- What judgement looked at, as text, of each patient on whom new tumour was ever seen beside what was followed.
select patient_id, course
from record.stored_course
where contains(course, '"new_tumour_mm3"')
order by patient_id
