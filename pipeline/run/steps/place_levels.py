"""Which vertebra lies where along the centre line, from the disc labels of one visit, carried to the reference space.

The reference visit's labels count, else those of the first visit by date that has some: a visit added later never
changes a level. Labels of the other visits are compared with them, and said in a finding where they disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.transform import move_points
from pipeline.files import fingerprints
from pipeline.measure import cord, vertebral_levels
from pipeline.run.steps.visit_work import AlignedVisit, ReadVisit, ScannedVisit, VisitWork
from pipeline.study import study_folder
from pipeline.study.disc_voxels import DiscReading

NO_LABELS = "no visit has disc labels"
NONE_USABLE = "no disc label can be used; the findings say why"
NO_LINE = "no mask of the cord or of a lesion gives a centre line"
NOT_ALIGNED = "the visit with disc labels has an alignment of grade C or none"
NOT_ON_LINE = "the disc labels do not follow each other along the centre line"


@dataclass(frozen=True)
class FoundLevels:
    """The patient's levels with the visit whose labels gave them; without levels, the reason in words.

    ``rows`` are the labels of all visits, each with its place along the line where it has one.
    """

    levels: vertebral_levels.Levels | None
    session_id: str | None
    reason: str | None
    rows: tuple[records.Disc, ...] = ()
    findings: tuple[records.Finding, ...] = ()


@dataclass(frozen=True)
class _Labelled:
    """One visit's labels: places in its own world, and along the line or why not."""

    visit: ReadVisit
    labels: DiscReading
    levels: vertebral_levels.Levels | None
    reason: str | None


def find_levels(visits: Sequence[VisitWork], reference: ReadVisit | None, line: cord.CentreLine | None) -> FoundLevels:
    """Read all disc labels of a patient and lay those that count along the centre line."""
    first = reference.session_id if reference else None
    findings: list[records.Finding] = []
    labelled: list[_Labelled] = []
    for visit in sorted(visits, key=lambda visit: visit.session_id != first):  # else by date: sorting keeps the order
        read = visit.read
        if not read.visit.discs or not isinstance(read, ScannedVisit):
            continue
        labels, oddities = study_folder.read_discs(read.visit, read.image)
        findings += oddities
        if labels is not None:
            labelled.append(_on_line(read, labels, visit.place, line))
    used = next((one for one in labelled if one.levels is not None), None)
    reason = None if used else _why_none(visits, labelled)
    findings += _disagreements(labelled, used)
    disc_rows = tuple(row for one in labelled for row in _rows(one, one is used))
    return FoundLevels(
        used.levels if used else None, used.visit.session_id if used else None, reason, disc_rows, tuple(findings)
    )


def _on_line(
    visit: ReadVisit, labels: DiscReading, aligned: AlignedVisit | None, line: cord.CentreLine | None
) -> _Labelled:
    if aligned is None or aligned.grade == "C":
        return _Labelled(visit, labels, None, NOT_ALIGNED)
    if line is None:
        return _Labelled(visit, labels, None, NO_LINE)
    moved = {n: move_points(aligned.to_reference, place[None])[0] for n, place in labels.places_mm.items()}
    levels = vertebral_levels.placed(moved, line)
    return _Labelled(visit, labels, levels, None if levels else NOT_ON_LINE)


def _why_none(visits: Sequence[VisitWork], labelled: Sequence[_Labelled]) -> str:
    if labelled:
        return labelled[0].reason or NONE_USABLE
    return NONE_USABLE if any(visit.read.visit.discs for visit in visits) else NO_LABELS


def _rows(one: _Labelled, is_used: bool) -> list[records.Disc]:
    file = one.labels.file
    positions_mm = one.levels.positions_mm if one.levels else {}
    return [
        records.Disc(
            patient_id=file.patient_id,
            session_id=one.visit.session_id,
            number=number,
            name=vertebral_levels.disc(number),
            position_mm=positions_mm.get(number),
            missing_reason=one.reason,
            is_used=is_used,
            label_origin=str(file.origin),
            path=file.relative,
            sha256=fingerprints.of_file(file.path),
        )
        for number in sorted(one.labels.places_mm)
    ]


def _disagreements(labelled: Sequence[_Labelled], used: _Labelled | None) -> list[records.Finding]:
    """Say which visits count otherwise than the one whose labels are used: by half a vertebra or more."""
    disagreements = []
    for one in labelled:
        if used is None or used.levels is None or one is used or one.levels is None:
            continue
        shift = vertebral_levels.shift_mm(used.levels, one.levels)
        if shift is None or abs(shift[0]) <= vertebral_levels.step_mm(used.levels) / 2:
            continue
        file, where = one.labels.file, "towards the head" if shift[0] > 0 else "towards the feet"
        message = (
            f"{file.relative}: expected the discs where those of {used.visit.session_id} lie, found them "
            f"{abs(shift[0]):.0f} mm {where} (median of {shift[1]}); levels are from {used.visit.session_id}"
        )
        findable = {"patient_id": file.patient_id, "session_id": file.session_id}
        disagreements.append(finding("disc_differ", message, file.relative, **findable))
    return disagreements
