-- One outcome of every patient that has it: when observation began and ended, and what ended it.
select patient_id, time_zero_on, entered_on, ended_on, entry_days, duration_days, is_event, is_competing, reason
from outcome
where criteria_id = $criteria_id and endpoint_id = $endpoint_id
order by patient_id
