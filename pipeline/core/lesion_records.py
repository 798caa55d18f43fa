"""Records of single lesions and of readings beside the total: pieces at each visit, and the verdicts on them.

As in ``records``, the fields are the columns of the store's tables; nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LesionComponent:
    """One connected piece of tumour at one visit, with the identity that it keeps over time.

    ``status`` is persistent, new, split, merged, resolved or not_assessable; the centre is in the reference space.
    ``component_sha256`` is the digest of the piece's voxels and ``scan_*_mm`` its centre in the visit's own scan, RAS+
    mm; ``named_as`` is its name before any correction by a person; ``missing_reason`` says why there is no volume.
    """

    patient_id: str
    session_id: str
    lesion_id: str
    component_id: int
    status: str
    volume_mm3: float | None
    centre_x_mm: float | None
    centre_y_mm: float | None
    centre_z_mm: float | None
    component_sha256: str | None = None
    scan_x_mm: float | None = None
    scan_y_mm: float | None = None
    scan_z_mm: float | None = None
    named_as: str | None = None
    missing_reason: str | None = None


@dataclass(frozen=True)
class Description:
    """One finding of one lesion at one visit (``description/finding_terms.py``).

    ``value`` is a term, ``number`` the measure behind it with its 95 % interval in ``unit``; where nothing is said
    ``reason`` says why. ``scans`` are the paths it was taken from, separated by semicolons.
    """

    patient_id: str
    session_id: str
    lesion_id: str
    finding: str
    value: str | None = None
    number: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    sureness: str | None = None
    reason: str | None = None
    scans: str | None = None


@dataclass(frozen=True)
class DescriptionChange:
    """What became of a finding since the visit before at which it was told (``description/finding_change.py``).

    ``course`` is changed, unchanged or cannot be compared, and then ``reason`` says why; ``value_before`` and
    ``number_before`` are those of the visit ``compared_session_id``.
    """

    patient_id: str
    session_id: str
    lesion_id: str
    finding: str
    compared_session_id: str
    course: str
    reason: str | None = None
    value_before: str | None = None
    number_before: float | None = None


@dataclass(frozen=True)
class Fits:
    """A published frequency of one finding in one histology beside the sure term of the last visit that has one.

    ``people`` is None where that was not passed on; ``note`` says what does not fit the recorded histology.
    """

    patient_id: str
    lesion_id: str
    session_id: str
    finding: str
    value: str
    histology: str
    is_recorded: bool
    term: str
    low_percent: float
    high_percent: float
    people: int | None
    source: str
    note: str | None = None


@dataclass(frozen=True)
class LesionAssessment:
    """The verdict on one lesion at one visit under one set of criteria, judged as a course of its own.

    Baseline, nadir and the rest are as in ``Assessment``. ``is_worst``: no lesion of this visit stands worse under
    these criteria. ``missing_reason`` says why the lesion has no size here.
    """

    patient_id: str
    session_id: str
    lesion_id: str
    criteria_id: str
    criteria_version: str
    category: str
    state: str
    display_state: str
    is_confirmed: bool
    is_provisional: bool
    is_worst: bool
    epoch: int
    course: str
    baseline_session_id: str | None
    nadir_session_id: str | None
    volume_mm3: float | None
    volume_cv: float | None
    change_ratio: float | None
    detection_limit_ratio: float | None
    probability: float | None
    missing_reason: str | None
    reason: str
    category_then: str
    state_then: str
    reason_then: str
    clauses: str = "[]"


@dataclass(frozen=True)
class ReadingAssessment:
    """The verdict of one reading beside solid tumour at one visit (``judge/parallel_readings.py``).

    ``reading`` is solid_and_cyst, enhancing, t2 or mixed, which has no size of its own; the rest is as in
    ``Assessment``. ``is_different``: it says another category or change than solid tumour alone.
    """

    patient_id: str
    session_id: str
    reading: str
    criteria_id: str
    criteria_version: str
    category: str
    state: str
    display_state: str
    is_confirmed: bool
    is_provisional: bool
    is_different: bool
    epoch: int
    course: str
    baseline_session_id: str | None
    nadir_session_id: str | None
    volume_mm3: float | None
    volume_cv: float | None
    change_ratio: float | None
    change_low_ratio: float | None
    change_high_ratio: float | None
    detection_limit_ratio: float | None
    probability: float | None
    reason: str
    category_then: str
    state_then: str
    reason_then: str
    clauses: str = "[]"
