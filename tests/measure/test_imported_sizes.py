"""Sizes of other programs and what they are worth: errors, assumed slices, and what judgement is told of a visit."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.core.vocabulary import Compartment
from pipeline.measure.imported_sizes import (
    NO_VOLUME,
    ImportedMeasure,
    any_seeding,
    assumed_slices,
    error_of,
    visit_measure,
)
from pipeline.measure.measurement_error import geometric_cv

DAY = date(2020, 2, 17)
TUMOUR, CYST = Compartment.TUMOUR, Compartment.CYST


def told(*measures: ImportedMeasure, histology: str | None = None):
    return visit_measure("ses-01", DAY, measures, histology)


@pytest.mark.parametrize("size", ["volume_mm3", "product_mm2", "longest_mm"])
def test_any_one_size_is_a_size_and_zero_is_one_too(size: str) -> None:
    assert ImportedMeasure(TUMOUR, **{size: 12.0}).has_size
    assert ImportedMeasure(TUMOUR, **{size: 0.0}).has_size


def test_nothing_measured_is_no_size() -> None:
    assert not ImportedMeasure(TUMOUR, new_lesion=True, slices_spanned=3).has_size


def test_an_error_of_zero_that_came_with_a_volume_is_its_error() -> None:
    assert error_of(ImportedMeasure(TUMOUR, 800.0, 0.0), None) == (0.0, "imported")


@pytest.mark.parametrize("volume_mm3", [None, 0.0])
def test_no_volume_above_zero_has_no_error(volume_mm3: float | None) -> None:
    assert error_of(ImportedMeasure(TUMOUR, volume_mm3, 0.1), None) == (None, None)


def test_slices_of_the_table_count_before_assumed_ones_and_an_unsharp_edge_widens_the_error() -> None:
    said = error_of(ImportedMeasure(TUMOUR, 1000.0, slices_spanned=6), None)[0]
    assert said == geometric_cv(1000.0, 0.25, slices_spanned=6, plane="sagittal")
    assert error_of(ImportedMeasure(TUMOUR, 1000.0), None)[0] == geometric_cv(
        1000.0, 0.25, slices_spanned=2, plane="sagittal"
    )
    assert error_of(ImportedMeasure(TUMOUR, 1000.0, slices_spanned=6), "astrocytoma")[0] == geometric_cv(
        1000.0, 0.5, slices_spanned=6, plane="sagittal"
    )


# an ellipsoid 1:1:2.5 of width w has pi/6 * 2.5 * w^3; slices lie 3.3 mm apart
@pytest.mark.parametrize(("width_mm", "slices"), [(1.0, 1), (6.5, 1), (6.7, 2), (9.8, 2), (10.0, 3), (13.3, 4)])
def test_a_tumour_crosses_the_slices_that_its_width_holds(width_mm: float, slices: int) -> None:
    assert assumed_slices(3.14159265 / 6 * 2.5 * width_mm**3) == slices


def test_judgement_is_told_all_that_the_table_says_of_the_tumour() -> None:
    tumour = ImportedMeasure(TUMOUR, 900.0, 0.08, 120.0, 21.0, slices_spanned=4)
    enhancing = ImportedMeasure(Compartment.ENHANCING, 300.0)
    visit = told(ImportedMeasure(CYST, 50.0), tumour, enhancing)
    assert (visit.session_id, visit.acquired_on, visit.volume_mm3, visit.volume_cv) == ("ses-01", DAY, 900.0, 0.08)
    assert (visit.product_mm2, visit.longest_mm, visit.slices_spanned) == (120.0, 21.0, 4)
    assert (visit.enhancing_mm3, visit.cv_is_assumed, visit.missing_reason) == (300.0, False, None)


def test_an_error_that_was_assumed_says_so() -> None:
    assert told(ImportedMeasure(TUMOUR, 900.0)).cv_is_assumed
    assert not told(ImportedMeasure(TUMOUR, 0.0)).cv_is_assumed, "a volume of 0 has no error at all"
    assert told(ImportedMeasure(TUMOUR, 900.0)).enhancing_mm3 is None, "not measured is never 0"


def test_a_visit_without_solid_tumour_in_the_table_has_no_volume_and_never_zero() -> None:
    visit = told(ImportedMeasure(CYST, 50.0, new_lesion=True, leptomeningeal=False))
    assert (visit.volume_mm3, visit.missing_reason) == (None, NO_VOLUME)
    assert (visit.new_lesion, visit.leptomeningeal) == (True, False)


def test_a_new_lesion_or_seeding_seen_on_any_row_was_seen_at_the_visit() -> None:
    visit = told(ImportedMeasure(TUMOUR, 9.0), ImportedMeasure(CYST, 5.0, new_lesion=True, leptomeningeal=True))
    assert (visit.new_lesion, visit.leptomeningeal) == (True, True)
    assert not told(ImportedMeasure(TUMOUR, 9.0), ImportedMeasure(CYST, 5.0)).new_lesion


def test_meninges_that_nobody_looked_at_are_not_free() -> None:
    assert any_seeding([]) is any_seeding([None, None]) is None
    assert any_seeding([None, False]) is False
    assert any_seeding([False, True, None]) is True
