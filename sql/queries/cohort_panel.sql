-- All criteria side by side at each patient's last judged visit, and how many of the patient's visits are disputed.
with disputes as (
    select patient_id, session_id
    from assessment
    where state not in ('context', 'baseline') and category <> 'NE'
    group by patient_id, session_id
    having count(distinct category) > 1
),
counts as (
    select patient_id, count(*) as disputed_visit_count from disputes group by patient_id
)
select
    s.patient_id, p.histology, p.centre, s.criteria_id, s.session_id, s.acquired_on, s.category, s.category_shown,
    s.state, s.display_state, s.is_confirmed, s.is_provisional, s.judged_change_percent,
    d.session_id is not null as is_disputed,
    coalesce(n.disputed_visit_count, 0) as disputed_visit_count
from patient_state as s
inner join patient as p using (patient_id)
left join disputes as d using (patient_id, session_id)
left join counts as n using (patient_id)
order by coalesce(n.disputed_visit_count, 0) desc, s.patient_id, s.criteria_id
