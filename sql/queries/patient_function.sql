-- Functional grades of one patient, scale by scale in order.
select patient_id, scale_id, assessed_on, grade, tumour_related
from function_score
where patient_id = $patient_id
order by scale_id, assessed_on
