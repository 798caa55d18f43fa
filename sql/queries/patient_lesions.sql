-- Each lesion of one patient over time.
select
    patient_id, lesion_id, session_id, acquired_on, component_id, status, volume_mm3, centre_x_mm, centre_y_mm,
    centre_z_mm, component_sha256, scan_x_mm, scan_y_mm, scan_z_mm, missing_reason
from lesion
where patient_id = $patient_id
order by lesion_id, acquired_on nulls last, session_id, component_id
