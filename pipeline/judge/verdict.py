"""What one visit shows and what was made of it, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.exchange import Exchange
from pipeline.core.vocabulary import Category, DisplayState, State, TreatmentEvent, VisitMeasure
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Reference, ResponseCriteria, Window
from pipeline.judge.epochs import SeenBefore, is_unsigned


@dataclass(frozen=True)
class Evidence:
    """What a visit shows against the earlier visits of its epoch.

    Attributes
    ----------
    baseline, nadir
        Comparisons with those visits; None when the visit cannot be compared.
    previous
        Latest earlier visit that could be compared.
    unusable
        Why the visit cannot be compared, in words; None when it can.
    new_lesion
        The visit at which a new lesion that counts was first seen in this epoch.
    new_tumour_elsewhere
        A new lesion that does not count, because the patient's syndrome makes new tumours.
    decline
        Loss of function caused by the tumour, in words; empty for none.
    window
        The window in which growth is preliminary, and the treatment that opened it.
    seeding
        Tumour along the meninges, or a drop metastasis, is why the new lesion counts.
    no_response
        Why a shrinkage that reaches the rule of a response is none, in words; None where nothing hinders it.
    smallest
        The smallest size since the last surgery, where an earlier course had a smaller one than this one's nadir.
    undecided
        It is unusable only because a treatment's kind or day is not known.
    scans
        Those that compare, from the baseline on, before this one.
    before
        At a baseline: the last scan that an earlier course judged and that compares with it; None for none.
    unjudged
        At a baseline made before its course: why the course that it lies in does not judge it, in words.
    seen_before
        Whether tumour on it came again, or is the first that anybody saw (``epochs.seen_before``).
    exchanged
        What other lesions lost as this one grew, where it has not grown by the rule without it; empty elsewhere.
    same_day
        The scan before it on its day that does not show the growth which it shows; None for none.
    asked
        The earlier scan whose possible growth this one, the next that compares, has to answer; None for none.
    """

    baseline: Comparison | None = None
    nadir: Comparison | None = None
    previous: VisitMeasure | None = None
    unusable: str | None = None
    new_lesion: VisitMeasure | None = None
    new_tumour_elsewhere: bool = False
    decline: str = ""
    window: tuple[Window, TreatmentEvent] | None = None
    seeding: bool = False
    no_response: str | None = None
    smallest: VisitMeasure | None = None
    undecided: bool = False
    asked: VisitMeasure | None = None
    scans: tuple[VisitMeasure, ...] = ()
    before: VisitMeasure | None = None
    unjudged: str = ""
    seen_before: SeenBefore = SeenBefore.YES
    exchanged: tuple[Exchange, ...] = ()
    same_day: VisitMeasure | None = None

    def next_nadir(self, visit: VisitMeasure) -> VisitMeasure | None:
        """Return the nadir that the next scan is held against: this one's, or the visit itself where it is smaller.

        Of two equal ones the first is the nadir. None when the visit cannot be compared.
        """
        if self.nadir is None:
            return None
        return visit if self.nadir.value < self.nadir.reference_value else self.nadir.reference

    def reference(self, criteria: ResponseCriteria) -> Comparison | None:
        """Return the comparison that growth is measured by."""
        return self.baseline if criteria.progression.reference == Reference.BASELINE else self.nadir


@dataclass(frozen=True)
class Verdict:
    """Category, state and display of one visit with the evidence for them.

    Attributes
    ----------
    grown
        Growth by the criteria's rule is proven.
    preliminary
        That progression needs a second scan: in a window, or on too few slices of one scan.
    wait_days
        How much later the second scan must be, days.
    confirmed
        False while a second scan is awaited.
    settled_by
        The scan that confirmed or refuted a preliminary progression or a response.
    ended_by
        The later scan that shows an unconfirmed response no more, so that none can confirm it; the next scan that
        shows a progression no more.
    ends
        The progression before that this scan shows no more.
    passed_over
        An unsigned scan that would have been the nadir, had somebody signed it.
    days_that_decide
        What is known only as a month or a year and changes nothing here, in words; empty for nothing.
    quiet_state
        The state were it no progression.
    """

    visit: VisitMeasure
    category: Category
    state: State
    display: DisplayState
    evidence: Evidence
    grown: bool = False
    preliminary: bool = False
    confirmed: bool = True
    settled_by: VisitMeasure | None = None
    ended_by: VisitMeasure | None = None
    ends: VisitMeasure | None = None
    passed_over: VisitMeasure | None = None
    wait_days: int = 0
    days_that_decide: str = ""
    quiet_state: State = State.NOT_EVALUABLE

    @property
    def is_judged(self) -> bool:
        """The visit could be compared with the baseline of its epoch."""
        return self.evidence.nadir is not None

    @property
    def is_seen_where_none_was(self) -> bool:
        """The scan shows tumour and its nadir none."""
        nadir = self.evidence.nadir
        return nadir is not None and nadir.reference_value == 0 < nadir.value

    @property
    def is_refuted(self) -> bool:
        """Preliminary progression that the next scan did not confirm."""
        return self.preliminary and self.category != Category.PD

    @property
    def is_provisional(self) -> bool:
        """The call rests on an automatic mask that nobody signed, here or at a visit it is compared with."""
        if self.state in (State.CONTEXT, State.NOT_EVALUABLE):
            return False
        scan_pairs = (self.evidence.baseline, self.evidence.nadir)
        return any(is_unsigned(visit) for visit in (self.visit, *(c.reference for c in scan_pairs if c is not None)))

    def compared_with(self, criteria: ResponseCriteria) -> Comparison | None:
        """Return the comparison that the category rests on: with the baseline for a response."""
        if self.category in (Category.CR, Category.PR, Category.MR):
            return self.evidence.baseline
        return self.evidence.reference(criteria)

    def threshold_ratio(self, criteria: ResponseCriteria) -> float:
        """Return the threshold that belongs to the category."""
        if self.category in (Category.CR, Category.PR):
            return criteria.response.ratio
        if self.category == Category.MR and criteria.minor_response is not None:
            return criteria.minor_response.ratio
        return criteria.progression.ratio

    def reference_visit(self, name: str) -> VisitMeasure | None:
        """Return the ``baseline`` or ``nadir`` visit compared with; None when there is none."""
        scan_pair: Comparison | None = getattr(self.evidence, name)
        return scan_pair.reference if scan_pair is not None else None
