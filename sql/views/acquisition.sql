-- One row per image file: how it was made, as far as that is recorded.
create or replace view acquisition as
with acquisitions as (
    select
        patient_id, session_id, path, manufacturer, model, field_tesla, device, software, echo_time_ms,
        repetition_time_ms, flip_angle_deg, slice_thickness_mm, slice_mm, pixel_mm, scanner_key, scanner_name,
        protocol_name, missing_reason
    from record.acquisition
),
scans as (
    select path, is_anchor from record.scan
),
visits as (
    select patient_id, session_id, acquired_on, status from record.visit
)
select
    acquisitions.patient_id,
    acquisitions.session_id,
    visits.acquired_on,
    acquisitions.path,
    scans.is_anchor and visits.status = 'usable' as is_measured,
    acquisitions.scanner_key,
    acquisitions.scanner_name,
    acquisitions.manufacturer,
    acquisitions.model,
    acquisitions.field_tesla,
    acquisitions.device,
    acquisitions.software,
    acquisitions.protocol_name,
    acquisitions.slice_mm,
    acquisitions.pixel_mm,
    acquisitions.slice_thickness_mm,
    acquisitions.echo_time_ms,
    acquisitions.repetition_time_ms,
    acquisitions.flip_angle_deg,
    acquisitions.missing_reason
from acquisitions
inner join scans using (path)
inner join visits using (patient_id, session_id);

comment on view acquisition is 'One row per image file: how it was made; empty where that is not recorded';
comment on column acquisition.patient_id is 'participant label';
comment on column acquisition.session_id is 'session label';
comment on column acquisition.acquired_on is 'day of the scan; empty when unknown';
comment on column acquisition.path is 'image file, relative to the study folder';
comment on column acquisition.is_measured is 'true for the image that the volumes of a usable visit were measured on';
comment on column acquisition.scanner_key is 'the same for all scans of one scanner; empty when too little is recorded to tell';
comment on column acquisition.scanner_name is 'maker, model and field strength as far as recorded';
comment on column acquisition.manufacturer is 'maker as recorded';
comment on column acquisition.model is 'model as recorded';
comment on column acquisition.field_tesla is 'field strength as recorded, tesla';
comment on column acquisition.device is 'token that stands for the device; never its serial number or station';
comment on column acquisition.software is 'software of the scanner as recorded';
comment on column acquisition.protocol_name is 'sequence, plane and distance between slices in words';
comment on column acquisition.slice_mm is 'distance between slices, the longest edge of the voxels, mm';
comment on column acquisition.pixel_mm is 'larger side of a pixel, mm';
comment on column acquisition.slice_thickness_mm is 'slice thickness as recorded, without the gap, mm';
comment on column acquisition.echo_time_ms is 'echo time as recorded, ms';
comment on column acquisition.repetition_time_ms is 'repetition time as recorded, ms';
comment on column acquisition.flip_angle_deg is 'flip angle as recorded, degrees';
comment on column acquisition.missing_reason is 'why the scanner cannot be told from another; empty when it can';
