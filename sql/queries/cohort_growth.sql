-- Solid tumour at every judged scan with the histology and the epoch it belongs to, for rates of growth.
select t.patient_id, p.histology, p.centre, t.epoch, t.session_id, t.acquired_on, t.volume_mm3, t.volume_cv
from trajectory as t
inner join patient as p using (patient_id)
where
    t.criteria_id = $criteria_id
    and t.compartment = 'tumour'
    and t.baseline_session_id is not null
    and p.histology is not null
order by t.patient_id, t.epoch, t.acquired_on, t.session_id
