-- All visits of one patient, those without a date last.
select
    patient_id, session_id, acquired_on, is_reference, status, status_reason, scan_count, has_manual_mask,
    certificate_grade
from visit
where patient_id = $patient_id
order by acquired_on nulls last, session_id
