"""When the next scan is due by published follow-up schedules, and when growth could be seen at all.

Schedules are data (see ``pipeline.context.schedule_files``): the first whose words fit a patient applies, and of it and
every closer one whose conditions are known to hold (a marker, a syndrome, a growing tumour) the shortest interval
rules and names its reason. What is not known never counts as a condition; where it would change the interval, that is
said. A due date depends on the record alone; whether it has passed depends on the day of reading, which is an argument.
What this module refuses: advice. It says what a published schedule would say, and by which rule.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from pipeline.context.patient_facts import PatientFacts, plain
from pipeline.core.markers import H3K27, Mycn
from pipeline.core.syndromes import Syndrome
from pipeline.judge.criteria import Rule
from pipeline.measure.measurement_error import detection_limit_ratio

NO_END = 0
"""``until_days`` of a phase that never ends."""


@dataclass(frozen=True)
class Phase:
    """One interval between scans.

    Attributes
    ----------
    interval_days
        The longest interval that the source allows: nobody is called overdue inside the source's own range.
    until_days
        Days since the last treatment until which the interval holds; 0 for no end.
    """

    interval_days: int
    until_days: int = NO_END


@dataclass(frozen=True)
class Schedule(Rule):
    """Follow-up of one group of patients.

    Attributes
    ----------
    schedule_id, title
        Name for programs and for people.
    first_scan_days
        Days from a treatment to the first scan that follow-up is counted from.
    early_scan_days
        A scan sooner after a treatment shows the treatment; the first scan of follow-up is still due.
    phases
        In order of time; after the last one that ends, the source says nothing more.
    histologies, syndromes
        Any of these words must occur in the patient's, in any case and without accents; empty for all.
    not_histologies
        None of these words may occur in the patient's histology.
    grades, extents
        Every grade that the tumour may have, or the extent of the last surgery, must be one of these; empty for all.
    under_age_years
        Only for younger patients; 0 for all.
    mycn, h3_k27
        The marker must be one of these codes (``core.markers``); empty for all.
    growing
        Only for a tumour that grew, perhaps within error, on the last judged scan, with no treatment since.
    asked_of
        Histologies for which it is worth saying that a marker is not known; empty for those of ``histologies``.
    """

    schedule_id: str
    title: str
    first_scan_days: int
    early_scan_days: int
    phases: tuple[Phase, ...]
    histologies: tuple[str, ...] = ()
    not_histologies: tuple[str, ...] = ()
    syndromes: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    extents: tuple[str, ...] = ()
    under_age_years: int = 0
    mycn: tuple[str, ...] = ()
    h3_k27: tuple[str, ...] = ()
    growing: bool = False
    asked_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surveillance(Rule):
    """All schedules: the first that fits, and the closer ones that shorten its interval.

    Attributes
    ----------
    surveillance_id, version
        Identity.
    overdue_ratio
        A scan is overdue when more than so many intervals have passed since the last one.
    schedules
        In order; the last one has no conditions.
    closer
        Every one that fits applies, and the shortest interval rules.
    sha256
        Hash of the file they came from.
    """

    surveillance_id: str
    version: str
    overdue_ratio: float
    schedules: tuple[Schedule, ...]
    closer: tuple[Schedule, ...] = ()
    sha256: str = ""


QUESTIONS = (
    ("WHO grade", "who_grade", "grades", "grade {}"),
    ("extent of resection", "extent", "extents", "{}"),
    ("syndrome", "syndrome", "syndromes", "{}"),
    ("MYCN", "mycn", "mycn", "{}"),
    ("H3 K27", "h3_k27", "h3_k27", "{}"),
)
"""What may not be known: its name, the fact, the condition of a schedule, and how a value is written."""


@dataclass(frozen=True)
class DueScan:
    """What a schedule says of one patient's next scan.

    Attributes
    ----------
    counted_from
        The last scan, or the treatment when no scan since counts.
    due_on
        None when the schedule has ended.
    overdue_from
        First day on which the scan is overdue; None when the schedule has ended.
    interval_days
        None when the schedule has ended.
    rule, source
        Which schedule, in words, and where it comes from with how far that was checked.
    closer_reason
        Title of the closer schedule that shortened the interval; None where none did.
    assumed
        What is not known and would change the interval, in words; None where nothing is.
    """

    schedule_id: str
    counted_from: date
    due_on: date | None
    overdue_from: date | None
    interval_days: int | None
    rule: str
    source: str
    closer_reason: str | None = None
    assumed: str | None = None

    def is_overdue(self, as_of: date) -> bool:
        """Say whether the scan is overdue on a day; never when the schedule has ended."""
        return self.overdue_from is not None and as_of >= self.overdue_from


@dataclass(frozen=True)
class Reckoning:
    """The days that a due date is counted from, and how soon after the treatment a scan is no follow-up yet."""

    last_scan_on: date | None
    last_treatment_on: date | None
    least_early_days: int = 0


def due(
    facts: PatientFacts,
    last_scan_on: date | None,
    last_treatment_on: date | None,
    rules: Surveillance,
    least_early_days: int = 0,
) -> DueScan | None:
    """Return when the next scan is due.

    Parameters
    ----------
    facts
        What the schedule may depend on.
    last_scan_on
        Day of the last scan; None when there is none.
    last_treatment_on
        Last day of the last surgery or radiotherapy; None for a tumour that had neither, whose interval is that of the
        first phase for good.
    rules
        The schedules.
    least_early_days
        A scan sooner after the treatment shows the treatment, whatever the schedule has (after surgery no scan can
        be a baseline earlier than the criteria say).

    Returns
    -------
    DueScan or None
        None when neither a scan nor a treatment is known, so that there is nothing to count from.
    """
    days = Reckoning(last_scan_on, last_treatment_on, least_early_days)
    shortest = _shortest(facts, days, rules)
    if shortest is None:
        return None
    assumed = "; ".join(_unknown(facts, shortest, days, rules))
    return replace(shortest, assumed=assumed or None)


def _shortest(facts: PatientFacts, days: Reckoning, rules: Surveillance) -> DueScan | None:
    """Return what the schedule that fits says, or the closer one that says it soonest."""
    planned = _by(schedule_for(facts, rules), days, rules)
    if planned is None:
        return None
    ruling = planned
    for schedule in (schedule for schedule in rules.closer if _fits(schedule, facts)):
        closer = _by(schedule, days, rules)
        if closer is not None and (closer.due_on or date.max) < (ruling.due_on or date.max):
            ruling = replace(closer, closer_reason=schedule.title)
    if ruling is planned:
        return planned
    before = f"{planned.interval_days} days" if planned.interval_days else "none any more"
    return replace(ruling, rule=f"{ruling.rule}; without that {before} ({schedule_for(facts, rules).title})")


def _by(schedule: Schedule, days: Reckoning, rules: Surveillance) -> DueScan | None:
    """Return what one schedule says; None where there is nothing to count from."""
    last_scan_on, last_treatment_on = days.last_scan_on, days.last_treatment_on
    early_days = max(schedule.early_scan_days, days.least_early_days)
    if last_treatment_on is not None and _first_is_awaited(last_scan_on, last_treatment_on, early_days):
        words = f"{schedule.title}: first scan {schedule.first_scan_days} days after the treatment"
        return _planned(schedule, last_treatment_on, schedule.first_scan_days, words, rules)
    if last_scan_on is None:
        return None
    elapsed_days = (last_scan_on - last_treatment_on).days if last_treatment_on is not None else 0
    phase = next((p for p in schedule.phases if p.until_days == NO_END or elapsed_days < p.until_days), None)
    if phase is None:
        words = f"{schedule.title}: the schedule ended before the last scan; what follows is for the team to decide"
        return DueScan(schedule.schedule_id, last_scan_on, None, None, None, words, _source(schedule))
    since = "after the treatment" if last_treatment_on is not None else "of a tumour neither operated on nor irradiated"
    until = _until(phase) if last_treatment_on is not None else ""  # without either: the first interval for good
    words = f"{schedule.title}: every {phase.interval_days} days{until} {since}"
    return _planned(schedule, last_scan_on, phase.interval_days, words, rules)


def _unknown(facts: PatientFacts, ruling: DueScan, days: Reckoning, rules: Surveillance) -> Iterator[str]:
    """Say for everything that is not known what it was taken for, and which value would mean another interval."""
    if not facts.histology:
        yield "histology not known: the schedule for any tumour of the cord, unless another fact says more"
    elif not facts.has_sure_name:
        yield f"histology not certain ('{facts.histology}'): the schedule for the tumour it names"
    for name, fact, condition, written in QUESTIONS:
        if _is_known(facts, fact):
            continue
        others: defaultdict[str, list[str]] = defaultdict(list)
        for value in _values(condition, facts, rules):
            change: dict[str, Any] = {fact: value}
            other = _shortest(replace(facts, **change), days, rules)
            if other is not None and other.interval_days != ruling.interval_days:
                others[_interval(other)].append(value)
        if others:
            would_be = ", ".join(
                f"{written.format(' or '.join(values))}: {interval}" for interval, values in others.items()
            )
            yield f"{name} not known: {_interval(ruling)} until it is ({would_be})"


def _values(condition: str, facts: PatientFacts, rules: Surveillance) -> list[str]:
    """Return the values that schedules ask for, of those worth asking of the histology."""
    name = facts.histology
    schedules = [
        s for s in (*rules.schedules, *rules.closer) if _has_word(name, s.asked_of) and not _is_ruled_out(name, s)
    ]
    values = dict.fromkeys(value for schedule in schedules for value in getattr(schedule, condition))
    if condition == "grades" and facts.grades:
        return [value for value in values if int(value) in facts.grades]
    if condition != "syndromes":
        return list(values)
    return [code for code in Syndrome if code.lower() in values]  # the others are ways of writing them


def _interval(due: DueScan) -> str:
    return f"every {due.interval_days} days" if due.interval_days else "a schedule that has ended"


def _is_known(facts: PatientFacts, fact: str) -> bool:
    value = getattr(facts, fact)
    if fact == "who_grade":
        return len(facts.grades) == 1
    if fact == "extent":
        return value is not None or not facts.is_operated
    return value is not None and value.lower() != "unknown"


def schedule_for(facts: PatientFacts, rules: Surveillance) -> Schedule:
    """Return the first schedule whose conditions all fit a patient."""
    return next(schedule for schedule in rules.schedules if _fits(schedule, facts))


def detectable_on(
    growth_per_day: float, reference_cv: float, next_cv: float, reference_on: date, threshold_ratio: float = 1.0
) -> date | None:
    """Return the first day on which tumour that goes on growing as now would show growth beyond error.

    Parameters
    ----------
    growth_per_day
        Specific growth rate, d(ln V)/dt, per day.
    reference_cv, next_cv
        Coefficients of variation of the volume compared with and of the next one.
    reference_on
        Day of the scan compared with.
    threshold_ratio
        Also reach this ratio, such as 1.4 for the +40 % rule.

    Returns
    -------
    date or None
        None for tumour that does not grow, or not within a century.

    Examples
    --------
    >>> detectable_on(0.001, 0.1, 0.1, date(2020, 1, 1))  # ln(1.319) / 0.001 = 277.2 days
    datetime.date(2020, 10, 5)
    """
    if not growth_per_day > 0:
        return None
    days = math.log(max(detection_limit_ratio(reference_cv, next_cv), threshold_ratio)) / growth_per_day
    return reference_on + timedelta(days=math.ceil(days)) if days < 36525 else None


def problems(rules: Surveillance) -> tuple[str, ...]:
    """List what is impossible in a set of schedules, in words; empty when it can be used."""
    return tuple(_problems(rules))


def _first_is_awaited(last_scan_on: date | None, last_treatment_on: date, early_days: int) -> bool:
    return last_scan_on is None or (last_scan_on - last_treatment_on).days < early_days


def _planned(schedule: Schedule, counted_from: date, days: int, words: str, rules: Surveillance) -> DueScan:
    return DueScan(
        schedule_id=schedule.schedule_id,
        counted_from=counted_from,
        due_on=counted_from + timedelta(days=days),
        overdue_from=counted_from + timedelta(days=math.floor(rules.overdue_ratio * days) + 1),
        interval_days=days,
        rule=words,
        source=_source(schedule),
    )


def _source(schedule: Schedule) -> str:
    return f"{schedule.source} [{schedule.mark}]"


def _until(phase: Phase) -> str:
    return f", until {phase.until_days} days" if phase.until_days else ""


def _fits(schedule: Schedule, facts: PatientFacts) -> bool:
    return (
        _has_word(facts.histology, schedule.histologies)
        and not _is_ruled_out(facts.histology, schedule)
        and (not schedule.mycn or facts.mycn in schedule.mycn)
        and (not schedule.h3_k27 or facts.h3_k27 in schedule.h3_k27)
        and (not schedule.growing or facts.is_growing is True)
        and _has_word(facts.syndrome, schedule.syndromes)
        and (not schedule.grades or _are_of(facts.grades, schedule.grades))
        and (not schedule.extents or facts.extent in schedule.extents)
        and (not schedule.under_age_years or _is_under(facts.age_years, schedule.under_age_years))
    )


def _has_word(text: str | None, words: tuple[str, ...]) -> bool:
    return not words or any(plain(word) in plain(text) for word in words)


def _is_ruled_out(histology: str | None, schedule: Schedule) -> bool:
    return any(plain(word) in plain(histology) for word in schedule.not_histologies)


def _are_of(grades: frozenset[int], asked: tuple[str, ...]) -> bool:
    """Say whether every grade that it may have is one of those asked for."""
    return bool(grades) and all(str(grade) in asked for grade in grades)


def _is_under(age_years: float | None, limit_years: int) -> bool:
    return age_years is not None and age_years < limit_years


def _problems(rules: Surveillance) -> Iterator[str]:
    if not rules.schedules or not _fits(rules.schedules[-1], PatientFacts()):
        yield "schedules: expected the last one to have no conditions, so that everybody has one"
    if not rules.overdue_ratio >= 1:
        yield f"overdue_ratio: expected 1 or more, found {rules.overdue_ratio:g}"
    for closer in rules.closer:
        if _fits(closer, PatientFacts()):
            yield f"{closer.schedule_id}: expected conditions, without which it would be everybody's schedule"
    for rule in (rules, *rules.schedules, *rules.closer):
        if not rule.source.strip():
            yield f"{getattr(rule, 'schedule_id', 'the file')}: expected a source, found none"
    for schedule in (*rules.schedules, *rules.closer):
        yield from _misspelt(schedule)
        ends = [phase.until_days or math.inf for phase in schedule.phases]
        if not ends or ends != sorted(set(ends)):
            yield f"{schedule.schedule_id}: expected phases in order of until_days, found others"
        if min([schedule.first_scan_days, *(phase.interval_days for phase in schedule.phases)]) < 1:
            yield f"{schedule.schedule_id}: expected intervals of a day or more"


def _misspelt(schedule: Schedule) -> Iterator[str]:
    """Say which marker of a schedule is no code: it would silently never fit."""
    for name, codes in (("mycn", Mycn), ("h3_k27", H3K27)):
        for value in getattr(schedule, name):
            if value not in list(codes) or value == codes.UNKNOWN:
                expected = " or ".join(code for code in codes if code != codes.UNKNOWN)
                yield f"{schedule.schedule_id}: expected {expected} in {name}, found {value!r}"
