"""Rows of the tiny store about single lesions: pieces, verdicts, readings, and what the scans say of them."""

from __future__ import annotations

from functools import partial
from typing import Any

from pipeline.core import records

ADAPTED = "imsct_adapted_v1"
"""The criteria that decide in the tiny store."""


def described(patient_id: str) -> list[Any]:
    """What two scans say of one lesion: bright on T2w, then enhancing where it had not; blood was not looked for."""
    sure, mm = {"sureness": "sure"}, {"unit": "mm", "sureness": "sure"}
    rows = []
    for session, uptake, rise, length_mm in (("ses-02", "none", 0.01, 22.0), ("ses-05", "vivid", 0.62, 27.0)):
        about = partial(records.Description, patient_id, session, "lesion-1")
        paths = f"{patient_id}/{session}/anat/{patient_id}_{session}_T1w.nii.gz"
        rows += [
            about("length", None, length_mm, length_mm - 1, length_mm + 1, **mm),
            about("t2_signal", "hyperintense", 1.6, 1.5, 1.7, "ratio to cord", **sure, scans="a_T2w.nii.gz"),
            about("enhancement", uptake, rise, rise - 0.02, rise + 0.02, "rise / signal before", **sure, scans=paths),
            about("smallest_enhancing_seen", None, 3.0, **mm),
            about("tumoral_cyst", "absent", **sure),
            about("expansion", "expanded", 1.4, 1.2, 1.6, "section / cord beside it", "unsure", "one side only"),
            about("blood_cap", reason="no T2w, T2*w or SWI of this visit shows it"),
        ]
    became = partial(records.DescriptionChange, patient_id, "ses-05", "lesion-1")
    return [
        *rows,
        records.Fits(
            patient_id,
            "lesion-1",
            "ses-05",
            "tumoral_cyst",
            "absent",
            "ependymoma",
            True,
            "present",
            22.0,
            22.0,
            None,
            "passed on",
        ),
        became("enhancement", "ses-02", "changed", None, "none", 0.01),
        became("length", "ses-02", "changed", None, None, 22.0),
        became("t2_signal", "ses-02", "unchanged", None, "hyperintense", 1.6),
        became("expansion", "ses-02", "cannot be compared", "not sure then and now", "none", 1.1),
    ]


def lesion_piece(
    patient_id: str, session_id: str, name: str, number: int, status: str, size_and_place: tuple[float, float]
) -> records.LesionComponent:
    """Return a piece of a lesion that an act can be bound to: its volume, mm³, and place along the cord, mm."""
    volume_mm3, along_mm = size_and_place
    return records.LesionComponent(
        patient_id, session_id, name, number, status, volume_mm3, 0.5, -2.0, along_mm,
        component_sha256=f"{session_id}-{number}", scan_x_mm=1.0, scan_y_mm=2.0, scan_z_mm=along_mm, named_as=name,
    )  # fmt: skip


def reading_verdict(
    patient_id: str,
    session_id: str,
    reading: str,
    called: tuple[str, str, str],
    size_and_ratio: tuple[float | None, float | None],
    clauses: str = "[]",
) -> records.ReadingAssessment:
    """Return a reading beside solid tumour under the adapted criteria, which differs where a clause says how."""
    (category, state, display), (volume_mm3, ratio) = called, size_and_ratio
    reason = f"By {reading} on {session_id}."
    return records.ReadingAssessment(
        patient_id=patient_id, session_id=session_id, reading=reading, criteria_id=ADAPTED, criteria_version="1",
        category=category, state=state, display_state=display, is_confirmed=True, is_provisional=False,
        is_different=clauses != "[]", epoch=0, course="watched", baseline_session_id="ses-02",
        nadir_session_id="ses-02", volume_mm3=volume_mm3, volume_cv=None if volume_mm3 is None else 0.1,
        change_ratio=ratio, change_low_ratio=None, change_high_ratio=None, detection_limit_ratio=None,
        probability=None, reason=reason, category_then=category, state_then=state, reason_then=reason,
        clauses=clauses,
    )  # fmt: skip


def lesion_verdict(
    patient_id: str,
    session_id: str,
    name: str,
    called: tuple[str, str, str],
    size_and_ratio: tuple[float | None, float | None],
    *,
    is_worst: bool = False,
    clauses: str = "[]",
) -> records.LesionAssessment:
    """Return the verdict on one lesion under the adapted criteria: category, state and display; volume and ratio."""
    (category, state, display), (volume_mm3, ratio) = called, size_and_ratio
    reason = f"Lesion {name} by itself on {session_id}."
    first = session_id if ratio is None else "ses-02"
    return records.LesionAssessment(
        patient_id=patient_id, session_id=session_id, lesion_id=name, criteria_id=ADAPTED, criteria_version="1",
        category=category, state=state, display_state=display, is_confirmed=True, is_provisional=False,
        is_worst=is_worst, epoch=0, course="watched", baseline_session_id=first, nadir_session_id=first,
        volume_mm3=volume_mm3, volume_cv=None if volume_mm3 is None else 0.1, change_ratio=ratio,
        detection_limit_ratio=None, probability=None,
        missing_reason=None if volume_mm3 is not None else "outside the scan's field of view",
        reason=reason, category_then=category, state_then=state, reason_then=reason, clauses=clauses,
    )  # fmt: skip
