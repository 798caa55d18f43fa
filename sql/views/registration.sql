-- How each scan was brought to the patient's reference visit, or to its own visit's anchor scan.
create or replace view registration as
with registrations as (
    select
        patient_id, session_id, moving_path, fixed_path, role, method, grade, grade_reasons, local_correlation,
        inverse_consistency_mm, jacobian_min, jacobian_max, coverage_ratio, transform_path, aligned_path,
        input_sha256, software
    from record.registration
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    registrations.patient_id,
    registrations.session_id,
    visits.acquired_on,
    registrations.moving_path,
    registrations.fixed_path,
    registrations.role,
    registrations.method,
    registrations.grade,
    registrations.grade_reasons,
    registrations.local_correlation,
    registrations.inverse_consistency_mm,
    registrations.jacobian_min,
    registrations.jacobian_max,
    registrations.coverage_ratio,
    registrations.transform_path,
    registrations.aligned_path,
    registrations.input_sha256,
    registrations.software
from registrations
inner join visits using (patient_id, session_id);

comment on view registration is 'One row per alignment of one scan to another';
comment on column registration.patient_id is 'participant label';
comment on column registration.session_id is 'session of the scan that was moved';
comment on column registration.acquired_on is 'day of the scan that was moved; empty when unknown';
comment on column registration.moving_path is 'scan that was moved, relative to the study folder';
comment on column registration.fixed_path is 'scan it was brought to, relative to the study folder';
comment on column registration.role is 'visit_to_reference or sequence_to_anchor';
comment on column registration.method is 'how the two were aligned';
comment on column registration.grade is 'A: can be trusted, B: look first, C: not aligned';
comment on column registration.grade_reasons is 'what the grade rests on, in words';
comment on column registration.local_correlation is 'local similarity along the cord, -1 to 1';
comment on column registration.inverse_consistency_mm is 'distance by which there and back misses, mm; empty for a rigid alignment, found one way only';
comment on column registration.jacobian_min is 'smallest local volume ratio of the transform; 1 keeps volumes';
comment on column registration.jacobian_max is 'largest local volume ratio of the transform; 1 keeps volumes';
comment on column registration.coverage_ratio is 'share of the reference that the moved scan covers, 0 to 1';
comment on column registration.transform_path is 'transform file, relative to the output folder';
comment on column registration.aligned_path is 'moved image on the reference grid, relative to the output folder';
comment on column registration.input_sha256 is 'digest of everything the alignment was computed from';
comment on column registration.software is 'programs and versions';
