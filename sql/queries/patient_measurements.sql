-- Every number measured for one patient, with the files behind it; visits without a date last.
select
    patient_id, session_id, acquired_on, compartment, volume_mm3, volume_low_mm3, volume_high_mm3, volume_cv,
    cv_source, mask_origin, source, slices_spanned, axial_long_mm, axial_perpendicular_mm, product_mm2, longest_mm,
    length_mm, component_count, missing_reason, mask_path, mask_folder, mask_sha256, scan_path, software
from measurement
where patient_id = $patient_id
order by acquired_on nulls last, session_id, compartment = 'tumour' desc, compartment
