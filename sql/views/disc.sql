-- The disc labels that the study holds, and where each lies along the centre line.
create or replace view disc as
with discs as (
    select
        patient_id, session_id, number, name, position_mm, missing_reason, is_used, label_origin, path, sha256
    from record.disc
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    discs.patient_id,
    discs.session_id,
    visits.acquired_on,
    discs.number,
    discs.name,
    discs.position_mm,
    discs.missing_reason,
    discs.is_used,
    discs.label_origin,
    discs.path,
    discs.sha256
from discs
inner join visits using (patient_id, session_id);

comment on view disc is 'One row per labelled disc and visit';
comment on column disc.patient_id is 'participant label';
comment on column disc.session_id is 'session label of the visit on whose scan the label lies';
comment on column disc.acquired_on is 'day of the scan; empty when unknown';
comment on column disc.number is 'number of the disc as the Spinal Cord Toolbox counts: 3 is C2/C3, 8 is C7/T1, 20 is T12/L1, 25 is L5/S1';
comment on column disc.name is 'the vertebrae above and below it';
comment on column disc.position_mm is 'where the disc''s plane meets the patient''s centre line, towards the head, mm; 0 as in cord_profile';
comment on column disc.missing_reason is 'why it has no place along the centre line, in words';
comment on column disc.is_used is 'whether the patient''s levels were taken from the labels of this visit';
comment on column disc.label_origin is 'manual where a person is stated to have put it, else automatic';
comment on column disc.path is 'file that holds the label, in the study folder';
comment on column disc.sha256 is 'SHA-256 of that file';
