-- One row per patient and criteria, for cohort figures and models: covariates, treatment, volumes, state, outcome.
-- Changes are those of the current period (since the last reset of the baseline, such as surgery).
-- A table made at each publish: as a view it would be too slow for large cohorts.
create or replace table cohort as
with surgeries as (
    select patient_id, started_on as first_surgery_on, extent as first_surgery_extent
    from record.treatment
    where kind = 'surgery'
    qualify row_number() over (partition by patient_id order by started_on, extent) = 1
),
radiotherapies as (
    select distinct patient_id from record.treatment where kind = 'radiotherapy'
),
periods as (
    -- the last visit of a period may not have been evaluable: its baseline is taken from those that were; a scan on an
    -- automatic mask that nobody signed is no best change, as it is no nadir of signed ones
    select
        t.patient_id, t.criteria_id, t.epoch,
        max(t.baseline_on) as baseline_on,
        arg_max(t.baseline_volume_mm3, t.baseline_on) as baseline_volume_mm3,
        min(t.change_from_baseline_percent) filter (where t.acquired_on > t.baseline_on and not a.is_provisional)
            as best_change_percent,
        min(change_percent(t.volume_mm3 - a.left_out_mm3, t.baseline_volume_mm3 - b.left_out_mm3))
            filter (where t.acquired_on > t.baseline_on and not a.is_provisional) as judged_best_change_percent,
        if(greatest(max(a.left_out_mm3), max(b.left_out_mm3)) > 0, 'tumour without new tumours', 'all tumour') as judged_lesions
    from trajectory as t
    inner join record.assessment as a using (patient_id, session_id, criteria_id)
    left join record.assessment as b
        on (b.patient_id, b.session_id, b.criteria_id) = (t.patient_id, t.baseline_session_id, t.criteria_id)
    where t.compartment = 'tumour'
    group by t.patient_id, t.criteria_id, t.epoch
),
progressions as (
    select patient_id, criteria_id, time_zero_on, ended_on, duration_days, is_event, reason
    from endpoint
    where endpoint_id = 'ttp'
)
select
    p.patient_id, s.criteria_id,
    p.sex, p.age_years, p.histology, p.who_grade, p.level, p.syndrome, p.centre,
    p.visit_count, p.usable_visit_count, p.first_scan_on, p.last_scan_on,
    su.first_surgery_on, su.first_surgery_extent,
    r.patient_id is not null as had_radiotherapy,
    b.baseline_on, b.baseline_volume_mm3,
    s.acquired_on as last_judged_on,
    s.tumour_volume_mm3 as last_volume_mm3,
    s.change_from_baseline_percent as last_change_percent,
    b.best_change_percent, b.judged_best_change_percent, b.judged_lesions,
    s.category, s.category_shown, s.state, s.display_state, s.is_confirmed, s.is_provisional,
    e.time_zero_on, e.ended_on, e.duration_days, e.is_event,
    e.reason as endpoint_reason
from patient as p
inner join patient_state as s using (patient_id)
left join periods as b using (patient_id, criteria_id, epoch)
left join surgeries as su using (patient_id)
left join radiotherapies as r using (patient_id)
left join progressions as e using (patient_id, criteria_id)
order by s.criteria_id, p.patient_id;

comment on table cohort is 'One row per patient and criteria; changes are those since the last reset of the baseline';
comment on column cohort.patient_id is 'participant label';
comment on column cohort.criteria_id is 'criteria that judged';
comment on column cohort.sex is 'sex as in participants.tsv';
comment on column cohort.age_years is 'age as in participants.tsv, years';
comment on column cohort.histology is 'histology as in participants.tsv';
comment on column cohort.who_grade is 'WHO grade as in participants.tsv';
comment on column cohort.level is 'level of the tumour along the cord';
comment on column cohort.syndrome is 'NF2, VHL or another predisposition; empty when none is known';
comment on column cohort.centre is 'treating centre';
comment on column cohort.visit_count is 'number of sessions, dated or not';
comment on column cohort.usable_visit_count is 'number of sessions that could be used';
comment on column cohort.first_scan_on is 'day of the first dated session';
comment on column cohort.last_scan_on is 'day of the last dated session';
comment on column cohort.first_surgery_on is 'day of the first operation; empty when none is recorded';
comment on column cohort.first_surgery_extent is 'extent of the first operation as the surgeon reports it';
comment on column cohort.had_radiotherapy is 'true when any radiotherapy is recorded';
comment on column cohort.baseline_on is 'day of the baseline scan of the current period';
comment on column cohort.baseline_volume_mm3 is 'tumour volume at that baseline, mm³';
comment on column cohort.last_judged_on is 'day of the last judged scan';
comment on column cohort.last_volume_mm3 is 'tumour volume at the last judged scan, mm³';
comment on column cohort.last_change_percent is 'change of the volume of all tumour from the baseline to the last judged scan, new tumours too, percent';
comment on column cohort.best_change_percent is 'lowest change of the volume of all tumour from the baseline at any later scan of the period that rests on no mask nobody signed, percent';
comment on column cohort.judged_best_change_percent is 'the same of what the criteria compare: without new tumours of the syndrome, percent';
comment on column cohort.judged_lesions is 'which lesions those are: all tumour, or tumour without new tumours';
comment on column cohort.category is 'CR, PR, MR, SD, PD or NE at the last judged scan';
comment on column cohort.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column cohort.state is 'where the disease stands, as in assessment';
comment on column cohort.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column cohort.is_confirmed is 'false while a response or progression awaits its confirming scan, or nothing was judged';
comment on column cohort.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column cohort.time_zero_on is 'day the clock of time to progression starts; empty when there is no outcome';
comment on column cohort.ended_on is 'day of progression, or of the last adequate assessment';
comment on column cohort.duration_days is 'time to progression or censoring, days';
comment on column cohort.is_event is 'true for progression, false for censoring';
comment on column cohort.endpoint_reason is 'what ended the observation, in words';
