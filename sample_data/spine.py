"""The spine around the cord: vertebrae that differ from each other, discs, canal, ligaments, muscle and fat.

Coordinates: ``x`` right, ``u`` anterior of the cord's middle line, ``s`` along the spine, all mm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data.shapes import Array

STEP_MM = 0.05


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
        canal=(10.8, 7.7),
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
        canal=(9.5, 8.4),
        sac=(8.4, 7.2),
        cord=(4.7, 3.8),
        spinous_length=31.0,
        spinous_drop=0.7,
        spinous_radius=3.4,
        skin=-52.0,
        curve=(5.0, -1.0),
    ),
    "thoracolumbar": Region(
        body_height=22.5,
        disc_height=7.0,
        body_half_width=17.0,
        body_half_depth=14.5,
        canal=(10.8, 9.2),
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
    """One person's spine: a region, and what changes along it.

    Attributes
    ----------
    region
        Mean sizes.
    along
        By name, shape ``(5600,)``: a value for every :data:`STEP_MM` from -140 to 140 mm. ``middle`` and ``half``
        (mm) are those of the vertebra there, ``disc_half`` (mm) and ``disc_signal`` those of the nearest disc,
        ``marrow``, ``spinous``, ``drop`` factors of the vertebra, ``*_above`` those of the one above it;
        ``width``, ``depth`` (factors), ``offset`` (mm) and ``tilt`` (slope) run smoothly from one to the next.
    """

    region: Region
    along: Mapping[str, Array]


def make_spine(region_name: str, seed: int) -> Spine:
    """Draw a person's vertebrae for 130 mm above and below the origin, no two alike."""
    region = REGIONS[region_name]
    rng = np.random.default_rng([seed, 11])
    count = int(280 / (region.body_height + region.disc_height)) + 2

    def vary(spread: float, middle: float = 1.0) -> Array:
        return middle + spread * rng.uniform(-1, 1, count)

    height, disc = region.body_height * vary(0.07), region.disc_height * vary(0.22)
    below = np.cumsum(height + disc) - (height + disc) - 140 + rng.uniform(-10, 10)
    middle = below + disc + height / 2
    here = np.arange(-140, 140, STEP_MM)
    level = np.searchsorted((below + disc / 2)[1:], here)
    above = np.minimum(level + 1, count - 1)
    nearest_disc = np.where(here > middle[level], above, level)
    spinous, drop = vary(0.12), vary(0.15)
    table = {
        "middle": middle[level],
        "half": height[level] / 2,
        "middle_above": middle[above],
        "disc_half": disc[nearest_disc] / 2,
        "disc_signal": vary(0.35, 0.95)[nearest_disc],
        "marrow": vary(0.13)[level],
        "spinous": spinous[level],
        "spinous_above": spinous[above],
        "drop": drop[level],
        "drop_above": drop[above],
        "width": np.interp(here, middle, vary(0.05)),
        "depth": np.interp(here, middle, vary(0.05)),
        "offset": np.interp(here, middle, vary(0.6, 0.0)),
        "tilt": np.interp(here, middle, vary(0.04, 0.0)),
    }
    return Spine(region, {name: values.astype(np.float32) for name, values in table.items()})


def cells_of(s: Array) -> NDArray[np.int32]:
    """Return where to look up each position along the spine (mm) in :attr:`Spine.along`."""
    return np.clip((s + np.float32(140)) * np.float32(1 / STEP_MM), 0, 280 / STEP_MM - 1).astype(np.int32)


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
