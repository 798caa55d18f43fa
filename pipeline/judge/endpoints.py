"""Time-to-event outcomes of one patient: when the clock starts, what ends it and when it is only stopped.

The rules are the table in ``endpoint_rules``; this module only carries them out. What holds for all of them: a
progression (by size, new lesion or function) counts at the scan where it was first seen, unless it still awaits
confirmation, or is growth that a published rule calls and the error of all scans may explain: that is shown as
possible, and the first scan beyond the error counts. Another surgery counts when an assessment already showed growth;
without an event the time is censored at the last adequate assessment, never at the last contact. A verdict that rests
on an automatic mask nobody signed is no adequate assessment: it neither ends nor prolongs an observation. A study
without dates of death has no deaths to count, and then its progression-free survival is its time to progression: each
reason says what was known. Overall survival alone is ended by death only, and else censored on the last day on which
the patient is known to have been alive: by a contact, a scan or a treatment.

References
----------
FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics (2018), appendices 2 and 3 (table A).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    DisplayState,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
)
from pipeline.judge.endpoint_rules import (
    FIRST_TREATMENT_DAYS,
    NEW_THERAPY,
    RULES,
    TWO_MISSED_VISITS_DAYS,
    EndpointRule,
    Role,
    TimeZero,
)


@dataclass(frozen=True)
class TimeToEvent:
    """One time-to-event outcome of one patient.

    Attributes
    ----------
    endpoint_id
        That of its rule.
    time_zero_on, ended_on
        Start of the clock and the day it stopped.
    is_event
        Stopped by an event; False when censored or when something else came first.
    reason
        What started and stopped it, in one sentence.
    is_competing
        Stopped by what makes the event impossible to see: not censored, and not an event.
    shortest_days, longest_days
        Between which the time lies where days are not known; None where all are.
    """

    endpoint_id: str
    time_zero_on: date
    ended_on: date
    is_event: bool
    reason: str
    is_competing: bool = False
    shortest_days: int | None = None
    longest_days: int | None = None

    @property
    def duration_days(self) -> int:
        """Days from time zero to the end."""
        return (self.ended_on - self.time_zero_on).days


@dataclass(frozen=True, order=True)
class _Ending:
    """Something that stops the clock; of two on one day the one listed first in ``_endings`` counts."""

    on: date
    rank: int
    role: Role
    words: str


def of_course(
    course: PatientCourse,
    assessments: Sequence[VisitJudgement],
    rules: Sequence[EndpointRule] = RULES,
    losses: Sequence[tuple[date, str]] = (),
) -> tuple[TimeToEvent, ...]:
    """Return every endpoint that one patient's course has.

    Parameters
    ----------
    course
        The course that was judged.
    assessments
        What ``response.judge`` made of it.
    rules
        The outcomes asked for.
    losses
        Days on which a loss of function was proven, with the loss in words (``decline.proven``); each is progression
        on that day, after the last scan too.

    Returns
    -------
    tuple of Endpoint
        In the order of the rules; those that do not apply to the patient are absent.
    """
    endpoints = (endpoint_of(rule, course, assessments, losses) for rule in rules)
    return tuple(endpoint for endpoint in endpoints if endpoint is not None)


def endpoint_of(
    rule: EndpointRule,
    course: PatientCourse,
    assessments: Sequence[VisitJudgement],
    losses: Sequence[tuple[date, str]] = (),
) -> TimeToEvent | None:
    """Return one outcome of one patient.

    Returns
    -------
    Endpoint or None
        None without the rule's time zero, when nothing is known from it on, and for those with residual tumour
        where the rule is for those without.
    """
    start = _time_zero(rule.time_zero, course, assessments)
    if start is None or (rule.only_without_tumour and not _was_clear(course, assessments)):
        return None
    zero_on, name = start
    if rule.progression == Role.NOTHING:
        return _survival(rule, course, start)
    since = [a for a in assessments if a.acquired_on >= zero_on and not _is_before_surgery(a, course, zero_on)]
    dies = rule.death != Role.CENSORS and course.died_on is not None and course.died_on >= zero_on
    if not since and not dies:
        return None
    clinical = (
        _Ending(on, 0, Role.EVENT, f"clinical progression on {on} ({words})") for on, words in losses if on > zero_on
    )
    ending = min((*_endings(rule, course, since, zero_on), *clinical), default=None)
    ended_on, role, words = _stopped(ending, since, zero_on)
    return TimeToEvent(
        endpoint_id=rule.endpoint_id,
        time_zero_on=zero_on,
        ended_on=ended_on,
        is_event=role == Role.EVENT,
        reason=f"From the {name} on {zero_on}{words}{_vital(rule, course)}{_left_out(since)}.",
        is_competing=role == Role.COMPETING,
    )


def _survival(rule: EndpointRule, course: PatientCourse, start: tuple[date, str]) -> TimeToEvent | None:
    """Return the time to death from any cause; None where it came before time zero, and so is impossible."""
    zero_on, name = start
    died_on = course.died_on
    if died_on is not None and died_on < zero_on:
        return None
    alive_on, seen = _last_alive(course, zero_on)
    if died_on is None and course.last_contact_on is None:
        seen += "; vital status is not known since: neither a date of death nor a last contact is known"
    words = f" to death on {died_on}" if died_on is not None else f", alive on {alive_on} ({seen})"
    ended_on = died_on if died_on is not None else alive_on
    return TimeToEvent(
        rule.endpoint_id, zero_on, ended_on, died_on is not None, f"From the {name} on {zero_on}{words}."
    )


def _last_alive(course: PatientCourse, zero_on: date) -> tuple[date, str]:
    """Return the last day on which the patient is known to have been alive, from time zero on, and by what."""
    days = [(visit.acquired_on, "a scan") for visit in course.visits]
    days += [(treatment.started_on, "a treatment") for treatment in course.treatments]
    days += [(treatment.ended_on, "a treatment") for treatment in course.treatments if treatment.ended_on is not None]
    days += [(score.assessed_on, "an examination") for score in course.function_scores]
    days += [(course.last_contact_on, "the last contact")] if course.last_contact_on is not None else []
    return max((day for day in days if day[0] >= zero_on), default=(zero_on, "the start of the clock"))


def _is_before_surgery(judgement: VisitJudgement, course: PatientCourse, zero_on: date) -> bool:
    """Say whether a scan of the day of an operation shows the tumour before it, and so is not after time zero."""
    operated = any(t.kind == TreatmentKind.SURGERY and t.started_on == zero_on for t in course.treatments)
    return operated and judgement.acquired_on == zero_on


def interval_days(endpoint: TimeToEvent, assessments: Sequence[VisitJudgement]) -> tuple[float, float]:
    """Return the two days that the true time lies between, days from time zero.

    Parameters
    ----------
    endpoint
        An outcome that is found on scans, such as time to progression.
    assessments
        The same as it was made from.

    Returns
    -------
    tuple of float
        After the first and up to the second: last assessment without progression and day of the event; infinite
        when there was none.
    """
    if not endpoint.is_event:
        return float(endpoint.duration_days), float("inf")
    before = [a for a in _judged(assessments) if endpoint.time_zero_on <= a.acquired_on < endpoint.ended_on]
    free = [a.acquired_on for a in before if a.category != Category.PD]
    last_free_on = max(free, default=endpoint.time_zero_on)
    return float((last_free_on - endpoint.time_zero_on).days), float(endpoint.duration_days)


def _time_zero(
    landmark: TimeZero, course: PatientCourse, assessments: Sequence[VisitJudgement]
) -> tuple[date, str] | None:
    """Return the start of the clock with its name; None where the treatment that starts it may have been on any day."""
    surgeries = [t for t in course.treatments if t.kind == TreatmentKind.SURGERY]
    if surgeries:
        first_surgery = min(surgeries, key=lambda t: t.started_on)
        return None if _is_of_any_day(first_surgery) else (first_surgery.started_on, "first surgery")
    if landmark == TimeZero.SURGERY_OR_SCAN:
        return (assessments[0].acquired_on, "first scan") if assessments else None
    irradiated = [t for t in course.treatments if t.kind in (TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY)]
    first = min(irradiated, key=lambda t: t.started_on, default=None)
    if first is None or _is_of_any_day(first):
        return None
    if first.kind == TreatmentKind.RADIOSURGERY:
        return first.ended_on or first.started_on, "radiosurgery"
    return (first.ended_on, "end of radiotherapy") if first.ended_on else (first.started_on, "start of radiotherapy")


def _is_of_any_day(treatment: TreatmentEvent) -> bool:
    """Say whether nothing is known of when it began, and no day was tried in its place."""
    return (treatment.started_on, treatment.started_by) == ANY_DAY


def _was_clear(course: PatientCourse, assessments: Sequence[VisitJudgement]) -> bool:
    """Say whether the baseline of the first course after surgery showed no tumour."""
    operated_on = min((t.started_on for t in course.treatments if t.kind == TreatmentKind.SURGERY), default=None)
    if operated_on is None:
        return False
    baselines = [a for a in assessments if a.state == State.BASELINE and a.acquired_on > operated_on]
    first_course = [a for a in baselines if a.epoch == baselines[0].epoch]
    return bool(first_course) and first_course[-1].display_state == DisplayState.NONE_SEEN


def _endings(
    rule: EndpointRule, course: PatientCourse, assessments: Sequence[VisitJudgement], zero_on: date
) -> Iterator[_Ending]:
    """Yield everything that would stop the clock; the earliest one does."""
    for judgement in assessments:
        if judgement.is_proven_progression:
            distant = judgement.state == State.DISTANT
            words = f"progression on {judgement.acquired_on} ({judgement.session_id})"
            if judgement.display_state == DisplayState.POSSIBLE_GROWTH:
                words += ", its measurement error not known"
            if distant and rule.distant != Role.EVENT:
                words = f"a new lesion elsewhere on {judgement.acquired_on} ({judgement.session_id})"
            yield _Ending(judgement.acquired_on, 0, rule.distant if distant else Role.EVENT, words)
    for surgery in course.treatments:
        if surgery.kind == TreatmentKind.SURGERY and surgery.started_on > zero_on:
            before = [a for a in assessments if a.acquired_on <= surgery.started_on]
            if _was_for_growth(surgery, before):
                words = f"another surgery for growth on {surgery.started_on}"
                yield _Ending(surgery.started_on, 1, Role.EVENT, words)
    therapy = _new_therapy(course, zero_on)
    if therapy is not None:
        words = f"{therapy.kind} began on {therapy.started_on} without progression"
        yield _Ending(therapy.started_on, 2, rule.new_therapy, words)
    if course.died_on is not None and course.died_on >= zero_on:
        yield _death(rule, course.died_on, assessments, zero_on)


def _vital(rule: EndpointRule, course: PatientCourse) -> str:
    """Say what is known of a patient without a date of death, where death would count."""
    if rule.death != Role.EVENT or course.died_on is not None:
        return ""
    if course.last_contact_on is not None:
        return f"; alive at the last contact on {course.last_contact_on}"
    return "; no date of death is known"


def _left_out(assessments: Sequence[VisitJudgement]) -> str:
    """Say how many provisional verdicts were left out, and whether one of them is progression."""
    unsigned = [a for a in assessments if a.provisional]
    if not unsigned:
        return ""
    grown = next((a for a in unsigned if a.category == Category.PD), None)
    first = f", the first of progression on {grown.acquired_on}" if grown else ""
    return f"; not counted until signed: {len(unsigned)} provisional{first}"


def _death(rule: EndpointRule, died_on: date, assessments: Sequence[VisitJudgement], zero_on: date) -> _Ending:
    seen_on = max((a.acquired_on for a in _judged(assessments) if a.acquired_on <= died_on), default=zero_on)
    if rule.death != Role.CENSORS and (died_on - seen_on).days > TWO_MISSED_VISITS_DAYS:
        words = f"death on {died_on} without progression, after two missed visits or more"
        return _Ending(died_on, 3, Role.CENSORS, words)
    unseen = "" if rule.death == Role.EVENT else " without progression"
    return _Ending(died_on, 3, rule.death, f"death on {died_on}{unseen}")


def _stopped(ending: _Ending | None, assessments: Sequence[VisitJudgement], zero_on: date) -> tuple[date, Role, str]:
    """Return the day the clock stops, what that was, and the words for it."""
    if ending is None:
        ended_on, words = _last_adequate(assessments, zero_on)
        return ended_on, Role.CENSORS, f", {words}"
    if ending.role != Role.CENSORS:
        return ending.on, ending.role, f" to {ending.words}"
    ended_on, words = _last_adequate([a for a in assessments if a.acquired_on <= ending.on], zero_on)
    return ended_on, Role.CENSORS, f", {words}, before {ending.words}"


def _new_therapy(course: PatientCourse, zero_on: date) -> TreatmentEvent | None:
    """Return the first therapy that cannot belong to the first treatment; None when there was none."""
    begun = (
        treatment
        for treatment in course.treatments
        if treatment.kind in NEW_THERAPY and (treatment.started_on - zero_on).days > FIRST_TREATMENT_DAYS
    )
    return min(begun, key=lambda treatment: treatment.started_on, default=None)


def _was_for_growth(surgery: TreatmentEvent, before: Sequence[VisitJudgement]) -> bool:
    """Say whether the last judged scan before a surgery already showed growth: sure, possible, preliminary, unsigned.

    Whoever operated has looked.
    """
    judged = [a for a in before if a.state not in (State.CONTEXT, State.NOT_EVALUABLE)]
    if surgery.extent == "biopsy" or not judged:
        return False
    last = judged[-1]
    return last.category == Category.PD or last.display_state in (
        DisplayState.GROWTH,
        DisplayState.POSSIBLE_GROWTH,
    )


def _judged(assessments: Sequence[VisitJudgement]) -> list[VisitJudgement]:
    """Return the adequate assessments."""
    unjudged = (State.CONTEXT, State.NOT_EVALUABLE)
    return [a for a in assessments if a.state not in unjudged and not a.provisional]


def _last_adequate(assessments: Sequence[VisitJudgement], zero_on: date) -> tuple[date, str]:
    judged = _judged(assessments)
    if not judged:
        return zero_on, "censored at once: no scan since could be judged"
    last = judged[-1]
    words = f"no progression up to the last adequate assessment on {last.acquired_on} ({last.session_id})"
    if last.category == Category.PD and last.confirmed:
        words = f"possible progression on {last.acquired_on} is less than its series can call a change; censored there"
    elif last.category == Category.PD:
        words = f"progression on {last.acquired_on} awaits confirmation; censored there"
    return last.acquired_on, words
