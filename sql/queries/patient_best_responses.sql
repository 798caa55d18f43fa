-- One patient's best response in each course, by confirmed scans and by single ones.
select
    criteria_id, epoch, course, cause, look, best, time_zero_on, best_on, days_to_best, lasts_from_on, ended_on,
    duration_days, is_event, is_provisional, reason
from best_response
where patient_id = $patient_id
order by criteria_id, epoch, look
