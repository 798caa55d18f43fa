-- When a published schedule would have one patient's next scan, by which rule, and what is not known; one row or none.
select schedule_id, counted_from, due_on, overdue_from, interval_days, rule, source, closer_reason, assumed
from next_scan
where patient_id = $patient_id
