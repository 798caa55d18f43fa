-- One patient's surgeries with the extent as reported and as the scans show it.
select
    operated_on, extent_surgeon, extent_mri, before_session_id, before_on, before_volume_mm3, after_session_id, after_on,
    residual_volume_mm3, removed_percent, is_contradiction, is_provisional, reason
from resection
where patient_id = $patient_id
order by operated_on
