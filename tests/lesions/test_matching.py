"""Lesions followed over time on a small grid of 2 mm voxels. Runs in about a second."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.lesions.matching import LesionStatus, Sighting, VisitComponents, link
from pipeline.lesions.new_lesions import new_lesion_sessions, new_tumour_volumes

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
SHAPE = (10, 10, 60)
VOXEL_MM3 = 8.0

Block = tuple[int, int]
"""First and last voxel along the cord (k) of a piece that is four voxels wide."""


def seen(name: str, *blocks: Block, covered: Block = (0, SHAPE[2])) -> VisitComponents:
    labels, coverage = np.zeros(SHAPE, dtype=np.int32), np.zeros(SHAPE, dtype=bool)
    for number, (start, stop) in enumerate(blocks, start=1):
        labels[3:7, 3:7, start:stop] = number
    coverage[:, :, slice(*covered)] = True
    volumes = {n: float((labels == n).sum()) * VOXEL_MM3 for n in range(1, len(blocks) + 1)}
    return VisitComponents(name, Volume(labels, AFFINE), volumes, Volume(coverage, AFFINE))


def story(sightings: tuple[Sighting, ...]) -> list[str]:
    return [f"{s.session_id} {s.lesion_id}.{s.component_id} {s.status}" for s in sightings]


def test_one_lesion_that_grows_keeps_its_name():
    found = link([seen("a", (10, 15)), seen("b", (9, 17)), seen("c", (8, 20))])
    assert story(found) == ["a L1.1 persistent", "b L1.1 persistent", "c L1.1 persistent"]
    assert [s.volume_mm3 for s in found] == [640.0, 1024.0, 1536.0]
    assert found[0].centre_mm == pytest.approx((9.0, 9.0, 24.0))


def test_a_second_lesion_where_somebody_had_looked_is_new():
    found = link([seen("a", (10, 15)), seen("b", (10, 15), (40, 44))])
    assert story(found) == ["a L1.1 persistent", "b L1.1 persistent", "b L2.2 new"]
    assert new_lesion_sessions(found) == {"b"}


def test_the_volume_of_new_tumours_is_known_at_every_later_visit():
    found = link([seen("a", (10, 15)), seen("b", (10, 15), (40, 44)), seen("c", (10, 16), (39, 45), (55, 57))])
    assert new_tumour_volumes(found) == {"b": 512.0, "c": 768.0 + 256.0}


def test_the_first_tumour_after_none_is_not_a_new_one_beside_another():
    assert new_tumour_volumes(link([seen("a"), seen("b", (10, 15)), seen("c", (10, 16))])) == {}


def test_a_second_lesion_where_nobody_had_looked_is_not_new():
    found = link([seen("a", (10, 15), covered=(0, 30)), seen("b", (10, 15), (40, 44))])
    assert story(found)[-1] == "b L2.2 persistent"
    assert new_lesion_sessions(found) == frozenset()


def test_a_speck_is_too_small_to_be_a_new_lesion_by_itself():
    speck = seen("b", (10, 15), (40, 41))
    small = VisitComponents("b", speck.labels, {1: 640.0, 2: 65.3}, speck.coverage)
    large = VisitComponents("b", speck.labels, {1: 640.0, 2: 65.4}, speck.coverage)
    assert new_lesion_sessions(link([seen("a", (10, 15)), small])) == frozenset()
    assert new_lesion_sessions(link([seen("a", (10, 15)), large])) == {"b"}


def test_a_lesion_that_is_gone_is_resolved_and_may_come_back_under_its_name():
    found = link([seen("a", (10, 15)), seen("b"), seen("c", (11, 14))])
    assert story(found) == ["a L1.1 persistent", "b L1.0 resolved", "c L1.1 persistent"]
    assert found[1].volume_mm3 == 0.0


def test_a_lesion_outside_the_scan_is_not_assessable_and_never_resolved():
    found = link([seen("a", (10, 15)), seen("b", covered=(30, 60))])
    assert story(found)[-1] == "b L1.0 not_assessable"
    assert found[-1].volume_mm3 is None


def test_a_lesion_half_outside_the_scan_is_not_assessable():
    assert story(link([seen("a", (10, 20)), seen("b", covered=(15, 60))]))[-1] == "b L1.0 not_assessable"


def test_a_lesion_in_two_pieces_has_split_once():
    found = link([seen("a", (10, 20)), seen("b", (10, 13), (17, 20)), seen("c", (10, 13), (17, 20))])
    assert story(found)[1:] == ["b L1.1 split", "b L1.2 split", "c L1.1 persistent", "c L1.2 persistent"]


def test_two_lesions_grown_together_keep_the_first_name_and_count_once():
    found = link([seen("a", (10, 14), (18, 20)), seen("b", (10, 20)), seen("c", (10, 21))])
    assert story(found)[2:] == ["b L1.1 merged", "b L2.1 merged", "c L1.1 persistent"]
    assert [s.volume_mm3 for s in found if s.session_id == "b"] == [1280.0, None]


def test_a_tumour_that_grows_round_a_speck_keeps_its_own_name_whatever_the_alignment():
    tumour_and_speck = seen("b", (10, 20), (24, 25))
    grown = seen("c", (12, 27))  # two voxels of the tumour's are missed, the speck lies wholly inside
    found = link([seen("a", (10, 20)), tumour_and_speck, grown])
    assert story(found)[-2:] == ["c L1.1 merged", "c L2.1 merged"]
    assert [s.volume_mm3 for s in found if s.session_id == "c"] == [1920.0, None]
    assert new_tumour_volumes(found) == {"b": 128.0}, "only the speck was new, not what it grew together with"


def test_touching_lesions_keep_their_names_when_the_alignment_errs_by_half_their_length():
    found = link([seen("a", (10, 14), (14, 18)), seen("b", (11, 15), (15, 19)), seen("c", (9, 13), (13, 17))])
    assert [(s.session_id, s.lesion_id, s.component_id) for s in found] == [
        (visit, f"L{n}", n) for visit in "abc" for n in (1, 2)
    ]
    assert {s.status for s in found} == {LesionStatus.PERSISTENT}


def test_one_of_two_touching_lesions_that_goes_leaves_the_other_its_name():
    found = link([seen("a", (10, 14), (14, 18)), seen("b", (14, 18))])
    assert story(found)[2:] == ["b L2.1 persistent", "b L1.0 resolved"]


@pytest.mark.parametrize(
    ("earlier", "later", "forwards", "backwards"),
    [
        ([(10, 15)], [(10, 15), (40, 44)], {"persistent", "new"}, {"persistent", "resolved"}),
        ([(10, 20)], [(10, 13), (17, 20)], {"split"}, {"merged"}),
        ([(10, 20)], [(10, 20)], {"persistent"}, {"persistent"}),
    ],
)
def test_swapping_two_visits_turns_each_event_into_its_opposite(
    earlier: list[Block], later: list[Block], forwards: set[str], backwards: set[str]
) -> None:
    def second(*blocks: list[Block]) -> set[str]:
        found = link([seen(name, *pieces) for name, pieces in zip("ab", blocks, strict=True)])
        return {str(s.status) for s in found if s.session_id == "b"}

    assert (second(earlier, later), second(later, earlier)) == (forwards, backwards)


@pytest.mark.parametrize("covered", [(0, 12), (13, 60), (11, 14)])
def test_a_lesion_cut_by_the_edge_of_the_scan_is_followed_but_never_resolved(covered: Block) -> None:
    inside = (max(10, covered[0]), min(15, covered[1]))
    found = link([seen("a", (10, 15)), seen("b", inside, covered=covered), seen("c", covered=covered)])
    assert story(found)[1:] == ["b L1.1 persistent", "c L1.0 not_assessable"]


def test_a_piece_beside_a_lesion_belongs_to_it():
    found = link([seen("a", (10, 15)), seen("b", (10, 15), (16, 17))])
    assert story(found)[1:] == ["b L1.1 split", "b L1.2 split"]


def test_a_lesion_shifted_by_a_poor_alignment_is_matched_by_distance():
    assert story(link([seen("a", (10, 12)), seen("b", (13, 15))]))[-1] == "b L1.1 persistent"
    far = link([seen("a", (10, 12)), seen("b", (15, 17))])
    assert story(far)[1:] == ["b L2.1 new", "b L1.0 resolved"]


def test_a_later_visit_never_renames():
    visits = [seen("a", (10, 15)), seen("b", (10, 15), (40, 44)), seen("c", (25, 28), (40, 44))]
    before, after = link(visits[:2]), link(visits)
    assert after[: len(before)] == before


def test_an_older_visit_found_later_renames_nothing_when_earlier_names_are_given():
    later = [seen("b", (10, 15)), seen("c", (10, 15), (40, 44))]
    earlier_run = link(later)
    names = {(s.session_id, s.component_id): s.lesion_id for s in earlier_run}
    again = link([seen("a", (25, 30), (10, 13), (40, 42)), *later], names)
    kept = {(s.session_id, s.component_id): s.lesion_id for s in again}
    assert all(kept[s.session_id, s.component_id] == s.lesion_id for s in earlier_run)
    assert kept["a", 1] == "L3"


def test_a_piece_without_a_place_in_the_reference_space_is_said_to_have_none():
    lost = seen("b", (10, 15))
    found = link([seen("a", (10, 15)), VisitComponents("b", lost.labels, {1: 640.0, 2: 8.0}, lost.coverage)])
    assert story(found)[-1] == "b unplaced.2 not_assessable"
    assert found[-1].volume_mm3 == 8.0


def test_visits_on_different_grids_are_refused():
    other = Volume(np.zeros((4, 4, 4), dtype=int), AFFINE)
    with pytest.raises(ValueError, match="on the grid of a"):
        link([seen("a"), VisitComponents("b", other, {}, other)])


def test_no_visits_give_no_lesions():
    assert link([]) == ()


def test_statuses_are_the_words_of_the_store():
    assert {str(s) for s in LesionStatus} == {
        "persistent",
        "new",
        "split",
        "merged",
        "resolved",
        "not_assessable",
    }
