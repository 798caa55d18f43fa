-- Volumes worth a line on a patient's timeline, as the next scan is held against them: tumour at the baseline and the
-- nadir from the last visit on that was compared in the present period, the volume from which progression begins as
-- judged there, and, where that visit left the nadir as it was, from where growth exceeds measurement error. A last
-- scan that is not evaluable takes nothing away.
with tumours as (
    select epoch, acquired_on, session_id, baseline_session_id, baseline_on, baseline_volume_mm3, nadir_session_id,
        volume_mm3, detection_limit_percent
    from trajectory
    where patient_id = $patient_id and criteria_id = $criteria_id and compartment = 'tumour'
),
verdicts as (
    select session_id, next_nadir_session_id, progression_from_mm3
    from assessment
    where patient_id = $patient_id and criteria_id = $criteria_id
),
present as (
    select
        acquired_on, session_id, baseline_session_id, baseline_on, baseline_volume_mm3, nadir_session_id,
        detection_limit_percent
    from tumours
    qualify epoch = max(epoch) over ()
),
last_tumour as (
    select
        present.baseline_session_id, present.baseline_on, present.baseline_volume_mm3, present.nadir_session_id, present.detection_limit_percent,
        verdicts.next_nadir_session_id, verdicts.progression_from_mm3
    from present
    inner join verdicts using (session_id)
    where present.nadir_session_id is not null
    qualify row_number() over (order by present.acquired_on desc, present.session_id desc) = 1
)
select
    last_tumour.baseline_session_id,
    last_tumour.baseline_on,
    last_tumour.baseline_volume_mm3,
    nadirs.session_id as nadir_session_id,
    nadirs.acquired_on as nadir_on,
    nadirs.volume_mm3 as nadir_volume_mm3,
    last_tumour.progression_from_mm3,
    case
        when last_tumour.next_nadir_session_id = last_tumour.nadir_session_id and nadirs.volume_mm3 > 0
            then nadirs.volume_mm3 * (1 + last_tumour.detection_limit_percent / 100)
    end as detectable_volume_mm3
from last_tumour
left join tumours as nadirs on nadirs.session_id = last_tumour.next_nadir_session_id
