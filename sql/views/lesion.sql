-- One row per connected piece of tumour at a visit, with the identity that it keeps over time.
create or replace view lesion as
with components as (
    select
        patient_id, session_id, lesion_id, component_id, status, volume_mm3, centre_x_mm, centre_y_mm, centre_z_mm,
        component_sha256, scan_x_mm, scan_y_mm, scan_z_mm, named_as, missing_reason
    from record.lesion_component
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    components.patient_id,
    components.session_id,
    visits.acquired_on,
    components.lesion_id,
    components.component_id,
    components.status,
    components.volume_mm3,
    components.centre_x_mm,
    components.centre_y_mm,
    components.centre_z_mm,
    components.component_sha256,
    components.scan_x_mm,
    components.scan_y_mm,
    components.scan_z_mm,
    components.named_as,
    components.missing_reason
from components
inner join visits using (patient_id, session_id);

comment on view lesion is 'One row per connected piece of tumour at a visit';
comment on column lesion.patient_id is 'participant label';
comment on column lesion.session_id is 'session label';
comment on column lesion.acquired_on is 'day of the scan; empty when unknown';
comment on column lesion.lesion_id is 'the same lesion over time';
comment on column lesion.component_id is 'number of the piece within its visit';
comment on column lesion.status is 'persistent, new, split, merged, resolved or not_assessable';
comment on column lesion.volume_mm3 is 'volume of the piece in the visit''s own grid, mm³';
comment on column lesion.centre_x_mm is 'centre in the reference visit''s space, mm to the right';
comment on column lesion.centre_y_mm is 'centre in the reference visit''s space, mm to the front';
comment on column lesion.centre_z_mm is 'centre in the reference visit''s space, mm upwards';
comment on column lesion.component_sha256 is 'digest of the piece''s voxels and their grid, or of a table''s row; empty where none was seen';
comment on column lesion.scan_x_mm is 'centre of the piece in the visit''s own scan, mm to the right';
comment on column lesion.scan_y_mm is 'centre of the piece in the visit''s own scan, mm to the front';
comment on column lesion.scan_z_mm is 'centre of the piece in the visit''s own scan, mm upwards';
comment on column lesion.named_as is 'name of the piece before any correction by a person';
comment on column lesion.missing_reason is 'why there is no volume, in words';
