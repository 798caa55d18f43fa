-- Every visit of one patient with its form of the whole neuraxis, the latest first; without one the answers are empty.
select
    v.session_id, v.acquired_on, n.session_id is not null as has_form, n.leptomeningeal, n.present, n.missing, n.reader,
    n.brain, n.cervical, n.thoracic, n.lumbar, n.contrast, n.brain_nodules, n.brain_linear, n.hydrocephalus,
    n.spine_nodules, n.spine_linear, n.csf_cytology
from visit as v
left join neuraxis as n using (patient_id, session_id)
where v.patient_id = $patient_id
order by v.acquired_on desc nulls last, v.session_id desc
