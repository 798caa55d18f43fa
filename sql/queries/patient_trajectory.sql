-- Every compartment of one patient at every judged visit, with the verdict of one set of criteria beside it.
with volumes as (
    select * from trajectory where patient_id = $patient_id and criteria_id = $criteria_id
),
verdicts as (
    select
        session_id, category, category_shown, state, display_state, is_confirmed, is_provisional,
        judged_change_percent, probability, reason
    from assessment
    where patient_id = $patient_id and criteria_id = $criteria_id
),
masks as (
    select session_id, compartment, mask_origin, cv_source, slices_spanned, length_mm
    from record.measurement
    where patient_id = $patient_id
)
select
    volumes.*, masks.mask_origin, masks.cv_source, masks.slices_spanned, masks.length_mm, verdicts.category,
    verdicts.category_shown, verdicts.state, verdicts.display_state, verdicts.is_confirmed, verdicts.is_provisional,
    verdicts.judged_change_percent, verdicts.probability, verdicts.reason
from volumes
inner join verdicts using (session_id)
left join masks using (session_id, compartment)
order by volumes.acquired_on, volumes.session_id, volumes.compartment = 'tumour' desc, volumes.compartment
