"""Headers that do not say when or where a scan was made: no day is taken, nothing is left out silently. About 20 s."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.study.study_folder import read_study
from tests import dicom_files as dicom
from tests.hospital.importing.test_import import codes, phantom, run

DOUBTFUL = {
    "placeholder": ({"StudyDate": "19000101", "AcquisitionDate": "20200217"}, "AcquisitionDate 43876 days apart"),
    "another year": ({"StudyDate": "20210217", "AcquisitionDate": "20200217"}, "AcquisitionDate 366 days apart"),
    "dates that disagree": (
        {"StudyDate": "20200210", "SeriesDate": "20200210", "AcquisitionDate": "20200217"},
        "AcquisitionDate 7 days apart",
    ),
    "birth": ({"StudyDate": "19700131"}, "the date of birth in StudyDate"),
}
SURE = {
    "no other date": {"StudyDate": "20200217"},
    "the same": {"StudyDate": "20200217", "AcquisitionDate": "20200217"},
    "over midnight": {"StudyDate": "20200217", "AcquisitionDate": "20200218"},
}


@pytest.mark.parametrize(("header", "words"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_date_that_cannot_be_the_scan_s_is_none(tmp_path: Path, header: dict[str, str], words: str) -> None:
    dicom.save_all(dicom.slices(phantom(), **header), tmp_path / "disc")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert codes(done) == ["visit_without_date"]
    assert words in done.findings[0].message
    assert not any(one in done.findings[0].message for one in ("1900", "2020-", "2021-", "1970"))  # days name people
    study = read_study(tmp_path / "study", as_of=date(2026, 1, 31))
    assert [visit.acquired_on for visit in study.patients[0].visits] == [None]
    (table,) = (tmp_path / "study").glob("sub-*/*_sessions.tsv")
    table.write_text(table.read_text(encoding="utf-8").replace("n/a", "2020-02-17"), encoding="utf-8")
    mended = read_study(tmp_path / "study", as_of=date(2026, 1, 31))
    assert [visit.acquired_on for visit in mended.patients[0].visits] == [date(2020, 2, 17)]
    assert codes(run(tmp_path / "disc", tmp_path / "study")) in ([], ["visit_without_date"])
    assert len(list((tmp_path / "study").glob("sub-*/ses-*"))) == 1  # a second import makes no second visit


@pytest.mark.parametrize("header", SURE.values(), ids=SURE)
def test_a_date_that_may_be_the_scan_s_is_its_day(tmp_path: Path, header: dict[str, str]) -> None:
    dicom.save_all(dicom.slices(phantom(), **header), tmp_path / "disc")
    assert codes(run(tmp_path / "disc", tmp_path / "study")) == []
    study = read_study(tmp_path / "study", as_of=date(2026, 1, 31))
    assert [visit.acquired_on for visit in study.patients[0].visits] == [date(2020, 2, 17)]


@pytest.mark.parametrize("others", [{}, {"SeriesDate": "20200217", "ContentDate": "20200218"}], ids=["alone", "agreed"])
def test_a_second_sitting_of_one_study_has_its_own_day(tmp_path: Path, others: dict[str, str]) -> None:
    uids = dicom.new_uids()
    first = dicom.slices(phantom(), uids=uids, StudyDate="20200210", AcquisitionDate="20200210")
    later = {"StudyDate": "20200210", "AcquisitionDate": "20200217", **others}
    second = dicom.slices(phantom(), uids=dicom.new_uids(uids["study"]), **later)
    dicom.save_all(first, tmp_path / "disc" / "a")
    dicom.save_all(second, tmp_path / "disc" / "b")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert codes(done) == ["visit_date_acquired"]
    assert "found it 7 days apart" in done.findings[0].message
    study = read_study(tmp_path / "study", as_of=date(2026, 1, 31))
    assert [visit.acquired_on for visit in study.patients[0].visits] == [date(2020, 2, 10), date(2020, 2, 17)]


def test_a_series_without_positions_is_said_once(tmp_path: Path) -> None:
    images = dicom.slices(phantom())
    for image in images:
        del image.ImagePositionPatient
    dicom.save_all(images, tmp_path / "disc")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert (codes(done), done.added) == (["series_refused"], ())
    assert "expected positions, spacing and direction in the header, found none" in done.findings[0].message
