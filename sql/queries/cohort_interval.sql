-- The two days that each patient's progression lies between: last assessment without it and the one that showed it.
-- For outcomes that are found on scans (ttp); until_days is null where no event was seen.
with free as (
    select e.patient_id, max(a.acquired_on) as last_free_on
    from endpoint as e
    inner join assessment as a using (patient_id, criteria_id)
    where
        e.criteria_id = $criteria_id
        and e.endpoint_id = $endpoint_id
        and a.state not in ('context', 'not_evaluable')
        and a.category <> 'PD'
        and a.acquired_on >= e.time_zero_on
        and a.acquired_on < e.ended_on
    group by e.patient_id
)
select
    e.patient_id, p.histology, p.who_grade, p.syndrome, p.centre, e.is_event,
    case
        when e.is_event
            then greatest(coalesce(f.last_free_on - e.time_zero_on, 0) - (e.duration_days - e.shortest_days), 0)
        else e.shortest_days
    end::double as after_days,
    case when e.is_event then e.longest_days end::double as until_days
from endpoint as e
inner join patient as p using (patient_id)
left join free as f using (patient_id)
where e.criteria_id = $criteria_id and e.endpoint_id = $endpoint_id
order by e.patient_id
