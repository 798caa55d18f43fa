"""Scans that people bring: looked through, added once decided; attacks end in a sentence each. About 40 s."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from pipeline.files import images
from pipeline.journal.roles import Visitor
from pipeline.service import deliveries, delivery_answers, delivery_run, delivery_worker, jobs, scan_places
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState
from tests.service import brought

AT = datetime.fromisoformat("2024-05-31T12:00:00")
WHO = Visitor("A. Dder", "https://idp 17")


class Desk:
    """A study, an output folder, and what is brought to them."""

    def __init__(self, place: Path) -> None:
        self.study, self.out, self.scratch = place / "study", place / "out", place / "scratch"
        for folder in (self.study, self.out, self.scratch):
            folder.mkdir()

    def bring(self, files: dict[str, bytes]) -> Delivery:
        delivery = Delivery(jobs.fresh_id(), DeliveryKind.DROP, "", "A. Dder", "", AT)
        folder = deliveries.folder_of(self.out, delivery.delivery_id) / deliveries.FILES
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return deliveries.begin(self.out, delivery)

    def look(self, files: dict[str, bytes]) -> tuple[Delivery, list[dict], list[str]]:
        """Look without a process of its own, which costs seconds; one test does it with."""
        delivery = self.bring(files)
        taken = deliveries.take_next(self.out)
        assert taken is not None
        delivery_run.look(self.study, self.out, taken)
        deliveries.end(self.out, delivery.delivery_id, DeliveryState.LOOKED, "")
        content = deliveries.decisions_of(self.out, delivery.delivery_id)
        return self.stands(delivery), content["series"], content["odd"]

    def add(self, delivery: Delivery, answers: deliveries.Answers) -> str:
        deliveries.confirm(self.out, delivery.delivery_id, WHO, answers)
        taken = deliveries.take_next(self.out)
        assert taken is not None
        words = delivery_run.add(self.study, self.out, taken)
        deliveries.end(self.out, delivery.delivery_id, DeliveryState.ADDED, words)
        return words

    def stands(self, delivery: Delivery) -> Delivery:
        stands = deliveries.delivery_of(self.out, delivery.delivery_id)
        assert stands is not None
        return stands

    def record(self) -> list[dict]:
        lines = (self.out / deliveries.RECORD).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def images(self) -> list[str]:
        return sorted(path.relative_to(self.study).as_posix() for path in self.study.rglob("*.nii.gz"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_dicom_is_looked_through_decided_and_added_by_the_worker(desk: Desk) -> None:
    delivery = desk.bring({"disc.zip": brought.dicom_delivery(desk.scratch)})
    assert delivery_worker.do_next(desk.study, desk.out)
    assert desk.stands(delivery).state == DeliveryState.LOOKED, desk.stands(delivery).message
    assert not any(desk.study.iterdir())
    series = deliveries.decisions_of(desk.out, delivery.delivery_id)["series"]
    (sure,) = (one for one in series if one["outcome"] == "imported")
    (unsure,) = (one for one in series if one["is_open"])
    assert (sure["contrast"], sure["session_id"], sure["day"]) == ("T2w", "ses-20200217", "2020-02-17")
    assert sure["picture"]
    assert unsure["picture"]
    deliveries.confirm(desk.out, delivery.delivery_id, WHO, {unsure["token"]: {"contrast": "T1w"}})
    assert delivery_worker.do_next(desk.study, desk.out)
    assert not delivery_worker.do_next(desk.study, desk.out)
    ended = desk.stands(delivery)
    visit = f"{sure['patient_id']} ses-20200217"
    assert (ended.state, ended.message) == (DeliveryState.ADDED, f"2 files are added to the study: {visit}.")
    assert any("T1w" in name for name in desk.images())
    folder = deliveries.folder_of(desk.out, delivery.delivery_id)
    assert [path.name for path in folder.iterdir()] == ["delivery.json"]
    (line,) = desk.record()
    assert (line["who"], line["identity"], len(line["added"])) == ("A. Dder", "https://idp 17", 2)


def test_what_was_ended_in_the_middle_is_added_once_and_put_on_record_once(desk: Desk, monkeypatch) -> None:
    delivery, series, _ = desk.look({"disc.zip": brought.dicom_delivery(desk.scratch, is_unsure=False)})
    assert len(series) == 1
    with monkeypatch.context() as broken:
        broken.setattr(deliveries, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            desk.add(delivery, {})
    assert len(desk.images()) == 1
    deliveries.take_up_again(desk.out)
    again = deliveries.take_next(desk.out)
    assert again is not None
    delivery_run.add(desk.study, desk.out, again)
    delivery_run.add(desk.study, desk.out, again)
    (line,) = desk.record()
    assert line["added"] == desk.images()
    assert len(desk.images()) == 1


def test_a_folder_of_the_server_is_left_as_it_is_however_its_files_are_written(desk: Desk, monkeypatch) -> None:
    inbox = desk.scratch / "inbox"
    (inbox / "may").mkdir(parents=True)
    (inbox / "may" / "SCAN.NII.GZ").write_bytes(brought.nifti(desk.scratch, "x.nii.gz"))
    monkeypatch.setenv(scan_places.ROOTS_VARIABLE, scan_places.check_roots([inbox], [desk.study]))
    asked = Delivery(jobs.fresh_id(), DeliveryKind.FOLDER, "inbox/may", "A. Dder", "", AT)
    delivery = deliveries.begin(desk.out, asked)
    taken = deliveries.take_next(desk.out)
    assert taken is not None
    delivery_run.look(desk.study, desk.out, taken)
    deliveries.end(desk.out, delivery.delivery_id, DeliveryState.LOOKED, "")
    (one,) = deliveries.decisions_of(desk.out, delivery.delivery_id)["series"]
    assert (one["refusal"], one["name"], one["is_open"]) == ("", "SCAN.NII.GZ", True)
    answer = {"contrast": "T2w", "patient_id": "sub-07", "day": "2021-03-04"}
    assert (
        desk.add(desk.stands(delivery), {one["token"]: answer}) == "1 file is added to the study: sub-07 ses-20210304."
    )
    assert [path.name for path in (inbox / "may").iterdir()] == ["SCAN.NII.GZ"]


def test_a_bids_folder_of_nifti_says_all_itself(desk: Desk) -> None:
    name = "sub-07/ses-02/anat/sub-07_ses-02_acq-sag_T2w"
    sidecar = b'{"EchoTime": 0.09, "PatientName": "Doe^Jane", "InstitutionName": "St. Elsewhere"}'
    table = b"session_id\tacq_date\nses-02\t2021-03-04\n"
    content = brought.zipped({
        f"{name}.nii.gz": brought.nifti(desk.scratch, "x.nii.gz"),
        f"{name}.json": sidecar,
        "sub-07/sub-07_sessions.tsv": table,
    })  # fmt: skip
    delivery, (one,), odd = desk.look({"bids.zip": content})
    assert odd == []
    assert (one["patient_id"], one["day"], one["contrast"], one["plane"]) == ("sub-07", "2021-03-04", "T2w", "sag")
    assert (one["outcome"], one["confidence"], one["slices"]) == ("imported", "1.00", "9")
    answer = {"contrast": "T2w", "patient_id": "sub-07", "day": "2021-03-04"}
    assert desk.add(delivery, {one["token"]: answer}) == "1 file is added to the study: sub-07 ses-02."
    assert desk.images() == [f"{name}.nii.gz"]
    assert np.array_equal(images.load(desk.study / f"{name}.nii.gz").array, brought.scan().array)
    written = (desk.study / f"{name}.json").read_text(encoding="utf-8")
    assert '"EchoTime": 0.09' in written
    assert "Doe" not in written
    assert "Elsewhere" not in written
    assert "ses-02\t2021-03-04" in (desk.study / "sub-07" / "sub-07_sessions.tsv").read_text(encoding="utf-8")
    assert "sub-07" in (desk.study / "participants.tsv").read_text(encoding="utf-8")


def test_any_other_name_is_asked_about_and_scans_of_a_day_share_a_visit(desk: Desk) -> None:
    files = {
        "Mueller_t2_sag.nii.gz": brought.nifti(desk.scratch, "a.nii.gz"),
        "knee.nii": brought.nifti(desk.scratch, "b.nii", brought.scan(1)),
    }
    delivery, series, _ = desk.look(files)
    assert [one["outcome"] for one in series] == ["unsure", "unsure"]
    by_name = {one["name"]: one for one in series}
    assert (by_name["Mueller_t2_sag.nii.gz"]["likely"], by_name["knee.nii"]["likely"]) == ("T2w", "")
    answers = {
        by_name["Mueller_t2_sag.nii.gz"]["token"]: {"contrast": "T2w", "patient_id": "9", "day": "2022-01-02"},
        by_name["knee.nii"]["token"]: {"contrast": "T1w_ce", "patient_id": "sub-9", "day": "2022-01-02"},
    }
    assert desk.add(delivery, answers) == "2 files are added to the study: sub-9 ses-20220102."
    assert desk.images() == [
        "sub-9/ses-20220102/anat/sub-9_ses-20220102_acq-sag_T2w.nii.gz",
        "sub-9/ses-20220102/anat/sub-9_ses-20220102_acq-sag_ce-gadolinium_T1w.nii.gz",
    ]
    again, _, _ = desk.look(files)
    assert desk.add(again, answers).startswith("Nothing is added to the study: it has these scans already")
    assert len(desk.images()) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "say what it is"),
        ({"contrast": "XYZ"}, "say what it is"),
        ({"contrast": "T2w", "patient_id": "../../evil", "day": "2022-01-02"}, "say whose it is"),
        ({"contrast": "T2w", "patient_id": "", "day": "2022-01-02"}, "say whose it is"),
        ({"contrast": "T2w", "patient_id": "9", "day": "tomorrow"}, "say when"),
        ({"contrast": "T2w", "patient_id": "9", "day": "2999-01-01"}, "say when"),
    ],
)
def test_an_answer_that_says_too_little_adds_nothing(answer: dict[str, str], words: str) -> None:
    series = [{"token": "t", "name": "a.nii.gz", "is_nifti": True, "refusal": "", "is_open": True, "outcome": "unsure"}]
    with pytest.raises(SettingsError, match=words):
        delivery_answers.check_answers(series, {"t": answer} if answer else {}, date(2024, 5, 31))


def test_a_visit_of_another_day_in_the_study_is_not_added_to(desk: Desk) -> None:
    (desk.study / "sub-07").mkdir()
    table = "session_id\tacq_date\nses-02\t2020-01-01\n"
    (desk.study / "sub-07" / "sub-07_sessions.tsv").write_text(table, encoding="utf-8")
    delivery, (one,), _ = desk.look({"sub-07_ses-02_T2w.nii.gz": brought.nifti(desk.scratch, "a.nii.gz")})
    with pytest.raises(SettingsError, match="expected 2020-01-01 as in the study, found 2021-03-04"):
        desk.add(delivery, {one["token"]: {"contrast": "T2w", "patient_id": "sub-07", "day": "2021-03-04"}})
    assert desk.images() == []


def _bad(kind: str, folder: Path) -> bytes:
    array = np.array(brought.scan().array, dtype=np.float32)
    if kind == "nan":
        array[:20] = np.nan
        return brought.nifti(folder, "a.nii.gz", Volume(array, brought.SAGITTAL))
    if kind == "mask":
        return brought.nifti(folder, "a.nii.gz", Volume((array > 200).astype(np.uint8), brought.SAGITTAL))
    content = bytearray(brought.nifti(folder, "a.nii", Volume(array, brought.SAGITTAL)))
    if kind == "4D":
        content[40:50] = np.array([4, 32, 40, 3, 3], np.int16).tobytes()
    if kind == "huge":
        content[40:48] = np.array([3, 30000, 30000, 30000], np.int16).tobytes()
    if kind == "nowhere":
        content[252:256] = bytes(4)
    return bytes(content[:900] if kind == "torn" else content)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nan", "NaN or infinite"), ("mask", "as in a mask"), ("4D", "expected a 3D image"),
        ("huge", "expected the voxels of a scan"), ("nowhere", "position and direction"), ("torn", "truncated"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_scan_is_refused_in_one_sentence(desk: Desk, kind: str, words: str) -> None:
    name = "a.nii.gz" if kind in ("nan", "mask") else "a.nii"
    _, (one,), _ = desk.look({name: _bad(kind, desk.scratch)})
    assert one["outcome"] == "refused"
    assert words in one["refusal"]
    assert "\n" not in one["refusal"]
    assert not one["is_open"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"bomb.zip": lambda: brought.zipped({"a.dcm": bytes(64 * 2**20)})}, "unpacks without end"),
        ({"many.zip": lambda: brought.zipped({f"{n}.dcm": b"" for n in range(20_000)})}, "up to 10000 files"),
        ({"link.zip": lambda: brought.link_in_zip("a.nii.gz", "/etc/passwd")}, "found a link"),
        ({"out.zip": lambda: brought.zipped({"../../a.nii.gz": b"x"})}, "leads out of it"),
        ({"song.mp3": b"ID3"}, "found another kind of file"),
        ({"<img src=x onerror=alert(1)>.exe": b"MZ"}, "found another kind of file"),
        ({"nothing.txt": b"hello"}, "expected scans as DICOM or NIfTI"),
        ({"torn.zip": b"PK\x03\x04 torn"}, "damaged one"),
    ],
    ids=["bomb", "many", "link", "out", "song", "code", "text", "torn"],
)  # fmt: skip
def test_an_attack_ends_in_one_sentence(desk: Desk, files: dict[str, bytes | Callable[[], bytes]], words: str) -> None:
    """What takes long to pack is packed by the test, not as tests are collected."""
    _, series, odd = desk.look({name: content() if callable(content) else content for name, content in files.items()})
    assert series == []
    assert len(odd) == 1, odd
    assert words in odd[0]
    assert not any(desk.study.iterdir())


def test_a_delivery_is_stopped_and_forgotten(desk: Desk) -> None:
    delivery, _, _ = desk.look({"song.mp3": b"ID3"})
    deliveries.cancel(desk.out, delivery.delivery_id, "B")
    assert desk.stands(delivery).message == "stopped by B"
    assert not (deliveries.folder_of(desk.out, delivery.delivery_id) / deliveries.FILES).exists()
    assert deliveries.take_next(desk.out) is None
    running = desk.bring({"song.mp3": b"ID3"})
    assert deliveries.take_next(desk.out) is not None
    deliveries.cancel(desk.out, running.delivery_id, "B")
    deliveries.take_up_again(desk.out)
    assert desk.stands(running).state == DeliveryState.CANCELLED


def test_a_step_that_is_ended_ten_times_is_given_up(desk: Desk) -> None:
    delivery = desk.bring({"song.mp3": b"ID3"})
    for _ in range(10):
        assert deliveries.take_next(desk.out) is not None
        deliveries.take_up_again(desk.out)
    assert desk.stands(delivery).state == DeliveryState.FAILED
