"""A person corrects what the program was sure of: another contrast, a series left out; with a reason on record."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.service import delivery_answers
from tests import dicom_files as dicom
from tests.service import brought
from tests.service.test_deliveries import Desk
from tests.service.test_hospital_habits import UPRIGHT, disc

TODAY = date(2024, 5, 31)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_sure_series_of_a_disc_is_called_otherwise_and_the_reason_is_on_record(desk: Desk) -> None:
    delivery, (one,), _ = desk.look(disc(desk.scratch))
    assert (one["outcome"], one["contrast"]) == ("imported", "T2w")
    answers = {one["token"]: {"contrast": "STIR", "why": "fat is dark"}}
    delivery_answers.check_answers([one], answers, TODAY)
    desk.add(delivery, answers)
    (name,) = desk.images()
    assert name.endswith("_acq-axstir_T2w.nii.gz"), "its voxels are thickest along the spine"
    assert desk.record()[-1]["decided"] == answers


def test_a_series_that_was_left_out_is_taken_when_a_person_says_what_it_is(desk: Desk) -> None:
    files = disc(desk.scratch, SeriesDescription="t2_tse_sag_localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    delivery, (one,), _ = desk.look(files)
    assert one["outcome"] == "skipped"
    answers = {one["token"]: {"contrast": "T2w", "why": "a whole series under a wrong name"}}
    delivery_answers.check_answers([one], answers, TODAY)
    assert desk.add(delivery, answers).startswith("1 file is added")


def test_what_was_to_be_added_and_could_not_be_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    uids = dicom.new_uids()
    paths = dicom.save_all(dicom.slices(UPRIGHT, uids=uids), desk.scratch / "a")
    monkeypatch.setattr("pipeline.hospital.read.burned_in.looks_written_on", lambda _: False)
    delivery, (one,), _ = desk.look({path.name: path.read_bytes() for path in paths})
    monkeypatch.setattr("pipeline.hospital.read.burned_in.looks_written_on", lambda _: True)
    words = desk.add(delivery, {})
    assert words.startswith("Nothing is added to the study")
    assert f"series {one['token']} (the pixels look as if text were burnt into them)." in words


@pytest.mark.parametrize(
    ("name", "contrast", "ending"),
    [
        ("sub-07_ses-20210304_acq-sag_T2w.nii.gz", "STIR", "sub-07_ses-20210304_acq-sagstir_T2w.nii.gz"),
        ("sub-07_ses-20210304_acq-sagSTIR_T2w.nii.gz", "T2w", "sub-07_ses-20210304_acq-sag_T2w.nii.gz"),
        ("sub-07_ses-20210304_acq-stir_T2w.nii.gz", "T1w", "sub-07_ses-20210304_acq-sag_T1w.nii.gz"),
    ],
)
def test_a_file_that_is_called_otherwise_is_read_as_what_it_was_called(
    desk: Desk, name: str, contrast: str, ending: str
) -> None:
    delivery, (one,), _ = desk.look({name: brought.nifti(desk.scratch, "a.nii.gz")})
    assert one["outcome"] == "imported"
    answers = {one["token"]: {"contrast": contrast, "patient_id": "sub-07", "day": "2021-03-04"}}
    with pytest.raises(SettingsError, match="say why it is not what it was taken for"):
        delivery_answers.check_answers([one], answers, TODAY)
    answers[one["token"]]["why"] = "misnamed"
    delivery_answers.check_answers([one], answers, TODAY)
    desk.add(delivery, answers)
    assert [image.rpartition("/")[2] for image in desk.images()] == [ending]


def test_another_day_than_that_of_its_name_makes_a_visit_of_that_day(desk: Desk) -> None:
    files = {"sub-07_ses-20210304_T2w.nii.gz": brought.nifti(desk.scratch, "a.nii.gz")}
    delivery, (one,), _ = desk.look(files)
    answers = {one["token"]: {"contrast": "T2w", "patient_id": "sub-07", "day": "2021-03-05", "why": "typing error"}}
    delivery_answers.check_answers([one], answers, TODAY)
    desk.add(delivery, answers)
    (name,) = desk.images()
    assert name.startswith("sub-07/ses-20210305/")


@pytest.mark.parametrize(
    ("scan", "answer", "words"),
    [
        ({}, {"contrast": "", "why": "x"}, "say what it is"),
        ({}, {"contrast": "XYZ", "why": "x"}, "say what it is"),
        ({}, {"contrast": "STIR", "why": " "}, "say why"),
        ({"outcome": "refused"}, {"contrast": "STIR", "why": "x"}, "nothing is to be decided about it"),
        ({"outcome": "there"}, {"contrast": "STIR", "why": "x"}, "nothing is to be decided about it"),
        ({"outcome": "skipped", "slices": "1"}, {"contrast": "T2w", "why": "x"}, "nothing is to be decided about it"),
    ],
)
def test_a_correction_that_says_too_little_is_refused(scan: dict, answer: dict, words: str) -> None:
    usual = {"token": "t", "is_nifti": False, "is_open": False, "outcome": "imported", "slices": "15", "reason": "why"}
    usual |= {"patient_id": "sub-01", "day": "2020-01-01", "session_id": "ses-1", "contrast": "T2w", "refusal": ""}
    with pytest.raises(SettingsError, match=words):
        delivery_answers.check_answers([usual | scan], {"t": answer}, TODAY)
