-- One compartment of every patient relative to the baseline of the current period, under one set of criteria; visits
-- without a volume, and patients whose baseline shows none of it, have no ratio and are left out.
select
    t.patient_id, p.histology, p.who_grade, p.centre, t.epoch, t.session_id, t.baseline_session_id, t.acquired_on,
    t.days_from_baseline,
    a.is_provisional, t.volume_mm3, t.volume_cv, t.baseline_volume_mm3, t.baseline_ratio, t.change_from_baseline_percent,
    t.change_from_baseline_low_percent, t.change_from_baseline_high_percent
from trajectory as t
inner join patient as p using (patient_id)
left join assessment as a using (patient_id, session_id, criteria_id)
where t.criteria_id = $criteria_id and t.compartment = $compartment and t.baseline_session_id is not null
qualify t.epoch = max(t.epoch) over (partition by t.patient_id) and t.baseline_ratio is not null
order by t.patient_id, t.epoch, t.acquired_on, t.session_id
