-- Images of one patient with their alignment and the tumour mask drawn on them.
with scans as (
    select * from scan where patient_id = $patient_id
),
alignments as (
    select session_id, moving_path, role, method, grade, grade_reasons, transform_path, aligned_path
    from registration
    where patient_id = $patient_id
),
masks as (
    select session_id, scan_path, path, folder, mask_origin
    from segmentation
    where patient_id = $patient_id and compartment = 'tumour' and is_primary
),
visits as (
    select session_id, is_reference, status from visit where patient_id = $patient_id
)
select
    scans.patient_id, scans.session_id, scans.acquired_on, visits.is_reference, visits.status, scans.path,
    scans.contrast, scans.plane, scans.chunk, scans.is_anchor, scans.spacing_i_mm, scans.spacing_j_mm,
    scans.spacing_k_mm, scans.unreadable_reason, alignments.role, alignments.method, alignments.grade,
    alignments.grade_reasons, alignments.transform_path, alignments.aligned_path, masks.path as mask_path,
    masks.folder as mask_folder, masks.mask_origin
from scans
inner join visits using (session_id)
left join alignments
    on alignments.session_id = scans.session_id and alignments.moving_path = scans.path
    and alignments.role = case when scans.is_anchor then 'visit_to_reference' else 'sequence_to_anchor' end
left join masks on masks.session_id = scans.session_id and masks.scan_path = scans.path
order by scans.acquired_on nulls last, scans.session_id, scans.is_anchor desc, scans.path
