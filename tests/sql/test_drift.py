"""The views of scanners and changes of protocol, against numbers worked out by hand. About 3 s alone.

sub-01 grows from 900 to 1400 mm³, each with a coefficient of variation of 0.1, when its scanner changes: ln(1400/900)
is 0.4418 and its standard error sqrt(0.1² + 0.1²) = 0.1414, so the change is 3.124 errors.
"""

from datetime import date
from pathlib import Path

import pytest

from pipeline.acquisition.protocol import Facts, MeasuredScan
from pipeline.core import records
from pipeline.store import reader
from tests.factories import ADAPTED, usable
from tests.scanner_rows import AVANTO, acquisition
from tests.sql.shown import numbers, published, row_of


def test_a_change_of_scanner_stands_beside_the_tumour_change_across_it(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "protocol_change"), patient_id="sub-01", session_id="ses-05", is_visit_before=True)
    expected = {
        "compared_session_id": "ses-04",
        "scanner": "changed",
        "protocol": "same",
        "changes": "scanner from Siemens Avanto 1.5 T to Siemens Skyra 3 T",
        "is_evaluable_pair": True,
        "change_percent": 55.556,
        "change_low_percent": 17.0,
        "change_high_percent": 105.0,
        "change_errors": 3.124,
    }
    assert numbers(row, expected) == expected


def test_volumes_of_0_and_without_error_have_no_change_in_errors(tiny: Path) -> None:
    frame = reader.table(tiny, "protocol_change")
    for patient, session in (("sub-02", "ses-02"), ("sub-02", "ses-03"), ("sub-03", "ses-02")):
        row = row_of(frame, patient_id=patient, session_id=session)
        assert row["change_errors"] is None, (patient, session)
    assert row_of(frame, patient_id="sub-02", session_id="ses-03")["change_percent"] is None


def test_what_stands_before_the_baseline_is_no_evaluable_pair(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "protocol_change"), patient_id="sub-01", session_id="ses-02")
    assert not row["is_evaluable_pair"]
    pairs = reader.query(tiny, "quality_repeatability")
    assert [(row.scanner, round(row.change_errors, 3)) for row in pairs.itertuples()] == [
        ("changed", 3.124), ("same", 0.833), ("same", 1.578),
    ]  # fmt: skip


def test_changes_that_read_as_growth_come_first(tiny: Path) -> None:
    rows = reader.query(tiny, "quality_drift", criteria_id=ADAPTED, most=100)
    assert list(rows["patient_id"]) == ["sub-01", "sub-03"]
    assert list(rows["reads_as_growth"]) == [True, False]
    assert rows.iloc[1]["changes"] == "echo time from 100 to 130 ms"
    counts = reader.query(tiny, "quality_drift_counts", criteria_id=ADAPTED).iloc[0].to_dict()
    assert counts == {
        "follow_up_count": 7, "changed_count": 2, "scanner_count": 1, "protocol_count": 1, "software_count": 0,
        "growth_count": 1, "unknown_scanner_count": 2, "same_count": 3,
    }  # fmt: skip


def test_a_scanner_is_told_with_its_period_and_what_is_not_recorded_apart(tiny: Path) -> None:
    rows = reader.query(tiny, "quality_scanners")
    assert list(rows["scanner_name"]) == ["Siemens Avanto 1.5 T", "Siemens Skyra 3 T", "not recorded"]
    first = rows.iloc[0]
    assert (first["patient_count"], first["visit_count"], first["protocols"]) == (2, 6, "T2w sagittal 3.3 mm")
    assert list(rows["visit_count"]) == [6, 1, 3]
    assert not rows.iloc[2]["is_known"]


def test_slices_and_grades_are_counted_earlier_and_lately(tmp_path: Path) -> None:
    rows: list[object] = []
    days = ("2020-01-01", "2021-01-01", "2022-12-31", "2023-12-31")
    for number, (day, slice_mm, grade) in enumerate(zip(days, (5.0, 3.0, 3.0, 3.0), "CAAB", strict=True), start=1):
        rows += usable("sub-01", f"ses-0{number}", day, grade=grade)
        rows.append(acquisition("sub-01", f"ses-0{number}", MeasuredScan("T2w", "sagittal", slice_mm, 0.7, AVANTO)))
    (row,) = reader.table(published(tmp_path, *rows), "scanner").to_dict("records")
    expected = {
        "visit_count": 4, "protocol_count": 2, "protocols": "T2w sagittal 3.0 mm, T2w sagittal 5.0 mm",
        "early_visit_count": 3, "late_visit_count": 1, "early_slice_mm": 3.0, "early_slice_low_mm": 3.0,
        "early_slice_high_mm": 5.0, "late_slice_mm": 3.0, "late_slice_high_mm": 3.0,
        "early_aligned_count": 3, "early_a_count": 2, "late_aligned_count": 1, "late_a_count": 0,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected, "a year before the last visit is earlier"
    assert (row["first_on"].date(), row["last_on"].date()) == (date(2020, 1, 1), date(2023, 12, 31))


@pytest.mark.parametrize("status", ["failed", "undated"])
def test_visits_that_are_not_usable_count_for_no_scanner(tmp_path: Path, status: str) -> None:
    visit = records.Visit("sub-01", "ses-01", None, False, status, "why")
    scan = next(row for row in usable("sub-01", "ses-01", "2020-01-01") if isinstance(row, records.Scan))
    made = acquisition("sub-01", "ses-01", MeasuredScan("T2w", "sagittal", 3.0, 0.7, AVANTO))
    database = published(tmp_path, visit, scan, made)
    assert reader.table(database, "scanner").empty
    assert not reader.table(database, "acquisition")["is_measured"].any()


def test_two_scanners_of_one_model_are_told_apart_by_their_tokens(tmp_path: Path) -> None:
    rows: list[object] = []
    for number, token in enumerate(("s-aaaa1111", "s-bbbb2222"), start=1):
        facts = Facts("Siemens", "Avanto", 1.5, token)
        rows += usable("sub-01", f"ses-0{number}", f"202{number}-01-01")
        rows.append(acquisition("sub-01", f"ses-0{number}", MeasuredScan("T2w", "sagittal", 3.0, 0.7, facts)))
    names = sorted(reader.table(published(tmp_path, *rows), "scanner")["scanner_name"])
    assert names == ["Siemens Avanto 1.5 T (device aaaa)", "Siemens Avanto 1.5 T (device bbbb)"]
