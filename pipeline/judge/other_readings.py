"""What is open where a reading beside solid tumour says something else: asked of people, never decided.

A mixed tumour whose enhancing part has progressed is asked about as growth. With the cyst counted only the category
can differ: that is a disagreement, whichever way it goes, for the solid tumour decides. What this module refuses: a
question where both readings say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.core import records
from pipeline.core.vocabulary import Category, DisplayState, ReadingKind
from pipeline.judge.clauses import from_json
from pipeline.judge.questions import Open, Question

GROWN = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)


def asked_by_readings(last: records.Assessment, readings: Iterable[records.ReadingAssessment]) -> Iterator[Open]:
    """Say how the readings of the latest judged visit differ from the verdict on solid tumour.

    Parameters
    ----------
    last
        The verdict on the patient.
    readings
        Of the patient, of all visits and criteria.
    """
    here = {
        one.reading: one for one in readings if (one.session_id, one.criteria_id) == (last.session_id, last.criteria_id)
    }
    mixed, cyst = here.get(ReadingKind.MIXED), here.get(ReadingKind.SOLID_AND_CYST)
    if mixed is not None and mixed.is_different:
        yield from _of_mixed(mixed, here.get(ReadingKind.ENHANCING))
    if cyst is not None and cyst.is_different and shown(cyst) != last_category(last):
        words = f"with the cyst counted: {called(cyst)}; solid tumour alone, which decides: {last_category(last)}"
        yield Open(Question.DISAGREEMENT, words, f"with the cyst: {shown(cyst)}")


def _of_mixed(mixed: records.ReadingAssessment, enhancing: records.ReadingAssessment | None) -> Iterator[Open]:
    main = next(iter(from_json(mixed.clauses)), None)
    words = main.text if main is not None else mixed.reason
    words = f"{words[:1].lower()}{words[1:]}"
    name = "enhancing part" if enhancing is not None and enhancing.display_state in GROWN else "T2 part"
    if mixed.display_state not in GROWN and mixed.category != Category.PD:
        yield Open(Question.DISAGREEMENT, words, f"enhancing and T2 together: {shown(mixed)}")
    elif mixed.is_confirmed and mixed.category == Category.PD and mixed.display_state != DisplayState.POSSIBLE_GROWTH:
        yield Open(Question.GROWTH, words, f"{name} growing")
    else:
        yield Open(
            Question.POSSIBLE_GROWTH, f"possible growth of the {name}: {words}", f"possible growth of the {name}"
        )


def called(reading: records.ReadingAssessment) -> str:
    """Say a reading's category with the change that it rests on and since when, in the digits of its sentence.

    Examples
    --------
    >>> from datetime import date
    >>> from pipeline.judge.clauses import Clause, ClauseKind, to_json
    >>> change = Clause(ClauseKind.CHANGE, "fell", change="-52 %", reference_on=date(2021, 3, 1))
    >>> row = records.ReadingAssessment("01", "ses-2", "solid_and_cyst", "x", "1", "SD", "stable", "shrinkage", True,
    ...     False, True, 0, "watched", None, None, 1.0, 0.1, 0.48, None, None, None, None, "", "SD", "stable", "",
    ...     to_json((change,)))
    >>> called(row)
    'SD (-52 % since 2021-03-01)'
    """
    main = next(iter(from_json(reading.clauses)), None)
    if main is None or main.change is None or main.reference_on is None:
        return shown(reading)
    return f"{shown(reading)} ({main.change} since {main.reference_on})"


def shown(reading: records.ReadingAssessment) -> str:
    """Return a category with a ``?`` while its confirming scan is awaited."""
    return _shown(reading.category, is_confirmed=reading.is_confirmed)


def last_category(last: records.Assessment) -> str:
    """Return the same of the verdict that decides."""
    return _shown(last.category, is_confirmed=last.is_confirmed)


def _shown(category: str, *, is_confirmed: bool) -> str:
    is_settled = is_confirmed or category in (Category.SD, Category.NE)
    return category if is_settled else f"{category}?"
