"""What thick slices of the masked visit have already blurred is not blurred again, and fine later scans are blurred so.

A template made from a scan of 3.3 mm slices holds signal that the scanner averaged over 3.3 mm. Averaged once more over
the later scan's own slices it is too soft across them; held against a scan of fine slices it is softer than that. Both
look like a lesion of another width. So of the later slices only what the masked ones do not hold yet is averaged, and a
later scan that is finer along the masked slices' direction is blurred along it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.measure.measurement_error import THICK_MM
from pipeline.refind.scene import Scene

ALONG = 0.9
"""Two directions count as one when the cosine between them is at least this."""

LEAST_LAYERS = 0.5
"""Layers that would lie within this share of the distance they have are one."""


def slice_vector_mm(image: Volume) -> NDArray[np.float64] | None:
    """Return across which direction, and over how much, a scan's thick slices average, RAS+ mm ``(3,)``; else None."""
    axis = int(np.argmax(image.spacing_mm))
    return np.asarray(image.affine[:3, axis]) if image.spacing_mm[axis] > THICK_MM else None


def averaged_once(scene: Scene, masked: Volume) -> Scene:
    """Return a scene whose layers average over no more of a slice than the masked visit's slices do not yet hold.

    Parameters
    ----------
    masked
        The masked visit's scan.
    """
    across = slice_vector_mm(masked)
    axis = int(np.argmax(scene.spacing_mm))
    if across is None or len(scene.layers) == 1 or not _is_along(scene.axes[:, axis], across):
        return scene
    held = np.linalg.norm(across) / scene.spacing_mm[axis]
    share = float(np.sqrt(max(1 - held**2, 0.0)))
    middle = np.mean(scene.layers, axis=0)
    if share < LEAST_LAYERS:
        return replace(scene, layers=(middle,))
    return replace(scene, layers=tuple(middle + share * (layer - middle) for layer in scene.layers))


def blurred_across(follow_up: Volume, masked: Volume, to_masked: Transform) -> Volume:
    """Return a later scan as soft across the masked visit's thick slices as those are; itself where it is already.

    Parameters
    ----------
    to_masked
        Moves points from the later scan to the masked visit.
    """
    across = slice_vector_mm(masked)
    if across is None:
        return follow_up
    steps = to_masked.matrix[:3, :3] @ follow_up.affine[:3, :3] / follow_up.spacing_mm
    axis = int(np.argmax(np.abs(steps.T @ across)))
    lacking = float(across @ across) - follow_up.spacing_mm[axis] ** 2
    if lacking <= 0 or not _is_along(steps[:, axis], across):
        return follow_up
    sigma = np.sqrt(lacking / 12) / follow_up.spacing_mm[axis]  # as wide as a slice of even weight
    soft = ndimage.gaussian_filter1d(follow_up.array.astype(np.float32), sigma, axis=axis, mode="nearest")
    return follow_up.with_array(soft)


def _is_along(direction: NDArray[np.float64], across: NDArray[np.float64]) -> bool:
    cosine = np.abs(direction @ across) / (np.linalg.norm(direction) * np.linalg.norm(across))
    return bool(cosine >= ALONG)
