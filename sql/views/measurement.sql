-- One row per compartment and visit: volume with its 95 % interval, sizes, and the files behind them.
create or replace view measurement as
with measurements as (
    select
        patient_id, session_id, compartment, source, volume_mm3, volume_cv, cv_source, mask_origin, slices_spanned,
        axial_long_mm, axial_perpendicular_mm, product_mm2, longest_mm, length_mm, component_count, missing_reason,
        bound_reason
    from record.measurement
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
),
masks as (
    select patient_id, session_id, compartment, source, path, folder, sha256, scan_path, software
    from record.segmentation
)
select
    measurements.patient_id,
    measurements.session_id,
    visits.acquired_on,
    measurements.compartment,
    measurements.volume_mm3,
    volume_low_mm3(measurements.volume_mm3, measurements.volume_cv) as volume_low_mm3,
    volume_high_mm3(measurements.volume_mm3, measurements.volume_cv) as volume_high_mm3,
    measurements.volume_cv,
    measurements.cv_source,
    measurements.mask_origin,
    measurements.source,
    measurements.slices_spanned,
    measurements.axial_long_mm,
    measurements.axial_perpendicular_mm,
    measurements.product_mm2,
    measurements.longest_mm,
    measurements.length_mm,
    measurements.component_count,
    measurements.missing_reason,
    measurements.bound_reason,
    masks.path as mask_path,
    masks.folder as mask_folder,
    masks.sha256 as mask_sha256,
    masks.scan_path,
    masks.software
from measurements
inner join visits using (patient_id, session_id)
left join masks using (patient_id, session_id, compartment, source);

comment on view measurement is 'One row per compartment and visit, measured in the visit''s own grid';
comment on column measurement.patient_id is 'participant label';
comment on column measurement.session_id is 'session label';
comment on column measurement.acquired_on is 'day of the scan; empty when unknown';
comment on column measurement.compartment is 'tissue: tumour (solid), enhancing, cyst, syrinx, oedema, cavity, haemorrhage or cord';
comment on column measurement.volume_mm3 is 'volume, mm³; 0 means looked for and not there, empty means unknown';
comment on column measurement.volume_low_mm3 is 'lower end of the 95 % interval, mm³; empty when the volume is 0 or its error unknown';
comment on column measurement.volume_high_mm3 is 'upper end of the 95 % interval, mm³; empty when the volume is 0 or its error unknown';
comment on column measurement.volume_cv is 'coefficient of variation of the volume, a fraction';
comment on column measurement.cv_source is 'where the error comes from: repeat_reads, published, automatic_spread, geometric_model or imported';
comment on column measurement.mask_origin is 'manual, edited, automatic or imported';
comment on column measurement.source is 'folder of masks, reader or program';
comment on column measurement.slices_spanned is 'number of slices the compartment crosses';
comment on column measurement.axial_long_mm is 'largest diameter across the cord, mm';
comment on column measurement.axial_perpendicular_mm is 'largest diameter perpendicular to it, mm';
comment on column measurement.product_mm2 is 'sum over pieces of largest diameter times its perpendicular, mm²';
comment on column measurement.longest_mm is 'sum over pieces of the longest diameter, mm';
comment on column measurement.length_mm is 'extent along the cord, mm';
comment on column measurement.component_count is 'number of connected pieces';
comment on column measurement.missing_reason is 'why there is no volume, in words';
comment on column measurement.bound_reason is 'why there may be more than was measured, in words: then the sizes are lower bounds';
comment on column measurement.mask_path is 'mask file, relative to the folder named beside it; empty for imported numbers';
comment on column measurement.mask_folder is 'what the mask path is relative to: study or output';
comment on column measurement.mask_sha256 is 'digest of the mask file';
comment on column measurement.scan_path is 'scan the mask was drawn on, relative to the study folder';
comment on column measurement.software is 'programs and versions that made the mask';
