-- The change each patient's state rests on, with its interval by all scans; against is nadir, baseline, judged (the rule
-- left something out, or measures something else than volume) or lesion, where one of several leads the state.
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
),
lead_lesions as (
    select l.patient_id, l.lesion_id, l.judged_change_percent as lesion_change_percent
    from lesion_assessment as l
    inner join patient_state as s using (patient_id, session_id, criteria_id)
    where criteria_id = $criteria_id and l.is_worst and starts_with(s.clauses, '[{"kind": "lesion"')
)
select
    states.patient_id,
    if(lesion_id is null, states.judged_change_percent, lesion_change_percent) as change_percent,
    case
        when lesion_id is not null then 'lesion'
        when abs(states.judged_change_percent - tumours.change_from_nadir_percent) < 1e-6 then 'nadir'
        when abs(states.judged_change_percent - tumours.change_from_baseline_percent) < 1e-6 then 'baseline'
        when states.judged_change_percent is not null then 'judged'
    end as against,
    lesion_id,
    if(lesion_id is null, states.judged_change_low_percent, null) as change_low_percent,
    if(lesion_id is null, states.judged_change_high_percent, null) as change_high_percent
from states
left join tumours using (patient_id, session_id, criteria_id)
left join lead_lesions on lead_lesions.patient_id = states.patient_id
order by patient_id
