"""Names of lesions are for good: whatever visits are added, taken away or drawn anew, no name moves (about 15 s)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.piece_names import LesionName, PiecePlace
from pipeline.core.records import LesionComponent
from pipeline.core.volume import Volume
from pipeline.files import fingerprints
from pipeline.journal import lesion_names
from pipeline.lesions.lesion_naming import names_of_pieces
from pipeline.lesions.matching import Sighting, VisitComponents, link

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
SHAPE = (8, 8, 60)
P = "sub-01"
SLOTS = (2, 17, 32, 47)
"""Where four lesions lie along the cord (k), too far apart for any to be taken for another."""

Drawn = tuple[tuple[int, int] | None, ...]
"""Of each slot the shift and length of the lesion drawn there, or nothing."""


def visit(name: str, drawn: Drawn) -> VisitComponents:
    """Draw a visit; pieces are numbered by size, as measurement numbers them."""
    pieces = [(SLOTS[slot] + one[0], one[1]) for slot, one in enumerate(drawn) if one is not None]
    pieces.sort(key=lambda piece: -piece[1])
    labels = np.zeros(SHAPE, dtype=np.int32)
    volumes: dict[int, float] = {}
    places: dict[int, PiecePlace] = {}
    for number, (start, length) in enumerate(pieces, start=1):
        labels[2:6, 2:6, start : start + length] = number
        voxels = np.argwhere(labels == number)
        x, y, z = voxels.mean(axis=0) * 2.0
        volumes[number] = len(voxels) * 8.0
        places[number] = PiecePlace(fingerprints.of_values(voxels.tolist()), (float(x), float(y), float(z)))
    return VisitComponents(name, Volume(labels, AFFINE), volumes, Volume(np.ones(SHAPE, dtype=bool), AFFINE), places)


def rows_of(sightings: tuple[Sighting, ...], visits: list[VisitComponents]) -> list[LesionComponent]:
    places = {(one.session_id, n): place for one in visits for n, place in one.places.items()}
    rows = []
    for s in sightings:
        place = places.get((s.session_id, s.component_id)) if s.volume_mm3 else None
        if place is not None:
            rows.append(
                LesionComponent(
                    P, s.session_id, s.lesion_id, s.component_id, str(s.status), s.volume_mm3, 0.0, 0.0, 0.0,
                    place.sha256, *place.centre_mm, named_as=s.lesion_id,
                )
            )  # fmt: skip
    return rows


def run(study: Mapping[str, Drawn], record: list[LesionName]) -> dict[tuple[str, int], str]:
    """Run once: link with the names on record, put new ones there; return the name in each slot of each visit."""
    visits = [visit(name, study[name]) for name in sorted(study)]
    named = names_of_pieces(visits, record)
    sightings = link(visits, named, frozenset(name.lesion_id for name in record))
    record += lesion_names.unrecorded(record, rows_of(sightings, visits))
    found = {}
    for one in visits:
        for number in one.volumes_mm3:
            start = np.argwhere(one.labels.array == number)[:, 2].min()
            slot = int(np.argmin([abs(start - where) for where in SLOTS]))
            owner = [
                s.lesion_id
                for s in sightings
                if (s.session_id, s.component_id) == (one.session_id, number) and s.volume_mm3
            ]
            assert len(owner) == 1
            found[one.session_id, slot] = owner[0]
    return found


lesion = st.none() | st.tuples(st.integers(0, 2), st.integers(3, 8))
drawing = st.tuples(lesion, lesion, lesion, lesion)
act = st.tuples(st.sampled_from(["add", "remove", "redraw"]), st.sampled_from("abcdef"), drawing)


@given(st.lists(act, min_size=2, max_size=9))
@settings(max_examples=120, deadline=None)
def test_no_name_ever_moves_to_another_lesion(history: list[tuple[str, str, Drawn]]) -> None:
    """Older, middle and later visits come and go, masks are corrected: a name stays where it was first given."""
    study: dict[str, Drawn] = {}
    record: list[LesionName] = []
    slot_of: dict[str, int] = {}
    before: dict[tuple[str, int], str] = {}
    for what, name, drawn in history:
        if what == "remove":
            study.pop(name, None)
        elif what == "add":
            study.setdefault(name, drawn)
        elif name in study:
            study[name] = drawn
        found = run(study, record)
        for (_, slot), lesion_id in found.items():
            assert slot_of.setdefault(lesion_id, slot) == slot
        kept = {key: lesion_id for key, lesion_id in before.items() if key in found and what != "redraw"}
        assert {key: found[key] for key in kept} == kept
        assert run(study, record) == found, "the same run again changes nothing"
        before = found


def test_an_older_visit_with_other_lesions_takes_no_name_from_the_later_ones() -> None:
    record: list[LesionName] = []
    first = run({"b": (None, (0, 5), None, None), "c": (None, (0, 6), (1, 7), None)}, record)
    assert first == {("b", 1): "L1", ("c", 1): "L1", ("c", 2): "L2"}
    again = run(
        {"a": ((0, 8), None, (0, 5), None), "b": (None, (0, 5), None, None), "c": (None, (0, 6), (1, 7), None)}, record
    )
    assert {key: again[key] for key in first} == first
    assert again["a", 0] == "L3"
    assert again["a", 2] == "L2", "it is the one that is named at the later visit"


def test_a_rebuild_from_the_record_gives_the_same_names_and_one_without_it_may_not() -> None:
    record: list[LesionName] = []
    later = {"b": (None, (0, 5), None, None)}
    run(later, record)
    both = {"a": ((0, 8), None, None, None), **later}
    names = run(both, record)
    assert names == {("a", 0): "L2", ("b", 1): "L1"}
    assert run(both, list(record)) == names
    assert run(both, []) != names


def test_a_lesion_drawn_anew_keeps_its_name_where_no_other_visit_shows_it() -> None:
    record: list[LesionName] = []
    run({"a": ((0, 5), None, (0, 4), None)}, record)
    assert run({"a": ((2, 6), None, (1, 8), None)}, record) == {("a", 0): "L1", ("a", 2): "L2"}, (
        "now the second is larger"
    )


def test_the_name_of_a_lesion_that_is_gone_is_never_given_again() -> None:
    record: list[LesionName] = []
    run({"a": ((0, 5), (0, 5), None, None)}, record)
    assert run({"a": ((0, 5), None, None, None)}, record) == {("a", 0): "L1"}
    assert run({"a": ((0, 5), None, None, None), "b": (None, None, None, (0, 4))}, record)["b", 3] == "L3"


def test_names_are_read_as_they_were_written_and_a_changed_line_is_said(tmp_path: Path) -> None:
    record: list[LesionName] = []
    run({"a": ((0, 5), (0, 4), None, None)}, record)
    lesion_names.append(tmp_path, record)
    assert list(lesion_names.read(tmp_path).names) == record
    file = tmp_path / lesion_names.FILE
    file.write_text(file.read_text(encoding="utf-8").replace('"L2"', '"L1"'), encoding="utf-8")
    spoilt = lesion_names.read(tmp_path)
    assert [name.lesion_id for name in spoilt.names] == ["L1"]
    assert [one.code for one in spoilt.findings] == ["journal_line_unusable"]
