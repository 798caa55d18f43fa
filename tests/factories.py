"""A hand-written store: seven invented patients, one for each kind of course, small enough to check by hand.

Nothing here was computed by the program: volumes, errors and verdicts are written down, so that views, queries and
pages can be tested without images.

=======  ==============================================================================================
sub-01   residual ependymoma that shrinks, then grows (confirmed progression); every compartment's record
sub-02   nothing left after surgery, then tumour again (nadir 0: no percentage)
sub-03   stable tumour, growing cyst; an imported number without error
sub-04   one visit only
sub-05   a failed visit and a badly aligned one
sub-06   automatic masks nobody signed, possible growth, one visit without a date
sub-07   no visit that could be judged
=======  ==============================================================================================
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge import course_text, standing, urgency
from pipeline.store import publish, reader
from tests.lesion_factories import ADAPTED, described, lesion_piece, lesion_verdict, reading_verdict
from tests.scanner_rows import made_rows

RANO = "rano2_vol"
SOFTWARE = "cordtrack 0.1.0"
SHA = "0" * 64


def publish_tiny(out_dir: Path) -> Path:
    """Publish the tiny store into a folder and return its database file."""
    publish.publish(out_dir, tiny_store())
    return reader.database_path(out_dir)


def copy_tiny(out_dir: Path) -> Path:
    """Put a copy of the published tiny store into a folder: making it anew takes half a second each time."""
    return reader.database_path(shutil.copytree(_published_tiny(), out_dir, dirs_exist_ok=True))


@cache
def _published_tiny() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cordtrack-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    publish_tiny(folder)
    return folder


def tiny_store() -> list[Any]:
    """All records of the tiny store, with what the rule of urgency makes of them."""
    rows = written_rows()
    questions = urgency.open_questions(rows)
    return [*rows, *questions, *standing.standings(rows, questions)]


def written_rows() -> list[Any]:
    """The records of the tiny store that are written by hand."""
    return [
        records.Study("tiny", is_synthetic=True, default_criteria_id=ADAPTED, content_sha256=SHA),
        records.Run("run-1", datetime(2024, 1, 2, 3, 4, 5), "0.1.0", SOFTWARE, f"criteria={ADAPTED}", SHA),  # noqa: DTZ001
        records.Criteria(ADAPTED, "1", "Adapted volume criteria", True, "volume", "proposal", SHA, 1.4, 0.35),
        records.Criteria(RANO, "1", "RANO 2.0, volume", True, "volume", "Wen 2023", SHA, 1.4, 0.35),
        *growing(),
        *recurring(),
        *cyst_growing(),
        *one_visit(),
        *failed_visit(),
        *undated_visit(),
        *never_judged(),
        *made_rows(),
        *cohort_of_growing(),
    ]


def cohort_of_growing() -> list[Any]:
    """What each kind of tumour says of sub-01, in a cohort that is made up."""
    fits = records.KindEvidence(
        "sub-01", "ses-05", ADAPTED, "after_surgery", 1.0, 0.05, 0.2, 0.9, 0.3, 0.95, 0.0, 0.9, 0.97, 0.94
    )
    shares = (0.1, 0.5, 0.2, 0.15, 0.05, 0.35, 0.2, 0.5)
    return [fits, records.CohortShare(ADAPTED, "after_surgery", 24, "1", *shares, None)]


def growing() -> list[Any]:
    """sub-01: 3000 before surgery; 1000 (baseline), 800 (nadir), 900, 1400 mm³, each with a CV of 0.1."""
    p = "sub-01"
    volumes = {"ses-01": 3000.0, "ses-02": 1000.0, "ses-03": 800.0, "ses-04": 900.0, "ses-05": 1400.0}
    days = ["2019-12-01", "2020-04-10", "2021-04-10", "2022-04-10", "2023-04-10"]
    rows: list[Any] = [
        records.Patient(p, "F", 44.0, "ependymoma", "2", "C4-C6", None, "North"),
        records.Treatment(p, date(2020, 1, 10), "surgery", date(2020, 1, 10), extent="STR"),
        records.Treatment(p, date(2023, 5, 1), "radiotherapy", date(2023, 6, 10), dose_gy=50.4),
        records.FunctionScore(p, date(2020, 1, 5), "modified_mccormick", 2.0),
        records.FunctionScore(p, date(2023, 4, 10), "modified_mccormick", 3.0, tumour_related=True),
        *along_cord(p, "ses-02"),
        *described(p),
        *beside_growing(p),
    ]
    for (session, volume), day in zip(volumes.items(), days, strict=True):
        rows += usable(p, session, day, is_reference=session == "ses-02")
        rows += measured(p, session, "tumour", volume, cv=0.1)
    rows += measured(p, "ses-05", "cord", 9000.0, cv=0.02)
    for criteria in (ADAPTED, RANO):
        rows += [
            judged(p, "ses-01", "NE", "context", "not_evaluable", criteria, epoch=0),
            judged(p, "ses-02", "SD", "baseline", "no_change", criteria, against="ses-02 ses-02 -"),
            judged(p, "ses-03", "SD", "residual_stable", "no_change", criteria, "ses-02 ses-02 ses-02", 0.8),
            judged(p, "ses-04", "SD", "residual_stable", "no_change", criteria, "ses-02 ses-03 ses-03", 1.125),
            replace(
                judged(p, "ses-05", "PD", "progression", "growth", criteria, "ses-02 ses-03 ses-04", 1.75, 0.95),
                progression_from_mm3=1120.0,
            ),
            estimated(
                p, "ses-05", criteria, volume_mm3=1350.0, low_mm3=1150.0, high_mm3=1620.0,
                baseline_low_ratio=1.05, baseline_high_ratio=1.84, nadir_low_ratio=1.32, nadir_high_ratio=2.3,
                previous_low_ratio=1.17, previous_high_ratio=2.05, smallest_session_id="ses-03",
                smallest_low_ratio=1.32, smallest_high_ratio=2.3,
            ),
        ]  # fmt: skip
    return rows


def course_of_growing() -> PatientCourse:
    """sub-01 as judgement saw it."""
    days = {"ses-02": "2020-04-10", "ses-03": "2021-04-10", "ses-04": "2022-04-10", "ses-05": "2023-04-10"}
    volumes = {"ses-02": 1000.0, "ses-03": 800.0, "ses-04": 900.0, "ses-05": 1400.0}
    return PatientCourse(
        "sub-01",
        tuple(VisitMeasure(name, date.fromisoformat(day), volumes[name], 0.1) for name, day in days.items()),
        (TreatmentEvent(TreatmentKind.SURGERY, date(2020, 1, 10), date(2020, 1, 10), "STR"),),
    )


def beside_growing(p: str) -> list[Any]:
    """What stands beside the verdicts on sub-01: lesions, cyst, resection, what people did, and the numbers below."""
    return [
        records.Closure(p, "ses-03", "ses-02", 0.2),
        lesion_piece(p, "ses-02", "lesion-1", 1, "persistent", (1000.0, 30.0)),
        lesion_piece(p, "ses-05", "lesion-1", 1, "persistent", (1250.0, 31.0)),
        lesion_piece(p, "ses-05", "lesion-2", 2, "new", (150.0, 60.0)),
        lesion_verdict(p, "ses-02", "lesion-1", ("SD", "stable", "no_change"), (1000.0, 1.0)),
        lesion_verdict(p, "ses-05", "lesion-1", ("SD", "stable", "no_change"), (1250.0, 1.25)),
        lesion_verdict(p, "ses-05", "lesion-2", ("SD", "baseline", "no_change"), (150.0, None)),
        reading_verdict(p, "ses-05", "solid_and_cyst", ("PD", "progression", "growth"), (1900.0, 1.9)),
        accepted(p, "ses-05"),
        records.StoredCourse(p, course_text.to_text(course_of_growing())),
        records.ActEffect(
            p, f"{p}-ses-05", ADAPTED, "ses-05", "PD", "progression", "growth", True, True, 1.75,
            "Ses-05: progression by imsct_adapted_v1.", "[]", False,
        ),
        records.CompartmentCourse(p, "ses-05", "cyst", "growing", "ses-04", "Cyst 1.5 mL on 2023-04-10."),
        records.Resection(p, date(2020, 1, 10), "STR", "PR", "ses-01", "ses-02", False, False, "67 % removed"),
        *outcomes_of_growing(p),
    ]  # fmt: skip


def outcomes_of_growing(p: str) -> list[Any]:
    """Next scan, whole neuraxis, time to progression, best response and rate of growth of sub-01."""
    zero, progressed = date(2020, 1, 10), date(2023, 4, 10)
    return [
        records.NextScan(
            p, "surveillance_v1", "ependymoma", progressed, date(2023, 10, 10), date(2024, 1, 10), 183, "why", "who",
            None, "MYCN not known",
        ),
        records.Neuraxis(
            p, "ses-05", "yes", "yes", "yes", None, "yes", "absent", "absent", "absent", "absent", "not evaluable",
            None, "B. Reader", "not imaged", None, "lumbar canal: not said",
        ),
        records.Endpoint(p, ADAPTED, "ttp", zero, progressed, True, "progression at ses-05"),
        *(
            records.BestResponse(
                p, ADAPTED, 1, look, "after_surgery", "the surgery of 2020-01-10", "SD", "ses-02", zero,
                date(2021, 4, 10), zero, progressed, True, False, "Stable disease at best.",
            )
            for look in ("confirmed", "unconfirmed")
        ),
        records.GrowthRate(
            p, ADAPTED, 1, "ses-02", "ses-05", 4, 1095, 0.1, 0.0, 0.2, 2532.0, 0.4, 0.1, 0.7, 1.0, None, None, 0.2,
            0.1, date(2026, 1, 1), False,
        ),
    ]  # fmt: skip


def along_cord(patient_id: str, session_id: str) -> list[Any]:
    """A tumour of one millimetre beside the edge of the scan, and no cyst; discs C4/C5 to C6/C7 around it."""
    of_tumour, of_cyst = (records.Shape(patient_id, session_id, name) for name in ("tumour", "cyst"))
    return [
        records.CordProfile(patient_id, session_id, "tumour", "lesion axis", session_id, -1.0, "0.0 80.5 x"),
        records.CordProfile(patient_id, session_id, "cyst", "lesion axis", session_id, -1.0, "0.0 0.0 x"),
        replace(of_tumour, line_source="lesion axis", along_length_mm=1.0, largest_area_mm2=80.5, margin="sharp",
                margin_width_mm=2.4, enhancement="ring", enhancing_ratio=0.4),
        replace(of_cyst, missing_reason="empty mask", margin_reason="empty", enhancement_reason="no tumour"),
        records.Level(patient_id, session_id, "tumour", 0.5, -0.5, "C5", "C5", session_id),
        records.Level(patient_id, session_id, "cyst", missing_reason="empty mask"),
        *(
            records.Disc(patient_id, session_id, number, name, place, None, True, "manual", "labels.nii.gz", SHA)
            for number, name, place in ((5, "C4/C5", 9.0), (6, "C5/C6", -9.0), (7, "C6/C7", -27.0))
        ),
    ]  # fmt: skip


def recurring() -> list[Any]:
    """sub-02: 2000 mm³ before gross total removal, then 0, 0 and 150 mm³."""
    p = "sub-02"
    rows: list[Any] = [
        records.Patient(p, "M", 31.0, "haemangioblastoma", "1", "T2", "VHL", "South"),
        records.Treatment(p, date(2020, 1, 1), "surgery", date(2020, 1, 1), extent="GTR"),
        *usable(p, "ses-01", "2020-04-01", is_reference=True),
        *usable(p, "ses-02", "2021-04-01"),
        *usable(p, "ses-03", "2022-04-01"),
        *measured(p, "ses-01", "tumour", 0.0),
        *measured(p, "ses-02", "tumour", 0.0),
        records.NewSignal(p, "ses-02", 1, "ses-01", 120.0, 0.5, -2.0, 30.0, 0.4, -2.2, 31.0),
        *measured(p, "ses-03", "tumour", 150.0, cv=0.2),
        judged(p, "ses-01", "SD", "baseline", "none_seen", against="ses-01 ses-01 -"),
        judged(p, "ses-02", "CR", "no_evidence_of_disease", "none_seen", against="ses-01 ses-01 ses-01"),
        replace(judged(p, "ses-03", "PD", "recurrence", "growth", against="ses-01 ses-01 ses-02"), is_confirmed=False),
        records.Endpoint(p, ADAPTED, "ttp", date(2020, 1, 1), date(2022, 4, 1), True, "recurrence at ses-03"),
    ]
    return rows


def cyst_growing() -> list[Any]:
    """sub-03: tumour 800, 820 mm³ (the last imported, without error), cyst 500, 1500 mm³."""
    p = "sub-03"
    return [
        records.Patient(p, "F", 52.0, "ependymoma", "2", "C7-T1", None, "North"),
        *usable(p, "ses-01", "2021-03-01", is_reference=True),
        *usable(p, "ses-02", "2022-03-01"),
        *measured(p, "ses-01", "tumour", 800.0, cv=0.1),
        *measured(p, "ses-01", "cyst", 500.0, cv=0.05),
        *measured(p, "ses-02", "cyst", 1500.0, cv=0.05),
        replace(_measurement(p, "ses-02", "tumour", 820.0), mask_origin="imported", source="report"),
        judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
        judged(p, "ses-02", "SD", "residual_stable", "no_change", ADAPTED, "ses-01 ses-01 ses-01", 1.025),
        estimated(p, "ses-02", ADAPTED, "cyst", nadir_low_ratio=2.6, nadir_high_ratio=3.4),
        records.Endpoint(p, ADAPTED, "ttp", date(2021, 3, 1), date(2022, 3, 1), False, "last adequate assessment"),
    ]


def one_visit() -> list[Any]:
    """sub-04: one visit, 400 mm³."""
    p = "sub-04"
    return [
        records.Patient(p, "M", 8.0, "pilocytic astrocytoma", "1", "C2-T4", None, "South"),
        *usable(p, "ses-01", "2023-06-01", is_reference=True),
        *measured(p, "ses-01", "tumour", 400.0, cv=0.15),
        judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
    ]


def failed_visit() -> list[Any]:
    """sub-05: 600, 610 mm³ (alignment C) and a last visit whose image cannot be read."""
    p = "sub-05"
    why = "the file is empty (0 bytes); export or copy it again"
    return [
        records.Patient(p, "F", 60.0, "astrocytoma", "3", "T8", None, None),
        records.Treatment(p, date(2021, 1, 10), "radiotherapy", date(2021, 2, 20), dose_gy=54.0),
        *usable(p, "ses-01", "2022-01-10", is_reference=True),
        *usable(p, "ses-02", "2022-07-10", grade="C"),
        records.Visit(p, "ses-03", date(2023, 1, 10), False, "failed", why),
        records.Scan(p, "ses-03", f"{p}/ses-03/anat/{p}_ses-03_T2w.nii.gz", "T2w", True, SHA, unreadable_reason=why),
        *measured(p, "ses-01", "tumour", 600.0, cv=0.1),
        *measured(p, "ses-02", "tumour", 610.0, cv=0.1),
        judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
        replace(
            judged(p, "ses-02", "SD", "residual_stable", "no_change", ADAPTED, "ses-01 ses-01 ses-01", 610 / 600),
            progression_from_mm3=840.0,
        ),
        judged(p, "ses-03", "NE", "not_evaluable", "not_evaluable"),
        records.Finding("scan_unreadable", "error", "read", "x.nii.gz", p, "ses-03", f"ses-03: {why}", "copy again"),
        records.Finding("alignment_poor", "warning", "align", None, p, "ses-02", "ses-02: grade C", "look at it"),
    ]


def undated_visit() -> list[Any]:
    """sub-06: automatic masks of 500 and 720 mm³, one visit without a date, one without a tumour mask."""
    p = "sub-06"
    rows: list[Any] = [
        records.Patient(p, None, None, None, None, None, "NF2", "North"),
        *usable(p, "ses-01", "2022-02-01", is_reference=True),
        *usable(p, "ses-02", "2023-02-01", grade="B"),
        records.Visit(p, "ses-03", None, False, "undated", "the study gives no valid date for this visit"),
        *measured(p, "ses-01", "tumour", 500.0, cv=0.25, origin="automatic"),
        *measured(p, "ses-02", "tumour", 720.0, cv=0.25, origin="automatic"),
        *measured(p, "ses-03", "tumour", None),
        replace(
            judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
            is_provisional=True,
        ),
        replace(
            judged(p, "ses-02", "PD", "progression", "possible_growth", ADAPTED, "ses-01 ses-01 ses-01", 1.44, 0.53),
            is_confirmed=False,
            is_provisional=True,
        ),
        records.Finding("visit_undated", "warning", "read", None, p, "ses-03", "ses-03: no date", "add the date"),
        records.Endpoint(p, ADAPTED, "ttp", date(2022, 2, 1), date(2023, 2, 1), False, "last adequate assessment"),
    ]
    return rows


def never_judged() -> list[Any]:
    """sub-07: one visit without any scan that could be read."""
    p = "sub-07"
    return [
        records.Patient(p, "M", 39.0, "ependymoma", "2", None, None, "South"),
        records.Visit(p, "ses-01", None, False, "failed", "no scan that a tumour can be measured on"),
        records.Finding("scan_missing", "error", "read", None, p, "ses-01", "ses-01: no scan", "add one"),
    ]


def usable(
    patient_id: str, session_id: str, day: str, *, is_reference: bool = False, grade: str = "A"
) -> list[records.Visit | records.Scan | records.Registration]:
    """A usable visit with one sagittal T2w scan, and its alignment unless it is the reference."""
    scan = f"{patient_id}/{session_id}/anat/{patient_id}_{session_id}_acq-sag_T2w.nii.gz"
    rows: list[records.Visit | records.Scan | records.Registration] = [
        records.Visit(patient_id, session_id, date.fromisoformat(day), is_reference, "usable"),
        records.Scan(patient_id, session_id, scan, "T2w", True, SHA, "sagittal", None, 0.7, 0.7, 3.3),
    ]
    if not is_reference:
        rows.append(_registration(patient_id, session_id, scan, grade))
    return rows


def measured(
    patient_id: str,
    session_id: str,
    compartment: str,
    volume_mm3: float | None,
    *,
    cv: float | None = None,
    origin: str = "manual",
) -> list[records.Measurement | records.Segmentation]:
    """A measurement with the mask it was made from; a missing volume has no mask."""
    row = _measurement(patient_id, session_id, compartment, volume_mm3)
    if volume_mm3 is None:
        return [replace(row, missing_reason="no mask: nobody drew one on this visit", mask_origin=None, source="none")]
    folder = "output" if origin == "automatic" else "study"
    stem = f"{patient_id}/{session_id}/anat/{patient_id}_{session_id}_acq-sag"
    mask = records.Segmentation(
        patient_id, session_id, compartment, "reader1", origin, folder, f"derivatives/reader1/{stem}_dseg.nii.gz",
        f"{stem}_T2w.nii.gz", SHA, True, "label map", None, SOFTWARE,
    )  # fmt: skip
    source = "geometric_model" if cv is not None else None
    return [replace(row, volume_cv=cv, cv_source=source, mask_origin=origin), mask]


def accepted(patient_id: str, session_id: str, status: str = "in_force") -> records.JournalEntry:
    """An acceptance of the visit's tumour mask, as the journal has it."""
    return records.JournalEntry(
        f"{patient_id}-{session_id}", datetime(2024, 1, 2, 3, 4, 5), "A. Reader", "accept_mask",  # noqa: DTZ001
        patient_id, session_id, "tumour", SHA, status=status,
        status_reason=None if status == "in_force" else f"it is {status}",
    )  # fmt: skip


def judged(  # noqa: PLR0917  # verdicts are written as a table
    patient_id: str,
    session_id: str,
    category: str,
    state: str,
    display_state: str,
    criteria_id: str = ADAPTED,
    against: str = "- - -",
    ratio: float | None = None,
    probability: float | None = None,
    epoch: int = 1,
) -> records.Assessment:
    """A confirmed verdict; ``against`` names the baseline, nadir and previous session, ``-`` for none.

    The nadir stays as it was.
    """
    baseline, nadir, previous = (None if name == "-" else name for name in against.split())
    return records.Assessment(
        patient_id, session_id, criteria_id, "1", category, state, display_state, True, False, epoch,
        baseline, nadir, previous, ratio, None, probability, f"{session_id}: {state} by {criteria_id}",
        "after_surgery", category, state, f"{session_id}: {state} by {criteria_id}", next_nadir_session_id=nadir,
    )  # fmt: skip


def estimated(
    patient_id: str, session_id: str, criteria_id: str = ADAPTED, compartment: str = "tumour", **numbers: float | str
) -> records.SeriesEstimate:
    """What all readings say at one visit, of the numbers that are given."""
    return records.SeriesEstimate(patient_id, session_id, criteria_id, compartment, **numbers)  # type: ignore[arg-type]


def _measurement(patient_id: str, session_id: str, compartment: str, volume_mm3: float | None) -> records.Measurement:
    return records.Measurement(
        patient_id, session_id, compartment, "reader1", volume_mm3, None, None, "manual",
        None, None, None, None, None, None,
    )  # fmt: skip


def _registration(patient_id: str, session_id: str, scan: str, grade: str) -> records.Registration:
    folder = f"{patient_id}/{session_id}/anat/{patient_id}_{session_id}"
    fixed = scan.replace(session_id, "ses-02" if patient_id == "sub-01" else "ses-01")
    return records.Registration(
        patient_id, session_id, scan, fixed, "visit_to_reference", "rigid", grade, f"grade {grade}", 0.9, 0.1,
        1.0, 1.0, 1.0, f"{folder}_to-reference_xfm.h5", f"{folder}_space-reference_T2w.nii.gz", SHA, SOFTWARE,
    )  # fmt: skip
