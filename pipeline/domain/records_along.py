"""The records of what lies where along the cord, and how it looks: part of ``records``, which others import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Closure:
    """How far the ways to a visit differ over the lesion: straight from the reference, and by an earlier visit, mm."""

    patient_id: str
    session_id: str
    through_session_id: str
    closure_mm: float


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
class LesionComponent:
    """One connected piece of tumour at one visit, with the identity that it keeps over time.

    ``status`` is persistent, new, split, merged, resolved or not_assessable; the centre is in the reference space.
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
