"""New tumour-like signal in and next to the bed of a tumour that was taken out.

Where an earlier visit was drawn without a solid tumour, there is nothing to grow. So the later scan is explained by the
earlier one as well as it can be (:mod:`pipeline.refind.lesion_fit`: fluid may grow or shrink, everything else keeps its
place and signal), and what stays brighter than explained, inside the cord and as large as a lesion, is reported. It is
a flag for a person, never a volume: the size is only about right, and nothing found is no proof that nothing is there.
What is left goes on to :mod:`pipeline.draft.recurrence`, which drafts an outline where that is sure enough.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_world, voxel_centres_mm
from pipeline.draft.recurrence import CLEARLY, UnexplainedSignal
from pipeline.refind.lesion_fit import Fit, fit_lesion
from pipeline.refind.scene import Scene, looked_up
from pipeline.refind.template import Template, axis_of, cord_signal

BEYOND_MM = 10.0
"""The cord is searched this far beyond either end of the bed, mm."""

SEARCHED_MM = 14.0
"""The later scan is explained as far as this from the bed, mm: beyond what is searched."""

WITHIN_AXIS_MM = 4.0
"""Half width of the searched cord, mm: about a cord's radius, so that its edge, where fluid mixes in, stays out."""

CORD_LIKE = 0.3
"""Tissue counts as cord when its signal differs from cord by at most this share of the way to fluid."""

MOSTLY = 0.7
"""A voxel is searched when at least this share of it was cord."""

KNOWN, NEAR_KNOWN_MM = 0.1, 2.0
"""A voxel that a known compartment takes to this share is known; so is everything this near to it, mm."""

SMOOTHED_MM = 2.0
"""Signal is averaged at this scale (standard deviation), mm: that of a small lesion."""

BRIGHTER = 0.05
"""What is left counts when, averaged, it is this share of the step from cord to fluid."""

BRIGHT_PERCENTILE = 75
"""Percentile of its signal by which a place is described: a single bright spot at its edge does not make it small."""

SMALLEST_MM3 = 100.0
"""Smaller places are not reported, mm³."""

FLUID_PERCENTILE, FLUID_WITHIN_MM = 95, 6.0
"""Fluid is this percentile of the signal around the bed, within this distance, mm."""


@dataclass(frozen=True)
class SignalPlace:
    """A place that is brighter than the earlier scan explains.

    ``volume_mm3`` is about right only; ``centre_mm`` in the later scan's world, RAS+ mm; ``brightness`` is the share of
    the step from cord to fluid, ``elsewhere`` how much stays unexplained away from the searched cord (root mean square,
    equally averaged, the same unit).
    """

    volume_mm3: float
    centre_mm: tuple[float, float, float]
    brightness: float
    elsewhere: float

    @property
    def stands_out(self) -> bool:
        """Whether it is clearly brighter than what else the scan shows unexplained, as after movement."""
        return self.brightness > CLEARLY * self.elsewhere


@dataclass(frozen=True, eq=False)
class SearchedSignal:
    """What was found: places, the largest first, and what they were found in; None where no cord could be searched."""

    places: tuple[SignalPlace, ...]
    seen: UnexplainedSignal | None


def new_signal(template: Template, scene: Scene, still: Collection[str], affine: NDArray[np.float64]) -> SearchedSignal:
    """Search the surroundings of a template's compartments on a later scan.

    Parameters
    ----------
    template
        The earlier visit: fluid compartments, and ``still`` ones that mark the bed.
    scene
        The later scan around them.
    affine
        Shape ``(4, 4)``; the later scan's voxel index to RAS+ mm.

    Returns
    -------
    SearchedSignal
        The places, and what they were found in.
    """
    fit = fit_lesion(template, scene, still)
    cord, step = _searched_cord(template)
    share = np.mean([looked_up(cord.astype(np.float64), template, layer) for layer in scene.layers], axis=0)
    fluid = [c for c, name in enumerate(template.names) if name not in still]
    cord_share = scene.spread(share[None])[0]
    searched = (cord_share > MOSTLY) & _unknown(fit, fluid, scene)
    if not searched.any():
        return SearchedSignal((), None)
    unit = float(np.median(fit.gain[searched])) * step
    brightness = _averaged(fit, searched, scene) / unit
    elsewhere = _elsewhere(fit, searched, scene) / unit
    labels, count = ndimage.label(searched & (brightness > BRIGHTER))
    places = (np.where(labels == number, brightness, 0) for number in range(1, count + 1))
    signals = [
        _described(place, elsewhere, scene, affine) for place in places if _size_mm3(place > 0, scene) >= SMALLEST_MM3
    ]
    seen = UnexplainedSignal(
        scene.crop, fit.left / unit, brightness, fit.certainty, searched, cord_share, fit.occupancy[fluid].sum(axis=0),
        elsewhere,
    )  # fmt: skip
    return SearchedSignal(tuple(sorted(signals, key=lambda one: -one.volume_mm3)), seen)


def _elsewhere(fit: Fit, searched: NDArray[np.bool_], scene: Scene) -> float:
    """Return how much stays unexplained beyond the searched cord, averaged over a lesion's size, root mean square."""
    beyond_mm = ndimage.distance_transform_edt(~searched, sampling=scene.spacing_mm)
    away = scene.is_active & (beyond_mm > SMOOTHED_MM)
    return float(np.sqrt(np.mean(_averaged(fit, scene.is_active, scene)[away] ** 2))) if away.any() else 0.0


def _described(
    brightness: NDArray[np.float64], elsewhere: float, scene: Scene, affine: NDArray[np.float64]
) -> SignalPlace:
    """Describe one place by the voxels that are at least half as bright as its brighter part."""
    bright = float(np.percentile(brightness[brightness > 0], BRIGHT_PERCENTILE))
    inside = brightness >= bright / 2
    corner = np.array([cut.start for cut in scene.crop])
    x, y, z = (float(v) for v in to_world(affine, np.argwhere(inside).mean(axis=0) + corner))
    return SignalPlace(_size_mm3(inside, scene), (x, y, z), bright, elsewhere)


def _size_mm3(place: NDArray[np.bool_], scene: Scene) -> float:
    return float(np.count_nonzero(place)) * scene.voxel_mm3


def _searched_cord(template: Template) -> tuple[NDArray[np.bool_], float]:
    """Return the cord around a template's compartments, shape ``(I, J, K)``, and the step from cord to fluid."""
    away_mm = template.distance_mm.min(axis=0)
    lesion = away_mm < 0
    cord = cord_signal(template.background, template.affine, lesion)
    fluid = float(np.percentile(template.background[away_mm < FLUID_WITHIN_MM], FLUID_PERCENTILE))
    is_like = np.abs(template.background - cord) < CORD_LIKE * (fluid - cord)
    points_mm = voxel_centres_mm(Volume(template.background, template.affine))
    axis = axis_of(to_world(template.affine, np.argwhere(lesion)))
    near = axis.distance_mm(points_mm.reshape(-1, 3), BEYOND_MM).reshape(lesion.shape) < WITHIN_AXIS_MM
    return is_like & near, fluid - cord


def _unknown(fit: Fit, fluid: list[int], scene: Scene) -> NDArray[np.bool_]:
    """Return the voxels away from the compartments that are known to be there."""
    occupied = fit.occupancy[fluid].sum(axis=0) > KNOWN
    if not occupied.any():
        return np.ones_like(occupied)
    return np.asarray(ndimage.distance_transform_edt(~occupied, sampling=scene.spacing_mm) > NEAR_KNOWN_MM)


def _averaged(fit: Fit, searched: NDArray[np.bool_], scene: Scene) -> NDArray[np.float64]:
    """Average what is left over a lesion's size, each searched voxel by its certainty."""
    sigma = SMOOTHED_MM / scene.spacing_mm
    certainty = np.where(searched, fit.certainty, 0)
    total = ndimage.gaussian_filter(certainty, sigma)
    left = ndimage.gaussian_filter(certainty * fit.left, sigma)
    return np.asarray(np.divide(left, total, out=np.zeros_like(left), where=total > 1e-9 * total.max(initial=1e-12)))
