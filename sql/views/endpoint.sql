-- One row per patient, criteria and time-to-event outcome.
create or replace view endpoint as
select
    patient_id,
    criteria_id,
    endpoint_id,
    time_zero_on,
    ended_on,
    ended_on - time_zero_on as duration_days,
    coalesce(shortest_days, ended_on - time_zero_on) as shortest_days,
    coalesce(longest_days, ended_on - time_zero_on) as longest_days,
    is_event,
    is_competing,
    reason
from record.endpoint;

comment on view endpoint is 'One row per patient, criteria and outcome';
comment on column endpoint.patient_id is 'participant label';
comment on column endpoint.criteria_id is 'criteria that judged';
comment on column endpoint.endpoint_id is 'ttp (time to progression), pfs (progression-free survival), rfs (recurrence-free survival), local_control, os (overall survival: death from any cause), or any_lesion (as ttp, and so does progression of one lesion judged by itself)';
comment on column endpoint.time_zero_on is 'day the clock starts';
comment on column endpoint.ended_on is 'day of the event, of the competing event, or of the last adequate assessment';
comment on column endpoint.duration_days is 'time from start to end, days';
comment on column endpoint.shortest_days is 'the shortest time that days known only as a month or a year allow, days';
comment on column endpoint.longest_days is 'the longest of them, days';
comment on column endpoint.is_event is 'true for an event, false for censoring and for a competing event';
comment on column endpoint.is_competing is 'true when something came first after which the event can no longer be seen (local control: death, a lesion elsewhere)';
comment on column endpoint.reason is 'what ended the observation, in words';
