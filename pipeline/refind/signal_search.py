"""Look on a later scan for new tumour-like signal where an earlier one was drawn without tumour.

Which compartments mark the place and which may change; the search itself is ``pipeline.refind.new_signal``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.core.transform import Transform
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.refind.likeness import ScansDifferError, alike_enough, matched
from pipeline.refind.new_signal import SEARCHED_MM, SearchedSignal, SignalPlace, new_signal
from pipeline.refind.refinding import (
    COVERED_SHARE,
    FEWEST_VOXELS,
    GROWING,
    DonorVisit,
    has_inside,
    is_blank,
    is_thick,
)
from pipeline.refind.scene import scene_of
from pipeline.refind.signal_voids import seen_alone, seen_shares
from pipeline.refind.template import softened, template_of, without_rim

FLUID = (Compartment.CYST, Compartment.SYRINX, Compartment.CAVITY)
"""Compartments that may grow or shrink while new signal is looked for."""

BED = "bed"
"""What marks the place of a tumour that was taken out: everything drawn there that is not fluid."""


def look_for_new_signal(
    masked: DonorVisit, bed: Volume | None, follow_up: Volume, to_masked: Transform, *, same_contrast: bool = True
) -> tuple[SignalPlace, ...] | None:
    """Return the places of :func:`search_for_new_signal` alone."""
    searched = search_for_new_signal(masked, bed, follow_up, to_masked, same_contrast=same_contrast)
    return None if searched is None else searched.places


def search_for_new_signal(
    masked: DonorVisit, bed: Volume | None, follow_up: Volume, to_masked: Transform, *, same_contrast: bool = True
) -> SearchedSignal | None:
    """Look for new tumour-like signal on a later scan, in and next to where a tumour was.

    Parameters
    ----------
    masked
        An earlier visit that was drawn without tumour.
    bed
        Mask on that visit's grid: where a tumour was before; None when nobody drew it.

    Returns
    -------
    SearchedSignal or None
        None when nothing marks the place, or the later scan does not show it or is too different: then nobody looked.
    """
    fluid = {name: mask for name, mask in masked.masks.items() if name in FLUID and has_inside(mask)}
    solid = [mask for name, mask in masked.masks.items() if name in GROWING and name not in FLUID]
    marked = _union([*solid, bed] if bed else solid, masked.image) & ~_union(fluid.values(), masked.image)
    still = {BED: masked.image.with_array(marked.astype(np.float32))} if marked.sum() >= FEWEST_VOXELS else {}
    if not fluid and not still:
        return None
    template = without_rim(template_of(masked.image, fluid | still))
    whole = scene_of(template, follow_up, to_masked, SEARCHED_MM, blur_mm=0.0)  # weak signal is sought, not edges
    if whole is None or is_blank(template, whole):
        return None
    scene = seen_alone(template, whole, follow_up, to_masked)
    if seen_shares(template, whole, scene).min() < COVERED_SHARE:
        return None
    try:
        extra_mm = alike_enough(
            template, scene, follow_up, same_contrast=same_contrast, from_thick=is_thick(masked.image)
        )
    except ScansDifferError:
        return None
    blur_mm, scene = matched(extra_mm, scene, follow_up, blur_mm=0.0)
    return new_signal(softened(template, blur_mm), scene, tuple(still), follow_up.affine)


def _union(masks: Iterable[Volume], image: Volume) -> NDArray[np.bool_]:
    return np.any([np.zeros(image.shape, dtype=bool), *(mask.array >= 0.5 for mask in masks)], axis=0)
