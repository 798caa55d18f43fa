"""Tumour that one lesion gains while another loses as much on the same scan: which is which is not settled then.

Two readers draw the border between two lesions differently, two lesions grow together or come apart, a lesion bears
another's name, or the name of one is written no more: the sum stays, and a lesion by itself seems to grow. What was
exchanged is looked for in the sizes of the lesions alone, scan by scan and never with a later one, and goes with each
measure; judgement calls a growth proven only where it is one without it. What this module refuses: to hide a growth
larger than what others lost, and to take a fall within its error for a loss.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import VisitMeasure
from pipeline.judge import comparison
from pipeline.judge.criteria import Metric
from pipeline.judge.epochs import in_order, value_of
from pipeline.judge.size_words import size
from pipeline.measure.imported_sizes import UNSEEN

SPREADS = 1.96
"""Standard deviations of error that a change stays within, at 95 %."""

FACTOR = 2.0
"""A gain and a loss of which one is so many times the other are not the same, however large their error; a proposal."""

UNKNOWN_CV = 0.14
"""Error of a volume of which none is known: that of 1 mL by the geometric model (CLINICAL 3.2); a proposal."""

Measures = Mapping[str, Mapping[str, VisitMeasure]]
"""Each lesion's measures by name and visit."""


@dataclass(frozen=True)
class _Step:
    """What a lesion gained (or lost: below 0) since it was last measured, and the standard deviation of that."""

    lesion: str
    gain: float
    spread: float
    is_unread: bool = False

    @property
    def is_beyond_error(self) -> bool:
        return abs(self.gain) > SPREADS * self.spread


def with_exchanges(
    measures: Measures, settled: Container[tuple[str, str]] = frozenset()
) -> dict[str, dict[str, VisitMeasure]]:
    """Return the lesions' measures with what each had exchanged with others up to its scan.

    Parameters
    ----------
    measures
        Of one patient.
    settled
        Visit and lesion of which a person said that it is this lesion: what it gained and lost there is its own.
    """
    given = {name: dict(by_session) for name, by_session in measures.items()}
    scans = {one.session_id: one for by_session in measures.values() for one in by_session.values()}
    last: dict[Metric, dict[str, VisitMeasure]] = {metric: {} for metric in Metric}
    so_far: dict[str, tuple[Exchange, ...]] = {}
    for scan in in_order(scans.values()):
        here = {
            name: by_session[scan.session_id] for name, by_session in given.items() if scan.session_id in by_session
        }
        open_here = {name: one for name, one in here.items() if (scan.session_id, name) not in settled}
        for metric in Metric:
            seen = {name for name, one in here.items() if value_of(one, metric) is not None}
            so_far = {name: _still_open(exchanges, seen, metric) for name, exchanges in so_far.items()}
            for name, exchange in _at_scan(open_here, last[metric], metric):
                so_far[name] = (*so_far.get(name, ()), exchange)
            last[metric] |= {name: here[name] for name in seen}
        for name, one in here.items():
            given[name][scan.session_id] = replace(one, exchanges=so_far.get(name, ()))
    return given


def _still_open(exchanges: Iterable[Exchange], seen: Container[str], metric: Metric) -> tuple[Exchange, ...]:
    """Leave out what was thought to come from a lesion without a row, once that is measured again."""
    return tuple(
        one
        for one in exchanges
        if not (one.is_unread and one.metric == metric and any(name in seen for name in one.lesions))
    )


def _at_scan(
    here: Mapping[str, VisitMeasure], last: Mapping[str, VisitMeasure], metric: Metric
) -> Iterator[tuple[str, Exchange]]:
    """Yield what lesions exchanged between their last measures and this scan."""
    steps = [step for name, one in here.items() if (step := _step(name, one, last, metric)) is not None]
    takers, givers = [one for one in steps if one.gain > 0], [one for one in steps if one.gain < 0]
    for taking, giving in _pairings(takers, givers):
        if not _is_even(taking, giving):
            continue
        gained, lost = sum(one.gain for one in taking), -sum(one.gain for one in giving)
        for side, others, share in (
            (taking, giving, min(1.0, lost / gained)),
            (giving, taking, min(1.0, gained / lost)),
        ):
            for one in side:
                yield one.lesion, _exchange(one, others, share, here[one.lesion], metric)
        return


def _exchange(step: _Step, others: Sequence[_Step], share: float, visit: VisitMeasure, metric: Metric) -> Exchange:
    return Exchange(
        visit.acquired_on,
        visit.session_id,
        str(metric),
        share * step.gain,
        tuple(one.lesion for one in others),
        sum(abs(one.gain) for one in others),
        is_unread=step.is_unread or any(one.is_unread for one in others),
    )


def _step(name: str, visit: VisitMeasure, last: Mapping[str, VisitMeasure], metric: Metric) -> _Step | None:
    """Return what a lesion gained or lost; None where nothing can be said, or a loss is within its error."""
    value, before = value_of(visit, metric), last.get(name)
    value_before = value_of(before, metric) if before is not None else 0.0 if last else None
    if value_before is None:
        return None
    spread_before = _error(before, metric) if before is not None else 0.0
    if value is None:
        is_unread = visit.missing_reason == UNSEEN and value_before > 0
        return _Step(name, -value_before, spread_before, is_unread=True) if is_unread else None
    step = _Step(name, value - value_before, math.hypot(_error(visit, metric), spread_before))
    is_bound = visit.bound_reason is not None
    return None if step.gain < 0 and (is_bound or not step.is_beyond_error) else step


def _error(visit: VisitMeasure, metric: Metric) -> float:
    cv = visit.volume_cv or UNKNOWN_CV
    return comparison.ERROR_SHARE[metric] * cv * (value_of(visit, metric) or 0.0)


def _pairings(takers: Sequence[_Step], givers: Sequence[_Step]) -> Iterator[tuple[Sequence[_Step], Sequence[_Step]]]:
    """Yield who may have taken from whom: one from one, the nearest first, then several; rows that lack come last."""
    read = [one for one in givers if not one.is_unread]
    grown = [one for one in takers if one.is_beyond_error]
    for some in (read, givers):
        pairs = [([taker], [giver]) for taker in takers for giver in some]
        yield from sorted(pairs, key=lambda pair: abs(pair[0][0].gain + pair[1][0].gain))
        yield from (([taker], some) for taker in takers if len(some) > 1)
        yield from ((grown, [giver]) for giver in some if len(grown) > 1)
        if len(grown) > 1 and len(some) > 1:
            yield grown, some


def _is_even(taking: Sequence[_Step], giving: Sequence[_Step]) -> bool:
    """Say whether what some gained and others lost is the same within its error, and neither is twice the other."""
    steps = (*taking, *giving)
    gained, lost = sum(one.gain for one in taking), -sum(one.gain for one in giving)
    is_near = max(gained, lost) < FACTOR * min(gained, lost)
    return is_near and abs(gained - lost) <= SPREADS * math.hypot(*(one.spread for one in steps))


def since(visit: VisitMeasure, reference: VisitMeasure, metric: Metric) -> tuple[Exchange, ...]:
    """Return what a lesion exchanged after one scan and up to another."""
    return tuple(one for one in visit.exchanges if one not in reference.exchanges and one.metric == metric)


def without(visit: VisitMeasure, reference: VisitMeasure, metric: Metric) -> VisitMeasure:
    """Return a visit as it would be, had the lesion taken nothing from others since a reference."""
    value = value_of(visit, metric)
    taken = sum(one.size for one in since(visit, reference, metric))
    if not taken or not value:
        return visit
    left = max(value - taken, 0.0)
    if left == 0:
        return replace(visit, volume_mm3=0.0, product_mm2=None, longest_mm=None)
    if metric == Metric.VOLUME:
        return replace(visit, volume_mm3=left)
    return replace(visit, product_mm2=left) if metric == Metric.PRODUCT else replace(visit, longest_mm=left)


def words(exchanges: Sequence[Exchange], metric: Metric) -> str:
    """Say what others lost as a lesion gained, scan by scan; empty for nothing."""
    return " and ".join(_said(one, metric) for one in exchanges)


def _said(exchange: Exchange, metric: Metric) -> str:
    others = f"lesion{'' if len(exchange.lesions) == 1 else 's'} {' and '.join(exchange.lesions)}"
    amount = size(exchange.others_size, metric)
    if exchange.is_unread and exchange.size > 0:
        return f"{others} ({amount} before) lacks a row on {exchange.on}, so that it may be counted here"
    if exchange.is_unread:
        return f"{others} gained {amount} on {exchange.on} and may hold it"
    verb = "lost" if exchange.size > 0 else "gained"
    return f"{others} {verb} {amount} on the same scan of {exchange.on}, the sum unchanged within its error"


def in_words(measures: Sequence[VisitMeasure], lesions: Sequence[str]) -> str:
    """Say which lesions exchanged tumour on one scan, by volume or by what was measured in its place; else nothing.

    Parameters
    ----------
    measures, lesions
        Of one visit, in one order.
    """
    for metric in Metric:
        sides: dict[tuple[str, ...], list[str]] = {}
        for name, visit in zip(lesions, measures, strict=True):
            for one in visit.exchanges:
                if one.session_id == visit.session_id and one.metric == metric and one.size > 0:
                    sides.setdefault(one.lesions, []).append(name)
        if sides:
            return " and ".join(f"{' and '.join(to)} may hold what was {' and '.join(of)}" for of, to in sides.items())
    return ""
