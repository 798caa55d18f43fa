-- What the scans of a visit say of each lesion beside its size, finding by finding; nothing of it is judged.
create or replace view description as
with corrections as (
    select patient_id, session_id, lesion_id, finding, corrected_to, who, written_at, reason
    from record.journal_entry
    where act = 'correct_finding' and status = 'in_force'
)
select
    described.patient_id,
    described.session_id,
    described.lesion_id,
    described.finding,
    described.value,
    described.number,
    described.low,
    described.high,
    described.unit,
    described.sureness,
    described.reason,
    described.scans,
    corrections.corrected_to,
    corrections.who as corrected_by,
    corrections.written_at as corrected_at,
    corrections.reason as corrected_reason
from record.description as described
left join corrections
    on described.patient_id = corrections.patient_id and described.session_id = corrections.session_id
    and described.lesion_id = corrections.lesion_id and described.finding = corrections.finding;

comment on view description is 'One row per finding, lesion and visit; every finding of the list has its row';
comment on column description.patient_id is 'participant label';
comment on column description.session_id is 'session label';
comment on column description.lesion_id is 'lesion; none where no lesion of the patient has a name';
comment on column description.finding is 'what is described, such as t2_signal or enhancement (docs/measures.md lists all)';
comment on column description.value is 'term of that finding; empty where there is none, and then a number or the reason stands beside it';
comment on column description.number is 'measure behind the term, in unit';
comment on column description.low is 'lower end of its 95 % interval, in unit';
comment on column description.high is 'upper end of its 95 % interval, in unit';
comment on column description.unit is 'what number, low and high are counted in';
comment on column description.sureness is 'sure or unsure; empty where nothing is said';
comment on column description.reason is 'why nothing is said or why it is not sure; beside sure ones, what it rests on';
comment on column description.scans is 'scans that it was taken from, relative to the study folder, separated by semicolons';
comment on column description.corrected_to is 'what a person reads in its place, beside what was measured; empty where nobody reads it otherwise';
comment on column description.corrected_by is 'the person';
comment on column description.corrected_at is 'when they said so, UTC';
comment on column description.corrected_reason is 'their reason';
