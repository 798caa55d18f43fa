-- Cyst of every patient since the baseline of its period, under one set of criteria.
select
    t.patient_id, p.histology, p.centre, t.epoch, t.session_id, t.acquired_on, t.days_from_baseline, t.volume_mm3,
    t.volume_cv, t.baseline_volume_mm3, t.baseline_ratio, t.change_from_baseline_percent,
    t.change_from_baseline_low_percent, t.change_from_baseline_high_percent, t.missing_reason
from trajectory as t
inner join patient as p using (patient_id)
where t.criteria_id = $criteria_id and t.compartment = 'cyst' and t.baseline_session_id is not null
order by t.patient_id, t.epoch, t.acquired_on, t.session_id
