"""A study whose masks come from a source of its own choice: drawn once, stored with where they came from, never faked.

About 30 s alone, most of it two runs.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest

from pipeline import mask_models
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError, SettingsError
from pipeline.files.out_folder import settings_of
from pipeline.run.steps.model_masks import sourced_masks
from pipeline.run.steps.read_visits import read_visit
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from tests.study_folder import AS_OF, DSEG, ONE_VISIT, T2W, only_visit, study_of, write_files
from tests.tiny_model import write_model

SCAN = Volume(np.zeros((24, 24, 24)), np.eye(4))
BALL = np.linalg.norm(np.indices(SCAN.shape) - 12.0, axis=0) < 6
SCAN = SCAN.with_array(np.where(BALL, 300, np.indices(SCAN.shape)[0] % 3).astype(np.int16))


@dataclass
class Bright:
    """A source that counts how often it draws."""

    word: str = "1"
    fails: bool = False
    drawn: int = 0
    name: str = "bright"
    channels: tuple = (("T1w_ce", "T1w"), ("T2w",))

    def fingerprint(self):
        return self.word

    def draw(self, scans):
        if self.fails:
            raise InputError("too dark")
        self.drawn += 1
        mask = scans[-1].with_array((scans[-1].array > 100).astype(np.float32))
        return mask_models.SourcedMasks({Compartment.TUMOUR: mask}, f"bright {self.word}", "balls")


@pytest.fixture
def visit(tmp_path):
    return read_visit(only_visit(study_of(tmp_path / "study", {T2W: SCAN})))


def drawn(visit, source, out, scans=None):
    scans = scans if scans is not None else {"T2w": visit.image, "T1w": visit.image}
    return sourced_masks(visit, source, scans, (), out)


def test_masks_say_who_drew_them_and_for_what_they_are_valid(visit, tmp_path):
    found = drawn(visit, Bright(), tmp_path)
    (row,) = found.rows
    assert (found.origin, found.source) == (MaskOrigin.AUTOMATIC, "bright")
    assert (row.source, row.mask_origin, row.method, row.note) == ("bright", "automatic", "bright 1", "valid for balls")
    assert not found.is_carried_over
    assert (found.primary[Compartment.TUMOUR].array >= 0.5).sum() == BALL.sum()
    assert (tmp_path / row.path).is_file()


def test_a_source_draws_again_only_when_it_changed(visit, tmp_path):
    source = Bright()
    drawn(visit, source, tmp_path)
    drawn(visit, source, tmp_path)
    assert source.drawn == 1
    source.word = "2"
    assert drawn(visit, source, tmp_path).rows[0].method == "bright 2"


@pytest.mark.parametrize(
    ("source", "contrasts", "words"),
    [
        (Bright(), ("T2w",), "need a T1w_ce or T1w scan of the visit, found T2w"),
        (Bright(fails=True), ("T2w", "T1w"), "too dark"),
    ],
)
def test_a_visit_that_cannot_be_drawn_is_missing_with_the_reason(visit, tmp_path, source, contrasts, words):
    found = drawn(visit, source, tmp_path, dict.fromkeys(contrasts, visit.image))
    assert found.masks == {}
    assert words in found.missing_reason
    (problem,) = found.findings
    assert problem.code == "mask_source_failed"
    assert words in problem.message


def test_a_scan_that_reaches_only_a_part_is_named(visit, tmp_path):
    half = np.where(np.indices(SCAN.shape)[2] < 12, visit.image.array, np.nan)
    scans = {"T2w": visit.image, "T1w": visit.image.with_array(half)}
    assert "the T1w scan covers only 50% of this scan" in drawn(visit, Bright(), tmp_path, scans).rows[0].note


def ran(study, out, masks_from):
    at = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, at, masks_from=masks_from)
    run(settings, lambda *_: None)
    return reader.table(reader.database_path(out), "measurement").query("compartment == 'tumour'").iloc[0]


def test_a_run_measures_what_a_model_drew_and_a_person_s_mask_stands_before_it(tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra cordtrack[onnx] is not installed")
    pytest.importorskip("onnx", reason="onnx makes the test's model")
    study = write_files(tmp_path / "study", {**ONE_VISIT, T2W: SCAN})
    model, out = str(write_model(tmp_path)), tmp_path / "out"
    by_model = ran(study, out, model)
    assert (by_model["source"], by_model["mask_origin"]) == ("brightness", "automatic")
    assert by_model["volume_mm3"] == pytest.approx(BALL.sum(), rel=0.05)
    assert settings_of(out)["masks_from"] == model
    write_files(study, {DSEG: SCAN.with_array((BALL & (np.indices(SCAN.shape)[0] < 12)).astype(np.uint8))})
    by_hand = ran(study, out, model)
    assert (by_hand["source"], by_hand["mask_origin"]) == ("reader", "manual")


def test_a_run_refuses_a_source_that_is_not_there(tmp_path):
    study = write_files(tmp_path / "study", {**ONE_VISIT, T2W: SCAN})
    with pytest.raises(SettingsError, match=r"expected the .toml file of a model, found none"):
        ran(study, tmp_path / "out", "absent.toml")
    assert not (tmp_path / "out").exists()
