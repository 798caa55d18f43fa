-- All alignments of one patient.
select
    patient_id, session_id, acquired_on, role, method, grade, grade_reasons, local_correlation,
    inverse_consistency_mm, jacobian_min, jacobian_max, coverage_ratio, moving_path, fixed_path, transform_path,
    aligned_path, software
from registration
where patient_id = $patient_id
order by acquired_on, session_id, moving_path, role
