"""Measurement error: the printed tables, intervals and their laws. Runs in about a second."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure.measurement_error import (
    boundary_error_mm,
    change_interval,
    detection_limit_ratio,
    geometric_cv,
    largest_error,
    mean_cv,
    repeat_reads_cv,
    volume_interval,
)
from pipeline.refind.refinding import is_thick

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


# ---------------------------------------------------------------- what decides at the very limit


def test_two_reads_are_the_least_that_differ_and_three_count_as_three():
    assert repeat_reads_cv([100.0, 100.0 * math.e]) == pytest.approx(math.sqrt(0.5))
    assert mean_cv([100.0, 100.0 * math.e]) == pytest.approx(0.5)
    assert repeat_reads_cv([1.0, math.e, math.e**2]) == pytest.approx(1.0)
    assert mean_cv([1.0, math.e, math.e**2]) == pytest.approx(1 / math.sqrt(3))
    assert mean_cv([100.0]) is mean_cv([100.0, 0.0]) is None


def test_slices_sample_worse_along_the_cord_than_across_and_not_at_all_when_voxels_are_cubes():
    assert geometric_cv(1000.0, 0.0, slices_spanned=1, plane="sagittal") == pytest.approx(0.20)
    assert geometric_cv(1000.0, 0.0, slices_spanned=1, plane="coronal") == pytest.approx(0.20)
    assert geometric_cv(1000.0, 0.0, slices_spanned=1, plane="axial") == pytest.approx(0.12)
    assert geometric_cv(1000.0, 0.0, slices_spanned=4, plane="sagittal") == pytest.approx(0.20 / 8)
    assert geometric_cv(1000.0, 0.0, slices_spanned=1, plane="isotropic") == 0.0
    assert geometric_cv(1000.0, 0.0, slices_spanned=0, plane="axial") == pytest.approx(0.12), "as one slice"
    assert geometric_cv(1000.0, 0.25, slices_spanned=1, plane="isotropic") == pytest.approx(0.1209)


@pytest.mark.parametrize(
    ("compartment", "again_mm", "less_sure_mm"),
    [
        (Compartment.TUMOUR, 0.18, 0.6),
        (Compartment.CYST, 0.10, 0.2),
        (Compartment.SYRINX, 0.10, 0.2),
        (Compartment.CAVITY, 0.10, 0.2),
        (Compartment.OEDEMA, 0.42, 0.7),
    ],
)
def test_outlines_err_by_what_the_benchmark_measured(compartment, again_mm, less_sure_mm):
    assert boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=compartment) == again_mm
    assert boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=compartment, less_sure=True) == less_sure_mm
    assert boundary_error_mm(MaskOrigin.AUTOMATIC, "glioma", compartment) == pytest.approx(again_mm + 0.25)
    assert boundary_error_mm(MaskOrigin.EDITED, None, compartment, less_sure=True) == 0.25


def test_a_mask_of_an_unmeasured_program_errs_by_half_a_millimetre():
    assert boundary_error_mm(MaskOrigin.AUTOMATIC) == 0.5
    assert boundary_error_mm(MaskOrigin.EDITED) == 0.25


@pytest.mark.parametrize(("slice_mm", "thick"), [(1.0, False), (2.0, False), (2.1, True), (3.3, True)])
def test_slices_over_two_millimetres_hide_the_shape(slice_mm, thick):
    assert is_thick(Volume(np.zeros((3, 3, 3)), np.diag([slice_mm, 0.7, 0.7, 1.0]))) == thick


@pytest.mark.parametrize(
    ("signal", "spread", "repeat", "expected"),
    [
        (None, None, None, (0.3, "geometric_model")),
        (0.3, None, None, (math.hypot(0.3, 0.3), "geometric_model")),
        (0.31, None, None, (math.hypot(0.3, 0.31), "automatic_spread")),
        (None, 0.3, 0.3, (0.3, "geometric_model")),
        (None, 0.31, None, (0.31, "automatic_spread")),
        (None, 0.31, 0.31, (0.31, "automatic_spread")),
        (None, 0.31, 0.32, (0.32, "repeat_reads")),
        (0.4, 0.45, 0.49, (0.5, "automatic_spread")),
    ],
)
def test_the_largest_error_counts_and_says_where_it_comes_from(signal, spread, repeat, expected):
    cv, source = largest_error(0.3, signal=signal, spread=spread, repeat=repeat)
    assert (cv, source) == (pytest.approx(expected[0]), expected[1])


def test_ninety_five_percent_are_one_point_nine_six_standard_deviations():
    assert detection_limit_ratio(0.1, 0.0) == pytest.approx(math.exp(0.196))
    assert detection_limit_ratio(0.3, 0.4) == pytest.approx(math.exp(0.98))
    found = change_interval(2.0, 0.1, 0.0)
    assert (found.low, found.high) == pytest.approx((2 / math.exp(0.196), 2 * math.exp(0.196)))
