-- The change each patient's state rests on, with its interval by all scans; against is nadir, baseline, judged (the rule
-- left something out, or measures something else than volume) or lesion, where one of several leads the state. A state
-- of shrinkage rests on the fall since the baseline, also where the rule compares with a nadir that is no larger.
with states as (
    select
        patient_id, session_id, criteria_id, display_state, judged_change_percent, judged_change_low_percent,
        judged_change_high_percent
    from patient_state
    where criteria_id = $criteria_id
),
tumours as (
    select
        patient_id, session_id, criteria_id, change_from_nadir_percent, change_from_baseline_percent,
        change_from_baseline_low_percent, change_from_baseline_high_percent
    from trajectory
    where compartment = 'tumour' and criteria_id = $criteria_id
),
lead_lesions as (
    select l.patient_id, l.lesion_id, l.judged_change_percent as lesion_change_percent
    from lesion_assessment as l
    inner join patient_state as s using (patient_id, session_id, criteria_id)
    where criteria_id = $criteria_id and l.is_worst and starts_with(s.clauses, '[{"kind": "lesion"')
),
compared as (
    select
        states.patient_id, states.judged_change_percent,
        if(l.lesion_id is null, states.judged_change_low_percent, null) as judged_low_percent,
        if(l.lesion_id is null, states.judged_change_high_percent, null) as judged_high_percent,
        tumours.change_from_baseline_percent, tumours.change_from_baseline_low_percent,
        tumours.change_from_baseline_high_percent, l.lesion_id, l.lesion_change_percent,
        abs(states.judged_change_percent - tumours.change_from_nadir_percent) < 1e-6 as is_from_nadir,
        abs(states.judged_change_percent - tumours.change_from_baseline_percent) < 1e-6 as is_from_baseline,
        coalesce(
            l.lesion_id is null and states.display_state in ('shrinkage', 'possible_shrinkage')
            and is_from_nadir and tumours.change_from_baseline_percent < 0,
            false
        ) as has_fallen
    from states
    left join tumours using (patient_id, session_id, criteria_id)
    left join lead_lesions as l on states.patient_id = l.patient_id
)
select
    patient_id,
    case
        when lesion_id is not null then lesion_change_percent
        when has_fallen then change_from_baseline_percent
        else judged_change_percent
    end as change_percent,
    case
        when lesion_id is not null then 'lesion'
        when has_fallen then 'baseline'
        when is_from_nadir then 'nadir'
        when is_from_baseline then 'baseline'
        when judged_change_percent is not null then 'judged'
    end as against,
    lesion_id,
    if(has_fallen, change_from_baseline_low_percent, judged_low_percent) as change_low_percent,
    if(has_fallen, change_from_baseline_high_percent, judged_high_percent) as change_high_percent
from compared
order by patient_id
