-- Places that may be new tumour where none was drawn: flags for a person, never measurements.
create table record.new_signal (
    patient_id varchar not null,
    session_id varchar not null,
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
