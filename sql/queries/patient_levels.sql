-- Volumes worth a line on a patient's timeline: tumour at baseline and nadir of the last visit that was compared with
-- them in the present period, and where progression begins by the rule, where a percentage means something ($reference
-- is nadir or baseline, $min_change_mm3 the smallest growth that counts), and from where growth exceeds measurement
-- error. A last scan that is not evaluable takes nothing away: what the next one is held against stays the same.
with tumours as (
    select epoch, acquired_on, session_id, baseline_on, baseline_volume_mm3, nadir_session_id, nadir_on,
        nadir_volume_mm3, detection_limit_percent
    from trajectory
    where patient_id = $patient_id and criteria_id = $criteria_id and compartment = 'tumour'
    qualify epoch = max(epoch) over ()
),
last_tumour as (
    select
        baseline_on, baseline_volume_mm3, nadir_on, nadir_volume_mm3, detection_limit_percent,
        case $reference when 'baseline' then baseline_volume_mm3 else nadir_volume_mm3 end as reference_volume_mm3
    from tumours
    where nadir_session_id is not null
    qualify row_number() over (order by acquired_on desc, session_id desc) = 1
)
select
    last_tumour.baseline_on,
    last_tumour.baseline_volume_mm3,
    last_tumour.nadir_on,
    last_tumour.nadir_volume_mm3,
    case
        when criteria.metric = 'volume' and last_tumour.reference_volume_mm3 > 0 then greatest(
            last_tumour.reference_volume_mm3 * criteria.progression_ratio,
            last_tumour.reference_volume_mm3 + $min_change_mm3
        )
    end as progression_volume_mm3,
    if(last_tumour.nadir_volume_mm3 > 0, last_tumour.nadir_volume_mm3 * (1 + last_tumour.detection_limit_percent / 100),
        null) as detectable_volume_mm3
from last_tumour
cross join criteria
where criteria.criteria_id = $criteria_id
