-- One row per patient and criteria: the current state, the cyst beside it, and how urgently a person must look.
-- What is open and how urgent it is was decided by the run (pipeline/judge/urgency.py); nothing is ranked here.
-- A table made at each publish: as a view it would be too slow for large cohorts.
create or replace table board as
with cysts as (
    select
        patient_id, session_id, criteria_id, volume_mm3, change_from_previous_percent,
        change_from_previous_low_percent, change_from_previous_high_percent
    from trajectory
    where compartment = 'cyst'
),
questions as (
    select
        patient_id, criteria_id,
        min(rank) as urgency_rank,
        arg_min(words, number) as urgency_reason,
        bool_or(needs_decision) as needs_decision,
        string_agg(words, '; ' order by number) as open_questions,
        string_agg(brief, '; ' order by number) as open_briefs,
        string_agg(question, ' ' order by number) as question_kinds
    from record.open_question
    group by patient_id, criteria_id
),
ranked as (
    select
        s.patient_id, s.criteria_id, c.volume_mm3 as cyst_volume_mm3,
        c.change_from_previous_percent as cyst_change_percent,
        c.change_from_previous_low_percent as cyst_change_low_percent,
        c.change_from_previous_high_percent as cyst_change_high_percent
    from patient_state as s
    left join cysts as c using (patient_id, session_id, criteria_id)
)
select
    s.patient_id, s.criteria_id, p.histology, p.who_grade, p.level, p.syndrome, p.centre,
    u.urgency_rank, u.urgency_reason, u.needs_decision, u.open_questions, u.open_briefs, u.question_kinds, w.beside,
    s.session_id, s.acquired_on, s.last_scan_on, p.usable_visit_count,
    s.category, s.category_shown, s.state, s.display_state, s.is_confirmed, s.is_provisional,
    s.tumour_volume_mm3, s.tumour_volume_low_mm3, s.tumour_volume_high_mm3,
    s.change_percent, s.change_low_percent, s.change_high_percent, s.change_from_baseline_percent,
    s.judged_change_percent, s.detection_limit_percent, s.probability,
    r.cyst_volume_mm3, r.cyst_change_percent, r.cyst_change_low_percent, r.cyst_change_high_percent,
    s.reason, s.clauses, s.error_count, s.warning_count
from patient_state as s
inner join ranked as r using (patient_id, criteria_id)
inner join patient as p using (patient_id)
left join questions as u using (patient_id, criteria_id)
left join record.worse_beside as w using (patient_id, criteria_id)
order by s.criteria_id, s.patient_id;

comment on table board is 'One row per patient and criteria: current state and how urgently a person must look';
comment on column board.patient_id is 'participant label';
comment on column board.criteria_id is 'criteria that judged';
comment on column board.histology is 'histology as in participants.tsv';
comment on column board.who_grade is 'WHO grade as in participants.tsv';
comment on column board.level is 'level of the tumour along the cord';
comment on column board.syndrome is 'NF2, VHL or another predisposition; empty when none is known';
comment on column board.centre is 'treating centre';
comment on column board.urgency_rank is 'order of the board: 1 first, 14 last';
comment on column board.urgency_reason is 'the most urgent open question, in words';
comment on column board.needs_decision is 'true when a person has to decide something';
comment on column board.open_questions is 'all open questions in words, the most urgent first';
comment on column board.open_briefs is 'the same in a few words each';
comment on column board.question_kinds is 'their kinds, as in judge/urgency.py, with spaces between';
comment on column board.beside is 'what is worse that the state by volume does not show, in words; empty for nothing';
comment on column board.session_id is 'last session that was judged; empty when none could be';
comment on column board.acquired_on is 'day of that scan';
comment on column board.last_scan_on is 'day of the last dated session, judged or not';
comment on column board.usable_visit_count is 'number of sessions that could be used';
comment on column board.category is 'CR, PR, MR, SD, PD or NE (not evaluable)';
comment on column board.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column board.state is 'where the disease stands, as in assessment';
comment on column board.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column board.is_confirmed is 'false while a response or progression awaits its confirming scan, or nothing was judged';
comment on column board.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column board.tumour_volume_mm3 is 'solid tumour, mm³; 0 means looked for and not there, empty means unknown';
comment on column board.tumour_volume_low_mm3 is 'lower end of its 95 % interval, mm³';
comment on column board.tumour_volume_high_mm3 is 'upper end of its 95 % interval, mm³';
comment on column board.change_percent is 'change of the tumour volume since the nadir, percent';
comment on column board.change_low_percent is 'lower end of its 95 % interval, percent';
comment on column board.change_high_percent is 'upper end of its 95 % interval, percent';
comment on column board.change_from_baseline_percent is 'change of the tumour volume since the baseline, percent';
comment on column board.judged_change_percent is 'change in the metric of the criteria against the reference they use, percent';
comment on column board.detection_limit_percent is 'smallest growth since the nadir that exceeds measurement error at 95 %, percent';
comment on column board.probability is 'probability that the true change lies beyond the threshold of what is shown (growth or shrinkage), 0 to 1';
comment on column board.cyst_volume_mm3 is 'cyst, mm³; it never decides a response';
comment on column board.cyst_change_percent is 'change of the cyst volume since the previous scan, percent';
comment on column board.cyst_change_low_percent is 'lower end of its 95 % interval, percent';
comment on column board.cyst_change_high_percent is 'upper end of its 95 % interval, percent';
comment on column board.reason is 'visits, numbers and rule in one sentence';
comment on column board.clauses is 'the parts of that sentence as data, JSON';
comment on column board.error_count is 'number of findings by which something was left out';
comment on column board.warning_count is 'number of findings to look at';
