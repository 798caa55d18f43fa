-- One row per lesion, visit and criteria: each lesion judged as a course of its own, by the rules of the total.
create or replace view lesion_assessment as
with verdicts as (
    select
        patient_id, lesion_id, session_id, criteria_id, criteria_version, category, state, display_state, is_confirmed,
        is_provisional, is_worst, epoch, course, baseline_session_id, nadir_session_id, volume_mm3, volume_cv,
        change_ratio, detection_limit_ratio, probability, missing_reason, reason, category_then, state_then, reason_then,
        clauses
    from record.lesion_assessment
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    v.patient_id, v.lesion_id, v.session_id, d.acquired_on, v.criteria_id, v.criteria_version, v.category,
    if(v.is_confirmed or v.category in ('SD', 'NE'), v.category, v.category || '?') as category_shown,
    v.state, v.display_state, v.is_confirmed, v.is_provisional, v.is_worst, v.epoch, v.course,
    v.baseline_session_id, b.acquired_on as baseline_on, v.nadir_session_id, n.acquired_on as nadir_on, v.volume_mm3,
    volume_low_mm3(v.volume_mm3, v.volume_cv) as volume_low_mm3,
    volume_high_mm3(v.volume_mm3, v.volume_cv) as volume_high_mm3,
    v.volume_cv, v.change_ratio,
    100 * (v.change_ratio - 1) as judged_change_percent,
    v.detection_limit_ratio, v.probability, v.missing_reason, v.reason, v.category_then, v.state_then, v.reason_then,
    v.clauses
from verdicts as v
inner join visits as d using (patient_id, session_id)
left join visits as b on (b.patient_id, b.session_id) = (v.patient_id, v.baseline_session_id)
left join visits as n on (n.patient_id, n.session_id) = (v.patient_id, v.nadir_session_id);

comment on view lesion_assessment is 'One row per lesion, visit and criteria, in VHL, NF2 and where there is more than one lesion; the patient''s total stands in assessment';
comment on column lesion_assessment.patient_id is 'participant label';
comment on column lesion_assessment.lesion_id is 'the same lesion over time';
comment on column lesion_assessment.session_id is 'session that was judged';
comment on column lesion_assessment.acquired_on is 'day of the scan';
comment on column lesion_assessment.criteria_id is 'criteria that judged';
comment on column lesion_assessment.criteria_version is 'version of the criteria';
comment on column lesion_assessment.category is 'CR, PR, MR, SD, PD or NE (not evaluable) of this lesion alone';
comment on column lesion_assessment.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column lesion_assessment.state is 'where this lesion stands, as in assessment';
comment on column lesion_assessment.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column lesion_assessment.is_confirmed is 'false while a response or progression awaits its confirming scan';
comment on column lesion_assessment.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column lesion_assessment.is_worst is 'true for the lesion that stands worst at this visit under these criteria; for none where none has grown';
comment on column lesion_assessment.epoch is 'number of the course, counted from the first scan';
comment on column lesion_assessment.course is 'what opened the course it was judged in, as in assessment';
comment on column lesion_assessment.baseline_session_id is 'session of the lesion''s own baseline: its first usable sighting in the course';
comment on column lesion_assessment.baseline_on is 'day of that scan';
comment on column lesion_assessment.nadir_session_id is 'session at which the lesion was smallest since its baseline';
comment on column lesion_assessment.nadir_on is 'day of that scan';
comment on column lesion_assessment.volume_mm3 is 'volume of the lesion, mm³; 0 means looked for and not there, empty means not assessable';
comment on column lesion_assessment.volume_low_mm3 is 'lower end of its 95 % interval, mm³';
comment on column lesion_assessment.volume_high_mm3 is 'upper end of its 95 % interval, mm³';
comment on column lesion_assessment.volume_cv is 'coefficient of variation of the volume, a fraction; never below that of the total';
comment on column lesion_assessment.change_ratio is 'current over reference value in the metric of the criteria';
comment on column lesion_assessment.judged_change_percent is 'the same as change, percent';
comment on column lesion_assessment.detection_limit_ratio is 'smallest ratio that exceeds measurement error at 95 %';
comment on column lesion_assessment.probability is 'probability that the true change lies beyond the threshold of what is shown (growth or shrinkage), 0 to 1';
comment on column lesion_assessment.missing_reason is 'why the lesion has no volume at this visit, in words';
comment on column lesion_assessment.reason is 'visits, numbers and rule in one sentence';
comment on column lesion_assessment.category_then is 'the category as judged on the day of the scan, with a ? while its confirming scan was awaited';
comment on column lesion_assessment.state_then is 'the state as judged on the day of the scan';
comment on column lesion_assessment.reason_then is 'visits, numbers and rule as judged on the day of the scan, in one sentence';
comment on column lesion_assessment.clauses is 'the parts of the sentence as data, JSON: kind, words, ruling, days, numbers';
