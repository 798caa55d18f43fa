-- What the scans of a visit say of each lesion beside its size, finding by finding; nothing of it is judged.
create or replace view description as
select
    patient_id,
    session_id,
    lesion_id,
    finding,
    value,
    number,
    low,
    high,
    unit,
    sureness,
    reason,
    scans
from record.description;

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
