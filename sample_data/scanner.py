"""Put a person into a scanner: pose, bend, field of view, voxels, coil, noise and whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.grid import Volume, to_world
from sample_data.anatomy import Person, locate
from sample_data.lesions import ORDER, Scene, fractions
from sample_data.phantom import signals
from sample_data.shapes import Array
from sample_data.spine import curve_mm

REACH_MM = 11.0
"""No lesion reaches further than this from the middle line of the cord, mm."""

AXES = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


@dataclass(frozen=True)
class Protocol:
    """How a clinic scans.

    Attributes
    ----------
    axes
        Direction in which each array axis runs, such as ``ASR``.
    spacing_mm, extent_mm
        Per array axis.
    samples
        Points averaged per voxel along each array axis.
    noise
        Standard deviation of the noise in each channel, in signal units.
    plane
        Word for the scan's file of acquisition data.
    """

    axes: str
    spacing_mm: tuple[float, float, float]
    extent_mm: tuple[float, float, float]
    samples: tuple[int, int, int]
    noise: float
    plane: str


PROTOCOLS = {
    "iso08": Protocol("ASR", (0.8, 0.8, 0.8), (70.0, 84.0, 32.0), (2, 2, 2), 3.0, "3D"),
    "iso09": Protocol("ASR", (0.9, 0.9, 0.9), (76.0, 96.0, 34.0), (2, 2, 2), 2.7, "3D"),
    "iso10": Protocol("RAS", (1.0, 1.0, 1.0), (38.0, 80.0, 104.0), (2, 2, 2), 2.5, "3D"),
    "sag": Protocol("PSL", (0.7, 0.7, 3.3), (84.0, 110.0, 39.6), (2, 2, 6), 1.9, "sagittal"),
    "ax": Protocol("LAS", (0.6, 0.6, 4.4), (60.0, 70.0, 88.0), (2, 2, 7), 2.0, "axial"),
}


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


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draw a day's pose: up to 5 degrees, 10 mm along the spine, and a bend of up to 3 mm at 50 mm."""
    angles = np.radians(rng.uniform(-1, 1, 3) * np.array([5.0, 3.0, 4.0]))
    shift_mm = rng.uniform(-1, 1, 3) * np.array([4.0, 5.0, 10.0])
    bend_mm = rng.uniform(-1, 1, (2, 2)) * np.array([[1.2, 0.8], [3.0, 1.5]])
    return Pose(_rotation(angles), shift_mm, bend_mm)


def draw_grid(protocol: Protocol, pose: Pose, middle_z: float, rng: np.random.Generator) -> Volume:
    """Place a field of view around the lesion as a radiographer would: roughly, and never twice the same."""
    directions = np.array([AXES[letter] for letter in protocol.axes], dtype=np.float64).T
    extent_mm = np.array(protocol.extent_mm) * rng.uniform(0.95, 1.05, 3)
    spacing_mm = np.array(protocol.spacing_mm)
    shape = np.round(extent_mm / spacing_mm).astype(int)
    middle = np.array([0.0, -7.0 if protocol.plane != "axial" else -6.0, middle_z])
    middle = pose.rotation @ middle + pose.shift_mm + rng.uniform(-1, 1, 3) * np.array([1.5, 3.0, 5.0])
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing_mm
    affine[:3, 3] = np.round(middle - affine[:3, :3] @ ((shape - 1) / 2), 3)
    return Volume(np.zeros(tuple(shape), dtype=np.int16), affine)


def acquire(
    person: Person,
    scene: Scene,
    pose: Pose,
    grid: Volume,
    samples: tuple[int, int, int],
    opened_mm: tuple[float, float] | None,
) -> Array:
    """Return the mean T2w and T1w signal of each voxel, shape ``(2, I, J, K)``."""
    total = np.zeros((2, *grid.shape), dtype=np.float32)
    for x, y, z in _sample_points(pose, grid, samples):
        total += signals(person, scene, opened_mm, locate(person, x, y, z))
    return total / np.float32(np.prod(samples))


def acquire_shares(
    person: Person, scene: Scene, pose: Pose, grid: Volume, samples: tuple[int, int, int]
) -> dict[str, Array]:
    """Return the share of each compartment in each voxel, arrays ``(I, J, K)`` between 0 and 1."""
    total = {name: np.zeros(grid.shape, dtype=np.float32) for name in ORDER}
    for x, y, z in _sample_points(pose, grid, samples):
        u = y - curve_mm(person.spine.region, z)
        near = (np.abs(x) < REACH_MM) & (np.abs(u) < REACH_MM)
        for name, share in fractions(scene, x[near], u[near], z[near]).items():
            total[name][near] += share
    return {name: array / np.float32(np.prod(samples)) for name, array in total.items()}


def expose(signal: Array, noise: float, gain: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Add coil shading and Rician noise to a signal and round it to the scanner's whole numbers."""
    shaded = signal.astype(np.float64) * _shading(signal.shape, rng)
    real = shaded + noise * rng.standard_normal(signal.shape)
    imaginary = noise * rng.standard_normal(signal.shape)
    return np.round(gain * np.sqrt(real**2 + imaginary**2)).astype(np.int16)


def landmarks(pose: Pose, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points ``(N, 3)`` of the person's own space into the world of the visit, RAS+ mm."""
    h = points_mm[:, 2:] / 50
    bent = points_mm.copy()
    bent[:, :2] += h**2 * pose.bend_mm[:, 0] + h**3 * pose.bend_mm[:, 1]
    return bent @ pose.rotation.T + pose.shift_mm


def covered(grid: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which world points ``(N, 3)`` lie inside the field of view."""
    corners = to_world(grid.affine, np.array([[-0.5] * 3, np.array(grid.shape) - 0.5]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return np.all((points_mm >= low) & (points_mm <= high), axis=1)


def _sample_points(pose: Pose, grid: Volume, samples: tuple[int, int, int]) -> Iterator[tuple[Array, Array, Array]]:
    """Yield, for each place within a voxel, the person's own coordinates x, y, z of all voxels' points there."""
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
