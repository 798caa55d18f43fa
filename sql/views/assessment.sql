-- One row per visit and criteria: the verdict, and the visits it was judged against.
create or replace view assessment as
with assessments as (
    select
        patient_id, session_id, criteria_id, criteria_version, category, state, display_state, is_confirmed,
        is_provisional, epoch, baseline_session_id, nadir_session_id, previous_session_id, change_ratio,
        detection_limit_ratio, probability, reason, clauses, course, category_then, state_then, reason_then,
        change_low_ratio, change_high_ratio, next_nadir_session_id, progression_from_mm3, left_out_mm3
    from record.assessment
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    assessments.patient_id,
    assessments.session_id,
    visits.acquired_on,
    assessments.criteria_id,
    assessments.criteria_version,
    assessments.category,
    case
        when assessments.is_confirmed or assessments.category in ('SD', 'NE') then assessments.category
        else assessments.category || '?'
    end as category_shown,
    assessments.state,
    assessments.display_state,
    assessments.is_confirmed,
    assessments.is_provisional,
    assessments.epoch,
    assessments.baseline_session_id,
    assessments.nadir_session_id,
    assessments.previous_session_id,
    assessments.change_ratio,
    100 * (assessments.change_ratio - 1) as judged_change_percent,
    100 * (assessments.change_low_ratio - 1) as judged_change_low_percent,
    100 * (assessments.change_high_ratio - 1) as judged_change_high_percent,
    assessments.detection_limit_ratio,
    assessments.probability,
    assessments.reason,
    assessments.clauses,
    assessments.course,
    assessments.category_then,
    assessments.state_then,
    assessments.reason_then,
    assessments.next_nadir_session_id,
    assessments.progression_from_mm3,
    assessments.left_out_mm3
from assessments
inner join visits using (patient_id, session_id);

comment on view assessment is 'One row per visit and criteria';
comment on column assessment.patient_id is 'participant label';
comment on column assessment.session_id is 'session that was judged';
comment on column assessment.acquired_on is 'day of the scan';
comment on column assessment.criteria_id is 'criteria that judged';
comment on column assessment.criteria_version is 'version of the criteria';
comment on column assessment.category is 'CR, PR, MR, SD, PD or NE (not evaluable)';
comment on column assessment.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column assessment.state is 'where the disease stands: context, baseline, residual_stable, stable, seen_again, progression (also tumour where none is known to have been before), recurrence (where there was or may have been one), distant, response, no_evidence_of_disease or not_evaluable';
comment on column assessment.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column assessment.is_confirmed is 'false while a response or progression awaits its confirming scan';
comment on column assessment.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column assessment.epoch is 'number of the course, counted from the first scan';
comment on column assessment.baseline_session_id is 'session that response is judged against';
comment on column assessment.nadir_session_id is 'session of the smallest tumour since the baseline; progression is judged against it';
comment on column assessment.previous_session_id is 'evaluable session before this one';
comment on column assessment.change_ratio is 'current over reference value in the metric of the criteria';
comment on column assessment.judged_change_percent is 'the same as change, percent';
comment on column assessment.judged_change_low_percent is 'lower end of its 95 % interval by all readings since the baseline, percent';
comment on column assessment.judged_change_high_percent is 'upper end of its 95 % interval by all readings since the baseline, percent';
comment on column assessment.detection_limit_ratio is 'smallest reading over the reference, or its inverse for a fall, that would be called beyond the error of all readings since the baseline, a ratio';
comment on column assessment.probability is 'probability that the true change lies beyond the threshold of what is shown (growth or shrinkage), 0 to 1';
comment on column assessment.reason is 'visits, numbers and rule in one sentence';
comment on column assessment.clauses is 'the parts of that sentence as data, JSON: kind, words, ruling, days, numbers';
comment on column assessment.course is 'what opened the course it was judged in: watched, after_surgery, after_radiotherapy, after_radiosurgery, line_of_treatment or after_pinned_baseline';
comment on column assessment.category_then is 'the category as judged on the day of the scan, without anything later, with a ? while its confirming scan was awaited';
comment on column assessment.state_then is 'the state as judged on the day of the scan';
comment on column assessment.reason_then is 'visits, numbers and rule as judged on the day of the scan, in one sentence';
comment on column assessment.next_nadir_session_id is 'nadir from this scan on, which may be this scan; empty when nothing was compared';
comment on column assessment.progression_from_mm3 is 'volume from which the next scan is progression by size, mm³: by the ratio and the smallest growth of the criteria; empty when nothing was compared, where the criteria measure no volumes, and from nothing';
comment on column assessment.left_out_mm3 is 'volume of new tumours of the syndrome that the criteria leave out of what they compare, mm³; 0 where all tumour is judged';
