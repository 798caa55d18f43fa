-- What a person should know about one patient, the worst first.
select severity, code, step, session_id, path, message, remedy
from finding
where patient_id = $patient_id
order by severity = 'error' desc, severity = 'warning' desc, session_id, code, message
