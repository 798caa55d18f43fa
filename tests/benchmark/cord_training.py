"""``python -m tests.benchmark.cord_training OUT.npz``: make the packaged network of ``pipeline/cord`` again.

Real scans with known cords (``../shared``) are shown turned, scaled, mirrored, cropped, thickened, noisy and with their
signal re-mapped at random, so that no contrast is learnt by name; noise, made-up limbs and (if given) a brain are shown
as places without a cord. After a first pass, the places that were wrongly believed are shown again. :data:`HELD_BACK`
are people that no training has seen: figures on them are honest.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.cord.surroundings import brightness, padded, samples_at, upright
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.files import images
from tests.benchmark.cord_truth import KnownCord, densified, known_cords, visits_with_cords

HELD_BACK = ("bentjunction", "9669")
"""Names of people that are never trained on; their second scans and visits neither."""

MIDDLE_MM, NOT_CORD_MM = 2.2, 7.0
"""Deviation of what counts as the middle, and from where on nothing does, mm."""

HIDDEN = (40, 20)
BATCH, FIRST_EPOCHS, SECOND_EPOCHS = 1024, 8, 13
ROUNDS = 3
"""Twice as many variants are shown of a scan and four times as many of the one T1w scan; visits of the one lower spine
are shown so often too, of other series once."""

LIMBS, NOISES = 110, 24
"""Made-up limbs and noises shown in each pass; bones with bright marrow look most like a cord."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Samples ``(N, inputs)`` and how much each is a cord's middle, 0 to 1, ``(N,)``."""

    samples: NDArray[np.float32]
    middle: NDArray[np.float32]


Network = list[NDArray[np.float32]]
Belief = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def remapped(array: NDArray, rng: np.random.Generator) -> NDArray:
    """Return intensities between 0 and 1 through a random curve: brighter, turned over like T1w, or anything."""
    scaled = np.clip(array / np.percentile(array, 99.5), 0, 1.3)
    kind = rng.random()
    if kind < 0.35:
        return scaled ** rng.uniform(0.6, 1.6)
    knots = np.array([0, 0.12, 0.3, 0.5, 0.75, 1.3])
    if kind < 0.55:
        levels = np.maximum(np.array([0, 0.8, 0.65, 0.45, 0.2, 0.05]) + rng.normal(0, 0.08, 6), [0, -1, -1, -1, -1, -1])
    else:
        levels = rng.random(6) * np.array([0.4, 1, 1, 1, 1, 1])
    return np.interp(scaled, knots, levels)


def _thickened(array: NDArray, axis: int, count: int) -> NDArray:
    """Average every ``count`` slices, as a thick slice would."""
    length = array.shape[axis] // count * count
    kept = np.take(array, np.arange(length), axis=axis)
    return np.repeat(np.add.reduceat(kept, np.arange(0, length, count), axis=axis) / count, count, axis=axis)


def _disturbed(array: NDArray, spacing_mm: NDArray, rng: np.random.Generator) -> NDArray:
    """Add noise and a slowly changing gain."""
    noise = ndimage.gaussian_filter(rng.normal(size=array.shape), 0.4 / spacing_mm)
    noisy = np.abs(array + noise / noise.std() * rng.uniform(0, 0.08))
    for axis, length in enumerate(array.shape):
        ramp = np.exp(rng.uniform(-0.5, 0.5) * np.linspace(-1, 1, length))
        noisy = noisy * ramp.reshape([-1 if n == axis else 1 for n in range(3)])
    return noisy


def _pose(rng: np.random.Generator) -> NDArray:
    """Return a random turn, scale and left-right mirror, shape ``(4, 4)``."""
    matrix = np.eye(3)
    for axis, spread in enumerate((0.16, 0.06, 0.08)):
        angle = rng.normal(0, spread)
        i, j = (n for n in range(3) if n != axis)
        turn = np.eye(3)
        turn[[i, j, i, j], [i, j, j, i]] = (np.cos(angle), np.cos(angle), -np.sin(angle), np.sin(angle))
        matrix = matrix @ turn
    size = rng.uniform(0.88, 1.18) * rng.uniform(0.95, 1.05, 3) * np.array([rng.choice([-1, 1]), 1, 1])
    pose = np.eye(4)
    pose[:3, :3] = matrix @ np.diag(size)
    return pose


def varied(scan: Volume, centres_mm: NDArray | None, rng: np.random.Generator) -> tuple[Volume, NDArray | None]:
    """Return a scan as another scanner, plane and person would give it, with its centre line."""
    array, affine, spacing_mm = remapped(scan.array, rng), scan.affine, scan.spacing_mm
    across, along = (int(np.argmax(np.abs(affine[row, :3]) / spacing_mm)) for row in (0, 2))
    kind = rng.random()
    if kind < 0.35 and spacing_mm[across] < 2:
        array = _thickened(array, across, max(1, int(rng.uniform(2.5, 4) / spacing_mm[across])))
    elif kind < 0.6 and spacing_mm[along] < 2:
        array = _thickened(array, along, max(1, int(rng.uniform(3, 5) / spacing_mm[along])))
    array = _disturbed(array, spacing_mm, rng)
    if centres_mm is not None and rng.random() < 0.3 and array.shape[across] * spacing_mm[across] > 30:
        middle = to_voxel(affine, centres_mm)[:, across].mean() + rng.normal(0, 3)
        half = rng.uniform(9, 22) / spacing_mm[across]
        first, last = int(max(middle - half, 0)), int(min(middle + half, array.shape[across]))
        if last - first > 6 / spacing_mm[across]:
            array = np.take(array, np.arange(first, last), axis=across)
            moved = np.eye(4)
            moved[across, 3] = first
            affine = affine @ moved
    pose = _pose(rng)
    return Volume(array, pose @ affine), None if centres_mm is None else centres_mm @ pose[:3, :3].T


def examples_of(
    scan: Volume, centres_mm: NDArray | None, count: tuple[int, int], belief: Belief | None, rng: np.random.Generator
) -> Examples:
    """Return places in and away from the cord; with a belief, half of those away are the ones it is most wrong on.

    Parameters
    ----------
    centres_mm
        Centre line; None where the scan shows no cord. Slices beyond its ends are not used: nobody says what is there.
    count
        Places near the cord and away from it.
    """
    look = upright(scan)
    array, bright = padded(look), brightness(look)
    points = np.argwhere(look.known)
    away_mm = np.full(len(points), 99.0)
    if centres_mm is not None:
        places_mm = to_world(look.volume.affine, points)
        heights = centres_mm[:, 2]
        is_told = (places_mm[:, 2] >= heights.min()) & (places_mm[:, 2] <= heights.max())
        points = points[is_told]
        away_mm = cKDTree(densified(centres_mm)).query(places_mm[is_told])[0]
    near, away = np.flatnonzero(away_mm < NOT_CORD_MM), np.flatnonzero(away_mm >= NOT_CORD_MM)
    picked = [rng.choice(near, min(count[0], len(near)), replace=False)]
    wanted = count[1]
    if belief is not None and len(away):
        offered = rng.choice(away, min(30_000, len(away)), replace=False)
        worst = np.argsort(-belief(samples_at(array, points[offered], bright)[0]))[: wanted // 2]
        picked.append(offered[worst])
        wanted -= wanted // 2
    picked.append(rng.choice(away, min(wanted, len(away)), replace=False))
    chosen = np.concatenate(picked).astype(int)
    samples, is_flat = samples_at(array, points[chosen], bright)
    middle = np.exp(-(away_mm[chosen] ** 2) / (2 * MIDDLE_MM**2)) * (away_mm[chosen] < NOT_CORD_MM)
    return Examples(samples[~is_flat].astype(np.float32), middle[~is_flat].astype(np.float32))


def limb(rng: np.random.Generator) -> Volume:
    """Return a made-up limb: fat around muscle, and up to two bones with dark walls and bright marrow."""
    shape = (90, 90, 40)
    x, y, z = np.meshgrid(
        *[np.linspace(-half, half, n) for n, half in zip(shape, (67, 67, 60), strict=True)], indexing="ij"
    )
    array, radius = np.zeros(shape), rng.uniform(30, 65)
    out = np.hypot(x * rng.uniform(0.8, 1.2), y)
    array[out < radius] = 0.9
    array[out < radius - rng.uniform(3, 12)] = rng.uniform(0.3, 0.8)
    for _ in range(rng.integers(0, 3)):
        side, front = rng.uniform(-0.4, 0.4, 2) * radius
        off, wall = np.hypot(x - side - z * rng.normal(0, 0.1), y - front), rng.uniform(5, 16)
        array[off < wall] = rng.uniform(0, 0.15)
        array[off < wall * rng.uniform(0.4, 0.85)] = rng.uniform(0.5, 1)
    array += 0.25 * ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    return Volume(array.astype(np.float32), np.diag([1.5, 1.5, 3.0, 1.0]))


def smooth_noise(rng: np.random.Generator) -> Volume:
    """Return noise of a random grain."""
    grain = rng.uniform(0, 4)
    array = ndimage.gaussian_filter(rng.normal(size=(60, 60, 40)), (grain, grain, grain / 2 * rng.choice([0.5, 1, 3])))
    return Volume((array / array.std() + rng.choice([0, 3, 6])).astype(np.float32), np.diag([1.5, 1.5, 3.0, 1.0]))


def _joined(parts: list[Examples]) -> Examples:
    return Examples(np.concatenate([p.samples for p in parts]), np.concatenate([p.middle for p in parts]))


def all_examples(
    cords: list[tuple[KnownCord, int]], brain: Volume | None, belief: Belief | None, rng: np.random.Generator
) -> Examples:
    """Return examples of every scan, each in so many variants, and of what holds no cord."""
    parts = []
    for cord, variants in cords:
        scan = images.load(cord.scan)
        for number in range(variants):
            seen, centres_mm = varied(scan, cord.centres_mm, rng) if number else (scan, cord.centres_mm)
            parts.append(examples_of(seen, centres_mm, (900, 1800), belief, rng))
    for number in range(LIMBS):
        one = limb(rng)
        one = one.with_array(remapped(one.array, rng)) if number % 3 == 0 else one
        parts.append(examples_of(one, None, (0, 2400 if belief else 900), belief, rng))
    for number in range(NOISES):
        without = [smooth_noise(rng)]
        if brain is not None:
            without.append(varied(brain, None, rng)[0] if number % 2 else brain)
        parts += [examples_of(scan, None, (0, 1500), belief, rng) for scan in without]
    return _joined(parts)


def forward(network: Network, samples: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray]:
    """Return what the network says of samples, 0 to 1, and its two hidden layers."""
    first = np.maximum(samples @ network[0] + network[1], 0)
    second = np.maximum(first @ network[2] + network[3], 0)
    return 1 / (1 + np.exp(-(second @ network[4] + network[5])))[:, 0], first, second


def fitted(examples: Examples, epochs: int, network: Network | None, rng: np.random.Generator) -> Network:
    """Fit by Adam on cross-entropy, with a little noise on the samples and a small price on weights."""
    inputs = examples.samples.shape[1]
    if network is None:
        sizes = [(inputs, HIDDEN[0]), HIDDEN, (HIDDEN[1], 1)]
        network = [a for size in sizes for a in (rng.normal(0, np.sqrt(2 / size[0]), size), np.zeros(size[1]))]
    network = [array.astype(np.float32) for array in network]
    mean, square = [np.zeros_like(a) for a in network], [np.zeros_like(a) for a in network]
    batches, step = len(examples.middle) // BATCH, 0
    for _ in range(epochs):
        order = rng.permutation(len(examples.middle))
        for batch in range(batches):
            rows = order[batch * BATCH : (batch + 1) * BATCH]
            samples = examples.samples[rows] + np.float32(0.08) * rng.standard_normal((BATCH, inputs), dtype=np.float32)
            slopes = _slopes(network, samples, examples.middle[rows])
            step += 1
            rate = 2.5e-3 * (1 - step / (epochs * batches + 1)) + 1e-5
            for n, slope in enumerate(slopes):
                mean[n] = 0.9 * mean[n] + 0.1 * slope
                square[n] = 0.999 * square[n] + 0.001 * slope**2
                network[n] = network[n] - rate * (mean[n] / (1 - 0.9**step)) / (
                    np.sqrt(square[n] / (1 - 0.999**step)) + 1e-8
                )
    return network


def _slopes(network: Network, samples: NDArray[np.float32], middle: NDArray[np.float32]) -> Network:
    said, first, second = forward(network, samples)
    last = ((said - middle) / len(middle))[:, None].astype(np.float32)
    hidden = (last @ network[4].T) * (second > 0)
    outer = (hidden @ network[2].T) * (first > 0)
    slopes = [samples.T @ outer, outer.sum(0), first.T @ hidden, hidden.sum(0), second.T @ last, last.sum(0)]
    return [slope + (2e-4 * network[n] if n % 2 == 0 else 0) for n, slope in enumerate(slopes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--brain", type=Path, help="a scan of a head without a cord, shown as such")
    arguments = parser.parse_args()
    rng = np.random.default_rng(7)
    brain = images.load(arguments.brain) if arguments.brain else None
    cords = [(cord, (4 if "t1w" in cord.name else 2) * ROUNDS) for cord in known_cords() if cord.is_first_scan]
    cords += [
        (cord, ROUNDS if "thoracolumbar" in cord.name else 1) for cord in visits_with_cords("135", "123")
        if cord.name.endswith(("1", "3")) or "thoracolumbar" in cord.name
    ]  # fmt: skip
    cords = [(cord, n) for cord, n in cords if not any(name in cord.name for name in HELD_BACK)]
    examples = all_examples(cords, brain, None, rng)
    network = fitted(examples, FIRST_EPOCHS, None, rng)
    again = all_examples(cords, brain, lambda samples: forward(network, samples)[0], rng)
    network = fitted(_joined([examples, again]), SECOND_EPOCHS, network, rng)
    names = ("weights_0", "offsets_0", "weights_1", "offsets_1", "weights_2", "offsets_2")
    np.savez_compressed(arguments.out, **dict(zip(names, network, strict=True)))


if __name__ == "__main__":
    main()
