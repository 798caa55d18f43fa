-- Treatments of one patient in order.
select *
from treatment
where patient_id = $patient_id
order by started_on, kind
