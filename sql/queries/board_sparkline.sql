-- Volumes of solid tumour and cyst of every patient over time, for the small curves of the board.
select patient_id, compartment, acquired_on, session_id, volume_mm3, missing_reason
from measurement
where compartment in ('tumour', 'cyst') and acquired_on is not null
order by patient_id, compartment desc, acquired_on, session_id
