-- Where the latest scan of a patient could not be compared: the last verdict that was, so that it stays in sight.
create or replace view last_judged as
with latest as (
    select patient_id, criteria_id, acquired_on, state, display_state
    from assessment
    qualify row_number() over (partition by patient_id, criteria_id order by acquired_on desc, session_id desc) = 1
)
select
    a.patient_id, a.criteria_id, a.session_id as last_judged_session_id, a.acquired_on as last_judged_on,
    a.state as last_judged_state, a.display_state as last_judged_display_state,
    a.judged_change_percent as last_judged_change_percent, a.clauses as last_judged_clauses
from assessment as a
inner join latest as l using (patient_id, criteria_id)
where
    l.display_state = 'not_evaluable' and l.state <> 'context'
    and a.display_state <> 'not_evaluable' and a.acquired_on <= l.acquired_on
qualify row_number() over (partition by a.patient_id, a.criteria_id order by a.acquired_on desc, a.session_id desc) = 1;

comment on view last_judged is 'One row per patient and criteria whose latest scan could not be compared: the last verdict that was';
comment on column last_judged.patient_id is 'participant label';
comment on column last_judged.criteria_id is 'criteria that judged';
comment on column last_judged.last_judged_session_id is 'last session that was compared';
comment on column last_judged.last_judged_on is 'day of that scan';
comment on column last_judged.last_judged_state is 'state of the disease by that verdict, as in assessment';
comment on column last_judged.last_judged_display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage or none_seen';
comment on column last_judged.last_judged_change_percent is 'the change that it compared, percent';
comment on column last_judged.last_judged_clauses is 'the parts of its sentence as data, JSON';
