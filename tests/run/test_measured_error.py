"""The stated error of a measured mask: the model's, unless readers or ways of finding the mask differ by more."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure import measurement_error
from pipeline.refind.refinding import GROWN, GROWN_LESS_SURELY
from pipeline.run.steps import measure_visits
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, VisitWork
from pipeline.study.visits import StudyVisit

VISIT = ReadVisit(StudyVisit("sub-1", "ses-2", None, (), ()), "usable", None, None, None, (), ())


def cube(side: int) -> Volume:
    array = np.zeros((20, 20, 20))
    array[4 : 4 + side, 4 : 4 + side, 4 : 4 + side] = 1
    return Volume(array, np.eye(4))


def measured(
    spread: float | None,
    second_side: int | None = None,
    *,
    signal: float | None = None,
    method: str = GROWN,
    shrinkage: float | None = None,
    origin: MaskOrigin = MaskOrigin.AUTOMATIC,
) -> records.Measurement:
    """Measure a tumour of 1000 mm³ that was found again, with how far its ways ended apart, and a second reader's."""
    row = records.Segmentation(
        "sub-1", "ses-2", "tumour", "cordtrack", "automatic", "output", "m.nii.gz", "s.nii.gz", "0", is_primary=True,
        method=method, note=None, software="", spread_cv=spread, signal_cv=signal,
        shrinkage_cv=shrinkage,
    )  # fmt: skip
    masks = {"cordtrack": {Compartment.TUMOUR: cube(10)}}
    if second_side:
        masks["reader"] = {Compartment.TUMOUR: cube(second_side)}
    masked = MaskedVisit("ses-2", origin, masks, (row,), source="cordtrack")
    return measure_visits.measure_visit(VisitWork(VISIT, masked), [Compartment.TUMOUR], None)[0]


def test_where_nothing_differs_much_the_geometric_model_speaks() -> None:
    expected = measurement_error.SPHERE_FACTOR * measurement_error.FOUND_AGAIN_ERROR_MM[Compartment.TUMOUR] / 10
    for row in (measured(None), measured(0.01), measured(0.01, second_side=10)):
        assert (row.volume_cv, row.cv_source) == (pytest.approx(expected), "geometric_model")


def test_ways_that_end_far_apart_make_the_error_larger_and_it_says_so() -> None:
    row = measured(measurement_error.mean_cv([800.0, 1200.0]))
    assert (row.volume_cv, row.cv_source) == (pytest.approx(np.log(1.5) / 2), "automatic_spread")


def test_a_mask_that_is_less_sure_has_a_larger_error() -> None:
    expected = measurement_error.SPHERE_FACTOR * measurement_error.LESS_SURE_ERROR_MM[Compartment.TUMOUR] / 10
    assert measured(None, method=GROWN_LESS_SURELY).volume_cv == pytest.approx(expected)


def test_what_unexplained_signal_does_adds_to_the_error_of_the_outline() -> None:
    outline = measured(None).volume_cv
    assert outline is not None
    small, large = measured(0.01, signal=0.05), measured(0.01, signal=0.3)
    assert (small.volume_cv, small.cv_source) == (pytest.approx(np.hypot(outline, 0.05)), "geometric_model")
    assert (large.volume_cv, large.cv_source) == (pytest.approx(np.hypot(outline, 0.3)), "automatic_spread")
    assert measured(0.4, signal=0.3).volume_cv == pytest.approx(0.4)


def test_a_shrinkage_adds_to_the_error_of_an_outline_that_nobody_accepted() -> None:
    outline, shrunk = measured(None).volume_cv, measured(None, signal=0.1, shrinkage=0.2)
    assert shrunk.volume_cv == pytest.approx(np.linalg.norm([outline or 0, 0.1, 0.2]))
    edited = [measured(None, shrinkage=cv, origin=MaskOrigin.EDITED).volume_cv for cv in (None, 0.2)]
    assert edited[0] == edited[1]


def test_the_larger_of_two_spreads_counts() -> None:
    assert measured(0.2, second_side=8).cv_source == "repeat_reads"
    assert measured(0.6, second_side=8).cv_source == "automatic_spread"


@pytest.mark.parametrize("ways", [(), (1000.0,), (1000.0, 0.0)])
def test_one_way_or_nothing_found_by_one_has_no_spread(ways: tuple[float, ...]) -> None:
    assert measurement_error.mean_cv(ways) is None
