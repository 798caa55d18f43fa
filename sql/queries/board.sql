-- One row per patient under one set of criteria, the most urgent first; among equals the longest unseen first.
select board.*, p.age_years, last_judged.* exclude (patient_id, criteria_id)
from board
left join patient as p using (patient_id)
left join last_judged using (patient_id, criteria_id)
where criteria_id = $criteria_id
order by urgency_rank, last_scan_on nulls first, patient_id
