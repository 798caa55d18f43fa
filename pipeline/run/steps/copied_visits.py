"""A scan that lies at two visits, and a mask that is another visit's voxel for voxel: no size is taken from a copy.

Two scans are never equal and nobody draws an outline of some size twice alike. That nothing changed between the two is
no observation, so the later visit has no size until somebody accepts the mask as it is or draws this visit's own; of a
copied scan none until the scan or its day is put right. What this module refuses: to call a copy stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment
from pipeline.run.steps.visit_work import Copies, ScannedVisit, VisitWork

FEWEST_ALIKE = 30
"""Voxels from which on two drawings that are equal are a copy: specks of a few voxels may be drawn twice alike."""


def with_copies(visits: Sequence[VisitWork]) -> tuple[tuple[VisitWork, ...], tuple[records.Finding, ...]]:
    """Return the visits with what of each is a copy of an earlier one, and a finding about each copy.

    Parameters
    ----------
    visits
        In order of time, with the masks of the study folder.
    """
    scans, masks = dict[str, str](), dict[object, str]()
    checked, findings = list[VisitWork](), list[records.Finding]()
    for visit in visits:
        if not isinstance(visit.read, ScannedVisit):
            checked.append(visit)
            continue
        scan = _copied_scan(visit.read, scans, findings)
        copied_masks = _copied_masks(visit, masks, findings)
        is_measured = not visit.read.visit.imported
        checked.append(replace(visit, copies=Copies(scan, copied_masks)) if is_measured else visit)
    return tuple(checked), tuple(findings)


def _copied_scan(read: ScannedVisit, earlier: dict[str, str], findings: list[records.Finding]) -> str | None:
    """Say of which visit a visit's scan is the very file; None where it is its own, which is then put with the rest."""
    other, path = earlier.setdefault(read.anchor_sha256, read.session_id), read.anchor.relative
    if other == read.session_id:
        return None
    words = f"{path}: expected a scan of its own, found the very file of {other}"
    findings.append(finding("scan_copied", words, path, **read.subject))
    return f"its scan is the very file of {other}: the scan or its day is wrong"


def _copied_masks(
    visit: VisitWork, earlier: dict[object, str], findings: list[records.Finding]
) -> dict[Compartment, str]:
    """Say of which visit each measured mask is a copy; those of other readers are named in findings only."""
    copies = dict[Compartment, str]()
    for row in visit.masks.rows:
        compartment = Compartment(row.compartment)
        array = visit.masks.masks[row.source][compartment].array
        if np.count_nonzero(array) < FEWEST_ALIKE:
            continue
        other = earlier.setdefault((compartment, _content(array)), visit.session_id)
        if other == visit.session_id:
            continue
        words = f"{row.path}: expected {compartment} drawn on this visit, found that of {other} voxel by voxel"
        findings.append(finding("mask_copied", words, row.path, **visit.read.subject))
        if row.is_primary:
            copies[compartment] = f"its mask is that of {other} voxel by voxel, and nobody accepted it for this visit"
    return copies


def _content(array: NDArray[np.generic]) -> tuple[object, ...]:
    """Return what two equal masks have in common, whatever type of number their files hold."""
    places = np.flatnonzero(array)
    values = array.ravel()[places].astype(np.float32)
    return array.shape, places.tobytes(), values.tobytes()
