-- What waits for a person: masks to sign last, for there are many; the oldest first, what has no date before that.
select *
from review
order by kind = 'unsigned automatic mask', acquired_on nulls first, patient_id, session_id, kind, detail
