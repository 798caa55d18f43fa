-- First and last day of the small curves of the board, which share one time axis.
select min(v.acquired_on) as first_on, max(v.acquired_on) as last_on
from record.measurement as m
inner join record.visit as v using (patient_id, session_id)
where m.compartment in ('tumour', 'cyst') and v.acquired_on is not null
