"""Put a person into a scanner: protocol, field of view and voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import Volume, to_world
from pipeline.selftest.scanner_day import Array, Pose, sample_points
from sample_data.anatomy import Person, locate
from sample_data.lesions import ORDER, Scene, fractions
from sample_data.phantom import USUAL, Look, signals
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
    "gre": Protocol("LAS", (0.7, 0.7, 2.5), (56.0, 60.0, 80.0), (2, 2, 4), 2.0, "axial"),
    "epi": Protocol("LAS", (1.4, 1.4, 3.0), (70.0, 70.0, 90.0), (3, 3, 4), 0.7, "axial"),
}


@dataclass(frozen=True)
class Machine:
    """A made-up scanner as its sidecars name it."""

    model: str
    field_tesla: float
    serial: str
    software: str


MACHINES = {
    "A": Machine("made-up scanner A", 1.5, "MADE-UP-A", "made-up 1"),
    "B": Machine("made-up scanner B", 3, "MADE-UP-B", "made-up 1"),
    "C": Machine("made-up scanner C", 3, "MADE-UP-C", "made-up 2"),
}
"""Only words beside the images: no voxel depends on them."""


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
    look: Look = USUAL,
) -> Array:
    """Return the mean signal of each voxel in each channel of a look, shape ``(C, I, J, K)``."""
    total = np.zeros((len(look.channels), *grid.shape), dtype=np.float32)
    for x, y, z in sample_points(pose, grid, samples):
        total += signals(person, scene, locate(person, x, y, z), look)
    return total / np.float32(np.prod(samples))


def acquire_shares(
    person: Person, scene: Scene, pose: Pose, grid: Volume, samples: tuple[int, int, int]
) -> dict[str, Array]:
    """Return the share of each compartment in each voxel, arrays ``(I, J, K)`` between 0 and 1."""
    total = {name: np.zeros(grid.shape, dtype=np.float32) for name in ORDER}
    for x, y, z in sample_points(pose, grid, samples):
        u = y - curve_mm(person.spine.region, z)
        near = (np.abs(x) < REACH_MM) & (np.abs(u) < REACH_MM)
        for name, share in fractions(scene, x[near], u[near], z[near]).items():
            total[name][near] += share
    return {name: array / np.float32(np.prod(samples)) for name, array in total.items()}


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
