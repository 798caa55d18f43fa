"""When the next scan is due by published follow-up schedules, and when growth could be seen at all.

Schedules are data (see ``pipeline.context.schedule_files``): the first whose words fit a patient applies. A due date
depends on the record alone; whether it has passed depends on the day of reading, which is an argument. What this
module refuses:
advice. It says what a published schedule would say, and by which rule.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.judge.criteria import Rule
from pipeline.measure.measurement_error import detection_limit_ratio

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
GRADE = re.compile(r"(?:who|cns|grade|grad|g|°|\s)*(iv|iii|ii|i|[1-4])(?:[^a-z0-9].*)?", re.IGNORECASE)
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
        Any of these words must occur in the patient's; empty for all.
    grades, extents
        The WHO grade, or extent of the last surgery, must be one of these; empty for all.
    under_age_years
        Only for younger patients; 0 for all.
    """

    schedule_id: str
    title: str
    first_scan_days: int
    early_scan_days: int
    phases: tuple[Phase, ...]
    histologies: tuple[str, ...] = ()
    syndromes: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    extents: tuple[str, ...] = ()
    under_age_years: int = 0


@dataclass(frozen=True)
class Surveillance(Rule):
    """All schedules, the first that fits applying.

    Attributes
    ----------
    surveillance_id, version
        Identity.
    overdue_ratio
        A scan is overdue when more than so many intervals have passed since the last one.
    schedules
        In order; the last one has no conditions.
    sha256
        Hash of the file they came from.
    """

    surveillance_id: str
    version: str
    overdue_ratio: float
    schedules: tuple[Schedule, ...]
    sha256: str = ""


@dataclass(frozen=True)
class PatientFacts:
    """What a schedule may depend on; None is not known, and never fits a condition."""

    histology: str | None = None
    who_grade: str | None = None
    extent: str | None = None
    syndrome: str | None = None
    age_years: float | None = None


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
    """

    schedule_id: str
    counted_from: date
    due_on: date | None
    overdue_from: date | None
    interval_days: int | None
    rule: str
    source: str

    def is_overdue(self, as_of: date) -> bool:
        """Say whether the scan is overdue on a day; never when the schedule has ended."""
        return self.overdue_from is not None and as_of >= self.overdue_from


def due(
    facts: PatientFacts, last_scan_on: date | None, last_treatment_on: date | None, rules: Surveillance
) -> DueScan | None:
    """Return when the next scan is due.

    Parameters
    ----------
    facts
        What the schedule may depend on.
    last_scan_on
        Day of the last scan; None when there is none.
    last_treatment_on
        Last day of the last surgery or radiotherapy; None for a tumour that is only watched, whose interval is that
        of the first phase for good.
    rules
        The schedules.

    Returns
    -------
    NextScan or None
        None when neither a scan nor a treatment is known, so that there is nothing to count from.
    """
    schedule = schedule_for(facts, rules)
    if last_treatment_on is not None and _first_is_awaited(last_scan_on, last_treatment_on, schedule):
        words = f"{schedule.title}: first scan {schedule.first_scan_days} days after the treatment"
        return _planned(schedule, last_treatment_on, schedule.first_scan_days, words, rules)
    if last_scan_on is None:
        return None
    elapsed_days = (last_scan_on - last_treatment_on).days if last_treatment_on is not None else 0
    phase = next((p for p in schedule.phases if p.until_days == NO_END or elapsed_days < p.until_days), None)
    if phase is None:
        words = f"{schedule.title}: the schedule ended before the last scan; what follows is for the team to decide"
        return DueScan(schedule.schedule_id, last_scan_on, None, None, None, words, _source(schedule))
    since = "after the treatment" if last_treatment_on is not None else "of a tumour that is only watched"
    words = f"{schedule.title}: every {phase.interval_days} days, {_until(phase)}{since}"
    return _planned(schedule, last_scan_on, phase.interval_days, words, rules)


def schedule_for(facts: PatientFacts, rules: Surveillance) -> Schedule:
    """Return the first schedule whose conditions all fit a patient."""
    return next(schedule for schedule in rules.schedules if _fits(schedule, facts))


def grade_number(text: str | None) -> int | None:
    """Read a WHO grade, written in any of the usual ways; None when unknown.

    Examples
    --------
    >>> [grade_number(text) for text in ("2", "II", "WHO grade 3", "G4", "III-IV", "high", None)]
    [2, 2, 3, 4, 3, None, None]
    """
    match = GRADE.fullmatch((text or "").strip())
    if match is None:
        return None
    written = match[1].lower()
    return ROMAN[written] if written in ROMAN else int(written)


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


def _first_is_awaited(last_scan_on: date | None, last_treatment_on: date, schedule: Schedule) -> bool:
    return last_scan_on is None or (last_scan_on - last_treatment_on).days < schedule.early_scan_days


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
    return f"until {phase.until_days} days " if phase.until_days else ""


def _fits(schedule: Schedule, facts: PatientFacts) -> bool:
    grade = grade_number(facts.who_grade)
    return (
        _has_word(facts.histology, schedule.histologies)
        and _has_word(facts.syndrome, schedule.syndromes)
        and (not schedule.grades or str(grade) in schedule.grades)
        and (not schedule.extents or facts.extent in schedule.extents)
        and (not schedule.under_age_years or _is_under(facts.age_years, schedule.under_age_years))
    )


def _has_word(text: str | None, words: tuple[str, ...]) -> bool:
    return not words or any(word in (text or "").lower() for word in words)


def _is_under(age_years: float | None, limit_years: int) -> bool:
    return age_years is not None and age_years < limit_years


def _problems(rules: Surveillance) -> Iterator[str]:
    if not rules.schedules or not _fits(rules.schedules[-1], PatientFacts()):
        yield "schedules: expected the last one to have no conditions, so that everybody has one"
    if not rules.overdue_ratio >= 1:
        yield f"overdue_ratio: expected 1 or more, found {rules.overdue_ratio:g}"
    for rule in (rules, *rules.schedules):
        if not rule.source.strip():
            yield f"{getattr(rule, 'schedule_id', 'the file')}: expected a source, found none"
    for schedule in rules.schedules:
        ends = [phase.until_days or math.inf for phase in schedule.phases]
        if not ends or ends != sorted(set(ends)):
            yield f"{schedule.schedule_id}: expected phases in order of until_days, found others"
        if min([schedule.first_scan_days, *(phase.interval_days for phase in schedule.phases)]) < 1:
            yield f"{schedule.schedule_id}: expected intervals of a day or more"
