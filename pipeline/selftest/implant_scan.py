"""Scans of a person with an implanted lesion, made from one real scan: signals, pose, slices, coil and noise.

Synthetic by construction: anatomy and signal are the scan's own, the lesion is drawn. The scan's own noise stays in
every visit as if it were texture of the tissue, and each visit gets as much again of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel, to_world, voxel_centres_mm
from pipeline.errors import InputError
from pipeline.selftest.implant import Array, Implant, ImplantLine, course_of
from pipeline.selftest.scanner_day import draw_pose, expose, sample_points

SEEN_MM = np.array([40.0, 90.0, 100.0])
"""Half of what is used of a scan around the implant (left-right, front-back, head-foot), mm."""

POSE_SHARE = 0.5
"""Poses and bends of the sample study times this, so that two visits differ by as much as one there does."""

MARGIN_MM = 16.0
"""Tissue further than this from the lesion's axis stays where it is, mm."""

FINE_MM = 0.5
"""Points at which shares of the lesion are averaged in a voxel lie no further apart than this, mm."""

TOP = 1000.0
"""Signal of the scan's bright tissue, to which scans are scaled so that whole numbers are fine enough."""

CURVE = 0.12
"""A visit's contrast curve is a power of up to e to this."""

INNER, RING = 0.7, (1.4, 2.0)
"""Cord and what surrounds it are read at these multiples of the cord's half-axes."""

NEAR_MM = 50.0
"""They are read this far above and below the implant, mm."""

LEAST_CONTRAST = 4.0
"""Cord and fluid must differ by this many standard deviations of the noise."""

TUMOUR, CYST = (0.40, 0.65), 0.92
"""Signal of tumour (drawn) and cyst, as the share of the way from cord to fluid."""

GRAIN = 0.18
"""Standard deviation of the tumour's texture, as a share of its contrast with the cord."""

WAVES_MM = (4.0, 14.0)
"""Wave lengths of that texture, mm."""


@dataclass(frozen=True, eq=False)
class Host:
    """One real scan in which lesions are implanted.

    Attributes
    ----------
    image
        The scan around the implant, scaled to :data:`TOP`; the array holds coefficients of cubic splines.
    course
        Its cord.
    z_mm
        Height around which lesions are implanted, RAS+ mm.
    cord, fluid, noise
        Signals of cord and fluid, and the standard deviation of the noise in the cord.
    """

    image: Volume
    course: ImplantLine
    z_mm: float
    cord: float
    fluid: float
    noise: float

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """Middle of the cord at the implant's height, RAS+ mm, shape ``(3,)``."""
        x, y = self.course.middle_at(np.array(self.z_mm))
        return np.array([float(x), float(y), self.z_mm])


@dataclass(frozen=True, eq=False)
class ImplantedVisit:
    """A synthetic visit: its scan, and the share (0..1) of tumour and cyst in each voxel."""

    scan: Volume
    tumour: Volume
    cyst: Volume


def host_of(image: Volume, cord: Volume, at_mm: float, lesion: Volume | None = None) -> Host:
    """Prepare a scan for implants.

    Parameters
    ----------
    image, cord
        The scan and a mask of its cord, on one grid.
    at_mm
        Height of the implants, mm above the middle of the cord mask.
    lesion
        Boolean; a lesion that is in the scan already, whose place is filled with signal of the cord.

    Raises
    ------
    InputError
        Cord and what surrounds it look the same.
    """
    course = course_of(cord)
    z_mm = float(np.mean(course.reach_mm)) + at_mm
    array = image.array.astype(np.float64) * (TOP / max(float(np.percentile(image.array, 99.5)), 1e-9))
    level, fluid, noise = _signals(image.with_array(array), course, z_mm, lesion)
    if abs(fluid - level) < LEAST_CONTRAST * noise:
        raise InputError(
            f"cord mask: expected cord that differs from the fluid around it, found signals of {level:.0f} and "
            f"{fluid:.0f} with noise of {noise:.0f}; is the mask that of this scan's cord?"
        )
    if lesion is not None:
        grain = np.random.default_rng(0).standard_normal(array.shape) * noise
        array = np.where(lesion.array, level + grain, array)
    x, y = course.middle_at(np.array(z_mm))
    seen = _around(image.with_array(array), np.array([float(x), float(y), z_mm]), SEEN_MM * 1.15)
    splines = ndimage.spline_filter(seen.array, order=3, mode="mirror")
    return Host(seen.with_array(splines.astype(np.float32)), course, z_mm, level, fluid, noise)


def grid_like(image: Volume, host: Host, slice_mm: float | None) -> Volume:
    """Return the grid of the synthetic visits: the scan's own around the implant, or with thicker sagittal slices.

    Parameters
    ----------
    slice_mm
        Thickness of the slices, stacked along the array axis nearest to left-right; None for the scan's own.
    """
    seen = _around(image, host.centre_mm, SEEN_MM)
    if slice_mm is None:
        return seen
    axis = int(np.argmax(np.abs(seen.affine[0, :3]) / seen.spacing_mm))
    ratio = slice_mm / seen.spacing_mm[axis]
    shape = list(seen.shape)
    shape[axis] = max(1, int(shape[axis] / ratio))
    affine = seen.affine.copy()
    affine[:3, axis] *= ratio
    affine[:3, 3] += (ratio - 1) / 2 * seen.affine[:3, axis]
    return Volume(np.zeros(shape, dtype=np.int16), affine)


def visit_of(host: Host, implant: Implant, tissue: int, grid: Volume, rng: np.random.Generator) -> ImplantedVisit:
    """Scan the person with a lesion on one day.

    Parameters
    ----------
    tissue
        Seed of the tumour's own signal and texture: the same number is the same tissue.
    grid
        Where the scanner's voxels lie in a person who does not move; the field of view follows the day's shift.
    rng
        Draws pose, bend, contrast curve, shading, gain and noise of the day.
    """
    pose = draw_pose(rng, POSE_SHARE)
    centre = host.centre_mm
    jitter = grid.affine[:3, :3] @ rng.uniform(-0.5, 0.5, 3)
    grid = Volume(grid.array, _shifted(grid.affine, pose.shift_mm + jitter))  # as a radiographer centres it
    moved = Volume(grid.array, _shifted(grid.affine, -centre))
    signal = np.zeros(grid.shape)
    steps = np.maximum(np.round(grid.spacing_mm / host.image.spacing_mm), 1).astype(int)
    for x, y, z in sample_points(pose, moved, (int(steps[0]), int(steps[1]), int(steps[2]))):
        signal += _tissue_at(host, implant, x + centre[0], y + centre[1], z + centre[2])
    signal /= np.prod(steps)
    tumour, cyst = np.zeros(grid.shape, dtype=np.float32), np.zeros(grid.shape, dtype=np.float32)
    crop = _lesion_crop(implant, moved, pose.rotation, pose.shift_mm, centre)
    near = Volume(tumour[crop], _shifted(moved.affine, moved.affine[:3, :3] @ [part.start for part in crop]))
    fine = np.ceil(grid.spacing_mm / FINE_MM).astype(int)
    grain = np.zeros(near.shape)
    for x, y, z in sample_points(pose, near, (int(fine[0]), int(fine[1]), int(fine[2]))):
        one, other = implant.shares(x + centre[0], y + centre[1], z + centre[2])
        tumour[crop] += one
        cyst[crop] += other
        grain += _texture(tissue, x, y, z)
    tumour /= np.prod(fine)
    cyst /= np.prod(fine)
    contrast = host.fluid - host.cord
    own_signal = np.random.default_rng([tissue, 1]).uniform(*TUMOUR)
    solid = np.full(grid.shape, host.cord + own_signal * contrast)
    solid[crop] += own_signal * contrast * GRAIN * grain / np.prod(fine)
    mixed = (1 - tumour - cyst) * signal + tumour * solid + cyst * (host.cord + CYST * contrast)
    curved = TOP * (np.maximum(mixed, 0) / TOP) ** np.exp(rng.uniform(-CURVE, CURVE))
    scan = expose(curved, host.noise, float(rng.uniform(0.8, 1.25)), rng)
    return ImplantedVisit(grid.with_array(scan), grid.with_array(tumour), grid.with_array(cyst))


def _tissue_at(host: Host, implant: Implant, x: Array, y: Array, z: Array) -> Array:
    """Return the signal at points of the person, where tissue has given way to the lesion but is all there is."""
    shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
    place = np.stack([np.broadcast_to(axis, shape) for axis in (x, y, z)], axis=-1).astype(np.float64)
    right, front = host.course.middle_at(place[..., 2])
    low, high = lesion_reach(implant)
    near = (np.hypot(place[..., 0] - right, place[..., 1] - front) < MARGIN_MM) & (place[..., 2] > low)
    near &= place[..., 2] < high
    some = place[near]
    place[near, 0], place[near, 1] = implant.came_from(some[:, 0], some[:, 1], some[:, 2])
    index = to_voxel(host.image.affine, place)
    return np.asarray(
        ndimage.map_coordinates(host.image.array, np.moveaxis(index, -1, 0), order=3, mode="mirror", prefilter=False)
    )


def lesion_reach(implant: Implant) -> tuple[float, float]:
    """Return the heights of the lowest and highest pole of an implant, RAS+ mm."""
    parts = [part.poles_mm for part in (implant.tumour, implant.cyst) if part is not None]
    return min(low for low, _ in parts), max(high for _, high in parts)


def _lesion_crop(
    implant: Implant,
    grid: Volume,
    rotation: NDArray[np.float64],
    shift_mm: NDArray[np.float64],
    centre_mm: NDArray[np.float64],
) -> tuple[slice, slice, slice]:
    """Return the part of a grid that can show the lesion, with room for its width and the bend."""
    heights = np.linspace(*lesion_reach(implant), 30)
    middle = np.stack([*implant.course.middle_at(heights), heights], axis=-1) - centre_mm
    corners = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T * MARGIN_MM
    around = (middle[:, None, :] + corners).reshape(-1, 3) @ rotation.T + shift_mm
    index = to_voxel(grid.affine, around)
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, grid.shape)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, grid.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))  # type: ignore[return-value]


def _texture(tissue: int, x: Array, y: Array, z: Array) -> Array:
    """Return a smooth random field with mean 0 and standard deviation 1 at points, the same for the same tissue."""
    rng = np.random.default_rng([tissue, 2])
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape))
    for _ in range(6):
        direction = rng.standard_normal(3)
        turn = direction / np.linalg.norm(direction) * 2 * np.pi / rng.uniform(*WAVES_MM)
        total += np.cos(turn[0] * x + turn[1] * y + turn[2] * z + rng.uniform(0, 2 * np.pi))
    return total / np.sqrt(3)


def _signals(image: Volume, course: ImplantLine, z_mm: float, lesion: Volume | None) -> tuple[float, float, float]:
    """Return signal of cord and of fluid, and the noise, around a height."""
    place = voxel_centres_mm(image)
    z = np.clip(place[..., 2], course.z_mm[0], course.z_mm[-1])
    (right, front), (half_x, half_y) = course.middle_at(z), course.half_at(z)
    away = np.hypot((place[..., 0] - right) / half_x, (place[..., 1] - front) / half_y)
    low, high = max(course.reach_mm[0], z_mm - NEAR_MM), min(course.reach_mm[1], z_mm + NEAR_MM)
    used = (place[..., 2] >= low) & (place[..., 2] <= high)
    if lesion is not None:
        used &= ~lesion.array
    inside, around = image.array[used & (away < INNER)], image.array[used & (away > RING[0]) & (away < RING[1])]
    if not (inside.size and around.size):
        raise InputError(
            f"cord mask: expected cord at a height of {z_mm:.0f} mm in the scan's world, found none there; choose --at"
        )
    level = float(np.median(inside))
    fluid = float(np.percentile(around, 80 if np.median(around) > level else 20))
    return level, fluid, _noise(image, used & (away < INNER))


def _noise(image: Volume, where: NDArray[np.bool_]) -> float:
    """Return the standard deviation of what changes from voxel to voxel along the cord, robustly."""
    axis = int(np.argmax(np.abs(image.affine[2, :3]) / image.spacing_mm))
    array, where = np.moveaxis(image.array, axis, 0), np.moveaxis(where, axis, 0)
    bent = array[:-2] - 2 * array[1:-1] + array[2:]
    within = where[:-2] & where[1:-1] & where[2:]
    return float(1.4826 * np.median(np.abs(bent[within])) / np.sqrt(6)) if within.any() else 0.0


def _around(image: Volume, centre_mm: NDArray[np.float64], half_mm: NDArray[np.float64]) -> Volume:
    """Cut a scan down to the voxels that can lie in an upright box."""
    corners = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T * half_mm + centre_mm
    index = to_voxel(image.affine, corners)
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, np.array(image.shape) - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, low + 1, image.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    affine = image.affine.copy()
    affine[:3, 3] = to_world(image.affine, low)
    return Volume(image.array[part], affine)


def _shifted(affine: NDArray[np.float64], by_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = affine.copy()
    moved[:3, 3] += by_mm
    return moved
