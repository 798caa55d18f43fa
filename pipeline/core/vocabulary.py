"""The words of the field as types: what a visit, a treatment, a mask or a verdict is called everywhere.

Each enumeration's values are the very strings stored in the database and shown in exports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

from pipeline.core.exchange import Exchange

ANY_DAY = (date(1000, 1, 1), date(2200, 12, 31))
"""First and last day of what has no readable date at all: it may lie before scans that were shifted for privacy."""


class Compartment(StrEnum):
    """A tissue that is measured on its own; only solid tumour ever decides a response."""

    TUMOUR = "tumour"
    ENHANCING = "enhancing"
    CYST = "cyst"
    SYRINX = "syrinx"
    OEDEMA = "oedema"
    CAVITY = "cavity"
    HAEMORRHAGE = "haemorrhage"
    CORD = "cord"


class MaskOrigin(StrEnum):
    """Who or what drew a mask."""

    MANUAL = "manual"
    EDITED = "edited"
    AUTOMATIC = "automatic"


class TreatmentKind(StrEnum):
    """What was done to the tumour, or given beside it."""

    SURGERY = "surgery"
    RADIOTHERAPY = "radiotherapy"
    RADIOSURGERY = "radiosurgery"
    CHEMOTHERAPY = "chemotherapy"
    TARGETED = "targeted"
    BEVACIZUMAB = "bevacizumab"
    IMMUNOTHERAPY = "immunotherapy"
    STEROID = "steroid"
    DRAINAGE = "drainage"  # shunt, or a syrinx or cyst drained
    OTHER = "other"
    UNKNOWN = "unknown"  # written down, not understood: nothing after it is judged until somebody says what it was


SYSTEMIC = (TreatmentKind.CHEMOTHERAPY, TreatmentKind.TARGETED, TreatmentKind.BEVACIZUMAB, TreatmentKind.IMMUNOTHERAPY)
"""Treatments whose first day opens a line of systemic treatment."""


class CourseKind(StrEnum):
    """What opened a course: the stretch of a patient's history whose scans are compared with one baseline."""

    WATCHED = "watched"
    AFTER_SURGERY = "after_surgery"
    AFTER_RADIOTHERAPY = "after_radiotherapy"
    AFTER_RADIOSURGERY = "after_radiosurgery"
    LINE = "line_of_treatment"
    PINNED = "after_pinned_baseline"


class Category(StrEnum):
    """Response category in the words of the criteria."""

    CR = "CR"
    PR = "PR"
    MR = "MR"
    SD = "SD"
    PD = "PD"
    NE = "NE"


class State(StrEnum):
    """Where the disease stands at a visit; the states exclude one another (definitions in ``response``)."""

    CONTEXT = "context"  # before the baseline of its course: shown, never judged
    BASELINE = "baseline"
    RESIDUAL_STABLE = "residual_stable"  # of an operated tumour only
    STABLE = "stable"  # of a tumour that nobody operated on
    SEEN_AGAIN = "seen_again"  # after none was seen, too small or too uncertain to be called
    PROGRESSION = "progression"
    RECURRENCE = "recurrence"
    DISTANT = "distant"
    RESPONSE = "response"
    NO_EVIDENCE = "no_evidence_of_disease"
    NOT_EVALUABLE = "not_evaluable"


class DisplayState(StrEnum):
    """What the eye is told: a change beyond threshold *and* error, a possible one, none, or cannot tell."""

    GROWTH = "growth"
    POSSIBLE_GROWTH = "possible_growth"
    NO_CHANGE = "no_change"
    POSSIBLE_SHRINKAGE = "possible_shrinkage"
    SHRINKAGE = "shrinkage"
    NONE_SEEN = "none_seen"
    NOT_EVALUABLE = "not_evaluable"


@dataclass(frozen=True)
class TreatmentEvent:
    """One treatment of one patient.

    Attributes
    ----------
    started_on, ended_on
        First and last day; the same day for surgery; ``ended_on`` is None when unknown or ongoing.
    started_by, ended_by
        Last day on which it may have begun or ended, where only a month or a year is known; None where the day is.
    extent
        For surgery, as the surgeon reports it: GTR, NTR, STR, PR or biopsy.
    dose_gy
        Total dose for radiotherapy, Gy.
    dose_mg
        Daily dose of a steroid as dexamethasone, mg; None when unknown.
    written
        The kind as the table has it, where that is another word.
    started_at
        Time of its first day at which it began; None where nobody wrote it down.
    is_ongoing
        It was not over on ``ended_on``, the last day of which anything is known.
    """

    kind: TreatmentKind
    started_on: date
    ended_on: date | None = None
    extent: str | None = None
    dose_gy: float | None = None
    agent: str | None = None
    started_by: date | None = None
    ended_by: date | None = None
    dose_mg: float | None = None
    written: str | None = None
    started_at: time | None = None
    is_ongoing: bool = False


@dataclass(frozen=True)
class FunctionGrade:
    """One functional grade; grades of different scales are never pooled.

    ``assessed_by`` is the last day that may be meant, where only a month or a year is known; None where the day is.
    """

    assessed_on: date
    scale_id: str
    grade: float
    tumour_related: bool = False
    assessed_by: date | None = None


class ReadingKind(StrEnum):
    """What may be judged beside solid tumour, which alone decides (see ``judge/parallel_readings.py``)."""

    SOLID_AND_CYST = "solid_and_cyst"
    ENHANCING = "enhancing"
    T2 = "t2"
    MIXED = "mixed"  # what enhancing and T2 tumour amount to together


@dataclass(frozen=True)
class PartSize:
    """One compartment beside solid tumour at one visit: a tumour's own cyst, or the part that enhances.

    Attributes
    ----------
    volume_mm3
        0 means looked for and not there; None not measured, and ``missing_reason`` says why.
    volume_cv, cv_is_assumed, product_mm2, longest_mm, slices_spanned, bound_reason
        As of a visit's solid tumour.
    is_unsigned
        It rests on an automatic mask that nobody signed.
    """

    volume_mm3: float | None
    volume_cv: float | None = None
    cv_is_assumed: bool = False
    product_mm2: float | None = None
    longest_mm: float | None = None
    slices_spanned: int | None = None
    is_unsigned: bool = False
    missing_reason: str | None = None
    bound_reason: str | None = None


SOLID = "solid tumour"
"""What is measured unless something else is said."""
ENHANCING = "enhancing tumour"
"""The part of it that takes up contrast agent, where that is read by itself."""


@dataclass(frozen=True)
class VisitMeasure:
    """What judgement needs to know of one visit.

    Attributes
    ----------
    acquired_by
        Last day on which it may have been scanned, where only a month or a year is known; None where the day is.
    acquired_at
        Time of the scan on its day; None where nobody wrote it down.
    volume_mm3
        Solid tumour, native grid, mm³; 0 means a mask was read, covered the region and was empty; None means
        unknown, and then ``missing_reason`` says why in words.
    volume_cv
        Coefficient of variation of the measurement (dimensionless); None when the volume is 0 or None.
    cv_is_assumed
        It comes from the geometric model alone; neither a table nor repeat reads nor the scan itself tell it.
    product_mm2
        Largest axial diameter times its perpendicular, summed over lesions, mm²; None when not measured.
    longest_mm
        Sum of longest diameters, mm; None when not measured.
    slices_spanned
        Number of slices the tumour crosses; None when unknown.
    plane
        ``sagittal``, ``axial``, ``coronal`` or ``isotropic``; None when there is no image.
    contrast
        Sequence that the tumour was measured on, such as ``T2w`` or ``T1w_ce``; None for imported numbers.
    contrasts
        Sequences of the visit that can be read; None for imported numbers.
    certificate
        Alignment grade A, B or C; None for the reference visit and for imported numbers.
    new_lesion
        A person or the lesion matching found an unequivocal new lesion at this visit.
    withdrawn_on, withdrawn_words
        Day on which a person withdrew the new lesion (no tumour, by histology for instance), and who, when and why in
        words; None where nobody did. Before that day it was one.
    leptomeningeal
        Seeding along the meninges, a drop metastasis included: seen, looked for and not seen, or None (not imaged).
    enhancing_mm3
        Part of the tumour that takes up contrast agent, mm³; 0 means looked for and not there, None not measured.
    new_tumour_mm3
        Part of ``volume_mm3`` in tumours that were not there when somebody first looked, mm³; it is left out of the
        judged volume in syndromes that make new tumours by themselves.
    bound_reason
        Why there may be more tumour than was measured, in words: the sizes are lower bounds then, which prove growth
        and nothing else; None where they are whole.
    subject
        What the sizes are of, in words.
    cyst, enhancing
        Compartments that are judged beside the tumour; None where nobody looked for them.
    exchanges
        Of one lesion by itself: what it had exchanged with others on scans up to this one, until somebody settles it.
    """

    session_id: str
    acquired_on: date
    volume_mm3: float | None
    volume_cv: float | None = None
    cv_is_assumed: bool = False
    product_mm2: float | None = None
    longest_mm: float | None = None
    slices_spanned: int | None = None
    mask_origin: MaskOrigin | None = None
    plane: str | None = None
    contrast: str | None = None
    contrasts: frozenset[str] | None = None
    certificate: str | None = None
    new_lesion: bool = False
    leptomeningeal: bool | None = None
    enhancing_mm3: float | None = None
    new_tumour_mm3: float = 0.0
    signed_off: bool = False
    missing_reason: str | None = None
    bound_reason: str | None = None
    acquired_by: date | None = None
    acquired_at: time | None = None
    withdrawn_on: date | None = None
    withdrawn_words: str | None = None
    subject: str = SOLID
    cyst: PartSize | None = None
    enhancing: PartSize | None = None
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True)
class PatientCourse:
    """Everything judgement may look at for one patient, visits in any order.

    ``pinned_by`` says in words who pinned a baseline and when, by session, ``pinned_on`` the day from which on that
    was known; without one it always was. ``died_on`` and ``last_contact_on`` (the
    last day known to be alive) are None unless the study says so. ``is_enhancing`` says whether the tumour as a whole
    takes up contrast agent; None where nobody said so. ``undated`` holds scans that were measured and whose day nobody
    can tell: they get no verdict of their own, and others stand only where no day of theirs would change them.
    """

    patient_id: str
    visits: tuple[VisitMeasure, ...]
    treatments: tuple[TreatmentEvent, ...] = ()
    function_scores: tuple[FunctionGrade, ...] = ()
    histology: str | None = None
    syndrome: str | None = None
    pinned_baselines: tuple[str, ...] = ()
    pinned_by: Mapping[str, str] = field(default_factory=dict)
    pinned_on: Mapping[str, date] = field(default_factory=dict)
    died_on: date | None = None
    last_contact_on: date | None = None
    is_enhancing: bool | None = None
    undated: tuple[VisitMeasure, ...] = ()


@dataclass(frozen=True)
class SeriesNumbers:
    """What all readings of a volume since the baseline say at one visit; None where unknown.

    Attributes
    ----------
    volume_mm3, low_mm3, high_mm3
        The true volume with its 95 % interval.
    baseline, nadir, previous, smallest
        Ends of the 95 % interval of its ratio to that visit's true volume.
    smallest_session_id
        The visit with the smallest volume since the last surgery, this one aside.
    limit_ratio
        Factor, up or down, from the nadir's reading on that would be beyond the error of all readings; of what is never
        judged alone, as a judgement has its own.
    """

    volume_mm3: float | None = None
    low_mm3: float | None = None
    high_mm3: float | None = None
    baseline: tuple[float, float] | None = None
    nadir: tuple[float, float] | None = None
    previous: tuple[float, float] | None = None
    smallest: tuple[float, float] | None = None
    smallest_session_id: str | None = None
    limit_ratio: float | None = None


@dataclass(frozen=True)
class VisitJudgement:
    """The verdict on one visit under one set of criteria, with the visits it was judged against.

    The fields without ``_then`` are as known now, those with it as judged on the day, without anything later.

    Attributes
    ----------
    epoch, course
        Number and kind of the course that it was judged in.
    is_undecided
        Not evaluable only because a treatment's kind or a day is not known.
    confirmed
        False while a CR, PR or progression still awaits its confirming scan (shown with a ``?``).
    provisional
        True when the call rests on an automatic mask nobody signed.
    change_ratio
        Current volume (or other metric) over the reference it was compared with; None when there is none.
    detection_limit_ratio
        Smallest factor, up or down as the reading went, that would be called beyond the error of all scans since the
        baseline; None when unknown.
    probability
        P(true change lies beyond the threshold of what is shown), 0..1; None when it cannot be said.
    reason
        One sentence naming the visits, numbers and rule used.
    change_low_ratio, change_high_ratio
        95 % interval of the true change that ``change_ratio`` reads, by all scans since the baseline; None when
        unknown.
    clauses
        Its parts as data, in JSON (see ``judge/clauses.py``).
    series
        What all volumes of the course say at the visit; None where it was not compared.
    next_nadir_session_id
        The nadir from this scan on, which may be this scan; None when nothing was compared.
    progression_from_mm3
        Volume from which the next scan is progression by size, mm³; None when nothing was compared, where the criteria
        measure no volumes, and from nothing.
    """

    session_id: str
    acquired_on: date
    criteria_id: str
    criteria_version: str
    category: Category
    state: State
    display_state: DisplayState
    confirmed: bool
    provisional: bool
    epoch: int
    baseline_session_id: str | None
    nadir_session_id: str | None
    previous_session_id: str | None
    change_ratio: float | None
    detection_limit_ratio: float | None
    probability: float | None
    reason: str
    change_low_ratio: float | None = None
    change_high_ratio: float | None = None
    course: CourseKind = CourseKind.WATCHED
    category_then: Category = Category.NE
    confirmed_then: bool = True
    state_then: State = State.NOT_EVALUABLE
    reason_then: str = ""
    is_undecided: bool = False
    clauses: str = "[]"
    series: SeriesNumbers | None = None
    next_nadir_session_id: str | None = None
    progression_from_mm3: float | None = None

    @property
    def is_proven_progression(self) -> bool:
        """Progression that counts as an event: not within the error of all scans, not preliminary, on signed masks.

        Where nobody knows the error, as of diameters alone, the published rule stands.
        """
        within_error = self.display_state == DisplayState.POSSIBLE_GROWTH and self.detection_limit_ratio is not None
        return self.category == Category.PD and self.confirmed and not self.provisional and not within_error

    @property
    def category_shown(self) -> str:
        """The category as known now, with a ``?`` while its confirming scan is awaited."""
        return _shown(self.category, confirmed=self.confirmed)

    @property
    def category_then_shown(self) -> str:
        """The category as judged on the day, with a ``?`` while its confirming scan was awaited."""
        return _shown(self.category_then, confirmed=self.confirmed_then)


def _shown(category: Category, *, confirmed: bool) -> str:
    settled = confirmed or category in (Category.SD, Category.NE)
    return f"{category}{'' if settled else '?'}"
