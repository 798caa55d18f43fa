"""The spine around the cord: vertebrae that differ from each other, discs, canal, ligaments, muscle and fat.

Coordinates: ``x`` right, ``u`` anterior of the cord's middle line, ``s`` along the spine, all mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.shapes import Array


@dataclass(frozen=True)
class Region:
    """Mean sizes of one part of the spine, all in mm; halves are half-axes."""

    body_height: float
    disc_height: float
    body_half_width: float
    body_half_depth: float
    canal: tuple[float, float]
    sac: tuple[float, float]
    cord: tuple[float, float]
    spinous_length: float
    spinous_drop: float
    spinous_radius: float
    skin: float
    curve: tuple[float, float]
    conus_z: float | None = None


REGIONS = {
    "cervical": Region(
        body_height=13.5,
        disc_height=5.0,
        body_half_width=10.5,
        body_half_depth=8.2,
        canal=(11.5, 8.0),
        sac=(9.8, 6.7),
        cord=(6.4, 3.9),
        spinous_length=24.0,
        spinous_drop=0.45,
        spinous_radius=3.3,
        skin=-50.0,
        curve=(-5.0, 1.5),
    ),
    "thoracic": Region(
        body_height=18.5,
        disc_height=4.5,
        body_half_width=14.0,
        body_half_depth=12.5,
        canal=(10.0, 8.8),
        sac=(8.4, 7.2),
        cord=(4.7, 3.8),
        spinous_length=32.0,
        spinous_drop=0.85,
        spinous_radius=3.4,
        skin=-52.0,
        curve=(5.0, -1.0),
    ),
    "thoracolumbar": Region(
        body_height=22.5,
        disc_height=7.0,
        body_half_width=17.0,
        body_half_depth=14.5,
        canal=(11.5, 9.3),
        sac=(9.6, 7.9),
        cord=(5.0, 4.2),
        spinous_length=29.0,
        spinous_drop=0.3,
        spinous_radius=5.6,
        skin=-55.0,
        curve=(-1.5, 2.0),
        conus_z=-30.0,
    ),
}
"""Rounded from what the eye sees on ordinary scans; a phantom needs no reference values."""


@dataclass(frozen=True, eq=False)
class Spine:
    """One person's spine: a region and what makes each vertebra different.

    Attributes
    ----------
    region
        Mean sizes.
    centre_mm, height_mm, disc_mm
        Shape ``(L,)``; middle and height of each body and the thickness of the disc below it, along ``s``.
    depth, width, marrow, disc_signal
        Shape ``(L,)``; factors on the region's size or the tissue's signal.
    offset_mm, tilt, spinous, drop
        Shape ``(L,)``; forward shift (mm), endplate slope, factors on length and drop of the spinous process.
    boundary_mm
        Shape ``(L - 1,)``; middle of each disc, ascending.
    """

    region: Region
    centre_mm: Array
    height_mm: Array
    disc_mm: Array
    depth: Array
    width: Array
    marrow: Array
    disc_signal: Array
    offset_mm: Array
    tilt: Array
    spinous: Array
    drop: Array
    boundary_mm: Array


def make_spine(region_name: str, seed: int) -> Spine:
    """Draw a person's vertebrae for 120 mm above and below the origin."""
    region = REGIONS[region_name]
    rng = np.random.default_rng([seed, 11])
    count = int(260 / (region.body_height + region.disc_height)) + 1

    def vary(spread: float, middle: float = 1.0) -> Array:
        return (middle + spread * rng.uniform(-1, 1, count)).astype(np.float32)

    height = region.body_height * vary(0.07)
    disc = region.disc_height * vary(0.22)
    base = np.cumsum(height + disc) - (height + disc) - 130 + rng.uniform(-10, 10)
    return Spine(
        region=region,
        centre_mm=(base + disc + height / 2).astype(np.float32),
        height_mm=height,
        disc_mm=disc,
        depth=vary(0.05),
        width=vary(0.05),
        marrow=vary(0.13),
        disc_signal=vary(0.35, 0.95),
        offset_mm=vary(0.5, 0.0),
        tilt=vary(0.05, 0.0),
        spinous=vary(0.12),
        drop=vary(0.15),
        boundary_mm=(base + disc / 2)[1:].astype(np.float32),
    )


def level_of(spine: Spine, s: Array) -> np.ndarray:
    """Return the index of the vertebra (with half a disc on either side) at each position along the spine."""
    step_mm = 0.05
    table = np.searchsorted(spine.boundary_mm, np.arange(-140, 140, step_mm))
    cells = np.clip((s + np.float32(140)) * np.float32(1 / step_mm), 0, len(table) - 1)
    return table[cells.astype(np.int32)].astype(np.int32)


def curve_mm(region: Region, z: Array) -> Array:
    """Return how far anterior the cord's middle line lies at height ``z``, mm."""
    bow, twist = region.curve
    h = z * np.float32(1 / 50)
    return np.float32(bow) * h * h + np.float32(twist) * h * h * h


def curve_slope(region: Region, z: Array) -> Array:
    """Return the derivative of :func:`curve_mm`, mm per mm."""
    bow, twist = region.curve
    h = z * np.float32(1 / 50)
    return (np.float32(2 * bow) * h + np.float32(3 * twist) * h * h) * np.float32(1 / 50)
