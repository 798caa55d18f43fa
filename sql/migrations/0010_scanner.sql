-- How each scan was made, and what changed between the visits that are compared with each other.
create table record.acquisition (
    patient_id varchar not null,
    session_id varchar not null,
    path varchar primary key,
    manufacturer varchar,
    model varchar,
    field_tesla double check (field_tesla > 0 and isfinite(field_tesla)),
    device varchar check (regexp_full_match(device, '[tsn]-.+')),
    software varchar,
    echo_time_ms double check (echo_time_ms > 0 and isfinite(echo_time_ms)),
    repetition_time_ms double check (repetition_time_ms > 0 and isfinite(repetition_time_ms)),
    flip_angle_deg double check (flip_angle_deg > 0 and isfinite(flip_angle_deg)),
    slice_thickness_mm double check (slice_thickness_mm > 0 and isfinite(slice_thickness_mm)),
    slice_mm double check (slice_mm > 0 and isfinite(slice_mm)),
    pixel_mm double check (pixel_mm > 0 and isfinite(pixel_mm)),
    scanner_key varchar,
    scanner_name varchar,
    protocol_name varchar,
    missing_reason varchar,
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check ((scanner_key is null) = (missing_reason is not null))
);

create table record.protocol_change (
    patient_id varchar not null,
    session_id varchar not null,
    compared_session_id varchar not null,
    is_visit_before boolean not null,
    scanner varchar not null check (scanner in ('same', 'changed', 'cannot tell')),
    software varchar not null check (software in ('same', 'changed', 'cannot tell')),
    protocol varchar not null check (protocol in ('same', 'changed', 'cannot tell')),
    changes varchar,
    unknown varchar,
    primary key (patient_id, session_id, compared_session_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    foreign key (patient_id, compared_session_id) references record.visit (patient_id, session_id),
    check (session_id <> compared_session_id),
    check ('changed' not in (scanner, software, protocol) or changes is not null),
    check ('cannot tell' not in (scanner, protocol) or unknown is not null)
);
