"""Second looks: which responses and preliminary progressions a later scan of the same epoch confirmed.

A confirmed progression stands at the scan where it was first seen; an unconfirmed response stays, marked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.core.vocabulary import Category, DisplayState
from pipeline.judge import comparison
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.verdict import Verdict

RESPONSE_RANK = {Category.CR: 2, Category.PR: 1}
"""Responses that need a second scan, the better one higher."""


def confirmed(verdicts: Sequence[Verdict], criteria: ResponseCriteria) -> tuple[Verdict, ...]:
    """Settle what needs a second scan, over the verdicts of one epoch in date order.

    A preliminary progression is confirmed by a comparable scan late enough that is progression too, refuted by one
    that is not or by any later one that shrank beyond error, and awaits confirmation while there is none. A response
    is confirmed by a second scan far enough from it, with no lesser scan in between. Either is confirmed too between
    two scans that confirm each other. A response that a later scan shows no more stays as it was read, and says so;
    so does a progression that the next scan shows no more, and that scan.
    """
    settled: list[Verdict] = []
    for index, verdict in enumerate(verdicts):
        if verdict.preliminary:
            settled.append(_settle_progression(verdict, verdicts[:index], verdicts[index + 1 :], criteria))
        elif verdict.category in RESPONSE_RANK:
            settled.append(_settle_response(verdict, verdicts[:index], verdicts[index + 1 :], criteria))
        else:
            settled.append(verdict)
    return _with_what_ended(settled, criteria)


def _with_what_ended(verdicts: Sequence[Verdict], criteria: ResponseCriteria) -> tuple[Verdict, ...]:
    """Join each progression read from a size to the next judged scan, where that is smaller and shows none."""
    ended = list(verdicts)
    judged = [index for index, verdict in enumerate(verdicts) if verdict.is_judged]
    for index, after in itertools.pairwise(judged):
        verdict, later = verdicts[index], verdicts[after]
        is_read = verdict.category == Category.PD and verdict.grown and verdict.evidence.new_lesion is None
        if is_read and _went_back(later, verdict, criteria):
            ended[index] = replace(verdict, ended_by=later.visit)
            ended[after] = replace(ended[after], ends=verdict.visit)
    return tuple(ended)


def _settle_progression(
    verdict: Verdict, earlier: Sequence[Verdict], later: Sequence[Verdict], criteria: ResponseCriteria
) -> Verdict:
    """Confirm, refute or leave open; a new lesion is confirmed by a second mark and refuted by no silence."""
    wait_days, lesion = verdict.wait_days, verdict.evidence.new_lesion
    doubted = replace(verdict, display=DisplayState.POSSIBLE_GROWTH, confirmed=False)
    if lesion is not None:
        marked = (
            v for v in later if v.visit.new_lesion and (v.visit.acquired_on - lesion.acquired_on).days >= wait_days
        )
        again = next(marked, None)
        return doubted if again is None else replace(verdict, settled_by=again.visit)
    first = verdict
    for other in reversed([v for v in earlier if v.is_judged]):
        if other.category != Category.PD:
            break
        if _days_apart(verdict, other) >= wait_days:
            return replace(verdict, settled_by=other.visit)
        first = other
    telling = (v for v in later if v.is_judged)
    second = next((v for v in telling if _days_apart(first, v) >= wait_days or _went_back(v, verdict, criteria)), None)
    if second is None:
        return doubted
    if second.category == Category.PD:
        return replace(verdict, display=DisplayState.GROWTH, settled_by=second.visit)
    return replace(doubted, confirmed=True, category=Category.SD, state=verdict.quiet_state, settled_by=second.visit)


def _went_back(later: Verdict, verdict: Verdict, criteria: ResponseCriteria) -> bool:
    """Say whether a scan shows no progression any more and is smaller, beyond error, than the one that did."""
    if later.category == Category.PD:
        return False
    since = comparison.compare(later.visit, verdict.visit, criteria.metric, later.evidence.scans)
    if since.value == 0:
        return True
    return since.ratio is not None and since.ratio < 1 and comparison.beyond_error(since)


def _settle_response(
    verdict: Verdict, earlier: Sequence[Verdict], later: Sequence[Verdict], criteria: ResponseCriteria
) -> Verdict:
    """Confirm a response, leave it open, or name the later scan that shows it no more."""
    days = criteria.confirmation.days
    if days == 0:
        return verdict  # these criteria ask for no second scan
    before, after = _holding(verdict, reversed(earlier)), _holding(verdict, later)
    second = next((v for v in (*before, *after) if _days_apart(verdict, v) >= days), None)
    if second is None and before:  # it may lie between two that confirm each other
        second = next((v for v in after if _days_apart(before[-1], v) >= days), None)
    if second is not None:
        return replace(verdict, settled_by=second.visit)
    telling = [v for v in later if v.is_judged]
    ended = telling[len(after)] if len(after) < len(telling) else None
    return replace(verdict, confirmed=False, ended_by=ended.visit if ended else None)


def _holding(verdict: Verdict, others: Iterable[Verdict]) -> list[Verdict]:
    """Return the judged scans next to one, nearest first, that show at least its response, up to the first lesser one.

    A partial response after a complete one is no response held: it confirms nothing and nothing before confirms it.
    """
    holding: list[Verdict] = []
    best = own_rank = RESPONSE_RANK[verdict.category]
    for other in (one for one in others if one.is_judged):
        rank = RESPONSE_RANK.get(other.category, 0)
        is_before = other.visit.acquired_on < verdict.visit.acquired_on
        if rank < best or (is_before and rank > own_rank):
            break
        best = rank
        holding.append(other)
    return holding


def _days_apart(one: Verdict, other: Verdict) -> int:
    return abs((one.visit.acquired_on - other.visit.acquired_on).days)
