"""Pairs of scans that a certificate must see through, and larger motions than a dataset has, made from its good pairs.

Nothing is interpolated where it need not be: a pose is written into the follow-up's affine, a missing part is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel, to_world, voxel_centres_mm
from tests.benchmark.alignment import Pair

LEAST_SLAB_MM = 18.0
"""A scan cut shorter than this holds less than a vertebra and is not tried."""

GAP_MM = 4.0
"""The cut lies this far beyond the lesion."""

FAR_MM = 45.0
"""Another region begins this far from the lesion: beyond two vertebrae."""

ACROSS, FORWARD, UPRIGHT = range(3)
"""World axes: to the right, to the front, to the head."""


@dataclass(frozen=True)
class Trial:
    """A pair of a kind and the grade it must get; None where any will do that does not hide an error."""

    kind: str
    pair: Pair
    expected: str | None


def trials(pairs: Sequence[Pair], others: Sequence[Pair], each: int) -> Iterator[Trial]:
    """Yield the good pairs, then up to ``each`` pairs of every other kind, spread evenly over the good ones.

    Parameters
    ----------
    others
        Pairs of another person's cord, for the wrong patient; empty for none.
    """
    yield from (Trial("good", pair, "A") for pair in pairs)
    few = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, each).astype(int))]
    for kind, make in (*HARDER.items(), *POORER.items(), *BROKEN.items()):
        made = (make(pair) for pair in (pairs if kind in CUTS else few))
        found = [pair for pair in made if pair is not None][: None if kind not in CUTS else each]
        expected = "A" if kind in HARDER else "C" if kind in BROKEN else None
        yield from (Trial(kind, pair, expected) for pair in found)
    for pair, other in zip(few, others[:: max(1, len(others) // max(1, each))], strict=False):
        yield Trial("wrong patient", replace(pair, second=other.second, there=pair.here[:0], here=pair.here[:0]), "C")


def posed(pair: Pair, *, tilt_degrees: float = 0.0, turn_degrees: float = 0.0, shift_mm: float = 0.0) -> Pair:
    """Return the pair with the follow-up's patient nodded, leaned and moved along the table."""
    centre_mm = pair.there.mean(axis=0)
    a, b = np.radians([tilt_degrees, turn_degrees])
    nod = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    lean = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]])
    move = np.eye(4)
    move[:3, :3] = nod @ lean
    move[:3, 3] = centre_mm - move[:3, :3] @ centre_mm + [0.0, 0.0, shift_mm]
    second = Volume(pair.second.array, move @ pair.second.affine)
    return replace(pair, second=second, there=to_world(move, pair.there))


def bent(pair: Pair, amplitude_mm: float = 4.0, half_wave_mm: float = 60.0) -> Pair:
    """Return the pair with the follow-up's spine bent further from front to back, as a wave along the spine."""
    centre_mm = pair.there.mean(axis=0)

    def wave(z_mm: np.ndarray) -> np.ndarray:
        return amplitude_mm * np.cos(np.pi * (z_mm - centre_mm[2]) / half_wave_mm)

    points = voxel_centres_mm(pair.second).reshape(-1, 3).copy()
    points[:, 1] -= wave(points[:, 2])
    index = to_voxel(pair.second.affine, points).T
    array = ndimage.map_coordinates(pair.second.array.astype(float), index, order=1, mode="nearest")
    there = pair.there + np.stack([0 * pair.there[:, 2], wave(pair.there[:, 2]), 0 * pair.there[:, 2]], axis=-1)
    return replace(pair, second=pair.second.with_array(array.reshape(pair.second.shape)), there=there)


def axial(pair: Pair, thickness_mm: float = 4.4) -> Pair | None:
    """Return the pair with an isotropic follow-up averaged into axial slices; None when it is not isotropic."""
    volume = pair.second
    axis = axis_along(volume, UPRIGHT)
    together = round(thickness_mm / volume.spacing_mm[axis])
    if np.ptp(volume.spacing_mm) > 0.1 or together < 2:
        return None
    count = volume.shape[axis] // together
    parts = np.take(volume.array.astype(float), np.arange(count * together), axis=axis)
    shape = (*parts.shape[:axis], count, together, *parts.shape[axis + 1 :])
    affine = volume.affine.copy()
    affine[:3, 3] += (together - 1) / 2 * affine[:3, axis]
    affine[:3, axis] *= together
    second = Volume(parts.reshape(shape).mean(axis=axis + 1), affine)
    index = to_voxel(affine, pair.there)
    inside = np.all((index >= -0.5) & (index <= np.array(second.shape) - 0.5), axis=1)
    return replace(pair, second=second, here=pair.here[inside], there=pair.there[inside])


def half_overlap(pair: Pair) -> Pair | None:
    """Return the pair with half of the follow-up cut off at the side away from the lesion."""
    low, high = _lesion_range_mm(pair)
    bottom, top = _height_mm(pair.second)
    middle = (bottom + top) / 2
    keep = (bottom, max(middle, high + GAP_MM)) if (low + high) / 2 < middle else (min(middle, low - GAP_MM), top)
    return _cut(pair, *keep)


def beside(pair: Pair, gap_mm: float) -> Pair | None:
    """Return the pair with the follow-up cut to what lies at least a gap beyond the lesion, on the longer side."""
    low, high = _lesion_range_mm(pair)
    bottom, top = _height_mm(pair.second)
    if top - high > low - bottom:
        return _cut(pair, high + gap_mm, top)
    return _cut(pair, bottom, low - gap_mm)


def flipped(pair: Pair) -> Pair:
    """Return the pair with the follow-up's left and right swapped in the array but not in its geometry."""
    axis = axis_along(pair.second, ACROSS)
    index = to_voxel(pair.second.affine, pair.there)
    index[:, axis] = pair.second.shape[axis] - 1 - index[:, axis]
    second = pair.second.with_array(np.flip(pair.second.array, axis).copy())
    return replace(pair, second=second, there=to_world(pair.second.affine, index))


def blank(pair: Pair) -> Pair:
    return replace(pair, second=pair.second.with_array(np.full(pair.second.shape, 100.0)))


def noise(pair: Pair) -> Pair:
    array = np.abs(np.random.default_rng(0).normal(scale=100.0, size=pair.second.shape))
    return replace(pair, second=pair.second.with_array(array))


def smeared(pair: Pair, sigma_mm: float) -> Pair:
    """Return the pair with a follow-up blurred over a distance (standard deviation) in every direction."""
    array = ndimage.gaussian_filter(pair.second.array.astype(float), sigma_mm / pair.second.spacing_mm)
    return replace(pair, second=pair.second.with_array(array))


def ghosted(pair: Pair, share: float) -> Pair:
    """Return the pair with a follow-up of which a share went into five ghosts along the phase direction (head-foot)."""
    axis = axis_along(pair.second, UPRIGHT)
    array = pair.second.array.astype(float)
    step = pair.second.shape[axis] / 6
    ghosts = [np.roll(array, round(k * step), axis=axis) for k in range(1, 6)]
    rough = np.random.default_rng(1).normal(scale=0.1 * array.std(), size=array.shape)
    return replace(
        pair, second=pair.second.with_array(np.abs((1 - share) * array + share * np.mean(ghosts, axis=0) + rough))
    )


HARDER: dict[str, Callable[[Pair], Pair | None]] = {
    "double motion (9°, 14 mm)": lambda pair: posed(pair, tilt_degrees=9, turn_degrees=3, shift_mm=14),
    "offset 60 mm": lambda pair: posed(pair, shift_mm=60),
    "bent 4 mm more": bent,
    "axial slices of 4 mm": axial,
    "half overlap": half_overlap,
    "half overlap, 9°, bent": lambda pair: (
        (half := half_overlap(pair)) and bent(posed(half, tilt_degrees=9, turn_degrees=3, shift_mm=-40))
    ),
}
POORER: dict[str, Callable[[Pair], Pair | None]] = {
    "some motion: blur 2.5 mm": lambda pair: smeared(pair, 2.5),
    "some motion: half in ghosts": lambda pair: ghosted(pair, 0.5),
}
BROKEN: dict[str, Callable[[Pair], Pair | None]] = {
    "flipped left-right": flipped,
    "other spine region": lambda pair: beside(pair, FAR_MM),
    "one vertebra off": lambda pair: beside(pair, GAP_MM),
    "constant": blank,
    "noise": noise,
    "heavy motion: blur 5 mm": lambda pair: smeared(pair, 5.0),
    "heavy motion: all in ghosts": lambda pair: ghosted(pair, 5 / 6),
}
CUTS = ("axial slices of 4 mm", "other spine region", "one vertebra off", "half overlap", "half overlap, 9°, bent")
"""Kinds that not every pair is long, or thin, enough for."""


def axis_along(volume: Volume, world: int) -> int:
    """Return the array's axis that runs most along an axis of the world."""
    return int(np.argmax(np.abs(volume.affine[world, :3]) / volume.spacing_mm))


def _lesion_range_mm(pair: Pair) -> tuple[float, float]:
    """Return how far the lesion reaches along z in the follow-up, by the landmarks nearest to each of its ends."""
    if pair.lesion is None or not pair.lesion.array.any():
        middle = pair.there[:, 2].mean()
        return middle - 10.0, middle + 10.0
    points_mm = to_world(pair.lesion.affine, np.argwhere(pair.lesion.array))
    ends = [points_mm[np.argmin(points_mm[:, 2])], points_mm[np.argmax(points_mm[:, 2])]]
    moved = []
    for end in ends:
        nearest = np.argsort(np.linalg.norm(pair.here - end, axis=1))[:10]
        moved.append(float(end[2] + np.mean(pair.there[nearest, 2] - pair.here[nearest, 2])))
    return min(moved), max(moved)


def _height_mm(volume: Volume) -> tuple[float, float]:
    """Return the range along z of a scan's upright axis, measured at its middle."""
    middle = (np.array(volume.shape) - 1) / 2
    axis = axis_along(volume, UPRIGHT)
    ends = np.array([middle, middle])
    ends[0, axis], ends[1, axis] = -0.5, volume.shape[axis] - 0.5
    low, high = sorted(to_world(volume.affine, ends)[:, 2])
    return float(low), float(high)


def _cut(pair: Pair, low_mm: float, high_mm: float) -> Pair | None:
    """Return the pair with a follow-up that reaches from one height to another; None when little would be left."""
    volume = pair.second
    axis = axis_along(volume, UPRIGHT)
    middle = (np.array(volume.shape) - 1) / 2
    centres = np.repeat(middle[None], volume.shape[axis], axis=0)
    centres[:, axis] = np.arange(volume.shape[axis])
    heights = to_world(volume.affine, centres)[:, 2]
    kept = np.flatnonzero((heights >= low_mm) & (heights <= high_mm))
    if len(kept) * volume.spacing_mm[axis] < LEAST_SLAB_MM:
        return None
    affine = volume.affine.copy()
    affine[:3, 3] += kept[0] * volume.affine[:3, axis]
    second = Volume(np.take(volume.array, kept, axis=axis), affine)
    index = to_voxel(affine, pair.there)
    inside = np.all((index >= -0.5) & (index <= np.array(second.shape) - 0.5), axis=1)
    return replace(pair, second=second, here=pair.here[inside], there=pair.there[inside])
