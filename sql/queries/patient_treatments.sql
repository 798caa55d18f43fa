-- Treatments of one patient in order.
select patient_id, kind, started_on, ended_on, extent, dose_gy, agent
from treatment
where patient_id = $patient_id
order by started_on, kind
