-- What waits for a person: masks nobody signed, new signal nobody looked at, alignments that failed, visits that cannot be used.
create or replace view review as
with accepted as (
    select patient_id, session_id
    from record.journal_entry
    where act = 'accept_mask' and compartment = 'tumour' and status = 'in_force'
),
masks as (
    select m.patient_id, m.session_id, m.acquired_on, 'unsigned automatic mask' as kind, m.mask_path as detail
    from measurement as m
    anti join accepted as a using (patient_id, session_id)
    where m.compartment = 'tumour' and m.mask_origin = 'automatic'
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
),
signals as (
    -- a mask that is drawn afterwards answers the question: then the visit is no longer looked at, and this is gone
    select patient_id, session_id, 'new signal' as kind, message as detail
    from record.finding
    where code = 'new_signal'
),
acts as (
    -- a decision that has lapsed waits to be made anew, unless somebody did
    select patient_id, session_id, 'decision lapsed' as kind,
        replace(act, '_', ' ') || ' by ' || who || ': ' || status_reason as detail
    from record.journal_entry
    where status = 'lapsed'
)
select patient_id, session_id, acquired_on, kind, detail from masks
union all
select patient_id, session_id, acquired_on, kind, detail from alignments
union all
select patient_id, session_id, acquired_on, kind, detail from visits
union all
select s.patient_id, s.session_id, v.acquired_on, s.kind, s.detail
from signals as s
left join record.visit as v using (patient_id, session_id)
union all
select acts.patient_id, acts.session_id, v.acquired_on, acts.kind, acts.detail
from acts
left join record.visit as v using (patient_id, session_id);

comment on view review is 'One row per thing that waits for a person';
comment on column review.patient_id is 'participant label';
comment on column review.session_id is 'session label';
comment on column review.acquired_on is 'day of the scan; empty when unknown';
comment on column review.kind is 'unsigned automatic mask, new signal, alignment grade C, failed visit, undated visit or decision lapsed';
comment on column review.detail is 'the mask file, or why, in words';
