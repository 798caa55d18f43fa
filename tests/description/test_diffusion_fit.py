"""The diffusion coefficient fitted to weighted scans of known truth, and why none is where none can be. About 3 s."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.description import diffusion_fit, limit_file, tissue_diffusion
from pipeline.description.diffusion_fit import coefficients
from pipeline.description.lesion_scene import AlignedScan
from pipeline.files import diffusion_files
from pipeline.files.diffusion_files import WeightedVolumes
from tests.description.scenes import CORD, GRID, TUMOUR, X, Y, Z, scene

CORD_ADC, FLUID_ADC = 0.9, 2.9


def fitted_map(series: list[WeightedVolumes]) -> tuple[Volume, str] | str:
    """The map by the packaged limits."""
    return diffusion_fit.fitted_map(series, limit_file.packaged().weighting)


def weighted(
    b_values: tuple[float, ...], adc: float = 1.3, noise: float = 0.04, seed: int = 0, moved: int = 0
) -> WeightedVolumes:
    """A made-up series in which the tumour has a known coefficient; Rician noise, the last volume may lie off."""
    rng = np.random.default_rng(seed)
    truth = np.where(TUMOUR, adc, np.where(CORD, CORD_ADC, FLUID_ADC))
    body = np.where(CORD, 1.0, 2.0)
    volumes = []
    for b in b_values:
        clean = 400 * body * np.exp(-b * truth * 1e-3)
        real, imaginary = (rng.normal(0, 400 * noise, GRID.shape) for _ in range(2))
        volumes.append(np.hypot(clean + real, imaginary))
    volumes[-1] = np.roll(volumes[-1], moved, axis=0)
    return WeightedVolumes("x_dwi.nii.gz", np.stack(volumes, axis=-1), GRID.affine, np.array(b_values))


@pytest.mark.parametrize(
    ("b_values", "adc"), [((0.0, 1000.0), 0.7), ((1000.0, 0.0, 500.0, 0.0), 1.9), ((50.0, 400.0, 800.0), 1.1)]
)
def test_the_coefficient_is_within_3_percent_whatever_the_order_of_the_weightings(b_values, adc) -> None:
    image, words = fitted_map([weighted(b_values, adc, seed=int(10 * adc))])
    scan = AlignedScan(image, identity("anchor", "dwi"), "x_dwi.nii.gz", "ADC", made_from=words)
    rows = tissue_diffusion.diffusion_of(scan, scene(cord=CORD & ~TUMOUR), limit_file.packaged())
    assert rows[0].number == pytest.approx(adc, rel=0.03)
    assert rows[0].sureness == "sure"
    assert rows[0].reason.startswith("fitted from the DWI at b = ")
    assert rows[1].number == pytest.approx(adc / CORD_ADC, rel=0.05)


def test_thirty_voxels_are_enough_for_3_percent_of_what_is_sure() -> None:
    """The mean of 30 voxels of 300 made-up lesions of any coefficient, where its own interval is that narrow."""
    rng = np.random.default_rng(3)
    b = np.array([0.0, 0.0, 500.0, 500.0, 1000.0, 1000.0])
    off = []
    for adc in rng.uniform(0.7, 1.9, 300):
        clean, noise = np.exp(-b * adc * 1e-3) * np.ones((30, 1)), rng.uniform(0.01, 0.06)
        signals = np.hypot(clean + rng.normal(0, noise, clean.shape), rng.normal(0, noise, clean.shape))
        values = coefficients(signals, b)
        grain = values.std(ddof=1) / np.sqrt(30) / values.mean()
        if tissue_diffusion._doubt(30, grain, 0.0, limit_file.packaged().diffusion) is None:
            off.append(values.mean() / adc - 1)
    assert len(off) > 100
    assert np.percentile(np.abs(off), 95) < 0.03
    assert abs(np.mean(off)) < 0.01


def test_files_of_one_weighting_each_are_one_series() -> None:
    whole = weighted((0.0, 500.0, 1000.0))
    parts = [replace(whole, array=whole.array[..., [n]], b_values=whole.b_values[[n]]) for n in (2, 0, 1)]
    assert np.allclose(fitted_map(parts)[0].array, fitted_map([whole])[0].array, equal_nan=True)


@pytest.mark.parametrize(("half_mm", "sureness"), [(2.2, "unsure"), (4.5, "sure")])
def test_a_mean_near_the_edge_of_a_map_that_lies_a_millimetre_off_is_not_sure(half_mm, sureness) -> None:
    """In a narrow lesion the voxels at the edge then hold cord; a wide one has enough of them further in."""
    solid = (np.hypot(X, Y) < half_mm) & (abs(Z) < 10)
    there = (np.hypot(X - 1.0, Y) < half_mm) & (abs(Z) < 10)
    values = np.where(there, 1.2, np.where(CORD, CORD_ADC, FLUID_ADC)) + np.random.default_rng(5).normal(
        0, 0.03, GRID.shape
    )
    scan = AlignedScan(GRID.with_array(values), identity("anchor", "adc"), "x_ADC.nii.gz", "ADC")
    row = tissue_diffusion.diffusion_of(scan, scene(solid, cord=CORD & ~solid), limit_file.packaged())[0]
    assert row.sureness == sureness
    assert (abs(row.number / 1.2 - 1) <= 0.03) == (sureness == "sure")
    assert ("so near its edge that a map 1 mm off errs by" in row.reason) == (sureness == "unsure")


def test_strong_weighting_is_left_out_and_said() -> None:
    bent = weighted((0.0, 1000.0, 3000.0))
    image, words = fitted_map([bent])
    assert words == "fitted from the DWI at b = 0, 1000 s/mm², b above 1500 left out"
    assert np.nanmedian(image.array[TUMOUR]) == pytest.approx(1.3, rel=0.03)


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([weighted((1000.0,))], "b = 1000 s/mm² only: two weightings"),
        ([weighted((0.0, 5.0, 50.0))], "b = 0, 5, 50 s/mm² only: two weightings"),
        ([weighted((0.0, 2000.0))], "no ADC holds beyond b = 1500"),
        ([replace(weighted((0.0, 500.0, 1000.0)), b_values=np.array([1000.0, 500.0, 0.0]))], "stand in another order"),
        ([weighted((0.0, 1000.0), moved=4)], "the person moved by about 4 mm between b = 0 and 1000"),
        (
            [weighted((0.0,)), replace(weighted((800.0,)), array=np.ones((9, 9, 9, 1)), name="y_dwi.nii.gz")],
            "y_dwi.nii.gz lies on another grid than x_dwi.nii.gz",
        ),
    ],
)
def test_what_cannot_be_fitted_says_why(series, words) -> None:
    assert words in fitted_map(series)


def test_a_person_who_lay_still_did_not_move() -> None:
    for seed in range(2):
        assert not isinstance(fitted_map([weighted((0.0, 1000.0), noise=0.08, seed=seed)]), str)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "expected x_dwi.bval with the b-values beside it, found none"),
        ("0 500", "expected a b-value for each of the 3 volumes of x_dwi.nii.gz, found 2"),
        ("", "expected a b-value for each of the 3 volumes of x_dwi.nii.gz, found 0"),
        ("0 a 5", "expected b-values in s/mm²"),
        ("0 -5 5", "expected b-values in s/mm²"),
        ("0 5 nan", "expected b-values in s/mm²"),
        ("0 500000 5", "expected b-values in s/mm²"),
    ],
)
def test_b_values_that_cannot_be_told_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "x_dwi.bval").write_text(text)
    with pytest.raises(diffusion_files.InputError, match=words.replace("²", ".")):
        diffusion_files.b_values(tmp_path / "x_dwi.nii.gz", 3)


def test_b_values_in_ms_per_um2_are_told_by_their_size(tmp_path: Path) -> None:
    (tmp_path / "x_dwi.bval").write_text("0 0.5\n1")
    assert diffusion_files.b_values(tmp_path / "x_dwi.nii", 3).tolist() == [0.0, 500.0, 1000.0]


def test_a_map_is_on_the_grid_of_its_scan() -> None:
    image, _ = fitted_map([weighted((0.0, 1000.0))])
    assert isinstance(image, Volume)
    assert np.array_equal(image.affine, GRID.affine)
