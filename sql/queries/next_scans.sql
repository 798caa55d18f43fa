-- When each patient's next scan is due and whether it is overdue on a day, the longest overdue first.
select
    patient_id, schedule_id, counted_from, due_on, overdue_from, interval_days,
    coalesce(overdue_from <= $as_of, false) as is_overdue,
    rule, source, closer_reason, assumed
from next_scan
order by is_overdue desc, due_on nulls last, patient_id
