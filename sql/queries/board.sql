-- One row per patient under one set of criteria, the most urgent first; among equals the longest unseen first.
select
    patient_id, criteria_id, histology, who_grade, level, syndrome, centre, urgency_rank, urgency_reason,
    needs_decision, open_questions, question_kinds, session_id, acquired_on, last_scan_on, usable_visit_count, category, category_shown, state,
    display_state, is_confirmed, is_provisional, tumour_volume_mm3, tumour_volume_low_mm3, tumour_volume_high_mm3,
    change_percent, change_low_percent, change_high_percent, change_from_baseline_percent, judged_change_percent,
    detection_limit_percent, probability, cyst_volume_mm3, cyst_change_percent, cyst_change_low_percent,
    cyst_change_high_percent, reason, clauses, error_count, warning_count
from board
where criteria_id = $criteria_id
order by urgency_rank, last_scan_on nulls first, patient_id
