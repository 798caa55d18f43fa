"""What a series shows, by physics first, and the grid its planes form: tables of cases with their boundaries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.hospital.read import geometry
from pipeline.hospital.read.headers import read_instance
from pipeline.hospital.read.instances import Plane, SeriesAcquisition
from pipeline.hospital.read.series_kind import SURE, contrast_of
from tests import dicom_files as dicom

SPIN = SeriesAcquisition(modality="MR", kinds=frozenset({"SE"}), image_type=("ORIGINAL", "PRIMARY", "M"))
GRADIENT = replace(SPIN, kinds=frozenset({"GR"}))


def made(
    base: SeriesAcquisition = SPIN, te: float | None = None, tr: float | None = None, **more: object
) -> SeriesAcquisition:
    return replace(base, echo_time_ms=te, repetition_time_ms=tr, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("acquisition", "name", "enhanced", "sure"),
    [
        (made(te=105, tr=3500, description="t2_tse_sag"), "T2w", False, True),
        (made(te=60, tr=1000), "T2w", False, True),
        (made(te=59, tr=3500), None, False, False),
        (made(te=11, tr=620, description="t1 sag"), "T1w", False, True),
        (made(te=35, tr=1200), "T1w", False, True),
        (made(te=36, tr=1200), None, False, False),
        (made(te=20, tr=2500), "PDw", False, True),
        (made(te=11, tr=620, agent=True), "T1w", True, True),
        (made(te=11, tr=620, agent=False), "T1w", False, True),
        (made(te=11, tr=620, description="t1 sag +C"), "T1w", True, False),
        (made(te=11, tr=620, agent=True, description="t1 sag nativ"), "T1w", True, False),
        (made(te=11, tr=620, agent=False, description="t1 sag post gad"), "T1w", False, False),
        (made(te=105, tr=3500, agent=True), "T2w", False, True),
        (made(te=105, tr=3500, description="t1_tse_sag"), "T2w", False, False),
        (made(te=48, tr=4200, inversion_time_ms=220.0), "STIR", False, True),
        (made(te=48, tr=4200, inversion_time_ms=150.0, description="tirm sag"), "STIR", False, True),
        (made(te=48, tr=4200, kinds=frozenset({"SE", "IR"})), None, False, False),
        (made(te=120, tr=9000, inversion_time_ms=2500.0), "FLAIR", False, True),
        (made(te=10, tr=2000, inversion_time_ms=860.0), "T1w", False, True),
        (made(GRADIENT, te=3, tr=8, flip_angle_deg=12.0), "T1w", False, True),
        (made(GRADIENT, te=2.2, tr=5.5, flip_angle_deg=50.0, variants=frozenset({"SS"})), "T2w", False, True),
        (made(GRADIENT, te=17, tr=700, flip_angle_deg=30.0), "T2starw", False, True),
        (made(te=80, tr=5000, b_value=800.0), "DWI", False, True),
        (made(te=80, tr=5000, image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC")), "ADC", False, True),
        (made(te=105, tr=3500, stated_contrast="T2"), "T2w", False, True),
        (made(te=105, tr=3500, stated_contrast="T1"), "T1w", False, False),
        (made(description="t2 sag"), "T2w", False, False),
        (made(description="sagittal"), None, False, False),
        (made(te=105), None, False, False),
        (made(te=80, tr=3000, kinds=frozenset({"EP", "SE"})), None, False, False),
    ],
)
def test_contrast_by_physics_then_by_name(
    acquisition: SeriesAcquisition, name: str | None, enhanced: bool, sure: bool
) -> None:
    found = contrast_of(acquisition)
    assert (found.name, found.is_enhanced, found.confidence >= SURE) == (name, enhanced, sure), found.reasons
    assert found.reasons


def planes(tmp_path: Path, count: int = 6) -> list[Plane]:
    volume = Volume(np.zeros((4, 3, count), np.int16), np.diag([0.7, 0.8, 3.3, 1.0]))
    paths = dicom.save_all(dicom.slices(volume, date(2020, 2, 17)), tmp_path)
    found = [read_instance(path).planes[0] for path in paths]
    return sorted(found, key=lambda plane: plane.repeat)


def moved(plane: Plane, x: float = 0.0, z: float = 0.0) -> Plane:
    a, b, c = plane.position_mm
    return replace(plane, position_mm=(a + x, b, c + z))


def test_spacing_comes_from_positions_and_never_from_the_slice_thickness(tmp_path: Path) -> None:
    grid = geometry.grid_of(planes(tmp_path)[::-1])
    assert np.linalg.norm(grid.affine[:3, 2]) == pytest.approx(3.3)
    assert geometry.thickness_remarks(grid, 4.0) == ("slices of 4 mm overlap: they lie 3.30 mm apart",)
    assert geometry.thickness_remarks(grid, 3.0) == ("gaps of 0.30 mm between slices of 3 mm",)
    assert geometry.thickness_remarks(grid, 3.3) == ()


def test_missing_slices_are_counted_and_named(tmp_path: Path) -> None:
    found = planes(tmp_path, 8)
    with pytest.raises(InputError, match=r"3\.30 mm apart, found 2 missing \(after slice 2, 4\)"):
        geometry.grid_of([found[n] for n in (0, 1, 3, 4, 6, 7)])


def test_uneven_tilted_and_bent_stacks_are_refused(tmp_path: Path) -> None:
    found = planes(tmp_path)
    with pytest.raises(InputError, match="expected even distances"):
        geometry.grid_of([*found[:3], *(moved(plane, z=1.3) for plane in found[3:])])
    with pytest.raises(InputError, match=r"tilt or shear of 5\.2 degrees"):
        geometry.grid_of([moved(plane, x=0.3 * number) for number, plane in enumerate(found)])
    with pytest.raises(InputError, match="one straight line"):
        geometry.grid_of([moved(plane, x=0.5 * (number == 2)) for number, plane in enumerate(found)])
    with pytest.raises(InputError, match="found one"):
        geometry.grid_of(found[:1])


def test_just_tolerable_unevenness_is_tolerated(tmp_path: Path) -> None:
    found = planes(tmp_path)
    grid = geometry.grid_of([*found[:3], *(moved(plane, z=0.04) for plane in found[3:])])
    assert grid.shape == (4, 3, 6)


def test_planes_at_the_same_place_are_parted_in_the_order_they_were_made(tmp_path: Path) -> None:
    first = planes(tmp_path)
    second = [replace(plane, repeat=(0, 2, plane.repeat[2])) for plane in first]
    piles = geometry.split_repeats([*second, *first])
    assert [sorted(pile, key=lambda plane: plane.repeat) for pile in piles] == [first, second]


@pytest.mark.parametrize(
    ("aspect", "is_right"), [(None, True), ([1, 1], True), ([7, 8], True), ([8, 7], False), ([2, 1], False)]
)
def test_pixels_of_another_shape_than_the_spacing_says_are_refused(
    tmp_path: Path, aspect: list[int] | None, is_right: bool
) -> None:
    """Either may be wrong, and the volume with it."""
    volume = Volume(np.zeros((4, 3, 2), np.int16), np.diag([0.8, 0.7, 3.3, 1.0]))
    (first, *_) = dicom.slices(volume, date(2020, 2, 17))
    assert list(first.PixelSpacing) == [0.7, 0.8], "down a column, then along a row"
    if aspect is not None:
        first.PixelAspectRatio = aspect
    (path,) = dicom.save_all([first], tmp_path)
    if is_right:
        assert read_instance(path).planes
    else:
        with pytest.raises(InputError, match="PixelAspectRatio"):
            read_instance(path)
