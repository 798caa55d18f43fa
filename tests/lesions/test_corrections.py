"""What a person's correction of a lesion does to the visits before, at and after it, and to nothing else."""

from __future__ import annotations

import pytest

from pipeline.journal.lesion_acts import LesionCorrection
from pipeline.lesions.corrections import corrected
from pipeline.lesions.matching import LesionStatus, Sighting

PERSISTENT, NEW = LesionStatus.PERSISTENT, LesionStatus.NEW
RESOLVED, SPLIT = LesionStatus.RESOLVED, LesionStatus.SPLIT


def sighting(visit: str, lesion: str, piece: int, status: LesionStatus = PERSISTENT) -> Sighting:
    return Sighting(visit, lesion, piece, status, 100.0 * piece, (0.0, 0.0, 0.0))


def story(sightings: tuple[Sighting, ...]) -> list[str]:
    return [f"{s.session_id} {s.lesion_id}.{s.component_id} {s.status}" for s in sightings]


TWO = (
    sighting("a", "L1", 1), sighting("a", "L2", 2),
    sighting("b", "L1", 1), sighting("b", "L2", 2),
    sighting("c", "L1", 1), sighting("c", "L2", 2),
)  # fmt: skip


def test_a_lesion_has_its_other_name_from_the_visit_on_and_none_before() -> None:
    assert story(corrected(TWO, [LesionCorrection("b", "L2", "L5")])) == [
        "a L1.1 persistent", "a L2.2 persistent", "b L1.1 persistent", "b L5.2 new", "c L1.1 persistent",
        "c L5.2 persistent",
    ]  # fmt: skip


def test_a_name_known_before_makes_the_lesion_no_new_one() -> None:
    broken = (
        sighting("a", "L1", 1), sighting("a", "L3", 2),
        sighting("b", "L1", 0, RESOLVED), sighting("b", "L2", 1, NEW), sighting("b", "L3", 2),
    )  # fmt: skip
    assert story(corrected(broken, [LesionCorrection("b", "L2", "L1")])) == [
        "a L1.1 persistent", "a L3.2 persistent", "b L1.1 persistent", "b L3.2 persistent",
    ]  # fmt: skip


def test_a_name_known_only_from_this_visit_on_makes_it_a_new_one() -> None:
    later = (sighting("a", "L1", 1), sighting("b", "L1", 1), sighting("b", "L2", 2, NEW), sighting("c", "L3", 3, NEW))
    for name in ("L2", "L3"):
        at_b = corrected(later, [LesionCorrection("b", "L1", name)])
        assert next(s for s in at_b if s.session_id == "b").status == NEW


def test_every_piece_of_a_lesion_is_meant() -> None:
    pieces = (sighting("a", "L1", 1), sighting("b", "L1", 1, SPLIT), sighting("b", "L1", 2, SPLIT))
    assert story(corrected(pieces, [LesionCorrection("b", "L1", "L2")])) == [
        "a L1.1 persistent", "b L2.1 new", "b L2.2 new",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("visit", "lesion", "name"),
    [
        ("a", "L2", "L9"),  # not there yet
        ("c", "L1", "L9"),  # said to be gone
        ("b", "L1", "L1"),  # the person confirms the name
        ("b", "L7", "L1"),  # no such lesion
    ],
)
def test_what_is_not_seen_at_the_visit_or_keeps_its_name_changes_nothing(visit: str, lesion: str, name: str) -> None:
    seen = (
        sighting("a", "L1", 1), sighting("b", "L1", 1), sighting("b", "L2", 2, NEW),
        sighting("c", "L1", 0, RESOLVED), sighting("c", "L2", 2), sighting("d", "L1", 1),
    )  # fmt: skip
    assert corrected(seen, [LesionCorrection(visit, lesion, name)]) == seen


def test_of_two_that_are_one_nothing_is_said_twice() -> None:
    gone = (*TWO[:4], sighting("c", "L1", 0, RESOLVED), sighting("c", "L2", 0, RESOLVED))
    assert story(corrected(gone, [LesionCorrection("b", "L2", "L1")]))[-3:] == [
        "b L1.1 persistent", "b L1.2 persistent", "c L1.0 resolved",
    ]  # fmt: skip


def test_corrections_are_applied_in_their_order() -> None:
    both = [LesionCorrection("b", "L2", "L5"), LesionCorrection("c", "L5", "L6")]
    assert [s.lesion_id for s in corrected(TWO, both) if s.component_id == 2] == ["L2", "L5", "L6"]
    assert [s.lesion_id for s in corrected(TWO, both[::-1]) if s.component_id == 2] == ["L2", "L5", "L5"]
