"""How much blurrier one scan is than another of the same person, as after movement or with another protocol.

A blurred edge looks like a changed one: held against a sharp template, a tumour that did not change came out at half
or twice its size on scans blurred by 1.5 mm. So the sharper of the two scans is blurred until both show the tissue
around the lesion alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, ndimage

from pipeline.core.volume import Volume
from pipeline.refind.scene import Scene, looked_up, reblurred
from pipeline.refind.signal_curve import hats_of
from pipeline.refind.template import BLUR_MM, Template, whole_of

TRIED_MM = (0.0, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0)
"""Differences of blur that are tried either way, standard deviation, mm."""

CALMED_MM = 0.5
"""Both scans are blurred this much more while they are compared, mm; else the noisier one would pass for sharper."""

BLURRIER, SHARPER = 0.93, 0.82
"""A later scan is blurrier, or sharper, than the masked one when saying so leaves at most this share of what the scans
as they are leave unexplained. Real cords as sharp as each other left at least 0.94 and 0.90, 18 of them with noise of a
tenth of the brightest signal added 0.98 and 0.80; where one was blurred by 0.8 mm, slices of 3.3 mm left 0.65 and 0.61
in the median, at most 0.96 and 0.79."""

BEYOND_MM = 3.0
"""Tissue is compared beyond this distance from the lesion, mm: the lesion itself may have changed."""


def extra_blur_mm(template: Template, scene: Scene, follow_up: Volume, *, from_thick: bool = False) -> float:
    """Tell from the tissue around a lesion how much blurrier the later scan is than the masked one.

    Parameters
    ----------
    template
        The masked visit.
    scene
        The later scan around the lesion's old place.
    follow_up
        The later scan that the scene was cut from.
    from_thick
        The masked visit's own slices are thick: they blur on their own, so only a blurrier later scan is told apart.

    Returns
    -------
    float
        Standard deviation, mm, beyond what the later scan's voxels explain; negative when the masked visit is the
        blurrier one, 0 where no difference is clear or nothing of the tissue around is shown.
    """
    middle_mm = np.mean(scene.layers, axis=0)
    weight = scene.nearness * (looked_up(template.distance_mm.min(axis=0), template, middle_mm) > BEYOND_MM)
    if not weight.any():
        return 0.0
    whole = whole_of(template)
    soft = np.stack([
        ndimage.gaussian_filter(whole, np.hypot(blur_mm, CALMED_MM) / template.step_mm) for blur_mm in TRIED_MM
    ])  # fmt: skip
    shown = np.mean([looked_up(soft, template, layer) for layer in scene.layers], axis=0)
    seen = [reblurred(scene, follow_up, float(np.linalg.norm([BLUR_MM, CALMED_MM, one]))) for one in TRIED_MM]
    blurrier = [_unexplained(seen[0], one, weight) for one in shown]
    sharper = [_unexplained(one, shown[0], weight) for one in (seen[:1] if from_thick else seen)]
    least = min(*blurrier, *sharper)
    if min(blurrier) == least and least <= BLURRIER * blurrier[0]:
        return TRIED_MM[int(np.argmin(blurrier))]
    if min(sharper) == least and least <= SHARPER * sharper[0]:
        return -TRIED_MM[int(np.argmin(sharper))]
    return 0.0


def _unexplained(scene: Scene, shown: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the share of the scene's variance that a smooth curve of what is shown, with shading, leaves."""
    features = np.concatenate([hats_of(shown)[0], shown[:, None] * scene.place], axis=1)
    weighted = features * weight[:, None]
    steady = 1e-9 * float((weighted * features).sum()) * np.eye(features.shape[1])
    numbers = linalg.solve(weighted.T @ features + steady, weighted.T @ scene.signal, assume_a="pos")
    mean = np.average(scene.signal, weights=weight)
    return float(weight @ (scene.signal - features @ numbers) ** 2 / (weight @ (scene.signal - mean) ** 2 + 1e-12))
