-- One row per image file of a visit.
create or replace view scan as
with scans as (
    select
        patient_id, session_id, path, contrast, is_anchor, sha256, plane, chunk,
        spacing_i_mm, spacing_j_mm, spacing_k_mm, unreadable_reason
    from record.scan
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    scans.patient_id,
    scans.session_id,
    visits.acquired_on,
    scans.path,
    scans.contrast,
    scans.is_anchor,
    scans.sha256,
    scans.plane,
    scans.chunk,
    scans.spacing_i_mm,
    scans.spacing_j_mm,
    scans.spacing_k_mm,
    scans.unreadable_reason
from scans
inner join visits using (patient_id, session_id);

comment on view scan is 'One row per image file';
comment on column scan.patient_id is 'participant label';
comment on column scan.session_id is 'session label';
comment on column scan.acquired_on is 'day of the scan; empty when unknown';
comment on column scan.path is 'image file, relative to the study folder';
comment on column scan.contrast is 'kind of image, such as T2w or T1w with contrast agent';
comment on column scan.is_anchor is 'true for the image of the visit that is aligned to the reference and measured';
comment on column scan.sha256 is 'digest of the file';
comment on column scan.plane is 'sagittal, axial, coronal or isotropic';
comment on column scan.chunk is 'part of the spine, when the examination is split';
comment on column scan.spacing_i_mm is 'voxel spacing along the first array axis, mm';
comment on column scan.spacing_j_mm is 'voxel spacing along the second array axis, mm';
comment on column scan.spacing_k_mm is 'voxel spacing along the third array axis, mm';
comment on column scan.unreadable_reason is 'why the file could not be used; empty when it could';
