-- Every compartment of one patient at every judged visit, with the verdict of one set of criteria beside it.
with verdicts as (
    select
        session_id, category, category_shown, state, display_state, is_confirmed, is_provisional,
        judged_change_percent, probability, reason, clauses
    from assessment
    where patient_id = $patient_id and criteria_id = $criteria_id
),
masks as (
    select session_id, compartment, mask_origin, cv_source, slices_spanned, length_mm
    from record.measurement
    where patient_id = $patient_id
)
select
    trajectory.*, masks.mask_origin, masks.cv_source, masks.slices_spanned, masks.length_mm, verdicts.category,
    verdicts.category_shown, verdicts.state, verdicts.display_state, verdicts.is_confirmed, verdicts.is_provisional,
    verdicts.judged_change_percent, verdicts.probability, verdicts.reason,
    verdicts.clauses
from trajectory
inner join verdicts using (session_id)
left join masks using (session_id, compartment)
where trajectory.patient_id = $patient_id and trajectory.criteria_id = $criteria_id
order by
    trajectory.acquired_on, trajectory.session_id, trajectory.compartment = 'tumour' desc, trajectory.compartment
