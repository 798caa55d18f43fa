-- One row per reading beside solid tumour, visit and criteria: with its cyst, its enhancing and T2 parts, and both.
create or replace view reading_assessment as
with verdicts as (
    select
        patient_id, reading, session_id, criteria_id, criteria_version, category, state, display_state, is_confirmed,
        is_provisional, is_different, epoch, course, baseline_session_id, nadir_session_id, volume_mm3, volume_cv,
        change_ratio, change_low_ratio, change_high_ratio, detection_limit_ratio, probability, reason, category_then,
        state_then, reason_then, clauses
    from record.reading_assessment
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    v.patient_id, v.reading, v.session_id, d.acquired_on, v.criteria_id, v.criteria_version, v.category,
    if(v.is_confirmed or v.category in ('SD', 'NE'), v.category, v.category || '?') as category_shown,
    v.state, v.display_state, v.is_confirmed, v.is_provisional, v.is_different, v.epoch, v.course,
    v.baseline_session_id, b.acquired_on as baseline_on, v.nadir_session_id, n.acquired_on as nadir_on, v.volume_mm3,
    volume_low_mm3(v.volume_mm3, v.volume_cv) as volume_low_mm3,
    volume_high_mm3(v.volume_mm3, v.volume_cv) as volume_high_mm3,
    v.volume_cv, v.change_ratio,
    100 * (v.change_ratio - 1) as judged_change_percent,
    100 * (v.change_low_ratio - 1) as judged_change_low_percent,
    100 * (v.change_high_ratio - 1) as judged_change_high_percent,
    v.detection_limit_ratio, v.probability, v.reason, v.category_then, v.state_then, v.reason_then,
    v.clauses
from verdicts as v
inner join visits as d using (patient_id, session_id)
left join visits as b on (b.patient_id, b.session_id) = (v.patient_id, v.baseline_session_id)
left join visits as n on (n.patient_id, n.session_id) = (v.patient_id, v.nadir_session_id);

comment on view reading_assessment is 'One row per visit, criteria and reading beside solid tumour, where a cyst or an enhancing part was measured; solid tumour alone decides and stands in assessment';
comment on column reading_assessment.patient_id is 'participant label';
comment on column reading_assessment.reading is 'solid_and_cyst (volumes added), enhancing, t2 (the outline of the solid tumour) or mixed (enhancing and t2 by the rule of RANO 2.0)';
comment on column reading_assessment.session_id is 'session that was judged';
comment on column reading_assessment.acquired_on is 'day of the scan';
comment on column reading_assessment.criteria_id is 'criteria that judged';
comment on column reading_assessment.criteria_version is 'version of the criteria';
comment on column reading_assessment.category is 'CR, PR, MR, SD, PD or NE (not evaluable) by this reading';
comment on column reading_assessment.category_shown is 'the category, with a ? while its confirming scan is awaited';
comment on column reading_assessment.state is 'where the disease stands by this reading, as in assessment';
comment on column reading_assessment.display_state is 'growth, possible_growth, no_change, possible_shrinkage, shrinkage, none_seen or not_evaluable';
comment on column reading_assessment.is_confirmed is 'false while a response or progression awaits its confirming scan';
comment on column reading_assessment.is_provisional is 'true when the verdict rests on an automatic mask nobody signed';
comment on column reading_assessment.is_different is 'true where it says another category or change than solid tumour alone, both being evaluable; false for the parts of a mixed tumour';
comment on column reading_assessment.epoch is 'number of the course, counted from the first scan';
comment on column reading_assessment.course is 'what opened the course it was judged in, as in assessment';
comment on column reading_assessment.baseline_session_id is 'session of the baseline of this reading: the first in the course on which all of it was measured';
comment on column reading_assessment.baseline_on is 'day of that scan';
comment on column reading_assessment.nadir_session_id is 'session at which it was smallest since that baseline';
comment on column reading_assessment.nadir_on is 'day of that scan';
comment on column reading_assessment.volume_mm3 is 'what was judged, mm³; 0 means looked for and not there, empty means not measured, and always empty of a mixed reading';
comment on column reading_assessment.volume_low_mm3 is 'lower end of its 95 % interval, mm³';
comment on column reading_assessment.volume_high_mm3 is 'upper end of its 95 % interval, mm³';
comment on column reading_assessment.volume_cv is 'coefficient of variation of the volume, a fraction; of a sum from the errors of its parts';
comment on column reading_assessment.change_ratio is 'current over reference value in the metric of the criteria';
comment on column reading_assessment.judged_change_percent is 'the same as change, percent';
comment on column reading_assessment.judged_change_low_percent is 'lower end of the 95 % interval of the true change, by all scans since the baseline, percent';
comment on column reading_assessment.judged_change_high_percent is 'upper end of that interval, percent';
comment on column reading_assessment.detection_limit_ratio is 'smallest ratio that exceeds measurement error at 95 %';
comment on column reading_assessment.probability is 'probability that the true change lies beyond the threshold of what is shown (growth or shrinkage), 0 to 1';
comment on column reading_assessment.reason is 'visits, numbers and rule in one sentence';
comment on column reading_assessment.category_then is 'the category as judged on the day of the scan, with a ? while its confirming scan was awaited';
comment on column reading_assessment.state_then is 'the state as judged on the day of the scan';
comment on column reading_assessment.reason_then is 'visits, numbers and rule as judged on the day of the scan, in one sentence';
comment on column reading_assessment.clauses is 'the parts of the sentence as data, JSON: kind, words, ruling, days, numbers';
