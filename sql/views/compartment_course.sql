-- One row per visit and compartment that is followed and never judged: what became of it, in its own words.
create or replace view compartment_course as
select c.patient_id, c.session_id, v.acquired_on, c.compartment, c.course, c.compared_session_id, c.reason
from record.compartment_course as c
inner join record.visit as v using (patient_id, session_id);

comment on view compartment_course is 'One row per visit and compartment that is followed and never judged';
comment on column compartment_course.patient_id is 'participant label';
comment on column compartment_course.session_id is 'session label';
comment on column compartment_course.acquired_on is 'day of the scan';
comment on column compartment_course.compartment is 'cyst, syrinx, oedema, cavity or haemorrhage';
comment on column compartment_course.course is 'first measured, appearing, growing, shrinking, vanished, no change, none seen or not measured';
comment on column compartment_course.compared_session_id is 'session at which it last changed, which it is compared with';
comment on column compartment_course.reason is 'size, change and day in one sentence';
