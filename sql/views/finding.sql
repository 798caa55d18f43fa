-- One row per oddity that a person should know.
create or replace view finding as
select code, severity, step, path, patient_id, session_id, message, remedy
from record.finding;

comment on view finding is 'One row per oddity that a person should know';
comment on column finding.code is 'short name of the kind of finding';
comment on column finding.severity is 'error (something was left out), warning (used, but look) or note';
comment on column finding.step is 'part of the pipeline that noticed';
comment on column finding.path is 'file concerned, when there is one';
comment on column finding.patient_id is 'participant label, when there is one';
comment on column finding.session_id is 'session label, when there is one';
comment on column finding.message is 'where, what was expected, what came';
comment on column finding.remedy is 'what to do';
