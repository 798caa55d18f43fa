"""One frozen record per table of the store: the fields are the columns, in the same order.

Records travel between steps, into the JSON sidecars beside each derivative and into the database; a test holds
them and the store's schema together. Nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipeline.core import cohort_records, context_records, lesion_records

ActEffect = context_records.ActEffect
BestResponse = context_records.BestResponse
Closure = context_records.Closure
CohortShare = cohort_records.CohortShare
CompartmentCourse = context_records.CompartmentCourse
Description = lesion_records.Description
DescriptionChange = lesion_records.DescriptionChange
Endpoint = context_records.Endpoint
Fits = lesion_records.Fits
FunctionScore = context_records.FunctionScore
GrowthRate = context_records.GrowthRate
JournalHead = context_records.JournalHead
KindEvidence = cohort_records.KindEvidence
LesionAssessment = lesion_records.LesionAssessment
LesionComponent = lesion_records.LesionComponent
Neuraxis = context_records.Neuraxis
NewSignal = context_records.NewSignal
NextScan = context_records.NextScan
OpenQuestion = context_records.OpenQuestion
PublishedPatient = context_records.PublishedPatient
ReadingAssessment = lesion_records.ReadingAssessment
Resection = context_records.Resection
SeriesEstimate = context_records.SeriesEstimate
StoredCourse = context_records.StoredCourse
WorseBeside = context_records.WorseBeside
Treatment = context_records.Treatment


@dataclass(frozen=True)
class Study:
    """The study folder that was read."""

    name: str
    is_synthetic: bool
    default_criteria_id: str
    content_sha256: str


@dataclass(frozen=True)
class Patient:
    """One row of ``participants.tsv``; ``last_contact_on`` is the last day the patient was known to be alive.

    ``died_by`` and ``last_contact_by`` are the last days that these may have been on, of a month or a year.
    ``syndrome`` is a code (``core.syndromes``), as are ``mycn`` and ``h3_k27`` (``core.markers``); ``is_enhancing``
    says whether the tumour takes up contrast agent.
    """

    patient_id: str
    sex: str | None = None
    age_years: float | None = None
    histology: str | None = None
    who_grade: str | None = None
    level: str | None = None
    syndrome: str | None = None
    centre: str | None = None
    died_on: date | None = None
    last_contact_on: date | None = None
    is_enhancing: bool | None = None
    mycn: str | None = None
    h3_k27: str | None = None
    died_by: date | None = None
    last_contact_by: date | None = None


@dataclass(frozen=True)
class Visit:
    """One session; ``status`` is usable, undated or failed, and ``status_reason`` says why in words.

    ``acquired_by`` is the last day that it may have been on, where only a month or a year is known, ``acquired_at`` the
    time of day (HH:MM:SS). ``leptomeningeal``: seeding along the meninges seen, looked for and not seen, or None.
    ``table_scans``: digests of the scans of a table that it is, in a row, which acts are bound to.
    """

    patient_id: str
    session_id: str
    acquired_on: date | None
    is_reference: bool
    status: str
    status_reason: str | None = None
    acquired_by: date | None = None
    acquired_at: str | None = None
    leptomeningeal: bool | None = None
    table_scans: str | None = None


@dataclass(frozen=True)
class Scan:
    """One image file of a visit; ``path`` is relative to the study folder."""

    patient_id: str
    session_id: str
    path: str
    contrast: str
    is_anchor: bool
    sha256: str
    plane: str | None = None
    chunk: str | None = None
    spacing_i_mm: float | None = None
    spacing_j_mm: float | None = None
    spacing_k_mm: float | None = None
    unreadable_reason: str | None = None


@dataclass(frozen=True)
class Registration:
    """How one scan was brought to the patient's reference visit, or to its own visit's anchor scan.

    ``role`` is ``visit_to_reference`` or ``sequence_to_anchor``; paths of files are relative to the output folder.
    """

    patient_id: str
    session_id: str
    moving_path: str
    fixed_path: str
    role: str
    method: str
    grade: str
    grade_reasons: str
    local_correlation: float | None
    inverse_consistency_mm: float | None
    jacobian_min: float | None
    jacobian_max: float | None
    coverage_ratio: float | None
    transform_path: str | None
    aligned_path: str | None
    input_sha256: str
    software: str


@dataclass(frozen=True)
class Segmentation:
    """One mask of one compartment at one visit.

    ``folder`` says where ``path`` is relative to: ``study`` for masks people drew, ``output`` for automatic ones.
    ``spread_cv`` is the standard error of ln V from how far apart the ways end in which an automatic mask was found,
    ``signal_cv`` the standard deviation of ln V that unexplained signal gives it, ``shrinkage_cv`` that of being found
    clearly smaller than drawn, or of having shrunk unseen.
    """

    patient_id: str
    session_id: str
    compartment: str
    source: str
    mask_origin: str
    folder: str
    path: str
    scan_path: str
    sha256: str
    is_primary: bool
    method: str
    note: str | None
    software: str
    spread_cv: float | None = None
    signal_cv: float | None = None
    shrinkage_cv: float | None = None


@dataclass(frozen=True)
class Measurement:
    """One compartment measured at one visit in the native grid; None with a reason where it could not be.

    ``bound_reason`` says why there may be more of it than was measured: the sizes are lower bounds then.
    """

    patient_id: str
    session_id: str
    compartment: str
    source: str
    volume_mm3: float | None
    volume_cv: float | None
    cv_source: str | None
    mask_origin: str | None
    slices_spanned: int | None
    axial_long_mm: float | None
    axial_perpendicular_mm: float | None
    length_mm: float | None
    component_count: int | None
    missing_reason: str | None
    product_mm2: float | None = None
    longest_mm: float | None = None
    bound_reason: str | None = None


def unmeasured(patient_id: str, session_id: str, compartment: str, source: str, reason: str) -> Measurement:
    """Return the row of a compartment that could not be measured, or may not count, with the reason in words."""
    return Measurement(patient_id, session_id, compartment, source, *(None,) * 9, missing_reason=reason)


@dataclass(frozen=True)
class CordProfile:
    """The cross-section of one compartment in every millimetre along the cord, at one visit.

    ``areas_mm2`` holds one number per millimetre from ``start_mm`` on towards the head, separated by blanks; ``x``
    where the scan does not reach. ``line_source`` is cord mask or lesion axis, of the visit ``line_session_id``.
    """

    patient_id: str
    session_id: str
    compartment: str
    line_source: str
    line_session_id: str
    start_mm: float
    areas_mm2: str


@dataclass(frozen=True)
class Shape:
    """Where one compartment lies along the cord at one visit, and how it looks; None with a reason where unknown."""

    patient_id: str
    session_id: str
    compartment: str
    line_source: str | None = None
    along_length_mm: float | None = None
    centre_position_mm: float | None = None
    largest_area_mm2: float | None = None
    largest_area_position_mm: float | None = None
    cord_share_ratio: float | None = None
    missing_reason: str | None = None
    signal_mean: float | None = None
    signal_spread_ratio: float | None = None
    margin_width_mm: float | None = None
    margin: str | None = None
    margin_reason: str | None = None
    enhancing_ratio: float | None = None
    enhancement: str | None = None
    enhancement_reason: str | None = None
    adc_mean: float | None = None


@dataclass(frozen=True)
class Disc:
    """One disc label of one visit and where it lies along the patient's centre line; None with a reason.

    ``is_used``: the patient's levels were taken from this visit's labels.
    """

    patient_id: str
    session_id: str
    number: int
    name: str
    position_mm: float | None
    missing_reason: str | None
    is_used: bool
    label_origin: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Level:
    """Between which vertebrae one compartment lies at one visit; ends are positions along the centre line.

    A level is None where it is not known, and ``missing_reason`` says why.
    """

    patient_id: str
    session_id: str
    compartment: str
    upper_end_mm: float | None = None
    lower_end_mm: float | None = None
    upper_level: str | None = None
    lower_level: str | None = None
    label_session_id: str | None = None
    missing_reason: str | None = None


@dataclass(frozen=True)
class Acquisition:
    """How one scan was made, as its sidecar and its grid say (``acquisition/protocol.py``); None where not recorded.

    ``device`` is a token that stands for the scanner, never its number. ``scanner_key`` is None where too little is
    recorded to tell the scanner from another, and ``missing_reason`` says so.
    """

    patient_id: str
    session_id: str
    path: str
    manufacturer: str | None = None
    model: str | None = None
    field_tesla: float | None = None
    device: str | None = None
    software: str | None = None
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    flip_angle_deg: float | None = None
    slice_thickness_mm: float | None = None
    slice_mm: float | None = None
    pixel_mm: float | None = None
    scanner_key: str | None = None
    scanner_name: str | None = None
    protocol_name: str | None = None
    missing_reason: str | None = None


@dataclass(frozen=True)
class ProtocolChange:
    """What differs between the measured scans of a visit and of an earlier one: same, changed or cannot tell each.

    ``is_visit_before``: the earlier visit is the usable one just before; the others are those that judgement picked.
    """

    patient_id: str
    session_id: str
    compared_session_id: str
    is_visit_before: bool
    scanner: str
    software: str
    protocol: str
    changes: str | None = None
    unknown: str | None = None


@dataclass(frozen=True)
class Criteria:
    """One criteria file as it was when it judged."""

    criteria_id: str
    version: str
    title: str
    is_adapted: bool
    metric: str
    source: str
    sha256: str
    progression_ratio: float | None
    response_ratio: float | None


@dataclass(frozen=True)
class Assessment:
    """The verdict on one visit under one set of criteria (see ``vocabulary.VisitJudgement``).

    ``category_then``, with its ``?``, ``state_then`` and ``reason_then`` are as judged on the day of the scan.
    ``left_out_mm3`` is the volume of new tumours that the criteria leave out of what they compare.
    """

    patient_id: str
    session_id: str
    criteria_id: str
    criteria_version: str
    category: str
    state: str
    display_state: str
    is_confirmed: bool
    is_provisional: bool
    epoch: int
    baseline_session_id: str | None
    nadir_session_id: str | None
    previous_session_id: str | None
    change_ratio: float | None
    detection_limit_ratio: float | None
    probability: float | None
    reason: str
    course: str
    category_then: str
    state_then: str
    reason_then: str
    clauses: str = "[]"
    change_low_ratio: float | None = None
    change_high_ratio: float | None = None
    next_nadir_session_id: str | None = None
    progression_from_mm3: float | None = None
    left_out_mm3: float = 0.0


@dataclass(frozen=True)
class Finding:
    """Something odd that a person should know: where, what was expected, what came, what to do.

    ``severity`` is error (something was left out), warning (used, but look) or note; ``step`` names the part of
    the pipeline that noticed.
    """

    code: str
    severity: str
    step: str
    path: str | None
    patient_id: str | None
    session_id: str | None
    message: str
    remedy: str


@dataclass(frozen=True)
class JournalEntry:
    """One act of a person, as the journal has it, and whether it still has an effect (see ``decisions``).

    ``written_at`` is UTC; ``mask_sha256`` is the digest of the mask that the person saw, or of the one that they drew
    instead, and then ``scan_sha256`` and ``replaces_sha256`` are those of the scan and of the mask it stands in for.
    ``component_sha256`` and ``component_at_mm`` (RAS+ mm in the visit's own scan, as text) are those of the piece of
    tumour that an act about a lesion is bound to. ``drawn_how`` is JSON: clicks and algorithm of a mask drawn in the
    page. ``finding`` and ``corrected_to`` are those of a finding that a person reads otherwise.
    """

    entry_id: str
    written_at: datetime
    who: str
    act: str
    patient_id: str
    session_id: str | None = None
    compartment: str | None = None
    mask_sha256: str | None = None
    lesion_id: str | None = None
    same_as: str | None = None
    reason: str | None = None
    undoes: str | None = None
    status: str = "in_force"
    status_reason: str | None = None
    scan_sha256: str | None = None
    replaces_sha256: str | None = None
    meeting_on: date | None = None
    component_sha256: str | None = None
    component_at_mm: str | None = None
    drawn_how: str | None = None
    finding: str | None = None
    corrected_to: str | None = None


@dataclass(frozen=True)
class Run:
    """One run that changed something."""

    run_id: str
    finished_at: datetime
    cordtrack_version: str
    software: str
    settings: str
    content_sha256: str
