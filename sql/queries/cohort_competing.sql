-- One outcome of every patient with what came before it: made for local control, where death and a new lesion elsewhere
-- compete. Both end progression-free survival on the day that they end the outcome itself.
with survival as (
    select patient_id, criteria_id, ended_on, is_event from endpoint where endpoint_id = 'pfs'
)
select
    e.patient_id, p.histology, p.who_grade, p.syndrome, p.centre, e.duration_days, e.is_event,
    not e.is_event and coalesce(s.is_event and s.ended_on = e.ended_on, false) as is_competing,
    e.reason
from endpoint as e
inner join patient as p using (patient_id)
left join survival as s using (patient_id, criteria_id)
where e.criteria_id = $criteria_id and e.endpoint_id = $endpoint_id
order by e.patient_id
