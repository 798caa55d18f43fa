"""What the signal along rays from the first click says: lesion, cord or fluid, and where the first rim ends it.

The lesion's own signal is that around the click, the cord's that above and below, the fluid's that around the cord;
each scan is compared with itself only. Between fluid and a lesion inside the cord lies a rim of cord, often thinner
than a voxel: the outline ends :data:`RIM_MM` before the signal has changed half the way to the fluid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel
from pipeline.draft.cord_coordinates import CordCoordinates
from pipeline.draft.star_shape import DIRECTIONS, ELONGATION, RADII_MM, RADIUS_STEP_MM

BLUR_MM = 0.6
"""Deviation of the blur against noise, mm."""

SEED_MM = 2.0
"""The lesion's signal is that within this distance of the click, mm."""

CORD_MM, CORD_FROM_MM, CORD_TO_MM = 2.5, 18.0, 45.0
"""The cord's signal is that within this distance of its middle, this far above and below the click, mm."""

RING_MM, RING_ALONG_MM = (4.5, 8.0), 8.0
"""The fluid is looked for this far from the middle and within this distance along the cord, mm."""

FLUID_PERCENTILE, CORD_PERCENTILE = 85, 45
WALL_MM = 8.0
"""Nothing further from the middle of the cord is lesion, mm."""

BETWEEN = 0.7
"""Signal this share of the way from lesion to cord stands for oedema; the edge lies half the way to it."""

LEAST_FLUID = 1.5
"""Fluid tells itself from the lesion when it is brighter by this many deviations."""

RIM_MM, RIM_ALONG_MM = 1.1, 0.45
MOST = 2.0
"""No voxel says more than this, log-likelihood."""

RIM_PATH = 1.5
"""So much evidence against the lesion along a ray (log-likelihood times mm) ends it; what comes after is not lesion."""

VOXEL_MM3 = 2.0
"""Volume over which noise is alike, mm³."""

NEIGHBOURS = np.exp((DIRECTIONS @ DIRECTIONS.T - 1) / 0.3**2)
NEIGHBOURS /= NEIGHBOURS.sum(axis=1, keepdims=True)

PLACES = (DIRECTIONS[:, None, :] * RADII_MM[None, :, None] * np.array([1.0, 1.0, ELONGATION])).reshape(-1, 3)
"""Where the rays are sampled, from their middle, in coordinates of the cord."""

RAY_MM3 = RADII_MM**2 * ELONGATION * 4 * np.pi / len(DIRECTIONS) * RADIUS_STEP_MM
"""Volume that a sample stands for, mm³."""


@dataclass(frozen=True, eq=False)
class RaySignal:
    """One scan along the rays.

    Attributes
    ----------
    values
        Shape ``(RAYS, len(RADII_MM))``; intensities.
    is_scanned, beyond_wall
        Same shape; whether the scan reaches there, and whether it is too far from the cord.
    lesion, spread, cord, fluid
        Intensities; ``spread`` is the deviation within one tissue.
    """

    values: NDArray[np.float64]
    is_scanned: NDArray[np.bool_]
    beyond_wall: NDArray[np.bool_]
    lesion: float
    spread: float
    cord: float
    fluid: float


def ray_signal(scan: Volume, cord: CordCoordinates, centre: NDArray, click: NDArray) -> RaySignal:
    """Sample a scan along the rays and say what lesion, cord and fluid look like in it.

    Parameters
    ----------
    scan
        Any plane and spacing; only the part that is looked at is blurred.
    centre, click
        Shape ``(3,)``; of the rays, and of the first click, in coordinates of the cord.
    """
    places = PLACES + centre
    beside = _cord_places(cord, centre)
    piece = _piece(scan, cord.to_world(np.concatenate([places, beside])))
    voxels = to_voxel(piece.affine, cord.to_world(places))
    shape = (len(DIRECTIONS), len(RADII_MM))
    values = ndimage.map_coordinates(piece.array, voxels.T, order=1, mode="nearest").reshape(shape)
    last = np.array(piece.shape) - 1
    is_scanned: NDArray[np.bool_] = ((voxels > -0.6) & (voxels < last + 0.6)).all(axis=1).reshape(shape)
    lateral_mm = np.linalg.norm(places[:, :2], axis=1).reshape(shape)
    along_mm = np.abs(places[:, 2] - centre[2]).reshape(shape)
    seed = values[np.linalg.norm(places - click, axis=1).reshape(shape) < SEED_MM]
    lesion = float(np.median(seed))
    spread = max(_deviation(seed), 0.03 * abs(lesion), 1e-9)
    at = to_voxel(piece.affine, cord.to_world(beside))
    at = at[((at > -0.5) & (at < last + 0.5)).all(axis=1)]
    beside_signal = ndimage.map_coordinates(piece.array, at.T, order=0, mode="nearest")
    if beside_signal.size < 30:
        beside_signal = values[lateral_mm < CORD_MM]
    ring = (lateral_mm > RING_MM[0]) & (lateral_mm < RING_MM[1]) & (along_mm < RING_ALONG_MM) & is_scanned
    return RaySignal(
        values=values,
        is_scanned=is_scanned,
        beyond_wall=lateral_mm > WALL_MM,
        lesion=lesion,
        spread=float(np.clip(_deviation(beside_signal), 0.8 * spread, 2.0 * spread)),
        cord=float(np.percentile(beside_signal, CORD_PERCENTILE)),
        fluid=float(np.percentile(values[ring], FLUID_PERCENTILE)) if ring.any() else lesion,
    )


def evidence(signal: RaySignal, between: float = BETWEEN) -> NDArray[np.float64]:
    """Return what each sample of the rays says for the lesion, log-likelihood per sample, its volume counted.

    Parameters
    ----------
    between
        How far on the way from lesion to cord the signal lies that ends the lesion; 1 is cord itself.
    """
    toward = 1.0 if signal.lesion >= signal.cord else -1.0
    step = max(between * abs(signal.lesion - signal.cord), signal.spread)
    other = signal.lesion - toward * step
    says = 0.5 * (
        ((signal.values - other) / signal.spread) ** 2 - ((signal.values - signal.lesion) / signal.spread) ** 2
    )
    says = np.clip(says, -MOST, MOST)
    if signal.fluid - signal.lesion > LEAST_FLUID * signal.spread:
        fluid = _before_fluid(signal)
        says = np.minimum(says, np.where(fluid < 0, fluid, MOST))
    says = np.where(signal.beyond_wall, -MOST, says)
    says = np.where(signal.is_scanned, says, -0.2)
    longer = 1 + (ELONGATION - 1) * np.abs(DIRECTIONS[:, 2:3])
    path = np.cumsum(says * RADIUS_STEP_MM * longer * (RADII_MM > 1), axis=1)
    is_over = np.maximum.accumulate(np.maximum.accumulate(path, axis=1) - path > RIM_PATH, axis=1)
    return np.where(is_over, -np.abs(says) - 0.3, says) * RAY_MM3 / VOXEL_MM3


def refitted(signal: RaySignal, radii_mm: NDArray) -> RaySignal:
    """Return the signal with the lesion's own taken from all inside a surface, near that around the click."""
    reach = np.maximum(radii_mm[:, None] - RADIUS_STEP_MM, 1.0)
    weight = np.where((reach > RADII_MM) & signal.is_scanned, RAY_MM3, 0.0)
    order = np.argsort(signal.values, axis=None)
    share = np.cumsum(weight.ravel()[order]) / max(float(weight.sum()), 1e-9)
    low, middle, high = signal.values.ravel()[order][np.searchsorted(share, (0.16, 0.5, 0.84)).clip(0, order.size - 1)]
    near = 0.5 * signal.spread
    return RaySignal(
        signal.values,
        signal.is_scanned,
        signal.beyond_wall,
        float(np.clip(middle, signal.lesion - near, signal.lesion + near)),
        float(np.clip((high - low) / 2, 0.8 * signal.spread, 1.2 * signal.spread)),
        signal.cord,
        signal.fluid,
    )


def _before_fluid(signal: RaySignal) -> NDArray[np.float64]:
    """Return evidence against fluid, looked up as much further out as the rim of cord is thick."""
    brightest = NEIGHBOURS @ np.where(RING_MM[1] + 0.5 > RADII_MM, signal.values, -np.inf).max(axis=1)
    least = signal.lesion + signal.spread
    brightest = np.clip(brightest, least, max(signal.fluid, least + 0.1 * signal.spread))
    edge = (signal.lesion + brightest) / 2
    says = np.clip((edge[:, None] - signal.values) * 2 / signal.spread, -MOST, MOST)
    rim_mm = RIM_MM * np.hypot(DIRECTIONS[:, 0], DIRECTIONS[:, 1]) + RIM_ALONG_MM * np.abs(DIRECTIONS[:, 2])
    further = np.rint(rim_mm / RADIUS_STEP_MM).astype(int)[:, None] + np.arange(len(RADII_MM))
    return np.take_along_axis(says, np.minimum(further, len(RADII_MM) - 1), axis=1)


def _cord_places(cord: CordCoordinates, centre: NDArray) -> NDArray[np.float64]:
    """Return places in the middle of the cord above and below, in its coordinates."""
    along = np.arange(len(cord.line_mm), dtype=np.float64)
    away = np.abs(along - centre[2])
    along = along[(away > CORD_FROM_MM) & (away < CORD_TO_MM)]
    side = np.arange(-2.4, 2.5, 0.8)
    across = np.array([(x, y) for x in side for y in side if x * x + y * y < CORD_MM**2])
    return np.concatenate([np.repeat(across, len(along), axis=0), np.tile(along, len(across))[:, None]], axis=1)


def _piece(scan: Volume, points_mm: NDArray) -> Volume:
    """Cut out the part of a scan that holds some points, and blur it."""
    voxels = to_voxel(scan.affine, points_mm)
    margin = np.ceil(3 * BLUR_MM / scan.spacing_mm) + 1
    first = np.clip(np.floor(voxels.min(axis=0)) - margin, 0, np.array(scan.shape) - 1).astype(int)
    last = np.clip(np.ceil(voxels.max(axis=0)) + margin, first + 1, np.array(scan.shape)).astype(int)
    array = scan.array[tuple(slice(low, high) for low, high in zip(first, last, strict=True))]
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ first
    return Volume(ndimage.gaussian_filter(np.nan_to_num(array.astype(np.float64)), BLUR_MM / scan.spacing_mm), affine)


def _deviation(values: NDArray) -> float:
    """Return the deviation, untroubled by a few that are far off."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
