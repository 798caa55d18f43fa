-- One row per patient under one set of criteria: covariates, treatment, volumes, state and time to progression.
select *
from cohort
where criteria_id = $criteria_id
order by patient_id
