"""Spectra held against the lesion that their box lies in. Quick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.core.finding_terms import Described, Sureness
from pipeline.core.spectrum import MetaboliteValue, SpectrumVoxel
from pipeline.description import limit_file
from pipeline.description.finding_change import change_of
from pipeline.description.spectra import metabolites_of, shares_of
from tests.description.scenes import CORD, TUMOUR, X, Y, Z, scene

CYST = (np.hypot(X, Y) < 3.0) & (abs(Z - 13) < 3)


def box(middle_z: float, edges: tuple[float, float, float] = (6.0, 6.0, 12.0)) -> SpectrumVoxel:
    affine = np.diag([*edges, 1.0])
    affine[2, 3] = middle_z
    return SpectrumVoxel("svs.nii.gz", "0" * 64, tuple(float(number) for number in affine.ravel()))


CHO = MetaboliteValue("Cho", 2.0, "Cr", 10.0, 135.0, 3.0, "LCModel", box(0.0))
LIMITS = limit_file.packaged().spectrum
LESION = scene(TUMOUR, cord=CORD & ~TUMOUR, cyst=CYST & ~TUMOUR)


def test_the_box_s_shares_of_tumour_cyst_and_cord_are_those_of_the_masks() -> None:
    inside = shares_of(box(0.0), LESION)
    assert (inside.tumour, inside.cyst, inside.cord) == (
        pytest.approx(1.0, abs=0.02),
        0.0,
        pytest.approx(0.0, abs=0.02),
    )
    end = shares_of(box(9.5, (2.0, 2.0, 20.0)), LESION)  # from -0.5 to 19.5: tumour to 9.5, cyst 10.5 to 15.5, cord
    assert end.tumour == pytest.approx(0.5, abs=0.05)
    assert end.cyst == pytest.approx(0.25, abs=0.06)
    assert end.tumour + end.cyst + end.cord == pytest.approx(1.0)


def test_a_trusted_value_in_the_tumour_is_sure_and_carries_its_interval() -> None:
    (row,) = metabolites_of([CHO], LESION, LIMITS)
    assert (row.finding, row.number, row.unit, row.sureness) == (
        "metabolite:Cho", 2.0, "ratio to Cr, TE 135 ms, 3 T", Sureness.SURE,
    )  # fmt: skip
    assert (row.low, row.high) == (pytest.approx(1.608, abs=0.01), pytest.approx(2.392, abs=0.01))
    assert "% tumour" in str(row.reason)
    assert row.scans == ("svs.nii.gz",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crlb_percent": 20.0}, "unreliable: SD 20 %"),
        ({"crlb_percent": None}, "its SD (Cramer-Rao bound) is not recorded"),
        ({"voxel": None}, "where its box lies is not recorded"),
        ({"voxel": box(14.0)}, "less than 50 % of its box is this tumour"),
    ],
)
def test_what_is_not_to_be_trusted_is_never_sure(change, words) -> None:
    (row,) = metabolites_of([replace(CHO, **change)], LESION, LIMITS)
    assert (row.number, row.sureness) == (2.0, Sureness.UNSURE)
    assert words in str(row.reason)


def test_a_box_elsewhere_says_nothing_of_the_lesion_and_without_a_lesion_the_value_stands() -> None:
    (row,) = metabolites_of([replace(CHO, voxel=box(45.0))], LESION, LIMITS)
    assert (row.number, row.sureness) == (None, None)
    assert "does not lie in this lesion (box 0 % tumour" in str(row.reason)
    (alone,) = metabolites_of([CHO], None, LIMITS)
    assert (alone.number, alone.sureness) == (2.0, Sureness.UNSURE)


def test_another_echo_time_is_not_compared() -> None:
    then, now = metabolites_of([CHO], LESION, LIMITS)[0], metabolites_of([replace(CHO, te_ms=30.0)], LESION, LIMITS)[0]
    change = change_of(then, now, (), ())
    assert str(change.course) == "cannot be compared"
    assert "TE 135 ms, 3 T then, as ratio to Cr, TE 30 ms" in str(change.reason)
    grown: Described = replace(then, number=4.0, low=3.5, high=4.5)
    assert str(change_of(then, grown, (), ()).course) == "changed"
