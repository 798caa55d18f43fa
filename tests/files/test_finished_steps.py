"""A finished step is taken as it is while all it depends on stands, and made anew otherwise."""

from pathlib import Path

import pytest

from pipeline.core.records import Closure
from pipeline.errors import InputError
from pipeline.files import finished_steps
from pipeline.files.finished_steps import StepResult, cached

ROW = Closure("sub-01", "ses-02", "ses-01", 0.25)
SIDECAR = "sub-01/ses-02/step.json"


class Maker:
    """Makes a result and counts how often."""

    def __init__(self, out_dir: Path) -> None:
        self.out_dir, self.count = out_dir, 0

    def __call__(self) -> StepResult:
        self.count += 1
        (self.out_dir / "mask.txt").write_text(str(self.count), encoding="utf-8")
        return StepResult(("mask.txt",), (ROW,), {"why": "too dark: at night"})


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def kept(maker: Maker, key: str = "a") -> StepResult:
    return cached(SIDECAR, maker.out_dir, key, ["scan.nii.gz"], maker)


def test_what_was_made_of_the_same_inputs_is_taken_with_its_records_and_words(maker: Maker) -> None:
    first, again = kept(maker), kept(maker)
    assert maker.count == 1
    assert (again.files, again.records, again.words) == (first.files, first.records, first.words)
    assert again.of_kind(Closure) == (ROW,)


def test_other_inputs_a_missing_file_or_a_damaged_sidecar_make_it_anew(maker: Maker) -> None:
    kept(maker)
    kept(maker, "b")
    assert maker.count == 2
    (maker.out_dir / "mask.txt").unlink()
    kept(maker, "b")
    assert maker.count == 3
    (maker.out_dir / SIDECAR).write_text("{", encoding="utf-8")
    kept(maker, "b")
    assert maker.count == 4


def test_a_step_that_fails_leaves_nothing_to_be_taken_for_finished(tmp_path: Path) -> None:
    def fails() -> StepResult:
        raise InputError("no such contrast")

    with pytest.raises(InputError, match="no such contrast"):
        cached(SIDECAR, tmp_path, "a", (), fails)
    assert finished_steps.read_step(tmp_path / SIDECAR, tmp_path) is None
