-- One row per course, criteria and look: the best response, how long it took and how long it lasted.
create or replace view best_response as
with responses as (
    select
        patient_id, criteria_id, epoch, look, course, cause, best, baseline_session_id, time_zero_on, best_on,
        lasts_from_on, ended_on, is_event, is_provisional, reason
    from record.best_response
)
select
    patient_id,
    criteria_id,
    epoch,
    course,
    cause,
    look,
    best,
    baseline_session_id,
    time_zero_on,
    best_on,
    best_on - time_zero_on as days_to_best,
    lasts_from_on,
    ended_on,
    ended_on - lasts_from_on as duration_days,
    is_event,
    is_provisional,
    reason
from responses;

comment on view best_response is 'One row per course, criteria and look: best overall response, time to it and duration of it';
comment on column best_response.patient_id is 'participant label';
comment on column best_response.criteria_id is 'criteria that judged';
comment on column best_response.epoch is 'number of the course, as in assessment';
comment on column best_response.course is 'what opened the course, as in assessment';
comment on column best_response.cause is 'the treatment or scan that opened it, in words; empty for the first';
comment on column best_response.look is 'confirmed (a response counts when a second scan showed it, as the criteria ask) or unconfirmed (each scan as it was read)';
comment on column best_response.best is 'CR, PR, MR, SD, NON-CR/NON-PD (tumour too small to measure), PD or NE (not evaluable)';
comment on column best_response.baseline_session_id is 'session that response is judged against; empty when there is none';
comment on column best_response.time_zero_on is 'first day of the treatment that opened the course, else day of the baseline';
comment on column best_response.best_on is 'day of the first scan with the best response; empty when not evaluable';
comment on column best_response.days_to_best is 'time from time zero to that scan, days';
comment on column best_response.lasts_from_on is 'day from which its duration counts: of the first response, for stable disease time zero';
comment on column best_response.ended_on is 'day of progression or death, else of the last scan that tells, where it is censored';
comment on column best_response.duration_days is 'time that the response lasted, days; censored unless is_event';
comment on column best_response.is_event is 'true when it ended by progression, death or another surgery for growth; false when censored';
comment on column best_response.is_provisional is 'true when it rests on an automatic mask nobody signed';
comment on column best_response.reason is 'what was seen when, and what ended it or why it is not evaluable, in one sentence';
