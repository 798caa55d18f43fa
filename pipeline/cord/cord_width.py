"""How wide the cord is at a point of its line: where, going outwards, signal has changed half the way to the fluid.

Rough by design: it gives a region its width. Cross-sections for a report are measured on masks that somebody signed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel

FURTHEST_MM, STEP_OUT_MM = 10.0, 0.5
"""How far, and in which steps, the edge is looked for, mm."""

CORE_MM = 2.0
"""Within this distance of the middle everything is cord, mm."""

DIRECTIONS = 16
SMOOTHED_POINTS = 5.0
"""Deviation of the smoothing along the line, points of 1 mm."""

LEAST_CONTRAST_RATIO = 0.15
"""A change smaller than this share of the ring's spread over all points is no edge."""

LEAST_SEEN = 6
"""Directions of :data:`DIRECTIONS` in which an edge must be seen to give a radius."""


def radii_along(scan: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the radius at each point, shape ``(N,)``, mm; NaN where no edge is seen.

    Parameters
    ----------
    scan
        Any plane and spacing.
    points_mm
        Shape ``(N, 3)``; RAS+ mm, the centre line.
    """
    out_mm = np.arange(0.0, FURTHEST_MM + 1e-9, STEP_OUT_MM)
    turns = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    rays = np.stack([np.cos(turns), np.sin(turns), np.zeros(DIRECTIONS)], axis=-1)
    places = points_mm[:, None, None, :] + rays[None, :, None, :] * out_mm[None, None, :, None]
    indices = to_voxel(scan.affine, places.reshape(-1, 3)).T
    values = ndimage.map_coordinates(scan.array.astype(np.float32), indices, order=1, mode="nearest")
    profile = ndimage.gaussian_filter1d(values.reshape(places.shape[:3]), SMOOTHED_POINTS / 2, axis=0)
    core = profile[..., out_mm <= CORE_MM].mean(axis=(1, 2))
    change = profile - core[:, None, None]
    sign = np.sign(np.median(np.take_along_axis(change, np.abs(change).argmax(axis=2)[..., None], axis=2)[..., 0]))
    change = change * (sign if sign != 0 else 1.0)
    most = change.max(axis=2)
    half = change >= 0.5 * most[..., None]
    edge_mm = out_mm[half.argmax(axis=2)]
    is_seen = most > LEAST_CONTRAST_RATIO * max(float(np.ptp(profile)), 1e-12)
    squares = np.where(is_seen, edge_mm**2, np.nan)
    seen = is_seen.sum(axis=1)
    radius_mm = np.sqrt(np.nansum(squares, axis=1) / np.maximum(seen, 1))
    counted = (seen >= LEAST_SEEN).astype(np.float64)
    weight = ndimage.gaussian_filter1d(counted, SMOOTHED_POINTS)
    smooth_mm = ndimage.gaussian_filter1d(radius_mm * counted, SMOOTHED_POINTS) / np.maximum(weight, 1e-9)
    return np.where(counted > 0, smooth_mm, np.nan)
