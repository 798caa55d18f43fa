"""A person's own lesion as a picture that can be taken apart: tissue without the lesion, and each compartment.

Made from one visit that a reader has masked. A later scan is explained by moving and growing the parts
(:mod:`pipeline.refind.growth_flow`) and laying them over the background again
(:mod:`pipeline.refind.lesion_fit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.align.sampling_window import Box, regular_grid
from pipeline.core.signal_reach import continued
from pipeline.core.transform import coverage, identity
from pipeline.core.volume import Volume, is_within_faces, to_voxel, to_world, voxel_centres_mm

MARGIN_MM = 20.0
"""The template reaches this far beyond the lesion, mm: room for growth and for the person's movement."""

STEP_LIMITS_MM = (0.6, 1.0)
"""Voxel size of the template: the scan's finest, within these limits, mm."""

BLUR_MM = 0.5
"""Standard deviation of the blur that quiets the template's noise and softens its borders, mm. The later scan is
blurred as much: a sharp scan held against a blurred template makes small lesions too large."""

FILLED = 2.0
"""How many times its share of lesion a voxel is filled in: in full from the outline inwards, beyond it only as far as
the lesion shines out. More would draw cord over the fluid beside a tumour that fills the cord."""

TEXTURE_MM = 2.0
"""Signal inside a compartment is kept only at this scale, mm: coarser than noise, finer than a lesion."""

BEYOND_POLES_MM = (2.0, 7.0)
"""Cord is read on the lesion's own axis this far beyond either end, mm."""

AROUND_AXIS_MM = 1.5
"""Half width of the bundle of lines on which cord is read, mm: well inside a cord of 8 mm or more."""


@dataclass(frozen=True, eq=False)
class Template:
    """A masked visit in parts, on one upright grid of shape ``(I, J, K)``; C compartments.

    Attributes
    ----------
    names
        Compartments, in the order of the arrays.
    affine
        Shape ``(4, 4)``; voxel index to RAS+ mm of the masked visit.
    step_mm
        Voxel size, mm.
    background
        Shape ``(I, J, K)``; the scan with cord where the lesion is.
    filled
        Shape ``(I, J, K)``; share of each voxel of ``background`` that was filled in.
    occupancy
        Shape ``(C, I, J, K)``; share of each voxel that a compartment takes, 0 to 1.
    texture
        Shape ``(C, I, J, K)``; the compartment's signal, continued smoothly beyond its border.
    distance_mm
        Shape ``(C, I, J, K)``; distance from the compartment's border, negative inside.
    rim
        Shape ``(I, J, K)``; what parts and background leave of the scan, mostly at the lesion's border. It moves with
        the lesion, so that a lesion that did not change is shown as it was.
    is_scanned
        Shape ``(I, J, K)``; what the masked visit's scan shows. Beyond its field of view nobody drew anything, and
        what the other images hold there is made up.
    """

    names: tuple[str, ...]
    affine: NDArray[np.float64]
    step_mm: float
    background: NDArray[np.float64]
    filled: NDArray[np.float64]
    occupancy: NDArray[np.float64]
    texture: NDArray[np.float64]
    distance_mm: NDArray[np.float64]
    rim: NDArray[np.float64]
    is_scanned: NDArray[np.bool_]


def template_of(image: Volume, masks: Mapping[str, Volume], *, has_dark_fluid: bool = False) -> Template:
    """Take a masked visit apart.

    Parameters
    ----------
    image
        The scan.
    masks
        Compartment to a mask or probability map (0..1) on the scan's grid; each must hold something.
    has_dark_fluid
        As :func:`cord_signal`.
    """
    lesion = np.any([mask.array >= 0.5 for mask in masks.values()], axis=0)
    points_mm = to_world(image.affine, np.argwhere(lesion))
    step_mm = float(np.clip(image.spacing_mm.min(), *STEP_LIMITS_MM))
    grid = regular_grid(Box(points_mm.min(axis=0) - MARGIN_MM, points_mm.max(axis=0) + MARGIN_MM), step_mm)
    index = to_voxel(image.affine, voxel_centres_mm(grid).reshape(-1, 3)).T
    scan = _looked_up(continued(image).array, index, 3).reshape(grid.shape)
    # a mask that went on beyond its scan would share its volume with tissue that nobody drew and no later scan counts
    is_within = is_within_faces(index.T, image.shape)
    parts = [
        np.clip(np.where(is_within, _looked_up(mask.array, index, 1), 0.0).reshape(grid.shape), 0, 1)
        for mask in masks.values()
    ]
    share = np.stack([
        part * (mask.array.sum() * mask.voxel_mm3 / (part.sum() * step_mm**3))
        for part, mask in zip(parts, masks.values(), strict=True)
    ])  # fmt: skip
    distance_mm = np.stack([_signed_distance_mm(part >= 0.5, step_mm) for part in parts])
    quiet = _blurred(scan, BLUR_MM, step_mm)
    cord = cord_signal(quiet, grid.affine, distance_mm.min(axis=0) < 0, has_dark_fluid=has_dark_fluid)
    filled = np.clip(FILLED * _blurred(share.sum(axis=0), BLUR_MM, step_mm), 0, 1)
    background = _blurred((1 - filled) * scan + filled * cord, BLUR_MM, step_mm)
    occupancy = np.stack([_blurred(part, BLUR_MM, step_mm) for part in share])
    occupancy /= np.maximum(occupancy.sum(axis=0), 1.0)
    texture = _textures(quiet, background, occupancy, step_mm)
    rim = quiet - _laid_together(occupancy, texture, background)
    return Template(
        names=tuple(masks),
        affine=grid.affine,
        step_mm=step_mm,
        filled=filled,
        texture=texture,
        distance_mm=distance_mm,
        background=background,
        occupancy=occupancy,
        rim=rim,
        is_scanned=coverage(image, grid, identity("masked", "masked")).array,
    )


def whole_of(template: Template) -> NDArray[np.float64]:
    """Return the masked visit's scan as its parts give it back, shape ``(I, J, K)``."""
    return _laid_together(template.occupancy, template.texture, template.background) + template.rim


def softened(template: Template, blur_mm: float) -> Template:
    """Return a template of the same visit as a scan blurred by a standard deviation, mm, would have shown it."""
    if not blur_mm:
        return template
    step_mm = template.step_mm
    background = _blurred(template.background, blur_mm, step_mm)
    occupancy = np.stack([_blurred(part, blur_mm, step_mm) for part in template.occupancy])
    rim = _blurred(whole_of(template), blur_mm, step_mm) - _laid_together(occupancy, template.texture, background)
    filled = _blurred(template.filled, blur_mm, step_mm)
    return replace(template, filled=filled, background=background, occupancy=occupancy, rim=rim)


def without_rim(template: Template) -> Template:
    """Return a template that shows nothing beyond its parts and background."""
    return replace(template, rim=np.zeros_like(template.rim))


def cord_signal(
    scan: NDArray[np.float64], affine: NDArray[np.float64], lesion: NDArray[np.bool_], *, has_dark_fluid: bool = False
) -> float:
    """Read the signal of cord without lesion just beyond the lesion's two ends; the darker end counts.

    On T2-weighted scans everything that could spoil an end (fluid, oedema, another cyst) is brighter than cord.

    Parameters
    ----------
    scan, lesion
        Shape ``(I, J, K)``.
    affine
        Shape ``(4, 4)``; voxel index to RAS+ mm.
    has_dark_fluid
        On this contrast they are darker, and the brighter end counts.
    """
    axis = axis_of(to_world(affine, np.argwhere(lesion)))
    near, far = BEYOND_POLES_MM
    across = np.arange(-AROUND_AXIS_MM, AROUND_AXIS_MM + 0.01, AROUND_AXIS_MM / 2)
    signals = []
    for low, high in ((axis.low_mm - far, axis.low_mm - near), (axis.high_mm + near, axis.high_mm + far)):
        place, a, b = (v.ravel() for v in np.meshgrid(np.arange(low, high, 0.5), across, across, indexing="ij"))
        index = to_voxel(affine, axis.points_mm(place, a, b)).T
        signals.append(float(np.median(_looked_up(scan, index, 1))))
    return max(signals) if has_dark_fluid else min(signals)


@dataclass(frozen=True, eq=False)
class LesionAxis:
    """A lesion's own long axis, bowed as the cord is.

    ``centre_mm`` ``(3,)``; ``frame`` ``(3, 3)``, its columns across, across and along; ``bows`` two polynomials of how
    far the axis lies to either side at a place along it; ``low_mm`` and ``high_mm``, the lesion's ends along it.
    """

    centre_mm: NDArray[np.float64]
    frame: NDArray[np.float64]
    bows: tuple[NDArray[np.float64], NDArray[np.float64]]
    low_mm: float
    high_mm: float

    def points_mm(
        self, along: NDArray[np.float64], side: NDArray[np.float64], front: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the points ``(N, 3)``, RAS+ mm, at places along the axis and beside it, each ``(N,)``, mm."""
        bowed = (np.polyval(self.bows[0], along) + side, np.polyval(self.bows[1], along) + front, along)
        return np.asarray(self.centre_mm + np.stack(bowed, axis=1) @ self.frame.T)

    def distance_mm(self, points_mm: NDArray[np.float64], beyond_mm: float) -> NDArray[np.float64]:
        """Return how far points ``(N, 3)`` lie from the axis, which ends so far beyond the lesion's poles."""
        side, front, along = ((points_mm - self.centre_mm) @ self.frame).T
        on_axis = np.clip(along, self.low_mm - beyond_mm, self.high_mm + beyond_mm)
        away = (side - np.polyval(self.bows[0], on_axis), front - np.polyval(self.bows[1], on_axis), along - on_axis)
        return np.asarray(np.linalg.norm(away, axis=0))


def axis_of(points_mm: NDArray[np.float64]) -> LesionAxis:
    """Return the long axis of a lesion's points ``(N, 3)``, RAS+ mm."""
    centre_mm = points_mm.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((points_mm - centre_mm).T))
    side, front, along = ((points_mm - centre_mm) @ directions).T
    bows = (np.polyfit(along, side, 2), np.polyfit(along, front, 2))
    return LesionAxis(centre_mm, directions, bows, float(along.min()), float(along.max()))


def _laid_together(
    occupancy: NDArray[np.float64], texture: NDArray[np.float64], background: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray((occupancy * texture).sum(axis=0) + (1 - occupancy.sum(axis=0)) * background)


def slope_of(image: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """Return the slope ``(3, I, J, K)`` of an image ``(I, J, K)``, per mm."""
    return np.stack(np.gradient(image, step_mm))


def _textures(
    scan: NDArray[np.float64], background: NDArray[np.float64], occupancy: NDArray[np.float64], step_mm: float
) -> NDArray[np.float64]:
    """Find the smooth signal of each compartment with which the parts, laid together, give the scan back."""
    weight = [_blurred(part**2, TEXTURE_MM, step_mm) + 1e-6 for part in occupancy]
    means = [float((scan * part**2).sum() / max((part**2).sum(), 1e-9)) for part in occupancy]
    texture = np.stack([np.full(scan.shape, mean) for mean in means])
    free = 1 - occupancy.sum(axis=0)
    for _ in range(8):
        left = scan - (occupancy * texture).sum(axis=0) - free * background
        for c, part in enumerate(occupancy):
            texture[c] += _blurred(part * left, TEXTURE_MM, step_mm) / (weight[c] + 0.02)
    return texture


def _signed_distance_mm(inside: NDArray[np.bool_], step_mm: float) -> NDArray[np.float64]:
    away = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    return np.asarray(step_mm * (away - 0.5 * np.sign(away)))


def _blurred(values: NDArray[np.float64], sigma_mm: float, step_mm: float) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter(values, sigma_mm / step_mm))


def _looked_up(array: NDArray, index: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    return np.asarray(
        ndimage.map_coordinates(array.astype(np.float64), index, order=order, mode="nearest", prefilter=order > 1)
    )
