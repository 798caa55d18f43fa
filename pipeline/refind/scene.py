"""The part of a later scan in which a lesion is looked for: its voxels, and where each lies in the masked visit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.interpolation import interpolated, voxel_by_voxel
from pipeline.core.signal_reach import continued
from pipeline.core.transform import Transform, inverse, move_points
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.refind.template import BLUR_MM, Template

AROUND_MM = 10.0
"""Voxels this near to the lesion's old place are compared, mm."""

FADING_MM = 3.0
"""Within this distance of the edge voxels count less and less, mm."""

FEWEST_ALONG = 2
"""A crop must have at least this many voxels along each axis."""

BLUR_REACH = 4.0
"""A blur counts voxels within this many standard deviations."""

SLICED = 1.3
"""Slices this many times thicker than the pixels are wide are thought of as several layers."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A crop of the later scan; N active voxels.

    Attributes
    ----------
    crop
        Where the crop lies in the scan.
    shape
        Of the crop.
    spacing_mm
        Shape ``(3,)``, mm.
    is_active
        Shape of the crop; voxels that are compared.
    signal
        Shape ``(N,)``; of the active voxels, blurred within slices.
    place
        Shape ``(N, 3)``; position in the crop, -0.5 to 0.5 along each axis.
    nearness
        Shape ``(N,)``; how much a voxel counts by its place, 0 to 1.
    layers
        Layers of a slice, each the active voxels' points ``(N, 3)`` in the masked visit, RAS+ mm.
    axes
        Shape ``(3, 3)``; columns are the crop's axes turned into the masked visit's world.
    """

    crop: tuple[slice, slice, slice]
    shape: tuple[int, int, int]
    spacing_mm: NDArray[np.float64]
    is_active: NDArray[np.bool_]
    signal: NDArray[np.float64]
    place: NDArray[np.float64]
    nearness: NDArray[np.float64]
    layers: tuple[NDArray[np.float64], ...]
    axes: NDArray[np.float64]

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel of the scan, mm³."""
        return float(np.prod(self.spacing_mm))

    @cached_property
    def _active_voxels(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.is_active)

    @cached_property
    def active_places(self) -> NDArray[np.intp]:
        """Shape ``(N, 3)``; where the active voxels lie in the crop."""
        return np.argwhere(self.is_active)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put values of the active voxels ``(M, N)`` back on the crop, ``(M, I, J, K)``, 0 elsewhere."""
        result = np.zeros((len(values), self.is_active.size))
        for image, row in zip(result, values, strict=True):  # several times quicker than all rows at once
            image[self._active_voxels] = row
        return result.reshape(-1, *self.shape)


@dataclass(frozen=True, eq=False)
class Predicted:
    """The masked visit as the later scan should show it; N active voxels, C compartments.

    ``signal`` ``(N,)`` in the masked visit's units, ``slope`` ``(N, 3)`` per mm of the bend, ``by_growth``
    ``(N, 12 C + 1)`` per unit of growth and of giving way, ``occupancy`` ``(N, C)``, ``filled`` ``(N,)``.
    """

    signal: NDArray[np.float64]
    slope: NDArray[np.float64]
    by_growth: NDArray[np.float64]
    occupancy: NDArray[np.float64]
    filled: NDArray[np.float64]


def scene_of(
    template: Template,
    follow_up: Volume,
    to_masked: Transform,
    around_mm: float = AROUND_MM,
    blur_mm: float = BLUR_MM,
) -> Scene | None:
    """Cut the surroundings of a template's lesion out of a later scan.

    Parameters
    ----------
    to_masked
        Moves points from the later scan to the masked visit.
    around_mm
        Voxels this near to the lesion's old place are compared.
    blur_mm
        Standard deviation of the blur within slices, mm: the template's, unless edges are not what is looked for.

    Returns
    -------
    Scene or None
        None when the later scan does not show the lesion's surroundings at all.
    """
    distance_mm = template.distance_mm.min(axis=0)
    around = to_world(template.affine, np.argwhere(distance_mm < around_mm))
    index = to_voxel(follow_up.affine, move_points(inverse(to_masked), around))
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 2, follow_up.shape)
    if np.any(high - low < FEWEST_ALONG):
        return None
    crop = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    signal = _blurred(follow_up, crop, blur_mm)
    voxels = np.moveaxis(np.indices(signal.shape), 0, -1).reshape(-1, 3).astype(np.float64)
    spacing_mm = follow_up.spacing_mm
    layers = [
        move_points(to_masked, to_world(follow_up.affine, low + voxels + offset))
        for offset in _layer_offsets(spacing_mm, template.step_mm)
    ]
    away_mm = np.mean([looked_up(distance_mm, template, layer) for layer in layers], axis=0)
    nearness = np.clip((around_mm - away_mm) / FADING_MM, 0, 1)
    active = nearness > 0
    turned = to_masked.matrix[:3, :3] @ follow_up.affine[:3, :3] / spacing_mm
    left, _, right = np.linalg.svd(turned)
    i, j, k = signal.shape
    return Scene(
        crop,
        (i, j, k),
        spacing_mm,
        active.reshape(signal.shape),
        signal.ravel()[active],
        voxels[active] / signal.shape - 0.5,
        nearness[active],
        tuple(layer[active] for layer in layers),
        left @ right,
    )


def reblurred(scene: Scene, follow_up: Volume, blur_mm: float) -> Scene:
    """Return a scene whose signal is blurred within slices by another standard deviation, mm."""
    return replace(scene, signal=_blurred(follow_up, scene.crop, blur_mm)[scene.is_active])


def looked_up(images: NDArray[np.float64], template: Template, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Look images ``(..., I, J, K)`` on the template's grid up at points ``(N, 3)``; returns ``(..., N)``."""
    values = interpolated(voxel_by_voxel(images), template.background.shape, to_voxel(template.affine, points_mm))
    return np.asarray(values.T.reshape(*images.shape[:-3], -1))


def _blurred(scan: Volume, crop: tuple[slice, ...], blur_mm: float) -> NDArray[np.float64]:
    """Return a crop of the scan, blurred within its slices; between thick slices layers do it."""
    fine = scan.spacing_mm <= SLICED * scan.spacing_mm.min()
    sigma = np.where(fine, blur_mm / scan.spacing_mm, 0.0)
    reach = np.ceil(BLUR_REACH * sigma).astype(int)
    wide = tuple(slice(max(0, c.start - r), c.stop + r) for c, r in zip(crop, reach, strict=True))
    inner = tuple(slice(c.start - w.start, c.stop - w.start) for c, w in zip(crop, wide, strict=True))
    blurred = ndimage.gaussian_filter(continued(scan).array[wide].astype(np.float64), sigma, truncate=BLUR_REACH)
    return np.asarray(blurred[inner])


def _layer_offsets(spacing_mm: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """Return where the layers of a voxel lie, in voxels from its centre, shape ``(layers, 3)``."""
    axis = int(np.argmax(spacing_mm))
    is_sliced = spacing_mm[axis] > SLICED * spacing_mm.min()
    count = max(1, round(spacing_mm[axis] / step_mm)) if is_sliced else 1
    offsets = np.zeros((count, 3))
    offsets[:, axis] = (np.arange(count) + 0.5) / count - 0.5
    return offsets
