"""A scan whose day nobody knows may show a lesion smaller than any other scan: what rests on that is open. A second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.core.piece_names import PiecePlace
from pipeline.core.vocabulary import ANY_DAY, PatientCourse, VisitMeasure
from pipeline.core.volume import Volume
from pipeline.lesions import matching
from pipeline.lesions.matching import LesionStatus, Sighting, VisitComponents
from pipeline.run.steps import follow_lesions, judge_course, judge_lesions
from pipeline.run.steps.follow_lesions import SeenPieces
from pipeline.run.steps.linked_lesions import as_people_said
from pipeline.run.steps.patient_work import LinkedLesions, PieceSize
from tests.judge.test_lesion_courses import RULES, course, names, rows_of

UNKNOWN = "ses-99"
SIZES: dict[str, tuple[float | None, ...]] = {"L1": (1000.0, 1010.0), "L2": (400.0, 500.0)}
GRID = np.diag([1.0, 1.0, 1.0, 1.0])


def with_unknown_day(size_mm3: float | None) -> tuple[PatientCourse, LinkedLesions]:
    """Return the course and lesions of two dated scans, and one without a day on which L2 has a size."""
    sightings, sizes = [], {}
    for number, (name, own) in enumerate(SIZES.items(), start=1):
        for session, size in zip(names(2), own, strict=True):
            sightings.append(Sighting(session, name, number, LesionStatus.PERSISTENT, size, (0.0, 0.0, 0.0)))
            sizes[session, number] = PieceSize(6, 100.0, 12.0, None, 0.05)
    status = LesionStatus.PERSISTENT if size_mm3 else LesionStatus.RESOLVED
    why = None if size_mm3 is not None else matching.OUT_OF_VIEW
    sizes[UNKNOWN, 2] = PieceSize(6, 100.0, 12.0, None, 0.05)
    undated = Sighting(UNKNOWN, "L2", 2 if size_mm3 else 0, status, size_mm3, (0.0, 0.0, 0.0), why)
    patient = course(SIZES)
    first, last = ANY_DAY
    total = 1000.0 + (size_mm3 or 0.0)
    scan = VisitMeasure(UNKNOWN, first, total, 0.05, acquired_by=last, slices_spanned=6)
    linked = LinkedLesions(
        "sub-01", tuple(sightings), (undated,), tuple((name, None) for name in names(2)), {}, sizes, frozenset(names(2))
    )
    return replace(patient, undated=(scan,)), linked


@pytest.mark.parametrize(("size_mm3", "category"), [(450.0, "SD"), (200.0, "NE"), (0.0, "NE"), (None, "SD")], ids=str)
def test_the_size_of_a_lesion_on_a_scan_without_a_day_counts_as_one_that_may_be_before(
    size_mm3: float | None, category: str
) -> None:
    patient, linked = with_unknown_day(size_mm3)
    followed = as_people_said(linked, (), ())
    verdicts = judge_lesions.judge_lesions(patient, followed, judge_lesions.sizes_of(patient, followed), RULES)
    by_name = {one.lesion_id: one.judgement for one in verdicts.by_session[names(2)[1]]}
    assert str(by_name["L2"].category) == category, by_name["L2"].reason
    assert str(by_name["L1"].category) == "SD", "nothing is known of it there"
    alone = {row.lesion_id: row.category for row in rows_of(SIZES) if row.session_id == names(2)[1]}
    assert alone == {"L1": "SD", "L2": "SD"}


def test_a_scan_without_a_day_that_does_not_reach_a_lesion_of_the_first_scan_is_a_lower_bound() -> None:
    _, linked = with_unknown_day(450.0)
    unseen = [
        Sighting(UNKNOWN, name, 0, LesionStatus.NOT_ASSESSABLE, None, (0.0, 0.0, 0.0), matching.OUT_OF_VIEW)
        for name in ("L1", "L3")
    ]
    later = Sighting(names(2)[1], "L3", 3, LesionStatus.NEW, 90.0, (0.0, 0.0, 0.0))
    places = replace(linked, sightings=(*linked.sightings, later), undated=(*linked.undated, *unseen))
    words = judge_course.out_of_view(as_people_said(places, (), ()), None)
    assert words == {UNKNOWN: f"L1 of the first dated scan lies {matching.OUT_OF_VIEW}"}
    assert judge_course.out_of_view(as_people_said(linked, (), ()), None) == {}


def visit(session_id: str, *places: int) -> VisitComponents:
    labels = np.zeros((30, 4, 4), dtype=np.int32)
    for number, place in enumerate(places, start=1):
        labels[place : place + 4] = number
    marked = Volume(labels, GRID)
    volumes = {number: 100.0 * number for number in range(1, len(places) + 1)}
    pieces = {
        number: PiecePlace(f"{session_id}-{number}", (float(place), 0, 0)) for number, place in enumerate(places, 1)
    }
    return VisitComponents(session_id, marked, volumes, marked.with_array(np.ones(labels.shape, bool)), pieces)


def test_a_scan_without_a_day_is_matched_with_dated_ones_and_changes_none() -> None:
    dated, unknown = (visit("ses-01", 0, 10), visit("ses-02", 0, 10)), visit(UNKNOWN, 10, 20)
    linked = matching.link(dated)
    seen = follow_lesions.undated_sightings(SeenPieces(dated, {}, (unknown,)), linked, frozenset())
    assert [(one.lesion_id, one.volume_mm3, str(one.status)) for one in seen] == [
        ("L2", 100.0, "persistent"), ("L1", 0.0, "resolved"), ("unplaced", 200.0, "new"),
    ]  # fmt: skip
    assert follow_lesions.undated_sightings(SeenPieces(dated), linked, frozenset()) == ()


def test_a_piece_stays_with_the_lesion_that_the_dated_scans_before_it_say_it_is() -> None:
    dated, unknown = (visit("ses-01", 0), visit("ses-02", 2)), visit(UNKNOWN, 20)
    seen = SeenPieces(dated, {}, (unknown,))
    lesion_gone = follow_lesions.undated_sightings(seen, matching.link(dated), frozenset())
    came_near = SeenPieces((*dated, visit("ses-03", 2, 18)), {}, (unknown,))
    with_later = follow_lesions.undated_sightings(came_near, matching.link(came_near.visits), frozenset())
    assert [one for one in with_later if one.lesion_id == "L1"] == [one for one in lesion_gone if one.lesion_id == "L1"]
    assert [(one.component_id, one.status) for one in with_later if one.lesion_id == "L2"] == [(1, LesionStatus.NEW)]


def test_lesions_that_have_grown_together_are_one_on_a_scan_without_a_day_too() -> None:
    patient, linked = with_unknown_day(100.0)
    of_l1 = Sighting(UNKNOWN, "L1", 1, LesionStatus.PERSISTENT, 300.0, (0.0, 0.0, 0.0))
    sizes = {**linked.sizes, (UNKNOWN, 1): PieceSize(6, 100.0, 12.0, None, 0.05)}
    first, second = names(2)
    joined = (
        *(one for one in linked.sightings if one.session_id == first),
        Sighting(second, "L1", 1, LesionStatus.MERGED, 1500.0, (0.0, 0.0, 0.0)),
        Sighting(second, "L2", 1, LesionStatus.MERGED, None, (0.0, 0.0, 0.0), "grown together with L1"),
    )
    for undated, category in [((*linked.undated, of_l1), "NE"), (linked.undated, "SD")]:
        both = replace(linked, sightings=joined, undated=undated, sizes=sizes)
        followed = as_people_said(both, (), ())
        verdicts = judge_lesions.judge_lesions(patient, followed, judge_lesions.sizes_of(patient, followed), RULES)
        told = next(one for one in verdicts.by_session[second] if one.lesion_id == "L1")
        assert (told.with_lesions, str(told.judgement.category)) == (("L2",), category), told.judgement.reason
