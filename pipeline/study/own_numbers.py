"""Tables of sizes that other software measured: one row per patient, day and compartment.

A row whose patient and day can be read always makes a visit: where its numbers cannot be used, the visit has no number
and says why, because a visit that silently vanished could have been the smallest. Nothing is guessed: a number that may
mean two things, two rows that differ, an unknown compartment or a future date are reported with their line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from statistics import median

from pipeline.core.findings import finding
from pipeline.core.records import Finding, Patient
from pipeline.core.vocabulary import ANY_DAY, Category, Compartment
from pipeline.core.written_day import WrittenDay, last_possible
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.study import wide_rows
from pipeline.study.clinical import YES_NO, syndrome_in
from pipeline.study.first_given import FirstGiven, first_given, import_order
from pipeline.study.label_names import compartment_named
from pipeline.study.lesion_rows import lesion_of, lesions_in, sizes_of_their_own, total_of, with_marks, with_unseen
from pipeline.study.names import alike_groups, relative_to
from pipeline.study.odd_rows import odd_rows
from pipeline.study.one_person import agreed
from pipeline.study.own_number_rows import (
    NOT_USABLE,
    REMARKS,
    SIZES,
    VOLUME_COLUMNS,
    VOLUME_NOT_USABLE,
    differing,
    is_one_sitting,
    key_of,
    one_measure,
    say_remark,
    sittings,
)
from pipeline.study.possible_days import impossible_days, in_words, latest_of
from pipeline.study.study_tables import TableRow, is_complete, read_delimited, span_in, time_in, unread_columns, word_in
from pipeline.study.unit_doubts import SizesBefore, in_one_unit, marks_alone
from pipeline.study.unit_words import UNIT_COLUMNS
from pipeline.study.wide_rows import in_rows
from pipeline.study.written_dates import parse_days

REQUIRED = ("participant_id", "date")
OF_PATIENT = ("histology", "syndrome", "enhancing_tumour")
"""Columns that say something of the patient, in whichever row."""
READ_COLUMNS = frozenset({
    *REQUIRED, *OF_PATIENT, *SIZES, *wide_rows.COLUMNS, *UNIT_COLUMNS, "compartment", "lesion_id", "lesion",
    "leptomeningeal", "new_lesion", "response", "volume_cv", NOT_USABLE, VOLUME_NOT_USABLE,
    *REMARKS,
})  # fmt: skip
"""What is read of a table of sizes; whatever else stands in it is named, not used."""
WORDS = {category.value.lower(): category for category in Category}
SUSPECT_MM3, SUSPECT_ML = 20.0, 100.0
"""Half of all tumours below so few mm³, or above so many mL, look like a mistaken unit; a proposal."""


@dataclass(frozen=True, slots=True)
class GivenVisit:
    """One visit that a table knows.

    Attributes
    ----------
    patient_id
        As the table writes it.
    acquired_on
        Of a month or a year its first day, as a ``WrittenDay``; any day at all where none can be read.
    measures
        One per compartment that has a row.
    category
        A reader's word for the response; None when the table gives sizes.
    lines
        Where it stands in the table.
    lesions
        Solid tumour of each lesion by name, where the table tells them apart.
    first_given
        When its first row came and the time that this had: no row that is added later changes it.
    is_summed
        No row gives its whole tumour: the first measure is the sum of the lesions.
    """

    patient_id: str
    acquired_on: date
    measures: tuple[ImportedMeasure, ...] = ()
    category: Category | None = None
    lines: tuple[int, ...] = ()
    acquired_at: time | None = None
    lesions: Mapping[str, ImportedMeasure] = field(default_factory=dict)
    first_given: FirstGiven = field(default_factory=FirstGiven)
    is_summed: bool = False

    @property
    def is_placed(self) -> bool:
        """Its day can be read, or at least its year."""
        return (self.acquired_on, last_possible(self.acquired_on)) != ANY_DAY


@dataclass(frozen=True)
class VolumeTable:
    """A table of visits: ``patients`` holds what else it says of each, ``has_words`` that it gives responses."""

    name: str
    visits: tuple[GivenVisit, ...]
    patients: Mapping[str, Patient]
    has_words: bool


def read_volumes(path: Path, root: Path, as_of: date, findings: list[Finding]) -> VolumeTable:
    """Read a table of sizes or of response words.

    Parameters
    ----------
    path
        A file inside ``root``, with the columns ``patient_id`` (or ``participant_id``), ``date`` and at least one of
        ``volume_mm3``, ``volume_ml``, ``product_mm2``, ``long_mm`` with ``perpendicular_mm``, ``longest_mm``, or else
        ``response``. Further ones: ``compartment`` (solid tumour where there is none), ``volume_cv``, ``cyst_mm3`` and
        the like (``wide_rows``), ``slices_spanned``, ``new_lesion``, ``histology``, ``syndrome``, ``lesion_id`` (one
        row for each lesion; their sum is the tumour, unless a row without a lesion gives it).
    as_of
        The day of reading; rows dated after it are reported and not used.
    findings
        What is odd is added.
    """
    written_rows = read_delimited(path, root, REQUIRED, findings)
    table = volumes_in(relative_to(root, path), written_rows, as_of, findings)
    odd_rows(written_rows, findings)
    columns = set(written_rows[0].cells) if written_rows else set()
    findings += unread_columns(written_rows, READ_COLUMNS)
    findings += suspect_units(table.name, columns, tumours_mm3(table.visits))
    days_by_name = defaultdict[str, list[date]](list)
    for visit in table.visits:
        days_by_name[visit.patient_id].append(visit.acquired_on)
    doubts = doubtful_names(days_by_name, table.name, findings)
    return replace(table, visits=tuple(without_sizes(visit, doubts.get(visit.patient_id)) for visit in table.visits))


def volumes_in(name: str, written_rows: Iterable[TableRow], as_of: date, findings: list[Finding]) -> VolumeTable:
    """Return what rows of a table say: all of them, or all of one patient, whom no row of another concerns.

    Parameters
    ----------
    name
        The table, as findings name it.
    """
    table_rows = [row for row in written_rows if is_complete(row, ("participant_id",), findings)]
    columns = set(table_rows[0].cells) if table_rows else set()
    has_words = "response" in columns
    if table_rows and not _columns_are_usable(table_rows[0], findings):
        table_rows = []
    by_compartment = table_rows if has_words else in_rows(table_rows, findings)
    days = ((row, _day(row, as_of, findings) or _any_day(row)) for row in by_compartment)
    dated = _possible([(row, day) for row, day in days if day is not None], findings)
    id_by_key = _ids(table_rows)
    places: dict[tuple[str, date, str], list[TableRow]] = defaultdict(list)
    for row, day in dated:
        places[id_by_key[key_of(row)], day, str(day)].append(row)
    visits = [
        _visit(key, visit_rows, findings, has_words=has_words, is_alone=len(scans) == 1)
        for key, rows_of_day in sorted(places.items())
        for scans in [sittings(rows_of_day, "date")]
        for visit_rows in scans
    ]
    visits = [visit for visit in visits if visit.is_placed or _may_be_smallest(visit)]
    visits = with_lesions(without_doubtful_units(visits, table_rows, name, findings))
    order = import_order(table_rows)
    rows_by_line = {row.line: row for row in table_rows}
    visits = [replace(one, first_given=first_given(one.lines, rows_by_line, order, "date")) for one in visits]
    return VolumeTable(name, tuple(visits), _patients(table_rows, id_by_key, findings), has_words)


def _columns_are_usable(row: TableRow, findings: list[Finding]) -> bool:
    columns = set(row.cells)
    pair = {"long_mm", "perpendicular_mm"}
    sizes = columns & {*VOLUME_COLUMNS, "product_mm2", "longest_mm"} or pair <= columns
    if sizes and "response" in columns:
        message = f"{row.table}: expected sizes or a column response, found both; leave one of them"
        findings.append(finding("column_repeated", message))
    elif not sizes and "response" not in columns:
        wanted = "volume_mm3, volume_ml, product_mm2, long_mm with perpendicular_mm, longest_mm or response"
        findings.append(finding("column_missing", f"{row.table}: expected a column {wanted}, found none of them"))
    return bool(sizes) != ("response" in columns)


def _day(row: TableRow, as_of: date, findings: list[Finding]) -> date | None:
    return span_in(row, "date", as_of, findings) if is_complete(row, ("date",), findings) else None


def _any_day(row: TableRow) -> date | None:
    """Return any day at all where a scan's cannot be read; None where it is yet to come, or the table has no dates."""
    cell = row.cells.get("date")
    if "date" in row.absent or (cell is not None and parse_days(cell) is not None):
        return None
    return any_day(cell)


def any_day(cell: str | None) -> WrittenDay:
    """Return any day at all, with what was written in its place."""
    first, last = ANY_DAY
    words = "an unknown day" if cell is None else f"an unknown day ('{cell}')"
    return WrittenDay(first.year, first.month, first.day, words, last)


def _possible(dated: Sequence[tuple[TableRow, date]], findings: list[Finding]) -> list[tuple[TableRow, date]]:
    """Return rows with their days, on any day at all those that cannot be a scan's beside the person's others."""
    days: dict[str, list[date]] = defaultdict(list)
    for row, day in dated:
        days[key_of(row)].append(day)
    impossible = {key: impossible_days(days_of_one) for key, days_of_one in days.items()}
    possible = []
    for row, day in dated:
        latest = latest_of(days[key_of(row)])
        if latest is None or day not in impossible[key_of(row)]:
            possible.append((row, day))
            continue
        findings.append(row.problem("date_impossible", in_words(day, latest)))
        possible.append((row, any_day(str(row.cells["date"]))))
    return possible


@dataclass(frozen=True)
class NameDoubt:
    """Why a person of a table may be another one of it too, and from which day on there are scans of the other."""

    why: str
    since: date


def doubtful_names(
    days_by_name: Mapping[str, Sequence[date]], table: str, findings: list[Finding]
) -> dict[str, NameDoubt]:
    """Return the doubts about those names that hardly differ: they may be one person, whose course is torn apart.

    Parameters
    ----------
    days_by_name
        Of all people who count, the days of their scans. A scan of another name on a later day changes nothing of
        what was said of the days before.
    """
    doubts = dict[str, NameDoubt]()
    for group in alike_groups(days_by_name):
        quoted = " and ".join(f"'{name}'" for name in group)
        findings.append(finding("patient_alike", f"{table}: expected names that tell people apart, found {quoted}"))
        for name in group:
            days_of_others = [day for other in group if other != name for day in days_by_name[other]]
            since = min(days_of_others, default=date.max)
            doubts[name] = NameDoubt(f"{quoted} may be one person ({table})", since)
    return doubts


def without_sizes(visit: GivenVisit, doubt: NameDoubt | None) -> GivenVisit:
    """Return a visit with its marks alone where it may be another person's; as it is where it lies before the other."""
    if doubt is None or (last_possible(visit.acquired_on) or visit.acquired_on) < doubt.since:
        return visit
    category = None if visit.category is None else Category.NE
    measures = tuple(marks_alone(one, doubt.why) for one in visit.measures)
    lesions = {name: marks_alone(one, doubt.why) for name, one in visit.lesions.items()}
    return replace(visit, category=category, measures=measures, lesions=lesions)


def _may_be_smallest(visit: GivenVisit) -> bool:
    """Say whether a scan of an unknown day shows anything that verdicts on others may rest on."""
    tumour = [one for one in visit.measures if one.compartment == Compartment.TUMOUR]
    return any(one.has_size or one.new_lesion or one.leptomeningeal for one in (*tumour, *visit.lesions.values()))


def _ids(table_rows: Iterable[TableRow]) -> dict[str, str]:
    """Return each patient's name as first written; with and without ``sub-`` is the same patient."""
    id_by_key: dict[str, str] = {}
    for row in table_rows:
        id_by_key.setdefault(key_of(row), row.cells["participant_id"] or "")
    return id_by_key


def _patients(
    table_rows: Iterable[TableRow], id_by_key: Mapping[str, str], findings: list[Finding]
) -> dict[str, Patient]:
    rows_of = defaultdict[str, list[tuple[TableRow, Patient]]](list)
    for row in table_rows:
        if any(row.cells.get(name) for name in OF_PATIENT):
            patient_id = id_by_key[key_of(row)]
            here = Patient(
                patient_id,
                histology=row.cells.get("histology"),
                syndrome=syndrome_in(row, findings),
                is_enhancing=word_in(row, "enhancing_tumour", YES_NO, findings),
            )
            rows_of[patient_id].append((row, here))
    alone = {patient_id: Patient(patient_id) for patient_id in id_by_key.values()}
    return alone | {patient_id: agreed(given, findings) for patient_id, given in rows_of.items()}


def _visit(
    key: tuple[str, date, str],
    table_rows: Sequence[TableRow],
    findings: list[Finding],
    *,
    has_words: bool,
    is_alone: bool,
) -> GivenVisit:
    """Return what the rows of one scan say; series of one sitting begin with the first, where others follow."""
    patient_id, acquired_on, _ = key
    lines = tuple(dict.fromkeys(row.line for row in table_rows))
    times = sorted({clock for row in table_rows if (clock := time_in(row, "date")) is not None})
    acquired_at = times[0] if times and (not is_alone or is_one_sitting(times)) else None
    if has_words:
        return GivenVisit(patient_id, acquired_on, (), _word(table_rows, findings), lines, acquired_at)
    by_compartment: dict[Compartment, list[TableRow]] = defaultdict(list)
    for row in table_rows:
        compartment = _compartment(row, findings)
        if compartment is not None:
            by_compartment[compartment].append(row)
    of_lesions = [row for row in by_compartment.get(Compartment.TUMOUR, ()) if lesion_of(row)]
    lesions = lesions_in(of_lesions, findings)
    if of_lesions:
        by_compartment[Compartment.TUMOUR] = [row for row in by_compartment[Compartment.TUMOUR] if not lesion_of(row)]
    measures = tuple(
        one_measure(name, compartment_rows, findings)
        for name, compartment_rows in sorted(by_compartment.items())
        if compartment_rows
    )
    return GivenVisit(patient_id, acquired_on, measures, None, lines, acquired_at, lesions)


def without_doubtful_units(
    visits: Iterable[GivenVisit], table_rows: Iterable[TableRow], table: str, findings: list[Finding]
) -> list[GivenVisit]:
    """Leave out sizes that only fit the patient's earlier ones in another unit; each is named and says why.

    Parameters
    ----------
    visits
        By patient and day: only earlier scans are looked at, so that nothing added later changes what was read.
    table_rows
        What they are read from.
    """
    cells = {row.line: row.cells for row in table_rows}
    earlier: dict[tuple[str, str], dict[str, SizesBefore]] = defaultdict(lambda: defaultdict(SizesBefore))
    checked = []
    for visit in visits:
        where = f"{table} line {' and '.join(map(str, visit.lines))}"
        written = [cells[line] for line in visit.lines if line in cells]
        named = [*((str(one.compartment), one) for one in visit.measures)]
        of_lesions = [*((f"lesion {name}", one) for name, one in visit.lesions.items())]
        of_one_unit = {
            name: in_one_unit(one, earlier[visit.patient_id, name], written, where, findings)
            for name, one in (*named, *of_lesions)
        }
        measures = tuple(of_one_unit[name] for name, _ in named)
        lesions = {name: of_one_unit[f"lesion {name}"] for name in visit.lesions}
        checked.append(replace(visit, measures=measures, lesions=lesions))
    return checked


def with_lesions(visits: Sequence[GivenVisit]) -> list[GivenVisit]:
    """Give each visit the lesions that it lacks, not seen, and their sum where no row gives the whole tumour.

    Parameters
    ----------
    visits
        By patient and day.
    """
    earlier: dict[str, dict[str, ImportedMeasure]] = defaultdict(dict)
    apart: dict[str, frozenset[str]] = defaultdict(frozenset)
    complete = []
    for visit in visits:
        lesions = with_unseen(visit.lesions, earlier[visit.patient_id])
        earlier[visit.patient_id] |= lesions
        measures = tuple(
            with_marks(one, lesions.values()) if lesions and one.compartment == Compartment.TUMOUR else one
            for one in visit.measures
        )
        is_given = any(measure.compartment == Compartment.TUMOUR for measure in measures)
        total = () if is_given or not lesions else (total_of(lesions, apart[visit.patient_id]),)
        apart[visit.patient_id] |= sizes_of_their_own(lesions) if visit.is_placed else frozenset()
        is_changed = total or lesions != visit.lesions or measures != visit.measures
        complete.append(
            replace(visit, measures=(*total, *measures), lesions=lesions, is_summed=bool(total))
            if is_changed
            else visit
        )
    return complete


def _word(table_rows: Sequence[TableRow], findings: list[Finding]) -> Category:
    """Return the reader's word; not evaluable where there is none that can be used."""
    words = {
        word_in(row, "response", WORDS, findings) for row in table_rows if is_complete(row, ("response",), findings)
    }
    if len(words) > 1:
        findings.append(differing(table_rows))
    for row in table_rows:
        say_remark(row, "this response", findings)
    word = next(iter(words)) if len(words) == 1 else None
    return word or Category.NE


def _compartment(row: TableRow, findings: list[Finding]) -> Compartment | None:
    name = row.cells.get("compartment")
    if name is None:
        if "compartment" not in row.cells:
            return Compartment.TUMOUR
        findings.append(row.problem("row_incomplete", "expected a compartment, found none"))
        return None
    compartment = compartment_named(name)
    if compartment is None:
        words = f"expected one of {', '.join(Compartment)} as compartment, found '{name}'"
        findings.append(row.problem("compartment_unknown", words))
    return compartment


def tumours_mm3(visits: Iterable[GivenVisit]) -> list[float]:
    """Return the volumes above 0 of whole tumours, mm³."""
    measures = (one for visit in visits for one in visit.measures if one.compartment == Compartment.TUMOUR)
    return [one.volume_mm3 for one in measures if one.volume_mm3]


def suspect_units(table: str, columns: Collection[str], sizes_mm3: Sequence[float]) -> list[Finding]:
    """Say where half of all tumours of a table have sizes that fit another unit than the column's name says."""
    if not sizes_mm3:
        return []
    middle_mm3 = median(sizes_mm3)
    column, other = ("volume_mm3", "mL") if "volume_mm3" in columns else ("volume_ml", "mm³")
    suspect = middle_mm3 < SUSPECT_MM3 if column == "volume_mm3" else middle_mm3 > 1000 * SUSPECT_ML
    limit = f"below {SUSPECT_MM3:g} mm³" if other == "mL" else f"above {SUSPECT_ML:g} mL"
    words = f"{table}: expected {column} as its name says, found half of the tumours {limit}; is it {other}?"
    return [finding("unit_suspect", words)] if suspect else []
