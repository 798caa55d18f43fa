"""The best overall response of each course, time to it and duration of it, by confirmed scans and by single ones.

Read from the verdicts as known now, from a course's baseline to its first progression. By the *confirmed* reading a
complete or partial response counts only where the criteria's second scan showed it, and is stable disease until then;
a progression that awaits its second scan is no answer at all. By the *unconfirmed* reading every scan counts as it was
read. Where the criteria ask for it, stable disease is an answer only from their fewest days after time zero on.
Disease too small to measure at the baseline has no stable disease and no partial response: it is complete response,
NON-CR/NON-PD or progression. What this module refuses: a response out of what could not be judged.

References
----------
RECIST 1.1: Eisenhauer 2009, Eur J Cancer 45:228, 10.1016/j.ejca.2008.10.026, sections 4.4 to 4.6 (best response,
duration, non-target disease). FDA 2018, appendix 3, table A (censoring).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from pipeline.core import wording
from pipeline.core.vocabulary import Category, CourseKind, DisplayState, PatientCourse, State, TreatmentKind
from pipeline.judge import circumstances, decline, division, epochs
from pipeline.judge.comparison import at_least
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.endpoint_rules import TWO_MISSED_VISITS_DAYS
from pipeline.judge.epochs import Epoch
from pipeline.judge.knowledge import Placed, PlacedHistory
from pipeline.judge.verdict import Verdict

EARLY = "early"
"""Stable disease seen before the criteria count it: no answer yet."""

NEITHER = "NON-CR/NON-PD"
"""Best response of disease that is there and too small to measure (RECIST 1.1, table 2)."""

ORDER = (Category.CR, Category.PR, Category.MR, Category.SD, Category.PD)
"""From the best to the worst."""

RESPONSES = (Category.CR, Category.PR)
WORDS: Mapping[str, str] = {
    Category.CR: "complete response",
    Category.PR: "partial response",
    Category.MR: "minor response",
    Category.SD: "stable disease",
    Category.PD: "progression",
    NEITHER: "neither complete response nor progression (too small to measure)",
}


class ResponseLook(StrEnum):
    """How many scans a response needs to count."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class CourseResponse:
    """The best response of one course by one look.

    Attributes
    ----------
    epoch, course, cause
        Number and kind of the course, and what opened it in words.
    best
        CR, PR, MR, SD, NON-CR/NON-PD, PD or NE.
    time_zero_on
        First day of the treatment that opened the course; the baseline's where none did; None without either.
    best_on
        First scan with the best response; None where there is none.
    lasts_from_on, ended_on
        From the first response (of stable disease: from time zero) to progression or death, or to where it is
        censored; None without a response.
    is_event
        It ended by progression or death; None where nothing lasted.
    is_provisional
        A verdict that it rests on comes from an automatic mask nobody signed.
    """

    epoch: int
    course: CourseKind
    cause: str
    look: ResponseLook
    best: str
    baseline_session_id: str | None
    time_zero_on: date | None
    reason: str
    best_on: date | None = None
    lasts_from_on: date | None = None
    ended_on: date | None = None
    is_event: bool | None = None
    is_provisional: bool = False


@dataclass(frozen=True)
class _Answers:
    """The verdicts of one course that answer, up to its first progression, and what ended the course."""

    epoch: Epoch
    history: PatientCourse
    verdicts: tuple[Verdict, ...]
    lost: tuple[date, str] | None
    following: Epoch | None

    @property
    def time_zero_on(self) -> date | None:
        opened = self.epoch.opened_by
        if opened is not None:
            return opened.started_on
        if self.epoch.baseline is not None:
            return self.epoch.baseline.acquired_on
        return self.verdicts[0].visit.acquired_on if self.verdicts else None

    @property
    def progressed_on(self) -> date | None:
        days = [v.visit.acquired_on for v in self.verdicts if v.category == Category.PD and v.confirmed]
        return min([*days, *([self.lost[0]] if self.lost else [])], default=None)


def of_readings(readings: Sequence[PlacedHistory], criteria: ResponseCriteria) -> tuple[CourseResponse, ...]:
    """Return each course's best response by both looks.

    Parameters
    ----------
    readings
        The verdicts by every way to place what has no day (``knowledge.readings``); none where there are too many.
    criteria
        The rules that judged.

    Returns
    -------
    tuple of CourseResponse
        By course, confirmed before unconfirmed. Where the ways differ the best response is not evaluable.
    """
    if not readings:
        return ()
    first, *others = [tuple(_of_history(reading, criteria)) for reading in readings]
    if not others:
        return first
    words = " and ".join(readings[0].history.days)
    if any([one.course for one in other] != [one.course for one in first] for other in others):
        why = f"which course a scan belongs to depends on a day that is not known ({words})"
        return tuple(_without_answer(one, why) for one in first)
    return tuple(_agreed(row, words) for row in zip(first, *others, strict=True))


def _agreed(row: Sequence[CourseResponse], words: str) -> CourseResponse:
    """Return what all ways to place the days say; what differs between them is not known, nor how long it lasted."""
    first, bests = row[0], sorted({one.best for one in row})
    if len(bests) > 1:
        return _without_answer(first, f"it depends on a day that is not known ({words}): {' or '.join(bests)}")
    if all(one == first for one in row):
        return first
    days = ("time_zero_on", "best_on", "lasts_from_on", "ended_on", "is_event", "baseline_session_id")
    shared: dict[str, Any] = {
        name: getattr(first, name) if len({getattr(one, name) for one in row}) == 1 else None for name in days
    }
    if shared["ended_on"] is None:
        shared["lasts_from_on"] = None  # a beginning without its end would read as a response that goes on
    reason = f"{_capital(WORDS.get(first.best, 'not evaluable'))} for every day that may be meant by {words}"
    if first.best == Category.NE:
        reason = first.reason.removesuffix(".")
    return replace(first, **shared, reason=f"{reason}.")


def _without_answer(one: CourseResponse, why: str) -> CourseResponse:
    return CourseResponse(one.epoch, one.course, one.cause, one.look, Category.NE, None, None, f"Not evaluable: {why}.")


def _of_history(reading: PlacedHistory, criteria: ResponseCriteria) -> Iterator[CourseResponse]:
    course = reading.history.course
    divided = division.divided(course, criteria)
    for number, epoch in enumerate(divided):
        if number == 0 and not epoch.visits:
            continue  # nobody watched before the first treatment
        following = divided[number + 1] if number + 1 < len(divided) else None
        answers = _answers(epoch, following, reading.placed, course, criteria)
        for look in ResponseLook:
            yield _response(answers, look, criteria)


def _answers(
    epoch: Epoch, following: Epoch | None, placed: Sequence[Placed], course: PatientCourse, criteria: ResponseCriteria
) -> _Answers:
    changes = decline.declines(course, epoch, criteria.clinical)
    lost = next(((day, words) for day, words in changes if words and day >= epoch.starts_on), None)
    names = {visit.session_id for visit in epoch.visits}
    verdicts: list[Verdict] = []
    for verdict in (one.verdict for one in placed if one.verdict.visit.session_id in names):
        if not (verdict.is_judged or verdict.category == Category.PD):
            continue
        verdicts.append(verdict)
        if verdict.category == Category.PD and verdict.confirmed:
            break
    return _Answers(epoch, course, tuple(verdicts), lost, following)


def _response(answers: _Answers, look: ResponseLook, criteria: ResponseCriteria) -> CourseResponse:
    epoch = answers.epoch
    words = [(_word(verdict, answers, look, criteria), verdict) for verdict in answers.verdicts]
    early = [verdict.visit.acquired_on for word, verdict in words if word == EARLY]
    words = [(word, verdict) for word, verdict in words if word != EARLY]
    answered = [(word, verdict) for word, verdict in words if word is not None]
    shared = CourseResponse(
        epoch=epoch.number,
        course=epoch.kind,
        cause=epoch.cause,
        look=look,
        best=Category.NE,
        baseline_session_id=epoch.baseline.session_id if epoch.baseline else None,
        time_zero_on=answers.time_zero_on,
        reason="",
        is_provisional=any(verdict.is_provisional for verdict in answers.verdicts),
    )
    if _starts_clear(epoch, criteria) and answers.progressed_on is None:
        return replace(shared, reason=_clear_words(answers))
    if not answered and answers.lost is not None:
        on, loss = answers.lost
        return replace(shared, best=Category.PD, best_on=on, reason=f"Progression, clinical, on {on} ({loss}).")
    if not answered:
        why = _too_early(early[-1], answers, criteria) if early else _why_none(answers, criteria)
        return replace(shared, reason=f"Not evaluable: {why}.")
    best, verdict = min(answered, key=lambda pair: _rank(pair[0]))
    return _lasting(replace(shared, best=best, best_on=verdict.visit.acquired_on), answers, answered)


def _word(verdict: Verdict, answers: _Answers, look: ResponseLook, criteria: ResponseCriteria) -> str | None:
    """Return what one scan adds to the best response; None for nothing."""
    category = verdict.category
    if look == ResponseLook.CONFIRMED and not verdict.confirmed:
        if category == Category.PD:
            return None
        category = Category.SD
    if category == Category.SD and _is_unmeasurable(answers.epoch, criteria):
        return NEITHER
    return EARLY if category == Category.SD and _is_early(verdict, answers, criteria) else str(category)


def _is_early(verdict: Verdict, answers: _Answers, criteria: ResponseCriteria) -> bool:
    """Say whether stable disease was seen before it may count as a best response."""
    zero = answers.time_zero_on
    if criteria.stable is None or zero is None:
        return False
    return (verdict.visit.acquired_on - zero).days < criteria.stable.min_days


def _too_early(on: date, answers: _Answers, criteria: ResponseCriteria) -> str:
    assert criteria.stable is not None  # nothing is early without the rule
    assert answers.time_zero_on is not None
    days = wording.count((on - answers.time_zero_on).days, "day")
    return (
        f"stable on {on}, {days} after {_zero_name(answers)}; these criteria ask for "
        f"{wording.count(criteria.stable.min_days, 'day')}"
    )


def _rank(word: str) -> int:
    return ORDER.index(Category.SD if word == NEITHER else Category(word))


def _baseline_size(epoch: Epoch, criteria: ResponseCriteria) -> float | None:
    return None if epoch.baseline is None else epochs.value_of(epoch.baseline, criteria.metric)


def _is_unmeasurable(epoch: Epoch, criteria: ResponseCriteria) -> bool:
    size = _baseline_size(epoch, criteria)
    return bool(size) and not at_least(size or 0.0, criteria.measurable.min_value)


def _starts_clear(epoch: Epoch, criteria: ResponseCriteria) -> bool:
    return _baseline_size(epoch, criteria) == 0


def _lasting(response: CourseResponse, answers: _Answers, answered: Sequence[tuple[str, Verdict]]) -> CourseResponse:
    """Add how long the response lasted, and the sentence."""
    if response.best == Category.PD:
        waits = "" if answers.progressed_on is not None else ", which awaits confirmation"
        return replace(response, reason=f"Progression at best, on {response.best_on}{waits}.")
    responses = (*RESPONSES, Category.MR) if response.best == Category.MR else RESPONSES
    first = next((v.visit.acquired_on for word, v in answered if word in responses), None)
    lasts_from = first if response.best in responses else response.time_zero_on
    assert lasts_from is not None  # a course with a scan that tells has a time zero
    ended_on, is_event, ending = _ending(answers)
    response = replace(response, lasts_from_on=lasts_from, ended_on=max(ended_on, lasts_from), is_event=is_event)
    return replace(response, reason=_sentence(response, ending, answers))


def _sentence(response: CourseResponse, ending: str, answers: _Answers) -> str:
    assert response.ended_on is not None
    assert response.lasts_from_on is not None
    assert response.best_on is not None
    lasted = wording.count((response.ended_on - response.lasts_from_on).days, "day")
    words = _capital(WORDS[response.best])
    if response.best in (*RESPONSES, Category.MR):
        zero = response.time_zero_on or response.best_on
        after = wording.count((response.best_on - zero).days, "day")
        first = response.lasts_from_on
        counted = "" if first == response.best_on else f" from the first response on {first}"
        return (
            f"{words} from {response.best_on}, {after} after {_zero_name(answers)}; lasted {lasted}{counted} {ending}."
        )
    return f"{words} at best, for {lasted} from {_zero_name(answers)} {ending}{_open_words(response, answers)}."


def _open_words(response: CourseResponse, answers: _Answers) -> str:
    """Name a response that nothing confirmed, where the confirmed look does not count it."""
    if response.look == ResponseLook.UNCONFIRMED:
        return ""
    open_ones = [v for v in answers.verdicts if v.category in RESPONSES and not v.confirmed]
    return "".join(f"; {WORDS[v.category]} of {v.visit.acquired_on} not confirmed" for v in open_ones[:1])


def _zero_name(answers: _Answers) -> str:
    epoch, on = answers.epoch, answers.time_zero_on
    if epoch.opened_by is None:
        return f"the baseline of {on}" if epoch.baseline is not None else f"the first scan, {on}"
    name = epoch.opened_by.agent or str(epoch.opened_by.kind)
    return f"the {name} of {on}" if epoch.opened_by.kind == TreatmentKind.SURGERY else f"{name} began on {on}"


def _ending(answers: _Answers) -> tuple[date, bool, str]:
    """Return the day on which a response ended or was last seen to last, whether it ended, and the words for it."""
    last = answers.verdicts[-1]
    progressed_on = answers.progressed_on
    if progressed_on is not None:
        return progressed_on, True, f"to progression on {progressed_on}"
    opened = answers.following.opened_by if answers.following is not None else None
    grew = last.category == Category.PD or last.display in (DisplayState.GROWTH, DisplayState.POSSIBLE_GROWTH)
    if opened is not None and opened.kind == TreatmentKind.SURGERY and opened.extent != "biopsy" and grew:
        return opened.started_on, True, f"to another surgery for growth on {opened.started_on}"
    seen_on = last.visit.acquired_on
    died_on = answers.history.died_on if answers.following is None else None
    if died_on is not None and died_on >= seen_on and (died_on - seen_on).days <= TWO_MISSED_VISITS_DAYS:
        return died_on, True, f"to death on {died_on}"
    words = f"without progression up to {seen_on}, the last scan that tells"
    if last.category == Category.PD:
        words = f"up to {seen_on}, where progression awaits confirmation"
    return seen_on, False, f"{words}{_why_censored(answers, died_on)}"


def _why_censored(answers: _Answers, died_on: date | None) -> str:
    if died_on is not None:
        return f" (death on {died_on} came after two missed visits or more)"
    return f" (before {answers.following.cause})" if answers.following is not None else ""


def _clear_words(answers: _Answers) -> str:
    baseline = answers.epoch.baseline
    assert baseline is not None  # a course that starts clear has one
    words = f"Not evaluable: no tumour was seen at the baseline of {baseline.acquired_on}, so there is none to respond"
    if not answers.verdicts:
        return f"{words}."
    last = answers.verdicts[-1]
    shown = "none seen" if last.state == State.NO_EVIDENCE else "progression"
    if last.is_seen_where_none_was:
        shown = circumstances.seen_where_none_was(last)
    return f"{words}; {shown} on {last.visit.acquired_on}."


def _why_none(answers: _Answers, criteria: ResponseCriteria) -> str:
    """Say why a course has no best response."""
    epoch, pending = answers.epoch, answers.verdicts
    if pending:
        return f"progression on {pending[0].visit.acquired_on} awaits confirmation and nothing else was seen"
    if epoch.baseline is None:
        if not epoch.visits:
            return "no scan was made in this course"
        reasons = [why for visit in epoch.visits if (why := epochs.why_no_reference(visit, criteria))]
        early = f"none was made from {epoch.eligible_on} on, the first day for one"
        return f"no scan of this course could be its baseline ({reasons[0] if reasons else early})"
    later = [visit for visit in epoch.visits if visit is not epoch.baseline]
    later = [visit for visit in later if visit.acquired_on > epoch.baseline.acquired_on]
    if not later:
        return f"no scan was made after the baseline of {epoch.baseline.acquired_on}"
    why = epochs.why_not_judged(later[0], criteria) or epochs.lower_bound(later[0])
    reason = f" ({why})" if why else ""
    return f"no scan after the baseline of {epoch.baseline.acquired_on} could be judged{reason}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
