"""First step: read each visit's scans and choose the visit that all others are aligned to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import TreatmentKind
from pipeline.core.volume import Volume, plane, to_world
from pipeline.core.written_day import first_possible, last_possible
from pipeline.errors import InputError
from pipeline.files import fingerprints, images
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import ReadVisit, ScannedVisit, VisitWork
from pipeline.study import study_folder

EARLY_POSTOPERATIVE = timedelta(days=42)
"""Scans this soon after surgery show swelling and blood: no reference while a later one exists (CLINICAL practice)."""

NO_DATE = "the study gives no valid date for this visit"

AS_FINE = 1.5
"""A scan counts as fine as another when its thickest voxel edge is at most this many times the other's."""


def read(work: PatientWork) -> PatientWork:
    """Read every visit's scans and choose the reference visit."""
    patient = work.plan.patient
    visits, reference = read_visits(patient.visits, patient.treatments)
    return replace(work, visits=tuple(map(VisitWork, visits)), reference=reference).adding(
        patient.patient,
        *(visit_record(visit, reference) for visit in visits),
        *(scan for visit in visits for scan in visit.scans),
        *patient.treatments,
        *patient.function_scores,
        *(row for visit in visits for row in visit.findings),
        *protocol_changes(visits, reference),
    )


def read_visits(
    visits: Sequence[study_folder.StudyVisit], treatments: tuple[records.Treatment, ...]
) -> tuple[tuple[ReadVisit, ...], ScannedVisit | None]:
    """Read a patient's visits and choose the reference; the others favour the reference anchor's view of the spine."""
    first = tuple(read_visit(visit) for visit in visits)
    reference = choose_reference(first, treatments)
    if reference is None:
        return first, None
    same_view = tuple(
        visit
        if study_folder.anchor_scan(visit.visit, reference.anchor) == visit.anchor
        else read_visit(visit.visit, reference.anchor)
        for visit in first
    )
    return same_view, reference


def read_visit(visit: study_folder.StudyVisit, like: study_folder.ScanFile | None = None) -> ReadVisit:
    """Read the scans of one visit; what cannot be read is said in a finding and never stops the others.

    ``like`` is another visit's anchor, whose view of the spine is favoured.
    """
    anchor = study_folder.anchor_scan(visit, like)
    scan_rows, findings, image = [], [], None
    for scan in visit.scans:
        try:
            volume, lost_count = images.load_with_gaps(scan.path)
            findings += _odd_scan(scan, volume, lost_count)
            scan_rows.append(_scan_record(scan, volume, scan == anchor))
            image = volume if scan == anchor else image
        except InputError as error:
            scan_rows.append(_unreadable(scan, scan == anchor, str(error)))
            folder = scan.relative.removesuffix(scan.path.name)  # the error names the file, not where it lies
            findings.append(finding("scan_unreadable", f"{folder}{error}", scan.relative))
    status, reason = _status(visit, anchor, scan_rows)
    if anchor is None or image is None:
        return ReadVisit(visit, status, reason, anchor, None, tuple(scan_rows), tuple(findings))
    return ScannedVisit(visit, status, reason, anchor, image, tuple(scan_rows), tuple(findings))


def choose_reference(visits: Iterable[ReadVisit], treatments: Iterable[records.Treatment]) -> ScannedVisit | None:
    """Choose the visit that all others are aligned to: the first usable one after the first surgery or radiotherapy.

    Preferred is one at least six weeks after that surgery; without treatment it is the first usable visit. Visits
    added later never change the choice.
    """
    usable = _usable(visits)
    if not usable:
        return None
    starts = [
        t.ended_on or t.started_on for t in treatments if t.kind in (TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY)
    ]
    if not starts:
        return usable[0]
    after = [visit for visit in usable if visit.acquired_on and visit.acquired_on > min(starts)]
    settled = [visit for visit in after if visit.acquired_on and visit.acquired_on >= min(starts) + EARLY_POSTOPERATIVE]
    return (settled or after or usable)[0]


def _usable(visits: Iterable[ReadVisit]) -> list[ScannedVisit]:
    """Return the visits that can be measured and dated."""
    return [visit for visit in visits if isinstance(visit, ScannedVisit) and visit.status == "usable"]


def protocol_changes(visits: Iterable[ReadVisit], reference: ScannedVisit | None) -> tuple[records.Finding, ...]:
    """Say which usable visits were scanned with much thicker or thinner slices than the reference visit.

    Another plane or sequence breaks the series (``pipeline.judge.comparison``); thickness alone does not, for what
    it costs is in the measurement error, but a reader should know.
    """
    if reference is None:
        return ()
    findings = []
    for visit in _usable(visits):
        own_mm, other_mm = thickest_mm(visit), thickest_mm(reference)
        if max(own_mm, other_mm) > AS_FINE * min(own_mm, other_mm):
            message = (
                f"{visit.named}: voxels of up to {own_mm:.1f} mm, those of the reference visit {reference.session_id} "
                f"of up to {other_mm:.1f} mm; the measurement error allows for it"
            )
            findings.append(finding("protocol_changed", message, **visit.subject))
    return tuple(findings)


def visit_record(visit: ReadVisit, reference: ReadVisit | None) -> records.Visit:
    """Return a visit's row of the store."""
    return records.Visit(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        acquired_on=None if visit.acquired_on is None else first_possible(visit.acquired_on),
        acquired_by=last_possible(visit.acquired_on),
        acquired_at=None if visit.visit.acquired_at is None else visit.visit.acquired_at.isoformat(),
        leptomeningeal=visit.seeding,
        is_reference=reference is not None and visit.session_id == reference.session_id,
        status=visit.status,
        status_reason=visit.status_reason,
        table_scans=" ".join(visit.visit.table_scans) or None,
    )


def thickest_mm(visit: ScannedVisit) -> float:
    """Return the thickest edge of the voxels of a visit's anchor scan, mm."""
    return float(visit.image.spacing_mm.max())


def _status(
    visit: study_folder.StudyVisit, anchor: study_folder.ScanFile | None, scan_rows: list[records.Scan]
) -> tuple[str, str | None]:
    if visit.imported:
        return ("usable", None) if visit.acquired_on is not None else ("undated", NO_DATE)
    if anchor is None:
        return "failed", "no scan that a tumour can be measured on (a T2w, or else a T1w, is needed)"
    unreadable = next((row.unreadable_reason for row in scan_rows if row.is_anchor and row.unreadable_reason), None)
    if unreadable:
        return "failed", unreadable
    if visit.acquired_on is None:
        return "undated", NO_DATE
    return "usable", None


def _odd_scan(scan: study_folder.ScanFile, volume: Volume, lost_count: int) -> list[records.Finding]:
    """Say what is odd about a scan that can be read: voxels without a number, and two places in the world."""
    oddities = []
    if lost_count:
        share = lost_count / volume.array.size
        message = (
            f"{scan.relative}: expected a number in each voxel, found {lost_count} NaN or infinite ones ({share:.1%}); "
            f"they count as no signal"
        )
        oddities.append(finding("scan_not_finite", message, scan.relative))
    other = images.other_grid(scan.path)
    if other is not None:
        degrees, away_mm = apart(volume, other)
        message = (
            f"{scan.relative}: expected one position, found a qform and an sform that place it differently "
            f"({degrees:.1f} degrees and up to {away_mm:.1f} mm apart); the sform is used"
        )
        oddities.append(finding("scan_two_positions", message, scan.relative))
    return oddities


def apart(volume: Volume, other: Volume) -> tuple[float, float]:
    """Return by how many degrees and, at the farthest corner, mm two places of one image differ."""
    turn = (volume.affine[:3, :3] / volume.spacing_mm).T @ (other.affine[:3, :3] / other.spacing_mm)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape])).reshape(3, -1).T
    away_mm = np.linalg.norm(to_world(volume.affine, corners) - to_world(other.affine, corners), axis=-1)
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))), float(away_mm.max())


def _scan_record(scan: study_folder.ScanFile, volume: Volume, is_anchor: bool) -> records.Scan:
    i_mm, j_mm, k_mm = (round(float(mm), 4) for mm in volume.spacing_mm)
    return records.Scan(
        patient_id=scan.patient_id,
        session_id=scan.session_id,
        path=scan.relative,
        contrast=scan.contrast,
        is_anchor=is_anchor,
        sha256=fingerprints.of_file(scan.path),
        plane=plane(volume),
        chunk=scan.chunk,
        spacing_i_mm=i_mm,
        spacing_j_mm=j_mm,
        spacing_k_mm=k_mm,
    )


def _unreadable(scan: study_folder.ScanFile, is_anchor: bool, reason: str) -> records.Scan:
    return records.Scan(
        patient_id=scan.patient_id,
        session_id=scan.session_id,
        path=scan.relative,
        contrast=scan.contrast,
        is_anchor=is_anchor,
        sha256=fingerprints.of_file(scan.path) if scan.path.is_file() else "",
        chunk=scan.chunk,
        unreadable_reason=reason,
    )
