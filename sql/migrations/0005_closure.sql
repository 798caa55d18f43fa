-- Whether alignments close: reference to a visit straight, and by way of an earlier visit.
create table record.closure (
    patient_id varchar not null,
    session_id varchar not null,
    through_session_id varchar not null,
    closure_mm double not null check (closure_mm >= 0 and isfinite(closure_mm)),
    primary key (patient_id, session_id),
    foreign key (patient_id, session_id) references record.visit (patient_id, session_id),
    foreign key (patient_id, through_session_id) references record.visit (patient_id, session_id),
    check (session_id <> through_session_id)
);
