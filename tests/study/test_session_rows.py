"""What a sessions table says of a visit beside its images: a month or a year, a time of day, seeding."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from pipeline.core.written_day import last_possible
from tests.study_folder import AS_OF, codes, only_visit, study_of


def sessions(rows: str) -> dict[str, str]:
    return {"sub-01/sub-01_sessions.tsv": f"session_id\tacq_time\tacq_date\tleptomeningeal\n{rows}\n"}


@pytest.mark.parametrize(
    ("cell", "written", "last"),
    [
        ("2019", "2019", date(2019, 12, 31)),
        ("2019-05", "2019-05", date(2019, 5, 31)),
        ("2019-02-xx", "2019-02", date(2019, 2, 28)),
    ],
)
def test_a_visit_of_a_month_or_a_year_is_dated_by_its_span(tmp_path: Path, cell: str, written: str, last: date) -> None:
    study = study_of(tmp_path, sessions(f"ses-01\tn/a\t{cell}\tn/a"))
    day = only_visit(study).acquired_on
    assert (str(day), last_possible(day)) == (written, last)
    assert codes(study) == ["date_partial"]


def test_a_day_beside_its_own_month_is_that_day_and_beside_another_month_none(tmp_path: Path) -> None:
    inside = only_visit(study_of(tmp_path / "a", sessions("ses-01\t2019-05-07T09:30:00\t2019-05\tn/a")))
    assert (str(inside.acquired_on), inside.acquired_at) == ("2019-05-07", time(9, 30))
    outside = study_of(tmp_path / "b", sessions("ses-01\t2019-05-07T09:30:00\t2019-06\tn/a"))
    assert (only_visit(outside).acquired_on, only_visit(outside).acquired_at) == (None, None)
    assert "visit_date_conflict" in codes(outside)


def test_a_span_ends_with_the_day_of_reading(tmp_path: Path) -> None:
    day = only_visit(study_of(tmp_path, sessions(f"ses-01\tn/a\t{AS_OF.year}\tn/a"))).acquired_on
    assert last_possible(day) == AS_OF


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2019-05-07T09:30", time(9, 30)),
        ("2019-05-07T00:00:00", None),
        ("2019-05-07T09:30:00Z", None),
        ("2019-05-07", None),
    ],
)
def test_midnight_and_other_zones_are_no_time_of_day(tmp_path: Path, cell: str, expected: time | None) -> None:
    assert only_visit(study_of(tmp_path, sessions(f"ses-01\t{cell}\tn/a\tn/a"))).acquired_at == expected


@pytest.mark.parametrize(
    ("cell", "expected"), [("yes", True), ("No", False), ("not imaged", None), ("n/a", None), ("perhaps", None)]
)
def test_seeding_that_nobody_imaged_is_never_no(tmp_path: Path, cell: str, expected: bool | None) -> None:
    study = study_of(tmp_path, sessions(f"ses-01\tn/a\t2019-05-07\t{cell}"))
    assert only_visit(study).leptomeningeal is expected
    assert codes(study) == (["word_unknown"] if cell == "perhaps" else [])


def test_seeding_that_one_of_two_rows_saw_was_seen(tmp_path: Path) -> None:
    rows = "ses-01\tn/a\t2019-05-07\tno\nses-01\tn/a\t2019-05-07\tyes"
    assert only_visit(study_of(tmp_path, sessions(rows))).leptomeningeal is True


@pytest.mark.parametrize(
    ("late", "early", "is_one"),
    [
        ("2019-05-07T23:50:00", "2019-05-08T00:10:00", True),
        ("2019-05-07T14:00:00", "2019-05-08T00:10:00", False),
        ("2019-05-07T23:50:00", "2019-05-08T14:00:00", False),
        ("2019-05-07T23:50:00", "2019-05-08", False),
        ("2019-05-07T23:50:00", "2019-05-09T00:10:00", False),
    ],
)
def test_scans_over_midnight_are_one_sitting_on_its_first_day(
    tmp_path: Path, late: str, early: str, is_one: bool
) -> None:
    rows = f"anat/sub-01_ses-01_T2w.nii.gz\t{late}\nanat/sub-01_ses-01_T1w.nii.gz\t{early}\n"
    study = study_of(
        tmp_path,
        {
            "sub-01/sub-01_sessions.tsv": "session_id\nses-01\n",
            "sub-01/ses-01/sub-01_ses-01_scans.tsv": f"filename\tacq_time\n{rows}",
        },
    )
    assert str(only_visit(study).acquired_on) == ("2019-05-07" if is_one else "None")
    assert ("visit_date_conflict" in codes(study)) != is_one


def test_a_date_in_scans_tsv_counts_where_the_sessions_table_gives_none_and_never_against_an_odd_one(
    tmp_path: Path,
) -> None:
    table = "filename\tacq_time\nanat/sub-01_ses-01_T2w.nii.gz\t2019-05-07T10:00:00\n"
    scans = {"sub-01/ses-01/sub-01_ses-01_scans.tsv": table}
    silent = study_of(tmp_path / "a", {**scans, "sub-01/sub-01_sessions.tsv": "session_id\tweight\nses-01\t70\n"})
    assert (str(only_visit(silent).acquired_on), "visit_date_from_scans" in codes(silent)) == ("2019-05-07", True)
    odd = study_of(tmp_path / "b", {**scans, **sessions("ses-01\tn/a\t07.05.2018\tn/a")})
    assert (only_visit(odd).acquired_on, codes(odd)) == (None, ["date_malformed", "visit_undated"])
