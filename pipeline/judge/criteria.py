"""Response criteria as data: every threshold, floor, wait and window a verdict depends on, each with its source.

A criteria file (see ``pipeline.judge.criteria_files``) becomes one frozen :class:`ResponseCriteria`. Ratios are current
over reference: +40 % is 1.40, -65 % is 0.35. What this module refuses: thresholds that contradict one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from pipeline.core import records
from pipeline.core.vocabulary import Category


class Metric(StrEnum):
    """What is compared between visits."""

    VOLUME = "volume"
    PRODUCT = "product"
    LONGEST = "longest"


class Mark(StrEnum):
    """How far a number has been checked against its source."""

    CHECKED = "checked"  # read in the paper or its abstract
    SECOND_HAND = "second-hand"  # seen in another project's code or document
    UNCHECKED = "unchecked"  # commonly cited, not looked up
    DOUBTFUL = "doubtful"  # cited in conflicting ways
    PROPOSAL = "proposal"  # this project's own


class Reference(StrEnum):
    """Which earlier visit growth is measured from."""

    NADIR = "nadir"
    BASELINE = "baseline"


@dataclass(frozen=True)
class Rule:
    """Where a rule comes from and how far that was checked."""

    source: str
    mark: Mark


@dataclass(frozen=True)
class Progression(Rule):
    """Growth that is progression.

    Attributes
    ----------
    ratio
        Smallest ratio to the reference, inclusive.
    reference
        ``nadir`` (smallest since baseline) or ``baseline``.
    min_change
        Smallest absolute growth, inclusive, in the metric's unit (mm³, mm², mm); 0 for none.
    beyond_error
        The growth must also exceed the 95 % detection limit.
    """

    ratio: float
    reference: Reference = Reference.NADIR
    min_change: float = 0.0
    beyond_error: bool = False


@dataclass(frozen=True)
class Response(Rule):
    """Shrinkage from baseline that is a response: at most this ratio, inclusive; ``applies_to`` says for whom."""

    ratio: float
    applies_to: str = ""


@dataclass(frozen=True)
class Confirmation(Rule):
    """How much later a second scan must show a complete or partial response again, days; 0 where none has to."""

    days: int


@dataclass(frozen=True)
class Reappearance(Rule):
    """What counts as tumour again after none was seen, when a percentage means nothing.

    Either size must be reached, on that many slices of one scan or with tumour on the scan before as well.
    """

    min_volume_mm3: float
    min_longest_mm: float
    min_slices: int = 2


@dataclass(frozen=True)
class Measurable(Rule):
    """Smallest baseline, in the metric's unit, from which a partial or minor response can be called."""

    min_value: float


@dataclass(frozen=True)
class Baseline(Rule):
    """When a scan may serve as baseline.

    Attributes
    ----------
    after_surgery_days, after_radiotherapy_days
        Fewest days since the surgery, or since the end of radiotherapy.
    surgery_target_days
        When the scan after surgery is best made; information for people.
    radiotherapy_course_days
        Longest radiotherapy whose last day is not recorded; it may have ended on any day up to that.
    before_line_days
        Age from which a scan before a line of treatment is said to be old as its baseline.
    """

    after_surgery_days: int
    surgery_target_days: int
    after_radiotherapy_days: int
    radiotherapy_course_days: int
    before_line_days: int


@dataclass(frozen=True)
class Window(Rule):
    """Days after a treatment in which growth is preliminary, and how much later a scan must confirm it, days."""

    days: int
    confirmation_days: int


@dataclass(frozen=True)
class Clinical(Rule):
    """Loss of function that counts as progression: worse by so many grades at so many assessments in a row."""

    scale_ids: tuple[str, ...]
    worse_by_grades: float
    assessments: int


@dataclass(frozen=True)
class NewLesion(Rule):
    """A new lesion is progression, except in syndromes that make new tumours by themselves."""

    exempt_syndromes: tuple[str, ...]


@dataclass(frozen=True)
class Steroids(Rule):
    """Responses need a steroid dose of the baseline's or less, complete ones none above ``physiologic_mg``.

    In mg dexamethasone a day.
    """

    physiologic_mg: float


@dataclass(frozen=True)
class Mixed(Rule):
    """Enhancing and T2 tumour are judged in parallel where both are measured, and combined (``judge/mixed_rule.py``).

    ``complete_beside_stable``: what a complete response of one part amounts to where the other is stable.
    """

    complete_beside_stable: Category


@dataclass(frozen=True)
class Stable(Rule):
    """Fewest days from the start of a course after which stable disease may be its best response."""

    min_days: int


@dataclass(frozen=True)
class Sequences(Rule):
    """Sequences, such as ``T2w`` or ``T1w_ce``, without which a visit cannot be judged."""

    mandatory: tuple[str, ...]


@dataclass(frozen=True)
class ResponseCriteria(Rule):
    """One complete set of rules.

    Attributes
    ----------
    criteria_id, version, title
        Identity; an assessment carries the first two.
    is_adapted
        The rules were made for another disease or changed, and every label must say so.
    metric
        What is compared between visits.
    sha256
        Hash of the file the rules came from.
    reappearance
        None where any tumour seen again after none was seen is progression.
    minor_response, radiotherapy_window, radiosurgery_window, immunotherapy_window, clinical, sequences, steroids
    mixed, stable
        None where the criteria have no such rule.
    """

    criteria_id: str
    version: str
    title: str
    is_adapted: bool
    metric: Metric
    progression: Progression
    response: Response
    confirmation: Confirmation
    measurable: Measurable
    baseline: Baseline
    new_lesion: NewLesion
    reappearance: Reappearance | None = None
    minor_response: Response | None = None
    radiosurgery_window: Window | None = None
    radiotherapy_window: Window | None = None
    immunotherapy_window: Window | None = None
    clinical: Clinical | None = None
    sequences: Sequences | None = None
    steroids: Steroids | None = None
    mixed: Mixed | None = None
    stable: Stable | None = None
    sha256: str = ""

    def record(self) -> records.Criteria:
        """Return the row that describes these rules in the store."""
        return records.Criteria(
            criteria_id=self.criteria_id,
            version=self.version,
            title=self.title,
            is_adapted=self.is_adapted,
            metric=str(self.metric),
            source=f"{self.source} [{self.mark}]",
            sha256=self.sha256,
            progression_ratio=self.progression.ratio,
            response_ratio=self.response.ratio,
        )


def problems(criteria: ResponseCriteria) -> tuple[str, ...]:
    """List what is impossible in a set of rules, in words; empty when it can be used.

    Examples
    --------
    >>> from pipeline.judge import criteria_files
    >>> problems(criteria_files.load("imsct_adapted_v1"))
    ()
    """
    return (*_ratio_problems(criteria), *_size_problems(criteria), *_source_problems(criteria))


def sections(criteria: ResponseCriteria) -> dict[str, Rule]:
    """Return the rules that are set, by the name of their section."""
    settings = {field.name: getattr(criteria, field.name) for field in fields(criteria)}
    return {name: value for name, value in settings.items() if isinstance(value, Rule)}


def _ratio_problems(criteria: ResponseCriteria) -> Iterator[str]:
    if not criteria.progression.ratio > 1:
        yield f"progression.ratio: expected more than 1 (1.40 is +40 %), found {criteria.progression.ratio:g}"
    if not 0 < criteria.response.ratio < 1:
        yield f"response.ratio: expected between 0 and 1 (0.35 is -65 %), found {criteria.response.ratio:g}"
    minor = criteria.minor_response
    if minor is not None and not criteria.response.ratio < minor.ratio < 1:
        yield (
            f"minor_response.ratio: expected between response.ratio {criteria.response.ratio:g} and 1, "
            f"found {minor.ratio:g}"
        )


def _size_problems(criteria: ResponseCriteria) -> Iterator[str]:
    for name, rule in sections(criteria).items():
        for field in fields(rule):
            value = getattr(rule, field.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 <= value < float("inf"):
                yield f"{name}.{field.name}: expected a number of 0 or more, found {value:g}"
    if criteria.clinical is not None and criteria.clinical.assessments < 1:
        yield f"clinical.assessments: expected 1 or more, found {criteria.clinical.assessments}"
    if criteria.sequences is not None and not all(name.strip() for name in criteria.sequences.mandatory or ("",)):
        yield "sequences.mandatory: expected at least one sequence such as T2w, found none"
    if criteria.mixed is not None and criteria.mixed.complete_beside_stable not in (Category.SD, Category.PR):
        yield f"mixed.complete_beside_stable: expected SD or PR, found {criteria.mixed.complete_beside_stable}"
    again = criteria.reappearance
    if again is not None and 0 in (again.min_volume_mm3, again.min_longest_mm):
        yield (
            "reappearance: expected a volume and a length over 0, or any speck is progression; "
            "leave the section out where that is meant"
        )


def _source_problems(criteria: ResponseCriteria) -> Iterator[str]:
    for name, rule in {"the file": criteria, **sections(criteria)}.items():
        if not rule.source.strip():
            yield f"{name}: expected a source (paper, DOI or 'proposal of ...'), found none"
    for name in ("criteria_id", "version", "title"):
        if not getattr(criteria, name).strip():
            yield f"{name}: expected some text, found none"
