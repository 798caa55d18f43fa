"""The records of a visit's context: what a board asks beside the verdict. ``records`` offers them with all others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class CompartmentCourse:
    """What became of cyst, syrinx, oedema, cavity or haemorrhage by one visit (``context/other_compartments.py``)."""

    patient_id: str
    session_id: str
    compartment: str
    course: str
    compared_session_id: str | None
    reason: str


@dataclass(frozen=True)
class Resection:
    """One surgery with the extent the surgeon reported and the one that two scans show (``context/resection.py``)."""

    patient_id: str
    operated_on: date
    extent_surgeon: str | None
    extent_mri: str | None
    before_session_id: str | None
    after_session_id: str | None
    is_contradiction: bool
    is_provisional: bool
    reason: str


@dataclass(frozen=True)
class GrowthRate:
    """Growth of solid tumour over one stretch without treatment (``context/growth_rate.py``); rates are per year."""

    patient_id: str
    criteria_id: str
    epoch: int
    first_session_id: str
    last_session_id: str
    scan_count: int
    days: int
    specific_per_year: float
    specific_low_per_year: float | None
    specific_high_per_year: float | None
    doubling_time_days: float | None
    diameter_mm_per_year: float
    diameter_low_mm_per_year: float | None
    diameter_high_mm_per_year: float | None
    length_mm_per_year: float | None
    length_low_mm_per_year: float | None
    length_high_mm_per_year: float | None
    residual_sd: float | None
    error_sd: float | None
    detectable_on: date | None
    is_provisional: bool


@dataclass(frozen=True)
class BestResponse:
    """The best response of one course by confirmed scans or by single ones (``judge/best_response.py``)."""

    patient_id: str
    criteria_id: str
    epoch: int
    look: str
    course: str
    cause: str
    best: str
    baseline_session_id: str | None
    time_zero_on: date | None
    best_on: date | None
    lasts_from_on: date | None
    ended_on: date | None
    is_event: bool | None
    is_provisional: bool
    reason: str


@dataclass(frozen=True)
class Endpoint:
    """One time-to-event outcome of one patient under one set of criteria.

    ``endpoint_id`` is ttp, pfs, rfs, local_control, os or any_lesion; an event or a censoring happened on ``ended_on``.
    The time lies between ``shortest_days`` and ``longest_days`` where a day is known only as a month or a year; else
    they are None. ``is_competing``: ended by what makes the event impossible to see, neither event nor censoring.
    """

    patient_id: str
    criteria_id: str
    endpoint_id: str
    time_zero_on: date
    ended_on: date
    is_event: bool
    reason: str
    shortest_days: int | None = None
    longest_days: int | None = None
    is_competing: bool = False


@dataclass(frozen=True)
class NextScan:
    """When a published schedule would have a patient's next scan (see ``surveillance.DueScan``)."""

    patient_id: str
    surveillance_id: str
    schedule_id: str
    counted_from: date
    due_on: date | None
    overdue_from: date | None
    interval_days: int | None
    rule: str
    source: str
    closer_reason: str | None = None
    assumed: str | None = None


@dataclass(frozen=True)
class NewSignal:
    """A place that a scan shows brighter than an earlier one without tumour explains (see ``refind/new_signal.py``).

    A flag for a person, never a measurement: ``approximate_mm3`` is about right only. ``number`` counts a visit's
    places, the largest first; its middle, RAS+ mm, in the visit's own scan and in that of the reference visit.
    """

    patient_id: str
    session_id: str
    number: int
    compared_session_id: str
    approximate_mm3: float
    right_mm: float
    anterior_mm: float
    superior_mm: float
    reference_right_mm: float
    reference_anterior_mm: float
    reference_superior_mm: float


@dataclass(frozen=True)
class Treatment:
    """One row of ``treatments.tsv``; ``started_by`` and ``ended_by`` are the latest days where only a span is known.

    ``written`` is the kind in the table's own words where they differ; ``dose_mg`` a steroid's as dexamethasone a day;
    ``started_at`` the time of the first day (HH:MM:SS).
    """

    patient_id: str
    started_on: date
    kind: str
    ended_on: date | None = None
    extent: str | None = None
    dose_gy: float | None = None
    agent: str | None = None
    started_by: date | None = None
    ended_by: date | None = None
    dose_mg: float | None = None
    written: str | None = None
    started_at: str | None = None


@dataclass(frozen=True)
class FunctionScore:
    """One row of ``function.tsv``; ``assessed_by`` is the last possible day where only a month or a year is known."""

    patient_id: str
    assessed_on: date
    scale_id: str
    grade: float
    tumour_related: bool = False
    assessed_by: date | None = None


@dataclass(frozen=True)
class SeriesEstimate:
    """What all readings since the baseline say of one compartment at one judged visit (``judge/series_numbers.py``).

    ``volume_mm3`` is the true volume as all readings tell it, the ratios are ends of the 95 % intervals of its change
    since the visits compared with; None where unknown. ``smallest_session_id`` is the smallest since the last surgery,
    ``limit_ratio`` the factor from the nadir on that all readings would call; None of the tumour, whose verdict has it.
    """

    patient_id: str
    session_id: str
    criteria_id: str
    compartment: str
    volume_mm3: float | None = None
    low_mm3: float | None = None
    high_mm3: float | None = None
    baseline_low_ratio: float | None = None
    baseline_high_ratio: float | None = None
    nadir_low_ratio: float | None = None
    nadir_high_ratio: float | None = None
    previous_low_ratio: float | None = None
    previous_high_ratio: float | None = None
    smallest_session_id: str | None = None
    smallest_low_ratio: float | None = None
    smallest_high_ratio: float | None = None
    limit_ratio: float | None = None


@dataclass(frozen=True)
class Closure:
    """How far the ways to a visit differ over the lesion: straight from the reference, and by an earlier visit, mm."""

    patient_id: str
    session_id: str
    through_session_id: str
    closure_mm: float


@dataclass(frozen=True)
class OpenQuestion:
    """One open question about a patient under one set of criteria (``judge/urgency.py``).

    ``number`` counts a patient's questions, the most urgent first; ``rank`` is the place of its kind on the board.
    ``brief`` says in a few words what ``words`` says with its numbers.
    """

    patient_id: str
    criteria_id: str
    number: int
    question: str
    rank: int
    needs_decision: bool
    words: str
    brief: str


@dataclass(frozen=True)
class WorseBeside:
    """What is worse about a patient that the state by volume does not show (``judge/standing.py``)."""

    patient_id: str
    criteria_id: str
    beside: str


@dataclass(frozen=True)
class StoredCourse:
    """What judgement looked at for one patient, as text (``judge/course_text.py``)."""

    patient_id: str
    course: str


@dataclass(frozen=True)
class ActEffect:
    """The latest verdict by the criteria shown first as it would be without one act (``run/steps/judge_without.py``).

    ``is_same`` says that leaving the act out changes nothing of it. ``reading`` names the reading beside solid tumour
    that the verdict is of, for acts that bear on that alone; None for the verdict on the patient.
    """

    patient_id: str
    entry_id: str
    criteria_id: str
    session_id: str
    category: str
    state: str
    display_state: str
    is_confirmed: bool
    is_provisional: bool
    change_ratio: float | None
    reason: str
    clauses: str
    is_same: bool
    reading: str | None = None


@dataclass(frozen=True)
class Neuraxis:
    """One visit's form of the whole neuraxis, with what follows from it (``context/neuraxis.py``)."""

    patient_id: str
    session_id: str
    brain: str | None
    cervical: str | None
    thoracic: str | None
    lumbar: str | None
    contrast: str | None
    brain_nodules: str | None
    brain_linear: str | None
    hydrocephalus: str | None
    spine_nodules: str | None
    spine_linear: str | None
    csf_cytology: str | None
    reader: str | None
    leptomeningeal: str
    present: str | None
    missing: str | None


@dataclass(frozen=True)
class JournalHead:
    """How far a file of the journal, named from the output folder, went when results were published."""

    file: str
    line_count: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class PublishedPatient:
    """What one patient's rows were published from, so that the next run rewrites only what changed.

    ``input_sha256`` names everything that its finished step depended on, ``beside_sha256`` what is laid beside the
    step's rows as they are published (findings of the study folder, acts of people), ``content_sha256`` the rows.
    """

    patient_id: str
    input_sha256: str
    beside_sha256: str
    content_sha256: str
