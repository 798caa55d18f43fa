-- What waits for a person, the oldest first; what has no date comes before everything else.
select patient_id, session_id, acquired_on, kind, detail
from review
order by acquired_on nulls first, patient_id, session_id, kind, detail
