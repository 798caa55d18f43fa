"""``neuraxis.tsv``: one form of the whole neuraxis for a visit, placed by its session or its day.

A table of its own beside ``sessions.tsv``: a dozen columns that somebody fills in from the reports of brain and spine,
often later and by another person than the dates. A word that is not understood leaves its item missing, never
negative; so do two columns that differ, and *absent* of what was not imaged. A form that cannot be placed is reported,
and seeding that it saw is a visit of its own: no event is left out for want of a scan of that day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pipeline.core.neuraxis_form import IMAGED_FOR, ITEMS, LEVELS, Imaged, Item, NeuraxisForm
from pipeline.core.records import Finding
from pipeline.study.clinical import of_known_patients, unrepeated
from pipeline.study.names import with_prefix
from pipeline.study.study_tables import TableRow, date_in, read_table, span_in
from pipeline.study.visits import StudyVisit, by_date

TABLE = "neuraxis.tsv"
YES = ("yes", "y", "true", "1", "imaged", "done", "whole", "complete")
NO = ("no", "n", "false", "0", "not imaged", "not done", "none")
UNCLEAR = (
    "ne", "not evaluable", "non-evaluable", "not assessable", "equivocal", "unclear", "?", "not done", "not imaged"
)  # fmt: skip
IMAGED = {
    **dict.fromkeys(YES, str(Imaged.YES)),
    **dict.fromkeys(NO, str(Imaged.NO)),
    **dict.fromkeys(("partly", "partial", "partially", "incomplete"), str(Imaged.PARTLY)),
}
CONTRAST = {
    **dict.fromkeys(("yes", "y", "true", "1", "gd", "gadolinium", "given"), "yes"),
    **dict.fromkeys(("no", "n", "false", "0", "none", "not given"), "no"),
}
SEEN = {
    **dict.fromkeys(("present", "yes", "y", "true", "1", "positive", "pos", "seen"), str(Item.PRESENT)),
    **dict.fromkeys(("absent", "no", "n", "false", "0", "negative", "neg", "not seen", "none"), str(Item.ABSENT)),
    **dict.fromkeys(
        (
            "ne",
            "not evaluable",
            "non-evaluable",
            "not assessable",
            "equivocal",
            "unclear",
            "?",
            "not done",
            "not imaged",
        ),
        str(Item.NOT_EVALUABLE),
    ),
}
ALIASES = {
    "whole_spine": ("cervical", "thoracic", "lumbar"),
    "spine": ("cervical", "thoracic", "lumbar"),
    "c_spine": ("cervical",), "cervical_spine": ("cervical",), "cervical_cord": ("cervical",),
    "t_spine": ("thoracic",), "thoracic_spine": ("thoracic",), "thoracic_cord": ("thoracic",),
    "l_spine": ("lumbar",), "lumbar_spine": ("lumbar",), "lumbosacral": ("lumbar",),
    "head": ("brain",), "gadolinium": ("contrast",), "contrast_agent": ("contrast",),
    "csf": ("csf_cytology",), "cytology": ("csf_cytology",), "radiologist": ("reader",),
}  # fmt: skip
"""Other names of columns; a column of the name itself counts before them."""

WORDS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(LEVELS, IMAGED),
    "contrast": CONTRAST,
    **dict.fromkeys(ITEMS, SEEN),
}


def with_forms(
    root: Path,
    visits: Mapping[str, Sequence[StudyVisit]],
    patient_ids: Collection[str],
    as_of: date,
    findings: list[Finding],
) -> dict[str, Sequence[StudyVisit]]:
    """Return every patient's visits with their forms.

    Parameters
    ----------
    root
        The study folder, resolved.
    visits
        By patient id, of those who were asked for.
    patient_ids
        All patients of the study; rows of others become findings.
    as_of
        The day of reading.
    findings
        What is odd is added.
    """
    path = root / TABLE
    if not (path.exists() or path.is_symlink()):
        return dict(visits)
    lines = read_table(path, root, ("participant_id",), findings)
    chosen: dict[str, list[StudyVisit]] = {}
    for row in unrepeated(of_known_patients(lines, patient_ids, findings), findings):
        name = row.patient_id
        if name is not None and name in visits:
            if name not in chosen:
                chosen[name] = list(visits[name])
            _place(row, chosen[name], as_of, findings)
    return {**visits, **{key: tuple(sorted(of_patient, key=by_date)) for key, of_patient in chosen.items()}}


def form_in(row: TableRow, findings: list[Finding]) -> NeuraxisForm:
    """Return one row's form; what is not understood or contradicts itself is reported and missing."""
    answers = {name: _answer(row, name, findings) for name in WORDS}
    for name, levels in IMAGED_FOR.items():
        if answers[name] == Item.ABSENT and all(answers[level] == Imaged.NO for level in levels):
            message = f"expected no answer for {name} where {' and '.join(levels)} was not imaged, found absent"
            findings.append(row.problem("neuraxis_differ", message))
            answers[name] = str(Item.NOT_EVALUABLE)
    return NeuraxisForm(**answers, reader=row.cells.get("reader") or row.cells.get("radiologist"))


def _answer(row: TableRow, name: str, findings: list[Finding]) -> str | None:
    """Return one item's answer by its own column and those of other names; None, reported, where they differ."""
    others = [other for other, names in ALIASES.items() if name in names]
    cells = {column: cell for column in (name, *others) if (cell := row.cells.get(column)) is not None}
    words = WORDS[name]
    coded = {column: words.get(cell.lower()) for column, cell in cells.items()}
    for column in (column for column, answer in coded.items() if answer is None):
        expected = " or ".join(dict.fromkeys(words.values()))
        findings.append(row.problem("neuraxis_word", f"expected {expected} in {column}, found '{cells[column]}'"))
    of_level = {column: answer for column, answer in coded.items() if len(ALIASES.get(column, ())) < 2}
    if of_level and any(answer != Imaged.YES for column, answer in coded.items() if column not in of_level):
        coded = of_level  # *not the whole spine* says nothing against one level of it
    if len(set(coded.values())) < 2:
        return next(iter(coded.values()), None)
    answer_words = " and ".join(f"{cells[column]} in {column}" for column in coded)
    findings.append(
        row.problem("neuraxis_differ", f"expected one answer for {name}, found {answer_words}; neither is used")
    )
    return str(Item.NOT_EVALUABLE) if name in ITEMS else None


def _place(row: TableRow, visits: list[StudyVisit], as_of: date, findings: list[Finding]) -> None:
    """Give a form to its visit; of two that differ neither answer counts."""
    index = _index(row, visits, as_of, findings)
    form = form_in(row, findings)
    if index is None:
        visits.extend(_own_visit(row, form, {visit.session_id for visit in visits}, as_of))
        return
    visit = visits[index]
    if visit.neuraxis is not None:
        form = _agreed(visit.neuraxis, form, row, findings)
    visits[index] = replace(visit, neuraxis=form)


def _index(row: TableRow, visits: Sequence[StudyVisit], as_of: date, findings: list[Finding]) -> int | None:
    """Return the place of the visit that a row means; None, with a finding, where it means none or two."""
    session_id, cell = row.cells.get("session_id"), row.cells.get("date")
    named = None if session_id is None else with_prefix("ses", session_id)
    day = date_in(row, "date", as_of, findings)
    places = [
        index
        for index, visit in enumerate(visits)
        if (session_id is None or visit.session_id == named) and (cell is None or (day and visit.acquired_on == day))
    ]
    if len(places) == 1 and (session_id is not None or cell is not None):
        return places[0]
    places_named = " and ".join(word for word in (session_id, cell) if word) or "neither session_id nor date"
    message = f"expected one visit of {row.patient_id} by session_id or date, found {len(places)} for {places_named}"
    if session_id is None and cell is None:
        message = f"expected session_id or date of a visit of {row.patient_id}, found neither"
    findings.append(row.problem("neuraxis_unplaced", message))
    return None


def _own_visit(row: TableRow, form: NeuraxisForm, taken: Collection[str], as_of: date) -> Iterator[StudyVisit]:
    """Make a visit without scans of a form that fits none and saw seeding; nothing of a day to come.

    Its day may be a month, or any day at all where none can be read.
    """
    oddities: list[Finding] = []
    day = span_in(row, "date", as_of, oddities)
    if not form.shows_seeding or row.patient_id is None or any(one.code == "date_future" for one in oddities):
        return
    session_id = row.cells.get("session_id")
    named = None if session_id is None else with_prefix("ses", session_id)
    if named in taken:
        named = day = None  # that visit has another day: which of the two is right nobody knows
    digits = "".join(letter for letter in str(day or "") if letter.isdigit()) or f"line{row.line}"
    yield StudyVisit(row.patient_id, named or f"ses-neuraxis{digits}", day, (), (), neuraxis=form)


def _agreed(first: NeuraxisForm, second: NeuraxisForm, row: TableRow, findings: list[Finding]) -> NeuraxisForm:
    """Return what two forms of one visit agree on; an answer of only one of them stands."""
    answers: dict[str, str | None] = {}
    for name in WORDS:
        pair = [one for one in (getattr(first, name), getattr(second, name)) if one is not None]
        differ = len(set(pair)) > 1
        answers[name] = (str(Item.NOT_EVALUABLE) if name in ITEMS else None) if differ else next(iter(pair), None)
        if differ:
            message = f"expected one answer for {name}, found {' and '.join(pair)} for one visit; neither is used"
            findings.append(row.problem("neuraxis_differ", message))
    readers = ", ".join(dict.fromkeys(one for one in (first.reader, second.reader) if one))
    return NeuraxisForm(**answers, reader=readers or None)
