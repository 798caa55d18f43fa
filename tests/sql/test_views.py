"""Every number a view shows, against numbers worked out by hand. About 6 s alone.

With a coefficient of variation of 0.1 a volume's 95 % interval is a factor of e^(1.96 * 0.1) = 1.216527 either way,
that of a change e^(1.96 * sqrt(0.1^2 + 0.1^2)) = 1.319412; with 0.05 the change's is 1.148657.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import store
from pipeline.domain import records
from tests.factories import ADAPTED, RANO, judged, measured, tiny_store, usable

VIEWS = sorted(path.stem for path in (store.SQL / "views").glob("*.sql"))
UNITS = {
    "_mm": "mm",
    "_mm2": "mm²",
    "_mm3": "mm³",
    "_percent": "percent",
    "_days": "days",
    "_years": "years",
    "_gy": "Gy",
    "_cv": "fraction",
    "_count": "number",
}


def row_of(frame: pd.DataFrame, **key: Any) -> dict[str, Any]:
    """The one row with these values, missing values as None."""
    for name, value in key.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, f"{len(frame)} rows for {key}"
    return {str(name): None if pd.isna(value) else value for name, value in frame.iloc[0].items()}


def trajectory(database: Path, patient_id: str, session_id: str, compartment: str = "tumour") -> dict[str, Any]:
    frame = store.table(database, "trajectory")
    return row_of(frame, patient_id=patient_id, session_id=session_id, compartment=compartment, criteria_id=ADAPTED)


def numbers(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """The expected columns of a row, rounded as the expectation is written."""
    return {
        name: round(row[name], 3) if isinstance(row[name], float) and isinstance(value, float) else row[name]
        for name, value in expected.items()
    }


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_can_be_read_and_holds_rows(tiny: Path, name: str) -> None:
    assert not store.table(tiny, name).empty


def test_the_views_are_those_of_the_folder(tiny: Path) -> None:
    assert store.views(tiny) == VIEWS


def test_every_column_of_every_view_says_what_it_means_and_its_unit(tiny: Path) -> None:
    dictionary = store.dictionary(tiny)
    assert dictionary[dictionary["comment"].fillna("").str.len() < 8].empty
    for row in dictionary.to_dict("records"):
        unit = next((word for ending, word in UNITS.items() if row["column"].endswith(ending)), "")
        assert unit in row["comment"], f"{row['view']}.{row['column']}: its comment does not name the unit {unit}"


@pytest.mark.parametrize(
    ("view", "key"),
    [
        ("patient", ["patient_id"]),
        ("visit", ["patient_id", "session_id"]),
        ("measurement", ["patient_id", "session_id", "compartment"]),
        ("assessment", ["patient_id", "session_id", "criteria_id"]),
        ("trajectory", ["patient_id", "session_id", "criteria_id", "compartment"]),
        ("patient_state", ["patient_id", "criteria_id"]),
        ("cohort", ["patient_id", "criteria_id"]),
        ("board", ["patient_id", "criteria_id"]),
    ],
)
def test_no_join_repeats_a_row(tiny: Path, view: str, key: list[str]) -> None:
    assert not store.table(tiny, view).duplicated(key).any()


def test_measurement_has_its_interval_and_the_files_behind_it(tiny: Path) -> None:
    frame = store.table(tiny, "measurement")
    row = row_of(frame, patient_id="sub-01", session_id="ses-05", compartment="tumour")
    expected = {"volume_mm3": 1400.0, "volume_low_mm3": 1150.817, "volume_high_mm3": 1703.138, "mask_folder": "study"}
    assert numbers(row, expected) == expected
    assert row["mask_path"] == "derivatives/reader1/sub-01/ses-05/anat/sub-01_ses-05_acq-sag_dseg.nii.gz"
    assert row["scan_path"] == "sub-01/ses-05/anat/sub-01_ses-05_acq-sag_T2w.nii.gz"


@pytest.mark.parametrize(
    ("patient_id", "session_id", "volume", "reason"),
    [
        ("sub-02", "ses-01", 0.0, None),
        ("sub-03", "ses-02", 820.0, None),
        ("sub-06", "ses-03", None, "no mask: nobody drew one on this visit"),
    ],
)
def test_no_interval_without_tumour_or_error(
    tiny: Path, patient_id: str, session_id: str, volume: float | None, reason: str | None
) -> None:
    frame = store.table(tiny, "measurement")
    row = row_of(frame, patient_id=patient_id, session_id=session_id, compartment="tumour")
    assert (row["volume_mm3"], row["volume_low_mm3"], row["volume_high_mm3"]) == (volume, None, None)
    assert row["missing_reason"] == reason


def test_growth_since_nadir_baseline_and_previous_by_hand(tiny: Path) -> None:
    row = trajectory(tiny, "sub-01", "ses-05")
    expected = {
        "volume_mm3": 1400.0,
        "volume_low_mm3": 1150.817,  # 1400 / 1.216527
        "volume_high_mm3": 1703.138,  # 1400 * 1.216527
        "baseline_session_id": "ses-02",
        "baseline_volume_mm3": 1000.0,
        "change_from_baseline_mm3": 400.0,
        "baseline_ratio": 1.4,
        "change_from_baseline_percent": 40.0,
        "change_from_baseline_low_percent": 6.108,  # 1.4 / 1.319412 = 1.061079
        "change_from_baseline_high_percent": 84.718,  # 1.4 * 1.319412 = 1.847176
        "nadir_session_id": "ses-03",
        "nadir_volume_mm3": 800.0,
        "change_from_nadir_mm3": 600.0,
        "change_from_nadir_percent": 75.0,
        "change_from_nadir_low_percent": 32.635,  # 1.75 / 1.319412 = 1.326349
        "change_from_nadir_high_percent": 130.897,  # 1.75 * 1.319412 = 2.308970
        "previous_session_id": "ses-04",
        "previous_volume_mm3": 900.0,
        "change_from_previous_mm3": 500.0,
        "change_from_previous_percent": 55.556,
        "change_from_previous_low_percent": 17.898,  # 1.555556 / 1.319412 = 1.178977
        "change_from_previous_high_percent": 105.242,  # 1.555556 * 1.319412 = 2.052418
        "detection_limit_percent": 31.941,
        "days_from_baseline": 1095,  # 2020-04-10 to 2023-04-10: three years, none of them leap after April 2020
        "missing_reason": None,
    }
    assert numbers(row, expected) == expected
    assert [row[f"{name}_on"].date() for name in ("baseline", "nadir", "previous")] == [
        date(2020, 4, 10),
        date(2021, 4, 10),
        date(2022, 4, 10),
    ]


def test_a_percentage_that_lands_on_a_threshold_lands_exactly(tiny: Path) -> None:
    assert trajectory(tiny, "sub-01", "ses-05")["change_from_baseline_percent"] == 40.0
    assert trajectory(tiny, "sub-01", "ses-03")["change_from_baseline_percent"] == -20.0


def test_growth_from_nothing_has_no_percentage(tiny: Path) -> None:
    row = trajectory(tiny, "sub-02", "ses-03")
    assert row["nadir_volume_mm3"] == 0
    assert row["change_from_nadir_mm3"] == 150
    undefined = [name for name in row if name.endswith("_percent") or name == "baseline_ratio"]
    assert len(undefined) == 11
    assert [row[name] for name in undefined] == [None] * 11


def test_nothing_after_tumour_is_minus_100_percent_without_interval(tmp_path: Path) -> None:
    p = "sub-01"
    database = published(
        tmp_path,
        *usable(p, "ses-01", "2020-01-01", is_reference=True),
        *usable(p, "ses-02", "2021-01-01"),
        *measured(p, "ses-01", "tumour", 500.0, cv=0.1),
        *measured(p, "ses-02", "tumour", 0.0),
        judged(p, "ses-02", "CR", "no_evidence_of_disease", "none_seen", against="ses-01 ses-01 ses-01", ratio=0.0),
    )
    row = trajectory(database, p, "ses-02")
    expected = {
        "change_from_nadir_percent": -100.0,
        "change_from_nadir_low_percent": None,
        "change_from_nadir_high_percent": None,
        "detection_limit_percent": None,
        "baseline_ratio": 0.0,
    }
    assert numbers(row, expected) == expected


def test_a_visit_is_no_evidence_about_itself(tiny: Path) -> None:
    row = trajectory(tiny, "sub-01", "ses-02")
    expected = {
        "change_from_baseline_percent": 0.0,
        "change_from_baseline_low_percent": None,
        "change_from_baseline_high_percent": None,
        "change_from_nadir_low_percent": None,
        "detection_limit_percent": None,
        "days_from_baseline": 0,
    }
    assert numbers(row, expected) == expected


def test_a_change_of_unknown_error_has_no_interval(tiny: Path) -> None:
    row = trajectory(tiny, "sub-03", "ses-02")
    assert row["change_from_nadir_percent"] == pytest.approx(2.5)
    assert (row["change_from_nadir_low_percent"], row["detection_limit_percent"]) == (None, None)


def test_other_compartments_are_compared_with_their_own_volumes(tiny: Path) -> None:
    row = trajectory(tiny, "sub-03", "ses-02", "cyst")
    expected = {
        "volume_mm3": 1500.0,
        "nadir_volume_mm3": 500.0,
        "change_from_nadir_percent": 200.0,
        "change_from_nadir_low_percent": 161.175,  # 3 / 1.148657 = 2.611747
        "change_from_nadir_high_percent": 244.597,  # 3 * 1.148657 = 3.445969
    }
    assert numbers(row, expected) == expected


def test_a_compartment_not_measured_at_the_baseline_has_no_change(tiny: Path) -> None:
    row = trajectory(tiny, "sub-01", "ses-05", "cord")
    assert (row["volume_mm3"], row["baseline_volume_mm3"], row["change_from_baseline_percent"]) == (9000, None, None)


def test_a_judged_visit_without_any_measurement_is_shown_with_a_reason(tiny: Path) -> None:
    row = trajectory(tiny, "sub-05", "ses-03")
    assert (row["volume_mm3"], row["missing_reason"]) == (None, "nothing was measured at this visit")


def test_each_criteria_has_its_own_trajectory(tiny: Path) -> None:
    frame = store.table(tiny, "trajectory")
    counts = frame[frame["patient_id"] == "sub-01"].groupby("criteria_id").size().to_dict()
    assert counts == {ADAPTED: 6, RANO: 6}


@pytest.mark.parametrize(
    ("patient_id", "shown", "state", "display", "volume", "change", "session_id"),
    [
        ("sub-01", "PD", "progression", "growth", 1400.0, 75.0, "ses-05"),
        ("sub-02", "PD?", "recurrence", "growth", 150.0, None, "ses-03"),
        ("sub-03", "SD", "residual_stable", "no_change", 820.0, 2.5, "ses-02"),
        ("sub-04", "SD", "baseline", "no_change", 400.0, 0.0, "ses-01"),
        ("sub-05", "NE", "not_evaluable", "not_evaluable", None, None, "ses-03"),
        ("sub-06", "PD?", "progression", "possible_growth", 720.0, 44.0, "ses-02"),
        ("sub-07", "NE", "not_evaluable", "not_evaluable", None, None, None),
    ],
)
def test_patient_state_is_that_of_the_last_judged_visit(  # noqa: PLR0917  # a table of cases
    tiny: Path,
    patient_id: str,
    shown: str,
    state: str,
    display: str,
    volume: float | None,
    change: float | None,
    session_id: str | None,
) -> None:
    row = row_of(store.table(tiny, "patient_state"), patient_id=patient_id, criteria_id=ADAPTED)
    assert (row["category_shown"], row["state"], row["display_state"]) == (shown, state, display)
    assert (row["tumour_volume_mm3"], row["change_percent"], row["session_id"]) == (volume, change, session_id)


def test_a_patient_nobody_could_judge_is_listed_with_a_reason(tiny: Path) -> None:
    row = row_of(store.table(tiny, "patient_state"), patient_id="sub-07", criteria_id=ADAPTED)
    assert row["reason"] == "no visit of this patient could be judged"
    assert (row["is_confirmed"], row["last_scan_on"], row["error_count"]) == (False, None, 1)


def test_cohort_joins_covariates_treatment_volumes_and_outcome(tiny: Path) -> None:
    row = row_of(store.table(tiny, "cohort"), patient_id="sub-01", criteria_id=ADAPTED)
    expected = {
        "histology": "ependymoma",
        "first_surgery_extent": "STR",
        "had_radiotherapy": True,
        "baseline_volume_mm3": 1000.0,
        "last_volume_mm3": 1400.0,
        "last_change_percent": 40.0,
        "best_change_percent": -20.0,
        "state": "progression",
        "duration_days": 1186,  # 2020-01-10 to 2023-04-10: 3 * 365 + 90 + 1 for 29 February 2020
        "is_event": True,
    }
    assert numbers(row, expected) == expected


def test_cohort_leaves_empty_what_nobody_knows(tiny: Path) -> None:
    row = row_of(store.table(tiny, "cohort"), patient_id="sub-04", criteria_id=ADAPTED)
    names = ("best_change_percent", "first_surgery_on", "duration_days", "is_event", "endpoint_reason")
    assert [row[name] for name in names] == [None] * 5
    assert row["had_radiotherapy"] is False or not row["had_radiotherapy"]


def test_cohort_keeps_the_baseline_when_the_last_visit_is_not_evaluable(tiny: Path) -> None:
    row = row_of(store.table(tiny, "cohort"), patient_id="sub-05", criteria_id=ADAPTED)
    assert (row["baseline_volume_mm3"], row["last_volume_mm3"]) == (600, None)
    assert row["best_change_percent"] == pytest.approx(100 / 60)


def test_a_new_baseline_after_surgery_starts_a_new_period(tmp_path: Path) -> None:
    p = "sub-01"
    volumes = {"ses-01": 1000.0, "ses-02": 300.0, "ses-03": 200.0, "ses-04": 220.0}
    rows: list[Any] = [
        row for n, s in enumerate(volumes, 2018) for row in usable(p, s, f"{n}-01-01", is_reference=n == 2018)
    ]
    for session, volume in volumes.items():
        rows += measured(p, session, "tumour", volume, cv=0.1)
    database = published(
        tmp_path,
        *rows,
        judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
        judged(p, "ses-02", "PR", "response", "shrinkage", against="ses-01 ses-01 ses-01", ratio=0.3),
        judged(p, "ses-03", "SD", "baseline", "no_change", against="ses-03 ses-03 -", epoch=2),
        judged(p, "ses-04", "SD", "residual_stable", "no_change", against="ses-03 ses-03 ses-03", ratio=1.1, epoch=2),
    )
    row = row_of(store.table(database, "cohort"), patient_id=p, criteria_id=ADAPTED)
    assert row["baseline_volume_mm3"] == 200
    assert row["best_change_percent"] == pytest.approx(10)


@pytest.mark.parametrize(
    ("category", "is_confirmed", "shown"),
    [("PD", True, "PD"), ("PD", False, "PD?"), ("CR", False, "CR?"), ("SD", False, "SD"), ("NE", False, "NE")],
)
def test_a_question_mark_says_that_a_confirming_scan_is_awaited(
    tmp_path: Path, category: str, is_confirmed: bool, shown: str
) -> None:
    verdict = judged("sub-01", "ses-01", category, "progression", "growth")
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        replace(verdict, is_confirmed=is_confirmed),
    )
    assert store.table(database, "assessment")["category_shown"].tolist() == [shown]


def test_the_worst_alignment_speaks_for_a_visit(tmp_path: Path) -> None:
    visit = usable("sub-01", "ses-02", "2020-01-01")
    aligned = visit[-1]
    assert isinstance(aligned, records.Registration)
    database = published(
        tmp_path,
        *visit,
        replace(aligned, moving_path="second.nii.gz", grade="C"),
        replace(aligned, moving_path="third.nii.gz", grade="B"),
    )
    assert store.table(database, "visit")["certificate_grade"].tolist() == ["C"]


def test_visits_count_what_lies_behind_them(tiny: Path) -> None:
    frame = store.table(tiny, "visit")
    failed = row_of(frame, patient_id="sub-05", session_id="ses-03")
    assert (failed["scan_count"], failed["has_manual_mask"], failed["certificate_grade"]) == (1, False, None)
    drawn = row_of(frame, patient_id="sub-05", session_id="ses-02")
    assert (drawn["scan_count"], drawn["has_manual_mask"], drawn["certificate_grade"]) == (1, True, "C")
    automatic = row_of(frame, patient_id="sub-06", session_id="ses-02")
    assert automatic["has_manual_mask"] == False  # noqa: E712  # numpy's False is not Python's


def test_review_lists_what_waits_for_a_person(tiny: Path) -> None:
    frame = store.table(tiny, "review")
    assert sorted(zip(frame["patient_id"], frame["session_id"], frame["kind"], strict=True)) == [
        ("sub-05", "ses-02", "alignment grade C"),
        ("sub-05", "ses-03", "failed visit"),
        ("sub-06", "ses-01", "unsigned automatic mask"),
        ("sub-06", "ses-02", "unsigned automatic mask"),
        ("sub-06", "ses-03", "undated visit"),
        ("sub-07", "ses-01", "failed visit"),
    ]


@pytest.mark.parametrize(
    ("state", "is_provisional", "kinds"),
    [
        ("residual_stable", True, ["unsigned automatic mask"]),
        ("residual_stable", False, []),
        ("context", False, ["unsigned automatic mask"]),
    ],
)
def test_an_automatic_mask_waits_for_a_person_until_a_verdict_says_otherwise(
    tmp_path: Path, state: str, is_provisional: bool, kinds: list[str]
) -> None:
    verdict = judged("sub-01", "ses-01", "SD", state, "no_change")
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        *measured("sub-01", "ses-01", "tumour", 500.0, cv=0.2, origin="automatic"),
        replace(verdict, is_provisional=is_provisional),
    )
    assert store.table(database, "review")["kind"].tolist() == kinds


@pytest.mark.parametrize(
    ("patient_id", "rank", "needs_decision"),
    [
        ("sub-02", 1, True),
        ("sub-01", 2, True),
        ("sub-06", 3, True),
        ("sub-05", 4, True),
        ("sub-07", 4, True),
        ("sub-03", 6, True),
        ("sub-04", 8, False),
    ],
)
def test_board_ranks_by_what_is_open(tiny: Path, patient_id: str, rank: int, needs_decision: bool) -> None:
    row = row_of(store.table(tiny, "board"), patient_id=patient_id, criteria_id=ADAPTED)
    assert (row["urgency_rank"], bool(row["needs_decision"])) == (rank, needs_decision)


@pytest.mark.parametrize(
    ("verdict", "severity", "rank"),
    [
        (judged("sub-01", "ses-01", "PD", "distant", "no_change"), "note", 1),
        (judged("sub-01", "ses-01", "PD", "progression", "no_change"), "note", 2),
        (judged("sub-01", "ses-01", "NE", "context", "not_evaluable"), "note", 8),
        (judged("sub-01", "ses-01", "NE", "not_evaluable", "not_evaluable"), "note", 4),
        (replace(judged("sub-01", "ses-01", "SD", "baseline", "no_change"), is_provisional=True), "error", 5),
        (judged("sub-01", "ses-01", "SD", "residual_stable", "no_change"), "error", 7),
        (judged("sub-01", "ses-01", "CR", "no_evidence_of_disease", "none_seen"), "warning", 8),
    ],
)
def test_board_rank_of_each_kind_of_verdict(
    tmp_path: Path, verdict: records.Assessment, severity: str, rank: int
) -> None:
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        verdict,
        records.Finding("x", severity, "read", None, "sub-01", None, "what", "do"),
    )
    assert store.table(database, "board")["urgency_rank"].tolist() == [rank]


def published(folder: Path, *rows: Any) -> Path:
    """Publish one patient, sub-01, under the adapted criteria."""
    shared = [row for row in tiny_store() if isinstance(row, records.Study | records.Criteria)]
    shared = [row for row in shared if getattr(row, "criteria_id", ADAPTED) == ADAPTED]
    store.publish(folder, [*shared, records.Patient("sub-01"), *rows])
    return store.database_path(folder)
