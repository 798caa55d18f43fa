"""What a day in the scanner adds to a person: pose and bend of the spine, coil shading, noise and whole numbers.

Shared by the two generators of synthetic scans: the phantoms of the sample study and implants in a real scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a person lies in the scanner on one day, and how the spine bends.

    A point ``p`` of the person's own space lies in the world at ``rotation @ (p + bend(z)) + shift_mm``; the bend
    moves whole slices sideways, so it keeps every volume.

    Attributes
    ----------
    rotation
        Shape ``(3, 3)``.
    shift_mm
        Shape ``(3,)``, RAS+.
    bend_mm
        Shape ``(2, 2)``; rows x and y; quadratic and cubic displacement at 50 mm from the middle.
    """

    rotation: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    bend_mm: NDArray[np.float64]


def draw_pose(rng: np.random.Generator, amount: float = 1.0) -> Pose:
    """Draw a day's pose: up to 5 degrees, 10 mm along the spine, and a bend of up to 3 mm at 50 mm, times an amount."""
    angles = np.radians(rng.uniform(-1, 1, 3) * np.array([5.0, 3.0, 4.0])) * amount
    shift_mm = rng.uniform(-1, 1, 3) * np.array([4.0, 5.0, 10.0]) * amount
    bend_mm = rng.uniform(-1, 1, (2, 2)) * np.array([[1.2, 0.8], [3.0, 1.5]]) * amount
    return Pose(_rotation(angles), shift_mm, bend_mm)


def expose(signal: Array, noise: float, gain: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Add coil shading and Rician noise to a signal and round it to the scanner's whole numbers."""
    shaded = signal.astype(np.float64) * _shading(signal.shape, rng)
    real = shaded + noise * rng.standard_normal(signal.shape)
    imaginary = noise * rng.standard_normal(signal.shape)
    return np.round(gain * np.sqrt(real**2 + imaginary**2)).astype(np.int16)


def sample_points(pose: Pose, grid: Volume, samples: tuple[int, int, int]) -> Iterator[tuple[Array, Array, Array]]:
    """Yield, for each place within a voxel, the person's own coordinates x, y, z of all voxels' points there.

    Parameters
    ----------
    samples
        Places along each array axis; they share the voxel evenly.
    """
    steps = pose.rotation.T @ grid.affine[:3, :3]
    origin = pose.rotation.T @ (grid.affine[:3, 3] - pose.shift_mm)
    for offset in np.ndindex(*samples):
        within = (np.array(offset) + 0.5) / np.array(samples) - 0.5
        lines = [np.arange(n) + part for n, part in zip(grid.shape, within, strict=True)]
        axes = [
            (
                origin[axis]
                + (lines[0] * steps[axis, 0])[:, None, None]
                + (lines[1] * steps[axis, 1])[None, :, None]
                + (lines[2] * steps[axis, 2])[None, None, :]
            ).astype(np.float32)
            for axis in range(3)
        ]
        h = axes[2] * np.float32(1 / 50)
        bend = pose.bend_mm.astype(np.float32)
        x = axes[0] - (bend[0, 0] * h * h + bend[0, 1] * h * h * h)
        y = axes[1] - (bend[1, 0] * h * h + bend[1, 1] * h * h * h)
        yield x, y, axes[2]


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    cx, cy, cz = np.cos(angles)
    sx, sy, sz = np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _shading(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    lines = [np.linspace(-1, 1, n) for n in shape]
    i, j, k = np.meshgrid(*lines, indexing="ij", sparse=True)
    w = rng.uniform(-1, 1, 7)
    field = 0.10 * (w[0] * i + w[1] * j + w[2] * k) + 0.08 * (w[3] * i * j + w[4] * j * k)
    field = field - 0.12 * (k * k + j * j) / 2 + 0.05 * (w[5] * i * i + w[6] * k * i)
    return 1 + field
