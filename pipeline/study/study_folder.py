"""A study folder as frozen values: who is in it, which visits, scans, masks, treatments and grades, and what is odd.

Only names and tables are read, and the geometry of images where several scans of a visit compete to carry the
alignment. Nothing in the study folder is ever written. Whatever is odd becomes a finding and stops nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.core import markers
from pipeline.core.findings import finding
from pipeline.core.records import Finding, FunctionScore, JournalEntry, Patient, Treatment
from pipeline.errors import InputError
from pipeline.study import clinical, imported_reading, neuraxis_table, possible_days, spectroscopy_table, unread_files
from pipeline.study.discs import DiscFile
from pipeline.study.imported_reading import EarlierReading, ImportedVisits, KeptReading
from pipeline.study.imported_table import IMPORTED_TABLE
from pipeline.study.masks import MaskFile
from pipeline.study.names import derivative_path, entries, label_of, resembling_words, with_prefix
from pipeline.study.scans import ScanFile
from pipeline.study.study_tables import TableRow, read_json, read_table, unread_columns
from pipeline.study.treatment_names import names_beside
from pipeline.study.visits import StudyVisit, anchor_of, read_visits

if TYPE_CHECKING:
    from pipeline.core.volume import Volume
    from pipeline.study.disc_voxels import DiscReading
    from pipeline.study.mask_voxels import MaskReading

__all__ = [
    "IMPORTED_TABLE",
    "DiscFile",
    "MaskFile",
    "ScanFile",
    "StudyFolder",
    "StudyPatient",
    "StudyVisit",
    "anchor_scan",
    "derivative_path",
    "label_of",
    "read_discs",
    "read_masks",
    "read_study",
]

Clinical = TypeVar("Clinical", Treatment, FunctionScore)

TREATMENT_COLUMNS = ("participant_id", "date", "kind")
FUNCTION_COLUMNS = ("participant_id", "date", "scale_id", "grade")
READ_COLUMNS = {
    "participants.tsv": frozenset({
        "participant_id", "sex", "age", "histology", "who_grade", "level", "syndrome", "centre", "died_on",
        "last_contact_on", "enhancing_tumour", "synthetic", *markers.MARKERS,
    }),
    "treatments.tsv": frozenset({*TREATMENT_COLUMNS, "end_date", "extent", "dose_gy", "dose_mg", "agent"}),
    "function.tsv": frozenset({*FUNCTION_COLUMNS, "tumour_related"}),
}  # fmt: skip
"""What is read of each table of a study; whatever else stands in it is named, not used."""


@dataclass(frozen=True)
class StudyPatient:
    """One patient with visits by date, undated ones last.

    ``acts`` is what people decided about the patient; the folder does not hold it, a run adds it from the journal.
    """

    patient: Patient
    visits: Sequence[StudyVisit]
    treatments: tuple[Treatment, ...]
    function_scores: tuple[FunctionScore, ...]
    acts: tuple[JournalEntry, ...] = ()


@dataclass(frozen=True)
class StudyFolder:
    """A study folder; ``root`` is absolute, patients are in the order of their ids.

    ``readings`` is what to keep of the table of imported sizes, by patient.
    """

    name: str
    is_synthetic: bool
    root: Path
    patients: tuple[StudyPatient, ...]
    findings: tuple[Finding, ...]
    readings: Mapping[str, KeptReading] = field(default_factory=dict)


@dataclass(frozen=True)
class _Clinical:
    """What the study-wide tables say, by patient."""

    participants: Mapping[str, Patient]
    treatments: Mapping[str, Sequence[Treatment]]
    function_scores: Mapping[str, Sequence[FunctionScore]]
    is_synthetic: bool
    folders: AbstractSet[str]


def read_study(
    bids_dir: Path,
    *,
    as_of: date,
    participants: frozenset[str] | None = None,
    earlier: Mapping[str, KeptReading] | None = None,
) -> StudyFolder:
    """Read a study folder.

    Parameters
    ----------
    bids_dir
        Holds ``sub-<label>`` folders and, ideally, the tables described in the documentation.
    as_of
        The day of reading; dates after it are reported and not used.
    participants
        Patients to read, with or without ``sub-``; None for all.
    earlier
        What was kept of the table of imported sizes, by this very code; None to read all rows, and keep nothing.

    Returns
    -------
    Study
        With one finding for everything odd.

    Raises
    ------
    InputError
        There is no such folder.
    """
    root = bids_dir.resolve()
    if not root.is_dir():
        raise InputError(f"{bids_dir}: expected a study folder, found none; check the path")
    findings: list[Finding] = []
    name, is_synthetic = _description(root, findings)
    folders = _patient_folders(root, findings)
    tables = _clinical(root, folders.keys(), as_of, findings)
    patient_ids = tables.participants.keys() | folders.keys()
    chosen = _chosen(patient_ids, participants, findings)
    visits = read_visits({key: folders[key] for key in sorted(chosen & folders.keys())}, root, as_of, findings)
    if participants is None:  # nobody waits for one patient while all folders are walked
        unread_files.report_places(root, folders.keys(), findings)
    alone = None if earlier is None else EarlierReading(earlier, tables.participants.keys() - folders.keys())
    imported = imported_reading.read_imported(root, patient_ids, as_of, findings, alone)
    seen = {key: imported.visits_of(key, visits.get(key, ()), findings) for key in chosen}
    seen = neuraxis_table.with_forms(root, seen, patient_ids, as_of, findings)
    seen = spectroscopy_table.with_spectra(root, seen, patient_ids, findings)
    patients = tuple(_patient(key, seen[key], tables, findings) for key in sorted(chosen))
    if not patient_ids:
        message = f"expected folders sub-<label>, found none{unread_files.words_on_others(root)}"
        findings.append(finding("study_empty", message))
    return StudyFolder(
        name=name,
        is_synthetic=is_synthetic or tables.is_synthetic,
        root=root,
        patients=patients,
        findings=tuple(dict.fromkeys(findings)),
        readings=imported.readings,
    )


def is_synthetic(bids_dir: Path) -> bool:
    """Say whether a study calls itself or one of its patients made, without reading its scans.

    Raises
    ------
    InputError
        A table cannot be read.
    """
    root, findings = bids_dir.resolve(), list[Finding]()
    participant_rows = _rows(root / "participants.tsv", ("participant_id",), "participants_missing", findings)
    return _description(root, findings)[1] or clinical.says_synthetic(participant_rows)


def anchor_scan(visit: StudyVisit, like: ScanFile | None = None) -> ScanFile | None:
    """Return the scan that carries a visit's alignment; None when no contrast of it can.

    T2w comes first, then the scan people drew on, then the view (``acq-``, ``chunk-``) of ``like``, then sagittal
    before isotropic before other planes, then the lowest run and chunk; the choice never depends on file order.

    Parameters
    ----------
    visit
        From :func:`read_study`.
    like
        The reference visit's anchor, so that all visits of a patient show the same part of the spine.
    """
    return anchor_of(visit, like)[0]


def read_masks(
    visit: StudyVisit, image: Volume, anchor: ScanFile | None = None
) -> tuple[tuple[MaskReading, ...], tuple[Finding, ...]]:
    """Read the masks of a visit that share an image's grid: one of each compartment from each source.

    Parameters
    ----------
    visit
        From :func:`read_study`.
    image
        The scan that is measured.
    anchor
        Its file, so that of two masks of one compartment the one named for it is taken.

    Returns
    -------
    tuple of MaskReading
        ``(compartment, volume, file)`` each; booleans, or float32 probabilities from 0 to 1, on the image's grid.
    tuple of Finding
        Masks and labels that were left out, and empty masks.
    """
    from pipeline.study import mask_voxels  # noqa: PLC0415 (loads SimpleITK: listing a study need not)

    return mask_voxels.read_all(visit.masks, image, visit.scans, anchor)


def read_discs(visit: StudyVisit, image: Volume) -> tuple[DiscReading | None, tuple[Finding, ...]]:
    """Read the disc labels of a visit that share an image's grid: one file's, and what was left out."""
    from pipeline.study import disc_voxels  # noqa: PLC0415 (loads SimpleITK: listing a study need not)

    return disc_voxels.read_discs(visit.discs, image)


def _description(root: Path, findings: list[Finding]) -> tuple[str, bool]:
    path = root / "dataset_description.json"
    content = read_json(path, root, findings)
    if not path.exists():
        message = f"{path.name}: expected the study's description, found none; it is called {root.name}"
        findings.append(finding("description_missing", message, path.name))
    given: Any = content.get("Name")
    name = given.strip() if isinstance(given, str) and given.strip() else root.name
    return name, content.get("Synthetic") is True or "synthetic" in name.lower()


def _patient_folders(root: Path, findings: list[Finding]) -> dict[str, Path]:
    """List the patients' folders by id; files and misnamed folders that start like one are reported."""
    folders: dict[str, Path] = {}
    for path in entries(root, root, findings):
        if not path.name.startswith("sub-"):
            continue
        if path.is_dir() and with_prefix("sub", path.name) == path.name:
            folders[path.name] = path
        else:
            message = f"{path.name}: expected a folder sub-<letters and digits>, found something else"
            findings.append(finding("name_not_bids", message, path.name))
    return folders


def _clinical(root: Path, folders: AbstractSet[str], as_of: date, findings: list[Finding]) -> _Clinical:
    participant_rows = _rows(root / "participants.tsv", ("participant_id",), "participants_missing", findings)
    participants = clinical.read_participants(participant_rows, as_of, findings)
    patient_ids = participants.keys() | folders
    said_before = len(findings)
    unread_files.report_tables(root, folders, findings)
    treatments = _rows(root / "treatments.tsv", TREATMENT_COLUMNS, "treatments_missing", findings)
    treated = clinical.read_treatments(
        clinical.of_known_patients(treatments, patient_ids, findings),
        as_of,
        findings,
        names_beside(root / "treatments.tsv", findings),
    )
    treated += clinical.unread_treatments(treatments, findings[said_before:], patient_ids, folders)
    scores = _rows(root / "function.tsv", FUNCTION_COLUMNS, None, findings)
    graded = clinical.read_function_scores(clinical.of_known_patients(scores, patient_ids, findings), as_of, findings)
    return _Clinical(
        participants, _by_patient(treated), _by_patient(graded), clinical.says_synthetic(participant_rows), folders
    )


def _by_patient(clinical_records: Iterable[Clinical]) -> dict[str, list[Clinical]]:
    """Sort records by whom they are about, in their order."""
    by_patient: dict[str, list[Clinical]] = defaultdict(list)
    for one in clinical_records:
        by_patient[one.patient_id].append(one)
    return by_patient


def _rows(path: Path, columns: tuple[str, ...], missing_code: str | None, findings: list[Finding]) -> list[TableRow]:
    if path.exists() or path.is_symlink():
        table_rows = read_table(path, path.parent, columns, findings)
        findings += unread_columns(table_rows, READ_COLUMNS[path.name])
        return table_rows
    if missing_code is not None:
        findings.append(finding(missing_code, f"{path.name}: expected this table, found none", path.name))
    return []


def _chosen(
    patient_ids: AbstractSet[str], participants: frozenset[str] | None, findings: list[Finding]
) -> AbstractSet[str]:
    if participants is None:
        return patient_ids
    wanted = {text: with_prefix("sub", text) or text for text in participants}
    unknown = sorted(text for text, patient_id in wanted.items() if patient_id not in patient_ids)
    findings.extend(
        finding("patient_not_found", f"expected patients of this study, found '{text}' asked for") for text in unknown
    )
    return patient_ids & set(wanted.values())


def _patient(patient_id: str, visits: Sequence[StudyVisit], tables: _Clinical, findings: list[Finding]) -> StudyPatient:
    if patient_id not in tables.participants and tables.participants:
        message = f"{patient_id}: expected a row in participants.tsv, found only a folder"
        message += resembling_words(patient_id, tables.participants)
        findings.append(finding("patient_not_listed", message, "participants.tsv", patient_id=patient_id))
    if not visits:
        message = f"{patient_id}: expected images in a folder {patient_id}, found none"
        message += resembling_words(patient_id, tables.folders)
        findings.append(finding("patient_without_images", message, "participants.tsv", patient_id=patient_id))
    treatments = tuple(tables.treatments.get(patient_id, ()))
    listed = tables.participants.get(patient_id) or Patient(patient_id)
    age_years = listed.age_years
    if not isinstance(visits, ImportedVisits) or not possible_days.are_possible(visits.days, treatments, age_years):
        days = [visit.acquired_on for visit in visits]
        treatments = possible_days.possible_treatments(treatments, days, findings, "treatments.tsv", age_years)
        visits = possible_days.with_possible_days(visits, treatments, findings)
    if listed.died_on is not None:
        alive_on = [*(v.acquired_on for v in visits if v.acquired_on), *(t.started_on for t in treatments)]
        listed = clinical.with_possible_death(listed, alive_on, findings)
    return StudyPatient(
        patient=listed,
        visits=visits,
        treatments=treatments,
        function_scores=tuple(tables.function_scores.get(patient_id, ())),
    )
