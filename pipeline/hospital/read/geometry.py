"""Where a pile of planes lies: sorted by position along their normal, spacing from positions, refused when no grid.

DICOM's positions are LPS mm; the affine that leaves this module is RAS+ mm like everything else (DICOM PS3.3
C.7.6.2.1.1 for the meaning of position and orientation). Slice thickness is never used as a distance between slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import ORTHOGONALITY_TOLERANCE
from pipeline.errors import InputError
from pipeline.files.images import LPS
from pipeline.files.nifti import EDGES_MM
from pipeline.hospital.read.instances import Plane

SAME_PLACE_MM = 0.01
"""Planes closer than this along the normal lie at the same place, mm."""

UNEVEN_MM = 0.05
"""Largest difference between distances of neighbouring slices, mm; scanners round positions to about 0.001."""

AXES_TOLERANCE = 1e-3
"""Largest difference between direction cosines of one pile of slices, as scanners write about six digits."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Planes in order along their normal with the grid they form.

    Attributes
    ----------
    planes
        One per slice, from the lowest position along the normal upwards.
    affine
        Shape ``(4, 4)``; voxel ``[column, row, slice]`` to RAS+ mm.
    remarks
        What is unusual and harmless, in words: overlap, gaps between slices, planes that were there twice.
    """

    planes: tuple[Plane, ...]
    affine: NDArray[np.float64]
    remarks: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows, slices."""
        first = self.planes[0].pixels
        return first.columns, first.rows, len(self.planes)


def normal_of(plane: Plane) -> NDArray[np.float64]:
    """Return the unit vector across a plane, LPS, shape ``(3,)``."""
    across = np.cross(plane.along_row, plane.along_column)
    length = float(np.linalg.norm(across))
    cosine = abs(float(np.dot(plane.along_row, plane.along_column)))
    if not 0.99 < length < 1.01 or cosine > ORTHOGONALITY_TOLERANCE:
        raise InputError("expected perpendicular rows and columns of unit direction, found others; export it again")
    return np.asarray(across / length, dtype=np.float64)


def heights_mm(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Return how far each plane lies along the normal of the first, mm, shape ``(N,)``."""
    return np.array([plane.position_mm for plane in planes]) @ normal_of(planes[0])


def split_repeats(planes: Sequence[Plane]) -> list[list[Plane]]:
    """Part planes into piles in which no place occurs twice: one per repetition, in the order they were made.

    Planes with equal SOP instance and frame must have been removed before. When some places occur more often than
    others, the fullest pile comes first only if it was made first: the caller judges each pile by its own gaps.
    """
    heights = heights_mm(planes)
    order = np.lexsort((np.arange(len(planes)), heights))
    piles: list[list[Plane]] = []
    place: list[Plane] = []
    previous = None
    for index in [*order.tolist(), None]:
        if index is not None and (previous is None or heights[index] - previous <= SAME_PLACE_MM):
            place.append(planes[index])
        else:
            for number, plane in enumerate(sorted(place, key=lambda p: p.repeat)):
                piles += [[]] if number == len(piles) else []
                piles[number].append(plane)
            place = [] if index is None else [planes[index]]
        previous = None if index is None else heights[index]
    return piles


def grid_of(planes: Sequence[Plane]) -> Grid:
    """Return the grid that planes of one orientation and size form.

    Parameters
    ----------
    planes
        At least two, no two at the same place.

    Raises
    ------
    InputError
        One slice only, slices missing, uneven distances, or slices that do not lie straight above each other.
    """
    if len(planes) < 2:
        raise InputError("expected several slices, found one; a volume cannot be measured on it")
    heights = heights_mm(planes)
    order = np.argsort(heights, kind="stable")
    ordered = tuple(planes[index] for index in order)
    steps_mm = np.diff(heights[order])
    spacing_mm = float(np.median(steps_mm))
    _refuse_gaps(steps_mm, spacing_mm)
    positions = np.array([plane.position_mm for plane in ordered])
    step = (positions[-1] - positions[0]) / (len(ordered) - 1)
    _refuse_tilt(step, normal_of(ordered[0]), positions)
    first = ordered[0]
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.along_row) * first.spacing_mm[1]
    affine[:3, 1] = np.array(first.along_column) * first.spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() < EDGES_MM[0] or lengths.max() > EDGES_MM[1]:
        edges = " x ".join(f"{length:.3g}" for length in lengths)
        raise InputError(f"expected voxel edges of {EDGES_MM[0]:g} to {EDGES_MM[1]:g} mm, found {edges}")
    return Grid(ordered, LPS @ affine + 0.0, ())


def thickness_remarks(grid: Grid, thickness_mm: float | None) -> tuple[str, ...]:
    """Say in words when slices overlap or leave gaps, by the slice thickness the header states."""
    spacing_mm = float(np.linalg.norm(grid.affine[:3, 2]))
    if thickness_mm is None or abs(thickness_mm - spacing_mm) <= UNEVEN_MM:
        return ()
    if thickness_mm > spacing_mm:
        return (f"slices of {thickness_mm:g} mm overlap: they lie {spacing_mm:.2f} mm apart",)
    return (f"gaps of {spacing_mm - thickness_mm:.2f} mm between slices of {thickness_mm:g} mm",)


def _refuse_gaps(steps_mm: NDArray[np.float64], spacing_mm: float) -> None:
    off = np.abs(steps_mm - spacing_mm)
    if off.max() <= max(UNEVEN_MM, 0.01 * spacing_mm):
        return
    counts = np.rint(steps_mm / spacing_mm).astype(int)
    missing = int((counts[counts > 1] - 1).sum())
    if missing and np.abs(steps_mm - counts * spacing_mm).max() <= max(UNEVEN_MM, 0.02 * spacing_mm):
        after = ", ".join(str(index + 1) for index in np.flatnonzero(counts > 1)[:5])
        raise InputError(
            f"expected slices {spacing_mm:.2f} mm apart, found {missing} missing (after slice {after}); send the "
            f"series again from the archive"
        )
    raise InputError(
        f"expected even distances between slices, found {steps_mm.min():.2f} to {steps_mm.max():.2f} mm; "
        f"several stacks may share this series: name them apart on the scanner or leave it out"
    )


def _refuse_tilt(step: NDArray[np.float64], normal: NDArray[np.float64], positions: NDArray[np.float64]) -> None:
    along = step / np.linalg.norm(step)
    sine = float(np.linalg.norm(along - normal * float(along @ normal)))
    if sine > ORTHOGONALITY_TOLERANCE:
        raise InputError(
            f"expected slices straight above each other, found them shifted sideways (gantry tilt or shear of "
            f"{np.degrees(np.arcsin(min(1.0, sine))):.1f} degrees); resample the series onto a straight grid first"
        )
    straight = positions[0] + np.arange(len(positions))[:, None] * step
    off_mm = float(np.linalg.norm(positions - straight, axis=1).max())
    if off_mm > max(UNEVEN_MM, 0.01 * float(np.linalg.norm(step))):
        raise InputError(f"expected slices on one straight line, found one {off_mm:.2f} mm beside it; export it again")
