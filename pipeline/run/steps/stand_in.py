"""What is said where an automatic mask is measured although somebody drew one that could not be used: both.

A drawing of another size or a damaged file says nothing of this scan's voxels, so an automatic mask may be made; but
nobody should take it for a visit that nobody looked at.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import MaskOrigin
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import VisitWork

UNUSED = ("mask_grid", "mask_unreadable")
"""Findings about drawings that do not belong to the voxels of this scan, or cannot be read at all."""


def say(work: PatientWork) -> PatientWork:
    """Name the drawing that an automatic mask stands in for, on the visit and beside the mask."""
    visits: list[VisitWork] = []
    findings: list[records.Finding] = []
    for visit in work.visits:
        drawings = _unused(work, visit.session_id)
        compartments = sorted({str(row.compartment) for row in visit.masks.measured_rows if _is_automatic(row)})
        if not drawings or not compartments:
            continue
        named = " and ".join(drawings)
        words = f"expected the drawn mask {named} to be measured, found it unusable; automatic masks of"
        message = f"{visit.read.named}: {words} {', '.join(compartments)} stand in for it"
        findings.append(finding("mask_stand_in", message, drawings[0], **visit.read.subject))
        note = f"stands in for {named}, which could not be used"
        mask_records = tuple(
            replace(row, note="; ".join(filter(None, (row.note, note)))) if _is_automatic(row) else row
            for row in visit.masks.rows
        )
        visits.append(replace(visit, masks=replace(visit.masks, rows=mask_records)))
    return work.changing(visits).adding(*findings)


def _is_automatic(row: records.Segmentation) -> bool:
    return row.mask_origin == MaskOrigin.AUTOMATIC and row.folder == "output"


def _unused(work: PatientWork, session_id: str) -> list[str]:
    refusals = (row for row in work.rows if isinstance(row, records.Finding) and row.code in UNUSED)
    return sorted({row.path for row in refusals if row.session_id == session_id and row.path})
