"""Scans of one day that the clock tells apart are scans of their own, in the table as in a study. One second."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

from pipeline.core.records import Finding
from pipeline.study.imported_table import with_imported
from pipeline.study.own_numbers import GivenVisit, read_volumes
from pipeline.study.visits import StudyVisit

DAY = date(2021, 1, 1)
HEAD = "patient_id,date,compartment,volume_mm3\n"


def read(folder: Path, *rows: str) -> tuple[tuple[GivenVisit, ...], list[Finding]]:
    table, findings = folder / "v.csv", []  # type: tuple[Path, list[Finding]]
    table.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return read_volumes(table, folder, date(2026, 1, 1), findings).visits, findings


def test_two_sizes_at_two_times_are_two_scans(tmp_path: Path) -> None:
    visits, findings = read(
        tmp_path, "a,2021-01-01T16:10,tumour,900", "a,2021-01-01T08:30,tumour,1000", "a,2021-01-01T08:42,cyst,50"
    )
    assert [visit.acquired_at for visit in visits] == [time(8, 30), time(16, 10)], "each begins with its first series"
    assert [[one.volume_mm3 for one in visit.measures] for visit in visits] == [[50, 1000], [900]]
    assert not findings


def test_two_readings_of_one_sitting_are_no_two_scans(tmp_path: Path) -> None:
    visits, findings = read(tmp_path, "a,2021-01-01T10:00,tumour,1000", "a,2021-01-01T10:59,tumour,1900")
    assert [[one.volume_mm3 for one in visit.measures] for visit in visits] == [[None]]
    assert "rows_differ" in {one.code for one in findings}


def test_a_series_before_the_tumours_row_is_of_the_same_later_scan(tmp_path: Path) -> None:
    visits, _ = read(
        tmp_path, "a,2021-01-01T08:30,tumour,1000", "a,2021-01-01T16:00,cyst,70", "a,2021-01-01T16:10,tumour,900"
    )
    assert [[one.volume_mm3 for one in visit.measures] for visit in visits] == [[1000], [70, 900]]


def test_a_series_of_a_long_sitting_stays_with_it(tmp_path: Path) -> None:
    visits, _ = read(tmp_path, "a,2021-01-01T08:30,tumour,1000", "a,2021-01-01T09:40,cyst,70")
    assert len(visits) == 1


def test_the_same_day_without_times_is_one_scan_with_two_sizes_that_differ(tmp_path: Path) -> None:
    for other in ("2021-01-01", "2021-01-01T00:00"):
        visits, findings = read(tmp_path, "a,2021-01-01T08:30,tumour,1000", f"a,{other},tumour,900")
        assert [[one.volume_mm3 for one in visit.measures] for visit in visits] == [[None]]
        assert "rows_differ" in {one.code for one in findings}


def test_another_name_of_the_same_compartment_is_no_other_compartment(tmp_path: Path) -> None:
    visits, _ = read(tmp_path, "a,2021-01-01T08:30,tumour,1000", "a,2021-01-01T16:10,tumor,900")
    assert [[one.volume_mm3 for one in visit.measures] for visit in visits] == [[1000], [900]]


def test_each_scan_of_a_day_is_a_visit_named_by_its_time() -> None:
    given = [GivenVisit("a", DAY, acquired_at=at) for at in (time(8, 30), time(16, 10))]
    made = with_imported("sub-a", (), given, [])
    assert [visit.session_id for visit in made] == ["ses-imported20210101t083000", "ses-imported20210101t161000"]
    assert [visit.session_id for visit in with_imported("sub-a", (), given[1:], [])] == ["ses-imported20210101"]


def test_each_scan_goes_to_the_listed_visit_of_its_time() -> None:
    listed = [StudyVisit("sub-a", f"ses-{n}", DAY, (), (), acquired_at=at) for n, at in enumerate([None, time(16, 10)])]
    given = [GivenVisit("a", DAY, acquired_at=at) for at in (time(8, 30), time(16, 10), time(19, 0))]
    made = with_imported("sub-a", tuple(listed), given, [])
    at = {visit.session_id: visit.acquired_at for visit in made}
    assert at == {"ses-0": time(8, 30), "ses-1": time(16, 10), "ses-imported20210101t190000": time(19, 0)}
