"""Each lesion as a course of its own, judged by the very rules that judge the patient's total.

In VHL, NF2 and every multifocal patient a total hides what one lesion does. A lesion's baseline is its first usable
sighting in a course, its nadir the smallest since. Treatments are those of the patient, for no table says which lesion
one was meant for; function belongs to the patient and decides no lesion. What this module refuses: a second rulebook,
and a category of the total that says anything but what its criteria define; lesions lead the state, never the category.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core.syndromes import Syndrome, syndromes_in
from pipeline.core.vocabulary import Category, DisplayState, PatientCourse, State, VisitJudgement, VisitMeasure
from pipeline.judge import lesion_exchange
from pipeline.judge.clauses import Clause, ClauseKind, beside, from_json, sentence, small, to_json
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.epochs import in_order
from pipeline.judge.response import judge

MANY_BY_NATURE = frozenset({Syndrome.VHL, Syndrome.NF2})
"""Syndromes in which each lesion is judged by itself, be there only one so far."""

PROGRESSED = (State.PROGRESSION, State.RECURRENCE, State.DISTANT)
WORST_STATE, WORST_GROWTH, WORST_POSSIBLE = 3, 2, 1
"""How bad a verdict is: progression, growth beyond error, possible growth or tumour seen again; below is no worse."""


@dataclass(frozen=True)
class LesionVerdict:
    """The verdict on one lesion at one visit.

    Attributes
    ----------
    lesion_id
        Its name; the first of those that have grown together.
    measure
        What was judged.
    with_lesions
        Names of lesions that have grown together with it, earlier sizes of both added up.
    counted_then
        On the day of the scan it was known to be one of several, or of a syndrome's, and no speck.
    """

    lesion_id: str
    judgement: VisitJudgement
    measure: VisitMeasure
    with_lesions: tuple[str, ...] = ()
    counted_then: bool = True

    @property
    def name(self) -> str:
        """The lesion as it is spoken of."""
        joined = " and ".join(self.with_lesions)
        return f"{self.lesion_id} (grown together with {joined})" if joined else self.lesion_id


def are_judged_apart(syndrome: str | None, lesion_ids: Iterable[str]) -> bool:
    """Say whether lesions get verdicts of their own: more than one, or a syndrome that makes many.

    Examples
    --------
    >>> are_judged_apart(None, ["L1"]), are_judged_apart("NF2", ["L1"]), are_judged_apart(None, ["L1", "L2"])
    (False, True, True)
    """
    count = len(set(lesion_ids))
    return count > 1 or (count == 1 and bool(syndromes_in(syndrome) & MANY_BY_NATURE))


def counted_then(course: PatientCourse, seen_at: Mapping[str, Container[str]]) -> dict[str, frozenset[str]]:
    """Return for each visit the lesions that were judged apart by what was known on the day.

    Parameters
    ----------
    course
        Of the patient.
    seen_at
        Sessions at which each lesion is one, by name.
    """
    so_far: frozenset[str] = frozenset()
    counted: dict[str, frozenset[str]] = {}
    for visit in in_order(course.visits):
        so_far |= {name for name, sessions in seen_at.items() if visit.session_id in sessions}
        counted[visit.session_id] = so_far if are_judged_apart(course.syndrome, so_far) else frozenset()
    return counted


def judge_lesion(
    course: PatientCourse,
    visits: Sequence[VisitMeasure],
    criteria: ResponseCriteria,
    undated: Sequence[VisitMeasure] = (),
) -> tuple[VisitJudgement, ...]:
    """Judge one lesion from its first sighting on.

    Parameters
    ----------
    course
        Of the patient.
    visits
        The lesion's own sizes, from its first sighting on.
    undated
        Its sizes on scans whose day nobody can tell: each may lie before any other.
    """
    names = {visit.session_id for visit in visits}
    lesion_course = replace(
        course,
        undated=tuple(undated),
        visits=tuple(visits),
        function_scores=(),
        pinned_baselines=tuple(name for name in course.pinned_baselines if name in names),
    )
    return judge(lesion_course, criteria)


def severity(state: State, display: DisplayState = DisplayState.NOT_EVALUABLE) -> int:
    """Return how bad a verdict is; 0 for whatever does not lead a patient's state.

    Examples
    --------
    >>> severity(State.STABLE, DisplayState.POSSIBLE_GROWTH) < severity(State.PROGRESSION)
    True
    """
    if state in PROGRESSED:
        return WORST_STATE
    if display == DisplayState.GROWTH:
        return WORST_GROWTH
    return WORST_POSSIBLE if display == DisplayState.POSSIBLE_GROWTH or state == State.SEEN_AGAIN else 0


def worst(verdicts: Sequence[LesionVerdict]) -> LesionVerdict | None:
    """Return the lesion that stands worst at a visit, the one with the larger change among equals; None where none is.

    Parameters
    ----------
    verdicts
        Of one visit under one set of criteria.
    """
    leading = [one for one in verdicts if severity(one.judgement.state, one.judgement.display_state)]
    return max(leading, key=_badness, default=None)


def _badness(verdict: LesionVerdict) -> tuple[int, bool, float]:
    judgement = verdict.judgement
    is_sure = judgement.confirmed
    return severity(judgement.state, judgement.display_state), is_sure, judgement.change_ratio or 0.0


def set_in_words(verdicts: Sequence[LesionVerdict], left_out: Container[str]) -> str:
    """Say which lesions a total adds up, and which it leaves out or cannot have; empty where there is only one.

    Parameters
    ----------
    verdicts
        On all lesions of one visit.
    left_out
        Names of new tumours that are no part of the total, in syndromes that make them.
    """
    if len(verdicts) < 2:
        return ""
    apart = [one.lesion_id for one in verdicts if one.lesion_id in left_out]
    held_by = {name: one for one in verdicts for name in one.with_lesions}
    measures = {one.lesion_id: held_by.get(one.lesion_id, one).measure for one in verdicts}
    unseen = [name for name, measure in measures.items() if measure.volume_mm3 is None and name not in apart]
    inside = [one.lesion_id for one in verdicts if one.lesion_id not in (*apart, *unseen)]
    if not inside and not apart:
        return f"{_listed(unseen)} not assessable by themselves"
    words = f"by total of {_listed(inside)}" if inside else "by total of no lesion"
    words += f", without {_listed(apart)}" if apart else ""
    return words + (f", {_listed(unseen)} not assessable" if unseen else "")


def _listed(names: Sequence[str]) -> str:
    """Write names as a person says them.

    >>> _listed(["L1", "L2", "L3"])
    'L1, L2 and L3'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def led_by_lesions(total: VisitJudgement, verdicts: Sequence[LesionVerdict], total_of: str = "") -> VisitJudgement:
    """Let the worst lesion lead the state of a patient; the category stays that of the total.

    Parameters
    ----------
    total
        The verdict on the patient's total at a visit.
    verdicts
        On the lesions of this visit under the same criteria.
    total_of
        Which lesions the total adds up, in words.

    Returns
    -------
    VisitJudgement
        With the worst lesion named in the sentence, and its state where that is worse than the total's.
    """
    led = _led_then(total, verdicts)
    chosen = worst(verdicts)
    parts = from_json(total.clauses)
    exchange = lesion_exchange.in_words([one.measure for one in verdicts], [one.lesion_id for one in verdicts])
    of_total = (*parts[:1], *beside(ClauseKind.LESION_SET, total_of), *beside(ClauseKind.EXCHANGE, exchange))
    if chosen is None:
        return _saying(led, (*of_total, *parts[1:])) if total_of else led
    judgement = chosen.judgement
    if severity(judgement.state, judgement.display_state) <= severity(total.state, total.display_state):
        if len(verdicts) == 1:  # the total says the same
            return led
        return _saying(led, (*of_total, _named(chosen), *_error_of(chosen), *parts[1:]))
    led = replace(led, state=judgement.state, display_state=judgement.display_state)
    first = _named(chosen)
    first = replace(first, words=f"{first.words[:1].upper()}{first.words[1:]}")
    return _saying(led, (first, *_error_of(chosen), *of_total, *parts[1:]))  # what leads is said first


def proven_by_lesion(total: VisitJudgement, verdicts: Sequence[LesionVerdict]) -> tuple[VisitJudgement, str | None]:
    """Return the verdict on a visit where any lesion's proven progression counts, with the lesion that made it so.

    Parameters
    ----------
    total
        The verdict on the patient's total.
    verdicts
        On the lesions of this visit under the same criteria.
    """
    proven = [one for one in verdicts if one.judgement.is_proven_progression]
    if total.is_proven_progression or not proven:
        return total, None
    chosen = max(proven, key=_badness)
    judgement = chosen.judgement
    led = replace(
        total,
        category=judgement.category,
        state=judgement.state,
        display_state=judgement.display_state,
        detection_limit_ratio=judgement.detection_limit_ratio,
        confirmed=True,
        provisional=False,
    )
    return led, chosen.name


def _saying(judgement: VisitJudgement, clauses: Sequence[Clause]) -> VisitJudgement:
    return replace(judgement, reason=sentence(clauses), clauses=to_json(clauses))


def _named(verdict: LesionVerdict) -> Clause:
    """Return what is said of one lesion within the sentence on the patient."""
    parts = from_json(verdict.judgement.clauses)
    main = parts[0] if parts else Clause(ClauseKind.LESION, verdict.judgement.reason)
    words = f"lesion {verdict.name} by itself: {small(main.words)}"
    return replace(main, kind=ClauseKind.LESION, words=words, lesion=verdict.lesion_id)


def _error_of(verdict: LesionVerdict) -> tuple[Clause, ...]:
    """Return what is said of a lesion's assumed error within the sentence on the patient."""
    assumed = (part for part in from_json(verdict.judgement.clauses) if part.kind == ClauseKind.ERROR)
    return tuple(
        replace(one, words=one.words.replace("error", f"error of {verdict.lesion_id}", 1), lesion=verdict.lesion_id)
        for one in assumed
    )


def _led_then(total: VisitJudgement, verdicts: Sequence[LesionVerdict]) -> VisitJudgement:
    """Do the same for what was judged on the day, where a lesion had progressed and the total had not."""
    if total.state_then in PROGRESSED:
        return total
    progressed = [one for one in verdicts if one.counted_then and one.judgement.state_then in PROGRESSED]
    if not progressed:
        return total
    chosen = max(progressed, key=lambda one: (one.judgement.confirmed_then, one.judgement.change_ratio or 0.0))
    reason_then = f"{total.reason_then} Lesion {chosen.name} by itself: {small(chosen.judgement.reason_then)}"
    return replace(total, state_then=chosen.judgement.state_then, reason_then=reason_then)


def withdrawn(judgement: VisitJudgement, words: str) -> VisitJudgement:
    """Return the verdict on a lesion that a person called no tumour: nothing as known now; as judged then it stands."""
    return replace(
        judgement,
        category=Category.NE,
        state=State.NOT_EVALUABLE,
        display_state=DisplayState.NOT_EVALUABLE,
        confirmed=True,
        change_ratio=None,
        detection_limit_ratio=None,
        probability=None,
        reason=f"{words[:1].upper()}{words[1:]}.",
        clauses=to_json((Clause(ClauseKind.REMARK, words),)),
    )


def summed(parts: Mapping[str, VisitMeasure | None]) -> VisitMeasure | None:
    """Return lesions that have grown together as one: sizes added up; None where none of them was seen by then.

    Parameters
    ----------
    parts
        Of one visit, by name; None before a lesion was first seen, and for one that is measured with another.
    """
    there = [one for one in parts.values() if one is not None]
    if not there:
        return None
    missing = next((one for one in there if one.volume_mm3 is None), None)
    if missing is not None:
        return missing
    total_mm3 = sum(one.volume_mm3 or 0.0 for one in there)
    spread_mm3 = sum(((one.volume_cv or 0.0) * (one.volume_mm3 or 0.0)) ** 2 for one in there) ** 0.5
    return replace(
        there[0],
        volume_mm3=total_mm3,
        volume_cv=spread_mm3 / total_mm3 if total_mm3 and spread_mm3 else None,
        product_mm2=_added(one.product_mm2 for one in there),
        longest_mm=_added(one.longest_mm for one in there),
        slices_spanned=max((one.slices_spanned or 0 for one in there), default=0) or None,
        bound_reason=next((one.bound_reason for one in there if one.bound_reason), None),
    )


def _added(sizes: Iterable[float | None]) -> float | None:
    given = list(sizes)
    known_sizes = [size for size in given if size is not None]
    return sum(known_sizes) if given and len(known_sizes) == len(given) else None
