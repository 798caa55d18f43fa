"""Putting a table of other software's sizes into a study folder: what ``cordtrack import`` does.

It writes to a study folder, as only imports do, because a person asks for it. It only ever adds: no row that is there
is changed, and a second import adds what is new. What this module refuses: names that are not BIDS labels, tables it
cannot add a row to without rewriting them, and a reader's words, which are no measurement.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.core.findings import finding
from pipeline.core.records import Finding, Patient, Treatment
from pipeline.core.vocabulary import Compartment, TreatmentKind
from pipeline.errors import InputError
from pipeline.files import atomic, fingerprints
from pipeline.measure.imported_sizes import NO_VOLUME, UNSEEN, ImportedMeasure
from pipeline.study.first_given import NAME, SOURCE
from pipeline.study.import_facts import add_facts
from pipeline.study.imported_names import named
from pipeline.study.imported_table import IMPORTED_TABLE
from pipeline.study.names import with_prefix
from pipeline.study.own_number_rows import NOT_USABLE, VOLUME_NOT_USABLE
from pipeline.study.own_numbers import GivenVisit, VolumeTable, read_volumes, volumes_in
from pipeline.study.own_treatments import read_treatment_table
from pipeline.study.study_tables import TableRow, read_table
from pipeline.study.table_append import append_rows, cell, rows_there
from pipeline.study.treatment_days import first_written, last_written
from pipeline.study.treatment_names import kind_named, packaged
from pipeline.study.written_numbers import unmistakable

DESCRIPTIONS = {
    "participant_id": "Participant label",
    "date": "Day of the scan, YYYY-MM-DD",
    "compartment": "tumour (solid), enhancing, cyst, syrinx, oedema, cavity, haemorrhage or cord",
    "lesion_id": "Which lesion the row measures; n/a for the whole tumour and for other compartments",
    "volume_mm3": "Volume, mm³; 0 means looked for and not there, n/a unknown",
    "volume_cv": "Coefficient of variation of the volume, a fraction; n/a when none was given",
    "product_mm2": "Sum over pieces of the largest axial diameter times its perpendicular, mm²",
    "long_mm": "Largest axial diameter, mm",
    "perpendicular_mm": "Largest diameter perpendicular to it, mm",
    "longest_mm": "Sum over pieces of the longest diameter, mm",
    "slices_spanned": "Number of slices crossed",
    "new_lesion": "yes when an unequivocal new lesion was seen",
    "leptomeningeal": "yes when seeding or a drop metastasis was seen, no when looked for and not seen, n/a not imaged",
    "session_id": "What the visit is called, for good; whoever moves rows leaves it beside its row",
    "source": "Name, first digits of the SHA-256 and lines of the table that was imported",
    "not_usable": "Why the size could not be used, in words; n/a where it could. A row with a size stands in its place",
    "volume_not_usable": "Why the volume alone could not be used, in words; the diameters beside it stand",
}
NOT_MEASURED = (NAME, SOURCE, VOLUME_NOT_USABLE)
"""Columns that say nothing of what was measured."""
NOT_OF_OLD = (NAME, NOT_USABLE, VOLUME_NOT_USABLE)
"""Columns that tables of earlier versions lack; they are added to them."""
UNSAID = (ImportedMeasure(Compartment.TUMOUR, missing_reason=NO_VOLUME),)
"""What stands for a day whose rows say nothing that can be used."""
PATIENT_COLUMNS = ("participant_id", "histology", "syndrome", "enhancing_tumour")
KNOWN_AS = "known as"
"""A further name of a treatment's kind: the program's own, where the table's stands."""
ONE_OF_A_DAY = (
    TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY, TreatmentKind.DRAINAGE,
)  # fmt: skip
"""Two of these on one day are one, whatever a table calls them; drugs of one kind may be several."""
YES_OR_NO = {True: "yes", False: "no", None: None}
TREATMENT_COLUMNS = ("participant_id", "date", "kind", "end_date", "extent", "dose_gy", "agent", "dose_mg")


@dataclass(frozen=True)
class Imported:
    """How many usable sizes, patients and treatments were added, and what was odd."""

    measures: int
    patients: int
    treatments: int
    findings: tuple[Finding, ...]


def import_table(volumes: Path, treatments: Path | None, bids_dir: Path, as_of: date) -> Imported:
    """Add a table's sizes, patients and treatments to a study folder; a folder that is not there is made.

    Parameters
    ----------
    volumes, treatments
        As for ``assess.assess_table``.
    bids_dir
        The study folder.
    as_of
        The day of reading.

    Raises
    ------
    InputError
        Nothing in the table can be imported, or a table of the study cannot be added to.
    StoreError
        The study folder cannot be written.
    """
    findings: list[Finding] = []
    table = read_volumes(volumes.resolve(), volumes.resolve().parent, as_of, findings)
    if table.has_words:
        raise InputError(f"{volumes.name}: expected sizes, found responses; judge them with cordtrack assess")
    visits = [visit for visit in map(_as_rows, table.visits) if _is_label(visit, table, findings)]
    if not any(map(_has_usable, visits)):
        first = f" (first: {findings[0].message})" if findings else ""
        raise InputError(f"{volumes.name}: expected rows that can be imported, found none{first}")
    given = read_treatment_table(treatments, table, as_of, findings) if treatments else {}
    if not bids_dir.exists():
        _describe_study(bids_dir)
    names = {visit.patient_id for visit in visits}
    patients = _add_patients(bids_dir, [table.patients[name] for name in sorted(names)], findings)
    cures = _add_treatments(bids_dir, [t for name in sorted(names) for t in given.get(name, ())], findings)
    measures = _add_measures(bids_dir, visits, f"{volumes.name} {fingerprints.of_file(volumes)[:12]}", as_of, findings)
    return Imported(measures, patients, cures, tuple(dict.fromkeys(findings)))


def _as_rows(visit: GivenVisit) -> GivenVisit:
    """Return a visit with what stands in rows of its own; one of which nothing can be used says so.

    The sum of a day's lesions, and lesions that have no row, are left to whoever reads the table.
    """
    measures = visit.measures[1:] if visit.is_summed else visit.measures
    lesions = {name: one for name, one in visit.lesions.items() if one.missing_reason != UNSEEN}
    return replace(visit, measures=measures if measures or lesions else UNSAID, lesions=lesions)


def _is_usable(measure: ImportedMeasure) -> bool:
    return measure.missing_reason in (None, NO_VOLUME)


def _has_usable(visit: GivenVisit) -> bool:
    return visit.measures is not UNSAID and any(map(_is_usable, (*visit.measures, *visit.lesions.values())))


def _is_label(visit: GivenVisit, table: VolumeTable, findings: list[Finding]) -> bool:
    if with_prefix("sub", visit.patient_id) is not None:
        return True
    message = (
        f"{table.name} line {visit.lines[0]}: expected letters and digits as patient_id, found '{visit.patient_id}'"
    )
    findings.append(finding("row_unknown_patient", message, table.name))
    return False


def _describe_study(bids_dir: Path) -> None:
    content = {"Name": bids_dir.name, "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    atomic.write_text(bids_dir / "dataset_description.json", json.dumps(content, indent=1) + "\n")


def _add_patients(bids_dir: Path, patients: Iterable[Patient], findings: list[Finding]) -> int:
    patient_rows = [
        {
            "participant_id": _label(p.patient_id), "histology": p.histology, "syndrome": p.syndrome,
            "enhancing_tumour": YES_OR_NO[p.is_enhancing],
        }
        for p in patients
    ]  # fmt: skip

    def name_of(row: Mapping[str, Any]) -> tuple[tuple[str, ...]]:
        return ((row["participant_id"],),)

    return add_facts(bids_dir / "participants.tsv", bids_dir, PATIENT_COLUMNS, patient_rows, name_of, findings)


def _add_treatments(bids_dir: Path, treatments: Iterable[Treatment], findings: list[Finding]) -> int:
    treatment_rows = [
        {
            "participant_id": _label(t.patient_id), "date": first_written(t), "kind": _kind(t),
            "end_date": last_written(t),
            "extent": t.extent, "dose_gy": t.dose_gy, "agent": t.agent, "dose_mg": unmistakable(t.dose_mg),
            KNOWN_AS: str(t.kind),
        }
        for t in treatments
    ]  # fmt: skip

    def names_of(row: Mapping[str, Any]) -> set[tuple[str, ...]]:
        kind = str(row.get("kind") or "n/a")
        meant = kind_named(kind, packaged())
        words = {kind, str(row.get(KNOWN_AS) or kind), *([str(meant)] if meant in ONE_OF_A_DAY else [])}
        return {(str(row["participant_id"]), str(row.get("date") or "n/a"), word) for word in words}

    path = bids_dir / "treatments.tsv"
    return add_facts(path, bids_dir, TREATMENT_COLUMNS, treatment_rows, names_of, findings)


def _kind(treatment: Treatment) -> str:
    """Return a kind as the table wrote it where a verdict says it so, or nobody knows it; else by its own name."""
    if treatment.kind in (TreatmentKind.UNKNOWN, TreatmentKind.DRAINAGE):
        return treatment.written or (str(treatment.kind) if treatment.kind == TreatmentKind.DRAINAGE else "n/a")
    return str(treatment.kind)


def _add_measures(
    bids_dir: Path, visits: Iterable[GivenVisit], source: str, as_of: date, findings: list[Finding]
) -> int:
    path = bids_dir / IMPORTED_TABLE
    rows_by_key = {_key(row): row for row in sorted(rows_there(path, bids_dir), key=_is_refused, reverse=True)}
    new = []
    for visit in visits:
        measures = [*((None, one) for one in visit.measures), *visit.lesions.items()]
        for lesion_id, measure in measures:
            row = {key: cell(value) for key, value in _measure_row(visit, measure, lesion_id, source).items()}
            there = rows_by_key.get(_key(row))
            if there is None or (_is_refused(there) and not _is_refused(row)):
                new.append(row)
            elif not _is_refused(row) and any(
                (there.get(name) or "n/a") != row[name] for name in DESCRIPTIONS if name not in NOT_MEASURED
            ):
                what = row["compartment"] if lesion_id is None else f"lesion {lesion_id}"
                words = f"expected what was imported before for {what} on {row['date']}, found other numbers"
                message = f"{source.split(maxsplit=1)[0]} line {visit.lines[0]}: {words}"
                findings.append(finding("imported_differs", message, IMPORTED_TABLE, patient_id=row["participant_id"]))
    if new:
        new = _with_names(path, bids_dir, new, as_of)
        described = {name: {"Description": text} for name, text in DESCRIPTIONS.items()}
        text = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
        atomic.write_text(path.with_suffix(".json"), text)
    append_rows(path, tuple(DESCRIPTIONS), new, NOT_OF_OLD)
    return sum(not _is_refused(row) for row in new)


def _is_refused(row: Mapping[str, str]) -> bool:
    return any(row.get(name) not in (None, "", "n/a") for name in (NOT_USABLE, VOLUME_NOT_USABLE))


def _with_names(path: Path, bids_dir: Path, new: list[dict[str, str]], as_of: date) -> list[dict[str, str]]:
    """Write into new rows what their visits are called."""
    written = read_table(path.resolve(), bids_dir.resolve(), (), []) if path.exists() else []
    above = max((row.line for row in written), default=1)
    fresh = [
        TableRow(IMPORTED_TABLE, line, {name: None if text == "n/a" else text for name, text in row.items()})
        for line, row in enumerate(new, start=above + 1)
    ]
    rows_of = defaultdict[str | None, list[TableRow]](list)
    for row in (*written, *fresh):
        rows_of[row.patient_id].append(row)
    name_at = {
        line: name
        for patient_id in {row.patient_id for row in fresh}
        for visit, name in named(volumes_in(IMPORTED_TABLE, rows_of[patient_id], as_of, []).visits)
        for line in visit.lines
    }
    return [row | {NAME: name_at.get(line, "n/a")} for line, row in enumerate(new, start=above + 1)]


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["participant_id"], row["date"], row["compartment"], row.get("lesion_id") or "n/a"


def _measure_row(visit: GivenVisit, measure: ImportedMeasure, lesion_id: str | None, source: str) -> dict[str, Any]:
    why_not = None if _is_usable(measure) and measure is not UNSAID[0] else measure.missing_reason
    return {
        "participant_id": _label(visit.patient_id),
        "date": _written_day(visit),
        "compartment": measure.compartment,
        "lesion_id": lesion_id,
        "volume_mm3": None if measure.volume_mm3 is None else round(measure.volume_mm3, 6),
        "volume_cv": measure.volume_cv,
        "product_mm2": measure.product_mm2,
        "long_mm": measure.axial_long_mm,
        "perpendicular_mm": measure.axial_perpendicular_mm,
        "longest_mm": measure.longest_mm,
        "slices_spanned": measure.slices_spanned,
        "new_lesion": "yes" if measure.new_lesion else None,
        "leptomeningeal": YES_OR_NO[measure.leptomeningeal],
        "source": f"{source} line {' '.join(map(str, visit.lines))}",
        NOT_USABLE: None if measure.has_size else why_not,
        VOLUME_NOT_USABLE: why_not if measure.has_size else None,
    }


def _written_day(visit: GivenVisit) -> str:
    """Return a visit's day as the table had it, with its time where it is known; n/a where there was none."""
    if not visit.is_placed:
        return str(visit.acquired_on).removeprefix("an unknown day").removeprefix(" ('").removesuffix("')") or "n/a"
    return f"{visit.acquired_on}T{visit.acquired_at}" if visit.acquired_at else str(visit.acquired_on)


def _label(patient_id: str) -> str:
    label = with_prefix("sub", patient_id)
    assert label is not None  # only such visits are imported
    return label
