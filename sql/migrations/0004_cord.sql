-- Where compartments lie along the cord, their sections there, and how they look on the scans.
create table record.cord_profile (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null check (compartment in (
        'tumour', 'enhancing', 'cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage', 'cord')),
    line_source varchar not null check (line_source in ('cord mask', 'lesion axis')),
    line_session_id varchar not null,
    start_mm double not null check (isfinite(start_mm)),
    areas_mm2 varchar not null check (regexp_full_match(areas_mm2, '(x|[0-9]+\.[0-9])( (x|[0-9]+\.[0-9]))*')),
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.shape (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null check (compartment in (
        'tumour', 'enhancing', 'cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage')),
    line_source varchar check (line_source in ('cord mask', 'lesion axis')),
    along_length_mm double check (along_length_mm >= 0 and isfinite(along_length_mm)),
    centre_position_mm double check (isfinite(centre_position_mm)),
    largest_area_mm2 double check (largest_area_mm2 >= 0 and isfinite(largest_area_mm2)),
    largest_area_position_mm double check (isfinite(largest_area_position_mm)),
    cord_share_ratio double check (cord_share_ratio between 0 and 1),
    missing_reason varchar,
    signal_mean double check (isfinite(signal_mean)),
    signal_spread_ratio double check (signal_spread_ratio >= 0 and isfinite(signal_spread_ratio)),
    margin_width_mm double check (margin_width_mm > 0 and isfinite(margin_width_mm)),
    margin varchar check (margin in ('sharp', 'blurred')),
    margin_reason varchar,
    enhancing_ratio double check (enhancing_ratio between 0 and 1),
    enhancement varchar check (enhancement in ('none', 'homogeneous', 'heterogeneous', 'ring')),
    enhancement_reason varchar,
    adc_mean double check (isfinite(adc_mean)),
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (along_length_mm is not null or missing_reason is not null),
    check (margin is not null or margin_reason is not null),
    check (enhancement is not null or enhancement_reason is not null)
);
