-- One time-to-event outcome of every patient that has it, with covariates.
select
    e.patient_id, p.sex, p.age_years, p.histology, p.who_grade, p.syndrome, p.centre, e.time_zero_on, e.ended_on,
    e.duration_days, e.is_event, e.reason
from endpoint as e
inner join patient as p using (patient_id)
where e.criteria_id = $criteria_id and e.endpoint_id = $endpoint_id
order by e.patient_id
