"""Measurement error: the printed tables, intervals and their laws. Runs in about a second."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.measure.measurement_error import (
    boundary_error_mm,
    change_interval,
    detection_limit_ratio,
    geometric_cv,
    repeat_reads_cv,
    volume_interval,
)

RATIOS = st.floats(0.05, 20)
CVS = st.floats(0.001, 0.6)

# minimal detectable change in percent, 2.77 * cv, for three outline errors and seven volumes (worked by hand)
MDC_TABLE = {
    0.15: {100: 43, 250: 32, 500: 25, 1000: 20, 2500: 15, 5000: 12, 10000: 9},
    0.25: {100: 72, 250: 53, 500: 42, 1000: 33, 2500: 25, 5000: 20, 10000: 16},
    0.50: {100: 144, 250: 106, 500: 84, 1000: 67, 2500: 49, 5000: 39, 10000: 31},
}


@pytest.mark.parametrize(
    ("boundary_mm", "volume_mm3", "percent"),
    [(b, v, p) for b, row in MDC_TABLE.items() for v, p in row.items()],
)
def test_the_minimal_detectable_change_table_is_reproduced(boundary_mm, volume_mm3, percent):
    cv = geometric_cv(volume_mm3, boundary_mm, slices_spanned=20, plane="isotropic")
    assert 100 * 2.77 * cv == pytest.approx(percent, abs=1.0)  # the table is printed to whole percent


def test_an_empty_mask_has_no_coefficient_of_variation():
    assert geometric_cv(0.0, 0.25, slices_spanned=None, plane=None) is None


def test_unknown_sampling_is_the_worst_case():
    known = [geometric_cv(800, 0.25, slices_spanned=n, plane=p) for n in (1, 4) for p in ("sagittal", "axial")]
    assert geometric_cv(800, 0.25, slices_spanned=None, plane=None) == max(known)


def test_few_thick_slices_err_more_than_many():
    cvs = [geometric_cv(800, 0.25, slices_spanned=n, plane="sagittal") for n in range(1, 9)]
    assert cvs == sorted(cvs, reverse=True)


def test_automatic_and_infiltrative_outlines_err_more():
    manual, automatic = boundary_error_mm(MaskOrigin.MANUAL), boundary_error_mm(MaskOrigin.AUTOMATIC)
    assert manual == 0.25
    assert automatic > manual
    assert boundary_error_mm(MaskOrigin.MANUAL, "Diffuse Astrocytoma") == 0.5
    assert boundary_error_mm(MaskOrigin.MANUAL, "ependymoma") == manual


def test_a_mask_found_again_errs_as_its_compartment_was_measured_to():
    def found(compartment):
        return boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=compartment)

    assert found(Compartment.CYST) < found(Compartment.TUMOUR) < found(Compartment.OEDEMA)
    assert found(Compartment.HAEMORRHAGE) == boundary_error_mm(MaskOrigin.AUTOMATIC), "nobody measured it"
    thick = boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=Compartment.TUMOUR, less_sure=True)
    assert thick > 2 * found(Compartment.TUMOUR)
    assert boundary_error_mm(MaskOrigin.EDITED, found_again=Compartment.OEDEMA) == boundary_error_mm(MaskOrigin.MANUAL)


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ([1000.0], None),
        ([], None),
        ([1000.0, 0.0], None),
        ([500.0, 500.0], 0.0),
        ([1000.0, 1000.0 * math.e], 1 / math.sqrt(2)),
    ],
)
def test_repeat_reads_give_the_spread_of_the_logarithms(reads, expected):
    assert repeat_reads_cv(reads) == (expected if expected is None else pytest.approx(expected))


@given(ratio=RATIOS, one=CVS, two=CVS)
def test_swapping_two_visits_mirrors_the_interval(ratio, one, two):
    there, back = change_interval(ratio, one, two), change_interval(1 / ratio, two, one)
    assert there.low == pytest.approx(1 / back.high)
    assert there.high == pytest.approx(1 / back.low)


@given(ratio=RATIOS, one=CVS, two=CVS)
def test_a_change_beyond_the_detection_limit_has_an_interval_without_one(ratio, one, two):
    interval = change_interval(ratio, one, two)
    beyond = max(ratio, 1 / ratio) > detection_limit_ratio(one, two)
    assert beyond == (interval.low > 1 or interval.high < 1)


@given(volume=st.floats(1, 1e5), cv=CVS)
def test_a_volume_is_the_geometric_middle_of_its_interval(volume, cv):
    interval = volume_interval(volume, cv)
    assert math.sqrt(interval.low * interval.high) == pytest.approx(volume)
