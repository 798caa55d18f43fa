-- One row per mask of one compartment at one visit.
create or replace view segmentation as
with segmentations as (
    select
        patient_id, session_id, compartment, source, mask_origin, folder, path, scan_path, sha256, is_primary,
        method, note, software, spread_cv, signal_cv, shrinkage_cv
    from record.segmentation
),
visits as (
    select patient_id, session_id, acquired_on from record.visit
)
select
    segmentations.patient_id,
    segmentations.session_id,
    visits.acquired_on,
    segmentations.compartment,
    segmentations.source,
    segmentations.mask_origin,
    segmentations.folder,
    segmentations.path,
    segmentations.scan_path,
    segmentations.sha256,
    segmentations.is_primary,
    segmentations.method,
    segmentations.note,
    segmentations.software,
    segmentations.spread_cv,
    segmentations.signal_cv,
    segmentations.shrinkage_cv
from segmentations
inner join visits using (patient_id, session_id);

comment on view segmentation is 'One row per mask of one compartment at one visit';
comment on column segmentation.patient_id is 'participant label';
comment on column segmentation.session_id is 'session label';
comment on column segmentation.acquired_on is 'day of the scan; empty when unknown';
comment on column segmentation.compartment is 'tissue: tumour, enhancing, cyst, syrinx, oedema, cavity, haemorrhage or cord';
comment on column segmentation.source is 'folder of masks, reader or program';
comment on column segmentation.mask_origin is 'manual, edited or automatic';
comment on column segmentation.folder is 'what the path is relative to: study (masks people drew) or output';
comment on column segmentation.path is 'mask file, relative to the folder named beside it';
comment on column segmentation.scan_path is 'scan the mask was drawn on, relative to the study folder';
comment on column segmentation.sha256 is 'digest of the mask file';
comment on column segmentation.is_primary is 'true for the mask that is measured';
comment on column segmentation.method is 'how the mask came about';
comment on column segmentation.note is 'remark of the reader or program';
comment on column segmentation.software is 'programs and versions';
comment on column segmentation.spread_cv is 'standard error of ln V from how far apart the ways end in which an automatic mask was found, a fraction; empty where there is one way';
comment on column segmentation.signal_cv is 'standard deviation of ln V that signal the masked scan does not explain, as after movement, gives an automatic mask, a fraction; empty for other masks';
comment on column segmentation.shrinkage_cv is 'standard deviation of ln V that an automatic mask has for what may have shrunk unseen: for being found clearly smaller than it was drawn at the masked visit, smaller on another contrast, or about as large after a treatment that can leave a scar, a fraction; empty for other masks';
