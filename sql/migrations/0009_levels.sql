-- Disc labels along the centre line, and the vertebral levels of each compartment.
create table record.disc (
    patient_id varchar not null,
    session_id varchar not null,
    number integer not null check (number between 2 and 25),
    name varchar not null check (regexp_full_match(name, '[CTL][0-9]{1,2}/[CTLS][0-9]{1,2}')),
    position_mm double check (isfinite(position_mm)),
    missing_reason varchar,
    is_used boolean not null,
    label_origin varchar not null check (label_origin in ('manual', 'edited', 'automatic')),
    path varchar not null,
    sha256 varchar not null,
    primary key (patient_id, session_id, number),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check ((position_mm is null) = (missing_reason is not null)),
    check (not is_used or position_mm is not null)
);

create table record.level (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null check (compartment in (
        'tumour', 'enhancing', 'cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage')),
    upper_end_mm double check (isfinite(upper_end_mm)),
    lower_end_mm double check (isfinite(lower_end_mm)),
    upper_level varchar check (regexp_full_match(upper_level, '((above|below) )?[CTLS][0-9]{1,2}(/[CTLS][0-9]{1,2})?')),
    lower_level varchar check (regexp_full_match(lower_level, '((above|below) )?[CTLS][0-9]{1,2}(/[CTLS][0-9]{1,2})?')),
    label_session_id varchar,
    missing_reason varchar,
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (upper_end_mm >= lower_end_mm),
    check ((upper_level is not null and lower_level is not null) or missing_reason is not null),
    check ((upper_level is null and lower_level is null) or label_session_id is not null)
);
