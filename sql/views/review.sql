-- What waits for a person: masks nobody signed, alignments that failed, visits that cannot be used.
create or replace view review as
with verdicts as (
    select patient_id, session_id, bool_or(is_provisional) as is_provisional
    from record.assessment
    where state not in ('context', 'not_evaluable')
    group by patient_id, session_id
),
masks as (
    -- a mask that no verdict rests on counts as unsigned: nothing says that anybody looked at it
    select m.patient_id, m.session_id, m.acquired_on, 'unsigned automatic mask' as kind, m.mask_path as detail
    from measurement as m
    left join verdicts as v using (patient_id, session_id)
    where m.compartment = 'tumour' and m.mask_origin = 'automatic' and coalesce(v.is_provisional, true)
),
alignments as (
    select patient_id, session_id, acquired_on, 'alignment grade C' as kind, grade_reasons as detail
    from registration
    where grade = 'C'
),
visits as (
    select patient_id, session_id, acquired_on, status || ' visit' as kind, status_reason as detail
    from record.visit
    where status <> 'usable'
)
select patient_id, session_id, acquired_on, kind, detail from masks
union all
select patient_id, session_id, acquired_on, kind, detail from alignments
union all
select patient_id, session_id, acquired_on, kind, detail from visits;

comment on view review is 'One row per thing that waits for a person';
comment on column review.patient_id is 'participant label';
comment on column review.session_id is 'session label';
comment on column review.acquired_on is 'day of the scan; empty when unknown';
comment on column review.kind is 'unsigned automatic mask, alignment grade C, failed visit or undated visit';
comment on column review.detail is 'the mask file, or why, in words';
