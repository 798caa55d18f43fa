-- Everything a person should know, the worst first.
select severity, code, step, patient_id, session_id, path, message, remedy
from finding
order by severity = 'error' desc, severity = 'warning' desc, patient_id nulls first, session_id, code, message
