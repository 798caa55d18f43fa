-- The change each patient's state rests on, with its interval by all scans; against is nadir, baseline or judged (the
-- rule left something out, or measures something else than volume).
with states as (
    select
        patient_id, session_id, criteria_id, judged_change_percent, judged_change_low_percent, judged_change_high_percent
    from patient_state
    where criteria_id = $criteria_id
),
tumours as (
    select patient_id, session_id, criteria_id, change_from_nadir_percent, change_from_baseline_percent
    from trajectory
    where compartment = 'tumour' and criteria_id = $criteria_id
)
select
    states.patient_id,
    states.judged_change_percent as change_percent,
    case
        when abs(states.judged_change_percent - tumours.change_from_nadir_percent) < 1e-6 then 'nadir'
        when abs(states.judged_change_percent - tumours.change_from_baseline_percent) < 1e-6 then 'baseline'
        when states.judged_change_percent is not null then 'judged'
    end as against,
    states.judged_change_low_percent as change_low_percent,
    states.judged_change_high_percent as change_high_percent
from states
left join tumours using (patient_id, session_id, criteria_id)
order by patient_id
