"""Pictures of the worst of a benchmark: the worst are chosen, and nothing of real scans is left in the project."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from tests.benchmark import worst_elsewhere
from tests.benchmark.worst_elsewhere import AlignedPair, ClickedLesion
from tests.places import ROOT

SHAPE = (8, 30, 40)
RNG = np.random.default_rng(3)
SCAN = Volume(RNG.uniform(0, 100, SHAPE).astype(np.float32), np.diag([3.3, 1.0, 1.0, 1.0]))
MARKS = np.array([[9.9, 15.0, z] for z in (5.0, 20.0, 35.0)])
STILL = Transform(source="first", target="second", matrix=np.eye(4))


def test_a_folder_inside_the_project_is_refused(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    worst_elsewhere.asked_for(parser)
    assert parser.parse_args([]).pictures is None
    assert parser.parse_args(["--pictures", str(tmp_path)]).pictures == tmp_path.resolve()
    for inside in (ROOT, ROOT / "docs" / "figures", ROOT / "docs" / ".." / "build"):
        with pytest.raises(argparse.ArgumentError, match="inside the project"):
            parser.parse_args(["--pictures", str(inside)])


def titles(drawn: list[str]) -> list[str]:
    return [title.splitlines()[0] for title in drawn]


@pytest.fixture
def seen_titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    real = worst_elsewhere.Figure.savefig

    def savefig(figure: worst_elsewhere.Figure, path: Path, **options: object) -> None:
        seen.extend(axis.get_title() for axis in figure.axes if axis.get_title())
        real(figure, path, **options)

    monkeypatch.setattr(worst_elsewhere.Figure, "savefig", savefig)
    return seen


def test_the_five_pairs_with_the_largest_error_are_drawn_worst_first(tmp_path: Path, seen_titles: list[str]) -> None:
    errors_mm = {"a": 0.2, "b": 3.0, "c": 0.4, "d": 0.3, "e": 0.5, "f": 0.1, "g": 0.6}
    pairs = [AlignedPair(n, SCAN, SCAN, STILL, MARKS, np.full(3, e)) for n, e in errors_mm.items()]
    path = worst_elsewhere.draw_alignments(pairs, tmp_path / "new", "alignment-people")
    assert path.stat().st_size > 1000
    assert titles(seen_titles) == ["b", "g", "e", "c", "d"]


def test_the_five_outlines_that_overlap_least_at_last_are_drawn(tmp_path: Path, seen_titles: list[str]) -> None:
    truth = np.zeros(SHAPE, dtype=bool)
    truth[3:6, 10:20, 15:25] = True
    overlaps = {"a": (0.2, 0.9), "b": (0.9, 0.1), "c": (0.5, 0.5), "d": (0.5, 0.6), "e": (0.5, 0.7), "f": (0.5, 0.8)}
    lesions = [
        ClickedLesion(n, SCAN, truth, (np.zeros_like(truth), truth), MARKS[1:2], MARKS[:0], o)
        for n, o in overlaps.items()
    ]
    worst_elsewhere.draw_clicks(lesions, tmp_path, "clicks-people")
    assert titles(seen_titles) == ["b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    "turn", [np.diag([3.3, 1, 1, 1]), np.array([[0, 0, 3.3, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])]
)
def test_a_picture_from_the_side_has_up_and_down_on_its_own_axes(turn: np.ndarray) -> None:
    scan = Volume(np.zeros((6, 7, 9), dtype=np.float32), turn)
    plane = worst_elsewhere.cut(scan, 0, scan.affine[:3, :3] @ np.array([3.0, 4.0, 5.0]))
    assert abs(scan.affine[0, plane.across]) == 3.3
    assert scan.affine[2, plane.up]
    assert scan.affine[1, plane.right]
    assert plane.of(scan.array).shape == (scan.shape[plane.up], scan.shape[plane.right])
