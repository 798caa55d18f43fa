-- The cord profile: each compartment's cross-section in every millimetre along the centre line, visits laid over each other.
create or replace view cord_profile as
with profiles as (
    select
        patient_id, session_id, compartment, line_source, line_session_id, start_mm,
        string_split(areas_mm2, ' ') as areas
    from record.cord_profile
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
),
steps as (
    select
        patient_id, session_id, compartment, line_source, line_session_id, start_mm,
        unnest(areas) as area, generate_subscripts(areas, 1) as place
    from profiles
)
select
    steps.patient_id,
    steps.session_id,
    visits.acquired_on,
    steps.compartment,
    steps.start_mm + steps.place - 1 as position_mm,
    try_cast(steps.area as double) as area_mm2,
    steps.line_source,
    steps.line_session_id
from steps
inner join visits using (patient_id, session_id);

comment on view cord_profile is 'One row per millimetre along the cord, compartment and visit';
comment on column cord_profile.patient_id is 'participant label';
comment on column cord_profile.session_id is 'session label';
comment on column cord_profile.acquired_on is 'day of the scan; empty when unknown';
comment on column cord_profile.compartment is 'tissue; cord is the whole cross-section with all that lies in it';
comment on column cord_profile.position_mm is 'distance along the patient''s centre line in the reference space from the middle of the mask it was taken from, towards the head, mm';
comment on column cord_profile.area_mm2 is 'mean cross-section in this millimetre, from the visit''s own voxels, mm²; empty where the scan does not reach';
comment on column cord_profile.line_source is 'what the centre line was taken from: cord mask or lesion axis';
comment on column cord_profile.line_session_id is 'visit whose mask the centre line was taken from';
