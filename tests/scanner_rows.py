"""How the scans of the tiny store were made: sub-01 gets another scanner at its last visit, sub-02 has none recorded.

sub-03 keeps its scanner and gets another echo time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pipeline.acquisition.protocol import (
    Difference,
    Facts,
    MeasuredScan,
    compare,
    protocol_name,
    scanner_key,
    scanner_name,
)
from pipeline.core import records

AVANTO = Facts("SIEMENS", "Avanto", 1.494, "s-aaaa11112222", "VB17", 100.0, 3500.0, 150.0, 3.0)
SKYRA = Facts("Siemens Healthineers", "Skyra", 2.894, "s-bbbb11112222", "VE11C", 100.0, 3500.0, 150.0, 3.0)
LONG_ECHO = Facts("SIEMENS", "Avanto", 1.494, "s-aaaa11112222", "VB17", 130.0, 3500.0, 150.0, 3.0)
MADE = {
    "sub-01": [AVANTO, AVANTO, AVANTO, AVANTO, SKYRA],
    "sub-02": [Facts(), Facts(), Facts()],
    "sub-03": [AVANTO, LONG_ECHO],
}


def made_rows(made: dict[str, list[Facts]] = MADE) -> list[Any]:
    """Acquisitions of each visit, and what changed from visit to visit; sub-01's last also against its baseline."""
    rows: list[Any] = []
    for patient, facts in made.items():
        scans = {f"ses-{number:02}": _scan(one) for number, one in enumerate(facts, start=1)}
        rows += [acquisition(patient, session, scan) for session, scan in scans.items()]
        for then, now in pairwise(scans):
            rows.append(change(patient, now, then, compare(scans[then], scans[now]), is_visit_before=True))
        if len(scans) == 5:
            further = compare(scans["ses-02"], scans["ses-05"]), compare(scans["ses-03"], scans["ses-05"])
            rows += [change(patient, "ses-05", f"ses-0{n}", one) for n, one in enumerate(further, start=2)]
    return rows


def acquisition(patient_id: str, session_id: str, scan: MeasuredScan) -> records.Acquisition:
    """The row of a visit's sagittal T2w scan."""
    path, facts = f"{patient_id}/{session_id}/anat/{patient_id}_{session_id}_acq-sag_T2w.nii.gz", scan.facts
    key = scanner_key(facts)
    return records.Acquisition(
        patient_id, session_id, path, facts.manufacturer, facts.model, facts.field_tesla, facts.device, facts.software,
        facts.echo_time_ms, facts.repetition_time_ms, facts.flip_angle_deg, facts.slice_thickness_mm, scan.slice_mm,
        scan.pixel_mm, key, scanner_name(facts), protocol_name(scan), None if key else "no scanner is recorded",
    )  # fmt: skip


def change(
    patient_id: str, session_id: str, compared: str, found: Difference, *, is_visit_before: bool = False
) -> records.ProtocolChange:
    """The row of one comparison."""
    return records.ProtocolChange(
        patient_id, session_id, compared, is_visit_before, str(found.scanner), str(found.software),
        str(found.protocol), "; ".join(found.changes) or None, "; ".join(found.unknown) or None,
    )  # fmt: skip


def _scan(facts: Facts) -> MeasuredScan:
    return MeasuredScan("T2w", "sagittal", 3.3, 0.7, facts)
