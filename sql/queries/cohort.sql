-- One row per patient under one set of criteria: covariates, treatment, volumes, state and time to progression.
select
    patient_id, criteria_id, sex, age_years, histology, who_grade, level, syndrome, centre, visit_count,
    usable_visit_count, first_scan_on, last_scan_on, first_surgery_on, first_surgery_extent, had_radiotherapy,
    baseline_on, baseline_volume_mm3, last_judged_on, last_volume_mm3, last_change_percent, best_change_percent,
    category, category_shown, state, display_state, is_confirmed, is_provisional, time_zero_on, ended_on,
    duration_days, is_event, endpoint_reason
from cohort
where criteria_id = $criteria_id
order by patient_id
