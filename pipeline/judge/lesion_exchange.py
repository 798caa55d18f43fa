"""Tumour that one lesion gains while another loses as much on the same scan: which is which is not settled then.

Two readers draw the border between two lesions differently, two lesions grow together or come apart, a lesion bears
another's name, or the name of one is written no more: the sum stays, and a lesion by itself seems to grow. What was
exchanged is looked for in the sizes of the lesions alone, scan by scan and never with a later one, and goes with each
measure; judgement calls a growth proven only where it is one without it. An exchange ends on the scan that speaks
against it: the other side is back at more than half of what it had lost, or is measured again and has not lost it. What
this module refuses: to hide a growth larger than what others lost, once or scan after scan, and to take a fall within
its error for a loss.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import ANY_DAY, VisitMeasure
from pipeline.judge import comparison
from pipeline.judge.criteria import Metric
from pipeline.judge.epochs import in_order, value_of
from pipeline.judge.size_words import size
from pipeline.measure.imported_sizes import UNSEEN

SPREADS = 1.96
"""Standard deviations of error that a change stays within, at 95 %."""

BY_CHANCE = 0.05
"""How often any of the other lesions may seem to lose something by error alone (Bonferroni, one-sided); a proposal."""

FACTOR = 2.0
"""A gain and a loss of which one is so many times the other are not the same, however large their error; a proposal."""

REGAINED = 0.5
"""Share of what one side lost that it has regained where it has not lost it after all; a proposal."""

UNKNOWN_CV = 0.14
"""Error of a volume of which none is known: that of 1 mL by the geometric model (CLINICAL 3.2); a proposal."""

Measures = Mapping[str, Mapping[str, VisitMeasure]]
"""Each lesion's measures by name and visit."""


@dataclass(frozen=True)
class _Step:
    """What a lesion gained (or lost: below 0) since it was last measured, and the standard deviation of that.

    ``value`` is its size after that, None as long as its table has no row; ``read_at`` the scan on which it was
    measured again then.
    """

    lesion: str
    gain: float
    spread: float
    value: float | None
    read_at: VisitMeasure | None = None

    @property
    def is_unread(self) -> bool:
        return self.value is None

    def is_beyond(self, spreads: float) -> bool:
        return abs(self.gain) > spreads * self.spread


@dataclass(frozen=True)
class _Transfer:
    """What some lesions gained on a scan and others lost."""

    scan: VisitMeasure
    taking: tuple[_Step, ...]
    giving: tuple[_Step, ...]

    @property
    def gained(self) -> float:
        return sum(one.gain for one in self.taking)

    @property
    def lost(self) -> float:
        return -sum(one.gain for one in self.giving)

    @property
    def steps(self) -> tuple[_Step, ...]:
        return (*self.taking, *self.giving)

    @property
    def is_even(self) -> bool:
        """Say whether what some gained and others lost is the same within its error, and neither is twice the other."""
        is_near = max(self.gained, self.lost) < FACTOR * min(self.gained, self.lost)
        return is_near and abs(self.gained - self.lost) <= SPREADS * math.hypot(*(one.spread for one in self.steps))

    def size_of(self, lesion: str) -> float:
        """Return what a lesion took of the others, below 0 what it gave; never more than they lost or gained."""
        of_taken, of_given = min(1.0, self.lost / self.gained), min(1.0, self.gained / self.lost)
        taken = sum(of_taken * one.gain for one in self.taking if one.lesion == lesion)
        return taken + sum(of_given * one.gain for one in self.giving if one.lesion == lesion)

    def exchange_of(self, lesion: str, metric: Metric) -> Exchange | None:
        """Return the exchange as one lesion had it; None where it had no part."""
        step = next((one for one in self.steps if one.lesion == lesion), None)
        if step is None:
            return None
        others = self.giving if step in self.taking else self.taking
        unread = [one for one in self.giving if one.is_unread and one is not step]
        days = [one.read_at.acquired_on for one in (step, *others) if one.read_at is not None]
        return Exchange(
            self.scan.acquired_on,
            self.scan.session_id,
            str(metric),
            self.size_of(lesion),
            tuple(one.lesion for one in others),
            sum(abs(one.gain) for one in others),
            is_unread=step.is_unread,
            unread=tuple(one.lesion for one in unread),
            unread_size=sum(abs(one.gain) for one in unread if one in others),
            read_on=max(days, default=None),
        )


@dataclass
class _Ledger:
    """What lesions exchanged so far by one metric, and what each measured last."""

    metric: Metric
    last: dict[str, VisitMeasure] = field(default_factory=dict)
    transfers: list[_Transfer] = field(default_factory=list)

    def add(self, scan: VisitMeasure, here: Mapping[str, VisitMeasure], settled: Container[str]) -> None:
        """Take in the lesions' measures on one scan; of ``settled`` ones the change is their own, up to here."""
        self.transfers = [one for one in self.transfers if all(step.lesion not in settled for step in one.steps)]
        measured = {name: one for name, one in here.items() if value_of(one, self.metric) is not None}
        again = (self._read_again(one, scan, measured, settled) for one in self.transfers)
        self.transfers = [one for one in again if one is not None]
        spreads = max(SPREADS, NormalDist().inv_cdf(1 - BY_CHANCE / max(2, len(measured) - 1)))
        steps = [self._step(name, one, scan) for name, one in here.items() if name not in settled]
        counted = [one for one in steps if one and (one.gain > 0 or one.is_unread or one.is_beyond(spreads))]
        self.transfers += _transfers(scan, counted)
        self.last |= measured
        self.transfers = [one for index, one in enumerate(self.transfers) if not self._is_undone(index, one)]

    def exchanges_of(self, lesion: str) -> list[Exchange]:
        """Return what a lesion exchanged with others that no scan up to the last one speaks against."""
        parts = (one.exchange_of(lesion, self.metric) for one in self.transfers)
        return [one for one in parts if one is not None]

    def _step(self, name: str, visit: VisitMeasure, scan: VisitMeasure) -> _Step | None:
        """Return what a lesion gained or lost beyond what it gave while it had no row; None if nothing can be said."""
        value, before = value_of(visit, self.metric), self.last.get(name)
        value_before = value_of(before, self.metric) if before is not None else 0.0 if self.last else None
        if value_before is None:
            return None
        spread_before = 0.0 if before is None else self._error(before)
        given = self._given_unread(name, scan)
        left = value_before - given
        if value is None:
            is_left = left > (SPREADS * spread_before if given else 0.0)
            return _Step(name, -left, spread_before, None) if visit.missing_reason == UNSEEN and is_left else None
        if value < left and visit.bound_reason is not None:
            return None
        return _Step(name, value - left, math.hypot(self._error(visit), spread_before), value)

    def _given_unread(self, name: str, scan: VisitMeasure) -> float:
        """Return what a lesion gave since it was last measured, before this scan."""
        return -sum(
            one.size_of(name)
            for one in self.transfers
            for step in one.giving
            if step.lesion == name and (step.is_unread or step.read_at == scan)
        )

    def _read_again(
        self,
        transfer: _Transfer,
        scan: VisitMeasure,
        measured: Mapping[str, VisitMeasure],
        settled: Container[str],
    ) -> _Transfer | None:
        """Hold a transfer against what lesions that lacked a row measure now; None where it was none."""
        giving = []
        for step in transfer.giving:
            visit = measured.get(step.lesion)
            if visit is None or not step.is_unread:
                giving.append(step)
                continue
            value = value_of(visit, self.metric) or 0.0
            spread = math.hypot(step.spread, self._error(visit))
            again = _Step(step.lesion, step.gain + value, spread, value, read_at=scan)
            if again.gain < 0 and again.is_beyond(SPREADS) and step.lesion not in settled:
                giving.append(again)
        read_anew = replace(transfer, giving=tuple(giving))
        return read_anew if giving and read_anew.is_even else None

    def _is_undone(self, index: int, transfer: _Transfer) -> bool:
        """Say whether one side has regained more than half of its change, other than by a later exchange."""
        later = self.transfers[index + 1 :]
        regained = sum(self._change_since(one, later) for one in transfer.giving)
        fallen = -sum(self._change_since(one, later) for one in transfer.taking)
        return regained > REGAINED * transfer.lost or fallen > REGAINED * transfer.gained

    def _change_since(self, step: _Step, later: Sequence[_Transfer]) -> float:
        """Return what a lesion gained since a step, without what it exchanged later; 0 as long as it has no row."""
        if step.value is None:
            return 0.0
        exchanged = sum(
            one.size_of(step.lesion)
            for one in later
            for other in one.steps
            if other.lesion == step.lesion and not other.is_unread
            if step.read_at is None or step.read_at not in (one.scan, other.read_at)
        )
        visit = self.last[step.lesion]
        change = (value_of(visit, self.metric) or 0.0) - step.value - exchanged
        return max(change, 0.0) if visit.bound_reason is not None else change

    def _error(self, visit: VisitMeasure) -> float:
        cv = visit.volume_cv or UNKNOWN_CV
        return comparison.ERROR_SHARE[self.metric] * cv * (value_of(visit, self.metric) or 0.0)


def with_exchanges(
    measures: Measures, settled: Collection[tuple[str, str]] = frozenset()
) -> dict[str, dict[str, VisitMeasure]]:
    """Return the lesions' measures with what each had exchanged with others up to its scan.

    A scan whose day nobody can tell has no part in it: it comes neither before nor after any other. A verdict that
    stands is that of the day after all others too, on which it could say nothing of them.

    Parameters
    ----------
    measures
        Of one patient.
    settled
        Visit and lesion of which a person said that it is this lesion: what it gained and lost there and before is
        its own.
    """
    given = {name: dict(by_session) for name, by_session in measures.items()}
    scans = {
        one.session_id: one for by_session in measures.values() for one in by_session.values() if not _is_undated(one)
    }
    ledgers = [_Ledger(metric) for metric in Metric]
    for scan in in_order(scans.values()):
        session_id = scan.session_id
        here = {name: by_session[session_id] for name, by_session in given.items() if session_id in by_session}
        settled_here = {name for session, name in settled if session == session_id}
        for ledger in ledgers:
            ledger.add(scan, here, settled_here)
        for name, one in here.items():
            exchanges = tuple(part for ledger in ledgers for part in ledger.exchanges_of(name))
            given[name][session_id] = replace(one, exchanges=exchanges)
    return given


def _is_undated(visit: VisitMeasure) -> bool:
    return (visit.acquired_on, visit.acquired_by) == ANY_DAY


def _transfers(scan: VisitMeasure, steps: Sequence[_Step]) -> Iterator[_Transfer]:
    """Yield what lesions exchanged on a scan; none has a part in two."""
    takers, givers = [one for one in steps if one.gain > 0], [one for one in steps if one.gain < 0]
    while True:
        transfers = (_Transfer(scan, tuple(taking), tuple(giving)) for taking, giving in _pairings(takers, givers))
        even = next((one for one in transfers if one.is_even), None)
        if even is None:
            return
        yield even
        takers, givers = ([one for one in side if one not in even.steps] for side in (takers, givers))


def _pairings(takers: Sequence[_Step], givers: Sequence[_Step]) -> Iterator[tuple[Sequence[_Step], Sequence[_Step]]]:
    """Yield who may have taken from whom: one from one, the nearest first, then several; rows that lack come last."""
    read = [one for one in givers if not one.is_unread]
    grown = [one for one in takers if one.is_beyond(SPREADS)]
    for some in (read, givers):
        pairs = [([taker], [giver]) for taker in takers for giver in some]
        yield from sorted(pairs, key=lambda pair: abs(pair[0][0].gain + pair[1][0].gain))
        yield from (([taker], some) for taker in takers if len(some) > 1)
        yield from ((grown, [giver]) for giver in some if len(grown) > 1)
        if len(grown) > 1 and len(some) > 1:
            yield grown, some


def since(visit: VisitMeasure, reference: VisitMeasure, metric: Metric) -> tuple[Exchange, ...]:
    """Return what a lesion exchanged after one scan and up to another."""
    before = {(one.session_id, one.metric) for one in reference.exchanges}
    return tuple(e for e in visit.exchanges if e.metric == metric and (e.session_id, e.metric) not in before)


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
    by_reading = f"by the scan of {exchange.read_on}"
    if exchange.size < 0:
        gained = f"{_lesions(exchange.lesions)} gained {size(exchange.others_size, metric)}"
        if exchange.is_unread:
            return f"{gained} on {exchange.on} and may hold it"
        lost_by = f", of which this one had lost as much {by_reading}" if exchange.read_on else ""
        if exchange.unread:
            return f"{gained} on {exchange.on}, where {_without_row(exchange)}"
        same_scan = f"on {exchange.on}" if exchange.read_on else f"on the same scan of {exchange.on}"
        return f"{gained} {same_scan}{lost_by}, the sum unchanged within its error"
    read = [name for name in exchange.lesions if name not in exchange.unread]
    lost = f"{_lesions(read)} lost {size(exchange.others_size - exchange.unread_size, metric)}"
    lost = f"{lost} {by_reading}" if exchange.read_on else f"{lost} on the same scan of {exchange.on}"
    if not exchange.unread:
        return f"{lost}, the sum unchanged within its error"
    before = f" ({size(exchange.unread_size, metric)} before)"
    unread = f"{_without_row(exchange, before)} on {exchange.on}, so that it may be counted here"
    return f"{lost} and {unread}" if read else unread


def _without_row(exchange: Exchange, before: str = "") -> str:
    return f"{_lesions(exchange.unread)}{before} {'lacks' if len(exchange.unread) == 1 else 'lack'} a row"


def _lesions(names: Sequence[str]) -> str:
    return f"lesion{'' if len(names) == 1 else 's'} {' and '.join(names)}"


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
