-- What stands beside judgement: courses of other compartments, extents of resection, rates of growth.
create table record.compartment_course (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null check (compartment in ('cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage')),
    course varchar not null check (course in (
        'first measured', 'appearing', 'growing', 'shrinking', 'vanished', 'no change', 'none seen', 'not measured')),
    compared_session_id varchar,
    reason varchar not null,
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.resection (
    patient_id varchar not null references record.patient (patient_id),
    operated_on date not null,
    extent_surgeon varchar,
    extent_mri varchar check (extent_mri in ('GTR', 'NTR', 'STR', 'PR')),
    before_session_id varchar,
    after_session_id varchar,
    is_contradiction boolean not null,
    is_provisional boolean not null,
    reason varchar not null
);

create table record.growth_rate (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null,
    epoch integer not null,
    first_session_id varchar not null,
    last_session_id varchar not null,
    scan_count integer not null check (scan_count >= 2),
    days integer not null check (days > 0),
    specific_per_year double not null check (isfinite(specific_per_year)),
    specific_low_per_year double check (isfinite(specific_low_per_year)),
    specific_high_per_year double check (isfinite(specific_high_per_year)),
    doubling_time_days double check (isfinite(doubling_time_days)),
    diameter_mm_per_year double not null check (isfinite(diameter_mm_per_year)),
    diameter_low_mm_per_year double check (isfinite(diameter_low_mm_per_year)),
    diameter_high_mm_per_year double check (isfinite(diameter_high_mm_per_year)),
    length_mm_per_year double check (isfinite(length_mm_per_year)),
    length_low_mm_per_year double check (isfinite(length_low_mm_per_year)),
    length_high_mm_per_year double check (isfinite(length_high_mm_per_year)),
    residual_sd double check (residual_sd >= 0 and isfinite(residual_sd)),
    error_sd double check (error_sd >= 0 and isfinite(error_sd)),
    detectable_on date,
    is_provisional boolean not null,
    primary key (patient_id, criteria_id, epoch)
);
