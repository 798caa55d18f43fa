"""Treatments and grades that come beside a table of sizes, by its patients.

A row that cannot be read, or that names nobody of the table but resembles somebody, is no word that nobody was treated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from pipeline.core.records import Finding, FunctionScore, Treatment
from pipeline.core.vocabulary import ANY_DAY, TreatmentKind
from pipeline.study.clinical import LOST_ROW, WHOLE_TABLE, function_score, treatment_in, unrepeated
from pipeline.study.names import resembling, resembling_words
from pipeline.study.own_number_rows import REMARKS, key_of, plain_id
from pipeline.study.own_numbers import VolumeTable
from pipeline.study.possible_days import possible_treatments
from pipeline.study.study_tables import TableRow, read_delimited, unread_columns
from pipeline.study.treatment_names import names_beside

COLUMNS = ("participant_id", "date", "kind")
FURTHER_COLUMNS = ("end_date", "extent", "dose_gy", "dose_mg", "agent")
GRADE_COLUMNS = ("participant_id", "date", "scale_id", "grade")
UNREAD = "row of treatments that could not be read"


def read_treatment_table(
    path: Path, table: VolumeTable, as_of: date, findings: list[Finding]
) -> dict[str, tuple[Treatment, ...]]:
    """Read treatments, by patient as the table of sizes writes them; those of other patients become findings.

    Whoever may have had a treatment that could not be read has one of unknown kind on any day beside the others.
    """
    id_by_key = {plain_id(patient_id): patient_id for patient_id in table.patients}
    treatments: dict[str, list[Treatment]] = defaultdict(list)
    path, said_before = path.resolve(), len(findings)
    table_rows = read_delimited(path, path.parent, COLUMNS, findings)
    names = names_beside(path, findings)
    for row in unrepeated(table_rows, findings):
        patient_id = id_by_key.get(key_of(row))
        treatment = treatment_in(row, patient_id or "", as_of, findings, names)
        if treatment is not None and patient_id is None:
            findings.append(_of_nobody(row, table))
        elif treatment is not None and patient_id is not None:
            treatments[patient_id].append(treatment)
    findings += unread_columns(table_rows, frozenset({*COLUMNS, *FURTHER_COLUMNS, *REMARKS}))
    for patient_id in _perhaps_treated(table_rows, findings[said_before:], id_by_key):
        first, last = ANY_DAY
        treatments[patient_id].append(
            Treatment(patient_id, first, str(TreatmentKind.UNKNOWN), started_by=last, written=UNREAD)
        )
    scanned_on = {one: [visit.acquired_on for visit in table.visits if visit.patient_id == one] for one in treatments}
    return {
        patient_id: possible_treatments(
            sorted(given, key=lambda t: (t.started_on, t.kind)), scanned_on[patient_id], findings, path.name
        )
        for patient_id, given in treatments.items()
    }


def _perhaps_treated(
    table_rows: Sequence[TableRow], oddities: Iterable[Finding], id_by_key: Mapping[str, str]
) -> list[str]:
    """Return the patients of whom a table of treatments may have said more than was read of it."""
    if any(one.code in WHOLE_TABLE for one in oddities) or any("participant_id" in row.absent for row in table_rows):
        return sorted(id_by_key.values())
    of_nobody = [key_of(row) for row in table_rows if key_of(row) and key_of(row) not in id_by_key]
    lost = [plain_id(one.patient_id or "") for one in oddities if one.code in LOST_ROW]
    meant = {other for name in (*of_nobody, *lost) for other in (name, *resembling(name, id_by_key))}
    return sorted(id_by_key[name] for name in meant & id_by_key.keys())


def _of_nobody(row: TableRow, table: VolumeTable) -> Finding:
    name = row.cells["participant_id"]
    message = f"expected a patient of {table.name}, found '{name}'{resembling_words(name, table.patients)}"
    return row.problem("row_unknown_patient", message)


def read_function_table(
    path: Path, table: VolumeTable, as_of: date, findings: list[Finding]
) -> dict[str, tuple[FunctionScore, ...]]:
    """Read functional grades, by patient as the table of sizes writes them."""
    id_by_key = {plain_id(patient_id): patient_id for patient_id in table.patients}
    scores: dict[str, list[FunctionScore]] = defaultdict(list)
    path = path.resolve()
    table_rows = read_delimited(path, path.parent, GRADE_COLUMNS, findings)
    for row in unrepeated(table_rows, findings):
        patient_id = id_by_key.get(key_of(row))
        score = function_score(row, patient_id, as_of, findings)
        if score is not None:
            scores[score.patient_id].append(score)
        elif patient_id is None and row.cells.get("participant_id") is not None:
            findings.append(_of_nobody(row, table))
    findings += unread_columns(table_rows, frozenset({*GRADE_COLUMNS, "tumour_related", *REMARKS}))
    return {
        patient_id: tuple(sorted(patient_scores, key=lambda s: (s.assessed_on, s.scale_id)))
        for patient_id, patient_scores in scores.items()
    }
