-- Volumes of solid tumour and cyst of every patient over time, for the small curves of the board.
select m.patient_id, m.session_id, m.compartment, v.acquired_on, m.volume_mm3
from record.measurement as m
inner join record.visit as v using (patient_id, session_id)
where m.compartment in ('tumour', 'cyst') and v.acquired_on is not null
order by m.patient_id, m.compartment desc, v.acquired_on
