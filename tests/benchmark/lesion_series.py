"""Made-up series of lesions whose identity at every visit is known, and the alignment's error that hides it.

A cord of 200 mm holds up to four lesions. From visit to visit each grows or shrinks, vanishes, comes back, falls apart
in two or grows into its neighbour; new ones appear, and a visit's scan may end in the middle of the cord.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core import records
from pipeline.core.transform import Transform
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, to_voxel, voxel_centres_mm
from pipeline.measure import volumes
from pipeline.run.steps.visit_work import AlignedVisit, MaskedVisit, ScannedVisit
from pipeline.study.scans import ScanFile
from pipeline.study.visits import StudyVisit

HALF_CORD_MM = 100.0
VISITS = 6
ISOTROPIC, SAGITTAL = (1.0, 1.0, 1.0), (3.3, 0.8, 0.8)
WIDEST_MM = 7.0
"""Half-axis across the cord that no lesion outgrows, mm."""
CLEAR_MM = 8.0
"""A new lesion appears at least this far from every place where one ever was, mm; nearer, nobody can tell."""
STRETCH_MM = 12.0
"""A lesion grows into a neighbour at most this far away, mm."""
CAPTURED = 0.2
"""A lesion is in a drawn piece when the piece holds this share of its voxels."""


@dataclass(frozen=True)
class Part:
    """One ellipsoid: middle and half-axes, mm."""

    middle: tuple[float, float, float]
    half: tuple[float, float, float]

    def scaled(self, factor: float) -> Part:
        """The same place with another volume."""
        length = factor ** (1 / 3)
        x, y, z = (axis * length for axis in self.half)
        return replace(self, half=(min(x, WIDEST_MM), min(y, WIDEST_MM), z))

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end along the cord, mm."""
        return self.middle[2] - self.half[2], self.middle[2] + self.half[2]


Lesions = dict[str, tuple[Part, ...]]
"""True name to what there is of it at one visit; nothing of it: it has vanished."""


@dataclass(frozen=True, eq=False)
class SeenVisit:
    """One visit as the program gets it, and what is true of it.

    Attributes
    ----------
    pieces
        Number of each drawn piece to the true lesions in it.
    covered
        Whether the scan reaches the place of each lesion known so far: where it is or was last.
    first_looked
        Whether any earlier scan had reached the place of a lesion that is here for the first time.
    """

    read: ScannedVisit
    masked: MaskedVisit
    aligned: AlignedVisit
    pieces: dict[int, frozenset[str]]
    covered: dict[str, bool]
    first_looked: dict[str, bool]
    labels: Volume


def series(seed: int, error_mm: float, spacing_mm: tuple[float, float, float]) -> list[SeenVisit]:
    """Make one series; the first visit is the reference."""
    rng = np.random.default_rng([seed, 71])
    seen: list[SeenVisit] = []
    last: dict[str, tuple[Part, ...]] = {}
    reached: list[tuple[float, float]] = []
    for number, lesions in enumerate(_stories(rng)):
        low, high = _field_of_view(rng, number)
        grid = _grid(spacing_mm, low, high, rng)
        last |= {name: parts for name, parts in lesions.items() if parts}
        covered = {name: _is_within(parts, low, high) for name, parts in last.items()}
        looked = {name: any(_is_within(parts, *view) for view in reached) for name, parts in last.items()}
        seen.append(_visit(number, grid, lesions, (covered, looked), _error(rng, error_mm if number else 0.0)))
        reached.append((low, high))
    return seen


def _stories(rng: np.random.Generator) -> Iterator[Lesions]:
    """Tell the lesions of one visit after the other."""
    lesions: Lesions = {}
    ever: dict[str, list[Part]] = {}
    for number in range(VISITS):
        for name in list(lesions):
            lesions[name] = _changed(lesions, name, ever[name][-1], rng)
        if number == 0 or rng.uniform() < 0.25:
            for _ in range(int(rng.integers(1, 4)) if number == 0 else 1):
                _appear(lesions, [part for parts in ever.values() for part in parts], rng)
        for name, parts in lesions.items():
            ever.setdefault(name, []).extend(parts)
        yield dict(lesions)


def _changed(lesions: Lesions, name: str, last: Part, rng: np.random.Generator) -> tuple[Part, ...]:
    parts = lesions[name]
    chance = rng.uniform()
    if not parts:
        return (last.scaled(0.6),) if chance < 0.3 else ()
    if chance < 0.08:
        return ()
    if chance < 0.2 and len(parts) == 1 and parts[0].half[2] >= 6:
        return _fallen_apart(parts[0], rng)
    if chance < 0.35:
        return _grown_into_a_neighbour(lesions, name)
    return tuple(part.scaled(float(rng.uniform(0.6, 1.6))) for part in parts)


def _fallen_apart(part: Part, rng: np.random.Generator) -> tuple[Part, Part]:
    gap, (low, high) = float(rng.uniform(2, 6)), part.ends
    half = (high - low - gap) / 4
    across, front, _ = part.half
    x, y, _ = part.middle
    lower, upper = low + half, high - half
    return Part((x, y, lower), (across, front, half)), Part((x, y, upper), (across, front, half))


def _grown_into_a_neighbour(lesions: Lesions, name: str) -> tuple[Part, ...]:
    """Stretch towards the nearest other lesion until the two overlap, if it is near enough."""
    parts = lesions[name]
    others = [other for key, found in lesions.items() if key != name for other in found]
    for other in sorted(others, key=lambda other: abs(other.middle[2] - parts[0].middle[2])):
        up = other.middle[2] > parts[0].middle[2]
        facing, own = (other.ends[0], max(p.ends[1] for p in parts)) if up else (
            other.ends[1], min(p.ends[0] for p in parts))  # fmt: skip
        if abs(facing - own) > STRETCH_MM:
            break
        foot, head = (min(p.ends[0] for p in parts), facing + 2) if up else (facing - 2, max(p.ends[1] for p in parts))
        x, y, _ = parts[0].middle
        return (Part((x, y, (foot + head) / 2), (*parts[0].half[:2], (head - foot) / 2)),)
    return parts


def _appear(lesions: Lesions, ever: list[Part], rng: np.random.Generator) -> None:
    """Put a lesion clear of all that were ever there, if a place is found."""
    half = (float(rng.uniform(2.5, 5)), float(rng.uniform(2.5, 5)), float(rng.uniform(3, 14)))
    for _ in range(20):
        middle = (float(rng.uniform(-2, 2)), float(rng.uniform(-2, 2)), float(rng.uniform(-85, 85)))
        new = Part(middle, half)
        parts = [*ever, *(part for found in lesions.values() for part in found)]
        if all(max(new.ends[0] - part.ends[1], part.ends[0] - new.ends[1]) >= CLEAR_MM for part in parts):
            lesions[f"lesion {len(lesions) + 1}"] = (new,)
            return


def _field_of_view(rng: np.random.Generator, number: int) -> tuple[float, float]:
    if number == 0 or rng.uniform() < 0.75:
        return -HALF_CORD_MM - 10, HALF_CORD_MM + 10
    cut = float(rng.uniform(-60, 60))
    return (cut, HALF_CORD_MM + 10) if rng.uniform() < 0.5 else (-HALF_CORD_MM - 10, cut)


def _grid(spacing_mm: tuple[float, float, float], low: float, high: float, rng: np.random.Generator) -> Volume:
    lengths = np.array([20.0, 20.0, high - low])
    shape = tuple(int(np.ceil(length / step)) for length, step in zip(lengths, spacing_mm, strict=True))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = np.array([-10.0, -10.0, low]) + rng.uniform(0, 1, 3) * spacing_mm
    return Volume(np.zeros(shape, dtype=np.float32), affine)


def _error(rng: np.random.Generator, error_mm: float) -> NDArray[np.float64]:
    direction = rng.normal(size=3)
    return np.asarray(error_mm * direction / np.linalg.norm(direction))


def _is_within(parts: tuple[Part, ...], low: float, high: float) -> bool:
    return bool(parts) and min(part.ends[0] for part in parts) >= low and max(part.ends[1] for part in parts) <= high


def _visit(
    number: int,
    grid: Volume,
    lesions: Lesions,
    known: tuple[dict[str, bool], dict[str, bool]],
    error: NDArray[np.float64],
) -> SeenVisit:
    name = f"ses-{number + 1:02d}"
    own = {key: _drawn(grid, parts) for key, parts in lesions.items() if parts}
    drawn = grid.with_array(np.any([*own.values(), np.zeros(grid.shape, dtype=bool)], axis=0))
    labels, numbers = volumes.components(drawn)
    pieces = {piece: frozenset(_within(labels, piece, own)) for piece in numbers}
    there, back = np.eye(4), np.eye(4)
    there[:3, 3], back[:3, 3] = error, -error
    aligned = AlignedVisit(
        name, Transform("reference", name, back), Transform(name, "reference", there), "x", _grade_a(name)
    )
    anchor = ScanFile(Path("x"), f"{name}_T2w.nii.gz", "sub-x", name, "T2w")
    day = date(2020, 1, 1) + timedelta(days=180 * number)
    read = ScannedVisit(StudyVisit("sub-x", name, day, (anchor,), ()), "usable", None, anchor, grid, (), ())
    masked = MaskedVisit(name, MaskOrigin.MANUAL, {"reader": {Compartment.TUMOUR: drawn}}, source="reader")
    return SeenVisit(read, masked, aligned, pieces, *known, labels)


def _drawn(grid: Volume, parts: tuple[Part, ...]) -> NDArray[np.bool_]:
    """Fill the voxels of which at least half lies inside, sampled at 3 x 3 x 3 points each."""
    low = to_voxel(grid.affine, np.min([np.subtract(p.middle, p.half) for p in parts], axis=0))
    high = to_voxel(grid.affine, np.max([np.add(p.middle, p.half) for p in parts], axis=0))
    box = tuple(
        slice(max(int(a) - 1, 0), min(max(int(b) + 3, 0), n)) for a, b, n in zip(low, high, grid.shape, strict=True)
    )
    found = np.zeros(grid.shape, dtype=bool)
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    centres = voxel_centres_mm(Volume(found[box], affine))
    inside = np.zeros(found[box].shape)
    for shift in np.ndindex(3, 3, 3):
        points = centres + (np.array(shift) - 1) / 3 * grid.spacing_mm
        inside += np.any([(((points - p.middle) / p.half) ** 2).sum(axis=-1) < 1 for p in parts], axis=0)
    found[box] = inside >= 27 / 2
    return found


def _within(labels: Volume, piece: int, own: dict[str, NDArray[np.bool_]]) -> Iterator[str]:
    here = labels.array == piece
    for name, array in own.items():
        shared = np.count_nonzero(array & here)
        if shared and (shared >= CAPTURED * np.count_nonzero(array) or shared >= CAPTURED * np.count_nonzero(here)):
            yield name


def _grade_a(name: str) -> records.Registration:
    return records.Registration(
        "sub-x", name, "a", "b", "visit_to_reference", "m", "A", "", None, None, None, None, None, None, None, "0", "s"
    )
