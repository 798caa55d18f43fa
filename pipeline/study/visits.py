"""The visits of each patient: folders, dates, scans and masks brought together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from itertools import pairwise
from pathlib import Path

from pipeline.core.findings import finding
from pipeline.core.neuraxis_form import NeuraxisForm
from pipeline.core.records import Finding
from pipeline.core.spectrum import MetaboliteValue
from pipeline.core.written_day import last_possible
from pipeline.files import fingerprints
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.study import sidecar_doubts
from pipeline.study.anchors import choose_anchor
from pipeline.study.clinical import SessionRow, read_scan_date, read_sessions
from pipeline.study.discs import DiscFile
from pipeline.study.masks import MaskFile, find_drawn
from pipeline.study.names import entries, relative_to, with_prefix
from pipeline.study.scans import CONTRASTS, ScanFile, find_scans, is_image

ONLY_SESSION_ID = "ses-01"
"""The visit of a patient whose images lie in ``sub-<label>/anat``, without a visit level."""

ODD_DATES = frozenset({"date_malformed", "date_future", "visit_date_conflict", "columns_differ", "row_long"})
"""Findings of a sessions table after which a visit without a date may have been given one."""

OTHER_DATATYPES = frozenset(
    {"func", "fmap", "perf", "mrs", "pet", "eeg", "meg", "ieeg", "nirs", "beh", "motion", "micr"}
)
"""Folders that BIDS allows and cordtrack does not read."""


@dataclass(frozen=True, slots=True)
class StudyVisit:
    """One visit; ``acquired_on`` is None when no usable date is given, of a month or a year its first day.

    ``acquired_at`` is the time of the scan; ``leptomeningeal`` is None where nobody imaged or said it.
    ``imported`` holds sizes that other software measured, at visits without images only, and ``imported_lesions`` those
    of each lesion by name where the table tells them apart; ``neuraxis`` is the form of the whole neuraxis, None where
    nobody filled one in; ``spectra`` is what was fitted to the visit's spectra elsewhere. ``is_to_come`` says of a
    visit without a date that its day lies after the day of reading; ``table_scans`` holds what acts on sizes of a table
    may be bound to, where it gives times (``first_given.scan_digest``).
    """

    patient_id: str
    session_id: str
    acquired_on: date | None
    scans: tuple[ScanFile, ...]
    masks: tuple[MaskFile, ...]
    imported: tuple[ImportedMeasure, ...] = ()
    discs: tuple[DiscFile, ...] = ()
    neuraxis: NeuraxisForm | None = None
    acquired_at: time | None = None
    leptomeningeal: bool | None = None
    imported_lesions: Mapping[str, ImportedMeasure] = field(default_factory=dict)
    is_to_come: bool = False
    spectra: tuple[MetaboliteValue, ...] = ()
    table_scans: tuple[str, ...] = ()


def read_visits(
    folders: Mapping[str, Path], root: Path, as_of: date, findings: list[Finding]
) -> dict[str, tuple[StudyVisit, ...]]:
    """Read the visits of patients, by date with undated ones last, and the masks and disc labels drawn for them.

    Parameters
    ----------
    folders
        Each patient's folder, by patient id.
    root
        The study folder, resolved.
    as_of
        The day of reading; a visit dated after it is undated.
    findings
        What is odd is added.

    Returns
    -------
    dict
        By patient id; a visit that only the sessions table knows is there, without scans.
    """
    places = {patient_id: _visit_folders(folder, root, findings) for patient_id, folder in folders.items()}
    only = {key: ONLY_SESSION_ID if folders[key] in places[key].values() else None for key in folders}
    drawn: dict[str, dict[str, list[MaskFile | DiscFile]]] = {key: defaultdict(list) for key in folders}
    for file in find_drawn(root, only, findings):
        drawn[file.patient_id][file.session_id].append(file)
    return {key: _patient_visits(folders[key], places[key], drawn[key], root, as_of, findings) for key in folders}


def anchor_of(visit: StudyVisit, like: ScanFile | None = None) -> tuple[ScanFile | None, tuple[Finding, ...]]:
    """Choose the scan that carries a visit's alignment: the one somebody drew on, else one like ``like``."""
    return choose_anchor(visit.scans, visit.masks, like)


def _patient_visits(
    folder: Path,
    places: Mapping[str, Path],
    drawn: Mapping[str, list[MaskFile | DiscFile]],
    root: Path,
    as_of: date,
    findings: list[Finding],
) -> tuple[StudyVisit, ...]:
    said_before = len(findings)
    listed = read_sessions(folder / f"{folder.name}_sessions.tsv", root, as_of, findings)
    has_odd_dates = any(one.code in ODD_DATES for one in findings[said_before:])
    visits = []
    for session_id in sorted(listed.keys() | places.keys()):
        place = places.get(session_id)
        row = listed.get(session_id, SessionRow())
        acquired_on = row.acquired_on
        is_unsaid = session_id not in listed or (acquired_on is None and not has_odd_dates)
        is_to_come = row.is_to_come
        if is_unsaid and place is not None:
            read_before = len(findings)
            acquired_on = read_scan_date(_scans_table(place, folder), root, as_of, findings)
            is_to_come = acquired_on is None and any(one.code == "date_future" for one in findings[read_before:])
        scans = find_scans(place, root, session_id, findings) if place else ()
        files = drawn.get(session_id, ())
        masks = tuple(file for file in files if isinstance(file, MaskFile))
        discs = tuple(file for file in files if isinstance(file, DiscFile))
        visit = StudyVisit(folder.name, session_id, acquired_on, scans, masks, discs=discs, is_to_come=is_to_come)
        visits.append(replace(visit, acquired_at=row.acquired_at, leptomeningeal=row.leptomeningeal))
    _report(visits, relative_to(root, folder), findings)
    for file in (file for session_id in drawn.keys() - {v.session_id for v in visits} for file in drawn[session_id]):
        message = f"{file.relative}: expected a visit of {folder.name} for what was drawn here, found none"
        findings.append(finding("mask_without_visit", message, file.relative, session_id=file.session_id))
    return tuple(sorted(visits, key=by_date))


def _visit_folders(folder: Path, root: Path, findings: list[Finding]) -> dict[str, Path]:
    """List a patient's visit folders by id; images without a visit level are one visit, if there is no other."""
    visits: dict[str, Path] = {}
    unlevelled: list[Path] = []
    for path in entries(folder, root, findings):
        relative = relative_to(root, path)
        if path.is_file():
            if is_image(path):
                message = f"{relative}: expected images in ses-<label>/anat, found one beside the visits"
                findings.append(finding("image_misplaced", message, relative))
        elif path.name.startswith("ses-") and with_prefix("ses", path.name) == path.name:
            visits[path.name] = path
        elif path.name in CONTRASTS:
            unlevelled.append(path)
        elif path.name not in OTHER_DATATYPES:
            message = f"{relative}: expected a folder ses-<letters and digits>, found '{path.name}'; it was not read"
            findings.append(finding("folder_ignored", message, relative))
    if unlevelled and not visits:
        message = (
            f"expected {folder.name}/ses-<label>/anat, found no visit level; all images count as {ONLY_SESSION_ID}"
        )
        findings.append(finding("visit_level_missing", message, relative_to(root, folder)))
        return {ONLY_SESSION_ID: folder}
    for path in unlevelled:
        message = f"expected images inside visit folders, found {folder.name}/{path.name} beside them; it was not read"
        findings.append(finding("folder_ignored", message, relative_to(root, path)))
    return visits


def _scans_table(place: Path, folder: Path) -> Path:
    """Return the BIDS path of a visit's ``scans.tsv``."""
    return place / f"{folder.name}{'' if place == folder else f'_{place.name}'}_scans.tsv"


def _report(visits: Sequence[StudyVisit], folder: str, findings: list[Finding]) -> None:
    dated = []
    for visit in visits:
        where = f"{visit.patient_id} {visit.session_id}"
        about = {"patient_id": visit.patient_id, "session_id": visit.session_id}
        anchor, odd = anchor_of(visit)
        findings.extend(odd)
        if anchor is None and visit.scans:
            message = f"{where}: expected a T2w or else a T1w to measure on, found {_unmeasurable(visit)}"
            findings.append(finding("visit_not_measurable", message, folder, **about))
        if visit.acquired_on is None:
            findings.append(finding("visit_undated", f"{where}: expected a date, found none usable", folder, **about))
        else:
            dated.append(visit)
        if not visit.scans:
            findings.append(finding("visit_without_images", f"{where}: expected images, found none", folder, **about))
    for earlier, visit in pairwise(sorted(dated, key=by_date)):
        if str(earlier.acquired_on) == str(visit.acquired_on):
            message = f"{visit.patient_id}: expected one visit a day, found {earlier.session_id} and {visit.session_id}"
            code, about = "visit_date_repeated", {"patient_id": visit.patient_id, "session_id": visit.session_id}
            findings.append(finding(code, f"{message} on {visit.acquired_on}", folder, **about))
    _report_order(dated, folder, findings)
    sidecar_doubts.report(visits, findings)


def _report_order(dated: Iterable[StudyVisit], folder: str, findings: list[Finding]) -> None:
    """Say of visits that are named by numbers where their dates go another way: two dates may be exchanged."""
    numbered = [visit for visit in dated if visit.session_id.removeprefix("ses-").isdecimal()]
    for earlier, visit in pairwise(sorted(numbered, key=lambda one: int(one.session_id.removeprefix("ses-")))):
        last = visit.acquired_on and (last_possible(visit.acquired_on) or visit.acquired_on)
        if last and earlier.acquired_on and last < earlier.acquired_on:
            both = f"{earlier.session_id} on {earlier.acquired_on} and {visit.session_id} on {visit.acquired_on}"
            message = f"{visit.patient_id}: expected visits in the order of their numbers, found {both}"
            about = {"patient_id": visit.patient_id, "session_id": visit.session_id}
            findings.append(finding("visit_order", message, folder, **about))


def _unmeasurable(visit: StudyVisit) -> str:
    """Name the scans of a visit that cannot be measured, and what was drawn there and is not used."""
    contrasts = ", ".join(sorted({scan.contrast for scan in visit.scans}))
    drawn = ", ".join(mask.relative for mask in visit.masks)
    return f"{contrasts}; not used: {drawn}" if drawn else f"{contrasts} and no mask drawn on it"


def by_date(visit: StudyVisit) -> tuple[bool, date, time, str]:
    """Return what visits are ordered by: undated ones last, those of one day by their times where they are known."""
    return visit.acquired_on is None, visit.acquired_on or date.min, visit.acquired_at or time.min, visit.session_id


def content_of(visits: Iterable[StudyVisit]) -> str:
    """Return the SHA-256 of what tables say of visits: names, days, sizes, forms, spectra; no file is opened."""
    return fingerprints.of_values(
        [
            (
                (v.session_id, v.acquired_on, str(v.acquired_at), v.leptomeningeal, v.imported, v.imported_lesions),
                (v.neuraxis, v.spectra, v.table_scans),
            )
            for v in visits
        ]
    )
