"""The records of how scans were made, and what changed between visits: part of ``records``, which others import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Acquisition:
    """How one scan was made, as its sidecar and its grid say (see ``domain/protocol.py``); None where not recorded.

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
