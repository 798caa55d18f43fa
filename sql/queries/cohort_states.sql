-- State of every patient at each judged visit, under one set of criteria, to be drawn along the follow-up.
select patient_id, acquired_on, state, display_state, clauses, is_provisional
from assessment
where criteria_id = $criteria_id and state <> 'context'
order by patient_id, acquired_on, session_id
