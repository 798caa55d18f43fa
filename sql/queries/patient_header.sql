-- Who the patient is and where the disease stands under one set of criteria; one row.
select
    p.patient_id, p.sex, p.age_years, p.histology, p.who_grade, p.level, p.syndrome, p.centre, p.visit_count,
    p.usable_visit_count, p.first_scan_on, p.last_scan_on, s.criteria_id, c.title as criteria_title,
    c.version as criteria_version, c.is_adapted, c.progression_change_percent, c.response_change_percent,
    s.session_id, s.acquired_on, s.category, s.category_shown, s.state, s.display_state, s.is_confirmed,
    s.is_provisional, s.tumour_volume_mm3, s.tumour_volume_low_mm3, s.tumour_volume_high_mm3, s.change_percent,
    s.change_low_percent, s.change_high_percent, s.change_from_baseline_percent, s.judged_change_percent,
    s.probability, s.detection_limit_percent, s.reason, s.clauses, s.baseline_on, s.nadir_on, s.error_count, s.warning_count,
    k.probability_in_cohort, k.people as cohort_people, k.growing_share as cohort_growing_share,
    g.probability_low, g.probability_high, k.growing_low_share as cohort_growing_low_share, k.growing_high_share as cohort_growing_high_share,
    l.* exclude (patient_id, criteria_id), b.beside, b.open_questions, b.open_briefs, b.question_kinds, b.needs_decision
from patient as p
inner join patient_state as s using (patient_id)
inner join criteria as c using (criteria_id)
left join board as b using (patient_id, criteria_id)
left join last_judged as l using (patient_id, criteria_id)
left join cohort_probability as k
    on s.patient_id = k.patient_id and s.criteria_id = k.criteria_id and s.session_id = k.session_id
left join probability_range as g
    on s.patient_id = g.patient_id and s.criteria_id = g.criteria_id and s.session_id = g.session_id
where p.patient_id = $patient_id and s.criteria_id = $criteria_id
