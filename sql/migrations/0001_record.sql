-- What was read and what was computed, one table per record of pipeline/core/records.py.
-- Lengths in mm, areas in mm², volumes in mm³, days as dates. NULL means unknown and a reason column says why.
-- isfinite: NaN sorts above every number in DuckDB, so a plain `>= 0` would let it in.
create schema record;

create table record.study (
    name varchar not null,
    is_synthetic boolean not null,
    default_criteria_id varchar not null,
    content_sha256 varchar not null
);

create table record.patient (
    patient_id varchar primary key,
    sex varchar,
    age_years double check (age_years >= 0 and isfinite(age_years)),
    histology varchar,
    who_grade varchar,
    level varchar,
    syndrome varchar,
    centre varchar
);

create table record.visit (
    patient_id varchar not null references record.patient (patient_id),
    session_id varchar not null,
    acquired_on date,
    is_reference boolean not null,
    status varchar not null check (status in ('usable', 'undated', 'failed')),
    status_reason varchar,
    primary key (patient_id, session_id),
    check (status = 'usable' or status_reason is not null),
    check (status <> 'usable' or acquired_on is not null)
);

create table record.scan (
    patient_id varchar not null,
    session_id varchar not null,
    path varchar primary key,
    contrast varchar not null,
    is_anchor boolean not null,
    sha256 varchar not null,
    plane varchar check (plane in ('sagittal', 'axial', 'coronal', 'isotropic')),
    chunk varchar,
    spacing_i_mm double check (spacing_i_mm > 0 and isfinite(spacing_i_mm)),
    spacing_j_mm double check (spacing_j_mm > 0 and isfinite(spacing_j_mm)),
    spacing_k_mm double check (spacing_k_mm > 0 and isfinite(spacing_k_mm)),
    unreadable_reason varchar,
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.treatment (
    patient_id varchar not null references record.patient (patient_id),
    started_on date not null,
    kind varchar not null,
    ended_on date check (ended_on >= started_on),
    extent varchar,
    dose_gy double check (dose_gy >= 0 and isfinite(dose_gy)),
    agent varchar
);

create table record.function_score (
    patient_id varchar not null references record.patient (patient_id),
    assessed_on date not null,
    scale_id varchar not null,
    grade double not null check (isfinite(grade)),
    tumour_related boolean not null
);

create table record.registration (
    patient_id varchar not null,
    session_id varchar not null,
    moving_path varchar not null,
    fixed_path varchar not null,
    role varchar not null check (role in ('visit_to_reference', 'sequence_to_anchor')),
    method varchar not null,
    grade varchar not null check (grade in ('A', 'B', 'C')),
    grade_reasons varchar not null,
    local_correlation double check (isfinite(local_correlation)),
    inverse_consistency_mm double check (inverse_consistency_mm >= 0 and isfinite(inverse_consistency_mm)),
    jacobian_min double check (isfinite(jacobian_min)),
    jacobian_max double check (isfinite(jacobian_max)),
    coverage_ratio double check (coverage_ratio between 0 and 1),
    transform_path varchar,
    aligned_path varchar,
    input_sha256 varchar not null,
    software varchar not null,
    primary key (patient_id, session_id, moving_path, role),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.segmentation (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null,
    source varchar not null,
    mask_origin varchar not null check (mask_origin in ('manual', 'edited', 'automatic')),
    folder varchar not null check (folder in ('study', 'output')),
    path varchar not null,
    scan_path varchar not null,
    sha256 varchar not null,
    is_primary boolean not null,
    method varchar not null,
    note varchar,
    software varchar not null,
    primary key (patient_id, session_id, compartment, source),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.measurement (
    patient_id varchar not null,
    session_id varchar not null,
    compartment varchar not null check (compartment in (
        'tumour', 'enhancing', 'cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage', 'cord')),
    source varchar not null,
    volume_mm3 double check (volume_mm3 >= 0 and isfinite(volume_mm3)),
    volume_cv double check (volume_cv >= 0 and isfinite(volume_cv)),
    cv_source varchar check (cv_source in ('repeat_reads', 'published', 'automatic_spread', 'geometric_model', 'imported')),
    mask_origin varchar check (mask_origin in ('manual', 'edited', 'automatic', 'imported')),
    slices_spanned integer check (slices_spanned >= 0),
    axial_long_mm double check (axial_long_mm >= 0 and isfinite(axial_long_mm)),
    axial_perpendicular_mm double check (axial_perpendicular_mm >= 0 and isfinite(axial_perpendicular_mm)),
    length_mm double check (length_mm >= 0 and isfinite(length_mm)),
    component_count integer check (component_count >= 0),
    missing_reason varchar,
    product_mm2 double check (product_mm2 >= 0 and isfinite(product_mm2)),
    longest_mm double check (longest_mm >= 0 and isfinite(longest_mm)),
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (volume_mm3 is not null or missing_reason is not null),
    check (volume_cv is null or cv_source is not null)
);

create table record.lesion_component (
    patient_id varchar not null,
    session_id varchar not null,
    lesion_id varchar not null,
    component_id integer not null,
    status varchar not null check (status in ('persistent', 'new', 'split', 'merged', 'resolved', 'not_assessable')),
    volume_mm3 double check (volume_mm3 >= 0 and isfinite(volume_mm3)),
    centre_x_mm double check (isfinite(centre_x_mm)),
    centre_y_mm double check (isfinite(centre_y_mm)),
    centre_z_mm double check (isfinite(centre_z_mm)),
    primary key (patient_id, session_id, lesion_id, component_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.criteria (
    criteria_id varchar primary key,
    version varchar not null,
    title varchar not null,
    is_adapted boolean not null,
    metric varchar not null,
    source varchar not null,
    sha256 varchar not null,
    progression_ratio double check (progression_ratio > 1 and isfinite(progression_ratio)),
    response_ratio double check (response_ratio < 1 and isfinite(response_ratio))
);

create table record.assessment (
    patient_id varchar not null,
    session_id varchar not null,
    criteria_id varchar not null references record.criteria (criteria_id),
    criteria_version varchar not null,
    category varchar not null check (category in ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')),
    state varchar not null check (state in (
        'context', 'baseline', 'residual_stable', 'stable', 'seen_again', 'progression', 'recurrence', 'distant', 'response',
        'no_evidence_of_disease', 'not_evaluable')),
    display_state varchar not null check (display_state in (
        'growth', 'possible_growth', 'no_change', 'possible_shrinkage', 'shrinkage', 'none_seen', 'not_evaluable')),
    is_confirmed boolean not null,
    is_provisional boolean not null,
    epoch integer not null,
    baseline_session_id varchar,
    nadir_session_id varchar,
    previous_session_id varchar,
    change_ratio double check (change_ratio >= 0 and isfinite(change_ratio)),
    detection_limit_ratio double check (detection_limit_ratio >= 1 and isfinite(detection_limit_ratio)),
    probability double check (probability between 0 and 1),
    reason varchar not null,
    primary key (patient_id, session_id, criteria_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

create table record.endpoint (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    endpoint_id varchar not null,
    time_zero_on date not null,
    ended_on date not null,
    is_event boolean not null,
    reason varchar not null,
    primary key (patient_id, criteria_id, endpoint_id),
    check (ended_on >= time_zero_on)
);

create table record.next_scan (
    patient_id varchar primary key references record.patient (patient_id),
    surveillance_id varchar not null,
    schedule_id varchar not null,
    counted_from date not null,
    due_on date check (due_on > counted_from),
    overdue_from date check (overdue_from > due_on),
    interval_days integer check (interval_days > 0),
    rule varchar not null,
    source varchar not null
);

create table record.finding (
    code varchar not null,
    severity varchar not null check (severity in ('error', 'warning', 'note')),
    step varchar not null,
    path varchar,
    patient_id varchar,
    session_id varchar,
    message varchar not null,
    remedy varchar not null
);

create table record.run (
    run_id varchar primary key,
    finished_at timestamp not null,
    cordtrack_version varchar not null,
    software varchar not null,
    settings varchar not null,
    content_sha256 varchar not null
);
