"""Names of pieces: how far one may move when it is drawn anew, and which lesion a piece is called by. Milliseconds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.core.piece_names import LesionName, PiecePlace
from pipeline.core.volume import Volume
from pipeline.journal.lesion_acts import LesionCorrection
from pipeline.lesions.corrections import corrected, lesion_of
from pipeline.lesions.lesion_naming import names_of_pieces
from pipeline.lesions.matching import LesionStatus, Sighting, VisitComponents, link
from pipeline.lesions.new_lesions import new_lesion_sessions, new_tumour_volumes, new_tumours
from tests.lesions.test_matching import seen, story

AFFINE = np.eye(4)
SPECK_MM3 = 8.0
"""A sphere of 1.2 mm: its reach is the least one."""

FIVE_MM_MM3 = 4 / 3 * math.pi * 5.0**3


def drawn(**pieces: tuple[float, float]) -> VisitComponents:
    """Return a visit with pieces given as digest = place along the cord and volume."""
    places = {n: PiecePlace(name, (0.0, 0.0, at)) for n, (name, (at, _)) in enumerate(pieces.items(), start=1)}
    volumes = {n: volume for n, (_, volume) in enumerate(pieces.values(), start=1)}
    nothing = Volume(np.zeros((1, 1, 1), dtype=np.int32), AFFINE)
    return VisitComponents("a", nothing, volumes, nothing, places)


def name(lesion_id: str, sha256: str, at: float, volume_mm3: float, session_id: str = "a") -> LesionName:
    return LesionName("sub-01", session_id, lesion_id, PiecePlace(sha256, (0.0, 0.0, at)), volume_mm3)


@pytest.mark.parametrize(
    ("old_mm3", "new_mm3", "moved_mm", "is_kept"),
    [
        (SPECK_MM3, SPECK_MM3, 2.0, True),
        (SPECK_MM3, SPECK_MM3, 2.001, False),
        (FIVE_MM_MM3, SPECK_MM3, 4.999, True),
        (FIVE_MM_MM3, SPECK_MM3, 5.001, False),
        (SPECK_MM3, FIVE_MM_MM3, 4.999, True),
        (SPECK_MM3, FIVE_MM_MM3, 5.001, False),
    ],
)
def test_a_piece_drawn_anew_may_move_by_the_radius_of_the_larger_one_and_at_least_two_millimetres(
    old_mm3: float, new_mm3: float, moved_mm: float, is_kept: bool
) -> None:
    names = names_of_pieces([drawn(after=(moved_mm, new_mm3))], [name("L1", "before", 0.0, old_mm3)])
    assert names == ({("a", 1): "L1"} if is_kept else {})


def test_of_two_new_pieces_the_nearer_one_has_the_name_and_the_other_none() -> None:
    visit = drawn(far=(1.5, SPECK_MM3), near=(1.0, SPECK_MM3))
    assert names_of_pieces([visit], [name("L1", "before", 0.0, SPECK_MM3)]) == {("a", 2): "L1"}


def test_of_two_old_names_a_new_piece_has_the_nearer_one() -> None:
    names = [name("L1", "one", 0.0, SPECK_MM3), name("L2", "other", 3.0, SPECK_MM3)]
    assert names_of_pieces([drawn(after=(1.6, SPECK_MM3))], names) == {("a", 1): "L2"}


def test_a_name_whose_piece_is_there_unchanged_goes_to_no_other_piece() -> None:
    visit = drawn(same=(0.0, SPECK_MM3), beside=(1.5, SPECK_MM3))
    assert names_of_pieces([visit], [name("L1", "same", 0.0, SPECK_MM3)]) == {("a", 1): "L1"}


def test_a_piece_that_was_named_twice_has_its_latest_name() -> None:
    names = [name("L1", "same", 0.0, SPECK_MM3), name("L2", "same", 0.0, SPECK_MM3)]
    assert names_of_pieces([drawn(same=(0.0, SPECK_MM3))], names) == {("a", 1): "L2"}


@pytest.mark.parametrize(("apart_mm", "is_kept"), [(1.0, True), (1.001, False)])
def test_the_same_voxels_are_the_same_piece_up_to_a_millimetre_apart(apart_mm: float, is_kept: bool) -> None:
    assert PiecePlace("x", (0.0, 0.0, 0.0)).is_at(PiecePlace("x", (0.0, 0.0, apart_mm))) == is_kept


def test_a_name_of_another_visit_says_nothing_here() -> None:
    assert names_of_pieces([drawn(same=(0.0, SPECK_MM3))], [name("L1", "same", 0.0, SPECK_MM3, "b")]) == {}


def test_a_lesion_named_at_any_later_visit_is_known_before() -> None:
    found = link([seen("a", (10, 14)), seen("b", (10, 14)), seen("c")], {("b", 1): "L7"})
    assert story(found)[0] == "a L7.1 persistent"


def test_a_piece_beside_a_lesion_that_is_named_later_is_that_one() -> None:
    found = link([seen("a", (10, 12)), seen("b", (13, 15))], {("b", 1): "L7"})  # voxel centres 4 mm apart
    assert story(found)[0] == "a L7.1 persistent"


def test_a_lesion_that_is_known_already_is_not_looked_for_where_it_will_be_later() -> None:
    names = {("a", 1): "L1", ("b", 1): "L1", ("c", 1): "L1"}
    found = link([seen("a", (10, 14)), seen("b", (10, 14), (40, 44)), seen("c", (40, 44))], names)
    assert "b L2.2 new" in story(found)


def test_a_lesion_named_later_is_where_it_bears_its_name_first() -> None:
    names = {("b", 1): "L7", ("c", 1): "L7"}
    found = link([seen("a", (40, 44)), seen("b", (10, 14)), seen("c", (40, 44))], names)
    assert story(found)[0] == "a L1.1 persistent"


PIECES = {("a", 1): "sha-one", ("a", 2): "sha-two", ("b", 1): "sha-two"}


def sighting(visit: str, lesion: str, piece: int, volume_mm3: float | None = 100.0) -> Sighting:
    return Sighting(visit, lesion, piece, LesionStatus.PERSISTENT, volume_mm3, (0.0, 0.0, 0.0))


SIGHTINGS = (
    sighting("b", "L2", 1),
    sighting("a", "L3", 2, None),  # grown together with another, in whose piece it is
    sighting("a", "L1", 1),
    sighting("a", "L4", 2),
)


@pytest.mark.parametrize(
    ("visit", "sha256", "lesion"),
    [("a", "sha-one", "L1"), ("a", "sha-two", "L4"), ("b", "sha-two", "L2"), ("b", "sha-one", None)],
)
def test_a_piece_is_called_by_the_lesion_that_is_measured_in_it_at_its_visit(
    visit: str, sha256: str, lesion: str | None
) -> None:
    assert lesion_of(SIGHTINGS, visit, sha256, PIECES) == lesion


def test_a_correction_bound_to_a_piece_speaks_of_it_whatever_its_lesion_is_called_now() -> None:
    bound = LesionCorrection("a", "L1", "L9", component_sha256="sha-two")
    names = [one.lesion_id for one in corrected(SIGHTINGS[2:], [bound], PIECES)]
    assert names == ["L1", "L9"]
    gone = LesionCorrection("a", "L1", "L9", component_sha256="sha-of-nothing")
    assert corrected(SIGHTINGS[2:], [gone], PIECES) == SIGHTINGS[2:]


def new(visit: str, lesion: str, volume_mm3: float | None) -> Sighting:
    return Sighting(visit, lesion, 1, LesionStatus.NEW, volume_mm3, (0.0, 0.0, 0.0))


@pytest.mark.parametrize(("volume_mm3", "is_unequivocal"), [(65.4, True), (65.3999, False), (None, False)])
def test_a_new_lesion_is_unequivocal_from_a_sphere_of_five_millimetres_on(
    volume_mm3: float | None, is_unequivocal: bool
) -> None:
    assert bool(new_lesion_sessions([new("b", "L2", volume_mm3)])) == is_unequivocal


def test_a_tumour_is_new_beside_another_only_where_one_was_seen_at_a_visit_before() -> None:
    together = [new("a", "L1", 100.0), new("a", "L2", 50.0)]
    assert new_tumours(together) == frozenset()
    nothing_before = [sighting("a", "L1", 0, 0.0), new("b", "L2", 50.0)]
    assert new_tumours(nothing_before) == frozenset()
    beside = [sighting("a", "L1", 1), new("b", "L2", 50.0), new("b", "L3", None)]
    assert new_tumours(beside) == {"L2"}


def test_the_volume_of_new_tumours_adds_their_pieces_and_leaves_out_visits_without() -> None:
    sightings = [sighting("a", "L1", 1), new("b", "L2", 50.0), new("b", "L3", 30.0), sighting("c", "L1", 1)]
    assert new_tumour_volumes([*sightings, sighting("c", "L2", 2, None)]) == {"b": 80.0}
