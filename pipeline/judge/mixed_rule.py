"""What enhancing and T2 tumour amount to together: the rule of RANO 2.0 for mixed tumours.

Both parts are judged at every scan, then combined: progression of either is progression; a partial or minor response
beside stable disease is that response; a part that is gone takes the category of the other. A part that was never there
adds nothing. What this module refuses: an answer where one part cannot be judged and the other has not progressed.

References
----------
RANO 2.0: Wen 2023, J Clin Oncol 41:5187, 10.1200/JCO.23.01059, mixed tumours; read second-hand. Partial beside minor
response is not in its list; the better of the two is this project's proposal, as with stable disease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pipeline.core.vocabulary import Category, DisplayState, State, VisitJudgement
from pipeline.judge.clauses import Clause, ClauseKind, from_json, sentence, to_json
from pipeline.judge.criteria import ResponseCriteria

NAMES = ("enhancing tumour", "T2 tumour")
UNPLACED = (State.CONTEXT, State.BASELINE, State.NOT_EVALUABLE)
LOUDEST = (
    DisplayState.GROWTH,
    DisplayState.POSSIBLE_GROWTH,
    DisplayState.SHRINKAGE,
    DisplayState.POSSIBLE_SHRINKAGE,
    DisplayState.NO_CHANGE,
    DisplayState.NONE_SEEN,
    DisplayState.NOT_EVALUABLE,
)
"""What is shown of two parts of which none decides."""


class MixedRule(StrEnum):
    """Which part of the rule gave the category; the values are the words for it."""

    PROGRESSION = "progression of either part is progression"
    MISSING = "one part cannot be judged"
    BASELINE = "both parts are compared with this scan"
    NEVER_THERE = "a part that was never there adds nothing"
    BOTH_GONE = "complete response needs both parts gone"
    ONE_GONE = "a part that is gone takes the category of the other"
    ONE_GONE_PARTIAL = "one part gone and the other no larger is a partial response in these criteria"
    RESPONSE = "a response of one part counts where the other is stable or better"
    STABLE = "neither part has changed by the rule"


@dataclass(frozen=True)
class PartCall:
    """One part's verdict as it stood on one day."""

    category: Category
    state: State
    confirmed: bool

    @property
    def is_absent(self) -> bool:
        """Whether the part was not there at the baseline and is not here."""
        return self.category == Category.SD and self.state == State.NO_EVIDENCE

    @property
    def settled(self) -> Category:
        """The category if what awaits a second scan did not count."""
        is_open = not self.confirmed and self.category != Category.NE
        return Category.SD if is_open else self.category


def category_of(enhancing: PartCall, t2: PartCall, beside_stable: Category = Category.SD) -> tuple[Category, MixedRule]:
    """Return the category of a mixed tumour and the part of the rule that gave it.

    Parameters
    ----------
    beside_stable
        What a complete response of one part is beside stable disease of the other: as the criteria say.

    Examples
    --------
    >>> def part(category): return PartCall(category, State.STABLE, confirmed=True)
    >>> [str(category_of(part(one), part(other))[0]) for one, other in (
    ...     (Category.PR, Category.PD), (Category.PR, Category.SD), (Category.CR, Category.SD))]
    ['PD', 'PR', 'SD']
    """
    pair = (enhancing, t2)
    if Category.PD in (enhancing.category, t2.category):
        return Category.PD, MixedRule.PROGRESSION
    if enhancing.state == t2.state == State.BASELINE:
        return Category.SD, MixedRule.BASELINE
    if any(one.state in UNPLACED for one in pair):
        return Category.NE, MixedRule.MISSING
    there = [one for one in pair if not one.is_absent]
    if len(there) < len(pair):
        return (there[0].category if there else Category.SD), MixedRule.NEVER_THERE
    return _of_categories(enhancing.category, t2.category, beside_stable)


def _of_categories(one: Category, other: Category, beside_stable: Category) -> tuple[Category, MixedRule]:
    """Combine two categories of parts that are both there and both judged, none of them progression."""
    if one == other == Category.CR:
        return Category.CR, MixedRule.BOTH_GONE
    if Category.CR in (one, other):
        left = other if one == Category.CR else one
        if beside_stable == Category.PR and left in (Category.SD, Category.MR):
            return Category.PR, MixedRule.ONE_GONE_PARTIAL
        return left, MixedRule.ONE_GONE
    for response in (Category.PR, Category.MR):
        if response in (one, other):
            return response, MixedRule.RESPONSE
    return Category.SD, MixedRule.STABLE


def combined(enhancing: VisitJudgement, t2: VisitJudgement, criteria: ResponseCriteria) -> VisitJudgement:
    """Return what two parts amount to at one visit, as known now and as judged then.

    Parameters
    ----------
    enhancing, t2
        The verdicts on the parts at the visit; that on T2 tumour holds the patient's new lesions and function too.
    criteria
        With a mixed rule.

    Returns
    -------
    VisitJudgement
        Without sizes: they are those of the parts.
    """
    now = (_now(enhancing), _now(t2))
    then = (_then(enhancing), _then(t2))
    (category, rule), confirmed = _called(now, criteria)
    (category_then, rule_then), confirmed_then = _called(then, criteria)
    parts = (enhancing, t2)
    clauses = (_clause(parts, category, rule), *_missing(parts, category))
    is_same = now == then and (category, rule) == (category_then, rule_then)
    reason_then = sentence(clauses) if is_same else sentence((_bare_clause(then, rule_then),))
    baseline = t2.baseline_session_id if t2.baseline_session_id == enhancing.baseline_session_id else None
    return replace(
        t2,
        category=category,
        state=_state(now, category),
        display_state=_display(parts, category),
        confirmed=confirmed,
        provisional=any(one.provisional for one in parts),
        baseline_session_id=baseline,
        nadir_session_id=None,
        previous_session_id=None,
        change_ratio=None,
        detection_limit_ratio=None,
        probability=None,
        change_low_ratio=None,
        change_high_ratio=None,
        reason=sentence(clauses),
        clauses=to_json(clauses),
        series=None,
        next_nadir_session_id=None,
        progression_from_mm3=None,
        is_undecided=any(one.is_undecided for one in parts) and category == Category.NE,
        category_then=category_then,
        confirmed_then=confirmed_then,
        state_then=_state(then, category_then),
        reason_then=reason_then,
    )


def _now(judgement: VisitJudgement) -> PartCall:
    return PartCall(judgement.category, judgement.state, judgement.confirmed)


def _then(judgement: VisitJudgement) -> PartCall:
    return PartCall(judgement.category_then, judgement.state_then, judgement.confirmed_then)


def _called(pair: tuple[PartCall, PartCall], criteria: ResponseCriteria) -> tuple[tuple[Category, MixedRule], bool]:
    """Return the category with its rule, and whether it stands without what still awaits a second scan."""
    beside = criteria.mixed.complete_beside_stable if criteria.mixed is not None else Category.SD
    called = category_of(*pair, beside)
    enhancing, t2 = (replace(one, category=one.settled) for one in pair)
    return called, category_of(enhancing, t2, beside)[0] == called[0]


def _state(pair: tuple[PartCall, PartCall], category: Category) -> State:
    """Return where the disease stands; tumour of which one part is left was never gone."""
    enhancing, t2 = pair
    if category == Category.PD:
        if t2.category == Category.PD:
            return t2.state
        return enhancing.state if t2.state == State.NO_EVIDENCE else State.PROGRESSION
    if category == Category.NE:
        return State.CONTEXT if State.CONTEXT in (enhancing.state, t2.state) else State.NOT_EVALUABLE
    if category == Category.CR:
        return State.NO_EVIDENCE
    if category in (Category.PR, Category.MR):
        return State.RESPONSE
    quiet = [one.state for one in (t2, enhancing) if one.category == Category.SD]
    return next((state for state in quiet if state != State.NO_EVIDENCE), State.NO_EVIDENCE)


def _display(parts: Sequence[VisitJudgement], category: Category) -> DisplayState:
    if category == Category.NE:
        return DisplayState.NOT_EVALUABLE
    deciding = [one.display_state for one in parts if one.category == category] or [one.display_state for one in parts]
    return min(deciding, key=LOUDEST.index)


def _clause(parts: Sequence[VisitJudgement], category: Category, rule: MixedRule) -> Clause:
    part_words = [f"{name} {_part_words(one)}" for name, one in zip(NAMES, parts, strict=True)]
    words = f"{' and '.join(part_words)} are together {category}"
    if rule == MixedRule.BASELINE:
        words = f"Baseline of {' and '.join(NAMES)}"
    return Clause(ClauseKind.MIXED, f"{words[:1].upper()}{words[1:]}", _ruling(rule), on=parts[0].acquired_on)


def _part_words(judgement: VisitJudgement) -> str:
    """Say a part's category with the change that it rests on, in the digits of its own sentence."""
    if judgement.category == Category.NE:
        return "not evaluable"
    if judgement.state == State.BASELINE:
        return "at its baseline"
    main = next(iter(from_json(judgement.clauses)), None)
    since = f" ({main.change} since {main.reference_on})" if main and main.change and main.reference_on else ""
    return f"{judgement.category_shown}{since}"


def _bare_clause(pair: tuple[PartCall, PartCall], rule: MixedRule) -> Clause:
    """Say the same of another day, whose numbers stand in the sentences of the parts."""
    part_words = [f"{name} {_bare_words(one)}" for name, one in zip(NAMES, pair, strict=True)]
    words = " and ".join(part_words) if rule != MixedRule.BASELINE else f"Baseline of {' and '.join(NAMES)}"
    return Clause(ClauseKind.MIXED, f"{words[:1].upper()}{words[1:]}", _ruling(rule))


def _bare_words(one: PartCall) -> str:
    if one.category == Category.NE:
        return "not evaluable"
    if one.state == State.BASELINE:
        return "at its baseline"
    is_settled = one.confirmed or one.category == Category.SD
    return f"{one.category}{'' if is_settled else '?'}"


def _ruling(rule: MixedRule) -> str:
    return f"{rule} (RANO 2.0, mixed tumours, adapted)"


def _missing(parts: Sequence[VisitJudgement], category: Category) -> tuple[Clause, ...]:
    """Say why a part cannot be judged, also where the other decides alone."""
    clauses = []
    for name, one in zip(NAMES, parts, strict=True):
        main = next(iter(from_json(one.clauses)), None)
        if one.category == Category.NE and main is not None and main.ruling:
            clauses.append(Clause(ClauseKind.NOT_EVALUABLE, f"{name}: {main.ruling}"))
        elif one.state == State.BASELINE and category == Category.NE:
            clauses.append(Clause(ClauseKind.BASELINE, f"{name} has its first scan to compare with here"))
    return tuple(clauses)
