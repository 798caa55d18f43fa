-- One row per patient under one set of criteria, the most urgent first; among equals the longest unseen first.
select *
from board
where criteria_id = $criteria_id
order by urgency_rank, last_scan_on nulls first, patient_id
