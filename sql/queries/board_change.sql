-- The change each patient's state rests on, with its interval where it is that of the whole measured tumour; against
-- is nadir, baseline or judged (the rule left something out, or measures something else than volume).
with states as (
    select patient_id, session_id, criteria_id, judged_change_percent
    from patient_state
    where criteria_id = $criteria_id
),
tumours as (
    select
        patient_id, session_id, criteria_id, change_from_nadir_percent, change_from_nadir_low_percent,
        change_from_nadir_high_percent, change_from_baseline_percent, change_from_baseline_low_percent,
        change_from_baseline_high_percent
    from trajectory
    where compartment = 'tumour' and criteria_id = $criteria_id
),
compared as (
    select
        states.patient_id,
        states.judged_change_percent,
        case
            when abs(states.judged_change_percent - tumours.change_from_nadir_percent) < 1e-6 then 'nadir'
            when abs(states.judged_change_percent - tumours.change_from_baseline_percent) < 1e-6 then 'baseline'
            when states.judged_change_percent is not null then 'judged'
        end as against,
        tumours.change_from_nadir_low_percent,
        tumours.change_from_nadir_high_percent,
        tumours.change_from_baseline_low_percent,
        tumours.change_from_baseline_high_percent
    from states
    left join tumours using (patient_id, session_id, criteria_id)
)
select
    patient_id,
    judged_change_percent as change_percent,
    against,
    case against when 'nadir' then change_from_nadir_low_percent when 'baseline' then change_from_baseline_low_percent
        end as change_low_percent,
    case against when 'nadir' then change_from_nadir_high_percent when 'baseline' then change_from_baseline_high_percent
        end as change_high_percent
from compared
order by patient_id
