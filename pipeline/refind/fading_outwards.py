"""Whether a lesion found again became less like itself towards its outline, all round, as around a smaller rest.

A tumour that shrank and left a scar in all of its old room has no edge that moved and no fluid beside it. A fit takes
the whole place for tumour. What is left to see is that the signal falls from its middle outwards by more than it did
on the masked scan. That can be told only where the tissue itself is still the same: a texture that changed may fall
outwards by as much, and then nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.refind.lesion_fit import Fit
from pipeline.refind.place_left import contrast_to_cord
from pipeline.refind.scene import Scene
from pipeline.refind.template import Template

INSIDE_VOXELS, INSIDE_SHARE = 1.9, 0.9
"""Voxels count from this many voxels within the outline found, and with at least this share of the lesion: beside its
edge a phantom that did not change fell by up to 0.2, from there on by nothing."""

SAME_TISSUE = 1.3
"""Inside, the lesion must differ from the masked scan by at most this many times the noise of all that is compared.
Implants of the same tissue differed by 0.4 to 1.0 times the noise, those with a texture of their own by 1.6 to 3.1."""

FEWEST_INSIDE, FEWEST_IN_SECTOR, FEWEST_SECTORS = 40, 12, 4
"""Fewer voxels in all or in an eighth, or fewer eighths, show nothing."""


@dataclass(frozen=True)
class OutwardFall:
    """How a lesion's signal falls from its middle to its outline against the masked scan, as a share of its contrast.

    ``mean`` over the eighths of the lesion, positive where it fades outwards; ``error``, its standard error by how
    differently they do.
    """

    mean: float
    error: float


def outward_fall(template: Template, scene: Scene, end: Fit, compartment: int) -> OutwardFall | None:
    """Return how much a compartment's signal falls outwards beyond what the masked visit explains.

    Parameters
    ----------
    end
        Of the fit.
    compartment
        Its number in the template.

    Returns
    -------
    OutwardFall or None
        None where too little of its inside is compared, its tissue changed, or it does not differ from cord.
    """
    share = end.occupancy[compartment]
    is_inside = share >= 0.5
    depth_mm = ndimage.distance_transform_edt(is_inside, sampling=scene.spacing_mm)
    is_deep = depth_mm > INSIDE_VOXELS * scene.spacing_mm.max()
    counts = ((share > INSIDE_SHARE) & is_deep)[scene.is_active]
    contrast = contrast_to_cord(template, compartment)
    if counts.sum() < FEWEST_INSIDE or not contrast:
        return None
    left, gain, depth = (one[scene.is_active][counts] for one in (end.left, end.gain, depth_mm))
    step = float(np.median(gain)) * contrast
    if not step:
        return None  # a signal curve that is flat there
    inner = np.searchsorted(np.sort(depth_mm[is_inside]), depth) / is_inside.sum()
    changed, spread = _apart_from_signal(left / step, (scene.signal[counts] - left) / step, inner)
    falls = _falls(changed, inner, _eighths(np.mean(scene.layers, axis=0)[counts]))
    if len(falls) < FEWEST_SECTORS or spread > SAME_TISSUE * end.noise / abs(step):
        return None
    return OutwardFall(float(np.mean(falls)), float(np.std(falls, ddof=1) / np.sqrt(len(falls))))


def _apart_from_signal(
    changed: NDArray[np.float64], shown: NDArray[np.float64], inner: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Take away what goes with the signal itself rather than with its place; also say how much neither explains."""
    features = np.stack([np.ones(len(shown)), inner, shown - shown.mean()], axis=1)
    numbers, *_ = np.linalg.lstsq(features, changed, rcond=None)
    return changed - numbers[2] * features[:, 2], float(np.std(changed - features @ numbers))


def _eighths(points_mm: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return in which eighth each point ``(N, 3)`` lies, by the three main axes of them all."""
    away = points_mm - points_mm.mean(axis=0)
    axes = np.linalg.svd(away, full_matrices=False)[2]
    return np.asarray((away @ axes.T > 0) @ np.array([1, 2, 4]))


def _falls(changed: NDArray[np.float64], inner: NDArray[np.float64], eighth: NDArray[np.int_]) -> list[float]:
    """Return the slope of what changed on how far inside it lies, for every eighth that shows enough."""
    falls = []
    for number in range(8):
        where = eighth == number
        if where.sum() >= FEWEST_IN_SECTOR and np.ptp(inner[where]):
            depth = inner[where] - inner[where].mean()
            falls.append(float(depth @ changed[where] / (depth @ depth)))
    return falls
