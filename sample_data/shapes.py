"""Soft shapes: signed distances in mm, their smooth joins, memberships between 0 and 1, and repeating texture.

Everything here works on broadcastable ``float32`` arrays and uses only + − × ÷ and square roots in its hot paths,
whose results IEEE 754 fixes, so that the generator returns the same bytes on another processor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating]

TEXTURE_CELLS = 96
TEXTURE_CELL_MM = 0.8


def soft(distance_mm: Array, edge_mm: float = 0.4) -> Array:
    """Turn a signed distance (negative inside) into a membership that falls from 1 to 0 across ``edge_mm``."""
    return np.clip(np.float32(0.5) - distance_mm / np.float32(edge_mm), 0, 1)


def ellipse(x: Array, y: Array, half_x_mm: Array | float, half_y_mm: Array | float) -> Array:
    """Return the first-order signed distance to an ellipse around the origin, mm."""
    a, b = np.float32(1) / np.float32(half_x_mm), np.float32(1) / np.float32(half_y_mm)
    qx, qy = x * a, y * b
    radius = np.sqrt(qx * qx + qy * qy) + np.float32(1e-3)
    slope = np.sqrt((qx * a) ** 2 + (qy * b) ** 2) + np.float32(1e-4)
    return (radius - 1) * radius / slope


def segment(x: Array, y: Array, start: tuple[float, float], end: tuple[float, float]) -> tuple[Array, Array]:
    """Return the distance (mm) to a line segment in a plane, and the position along it from 0 to 1."""
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2), along


def join(a: Array, b: Array, blend_mm: float) -> Array:
    """Return the union of two distances, rounded over ``blend_mm`` where they meet."""
    overlap = np.clip(np.float32(0.5) + (b - a) * np.float32(0.5 / blend_mm), 0, 1)
    return b + (a - b) * overlap - np.float32(blend_mm) * overlap * (1 - overlap)


def meet(a: Array, b: Array, blend_mm: float) -> Array:
    """Return the intersection of two distances, its edge rounded over ``blend_mm``."""
    return -join(-a, -b, blend_mm)


def texture_lattice(seed: int, smooth_cells: tuple[float, float, float]) -> Array:
    """Return a periodic random field with mean 0 and standard deviation 1.

    Parameters
    ----------
    seed
        Of the random numbers.
    smooth_cells
        Gaussian width along x, y, z in cells of :data:`TEXTURE_CELL_MM`; unequal widths give streaks.

    Returns
    -------
    ndarray
        Shape ``(96, 96, 96)``.
    """
    field = np.random.default_rng([seed, 77]).standard_normal((TEXTURE_CELLS,) * 3)
    field = ndimage.gaussian_filter(field, smooth_cells, mode="wrap")
    return ((field - field.mean()) / field.std()).astype(np.float32)


def texture(lattice: Array, x: Array, y: Array, z: Array, step_mm: float = TEXTURE_CELL_MM) -> Array:
    """Look a lattice up at points (mm); nearest cell, because the scan averages over many points anyway."""
    cells = [np.floor(axis * np.float32(1 / step_mm)).astype(np.int32) % TEXTURE_CELLS for axis in (x, y, z)]
    return lattice[tuple(np.broadcast_arrays(*cells))]
