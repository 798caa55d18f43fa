-- What is open about each patient under each set of criteria, the most urgent first (pipeline/judge/urgency.py).
create table record.open_question (
    patient_id varchar not null references record.patient (patient_id),
    criteria_id varchar not null references record.criteria (criteria_id),
    number integer not null check (number > 0),
    question varchar not null,
    rank integer not null check (rank > 0),
    needs_decision boolean not null,
    words varchar not null,
    primary key (patient_id, criteria_id, number)
);
