-- One row per patient under one set of criteria: covariates, treatment, volumes, state and time to progression, and the
-- parts of the last verdict, from which its words are made.
select cohort.*, patient_state.clauses
from cohort
left join patient_state using (patient_id, criteria_id)
where criteria_id = $criteria_id
order by patient_id
