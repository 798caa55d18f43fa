-- The change each patient's state rests on, with its interval where it is that of the whole measured tumour; against
-- is nadir, baseline, judged (the rule left something out, or measures something else than volume) or lesion, where one
-- of several leads the state: the change is that lesion's then.
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
lead_lesions as (
    select l.patient_id, l.lesion_id, l.judged_change_percent as lesion_change_percent
    from lesion_assessment as l
    inner join patient_state as s using (patient_id, session_id, criteria_id)
    where criteria_id = $criteria_id and l.is_worst and starts_with(s.clauses, '[{"kind": "lesion"')
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
    if(lesion_id is null, judged_change_percent, lesion_change_percent) as change_percent,
    if(lesion_id is null, against, 'lesion') as against,
    lesion_id,
    case if(lesion_id is null, against, 'lesion') when 'nadir' then change_from_nadir_low_percent when 'baseline' then change_from_baseline_low_percent
        end as change_low_percent,
    case if(lesion_id is null, against, 'lesion') when 'nadir' then change_from_nadir_high_percent when 'baseline' then change_from_baseline_high_percent
        end as change_high_percent
from compared
left join lead_lesions using (patient_id)
order by patient_id
