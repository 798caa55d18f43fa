-- The verdicts of all criteria on one patient's visits.
select
    a.patient_id, a.session_id, a.acquired_on, a.criteria_id, a.criteria_version, c.title as criteria_title, c.metric,
    c.is_adapted, a.category, a.category_shown, a.state, a.display_state, a.is_confirmed, a.is_provisional, a.epoch,
    a.baseline_session_id, a.nadir_session_id, a.previous_session_id, a.change_ratio, a.judged_change_percent,
    a.judged_change_low_percent, a.judged_change_high_percent,
    a.detection_limit_ratio, a.probability, a.reason, a.clauses, a.course, a.category_then, a.state_then, a.reason_then
from assessment as a
inner join criteria as c using (criteria_id)
where a.patient_id = $patient_id
order by a.criteria_id, a.acquired_on, a.session_id
