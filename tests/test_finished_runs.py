"""What is kept between test runs is taken for the same inputs, code and libraries, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.core.volume import Volume
from tests import finished_runs

CODE = ("pipeline.core.volume",)
CALLS: list[float] = []


def total(image: Volume, *, times: int = 1) -> float:
    CALLS.append(float(image.array.sum()) * times)
    return CALLS[-1]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finished_runs, "CACHE", tmp_path)
    monkeypatch.setattr(finished_runs, "COLD", False)
    CALLS.clear()


def image_of(value: int) -> Volume:
    return Volume(np.full((2, 2, 2), value), np.eye(4))


def test_a_value_is_made_once_and_anew_for_another_voxel_or_option() -> None:
    assert [finished_runs.finished(total, image_of(1), code=CODE) for _ in range(2)] == [8, 8]
    assert CALLS == [8]
    assert finished_runs.finished(total, image_of(2), code=CODE) == 16
    assert finished_runs.finished(total, image_of(1), code=CODE, times=3) == 24
    assert CALLS == [8, 16, 24]


@pytest.mark.parametrize("changed", ["of_code", "software"])
def test_other_code_or_libraries_make_it_anew(monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    finished_runs.finished(total, image_of(1), code=CODE)
    monkeypatch.setattr(finished_runs.fingerprints, changed, lambda *_: "another")
    finished_runs.finished(total, image_of(1), code=CODE)
    assert CALLS == [8, 8]


def test_a_cold_run_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    finished_runs.finished(total, image_of(1), code=CODE)
    monkeypatch.setattr(finished_runs, "COLD", True)
    finished_runs.finished(total, image_of(1), code=CODE)
    assert CALLS == [8, 8]
