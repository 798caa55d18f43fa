"""A scan that lies at two visits, and a mask that is another visit's voxel for voxel: no size is taken from a copy.

Two scans are never equal and nobody draws an outline of some size twice alike. That nothing changed between the two is
no observation. Nobody knows whose a scan at two visits is, so neither has a size until one is put right or excluded;
but of images converted from DICOM series of their own the earliest is the one that was taken, and keeps its sizes.
Of equal masks on scans of their own the later has no size until somebody accepts it as it is or draws this visit's
own; every visit is told of the others. What this module refuses: to call a copy stable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment
from pipeline.run.steps.visit_work import Copies, ScannedVisit, VisitWork

Content = TypeVar("Content")

FEWEST_ALIKE = 30
"""Voxels from which on two drawings that are equal are a copy: specks of a few voxels may be drawn twice alike."""


@dataclass(frozen=True)
class DrawnMask:
    """One mask of a visit: its record, how many voxels it has and the digest of them."""

    row: records.Segmentation
    voxels: int
    digest: str

    @property
    def compartment(self) -> Compartment:
        """What was drawn."""
        return Compartment(self.row.compartment)


def with_copies(visits: Sequence[VisitWork]) -> tuple[tuple[VisitWork, ...], tuple[records.Finding, ...]]:
    """Return the visits with what of each another one holds too, and a finding about each at every visit.

    Parameters
    ----------
    visits
        In order of time, with the masks of the study folder.
    """
    scanned = {visit.session_id: visit.read for visit in visits if isinstance(visit.read, ScannedVisit)}
    drawn = {visit.session_id: _drawn_masks(visit) for visit in visits if visit.session_id in scanned}
    scan_holders = _holders((name, scan.sha256) for name, read in scanned.items() for scan in _readable(read))
    mask_holders = _holders(
        (name, (mask.compartment, mask.digest)) for name, masks in drawn.items() for mask in masks if mask.voxels
    )
    checked, findings = list[VisitWork](), list[records.Finding]()
    for visit in visits:
        if not isinstance(visit.read, ScannedVisit):
            checked.append(visit)
            continue
        scan_of = _shared_scan(visit.read, scan_holders, scanned, findings)
        copies = _shared_masks(visit.read, drawn[visit.session_id], mask_holders, findings)
        is_measured = not visit.read.visit.imported
        checked.append(replace(visit, copies=replace(copies, scan_of=scan_of)) if is_measured else visit)
    return tuple(checked), tuple(findings)


def _readable(read: ScannedVisit) -> Iterable[records.Scan]:
    return (scan for scan in read.scans if scan.unreadable_reason is None)


def _holders(held: Iterable[tuple[str, Content]]) -> dict[Content, tuple[str, ...]]:
    """Return what visits hold, each with the visits that do, in order of time."""
    holders = dict[Content, dict[str, None]]()
    for session_id, content in held:
        holders.setdefault(content, {})[session_id] = None
    return {content: tuple(sessions) for content, sessions in holders.items()}


def _shared_scan(
    read: ScannedVisit,
    holders: Mapping[str, Sequence[str]],
    scanned: Mapping[str, ScannedVisit],
    findings: list[records.Finding],
) -> frozenset[str]:
    """Return the other visits for which a visit's anchor scan is doubted; other scans are named in findings only."""
    scan_of = frozenset[str]()
    for scan in _readable(read):
        others = [name for name in holders[scan.sha256] if name != read.session_id]
        if not others:
            continue
        is_first = scan.is_anchor and _is_taken_first(read, [scanned[name] for name in others])
        code = "scan_alike" if is_first else "scan_copied" if scan.is_anchor else "sequence_copied"
        words = f"{scan.path}: expected a scan of its own, found the very file of {' and '.join(others)}"
        findings.append(finding(code, words, scan.path, **read.subject))
        if scan.is_anchor and not is_first:
            scan_of = frozenset(others)
    return scan_of


def _is_taken_first(read: ScannedVisit, others: Sequence[ScannedVisit]) -> bool:
    """Say whether equal anchor scans came from DICOM series of their own, this one's on the earliest day.

    An archive says of each on which day it was taken; nothing can be copied before it was there. An image that is not
    as it was converted says nothing: somebody put it there.
    """
    holders = [read, *others]
    conversions = [one.anchor.conversion for one in holders]
    series = {conversion.series for conversion in conversions if conversion is not None}
    images = {one and one.image_sha256 for one in conversions} | {one.anchor_sha256 for one in holders}
    first, *later = [one.acquired_on for one in holders]
    is_earliest = first is not None and all(day is not None and first < day for day in later)
    return is_earliest and len(images) == 1 and len(series) == len(holders)


def _shared_masks(
    read: ScannedVisit,
    masks: Iterable[DrawnMask],
    holders: Mapping[tuple[Compartment, str], Sequence[str]],
    findings: list[records.Finding],
) -> Copies:
    """Say of which earlier visits the masks are copies; one that keeps its size is named in a finding only."""
    masks_of, reads = dict[Compartment, frozenset[str]](), set[tuple[str, Compartment]]()
    for mask in masks:
        sessions = holders.get((mask.compartment, mask.digest), ())
        others = [name for name in sessions if name != read.session_id]
        if not others:
            continue
        earlier = sessions[: sessions.index(read.session_id)] if mask.voxels >= FEWEST_ALIKE else ()
        code, where = "mask_copied" if earlier else "mask_alike", " and ".join(others)
        words = f"{mask.row.path}: expected {mask.compartment} of this visit, found that of {where} voxel by voxel"
        findings.append(finding(code, words, mask.row.path, **read.subject))
        if earlier and mask.row.is_primary:
            masks_of[mask.compartment] = frozenset(earlier)
        elif earlier:
            reads.add((mask.row.source, mask.compartment))
    return Copies(masks_of=masks_of, reads=frozenset(reads))


def _drawn_masks(visit: VisitWork) -> tuple[DrawnMask, ...]:
    masks = []
    for row in visit.masks.rows:
        array = visit.masks.masks[row.source][Compartment(row.compartment)].array
        places = np.flatnonzero(array)
        masks.append(DrawnMask(row, places.size, _digest(array, places)))
    return tuple(masks)


def _digest(array: NDArray[np.generic], places: NDArray[np.intp]) -> str:
    """Return the SHA-256 of what two equal masks have in common, whatever type of number their files hold."""
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(places.tobytes())
    digest.update(array.ravel()[places].astype(np.float32).tobytes())
    return digest.hexdigest()
