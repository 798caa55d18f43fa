-- Whether the scanner or protocol of each patient's last judged visit is not that of its baseline or nadir: no question,
-- but told beside those that are open.
with differing as (
    select distinct s.patient_id
    from patient_state as s
    inner join record.assessment as a using (patient_id, session_id, criteria_id)
    inner join record.protocol_change as d
        on
            (d.patient_id, d.session_id) = (a.patient_id, a.session_id)
            and d.compared_session_id in (a.baseline_session_id, a.nadir_session_id)
    where s.criteria_id = $criteria_id and d.changes is not null
)
select p.patient_id, d.patient_id is not null as is_made_otherwise
from patient as p
left join differing as d using (patient_id)
order by p.patient_id
