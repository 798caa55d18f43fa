-- One row per patient, criteria and outcome, as programs for survival take it: entry, end and what ended it.
-- An endpoint that death only censors is there once more as one that death competes with (progression).
create or replace view outcome as
with endpoints as (
    select patient_id, criteria_id, endpoint_id, time_zero_on, ended_on, is_event, is_competing, reason
    from record.endpoint
),
progression_free as (
    select patient_id, criteria_id, ended_on, is_event, reason from endpoints where endpoint_id = 'pfs'
),
with_deaths as (
    select
        e.patient_id, e.criteria_id, 'progression' as endpoint_id, e.time_zero_on,
        if(e.is_event, e.ended_on, f.ended_on) as ended_on, e.is_event,
        if(e.is_event, e.reason, f.reason) as reason,
        f.is_event and not e.is_event as is_competing
    from endpoints as e
    inner join progression_free as f using (patient_id, criteria_id)
    where e.endpoint_id = 'ttp'
),
outcomes as (
    from endpoints
    union all by name
    from with_deaths
),
baselines as (
    -- the scan that is compared with: nobody is in a cohort of compared scans who had the event before it
    select o.patient_id, o.criteria_id, o.endpoint_id, min(v.acquired_on) as entered_on
    from outcomes as o
    inner join record.assessment as a using (patient_id, criteria_id)
    inner join record.visit as v using (patient_id, session_id)
    where
        a.state = 'baseline'
        and v.acquired_on >= o.time_zero_on
        -- a scan of the day of the operation that starts the clock shows the tumour before it
        and not (v.acquired_on = o.time_zero_on and v.acquired_on in (
            select t.started_on from record.treatment as t where t.patient_id = o.patient_id and t.kind = 'surgery'
        ))
    group by o.patient_id, o.criteria_id, o.endpoint_id
)
select
    o.patient_id,
    o.criteria_id,
    o.endpoint_id,
    o.time_zero_on,
    b.entered_on,
    o.ended_on,
    b.entered_on - o.time_zero_on as entry_days,
    o.ended_on - o.time_zero_on as duration_days,
    o.is_event,
    o.is_competing,
    o.reason
from outcomes as o
left join baselines as b using (patient_id, criteria_id, endpoint_id);

comment on view outcome is 'One row per patient, criteria and outcome, for survival curves and models';
comment on column outcome.patient_id is 'participant label';
comment on column outcome.criteria_id is 'criteria that judged';
comment on column outcome.endpoint_id is 'ttp, pfs, rfs, local_control, os or any_lesion as in endpoint; progression: as ttp, but death competes instead of censoring';
comment on column outcome.time_zero_on is 'day the clock starts';
comment on column outcome.entered_on is 'day of the first baseline scan since then: who had the event earlier is not in the cohort; empty without one';
comment on column outcome.ended_on is 'day of the event, the competing event or the last adequate assessment; for os the last day known alive';
comment on column outcome.entry_days is 'days from the start of the clock to the baseline scan: the entry for left truncation; empty without one';
comment on column outcome.duration_days is 'time from start to end, days';
comment on column outcome.is_event is 'true for an event';
comment on column outcome.is_competing is 'true when something came first after which the event can no longer be seen';
comment on column outcome.reason is 'what ended the observation, in words';
