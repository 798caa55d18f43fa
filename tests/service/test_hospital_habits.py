"""Deliveries as hospitals really bring them: other IDs of one person, no date, other scripts, archives in archives."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.hospital.private.pseudonyms import default_private_folder
from pipeline.hospital.read.dicom_files import SourceLimits
from pipeline.journal.sign_off import Signature
from pipeline.service import asking, deliveries, delivery_answers, delivery_run, jobs, study_forms
from pipeline.service.delivery_answers import SAME_AS
from pipeline.study import study_folder
from tests import dicom_files as dicom
from tests.service import brought
from tests.service.test_deliveries import AT, Desk

UPRIGHT = Volume(brought.scan().array.astype(np.uint16), np.diag([0.9, 0.9, 3.3, 1.0])[:, [2, 1, 0, 3]])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def disc(folder: Path, day: date = date(2020, 2, 17), **header: object) -> dict[str, bytes]:
    """The files of one series, without endings."""
    paths = dicom.save_all(dicom.slices(UPRIGHT, day, uids=dicom.new_uids(), **header), folder / f"{day}-{len(header)}")
    return {path.name: path.read_bytes() for path in paths}


def add_first(desk: Desk) -> str:
    """Add a first visit of somebody, and return the pseudonym."""
    delivery, (one,), _ = desk.look(disc(desk.scratch))
    desk.add(delivery, {})
    return str(one["patient_id"])


@pytest.mark.parametrize("header", [{"PatientID": "0815"}, {"PatientID": "0815", "PatientName": "DOE^JANE"}])
def test_another_patient_id_of_somebody_known_is_asked_about_and_stays_one_person(desk: Desk, header: dict) -> None:
    first = add_first(desk)
    files = disc(desk.scratch, date(2021, 3, 1), **header)
    delivery, (one,), odd = desk.look(files)
    content = deliveries.decisions_of(desk.out, delivery.delivery_id)
    (pair,) = content["doubles"]
    assert pair == [one["patient_id"], first]
    assert odd == [], "it is asked, and not only said"
    with pytest.raises(SettingsError, match="say whether this is"):
        delivery_answers.check_answers(content["series"], {}, date(2024, 5, 31), content["doubles"])
    answers = {pair[0]: {SAME_AS: first}}
    delivery_answers.check_answers(content["series"], answers, date(2024, 5, 31), content["doubles"])
    desk.add(delivery, answers)
    assert {name.split("/")[0] for name in desk.images()} == {first}
    assert len(desk.images()) == 2
    assert desk.record()[-1]["decided"] == answers
    later, (again,), _ = desk.look(disc(desk.scratch, date(2022, 3, 1), **header))
    assert again["patient_id"] == first, "asked once, known from then on"
    assert deliveries.decisions_of(desk.out, later.delivery_id)["doubles"] == []


def test_who_is_said_to_be_another_person_is_one_and_who_cannot_be_the_same_is_not(desk: Desk) -> None:
    first = add_first(desk)
    delivery, (one,), _ = desk.look(disc(desk.scratch, date(2021, 3, 1), PatientID="0815", PatientSex="M"))
    desk.add(delivery, {one["patient_id"]: {SAME_AS: first}})
    assert len(desk.images()) == 1, "other sexes are not one person, whatever somebody says"
    again, (one,), _ = desk.look(disc(desk.scratch, date(2021, 3, 2), PatientID="0816"))
    desk.add(again, {one["patient_id"]: {SAME_AS: ""}})
    assert {name.split("/")[0] for name in desk.images()} == {first, one["patient_id"]}


def doubles(desk: Desk, delivery: deliveries.Delivery) -> list[list[str]]:
    return list(deliveries.decisions_of(desk.out, delivery.delivery_id)["doubles"])


@pytest.mark.parametrize("is_same", [True, False])
def test_a_wrong_answer_about_a_person_is_taken_back_as_the_page_about_hospitals_says(
    desk: Desk, is_same: bool
) -> None:
    first, private = add_first(desk), default_private_folder(desk.study) / "people"
    files = disc(desk.scratch, date(2021, 3, 1), PatientID="0815")
    delivery, (one,), _ = desk.look(files)
    (pair,) = doubles(desk, delivery)
    desk.add(delivery, {one["patient_id"]: {SAME_AS: first if is_same else ""}})
    here = (first if is_same else one["patient_id"]), one["session_id"]
    shutil.rmtree(desk.study.joinpath(*here))
    if is_same:
        known = json.loads((private / f"{first}.json").read_text(encoding="utf-8"))
        (private / f"{first}.json").write_text(json.dumps(known | {"others": []}), encoding="utf-8")
    else:
        shutil.rmtree(desk.study / here[0])
        (private / f"{here[0]}.json").unlink()
    again, (one,), _ = desk.look(files)
    assert doubles(desk, again) == [pair], "asked anew"
    desk.add(again, {one["patient_id"]: {SAME_AS: "" if is_same else first}})
    assert {name.split("/")[0] for name in desk.images()} == ({first, pair[0]} if is_same else {first})
    assert len(desk.images()) == 2


def test_a_scan_without_a_date_is_said_and_dated_by_a_form(desk: Desk) -> None:
    header = {"StudyDate": None, "SeriesDate": None, "AcquisitionDate": None, "ContentDate": None}
    delivery, (one,), odd = desk.look(disc(desk.scratch, **header))
    assert one["day"] == ""
    assert any("expected the day of the scan in the header, found none" in words for words in odd)
    desk.add(delivery, {})
    person, visit = one["patient_id"], one["session_id"]
    shown = study_forms.read(desk.study, study_forms.sessions_of(person))
    assert [(row["session_id"], row["acq_date"]) for row in shown.rows] == [(visit, "")]
    dated = [{"session_id": visit, "acq_date": "2019-05-06"}]
    study_forms.save((desk.study, desk.out), shown, dated, Signature("A", "", AT), AT.date())
    (patient,) = study_folder.read_study(desk.study, as_of=AT.date()).patients
    assert [one.acquired_on for one in patient.visits] == [date(2019, 5, 6)]


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("ISO_IR 144", "Т2 сагиттально"),
        ("ISO_IR 100", "Wirbelsäule süß T2"),
        ("ISO_IR 192", "脊髄 矢状断 T2"),
        (None, "T2"),
    ],
)
def test_series_named_in_any_language_are_read(desk: Desk, charset: str | None, words: str) -> None:
    header = {"SpecificCharacterSet": charset, "SeriesDescription": words, "ProtocolName": words}
    _, (one,), odd = desk.look(disc(desk.scratch, **header))
    assert (one["outcome"], one["contrast"], odd) == ("imported", "T2w", [])


@pytest.mark.parametrize("name", ["脊髄_T2_矢状断.nii.gz", "Rückenmark t2.nii.gz", "спинной мозг t2.NII.GZ"])
def test_nifti_files_named_in_any_language_are_asked_about_by_their_names(desk: Desk, name: str) -> None:
    _, (one,), _ = desk.look({name: brought.nifti(desk.scratch, "a.nii.gz")})
    assert (one["name"], one["likely"], one["is_open"]) == (name, "T2w", True)


def test_an_archive_in_an_archive_is_read_and_one_in_that_is_said(desk: Desk) -> None:
    inner = brought.zipped({f"DICOM/{name}": content for name, content in disc(desk.scratch).items()})
    _, (one,), odd = desk.look({"portal.zip": brought.zipped({"CD.zip": inner, "__MACOSX/._CD.zip": b"\0\5\26\7"})})
    assert (one["outcome"], odd) == ("imported", [])
    twice = brought.zipped({"b.zip": brought.zipped({"c.zip": inner})})
    _, series, odd = desk.look({"a.zip": twice})
    assert series == []
    assert len(odd) == 1
    assert "an archive within an archive within another" in odd[0]


def test_an_archive_in_an_archive_is_no_way_around_the_limits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_run, "DROPPED", SourceLimits(files=300, unpacked_bytes=2**30))
    bomb = brought.zipped({"a.dcm": bytes(64 * 2**20)})
    many = brought.zipped({f"{number}.dcm": b"" for number in range(290)})
    for inner, words in ((bomb, "unpacks without end"), (many, "up to 10 files")):
        _, series, odd = desk.look({"out.zip": brought.zipped({"in.zip": inner, "other.zip": inner})})
        assert series == []
        assert any(words in one for one in odd)


def test_what_macos_puts_beside_files_is_no_scan(desk: Desk) -> None:
    scan = brought.nifti(desk.scratch, "a.nii.gz")
    _, series, odd = desk.look({"mac.zip": brought.zipped({"a.nii.gz": scan, "__MACOSX/._a.nii.gz": b"\0\5\26\7 Mac"})})
    assert [one["name"] for one in series] == ["mac.zip/a.nii.gz"]
    assert odd == []


def test_a_delivery_that_comes_again_is_said_to_be_there(desk: Desk) -> None:
    files = {**disc(desk.scratch), "sub-07_ses-02_T2w.nii.gz": brought.nifti(desk.scratch, "a.nii.gz")}
    delivery, series, _ = desk.look(files)
    assert {one["outcome"] for one in series} == {"imported", "unsure"}
    (token,) = (one["token"] for one in series if one["is_nifti"])
    answers = {token: {"contrast": "T2w", "patient_id": "sub-07", "day": "2021-03-04"}}
    desk.add(delivery, answers)
    before = desk.images()
    again, series, _ = desk.look(files)
    assert {(one["outcome"], one["is_open"]) for one in series} == {("there", False)}
    desk.add(again, {})
    assert desk.images() == before


def test_scans_that_come_while_a_run_goes_on_are_for_a_run_of_their_own(desk: Desk) -> None:
    add_first(desk)
    job, _ = asking.ask_for_run(desk.study, desk.out, "A", [])
    assert asking.ask_for_run(desk.study, desk.out, "B", []) == (job, False)
    jobs.begin(desk.out, job.job_id, job.stamp)
    delivery, _, _ = desk.look(disc(desk.scratch, date(2021, 3, 1)))
    assert not asking.ask_for_run(desk.study, desk.out, "B", [])[1], "only looked at: nothing is new"
    desk.add(delivery, {})
    assert asking.ask_for_run(desk.study, desk.out, "B", [])[1], "the run that goes on may not have seen it"
