-- Places of one patient that may be new tumour where none was drawn, the oldest visit first, the largest place first.
select session_id, acquired_on, number, approximate_mm3, reference_right_mm, reference_anterior_mm, reference_superior_mm
from new_signal
where patient_id = $patient_id
order by acquired_on, session_id, number
