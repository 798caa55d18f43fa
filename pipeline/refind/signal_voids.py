"""Places without signal on one of two scans, as around metal: nothing is known there, and nobody moved.

Metal takes all signal from a block of tissue and heaps some of it up around (Hargreaves et al. 2011, AJR 197:547,
10.2214/AJR.11.7364). Movement does not: its ghosts lie over the whole picture and leave no place without signal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.signal_reach import padding_of
from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.measure.volumes import OBJECT_PROBABILITY, edges_reached
from pipeline.refind.scene import AROUND_MM, Scene, looked_up, scene_of
from pipeline.refind.template import Template, whole_of

DARK, LIT = 0.25, 0.5
"""A place has no signal below this share of the median around the lesion, and tissue has it above the other."""

WIDE_MM = AROUND_MM + 8.0
"""Voids are looked for this far from the lesion's old place, mm: what they heap up reaches further."""

LEAST_MM3 = 80.0
"""Smaller dark places are edges that do not lie exactly on one another, mm³."""

HEAPED_MM = 5.0
"""Around a place without signal what is seen is not where it was, mm. On a real cord a void of 18 mm with a bright rim
made up 19 % of a tumour's volume where 3 mm were left out, and no more than the scan without it where 5 were."""

HALF = 0.5
"""A voxel of which less lies in the masked scan's field of view is not shown there."""


def seen_alone(template: Template, scene: Scene, follow_up: Volume, to_masked: Transform) -> Scene:
    """Return a scene without the voxels of which one of the two scans shows nothing.

    Padding, voids, and what lies beyond the masked scan's field of view: a tumour that reaches the end of an axial
    stack goes on there, and a later scan that shows more cannot be held against it.

    Parameters
    ----------
    template
        The masked visit.
    scene
        The later scan around the lesion's old place.
    follow_up
        The later scan that the scene was cut from.
    to_masked
        Moves points from the later scan to the masked visit.
    """
    is_unseen = _voids(template, follow_up, to_masked)[scene.crop]
    is_shown = looked_up(template.is_scanned.astype(np.float64), template, np.mean(scene.layers, axis=0)) >= HALF
    is_unseen |= scene.spread((~is_shown)[None].astype(np.float64))[0] > 0
    padding = padding_of(follow_up)
    if padding is not None:
        is_unseen |= ndimage.binary_dilation(padding[scene.crop])
    is_kept = ~is_unseen[scene.is_active]
    if is_kept.all() or not is_kept.any():
        return scene
    return replace(
        scene,
        is_active=scene.is_active & ~is_unseen,
        signal=scene.signal[is_kept],
        place=scene.place[is_kept],
        nearness=scene.nearness[is_kept],
        layers=tuple(layer[is_kept] for layer in scene.layers),
    )


def _voids(template: Template, follow_up: Volume, to_masked: Transform) -> NDArray[np.bool_]:
    """Mark on the whole later scan where one of two scans has no signal and the other one tissue, and what is near."""
    marked = np.zeros(follow_up.shape, dtype=bool)
    wide = scene_of(template, follow_up, to_masked, WIDE_MM)
    if wide is None:
        return marked
    shown = looked_up(whole_of(template), template, np.mean(wide.layers, axis=0))
    usual, usual_shown = (float(np.median(values)) for values in (wide.signal, shown))
    if usual <= 0 or usual_shown <= 0:
        return marked
    later, earlier = wide.signal / usual, shown / usual_shown
    is_void = _void_pieces(wide, later, earlier) | _void_pieces(wide, earlier, later)
    if is_void.any():
        marked[wide.crop] = ndimage.distance_transform_edt(~is_void, sampling=wide.spacing_mm) <= HEAPED_MM
    return marked


def _void_pieces(scene: Scene, dark: NDArray[np.float64], lit: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the dark places of one scan, crop's shape, of which a large enough piece is tissue on the other."""
    (is_dark, is_lost) = scene.spread(np.stack([dark < DARK, (dark < DARK) & (lit > LIT)]).astype(np.float64)) > 0
    pieces = ndimage.label(is_lost)[0]
    sizes_mm3 = np.bincount(pieces.ravel())[1:] * scene.voxel_mm3
    seeds = np.isin(pieces, np.flatnonzero(sizes_mm3 >= LEAST_MM3) + 1)
    return np.asarray(ndimage.binary_propagation(seeds, mask=is_dark))


def seen_shares(template: Template, whole: Scene, seen: Scene) -> NDArray[np.float64]:
    """Return how much of each compartment's old place both scans show, 0 to 1, shape ``(C,)``.

    Parameters
    ----------
    whole
        The later scan around the lesion's old place.
    seen
        What :func:`seen_alone` left of it.
    """
    in_whole, in_seen = (
        np.sum([looked_up(template.occupancy, template, layer).sum(axis=1) for layer in scene.layers], axis=0)
        for scene in (whole, seen)
    )
    return np.asarray(in_seen / np.maximum(in_whole, 1e-9))


def cut_in_words(image: Volume, masks: Sequence[Volume]) -> Iterator[str]:
    """Say whether masks reach the end of their own scan, so that part of the lesion's outline was never seen."""
    drawn = image.with_array(np.any([mask.array >= OBJECT_PROBABILITY for mask in masks], axis=0))
    if ends := edges_reached(drawn, image):
        yield f"its mask reaches the end of the masked scan ({', '.join(ends)})"
