"""Third step: the masks of every visit. A mask that a person drew is never changed.

A visit without one gets the lesion of the latest earlier visits that have masks (else of the earliest later one), found
again on its own scan (:mod:`pipeline.run.steps.refind_masks`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.run.steps.mask_records import given_record
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, ScannedVisit
from pipeline.study import study_folder


def read_masks(work: PatientWork) -> PatientWork:
    """Read the masks of the study folder."""
    visits = tuple(replace(visit, masks=given_masks(visit.read)) for visit in work.visits)
    findings = (row for visit in visits for row in visit.masks.findings)
    return work.changing(visits).adding(*findings)


def given_masks(visit: ReadVisit) -> MaskedVisit:
    """Read the masks that people drew for a visit; odd ones are left out and said in findings."""
    if not isinstance(visit, ScannedVisit):
        return MaskedVisit(visit.session_id, None, {}, missing_reason=visit.status_reason)
    masks: dict[str, dict[Compartment, Volume]] = {}
    drawn, findings = study_folder.read_masks(visit.visit, visit.image)
    for compartment, mask, file in drawn:
        masks.setdefault(file.source, {})[compartment] = mask
    if not masks:
        return MaskedVisit(visit.session_id, None, {}, findings=tuple(findings))
    origins = {file.source: file.origin for _, _, file in drawn}
    primary = min(origins, key=lambda source: (origins[source] == MaskOrigin.AUTOMATIC, source))
    rows = tuple(given_record(visit, c, file, is_primary=file.source == primary) for c, _, file in drawn)
    return MaskedVisit(visit.session_id, origins[primary], masks, rows, tuple(findings), source=primary)


def lesion_region(masked: MaskedVisit) -> Volume | None:
    """Return where a visit's masks show any lesion (not the cord itself), or None when they show none."""
    lesions = [mask for compartment, mask in masked.primary.items() if compartment != Compartment.CORD]
    if not lesions:
        return None
    union = np.any([mask.array >= OBJECT_PROBABILITY for mask in lesions], axis=0)
    return lesions[0].with_array(union) if union.any() else None
