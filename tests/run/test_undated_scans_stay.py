"""What a scan without a day shows is told once: a later scan moves no piece to another lesion. Fifteen seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.core import records
from pipeline.core.piece_names import LesionName, NamesGiven, PiecePlace
from pipeline.core.vocabulary import ANY_DAY, MaskOrigin, PatientCourse, VisitMeasure
from pipeline.core.volume import Volume
from pipeline.judge import criteria_files
from pipeline.lesions import lesion_naming, matching
from pipeline.lesions.matching import VisitComponents
from pipeline.run.steps import follow_lesions, judge_course
from pipeline.run.steps.follow_lesions import SeenPieces
from pipeline.run.steps.linked_lesions import as_people_said
from pipeline.run.steps.patient_work import FollowedLesions, LinkedLesions, PieceSize

RULES = [criteria_files.load(name) for name in ("imsct_adapted_v1", "rano2_vol")]
GRID = np.diag([1.0, 1.0, 1.0, 1.0])
LENGTH = 48
VOXEL_MM3 = 3.0


@dataclass(frozen=True)
class Strip:
    """Pieces of tumour along a line, each from a voxel on and so many long; the scan reaches ``reach``."""

    pieces: tuple[tuple[int, int], ...]
    reach: tuple[int, int] = (0, LENGTH)

    def seen(self, session_id: str) -> VisitComponents:
        line = np.zeros(LENGTH, dtype=np.int32)
        for start, length in self.pieces:
            line[start : start + length] = 1
        line[: self.reach[0]] = line[self.reach[1] :] = 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line, [0]])))
        labels = np.zeros((LENGTH, 4, 4), dtype=np.int32)
        volumes, places = {}, {}
        for number, (first, last) in enumerate(zip(edges[::2], edges[1::2], strict=True), start=1):
            labels[first:last] = number
            volumes[number] = float((last - first) * 16 * VOXEL_MM3)
            places[number] = PiecePlace(f"{session_id}-{first}-{last}", ((first + last) / 2, 0.0, 0.0))
        marked = Volume(labels, GRID)
        reached = np.zeros(labels.shape, dtype=bool)
        reached[self.reach[0] : self.reach[1]] = True
        return VisitComponents(session_id, marked, volumes, marked.with_array(reached), places)


pieces = st.lists(st.tuples(st.integers(0, LENGTH - 10), st.integers(1, 10)), max_size=3).map(tuple)
reaches = st.sampled_from([(0, LENGTH), (0, LENGTH), (0, 30), (12, LENGTH)])
strips = st.builds(Strip, pieces, reaches)


def judged(dated: Sequence[Strip], unknown: Sequence[Strip], syndrome: str | None, earlier: Any = ()) -> Any:
    """Return what a run says: the lesions, the rows, and the names that it put on record."""
    visits = tuple(strip.seen(f"ses-{number:02}") for number, strip in enumerate(dated, start=1))
    undated = tuple(strip.seen(f"ses-9{number}") for number, strip in enumerate(unknown))
    seen = SeenPieces(visits, {}, undated)
    given_names = NamesGiven(tuple(earlier))
    named = lesion_naming.names_of_pieces(visits, given_names.pieces)
    sightings = matching.link(visits, named, given_names.taken)
    everyone = (*visits, *undated)
    linked = LinkedLesions(
        "sub-01",
        sightings,
        follow_lesions.undated_sightings(seen, sightings, given_names.taken),
        tuple((visit.session_id, None) for visit in visits),
        seen.places,
        {(one.session_id, n): PieceSize(6, mm3, mm3) for one in everyone for n, mm3 in one.volumes_mm3.items()},
        frozenset(visit.session_id for visit in everyone),
    )  # fmt: skip
    followed = as_people_said(linked, (), ())
    rows = judge_course.judge_course(course_of(visits, undated, followed, syndrome), RULES, followed)
    places = seen.places
    record = [
        LesionName("sub-01", one.session_id, one.lesion_id, places[one.session_id, one.component_id], one.volume_mm3)
        for one in sightings
        if one.volume_mm3 and one.lesion_id != matching.UNPLACED
    ]  # fmt: skip
    return followed, rows, record


def course_of(
    visits: Sequence[VisitComponents],
    undated: Sequence[VisitComponents],
    followed: FollowedLesions,
    syndrome: str | None,
) -> PatientCourse:
    unseen = judge_course.out_of_view(followed, syndrome)

    def measure(visit: VisitComponents, day: date) -> VisitMeasure:
        return VisitMeasure(
            visit.session_id,
            day,
            sum(visit.volumes_mm3.values()),
            0.05,
            slices_spanned=6,
            mask_origin=MaskOrigin.MANUAL,
            new_lesion=visit.session_id in followed.new_lesion_sessions,
            new_tumour_mm3=followed.new_tumour_mm3.get(visit.session_id, 0.0),
            bound_reason=unseen.get(visit.session_id),
        )

    first, last = ANY_DAY
    return PatientCourse(
        "sub-01",
        tuple(measure(visit, date(2015 + year, 3, 1)) for year, visit in enumerate(visits)),
        undated=tuple(replace(measure(visit, first), acquired_by=last) for visit in undated if visit.volumes_mm3),
        syndrome=syndrome,
    )


def shown_by(followed: FollowedLesions) -> dict[tuple[str, str], set[tuple[int, float | None]]]:
    """Return what scans without a day show of each lesion that a dated one shows: number of the piece and volume."""
    shown: dict[tuple[str, str], set[tuple[int, float | None]]] = {}
    for one in followed.undated_components:
        if one.lesion_id != matching.UNPLACED:
            shown.setdefault((one.session_id, one.lesion_id), set()).add((one.component_id, one.volume_mm3))
    return shown


def then(rows: Sequence[Any]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return what was judged on the day, of the total and of each lesion."""
    kinds = (records.Assessment, records.LesionAssessment)
    return {
        (row.session_id, row.criteria_id, getattr(row, "lesion_id", "")): (row.category_then, row.state_then)
        for row in rows
        if isinstance(row, kinds)
    }


@settings(max_examples=40, deadline=None, phases=(Phase.generate,))
@given(
    st.lists(strips, min_size=1, max_size=3),
    strips,
    st.lists(strips, min_size=1, max_size=2),
    st.sampled_from([None, "VHL"]),
)
def test_a_later_scan_changes_nothing_that_a_scan_without_a_day_was_said_to_show(
    dated: list[Strip], later: Strip, unknown: list[Strip], syndrome: str | None
) -> None:
    before, rows, record = judged(dated, unknown, syndrome)
    after, more, _ = judged([*dated, later], unknown, syndrome, record)
    told, told_now = shown_by(before), shown_by(after)
    assert {key: told_now.get(key) for key in told} == told
    undated = {f"ses-9{number}" for number in range(len(unknown))}
    assert all(before.new_tumour_mm3.get(name) == after.new_tumour_mm3.get(name) for name in undated)
    said, said_now = then(rows), then(more)
    assert {key: said_now.get(key) for key in said} == said
