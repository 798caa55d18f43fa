-- What people did that bears on a verdict and is in force, and the latest verdict as it would be without it.
create or replace view act_effect as
select
    e.patient_id, e.criteria_id, e.entry_id, j.act, j.who, j.written_at, j.reason, j.session_id, v.acquired_on,
    j.compartment, j.lesion_id, j.same_as, j.corrected_to,
    e.session_id as without_session_id, w.acquired_on as without_on, e.category as without_category,
    e.state as without_state, e.display_state as without_display_state, e.is_confirmed as without_is_confirmed,
    e.is_provisional as without_is_provisional, ratio_percent(e.change_ratio) as without_change_percent,
    e.reason as without_reason, e.clauses as without_clauses, e.is_same, e.reading
from record.act_effect as e
inner join record.journal_entry as j using (entry_id)
inner join record.visit as w on (w.patient_id, w.session_id) = (e.patient_id, e.session_id)
left join record.visit as v on (v.patient_id, v.session_id) = (e.patient_id, j.session_id)
where j.status = 'in_force';

comment on view act_effect is 'One row per act in force that bears on a verdict, and for each reading beside it: the latest verdict as it would be without it';
comment on column act_effect.patient_id is 'participant label';
comment on column act_effect.criteria_id is 'criteria that judged, those shown first';
comment on column act_effect.entry_id is 'entry of the journal';
comment on column act_effect.act is 'what was done, as in journal';
comment on column act_effect.who is 'the person';
comment on column act_effect.written_at is 'when it was written, UTC';
comment on column act_effect.reason is 'the reason that the person gave';
comment on column act_effect.session_id is 'session that it is about';
comment on column act_effect.acquired_on is 'day of that scan; empty when unknown';
comment on column act_effect.compartment is 'tissue of the mask spoken of';
comment on column act_effect.lesion_id is 'lesion spoken of, as the program called it';
comment on column act_effect.same_as is 'lesion that it is, from this visit on; the other one of two that are named';
comment on column act_effect.corrected_to is 'of names of lesions right, exchanged, one lesion or another lesion';
comment on column act_effect.without_session_id is 'session of the latest verdict without it';
comment on column act_effect.without_on is 'day of that scan';
comment on column act_effect.without_category is 'category of that verdict';
comment on column act_effect.without_state is 'state of the disease by it, as in assessment';
comment on column act_effect.without_display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column act_effect.without_is_confirmed is 'false while a response or progression awaits its confirming scan';
comment on column act_effect.without_is_provisional is 'true when that verdict rests on an automatic mask nobody signed';
comment on column act_effect.without_change_percent is 'change that it compared, percent';
comment on column act_effect.without_reason is 'visits, numbers and rule of it in one sentence';
comment on column act_effect.without_clauses is 'the parts of that sentence as data, JSON';
comment on column act_effect.is_same is 'true when the latest verdict would be the same without it';
comment on column act_effect.reading is 'reading beside solid tumour that the act bears on, as in reading_assessment; empty for the verdict on the patient';
