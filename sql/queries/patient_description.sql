-- What the scans of each visit of a patient say of each lesion, with what was told of it before and what became of it.
with visits as (
    select session_id, acquired_on from visit where patient_id = $patient_id
),
changes as (
    select
        session_id, lesion_id, finding, course, reason as change_reason, compared_on, value_before, number_before
    from description_change
    where patient_id = $patient_id
)
select
    visits.acquired_on,
    description.session_id,
    description.lesion_id,
    description.finding,
    description.value,
    description.number,
    description.low,
    description.high,
    description.unit,
    description.sureness,
    description.reason,
    description.scans,
    description.corrected_to,
    description.corrected_by,
    description.corrected_reason,
    changes.course,
    changes.change_reason,
    changes.compared_on,
    changes.value_before,
    changes.number_before
from description
inner join visits on description.session_id = visits.session_id
left join changes
    on description.session_id = changes.session_id
    and description.lesion_id = changes.lesion_id and description.finding = changes.finding
where description.patient_id = $patient_id
order by visits.acquired_on nulls last, description.session_id, description.lesion_id, description.finding
