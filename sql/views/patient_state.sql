-- One row per patient and criteria: where the disease stands at the last visit that was judged.
-- A patient without any judged visit is listed as not evaluable, never left out.
-- A table made at each publish: as a view it would be too slow for large cohorts.
create or replace table patient_state as
with patients as (
    select p.patient_id, p.last_scan_on, c.criteria_id
    from patient as p
    cross join record.criteria as c
),
last_assessments as (
    select
        patient_id, criteria_id, session_id, acquired_on, category, category_shown, state, display_state, is_confirmed,
        is_provisional, judged_change_percent, judged_change_low_percent, judged_change_high_percent, probability, reason, clauses, epoch
    from assessment
    qualify row_number() over (partition by patient_id, criteria_id order by acquired_on desc, session_id desc) = 1
),
tumours as (
    select
        patient_id, session_id, criteria_id, volume_mm3, volume_low_mm3, volume_high_mm3, change_from_nadir_percent,
        change_from_nadir_low_percent, change_from_nadir_high_percent, change_from_baseline_percent,
        detection_limit_percent, baseline_on, nadir_on
    from trajectory
    where compartment = 'tumour'
),
findings as (
    select
        patient_id,
        count(*) filter (where severity = 'error') as error_count,
        count(*) filter (where severity = 'warning') as warning_count
    from record.finding
    group by patient_id
)
select
    p.patient_id, p.criteria_id, a.session_id, a.acquired_on,
    coalesce(a.category, 'NE') as category,
    coalesce(a.category_shown, 'NE') as category_shown,
    coalesce(a.state, 'not_evaluable') as state,
    coalesce(a.display_state, 'not_evaluable') as display_state,
    coalesce(a.is_confirmed, false) as is_confirmed,
    coalesce(a.is_provisional, false) as is_provisional,
    t.volume_mm3 as tumour_volume_mm3,
    t.volume_low_mm3 as tumour_volume_low_mm3,
    t.volume_high_mm3 as tumour_volume_high_mm3,
    t.change_from_nadir_percent as change_percent,
    t.change_from_nadir_low_percent as change_low_percent,
    t.change_from_nadir_high_percent as change_high_percent,
    t.change_from_baseline_percent,
    a.judged_change_percent, a.judged_change_low_percent, a.judged_change_high_percent, a.probability,
    t.detection_limit_percent,
    coalesce(a.reason, 'no visit of this patient could be judged') as reason,
    coalesce(a.clauses, '[]') as clauses,
    a.epoch, t.baseline_on, t.nadir_on, p.last_scan_on,
    coalesce(f.error_count, 0) as error_count,
    coalesce(f.warning_count, 0) as warning_count
from patients as p
left join last_assessments as a using (patient_id, criteria_id)
left join tumours as t using (patient_id, session_id, criteria_id)
left join findings as f using (patient_id)
order by p.criteria_id, p.patient_id;

comment on table patient_state is 'One row per patient and criteria: the last judged visit';
comment on column patient_state.patient_id is 'participant label';
comment on column patient_state.criteria_id is 'criteria that judged';
comment on column patient_state.session_id is 'last session that was judged; empty when none could be';
comment on column patient_state.acquired_on is 'day of that scan';
comment on column patient_state.category is 'CR, PR, MR, SD, PD or NE (not evaluable)';
comment on column patient_state.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column patient_state.state is 'where the disease stands, as in assessment';
comment on column patient_state.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column patient_state.is_confirmed is 'false while a response or progression awaits its confirming scan, or nothing was judged';
comment on column patient_state.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column patient_state.tumour_volume_mm3 is 'solid tumour, mm³; 0 means looked for and not there, empty means unknown';
comment on column patient_state.tumour_volume_low_mm3 is 'lower end of its 95 % interval, mm³';
comment on column patient_state.tumour_volume_high_mm3 is 'upper end of its 95 % interval, mm³';
comment on column patient_state.change_percent is 'change of the tumour volume since the nadir, percent';
comment on column patient_state.change_low_percent is 'lower end of its 95 % interval, percent';
comment on column patient_state.change_high_percent is 'upper end of its 95 % interval, percent';
comment on column patient_state.change_from_baseline_percent is 'change of the tumour volume since the baseline, percent';
comment on column patient_state.judged_change_percent is 'change in the metric of the criteria against the reference they use, percent';
comment on column patient_state.judged_change_low_percent is 'lower end of its 95 % interval by all readings since the baseline, percent';
comment on column patient_state.judged_change_high_percent is 'upper end of its 95 % interval by all readings since the baseline, percent';
comment on column patient_state.probability is 'probability that the true change lies beyond the threshold of what is shown (growth or shrinkage), 0 to 1';
comment on column patient_state.detection_limit_percent is 'smallest growth since the nadir that exceeds measurement error at 95 %, percent';
comment on column patient_state.reason is 'visits, numbers and rule in one sentence';
comment on column patient_state.epoch is 'number of the period since the last reset of the baseline';
comment on column patient_state.baseline_on is 'day of the baseline scan of that period';
comment on column patient_state.nadir_on is 'day of the scan with the smallest tumour since the baseline';
comment on column patient_state.last_scan_on is 'day of the last dated session, judged or not';
comment on column patient_state.error_count is 'number of findings by which something was left out';
comment on column patient_state.warning_count is 'number of findings to look at';
comment on column patient_state.clauses is 'the parts of that sentence as data, JSON';
