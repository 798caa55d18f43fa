-- Alignments, the worst first, as many as asked for.
select
    patient_id, session_id, acquired_on, role, method, grade, grade_reasons, local_correlation,
    inverse_consistency_mm, jacobian_min, jacobian_max, coverage_ratio, moving_path, fixed_path, transform_path,
    aligned_path, software
from registration
order by grade desc, local_correlation nulls first, patient_id, session_id, moving_path, role
limit $most
