"""Grids in many orientations, for laws that must hold in each."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from pipeline.core.volume import Volume

AXIS_ORDERS = list(permutations(range(3)))
CODES = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
"""World axis and sign that each letter stands for."""


def rotation(angles: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, then y, then z, by degrees."""
    turned = np.eye(3)
    for axis, angle in enumerate(np.radians(angles)):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        one = np.eye(3)
        one[i, i] = one[j, j] = np.cos(angle)
        one[j, i], one[i, j] = np.sin(angle), -np.sin(angle)
        turned = one @ turned
    return turned


def oblique(angles: tuple[float, float, float], spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """Affine of a rotated grid with its first voxel off the origin."""
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) * np.array(spacing_mm)
    affine[:3, 3] = (-12.5, 30.25, 7.0)
    return affine


def with_spacing(codes: str, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """Affine whose array axes point the way that three letters say."""
    affine = oblique((0, 0, 0), (1, 1, 1))
    affine[:3, :3] = 0
    for axis, (code, spacing) in enumerate(zip(codes, spacing_mm, strict=True)):
        world, sign = CODES[code]
        affine[world, axis] = sign * spacing
    return affine


SPACING_MM = (0.7, 0.8, 3.3)
ORIENTATIONS = {code: with_spacing(code, SPACING_MM) for code in ("RAS", "LAS", "LPS", "PIR")} | {
    "oblique": oblique((17, -8, 33), SPACING_MM),
    "left-handed": oblique((-5, 12, 4), SPACING_MM) @ np.diag([-1.0, 1, 1, 1]),
}
oriented = pytest.mark.parametrize("affine", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())


def reoriented(volume: Volume, order: tuple[int, ...]) -> Volume:
    """Store the same image with its axes in another order and the first of them backwards."""
    moved = volume.array.transpose(order)[::-1]
    turn = np.zeros((4, 4))
    for new, old in enumerate(order):
        turn[old, new] = 1.0
    turn[3, 3] = 1.0
    turn[order[0], 0], turn[order[0], 3] = -1.0, volume.shape[order[0]] - 1
    return Volume(moved, volume.affine @ turn)
