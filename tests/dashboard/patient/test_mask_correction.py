"""Correcting a mask on the Patient page: what is told at once, what is refused, what goes on record (about 20 s)."""

import gzip

import numpy as np
import pytest

from pipeline.journal import act_file, drawn_masks
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.drawn_visit import GRID, PATIENT, SHAPE, VISIT, as_file, block, copy_drawn_visit


@pytest.fixture
def out(tmp_path, monkeypatch):
    out_dir = copy_drawn_visit(tmp_path)
    monkeypatch.setenv("CORDTRACK_OUT", str(out_dir))
    return out_dir


@pytest.fixture
def at():
    at = opened("patient", patient=PATIENT)
    at.text_input(key="who").set_value("Rita Reader")
    return at


def brought(at, content, name="mine.nii.gz"):
    at.file_uploader[0].set_value((name, content, "application/gzip")).run()
    assert not at.exception, at.exception
    return at


def sent(at, reason="rim left out"):
    next(box for box in at.text_input if box.label == "Reason").set_value(reason)
    next(button for button in at.button if button.label == "Measure this mask").click().run()
    assert not at.exception, at.exception
    return at


def kept(out):
    return sorted((out / drawn_masks.FOLDER).glob("*"))


def test_what_a_drawing_changes_is_told_at_once_and_put_on_record_with_name_and_reason(out, at, tmp_path):
    at = brought(at, as_file(block(30), tmp_path))
    assert "1.2\u202fmL, was 0.72\u202fmL" in text_of(at)
    assert "Dice 0.77" in text_of(at)
    assert act_file.read(out).entries == ()
    at = sent(at)
    (entry,) = act_file.read(out).entries
    assert (entry.act, entry.patient_id, entry.session_id, entry.compartment, entry.who, entry.reason) == (
        "correct_mask", PATIENT, VISIT, "tumour", "Rita Reader", "rim left out",
    )  # fmt: skip
    assert kept(out) == [out / drawn_masks.relative_path(entry.mask_sha256)]
    assert "On record: corrected the mask, Rita Reader" in at.success[0].value.replace("\\", "")
    text = text_of(at)
    assert "Rita Reader, corrected the mask (ses-02 tumour): rim left out" in text
    assert "1 decision waits for the next run" in text
    assert "Dice" not in text, "the field for a file is empty again"


def test_without_a_reason_nothing_is_kept(out, at, tmp_path):
    at = sent(brought(at, as_file(block(30), tmp_path)), reason=" ")
    assert "expected reason" in at.error[0].value
    assert (act_file.read(out).entries, kept(out)) == ((), [])


def test_an_empty_mask_must_be_called_empty(out, at, tmp_path):
    at = brought(at, as_file(block(14), tmp_path))
    assert "Nothing drawn, was 0.72" in text_of(at)
    at = sent(at)
    assert "nothing is drawn; say that nothing is there, or draw it" in at.error[0].value
    assert act_file.read(out).entries == ()
    next(box for box in at.checkbox if "There is no" in box.label).check()
    at = sent(at)
    assert act_file.read(out).entries[0].reason == "nothing there: rim left out"


def test_of_a_label_map_somebody_says_which_number_is_meant(out, at, tmp_path):
    at = brought(at, as_file(block() * 3 + np.roll(block(), 12, axis=2) * 5, tmp_path))
    assert not [button for button in at.button if button.label == "Measure this mask"]
    next(box for box in at.selectbox if box.label == "Label of tumour").set_value(3).run()
    assert "0.72\u202fmL, was 0.72\u202fmL" in text_of(at)
    assert "to sign that one, accept it" in at.warning[0].value
    sent(at)
    assert act_file.read(out).entries[0].act == "correct_mask"


def claiming_a_thousand_million(content):
    header = bytearray(gzip.decompress(content))
    header[42:48] = np.array([1000] * 3, "<i2").tobytes()
    return gzip.compress(bytes(header))


def test_a_file_of_another_kind_is_refused_in_one_sentence_of_ours_and_the_field_stays(out, at, tmp_path):
    at = brought(at, b"%PDF-1.7", "report <b>.pdf")
    (error,) = at.error
    words = error.value.replace("\\", "")
    assert f"{PATIENT} {VISIT}: expected a drawing as NIfTI (.nii or .nii.gz), found 'report <b>.pdf'" in words
    assert "save it as NIfTI" in words
    at = brought(at, as_file(block(30), tmp_path), "MINE.NII.GZ")
    assert not at.error
    assert "Dice 0.77" in text_of(at)


def test_a_name_is_no_path_and_no_code(out, at, tmp_path):
    name = "../../../etc/cron.d/$(id)`id`;<img src=x onerror=alert(1)>.nii.gz"
    before = sorted(tmp_path.rglob("*"))
    at = brought(at, gzip.compress(b"not an image" * 99), name)
    (error,) = at.error
    assert "expected a NIfTI image" in error.value
    assert "<img" not in error.value.replace("\\<", "")
    assert sorted(tmp_path.rglob("*")) == before
    sent(brought(at, as_file(block(30), tmp_path), name))
    assert act_file.read(out).entries[0].act == "correct_mask"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: as_file(block(), folder, GRID @ np.diag([-1.0, 1, 1, 1])), "expected the image's grid"),
        (lambda folder: as_file(np.zeros((4, 4, 4), np.uint8), folder), "found 4x4x4 voxels"),
        (lambda folder: as_file(np.random.default_rng(1).integers(0, 999, SHAPE), folder), "as in a scan"),
        (lambda folder: as_file(block(30), folder)[:-30], "truncated or damaged"),
        (lambda _: gzip.compress(b"not an image" * 99), "expected a NIfTI image"),
        (lambda _: gzip.compress(bytes(2**26)), "expected a NIfTI image"),
        (lambda folder: claiming_a_thousand_million(as_file(block(), folder)), "found 1000x1000x1000 voxels"),
    ],
)
def test_what_does_not_fit_is_refused_in_words_and_nothing_is_kept(out, at, tmp_path, make, words):
    at = brought(at, make(tmp_path))
    assert at.error[0].value.startswith("Nothing was kept. ")
    assert words in at.error[0].value.replace("\\", "")
    assert (act_file.read(out).entries, kept(out)) == ((), [])
    assert not [button for button in at.button if button.label == "Measure this mask"]
