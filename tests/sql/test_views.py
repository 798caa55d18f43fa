"""Every number a view shows, against numbers worked out by hand. About 6 s alone.

With a coefficient of variation of 0.1 a volume's 95 % interval is a factor of e^(1.96 * 0.1) = 1.216527 either way,
that of a change e^(1.96 * sqrt(0.1^2 + 0.1^2)) = 1.319412; with 0.05 the change's is 1.148657.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.core import records
from pipeline.store import reader, sql_files
from tests.factories import ADAPTED, RANO, along_cord, judged, measured, usable
from tests.sql.shown import numbers, published, row_of, trajectory

VIEWS = sorted(path.stem for path in (sql_files.SQL / "views").glob("*.sql"))
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


EMPTY = {"journal_head"}
"""Views without rows in a store that no run published."""


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_can_be_read_and_holds_rows(tiny: Path, name: str) -> None:
    assert reader.table(tiny, name).empty == (name in EMPTY)


def test_the_views_are_those_of_the_folder(tiny: Path) -> None:
    assert reader.views(tiny) == VIEWS


def test_every_column_of_every_view_says_what_it_means_and_its_unit(tiny: Path) -> None:
    dictionary = reader.dictionary(tiny)
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
    assert not reader.table(tiny, view).duplicated(key).any()


def test_measurement_has_its_interval_and_the_files_behind_it(tiny: Path) -> None:
    frame = reader.table(tiny, "measurement")
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
    frame = reader.table(tiny, "measurement")
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
        "change_from_baseline_low_percent": 5.0,  # as stored: judgement makes the intervals
        "change_from_baseline_high_percent": 84.0,
        "nadir_session_id": "ses-03",
        "nadir_volume_mm3": 800.0,
        "change_from_nadir_mm3": 600.0,
        "change_from_nadir_percent": 75.0,
        "change_from_nadir_low_percent": 32.0,
        "change_from_nadir_high_percent": 130.0,
        "previous_session_id": "ses-04",
        "previous_volume_mm3": 900.0,
        "change_from_previous_mm3": 500.0,
        "change_from_previous_percent": 55.556,
        "change_from_previous_low_percent": 17.0,
        "change_from_previous_high_percent": 105.0,
        "detection_limit_percent": None,  # of tumour it is the one stored with the verdict, and none is here
        "days_from_baseline": 1095,  # 2020-04-10 to 2023-04-10: three years, none of them leap after April 2020
        "missing_reason": None,
    }
    assert numbers(row, expected) == expected
    assert [row[f"{name}_on"].date() for name in ("baseline", "nadir", "previous")] == [
        date(2020, 4, 10),
        date(2021, 4, 10),
        date(2022, 4, 10),
    ]


def test_the_true_volume_and_the_smallest_ever_stand_beside(tiny: Path) -> None:
    row = row_of(
        reader.table(tiny, "series_estimate"),
        patient_id="sub-01", session_id="ses-05", compartment="tumour", criteria_id=ADAPTED,
    )  # fmt: skip
    expected = {
        "smoothed_volume_mm3": 1350.0,
        "smoothed_low_mm3": 1150.0,
        "smoothed_high_mm3": 1620.0,
        "smallest_session_id": "ses-03",
        "smallest_volume_mm3": 800.0,
        "change_from_smallest_percent": 75.0,
        "change_from_smallest_low_percent": 32.0,
        "change_from_smallest_high_percent": 130.0,
    }
    assert numbers(row, expected) == expected


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
        "change_from_nadir_low_percent": 160.0,
        "change_from_nadir_high_percent": 240.0,
    }
    assert numbers(row, expected) == expected


def test_a_compartment_not_measured_at_the_baseline_has_no_change(tiny: Path) -> None:
    row = trajectory(tiny, "sub-01", "ses-05", "cord")
    assert (row["volume_mm3"], row["baseline_volume_mm3"], row["change_from_baseline_percent"]) == (9000, None, None)


def test_a_judged_visit_without_any_measurement_is_shown_with_a_reason(tiny: Path) -> None:
    row = trajectory(tiny, "sub-05", "ses-03")
    assert (row["volume_mm3"], row["missing_reason"]) == (None, "nothing was measured at this visit")


def test_each_criteria_has_its_own_trajectory(tiny: Path) -> None:
    frame = reader.table(tiny, "trajectory")
    counts = frame[frame["patient_id"] == "sub-01"].groupby("criteria_id").size().to_dict()
    assert counts == {ADAPTED: 6, RANO: 6}


def test_a_profile_has_a_row_per_millimetre_and_nothing_where_the_scan_does_not_reach(tiny: Path) -> None:
    profile = reader.table(tiny, "cord_profile").query("compartment == 'tumour'")
    assert profile["position_mm"].tolist() == [-1.0, 0.0, 1.0]
    assert profile["area_mm2"].tolist()[:2] == [0.0, 80.5]
    assert profile["area_mm2"].isna().tolist() == [False, False, True]


def test_a_shape_names_the_levels_it_reaches_over_and_a_reason_where_it_cannot(tiny: Path) -> None:
    shapes = reader.table(tiny, "shape")
    tumour = row_of(shapes, patient_id="sub-01", compartment="tumour")
    expected = {"levels": "C5", "upper_level": "C5", "lower_level": "C5", "upper_end_mm": 0.5, "lower_end_mm": -0.5}
    assert numbers(tumour, expected) == expected
    assert (tumour["label_session_id"], tumour["level_reason"]) == ("ses-02", None)
    cyst = row_of(shapes, patient_id="sub-01", compartment="cyst")
    assert (cyst["levels"], cyst["level_reason"]) == (None, "empty mask")


@pytest.mark.parametrize(
    ("upper", "lower", "words"),
    [("C4", "C6", "C4 to C6"), ("above C4", "T1", "above C4 to T1"), ("C4/C5", "C4/C5", "C4/C5"), ("C4", None, None)],
)
def test_levels_are_told_only_where_both_ends_are_known(
    tmp_path: Path, upper: str, lower: str | None, words: str | None
) -> None:
    rows = along_cord("sub-01", "ses-02")
    shape = next(row for row in rows if isinstance(row, records.Shape))
    level = next(row for row in rows if isinstance(row, records.Level))
    level = replace(level, upper_level=upper, lower_level=lower, missing_reason=None if lower else "why")
    database = published(tmp_path, *usable("sub-01", "ses-02", "2020-04-10", is_reference=True), shape, level)
    assert row_of(reader.table(database, "shape"))["levels"] == words


def test_a_shape_of_a_visit_without_a_row_of_levels_is_still_shown(tmp_path: Path) -> None:
    shape = next(row for row in along_cord("sub-01", "ses-02") if isinstance(row, records.Shape))
    database = published(tmp_path, *usable("sub-01", "ses-02", "2020-04-10", is_reference=True), shape)
    assert row_of(reader.table(database, "shape"))["levels"] is None


def test_the_discs_stand_along_the_line_with_where_they_come_from(tiny: Path) -> None:
    discs = reader.table(tiny, "disc")
    assert discs[["number", "name", "position_mm"]].to_numpy().tolist() == [
        [5, "C4/C5", 9.0], [6, "C5/C6", -9.0], [7, "C6/C7", -27.0],
    ]  # fmt: skip
    assert discs["is_used"].all()
