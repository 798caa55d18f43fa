"""The tables of a study folder as records: participants, sessions, treatments and functional grades.

A row that cannot be used costs that row and is reported; the rows around it survive. Words are matched in any case
against the tables below and never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path

from pipeline.core import markers
from pipeline.core.findings import finding
from pipeline.core.function_scales import ROMAN, highest_grade, scale_code
from pipeline.core.records import Finding, FunctionScore, Patient, Treatment
from pipeline.core.syndromes import Syndrome, coded
from pipeline.core.vocabulary import ANY_DAY, SYSTEMIC, TreatmentKind
from pipeline.core.written_day import first_possible, last_possible, span
from pipeline.study import one_person
from pipeline.study.names import resembling, resembling_words, with_prefix
from pipeline.study.study_tables import (
    TableRow,
    is_complete,
    read_table,
    span_in,
    time_in,
    word_in,
)
from pipeline.study.table_numbers import age_in, number_in
from pipeline.study.treatment_days import days_of
from pipeline.study.treatment_names import kind_named, kind_of, packaged

SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
EXTENTS = {extent.lower(): extent for extent in ("GTR", "NTR", "STR", "PR", "biopsy")}
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
SEEDING: Mapping[str, bool | None] = {**YES_NO, "not imaged": None, "not_imaged": None}
"""Whether seeding along the meninges, a drop metastasis included, was seen."""

HIGHEST_AGE_YEARS = 130
WHOLE_TABLE = frozenset({"table_delimiter", "table_misnamed", "file_unreadable", "link_outside"})
LOST_ROW = frozenset({"row_long", "row_unknown_patient"})
"""Findings about a table of treatments after which somebody may have been treated who is not read to have been."""
UNREAD = "row of treatments.tsv that could not be read"
EVENING, MORNING = time(20), time(4)
"""A sitting over midnight begins after the one and ends before the other."""
HIGHEST_DOSE_GY = 200
HIGHEST_DOSE_MG = 1000
HIGHEST_GRADE = 1000
"""Above these a number is a slip of the pen, whatever it was meant to be."""


def read_participants(table_rows: Iterable[TableRow], as_of: date, findings: list[Finding]) -> dict[str, Patient]:
    """Return the patients of ``participants.tsv`` by id; where two rows of one differ, neither counts."""
    rows_of = dict[str, list[tuple[TableRow, Patient]]]()
    for row in table_rows:
        if not is_complete(row, ("participant_id",), findings):
            continue
        patient_id = row.patient_id
        if patient_id is None:
            expected = "expected sub- and letters or digits as participant_id"
            findings.append(row.problem("row_unknown_patient", f"{expected}, found '{row.cells['participant_id']}'"))
            continue
        if patient_id in rows_of:
            findings.append(row.problem("row_repeated", f"expected one row for {patient_id}, found another"))
        here = _patient(patient_id, row, as_of, findings)
        rows_of.setdefault(patient_id, []).append((row, here))
    return {patient_id: one_person.agreed(given, findings) for patient_id, given in rows_of.items()}


def with_possible_death(patient: Patient, alive_on: Iterable[date], findings: list[Finding]) -> Patient:
    """Return the patient without a date of death that another date contradicts.

    Parameters
    ----------
    alive_on
        Days on which the patient was scanned or treatment began.
    """
    days = [*alive_on, *([patient.last_contact_on] if patient.last_contact_on else [])]
    last = max(days, default=None)
    latest = patient.died_by or patient.died_on
    if patient.died_on is None or latest is None or last is None or last <= patient.died_on:
        return patient
    if last < latest:
        return replace(patient, died_on=first_possible(last))
    if last == latest:
        return replace(patient, died_on=latest, died_by=None)
    message = (
        f"participants.tsv: expected nothing of {patient.patient_id} after the date of death "
        f"{span(patient.died_on, latest)}, found the patient alive on {last}"
    )
    findings.append(finding("death_date_conflict", message, "participants.tsv", patient_id=patient.patient_id))
    return replace(patient, died_on=None, died_by=None)


def says_synthetic(table_rows: Iterable[TableRow]) -> bool:
    """Say whether a ``synthetic`` column of ``participants.tsv`` marks any patient as made, not met."""
    return any(YES_NO.get((row.cells.get("synthetic") or "no").lower(), True) for row in table_rows)


@dataclass(frozen=True)
class SessionRow:
    """What a sessions table says of one visit; None where it says nothing usable.

    Attributes
    ----------
    acquired_on
        Of a month or a year its first day, as a ``WrittenDay``.
    acquired_at
        Time of the scan on its day.
    leptomeningeal
        Seeding seen, looked for and not seen, or None: not imaged, or nothing written.
    is_to_come
        Without a usable date, since the day written lies after the day of reading.
    """

    acquired_on: date | None = None
    acquired_at: time | None = None
    leptomeningeal: bool | None = None
    is_to_come: bool = False


def read_sessions(table: Path, root: Path, as_of: date, findings: list[Finding]) -> dict[str, SessionRow]:
    """Return what a patient's sessions table says of the visits it lists.

    The date comes from ``acq_time`` or ``acq_date``; two that disagree leave the visit undated. Of two rows for one
    visit, seeding that one of them saw was seen.
    """
    rows_by_session: dict[str, list[TableRow]] = {}
    for row in read_table(table, root, ("session_id",), findings) if table.exists() else []:
        if not is_complete(row, ("session_id",), findings):
            continue
        cell = row.cells["session_id"] or ""
        session_id = with_prefix("ses", cell)
        if session_id is None:
            findings.append(row.problem("word_unknown", f"expected ses- and letters or digits, found '{cell}'"))
            continue
        if session_id in rows_by_session:
            findings.append(row.problem("row_repeated", f"expected one row for {session_id}, found another"))
        rows_by_session.setdefault(session_id, []).append(row)
    relative = table.relative_to(root).as_posix()
    return {name: _session(name, lines, relative, as_of, findings) for name, lines in rows_by_session.items()}


def _session(
    session_id: str, table_rows: Sequence[TableRow], table: str, as_of: date, findings: list[Finding]
) -> SessionRow:
    read_before = len(findings)
    days = {day for row in table_rows for day in _days(row, as_of, findings)}
    acquired_on = _only(days, session_id, table, findings)
    has_later_day = any(one.code == "date_future" for one in findings[read_before:])
    times = {clock for row in table_rows if (clock := time_in(row, "acq_time")) is not None}
    seen = [word_in(row, "leptomeningeal", SEEDING, findings) for row in table_rows]
    looked = [one for one in seen if one is not None]
    return SessionRow(
        acquired_on=acquired_on,
        acquired_at=times.pop() if len(times) == 1 and acquired_on is not None else None,
        leptomeningeal=any(looked) if looked else None,
        is_to_come=acquired_on is None and has_later_day,
    )


def read_scan_date(table: Path, root: Path, as_of: date, findings: list[Finding]) -> date | None:
    """Return the one day that a visit's ``scans.tsv`` gives in ``acq_time``; None without or with several."""
    if not table.exists():
        return None
    table_rows = read_table(table, root, ("filename",), findings)
    days = {day for row in table_rows for day in _days(row, as_of, findings)}
    if len(days) > 1 and _is_one_night(table_rows, days):
        days = {min(days)}
    relative = table.relative_to(root).as_posix()
    day = _only(days, table.parent.name, relative, findings)
    if day is not None:
        message = f"{relative}: expected the date in the sessions table, found {day} here"
        findings.append(finding("visit_date_from_scans", message, relative))
    return day


def _is_one_night(table_rows: Iterable[TableRow], days: Collection[date]) -> bool:
    """Say whether the scans of two days that follow one another were one sitting over midnight, by their times."""
    first, last = min(days), max(days)
    times = {day: [time_in(row, "acq_time") for row in table_rows if _days(row, last, []) == {day}] for day in days}
    late, early = ([clock for clock in times[day] if clock is not None] for day in (first, last))
    if (last - first).days != 1 or len(days) != 2 or not late or len(early) < len(times[last]):
        return False
    return max(late) >= EVENING and max(early) <= MORNING


def read_treatments(
    table_rows: Iterable[TableRow],
    as_of: date,
    findings: list[Finding],
    names: Mapping[str, TreatmentKind] | None = None,
) -> tuple[Treatment, ...]:
    """Return the treatments of rows whose patients are known, by patient and date.

    Parameters
    ----------
    names
        What kinds are called; the packaged names where None.
    """
    kinds = packaged() if names is None else names
    treatments = [treatment_in(row, row.patient_id, as_of, findings, kinds) for row in unrepeated(table_rows, findings)]
    return tuple(sorted((t for t in treatments if t), key=lambda t: (t.patient_id, t.started_on, t.kind)))


def unread_treatments(
    table_rows: Iterable[TableRow],
    findings: Iterable[Finding],
    patient_ids: Collection[str],
    folders: Collection[str] = (),
) -> tuple[Treatment, ...]:
    """Return a treatment of unknown kind on any day for everyone of whom the table may have said more than was read.

    A table or row that cannot be read is no word that nobody was treated: what is judged is not evaluable then. A row
    that names nobody of this study, or somebody without images, concerns those with images whose id it resembles.

    Parameters
    ----------
    table_rows
        What was read of the table.
    findings
        What was odd about it.
    patient_ids
        All patients of the study.
    folders
        Those of them who have images.
    """
    concerned: set[str] = set()
    without_images = {row.patient_id for row in table_rows if row.patient_id in patient_ids} - set(folders)
    for name in without_images if folders else ():
        concerned |= set(resembling(name, folders))
    if any("participant_id" in row.absent for row in table_rows):
        concerned |= set(patient_ids)
    own_tables = [one for one in findings if one.code == "table_misnamed" and one.patient_id in patient_ids]
    concerned |= {str(one.patient_id) for one in own_tables if "treatment" in (one.path or "").lower()}
    for one in (one for one in findings if one.path == "treatments.tsv" and one not in own_tables):
        if one.code in WHOLE_TABLE:
            concerned |= set(patient_ids)
        elif one.code in LOST_ROW:
            is_known = one.patient_id in patient_ids
            concerned |= {str(one.patient_id)} if is_known else set(resembling(one.patient_id, patient_ids))
    first, last = ANY_DAY
    return tuple(
        Treatment(name, first, str(TreatmentKind.UNKNOWN), started_by=last, written=UNREAD)
        for name in sorted(concerned)
    )


def treatment_in(
    row: TableRow, patient_id: str | None, as_of: date, findings: list[Finding], names: Mapping[str, TreatmentKind]
) -> Treatment | None:
    """Return one row's treatment of a patient; None when the patient is None or it is yet to come.

    A kind that nobody understands is kept as *unknown*, and a day that cannot be read as any day: neither is left out.
    """
    if not is_complete(row, ("participant_id",), findings) or patient_id is None:
        return None
    kind = _kind(row, names, findings)
    days = days_of(row, kind, as_of, findings)
    if days is None:
        return None
    (started_on, started_by), (ended_on, ended_by) = days
    written = row.cells.get("kind")
    return Treatment(
        patient_id=patient_id,
        started_on=started_on,
        kind=str(kind),
        ended_on=ended_on,
        extent=_extent(row, kind, findings),
        dose_gy=number_in(row, "dose_gy", HIGHEST_DOSE_GY, findings),
        agent=row.cells.get("agent") or _agent_in(written, kind),
        started_by=started_by,
        ended_by=ended_by,
        dose_mg=number_in(row, "dose_mg", HIGHEST_DOSE_MG, findings),
        written=written if written is not None and written.lower() != kind else None,
        started_at=_clock(row, "date"),
    )


def _clock(row: TableRow, column: str) -> str | None:
    clock = time_in(row, column)
    return None if clock is None else clock.isoformat()


def _kind(row: TableRow, names: Mapping[str, TreatmentKind], findings: list[Finding]) -> TreatmentKind:
    """Return what the kind, the agent and the extent of resection say together."""
    written = row.cells.get("kind")
    kind = kind_of(written, row.cells.get("agent"), row.cells.get("extent"), names)
    if kind == TreatmentKind.UNKNOWN:
        word = f"'{written}'" if written else "none"
        expected = f"expected a kind of treatment such as {', '.join(k for k in TreatmentKind if k != kind)}"
        findings.append(row.problem("treatment_unknown", f"{expected}, found {word}"))
    elif written and kind_named(written, names) not in (kind, TreatmentKind.UNKNOWN):
        message = f"expected a kind that goes with the drug, found '{written}' with '{row.cells['agent']}'; taken as"
        findings.append(row.problem("treatment_by_agent", f"{message} {kind}"))
    return kind


def _agent_in(written: str | None, kind: TreatmentKind) -> str | None:
    """Return the name of a drug that stands in place of its kind."""
    is_drug = kind in (*SYSTEMIC, TreatmentKind.STEROID)
    return written if is_drug and written is not None and written.lower() != kind else None


def read_function_scores(
    table_rows: Iterable[TableRow], as_of: date, findings: list[Finding]
) -> tuple[FunctionScore, ...]:
    """Return the usable functional grades of rows whose patients are known, by patient and date."""
    scores = [function_score(row, row.patient_id, as_of, findings) for row in unrepeated(table_rows, findings)]
    return tuple(sorted((s for s in scores if s), key=lambda s: (s.patient_id, s.assessed_on, s.scale_id)))


def of_known_patients(
    table_rows: Iterable[TableRow], patient_ids: Collection[str], findings: list[Finding]
) -> list[TableRow]:
    """Return the rows whose patient the study knows; the others become findings."""
    usable_rows = []
    for row in table_rows:
        if row.patient_id in patient_ids:
            usable_rows.append(row)
        elif is_complete(row, ("participant_id",), findings):
            message = f"expected a patient of this study, found '{row.cells['participant_id']}'"
            message += resembling_words(row.patient_id, patient_ids)
            findings.append(row.problem("row_unknown_patient", message))
    return usable_rows


def _patient(patient_id: str, row: TableRow, as_of: date, findings: list[Finding]) -> Patient:
    died_on = span_in(row, "died_on", as_of, findings)
    contact_on = span_in(row, "last_contact_on", as_of, findings)
    return Patient(
        patient_id=patient_id,
        sex=word_in(row, "sex", SEXES, findings),
        age_years=age_in(row, "age", HIGHEST_AGE_YEARS, findings),
        histology=row.cells.get("histology"),
        who_grade=row.cells.get("who_grade"),
        level=row.cells.get("level"),
        syndrome=syndrome_in(row, findings),
        centre=row.cells.get("centre"),
        died_on=first_possible(died_on) if died_on is not None else None,
        died_by=last_possible(died_on),
        last_contact_on=first_possible(contact_on) if contact_on is not None else None,
        last_contact_by=last_possible(contact_on),
        is_enhancing=word_in(row, "enhancing_tumour", YES_NO, findings),
        **{column: marker_in(row, column, findings) for column in markers.MARKERS},
    )


def marker_in(row: TableRow, column: str, findings: list[Finding]) -> str | None:
    """Return a row's result of a molecular marker as code; a word that nobody knows is reported and is unknown."""
    cell = row.cells.get(column)
    if cell is not None and not markers.is_understood(column, cell):
        expected = f"expected {markers.MARKERS[column].positive}, {markers.MARKERS[column].negative} or unknown"
        findings.append(row.problem("marker_unknown", f"{expected} in {column}, found '{cell}'"))
    return markers.coded(column, cell)


def syndrome_in(row: TableRow, findings: list[Finding]) -> str | None:
    """Return a row's syndrome as code; a name that nobody knows is reported and counts as unknown."""
    cell = row.cells.get("syndrome")
    code = coded(cell)
    if code == Syndrome.UNKNOWN and (cell or "").lower() != Syndrome.UNKNOWN:
        findings.append(row.problem("syndrome_unknown", f"expected VHL, NF1, NF2, none or unknown, found '{cell}'"))
    return code


def _extent(row: TableRow, kind: TreatmentKind, findings: list[Finding]) -> str | None:
    extent = word_in(row, "extent", EXTENTS, findings)
    if extent is None or kind == TreatmentKind.SURGERY:
        return extent
    findings.append(row.problem("word_unknown", f"expected extent for surgery only, found '{extent}' for {kind}"))
    return None


def function_score(row: TableRow, patient_id: str | None, as_of: date, findings: list[Finding]) -> FunctionScore | None:
    """Return one row's functional grade of a patient; None when it cannot be used or the patient is None."""
    if not is_complete(row, ("participant_id", "date", "scale_id", "grade"), findings):
        return None
    assessed_on = span_in(row, "date", as_of, findings)
    roman = ROMAN.get((row.cells["grade"] or "").upper())
    scale = scale_code(row.cells["scale_id"] or "")
    highest = highest_grade(scale) or HIGHEST_GRADE
    grade = number_in(row, "grade", highest, findings) if roman is None else roman
    if grade is not None and grade > highest:
        expected = f"expected a grade up to {highest} of {row.cells['scale_id']}"
        findings.append(row.problem("number_malformed", f"{expected}, found '{row.cells['grade']}'"))
        return None
    if patient_id is None or assessed_on is None or grade is None:
        return None
    tumour_related = word_in(row, "tumour_related", YES_NO, findings) or False
    return FunctionScore(
        patient_id=patient_id,
        assessed_on=first_possible(assessed_on),
        scale_id=scale,
        grade=grade,
        tumour_related=tumour_related,
        assessed_by=last_possible(assessed_on),
    )


def unrepeated(table_rows: Iterable[TableRow], findings: list[Finding]) -> list[TableRow]:
    """Return the rows without those that say again what an earlier one says; these become findings."""
    first: dict[tuple[tuple[str, str | None], ...], TableRow] = {}
    for row in table_rows:
        earlier = first.setdefault(tuple(row.cells.items()), row)
        if earlier is not row:
            findings.append(row.problem("row_repeated", f"expected each row once, found line {earlier.line} again"))
    return list(first.values())


def _days(row: TableRow, as_of: date, findings: list[Finding]) -> set[date]:
    days = (span_in(row, column, as_of, findings) for column in ("acq_time", "acq_date"))
    return {day for day in days if day is not None}


def _only(days: set[date], session_id: str, table: str, findings: list[Finding]) -> date | None:
    """Return the one day that is given; a month or a year that holds a day given beside it says nothing else."""
    whole = {day for day in days if last_possible(day) is None}
    days = whole | {day for day in days - whole if not any(day <= one <= (last_possible(day) or day) for one in whole)}
    if len(days) > 1:
        message = f"{table}: expected one date for {session_id}, found {' and '.join(map(str, sorted(days)))}"
        findings.append(finding("visit_date_conflict", message, table, session_id=session_id))
        return None
    return next(iter(days), None)
