-- What changed in scanner and protocol between the visits of one patient that are compared with each other.
select
    session_id, acquired_on, compared_session_id, compared_on, is_visit_before, scanner, software, protocol, changes,
    unknown
from protocol_change
where patient_id = $patient_id
order by acquired_on, session_id, compared_on, compared_session_id
