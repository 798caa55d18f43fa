-- The tables of the store, one per record of pipeline/core/records.py and context_records.py.
-- Lengths in mm, areas in mm², volumes in mm³, days as dates. NULL means unknown and a reason column says why.
-- isfinite: NaN sorts above every number in DuckDB, so a plain `>= 0` would let it in.

-- Raise the version with every change of a table, or of a column of a view: no store is ever altered. One of another
-- version is recognised by it and made anew by the next run, from finished steps and journal.
create schema meta;
create table meta.store_version (version integer not null);
insert into meta.store_version values (37);

create schema record;

-- The study folder that was read; one row.
create table record.study (
    name varchar not null,
    is_synthetic boolean not null,
    default_criteria_id varchar not null,
    content_sha256 varchar not null
);

-- Who takes part, with what participants.tsv says of them.
create table record.patient (
    patient_id varchar primary key,
    sex varchar,
    age_years double check (age_years >= 0 and isfinite(age_years)),
    histology varchar, who_grade varchar, level varchar, syndrome varchar, centre varchar,
    died_on date, last_contact_on date, is_enhancing boolean,
    mycn varchar check (mycn in ('amplified', 'not amplified', 'unknown')),
    h3_k27 varchar check (h3_k27 in ('altered', 'wild type', 'unknown')),
    died_by date check (died_by > died_on),
    last_contact_by date check (last_contact_by > last_contact_on)
);

-- A session: usable, or why not.
create table record.visit (
    patient_id varchar not null references record.patient (patient_id),
    session_id varchar not null,
    acquired_on date,
    is_reference boolean not null,
    status varchar not null check (status in ('usable', 'undated', 'failed')),
    status_reason varchar,
    acquired_by date check (acquired_by > acquired_on),
    acquired_at varchar, leptomeningeal boolean, table_scans varchar,
    primary key (patient_id, session_id),
    check (status = 'usable' or status_reason is not null),
    check (status <> 'usable' or acquired_on is not null)
);

-- An image file; the anchor is the one that the visit is measured on.
create table record.scan (
    patient_id varchar not null, session_id varchar not null,
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

-- What was done to the tumour, and when.
create table record.treatment (
    patient_id varchar not null references record.patient (patient_id),
    started_on date not null,
    kind varchar not null,
    ended_on date check (ended_on >= started_on),
    extent varchar,
    dose_gy double check (dose_gy >= 0 and isfinite(dose_gy)),
    agent varchar,
    started_by date check (started_by >= started_on), ended_by date check (ended_by >= ended_on),
    dose_mg double check (dose_mg >= 0 and isfinite(dose_mg)),
    written varchar, started_at varchar
);

-- How well a patient walks and lives, on a scale.
create table record.function_score (
    patient_id varchar not null references record.patient (patient_id),
    assessed_on date not null,
    scale_id varchar not null,
    grade double not null check (isfinite(grade)),
    tumour_related boolean not null,
    assessed_by date check (assessed_by > assessed_on)
);

-- An alignment and the grade of its certificate.
create table record.registration (
    patient_id varchar not null, session_id varchar not null,
    moving_path varchar not null, fixed_path varchar not null,
    role varchar not null check (role in ('visit_to_reference', 'sequence_to_anchor')),
    method varchar not null,
    grade varchar not null check (grade in ('A', 'B', 'C')),
    grade_reasons varchar not null,
    local_correlation double check (isfinite(local_correlation)),
    inverse_consistency_mm double check (inverse_consistency_mm >= 0 and isfinite(inverse_consistency_mm)),
    jacobian_min double check (isfinite(jacobian_min)),
    jacobian_max double check (isfinite(jacobian_max)),
    coverage_ratio double check (coverage_ratio between 0 and 1),
    transform_path varchar, aligned_path varchar,
    input_sha256 varchar not null, software varchar not null,
    primary key (patient_id, session_id, moving_path, role),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- A mask: whose, of which scan, and how sure an automatic one is (spread of the ways, unexplained signal, found smaller).
create table record.segmentation (
    patient_id varchar not null, session_id varchar not null,
    compartment varchar not null,
    source varchar not null,
    mask_origin varchar not null check (mask_origin in ('manual', 'edited', 'automatic')),
    folder varchar not null check (folder in ('study', 'output')),
    path varchar not null, scan_path varchar not null, sha256 varchar not null,
    is_primary boolean not null,
    method varchar not null, note varchar, software varchar not null,
    spread_cv double, signal_cv double, shrinkage_cv double,
    primary key (patient_id, session_id, compartment, source),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- One compartment of one visit; volume 0 means looked for and not there.
create table record.measurement (
    patient_id varchar not null, session_id varchar not null,
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
    bound_reason varchar,
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (volume_mm3 is not null or missing_reason is not null),
    check (volume_cv is null or cv_source is not null)
);

-- A connected piece of tumour, with the name of the lesion that it is part of.
create table record.lesion_component (
    patient_id varchar not null, session_id varchar not null,
    lesion_id varchar not null,
    component_id integer not null,
    status varchar not null check (status in ('persistent', 'new', 'split', 'merged', 'resolved', 'not_assessable')),
    volume_mm3 double check (volume_mm3 >= 0 and isfinite(volume_mm3)),
    centre_x_mm double check (isfinite(centre_x_mm)),
    centre_y_mm double check (isfinite(centre_y_mm)),
    centre_z_mm double check (isfinite(centre_z_mm)),
    component_sha256 varchar,
    scan_x_mm double check (isfinite(scan_x_mm)),
    scan_y_mm double check (isfinite(scan_y_mm)),
    scan_z_mm double check (isfinite(scan_z_mm)),
    named_as varchar, missing_reason varchar,
    primary key (patient_id, session_id, lesion_id, component_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- One finding of one lesion at one visit: a term, a number with its interval, or the reason why there is neither.
create table record.description (
    patient_id varchar not null, session_id varchar not null,
    lesion_id varchar not null,
    finding varchar not null check (regexp_full_match(finding, '[a-z0-9_]+(:.+)?')),
    value varchar,
    number double check (isfinite(number)),
    low double check (isfinite(low)),
    high double check (high >= low and isfinite(high)),
    unit varchar,
    sureness varchar check (sureness in ('sure', 'unsure')),
    reason varchar,
    scans varchar,
    primary key (patient_id, session_id, lesion_id, finding),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check ((value is null and number is null) = (sureness is null)),
    check (value is not null or number is not null or reason is not null)
);

-- What became of a finding since the visit before at which it was told.
create table record.description_change (
    patient_id varchar not null, session_id varchar not null,
    lesion_id varchar not null,
    finding varchar not null,
    compared_session_id varchar not null,
    course varchar not null check (course in ('changed', 'unchanged', 'cannot be compared')),
    reason varchar,
    value_before varchar,
    number_before double check (isfinite(number_before)),
    primary key (patient_id, session_id, lesion_id, finding),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    foreign key (patient_id, compared_session_id) references record.visit (patient_id, session_id),
    check (session_id <> compared_session_id),
    check ((course = 'cannot be compared') = (reason is not null))
);

-- A published frequency beside a sure finding of the last visit that has it; no probability of a diagnosis.
create table record.fits (
    patient_id varchar not null, lesion_id varchar not null, session_id varchar not null,
    finding varchar not null, value varchar not null,
    histology varchar not null, is_recorded boolean not null,
    term varchar not null,
    low_percent double not null check (low_percent >= 0),
    high_percent double not null check (high_percent between low_percent and 100),
    people integer check (people > 0),
    source varchar not null,
    note varchar,
    primary key (patient_id, lesion_id, finding, histology, term),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (note is null or is_recorded)
);

-- The rules that judged.
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

-- A verdict, and the visits that it was judged against.
create table record.assessment (
    patient_id varchar not null, session_id varchar not null,
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
    baseline_session_id varchar, nadir_session_id varchar, previous_session_id varchar,
    change_ratio double check (change_ratio >= 0 and isfinite(change_ratio)),
    detection_limit_ratio double check (detection_limit_ratio >= 1 and isfinite(detection_limit_ratio)),
    probability double check (probability between 0 and 1),
    reason varchar not null,
    course varchar not null, category_then varchar not null, state_then varchar not null, reason_then varchar not null,
    clauses varchar not null,
    change_low_ratio double check (change_low_ratio >= 0 and isfinite(change_low_ratio)),
    change_high_ratio double check (change_high_ratio >= change_low_ratio and isfinite(change_high_ratio)),
    next_nadir_session_id varchar,
    progression_from_mm3 double check (progression_from_mm3 > 0 and isfinite(progression_from_mm3)),
    left_out_mm3 double not null check (left_out_mm3 >= 0 and isfinite(left_out_mm3)),
    primary key (patient_id, session_id, criteria_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- The verdict on one lesion by itself.
create table record.lesion_assessment (
    patient_id varchar not null, session_id varchar not null,
    lesion_id varchar not null,
    criteria_id varchar not null references record.criteria (criteria_id),
    criteria_version varchar not null,
    category varchar not null check (category in ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')),
    state varchar not null check (state in (
        'context', 'baseline', 'residual_stable', 'stable', 'seen_again', 'progression', 'recurrence', 'distant', 'response',
        'no_evidence_of_disease', 'not_evaluable')),
    display_state varchar not null check (display_state in (
        'growth', 'possible_growth', 'no_change', 'possible_shrinkage', 'shrinkage', 'none_seen', 'not_evaluable')),
    is_confirmed boolean not null, is_provisional boolean not null, is_worst boolean not null,
    epoch integer not null, course varchar not null,
    baseline_session_id varchar, nadir_session_id varchar,
    volume_mm3 double check (volume_mm3 >= 0 and isfinite(volume_mm3)),
    volume_cv double check (volume_cv >= 0 and isfinite(volume_cv)),
    change_ratio double check (change_ratio >= 0 and isfinite(change_ratio)),
    detection_limit_ratio double check (detection_limit_ratio >= 1 and isfinite(detection_limit_ratio)),
    probability double check (probability between 0 and 1),
    missing_reason varchar, reason varchar not null,
    category_then varchar not null, state_then varchar not null, reason_then varchar not null,
    clauses varchar not null,
    primary key (patient_id, session_id, lesion_id, criteria_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (volume_mm3 is not null or missing_reason is not null)
);

-- The verdict of a reading beside solid tumour: with its cyst counted, of its enhancing and T2 parts, and of both.
create table record.reading_assessment (
    patient_id varchar not null, session_id varchar not null,
    reading varchar not null check (reading in ('solid_and_cyst', 'enhancing', 't2', 'mixed')),
    criteria_id varchar not null references record.criteria (criteria_id),
    criteria_version varchar not null,
    category varchar not null check (category in ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')),
    state varchar not null check (state in (
        'context', 'baseline', 'residual_stable', 'stable', 'seen_again', 'progression', 'recurrence', 'distant', 'response',
        'no_evidence_of_disease', 'not_evaluable')),
    display_state varchar not null check (display_state in (
        'growth', 'possible_growth', 'no_change', 'possible_shrinkage', 'shrinkage', 'none_seen', 'not_evaluable')),
    is_confirmed boolean not null, is_provisional boolean not null, is_different boolean not null,
    epoch integer not null, course varchar not null,
    baseline_session_id varchar, nadir_session_id varchar,
    volume_mm3 double check (volume_mm3 >= 0 and isfinite(volume_mm3)),
    volume_cv double check (volume_cv >= 0 and isfinite(volume_cv)),
    change_ratio double check (change_ratio >= 0 and isfinite(change_ratio)),
    change_low_ratio double check (change_low_ratio >= 0 and isfinite(change_low_ratio)),
    change_high_ratio double check (change_high_ratio >= change_low_ratio and isfinite(change_high_ratio)),
    detection_limit_ratio double check (detection_limit_ratio >= 1 and isfinite(detection_limit_ratio)),
    probability double check (probability between 0 and 1),
    reason varchar not null,
    category_then varchar not null, state_then varchar not null, reason_then varchar not null,
    clauses varchar not null,
    primary key (patient_id, session_id, reading, criteria_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- How well each kind of tumour fits a patient's readings up to the last visit, relative to the best, and what it tells.
create table record.kind_evidence (
    patient_id varchar not null, session_id varchar not null,
    criteria_id varchar not null references record.criteria (criteria_id),
    course varchar not null,
    usual_likelihood double not null check (usual_likelihood between 0 and 1),
    still_likelihood double not null check (still_likelihood between 0 and 1),
    steady_likelihood double not null check (steady_likelihood between 0 and 1),
    by_jumps_likelihood double not null check (by_jumps_likelihood between 0 and 1),
    otherwise_likelihood double not null check (otherwise_likelihood between 0 and 1),
    usual_probability double not null check (usual_probability between 0 and 1),
    still_probability double not null check (still_probability between 0 and 1),
    steady_probability double not null check (steady_probability between 0 and 1),
    by_jumps_probability double not null check (by_jumps_probability between 0 and 1),
    otherwise_probability double not null check (otherwise_probability between 0 and 1),
    primary key (patient_id, criteria_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- How often each kind is met among the people of the study in one kind of course; replaced as a whole by every publish.
create table record.cohort_share (
    criteria_id varchar not null references record.criteria (criteria_id),
    course varchar not null,
    people bigint not null check (people > 0),
    version varchar not null,
    usual_share double check (usual_share between 0 and 1),
    still_share double check (still_share between 0 and 1),
    steady_share double check (steady_share between 0 and 1),
    by_jumps_share double check (by_jumps_share between 0 and 1),
    otherwise_share double check (otherwise_share between 0 and 1),
    growing_share double check (growing_share between 0 and 1),
    growing_low_share double check (growing_low_share between 0 and 1),
    growing_high_share double check (growing_high_share between 0 and 1),
    reason varchar,
    primary key (criteria_id, course),
    check (growing_share is not null or reason is not null)
);

-- What all readings since the baseline say of one compartment at one judged visit, with 95 % intervals.
create table record.series_estimate (
    patient_id varchar not null, session_id varchar not null,
    criteria_id varchar not null references record.criteria (criteria_id),
    compartment varchar not null,
    volume_mm3 double check (volume_mm3 > 0 and isfinite(volume_mm3)),
    low_mm3 double check (low_mm3 > 0), high_mm3 double check (high_mm3 >= low_mm3 and isfinite(high_mm3)),
    baseline_low_ratio double check (baseline_low_ratio >= 0),
    baseline_high_ratio double check (baseline_high_ratio >= baseline_low_ratio and isfinite(baseline_high_ratio)),
    nadir_low_ratio double check (nadir_low_ratio >= 0),
    nadir_high_ratio double check (nadir_high_ratio >= nadir_low_ratio and isfinite(nadir_high_ratio)),
    previous_low_ratio double check (previous_low_ratio >= 0),
    previous_high_ratio double check (previous_high_ratio >= previous_low_ratio and isfinite(previous_high_ratio)),
    smallest_session_id varchar,
    smallest_low_ratio double check (smallest_low_ratio >= 0),
    smallest_high_ratio double check (smallest_high_ratio >= smallest_low_ratio and isfinite(smallest_high_ratio)),
    limit_ratio double check (limit_ratio >= 1 and isfinite(limit_ratio)),
    primary key (patient_id, session_id, criteria_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- A time-to-event outcome.
create table record.endpoint (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    endpoint_id varchar not null,
    time_zero_on date not null,
    ended_on date not null,
    is_event boolean not null,
    reason varchar not null,
    shortest_days integer check (shortest_days >= 0),
    longest_days integer,
    is_competing boolean not null,
    primary key (patient_id, criteria_id, endpoint_id),
    check (not (is_event and is_competing)),
    check (ended_on >= time_zero_on),
    check (longest_days >= shortest_days)
);

-- The best response of a course, by confirmed scans and by single ones.
create table record.best_response (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    epoch integer not null,
    look varchar not null check (look in ('confirmed', 'unconfirmed')),
    course varchar not null,
    cause varchar not null,
    best varchar not null check (best in ('CR', 'PR', 'MR', 'SD', 'NON-CR/NON-PD', 'PD', 'NE')),
    baseline_session_id varchar,
    time_zero_on date, best_on date, lasts_from_on date, ended_on date,
    is_event boolean,
    is_provisional boolean not null,
    reason varchar not null,
    primary key (patient_id, criteria_id, epoch, look),
    check (ended_on >= lasts_from_on),
    check (lasts_from_on is null or ended_on is not null)  -- its end may be known where its beginning is not
);

-- When the next scan is due.
create table record.next_scan (
    patient_id varchar primary key references record.patient (patient_id),
    surveillance_id varchar not null,
    schedule_id varchar not null,
    counted_from date not null,
    due_on date check (due_on > counted_from),
    overdue_from date check (overdue_from > due_on),
    interval_days integer check (interval_days > 0),
    rule varchar not null,
    source varchar not null,
    closer_reason varchar,
    assumed varchar
);

-- The form of a look at the whole neuraxis at one visit; NULL is what nobody filled in.
create table record.neuraxis (
    patient_id varchar not null, session_id varchar not null,
    brain varchar check (brain in ('yes', 'partly', 'no')),
    cervical varchar check (cervical in ('yes', 'partly', 'no')),
    thoracic varchar check (thoracic in ('yes', 'partly', 'no')),
    lumbar varchar check (lumbar in ('yes', 'partly', 'no')),
    contrast varchar check (contrast in ('yes', 'no')),
    brain_nodules varchar check (brain_nodules in ('present', 'absent', 'not evaluable')),
    brain_linear varchar check (brain_linear in ('present', 'absent', 'not evaluable')),
    hydrocephalus varchar check (hydrocephalus in ('present', 'absent', 'not evaluable')),
    spine_nodules varchar check (spine_nodules in ('present', 'absent', 'not evaluable')),
    spine_linear varchar check (spine_linear in ('present', 'absent', 'not evaluable')),
    csf_cytology varchar check (csf_cytology in ('present', 'absent', 'not evaluable')),
    reader varchar,
    leptomeningeal varchar not null check (leptomeningeal in ('yes', 'no', 'not imaged')),
    present varchar,
    missing varchar,
    primary key (patient_id, session_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check (leptomeningeal <> 'no' or (present is null or present = 'hydrocephalus'))
);

-- What a person should know: what was left out, and what to look at.
create table record.finding (
    code varchar not null,
    severity varchar not null check (severity in ('error', 'warning', 'note')),
    step varchar not null,
    path varchar, patient_id varchar, session_id varchar,
    message varchar not null, remedy varchar not null
);

-- The run that published this file; one row.
create table record.run (
    run_id varchar primary key,
    finished_at timestamp not null,
    cordtrack_version varchar not null,
    software varchar not null,
    settings varchar not null,
    content_sha256 varchar not null
);

-- Areas along the cord, millimetre by millimetre.
create table record.cord_profile (
    patient_id varchar not null, session_id varchar not null,
    compartment varchar not null check (compartment in (
        'tumour', 'enhancing', 'cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage', 'cord')),
    line_source varchar not null check (line_source in ('cord mask', 'lesion axis')),
    line_session_id varchar not null,
    start_mm double not null check (isfinite(start_mm)),
    areas_mm2 varchar not null check (regexp_full_match(areas_mm2, '(x|[0-9]+\.[0-9])( (x|[0-9]+\.[0-9]))*')),
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- Where a compartment lies along the cord, its section there, and how it looks on the scans.
create table record.shape (
    patient_id varchar not null, session_id varchar not null,
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

-- Whether alignments close: reference to a visit straight, and by way of an earlier visit.
create table record.closure (
    patient_id varchar not null, session_id varchar not null,
    through_session_id varchar not null,
    closure_mm double not null check (closure_mm >= 0 and isfinite(closure_mm)),
    primary key (patient_id, session_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    foreign key (patient_id, through_session_id) references record.visit (patient_id, session_id),
    check (session_id <> through_session_id)
);

-- What became of compartments that are followed and never judged.
create table record.compartment_course (
    patient_id varchar not null, session_id varchar not null,
    compartment varchar not null check (compartment in ('cyst', 'syrinx', 'oedema', 'cavity', 'haemorrhage')),
    course varchar not null check (course in (
        'first measured', 'appearing', 'growing', 'shrinking', 'vanished', 'no change', 'none seen', 'not measured')),
    compared_session_id varchar,
    reason varchar not null,
    primary key (patient_id, session_id, compartment),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- The extent of a surgery, as reported and as the scans show it.
create table record.resection (
    patient_id varchar not null references record.patient (patient_id),
    operated_on date not null,
    extent_surgeon varchar,
    extent_mri varchar check (extent_mri in ('GTR', 'NTR', 'STR', 'PR')),
    before_session_id varchar, after_session_id varchar,
    is_contradiction boolean not null,
    is_provisional boolean not null,
    reason varchar not null
);

-- How fast solid tumour grew in a stretch without treatment.
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

-- What each patient's rows were published from: a run rewrites only those of which it changed.
create table record.published_patient (
    patient_id varchar primary key references record.patient (patient_id),
    input_sha256 varchar not null,
    beside_sha256 varchar not null,
    content_sha256 varchar not null
);

-- How far each file of the journal went when this was published.
create table record.journal_head (
    file varchar primary key,
    line_count integer not null check (line_count >= 0),
    size_bytes bigint not null check (size_bytes >= 0),
    sha256 varchar not null
);

-- What people decided, copied from the journal at each publish; the journal itself lies beside this file.
create table record.journal_entry (
    entry_id varchar primary key,
    written_at timestamp not null,
    who varchar not null,
    act varchar not null check (act in (
        'accept_mask', 'exclude_mask', 'exclude_visit', 'pin_baseline', 'correct_lesion', 'withdraw_lesion',
        'name_lesions', 'correct_mask', 'correct_finding', 'comment', 'note', 'decision', 'undo')),
    patient_id varchar not null,
    session_id varchar, compartment varchar, mask_sha256 varchar,
    lesion_id varchar, same_as varchar, reason varchar, undoes varchar,
    status varchar not null check (status in ('in_force', 'undone', 'replaced', 'lapsed')),
    status_reason varchar,
    scan_sha256 varchar,
    replaces_sha256 varchar,
    meeting_on date,
    component_sha256 varchar, component_at_mm varchar,
    drawn_how varchar,
    finding varchar, corrected_to varchar,
    check (status = 'in_force' or status_reason is not null),
    check (act <> 'correct_mask' or scan_sha256 is not null),
    check ((act in ('note', 'decision')) = (meeting_on is not null)),
    check ((act in ('correct_finding', 'name_lesions')) = (corrected_to is not null))
);

-- What is open about each patient under each set of criteria, the most urgent first (judge/urgency.py).
create table record.open_question (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    number integer not null check (number > 0),
    question varchar not null,
    rank integer not null check (rank > 0),
    needs_decision boolean not null,
    words varchar not null,
    brief varchar not null,
    primary key (patient_id, criteria_id, number)
);

-- What is worse about a patient that the state by volume does not show.
create table record.worse_beside (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    beside varchar not null,
    primary key (patient_id, criteria_id)
);

-- What judgement looked at, as text: dashboards ask it what an act would change before any run.
create table record.stored_course (
    patient_id varchar primary key references record.patient (patient_id),
    course varchar not null
);

-- The latest verdict as it would be without one act of a person.
create table record.act_effect (
    patient_id varchar not null references record.patient (patient_id),
    entry_id varchar not null,
    criteria_id varchar not null references record.criteria (criteria_id),
    session_id varchar not null,
    category varchar not null, state varchar not null, display_state varchar not null,
    is_confirmed boolean not null, is_provisional boolean not null,
    change_ratio double check (change_ratio >= 0 and isfinite(change_ratio)),
    reason varchar not null,
    clauses varchar not null,
    is_same boolean not null,
    reading varchar,  -- empty for the verdict on the patient
    unique (entry_id, criteria_id, reading),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id)
);

-- Disc labels along the centre line.
create table record.disc (
    patient_id varchar not null, session_id varchar not null,
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

-- The vertebral levels of a compartment.
create table record.level (
    patient_id varchar not null, session_id varchar not null,
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

-- How a scan was made.
create table record.acquisition (
    patient_id varchar not null, session_id varchar not null,
    path varchar primary key,
    manufacturer varchar, model varchar,
    field_tesla double check (field_tesla > 0 and isfinite(field_tesla)),
    device varchar check (regexp_full_match(device, '[tsn]-.+')),
    software varchar,
    echo_time_ms double check (echo_time_ms > 0 and isfinite(echo_time_ms)),
    repetition_time_ms double check (repetition_time_ms > 0 and isfinite(repetition_time_ms)),
    flip_angle_deg double check (flip_angle_deg > 0 and isfinite(flip_angle_deg)),
    slice_thickness_mm double check (slice_thickness_mm > 0 and isfinite(slice_thickness_mm)),
    slice_mm double check (slice_mm > 0 and isfinite(slice_mm)),
    pixel_mm double check (pixel_mm > 0 and isfinite(pixel_mm)),
    scanner_key varchar, scanner_name varchar, protocol_name varchar,
    missing_reason varchar,
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    check ((scanner_key is null) = (missing_reason is not null))
);

-- What changed between two visits that are compared with each other.
create table record.protocol_change (
    patient_id varchar not null, session_id varchar not null,
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

-- Places that may be new tumour where none was drawn: flags for a person, never measurements.
create table record.new_signal (
    patient_id varchar not null, session_id varchar not null,
    number integer not null check (number >= 1),
    compared_session_id varchar not null,
    approximate_mm3 double not null check (approximate_mm3 > 0 and isfinite(approximate_mm3)),
    right_mm double not null check (isfinite(right_mm)),
    anterior_mm double not null check (isfinite(anterior_mm)),
    superior_mm double not null check (isfinite(superior_mm)),
    reference_right_mm double not null check (isfinite(reference_right_mm)),
    reference_anterior_mm double not null check (isfinite(reference_anterior_mm)),
    reference_superior_mm double not null check (isfinite(reference_superior_mm)),
    primary key (patient_id, session_id, number),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    foreign key (patient_id, compared_session_id) references record.visit (patient_id, session_id),
    check (session_id <> compared_session_id)
);
