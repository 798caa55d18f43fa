"""Third step: the masks of every visit. A mask that a person drew is never changed.

A visit without one gets the lesion of the latest earlier visits that have masks (else of the earliest later one), found
again on its own scan (:mod:`pipeline.run.steps.refind_masks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.run.steps import compare_readers, copied_visits
from pipeline.run.steps.mask_records import given_record
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, ScannedVisit
from pipeline.study import study_folder
from pipeline.study.mask_voxels import MaskReading

DRAWN_NOT_READ = ("mask_space", "mask_values", "mask_is_scan", "mask_covers_scan", "mask_label_unlisted")
"""Findings about drawings on the scan's own voxels that say nothing certain: no automatic mask stands in for them."""


def read_masks(work: PatientWork) -> PatientWork:
    """Read the masks of the study folder."""
    given = with_likely_labels({visit.session_id: given_masks(visit.read) for visit in work.visits})
    visits = tuple(replace(visit, masks=given[visit.session_id]) for visit in work.visits)
    findings = (row for visit in visits for row in visit.masks.findings)
    checked, copies = copied_visits.with_copies(visits)
    return work.changing(checked).adding(*findings, *copies)


def given_masks(visit: ReadVisit) -> MaskedVisit:
    """Read the masks that people drew for a visit; odd ones are left out and said in findings.

    Who draws the cord alone reads no lesion: the first source that does is measured, with the cord of another beside.
    """
    if not isinstance(visit, ScannedVisit):
        return MaskedVisit(visit.session_id, None, {}, missing_reason=visit.status_reason)
    masks: dict[str, dict[Compartment, Volume]] = {}
    readings, findings = study_folder.read_masks(visit.visit, visit.image, visit.anchor)
    missing = _unread(visit.visit.masks, readings, findings)
    for one in readings:
        masks.setdefault(one.file.source, {})[one.compartment] = one.volume
    if not masks:
        return MaskedVisit(visit.session_id, None, {}, findings=tuple(findings), missing=missing)
    origins = {one.file.source: one.file.origin for one in readings}
    ranked = sorted(origins, key=lambda source: (origins[source] == MaskOrigin.AUTOMATIC, source))
    primary = next((source for source in ranked if set(masks[source]) - {Compartment.CORD}), ranked[0])
    cord_from = next((source for source in (primary, *ranked) if Compartment.CORD in masks[source]), None)
    measured = [
        one for one in readings if one.file.source == (cord_from if one.compartment == Compartment.CORD else primary)
    ]
    mask_rows = tuple(given_record(visit, one.compartment, one.file, is_primary=one in measured) for one in readings)
    bounds = {one.compartment: one.bound_reason for one in measured if one.bound_reason}
    cord = None if cord_from in (None, primary) else masks[cord_from][Compartment.CORD]
    peers = [
        one for one in ranked if (origins[one] == MaskOrigin.AUTOMATIC) == (origins[primary] == MaskOrigin.AUTOMATIC)
    ]
    apart, disputed = compare_readers.readers_apart(visit, masks, peers)
    return MaskedVisit(
        visit.session_id, origins[primary], masks, mask_rows, (*findings, *apart), missing, source=primary,
        bounds=bounds, cord=cord, disputed=disputed,
    )  # fmt: skip


def _unread(
    files: Sequence[study_folder.MaskFile],
    readings: Sequence[MaskReading],
    findings: Sequence[records.Finding],
) -> dict[Compartment, str]:
    """Say of each compartment that somebody drew here and nobody can read why it is missing, which is not 0."""
    reasons = {one.path: one.message for one in findings if one.code in DRAWN_NOT_READ}
    read = {one.compartment for one in readings}
    return {
        compartment: reasons[file.relative]
        for file in files
        for compartment in file.compartments
        if file.relative in reasons and compartment not in read
    }


def with_likely_labels(given: Mapping[str, MaskedVisit]) -> dict[str, MaskedVisit]:
    """Add to findings about an unlisted label what it most likely means, as the patient's other visits show.

    That is the one compartment which the same source draws at another visit and which is gone where the unlisted
    label appeared. It is a remedy to look at, and nothing is measured by it.
    """
    return {name: _with_likely_label(visit, given) for name, visit in given.items()}


def _with_likely_label(visit: MaskedVisit, given: Mapping[str, MaskedVisit]) -> MaskedVisit:
    unlisted = [row for row in visit.findings if row.code == "mask_label_unlisted"]
    seen = {
        (row.compartment, other.session_id)
        for other in given.values()
        for row in other.rows
        if row.compartment in visit.missing and other.masks[row.source][Compartment(row.compartment)].array.any()
    }
    likely = {compartment for compartment, _ in seen}
    if len(unlisted) != 1 or len(likely) != 1:
        return visit
    sessions = ", ".join(sorted(session_id for _, session_id in seen))
    words = f"; most likely it is {next(iter(likely))}, which is drawn at {sessions} and missing here"
    findings = [replace(row, message=f"{row.message}{words}") if row in unlisted else row for row in visit.findings]
    return replace(visit, findings=tuple(findings))


def lesion_region(masked: MaskedVisit) -> Volume | None:
    """Return where a visit's masks show any lesion (not the cord itself), or None when they show none."""
    lesions = [mask for compartment, mask in masked.primary.items() if compartment != Compartment.CORD]
    if not lesions:
        return None
    union = np.any([mask.array >= OBJECT_PROBABILITY for mask in lesions], axis=0)
    return lesions[0].with_array(union) if union.any() else None
