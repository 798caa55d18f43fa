-- Verdicts as judged then, what opened a course, and treatments whose day or kind is not known exactly.
alter table record.patient add column is_enhancing boolean;
alter table record.treatment add column started_by date;
alter table record.treatment add column ended_by date;
alter table record.treatment add column dose_mg double;
alter table record.treatment add column written varchar;
alter table record.assessment add column course varchar;
alter table record.assessment add column category_then varchar;
alter table record.assessment add column state_then varchar;
alter table record.assessment add column reason_then varchar;
