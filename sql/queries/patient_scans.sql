-- Images of one patient with their alignment and the tumour mask drawn on them.
with scans as (
    select
        patient_id, session_id, path, contrast, plane, chunk, is_anchor, sha256, spacing_i_mm, spacing_j_mm,
        spacing_k_mm, unreadable_reason,
        case when is_anchor then 'visit_to_reference' else 'sequence_to_anchor' end as role
    from record.scan
    where patient_id = $patient_id
),
visits as (
    select session_id, acquired_on, is_reference, status from record.visit where patient_id = $patient_id
),
alignments as (
    select session_id, moving_path as path, role, method, grade, grade_reasons, transform_path, aligned_path
    from record.registration
    where patient_id = $patient_id
),
masks as (
    select session_id, scan_path as path, path as mask_path, folder as mask_folder, mask_origin
    from record.segmentation
    where patient_id = $patient_id and compartment = 'tumour' and is_primary
)
select
    scans.patient_id, session_id, visits.acquired_on, visits.is_reference, visits.status, path, scans.contrast,
    scans.plane, scans.chunk, scans.is_anchor, scans.sha256, scans.spacing_i_mm, scans.spacing_j_mm, scans.spacing_k_mm,
    scans.unreadable_reason, case when alignments.grade is not null then role end as role, alignments.method,
    alignments.grade, alignments.grade_reasons, alignments.transform_path, alignments.aligned_path, masks.mask_path,
    masks.mask_folder, masks.mask_origin
from scans
inner join visits using (session_id)
left join alignments using (session_id, path, role)
left join masks using (session_id, path)
order by visits.acquired_on nulls last, session_id, scans.is_anchor desc, path
