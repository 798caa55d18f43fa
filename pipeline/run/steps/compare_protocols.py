"""How each scan was made, and what changed between the visits that are compared with each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise

from pipeline.acquisition.protocol import Facts, MeasuredScan, compare, protocol_name, scanner_key, scanner_name
from pipeline.core import records
from pipeline.files.derivatives import of_kind
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import ReadVisit

NOTHING_RECORDED = "no scanner is recorded: the scan has no .json file beside it, or that names none"
TOO_LITTLE = "too little is recorded to tell the scanner from another: maker, model and field strength, or the device"

Row = records.Acquisition | records.ProtocolChange


def compare_scans(work: PatientWork) -> PatientWork:
    """Say how each scan was made, and what changed between the visits that are compared."""
    return work.adding(*how_made(work.reads, of_kind(work.rows, records.Assessment)))


def how_made(visits: Sequence[ReadVisit], assessments: Iterable[records.Assessment]) -> tuple[Row, ...]:
    """Say how each scan was made, and what changed since the visit before and since those that judgement picked."""
    return (*(row for visit in visits for row in _acquisitions(visit)), *_changes(visits, assessments))


def _acquisitions(visit: ReadVisit) -> Iterable[records.Acquisition]:
    facts = {scan.relative: scan.facts for scan in visit.visit.scans}
    for row in visit.scans:
        scan = _scan_of(row, facts[row.path])
        facts_known = scan.facts
        key, name = scanner_key(facts_known), scanner_name(facts_known)
        yield records.Acquisition(
            patient_id=row.patient_id,
            session_id=row.session_id,
            path=row.path,
            **asdict(facts_known),
            slice_mm=scan.slice_mm,
            pixel_mm=scan.pixel_mm,
            scanner_key=key,
            scanner_name=name,
            protocol_name=protocol_name(scan),
            missing_reason=None if key else TOO_LITTLE if name else NOTHING_RECORDED,
        )


def _changes(
    visits: Sequence[ReadVisit], assessments: Iterable[records.Assessment]
) -> Iterable[records.ProtocolChange]:
    by_name = {visit.session_id: visit for visit in visits}
    usable = [visit.session_id for visit in visits if visit.status == "usable"]
    before = {(now, then) for then, now in pairwise(usable)}
    picked = {
        (row.session_id, then)
        for row in assessments
        for then in (row.baseline_session_id, row.nadir_session_id, row.previous_session_id)
        if then is not None and then != row.session_id
    }
    for now, then in sorted(before | picked):
        protocol_change = compare(_measured(by_name[then]), _measured(by_name[now]))
        yield records.ProtocolChange(
            patient_id=by_name[now].visit.patient_id,
            session_id=now,
            compared_session_id=then,
            is_visit_before=(now, then) in before,
            scanner=str(protocol_change.scanner),
            software=str(protocol_change.software),
            protocol=str(protocol_change.protocol),
            changes="; ".join(protocol_change.changes) or None,
            unknown="; ".join(protocol_change.unknown) or None,
        )


def _measured(visit: ReadVisit) -> MeasuredScan | None:
    """Return the scan that a visit was measured on; None where it has none that could be read."""
    row = next((scan for scan in visit.scans if scan.is_anchor and scan.unreadable_reason is None), None)
    return None if row is None or visit.anchor is None else _scan_of(row, visit.anchor.facts)


def _scan_of(row: records.Scan, facts: Facts) -> MeasuredScan:
    """Join what the grid and what the sidecar say; slices lie along the longest edge of the voxels."""
    sizes = [mm for mm in (row.spacing_i_mm, row.spacing_j_mm, row.spacing_k_mm) if mm is not None]
    _, pixel_mm, slice_mm = sorted(sizes) if len(sizes) == 3 else (None, None, None)
    return MeasuredScan(row.contrast, row.plane, slice_mm, pixel_mm, facts)
