-- Visits whose scanner or protocol is not that of the visit before: what reads as growth first, then the latest.
with verdicts as (
    select patient_id, session_id, state, display_state
    from assessment
    where criteria_id = $criteria_id
)
select
    c.patient_id, c.session_id, c.acquired_on, c.compared_session_id, c.compared_on, c.scanner, c.software, c.protocol,
    c.changes, c.unknown, c.compared_volume_mm3, c.volume_mm3, c.change_percent, c.change_low_percent,
    c.change_high_percent, c.change_errors, v.state, v.display_state,
    coalesce(v.display_state in ('growth', 'possible_growth'), false) as reads_as_growth
from protocol_change as c
left join verdicts as v using (patient_id, session_id)
where c.is_visit_before and c.changes is not null
order by reads_as_growth desc, c.acquired_on desc, c.patient_id, c.session_id
limit $most
