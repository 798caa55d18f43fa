-- What people did that bears on the verdicts under one set of criteria, and those as they would be without it.
select *
from act_effect
where criteria_id = $criteria_id
order by patient_id, written_at desc, entry_id
