-- All masks of one patient, with the folder each path is relative to.
select
    patient_id, session_id, acquired_on, compartment, source, mask_origin, folder, path, scan_path, is_primary,
    method, note, sha256, software
from segmentation
where patient_id = $patient_id
order by acquired_on nulls last, session_id, compartment, is_primary desc, source
