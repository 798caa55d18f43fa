"""Lesions followed over time: what decides at the very limit of each rule. Runs in a second."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.lesions.matching import VisitComponents, link
from tests.lesions.test_matching import AFFINE, SHAPE, seen, story


@pytest.mark.parametrize(("second", "is_swallowed"), [((31, 41), True), ((31, 42), False)])
def test_a_tenth_of_the_smaller_one_is_overlap(second: tuple[int, int], is_swallowed: bool) -> None:
    found = link([seen("a", (10, 20), second), seen("b", (10, 32))])  # one slice of its 10, or of its 11
    assert ("b L2.1 merged" in story(found)) == is_swallowed


@pytest.mark.parametrize(("piece", "status"), [((13, 15), "b L1.1 persistent"), ((14, 16), "b L2.1 new")])
def test_pieces_up_to_five_millimetres_away_are_the_lesion(piece: tuple[int, int], status: str) -> None:
    assert status in story(link([seen("a", (10, 12)), seen("b", piece)]))  # voxel centres 4 and 6 mm apart


def test_the_nearer_of_two_lesions_takes_a_piece_beside_both() -> None:
    found = link([seen("a", (10, 14), (18, 22)), seen("b", (10, 14), (18, 22), (16, 17))])
    assert story(found)[-2:] == ["b L2.2 split", "b L2.3 split"]


@pytest.mark.parametrize(("covered", "status"), [((0, 29), "resolved"), ((0, 28), "not_assessable")])
def test_a_lesion_is_gone_where_nineteen_twentieths_of_its_place_were_seen(
    covered: tuple[int, int], status: str
) -> None:
    assert story(link([seen("a", (10, 30)), seen("b", covered=covered)]))[-1] == f"b L1.0 {status}"


@pytest.mark.parametrize(("covered", "status"), [((0, 59), "new"), ((0, 58), "persistent")])
def test_a_lesion_is_new_where_nineteen_twentieths_of_its_place_had_been_seen(
    covered: tuple[int, int], status: str
) -> None:
    assert story(link([seen("a", (10, 15), covered=covered), seen("b", (10, 15), (40, 60))]))[-1] == f"b L2.2 {status}"


def test_a_piece_more_than_there_are_lesions_goes_with_the_one_it_shares_most_with() -> None:
    found = link([seen("a", (10, 30), (30, 40)), seen("b", (10, 18), (34, 40), (24, 32))])
    assert story(found)[2:] == ["b L1.1 split", "b L2.2 persistent", "b L1.3 split"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (35, ["b L2.1 persistent", "b L1.2 persistent"]),  # 5 slices of the other lesion: half of the 10 of its first
        (34, ["b L1.1 merged", "b L2.1 merged", "b L1.2 split"]),
    ],
)
def test_a_piece_goes_to_another_lesion_only_if_it_shares_half_as_much_with_it(end: int, expected: list[str]) -> None:
    found = link([seen("a", (10, 30), (30, 40)), seen("b", (20, end), (10, 19))])
    assert story(found)[2:] == expected


def test_three_pieces_after_two_have_split_again_and_two_after_three_have_not() -> None:
    found = link([
        seen("a", (10, 20)), seen("b", (10, 12), (18, 20)), seen("c", (10, 12), (13, 15), (18, 20)),
        seen("d", (10, 12), (18, 20)),
    ])  # fmt: skip
    statuses = [line.split()[2] for line in story(found)]
    assert statuses == ["persistent", "split", "split", "split", "split", "split", "persistent", "persistent"]


@pytest.mark.parametrize("which", ["pieces", "coverage"])
def test_pieces_or_coverage_on_another_grid_are_refused(which: str) -> None:
    good = seen("b", (10, 15))
    moved = AFFINE.copy()
    moved[0, 3] = 5.0
    labels = Volume(good.labels.array, moved) if which == "pieces" else good.labels
    coverage = Volume(np.ones(SHAPE, dtype=bool), moved) if which == "coverage" else good.coverage
    with pytest.raises(ValueError, match="b: expected pieces and coverage on the grid of a"):
        link([seen("a", (10, 15)), VisitComponents("b", labels, good.volumes_mm3, coverage)])


@pytest.mark.parametrize(("volume_mm3", "status"), [(65.4, "resolved"), (65.3999, "not_assessable")])
def test_a_lesion_once_as_large_as_five_millimetres_across_is_gone_where_it_is_not_seen(
    volume_mm3: float, status: str
) -> None:
    drawn = seen("a", (10, 12))
    small = VisitComponents("a", drawn.labels, {1: volume_mm3}, drawn.coverage)
    assert story(link([small, seen("b")]))[-1] == f"b L1.0 {status}"


def test_a_lesion_that_leaves_one_it_had_grown_together_with_has_split_wherever_it_lies() -> None:
    visits = [seen("a", (10, 14), (16, 20)), seen("b", (10, 20)), seen("c", (10, 14), (40, 44))]
    assert "b L2.1 merged" in story(link(visits, {("a", 1): "L1", ("a", 2): "L2", ("b", 1): "L1"}))
    names = {("a", 1): "L1", ("a", 2): "L2", ("b", 1): "L1", ("c", 1): "L1", ("c", 2): "L2"}
    assert story(link(visits, names))[-1] == "c L2.2 split"


def test_a_lesion_of_another_name_in_the_place_of_one_has_split_from_it() -> None:
    names = {("a", 1): "L1", ("b", 1): "L1", ("b", 2): "L5"}
    assert story(link([seen("a", (10, 20)), seen("b", (10, 15), (15, 20))], names))[-1] == "b L5.2 split"


@pytest.mark.parametrize(("voxel_mm", "status"), [(2.5, "b L1.1 persistent"), (2.51, "b L2.1 new")])
def test_a_piece_five_millimetres_away_is_near_enough(voxel_mm: float, status: str) -> None:
    grid = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])

    def drawn(visit: str, *block: int) -> VisitComponents:
        two = seen(visit, (block[0], block[1]))
        coverage = Volume(two.coverage.array, grid)
        return VisitComponents(visit, Volume(two.labels.array, grid), two.volumes_mm3, coverage)

    assert status in story(link([drawn("a", 10, 12), drawn("b", 13, 15)]))  # voxel centres two voxels apart


def test_a_piece_more_than_there_are_lesions_later_goes_with_the_one_it_shares_most_with() -> None:
    visits = [seen("a", (10, 18), (34, 44), (28, 34)), seen("b", (10, 30), (30, 44))]
    found = link(visits, {("b", 1): "L7", ("b", 2): "L8"})
    assert [line.split(".")[0] for line in story(found)[:3]] == ["a L7", "a L8", "a L8"]
