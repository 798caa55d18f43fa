"""How a patient stands, in one state: by volume, and what is worse that the volume does not show.

The rule: the state is that of the latest verdict by volume. Where a lesion is new or grows, or function is worse, and
the state by volume does not say so itself, both are said, "by volume stable; clinically worse since 2023-03-14", and
what is worse gives the colour. A cyst never changes the state. What this module refuses: one word for two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.core import records
from pipeline.core.vocabulary import DisplayState, State
from pipeline.judge.questions import FIRST_SEEN, PERHAPS_SEEN, Question

WORSE = (Question.NEW_LESION, Question.LESION_GROWTH, Question.GROWTH, Question.FUNCTION)
"""What is worse whatever the volume does, in the order in which it is said."""

GROWN = (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)


def standings(study_records: Iterable[object], questions: Sequence[records.OpenQuestion]) -> list[records.WorseBeside]:
    """Return what is worse beside the volume, for each patient and set of criteria of which something is.

    Parameters
    ----------
    study_records
        Records of a whole study, in any order.
    questions
        What is open about each patient (``urgency.open_questions``).
    """
    everything = list(study_records)
    days = {(row.patient_id, row.session_id): row.acquired_on for row in everything if isinstance(row, records.Visit)}
    latest: dict[tuple[str, str], records.Assessment] = {}
    dated = [
        (day, row.session_id, row)
        for row in everything
        if isinstance(row, records.Assessment) and (day := days.get((row.patient_id, row.session_id))) is not None
    ]
    for _, _, row in sorted(dated, key=lambda one: one[:2]):
        latest[row.patient_id, row.criteria_id] = row
    return _worse(latest, questions)


def _worse(
    latest: Mapping[tuple[str, str], records.Assessment], questions: Sequence[records.OpenQuestion]
) -> list[records.WorseBeside]:
    by_key: dict[tuple[str, str], list[records.OpenQuestion]] = {}
    for question in questions:
        by_key.setdefault((question.patient_id, question.criteria_id), []).append(question)
    worse = []
    for key, patient_questions in by_key.items():
        words = beside(latest.get(key), patient_questions)
        if words:
            worse.append(records.WorseBeside(*key, words))
    return worse


def beside(last: records.Assessment | None, questions: Sequence[records.OpenQuestion]) -> str:
    """Say what is worse that the latest state by volume does not say; empty for nothing."""
    asked = {one.question for one in questions}
    shown = [question for question in WORSE if not (last is not None and _says(last, question))]
    if Question.FUNCTION in asked:  # which says since when
        shown = [question for question in shown if question != Question.GROWTH]
    briefs = [one.brief for kind in shown for one in questions if one.question == kind]
    if last is not None and last.display_state in GROWN:  # which is that tumour's own
        briefs = [brief for brief in briefs if brief not in (FIRST_SEEN, PERHAPS_SEEN)]
    return "; ".join(dict.fromkeys(briefs))


def _says(last: records.Assessment, question: Question) -> bool:
    """Say whether the state by volume tells of a question itself."""
    if question == Question.NEW_LESION:
        return last.state in (State.DISTANT, State.RECURRENCE)
    return question in (Question.GROWTH, Question.LESION_GROWTH) and last.display_state in GROWN
