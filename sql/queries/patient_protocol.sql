-- What changed in scanner and protocol between the visits of one patient that are compared with each other.
with changes as (
    select session_id, compared_session_id, is_visit_before, scanner, software, protocol, changes, unknown
    from record.protocol_change
    where patient_id = $patient_id
),
visits as (
    select session_id, acquired_on from record.visit where patient_id = $patient_id
)
select
    c.session_id, v.acquired_on, c.compared_session_id, e.acquired_on as compared_on, c.is_visit_before, c.scanner,
    c.software, c.protocol, c.changes, c.unknown
from changes as c
inner join visits as v using (session_id)
inner join visits as e on e.session_id = c.compared_session_id
order by v.acquired_on, c.session_id, compared_on, c.compared_session_id
