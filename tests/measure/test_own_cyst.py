"""A mask named cyst is the tumour's as far as it lies in it or touches it. Milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure.own_cyst import place_of
from pipeline.run.steps import judge_readings, measure_visits
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, VisitWork
from pipeline.study.visits import StudyVisit

VISIT = ReadVisit(StudyVisit("sub-1", "ses-2", None, (), ()), "usable", None, None, None, (), ())
TUMOUR, CYST = Compartment.TUMOUR, Compartment.CYST


def mask(*boxes: tuple[int, int], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    """Return 4 x 4 voxels across and so many along the cord in each box."""
    array = np.zeros((8, 8, 40))
    for first, last in boxes:
        array[2:6, 2:6, first:last] = 1
    return Volume(array, np.diag([*spacing, 1.0]))


def visit(tumour: Volume, cyst: Volume) -> VisitWork:
    masked = MaskedVisit("ses-2", MaskOrigin.MANUAL, {"reader": {TUMOUR: tumour, CYST: cyst}}, source="reader")
    work = VisitWork(VISIT, masked)
    return VisitWork(VISIT, masked, measured=measure_visits.measure_visit(work, [TUMOUR, CYST], None))


@pytest.mark.parametrize(
    ("cyst", "own_mm3", "apart_mm3"),
    [
        (((10, 14),), 64.0, 0.0),  # at the tumour's end
        (((11, 14),), 48.0, 0.0),  # a wall of one voxel between
        (((12, 14),), 0.0, 32.0),
        (((10, 14), (30, 40)), 64.0, 160.0),
        ((), 0.0, 0.0),
    ],
)
def test_what_touches_is_the_tumours_piece_by_piece(cyst, own_mm3: float, apart_mm3: float) -> None:
    place = place_of(mask(*cyst), mask((4, 10)))
    assert (place.own_mm3, place.apart_mm3) == (own_mm3, apart_mm3)


def test_a_wall_that_nobody_drew_is_thin_and_none_on_thick_slices() -> None:
    fine, thick = (0.5, 0.5, 0.5), (0.5, 0.5, 4.0)
    assert place_of(mask((14, 15), spacing=fine), mask((4, 10), spacing=fine)).own_mm3 == 0
    assert place_of(mask((13, 15), spacing=fine), mask((4, 10), spacing=fine)).apart_mm3 == 0
    assert place_of(mask((10, 15), spacing=thick), mask((4, 10), spacing=thick)).apart_mm3 == 0
    assert place_of(mask((11, 15), spacing=thick), mask((4, 10), spacing=thick)).own_mm3 == 0


def test_a_cyst_of_no_tumour_is_nobodys() -> None:
    assert place_of(mask((4, 10)), mask()).own_mm3 == 0


def test_only_what_is_the_tumours_is_counted_with_it_and_the_rest_is_said() -> None:
    both = visit(mask((4, 10)), mask((10, 14), (30, 40)))
    whole = next(row for row in both.measured if row.compartment == CYST)
    part = judge_readings.part_of(both, CYST)
    assert part is not None
    assert (whole.volume_mm3, part.volume_mm3) == (224.0, pytest.approx(64.0))
    assert part.volume_cv == pytest.approx((whole.volume_cv or 0) * (64 / 224) ** (-1 / 3))
    (finding,) = measure_visits.cysts_apart([both])
    assert finding.code == "cyst_apart"
    assert "0.16 mL of it away from it" in finding.message


def test_a_cyst_away_from_the_tumour_is_missing_with_the_reason_and_never_0() -> None:
    part = judge_readings.part_of(visit(mask((4, 10)), mask((30, 40))), CYST)
    assert part is not None
    assert (part.volume_mm3, part.missing_reason) == (None, judge_readings.APART)
    touching = visit(mask((4, 10)), mask((10, 14)))
    assert measure_visits.cysts_apart([touching]) == ()
    assert judge_readings.part_of(touching, CYST).volume_mm3 == 64.0
