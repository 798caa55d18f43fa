-- Volumes worth a line on a patient's timeline: tumour at baseline and nadir of the last judged visit, and where
-- progression begins (criteria by volume only; against the reference that the criteria name it may lie higher).
with last_tumour as (
    select baseline_on, baseline_volume_mm3, nadir_on, nadir_volume_mm3
    from trajectory
    where patient_id = $patient_id and criteria_id = $criteria_id and compartment = 'tumour'
    qualify row_number() over (order by acquired_on desc, session_id desc) = 1
)
select
    last_tumour.baseline_on,
    last_tumour.baseline_volume_mm3,
    last_tumour.nadir_on,
    last_tumour.nadir_volume_mm3,
    case when criteria.metric = 'volume' then last_tumour.nadir_volume_mm3 * criteria.progression_ratio end
        as progression_volume_mm3
from last_tumour
cross join criteria
where criteria.criteria_id = $criteria_id
