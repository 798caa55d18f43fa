-- Where each compartment lies along the cord at each visit, and how it looks on the scans; nothing of it is judged.
create or replace view shape as
with shapes as (
    select
        patient_id, session_id, compartment, line_source, along_length_mm, centre_position_mm, largest_area_mm2,
        largest_area_position_mm, cord_share_ratio, missing_reason, signal_mean, signal_spread_ratio, margin_width_mm,
        margin, margin_reason, enhancing_ratio, enhancement, enhancement_reason, adc_mean
    from record.shape
),
levels as (
    select
        patient_id, session_id, compartment, upper_end_mm, lower_end_mm, upper_level, lower_level, label_session_id,
        missing_reason as level_reason
    from record.level
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    shapes.patient_id,
    shapes.session_id,
    visits.acquired_on,
    shapes.compartment,
    shapes.along_length_mm,
    shapes.centre_position_mm,
    shapes.largest_area_mm2,
    shapes.largest_area_position_mm,
    shapes.cord_share_ratio,
    shapes.line_source,
    shapes.missing_reason,
    case
        when levels.upper_level = levels.lower_level then levels.upper_level
        else levels.upper_level || ' to ' || levels.lower_level
    end as levels,
    levels.upper_level,
    levels.lower_level,
    levels.upper_end_mm,
    levels.lower_end_mm,
    levels.label_session_id,
    levels.level_reason,
    shapes.signal_mean,
    shapes.signal_spread_ratio,
    shapes.margin_width_mm,
    shapes.margin,
    shapes.margin_reason,
    shapes.enhancing_ratio,
    shapes.enhancement,
    shapes.enhancement_reason,
    shapes.adc_mean
from shapes
left join levels using (patient_id, session_id, compartment)
inner join visits using (patient_id, session_id);

comment on view shape is 'One row per compartment and visit where a mask shows any of it';
comment on column shape.patient_id is 'participant label';
comment on column shape.session_id is 'session label';
comment on column shape.acquired_on is 'day of the scan; empty when unknown';
comment on column shape.compartment is 'tissue: tumour (solid), enhancing, cyst, syrinx, oedema, cavity or haemorrhage';
comment on column shape.along_length_mm is 'extent along the centre line, mm';
comment on column shape.centre_position_mm is 'position of its middle along the centre line, towards the head, mm; 0 as in cord_profile';
comment on column shape.largest_area_mm2 is 'largest mean cross-section of a millimetre along the cord, mm²';
comment on column shape.largest_area_position_mm is 'position of that millimetre, mm';
comment on column shape.cord_share_ratio is 'largest share of the cord''s cross-section that it takes, 0 to 1; empty without a cord mask';
comment on column shape.line_source is 'what the centre line was taken from: cord mask or lesion axis';
comment on column shape.missing_reason is 'why there is no place along the cord, in words';
comment on column shape.levels is 'vertebrae from its upper to its lower end, such as C4 to C6; C4/C5 is at that disc; empty unless both ends are known';
comment on column shape.upper_level is 'vertebra or disc at its upper end, or which side of the labelled vertebrae that lies on';
comment on column shape.lower_level is 'vertebra or disc at its lower end, or which side of the labelled vertebrae that lies on';
comment on column shape.upper_end_mm is 'position of its upper end along the centre line, towards the head, mm';
comment on column shape.lower_end_mm is 'position of its lower end along the centre line, mm';
comment on column shape.label_session_id is 'visit whose disc labels the levels were taken from';
comment on column shape.level_reason is 'why a level is missing, in words';
comment on column shape.signal_mean is 'mean signal inside on the scan it was drawn on, the scanner''s units: compare within a scan only';
comment on column shape.signal_spread_ratio is 'standard deviation of the signal inside over its mean, a fraction';
comment on column shape.margin_width_mm is 'width over which the signal changes at the drawn boundary (10 to 90 %), mm; an upper bound, since it holds the scan''s blur and the reader''s wander';
comment on column shape.margin is 'sharp or blurred; limits are this project''s own and not validated';
comment on column shape.margin_reason is 'why there is no margin, in words';
comment on column shape.enhancing_ratio is 'share of the tumour with the cysts it encloses that takes up contrast agent, 0 to 1';
comment on column shape.enhancement is 'none, homogeneous, heterogeneous or ring; limits are this project''s own and not validated';
comment on column shape.enhancement_reason is 'why there is no pattern of enhancement, in words';
comment on column shape.adc_mean is 'mean apparent diffusion coefficient inside, in the map''s own units; empty without a map';
