-- One row per session, with what is known about its scans, masks and alignment.
create or replace view visit as
with visits as (
    select
        patient_id, session_id, acquired_on, acquired_by, acquired_at, leptomeningeal, is_reference, status, status_reason,
        table_scans
    from record.visit
),
scans as (
    select patient_id, session_id, count(*) as scan_count
    from record.scan
    group by patient_id, session_id
),
manual_masks as (
    select distinct patient_id, session_id
    from record.segmentation
    where mask_origin in ('manual', 'edited') and compartment = 'tumour'
),
alignments as (
    -- the worst grade speaks for the visit
    select patient_id, session_id, max(grade) as certificate_grade
    from record.registration
    where role = 'visit_to_reference'
    group by patient_id, session_id
)
select
    visits.patient_id,
    visits.session_id,
    visits.acquired_on,
    visits.acquired_by,
    visits.acquired_at,
    case visits.leptomeningeal when true then 'yes' when false then 'no' else 'not imaged' end as leptomeningeal,
    visits.is_reference,
    visits.status,
    visits.status_reason,
    coalesce(scans.scan_count, 0) as scan_count,
    manual_masks.session_id is not null as has_manual_mask,
    alignments.certificate_grade,
    visits.table_scans
from visits
left join scans using (patient_id, session_id)
left join manual_masks using (patient_id, session_id)
left join alignments using (patient_id, session_id);

comment on view visit is 'One row per session, dated or not';
comment on column visit.patient_id is 'participant label';
comment on column visit.session_id is 'session label';
comment on column visit.acquired_on is 'day of the scan; the first possible one where only a month or a year is known; empty when unknown';
comment on column visit.acquired_by is 'last possible day of the scan; empty where the day is known';
comment on column visit.acquired_at is 'time of the scan on its day, HH:MM:SS; empty when unknown';
comment on column visit.leptomeningeal is 'seeding along the meninges or a drop metastasis: yes, no (looked for and not seen) or not imaged';
comment on column visit.is_reference is 'true for the visit all others of the patient are aligned to';
comment on column visit.status is 'usable, undated or failed';
comment on column visit.status_reason is 'why the visit is not usable, in words';
comment on column visit.scan_count is 'number of image files';
comment on column visit.has_manual_mask is 'true when a person drew or corrected a tumour mask of this visit';
comment on column visit.certificate_grade is 'alignment grade A, B or C, the worst of the visit; empty for the reference visit';
comment on column visit.table_scans is 'digests (SHA-256) of the day and time of each scan of a table that the session is, with spaces between; acts on it are bound to one';
