"""The same lesion over time: matching connected pieces across visits in the reference space.

A lesion keeps its name (L1, L2...) for good: it is named where it is first seen, so that later visits never rename
it, and names given earlier can be handed in when an older visit turns up. What this module refuses: calling a
lesion resolved where the scan did not reach, or new where nobody had looked before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from pipeline.core.volume import Volume, same_grid, to_world

MIN_OVERLAP_RATIO = 0.1
"""Share of the smaller of two footprints that must overlap; less is touching, not the same lesion."""

LEAST_RIVAL_RATIO = 0.5
"""A piece may go to another lesion than the one it shares most with, if it shares this much of that. A proposal."""

MAX_GAP_MM = 5.0
"""Pieces beside a known lesion, this near (voxel centres), belong to it: alignment errs. A proposal."""

COVERED_RATIO = 0.95
"""Share of a lesion's last footprint that a scan must reach before it can say that the lesion is gone."""

UNPLACED = "unplaced"
"""Name of pieces without a voxel on the reference grid: they cannot be matched with anything."""


class LesionStatus(StrEnum):
    """What became of a lesion at a visit."""

    PERSISTENT = "persistent"  # seen here, and seen before or never looked for before
    NEW = "new"  # seen here first, though an earlier visit covered the place
    SPLIT = "split"  # seen in more pieces than when last seen
    MERGED = "merged"  # grown together with another lesion
    RESOLVED = "resolved"  # covered here and not seen
    NOT_ASSESSABLE = "not_assessable"  # not covered here


@dataclass(frozen=True, eq=False)
class VisitComponents:
    """The pieces of tumour of one visit, brought to the reference space.

    Attributes
    ----------
    labels
        Piece numbers on the reference grid, 0 outside, shape ``(I, J, K)``.
    volumes_mm3
        Piece number to its volume in the visit's own grid, mm³.
    coverage
        Boolean on the reference grid: what the visit's scan reached.
    """

    session_id: str
    labels: Volume
    volumes_mm3: Mapping[int, float]
    coverage: Volume


@dataclass(frozen=True)
class Sighting:
    """One lesion at one visit.

    Attributes
    ----------
    component_id
        Number of the piece; 0 where no piece was seen.
    volume_mm3
        In the visit's own grid; 0 when resolved, None when not assessable or counted with the lesion merged into.
    centre_mm
        RAS+ mm in the reference space; where it was last seen when it is not seen here.
    """

    session_id: str
    lesion_id: str
    component_id: int
    status: LesionStatus
    volume_mm3: float | None
    centre_mm: tuple[float, float, float] | None


@dataclass(frozen=True, eq=False)
class _Lesion:
    lesion_id: str
    voxels: NDArray[np.int64]  # flat indices of its last footprint on the reference grid
    centre_mm: tuple[float, float, float]
    piece_count: int = 1


@dataclass(frozen=True, eq=False)
class _Links:
    """Which lesion each piece belongs to, and which lesions each piece swallowed."""

    owner: dict[int, str] = field(default_factory=dict)
    swallowed: dict[int, list[str]] = field(default_factory=dict)


def link(visits: Sequence[VisitComponents], known: Sequence[Sighting] = ()) -> tuple[Sighting, ...]:
    """Follow each lesion through the visits.

    Pieces are matched by overlap with where each lesion was last seen, then by distance; one lesion may be many
    pieces and one piece may join several lesions. A lesion that reappears keeps its name.

    Parameters
    ----------
    visits
        In date order, all on one grid.
    known
        Sightings of an earlier run; their names are kept.

    Returns
    -------
    tuple of Sighting
        Every lesion at every visit from its first on, in visit order.

    Raises
    ------
    ValueError
        The visits lie on different grids.
    """
    names = map("L{}".format, count(1))
    lesions: dict[str, _Lesion] = {}
    seen_before = np.zeros(0, dtype=bool)
    found: list[Sighting] = []
    for visit in visits:
        if not same_grid(visit.labels, visits[0].labels) or not same_grid(visit.coverage, visits[0].labels):
            msg = f"{visit.session_id}: expected pieces and coverage on the grid of {visits[0].session_id}"
            raise ValueError(msg)
        if not seen_before.size:
            seen_before = np.zeros(visit.labels.array.size, dtype=bool)
        footprints = _footprints(visit)
        links = _match(footprints, lesions, visit.labels)
        found += _sightings(visit, footprints, links, lesions, names, seen_before)
        lesions = _updated(lesions, visit, footprints, found)
        seen_before |= visit.coverage.array.astype(bool).ravel()
    return _renamed(found, known)


def _renamed(found: Sequence[Sighting], known: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Give each lesion the name that an earlier run gave one of its pieces, and the others names still free."""
    given = {(s.session_id, s.component_id): s.lesion_id for s in known if s.component_id}
    names: dict[str, str] = {UNPLACED: UNPLACED}
    for sighting in found:
        earlier = given.get((sighting.session_id, sighting.component_id))
        if earlier is not None and sighting.lesion_id not in names and earlier not in names.values():
            names[sighting.lesion_id] = earlier
    used = {s.lesion_id for s in known}
    free = (name for name in map("L{}".format, count(1)) if name not in used)
    for sighting in found:
        if sighting.lesion_id not in names:
            names[sighting.lesion_id] = next(free)
    return tuple(replace(sighting, lesion_id=names[sighting.lesion_id]) for sighting in found)


def _footprints(visit: VisitComponents) -> dict[int, NDArray[np.int64]]:
    """Return the flat voxel indices of each piece that has any on the reference grid."""
    flat = visit.labels.array.ravel()
    inside = np.flatnonzero(flat)
    numbers = flat[inside]
    return {n: inside[numbers == n] for n in sorted(visit.volumes_mm3) if n in numbers}


def _match(footprints: Mapping[int, NDArray[np.int64]], lesions: Mapping[str, _Lesion], grid: Volume) -> _Links:
    links = _Links()
    shared = {number: _shared(voxels, lesions) for number, voxels in footprints.items()}
    first = _one_to_one(shared)
    for number, voxels in footprints.items():
        overlapping = sorted(shared[number], key=shared[number].__getitem__, reverse=True)
        owner = first.get(number) or next(iter(overlapping), None) or _nearest(voxels, lesions, grid)
        if owner is not None:
            links.owner[number] = owner
            links.swallowed[number] = [name for name in overlapping if name != owner]
    owners = set(links.owner.values())
    for number, names in links.swallowed.items():
        links.swallowed[number] = [name for name in names if name not in owners]
    return links


def _shared(voxels: NDArray[np.int64], lesions: Mapping[str, _Lesion]) -> dict[str, int]:
    """Return how many voxels a piece has in common with each lesion that it overlaps enough."""
    shared = {name: np.intersect1d(voxels, lesion.voxels, assume_unique=True).size for name, lesion in lesions.items()}
    least = {name: MIN_OVERLAP_RATIO * min(voxels.size, lesion.voxels.size) for name, lesion in lesions.items()}
    return {name: count for name, count in shared.items() if count >= least[name]}


def _one_to_one(shared: Mapping[int, Mapping[str, int]]) -> dict[int, str]:
    """Give lesions a piece each so that most voxels are shared in all: touching ones keep apart if they are displaced.

    Counted is what is shared, not its share of the lesion: a speck that a large tumour grew round would give it its
    name, and what was new of the speck would be said of the whole.
    """
    names = list(dict.fromkeys(name for found in shared.values() for name in found))
    counts = np.zeros((len(shared), len(names)))
    for row, found in enumerate(shared.values()):
        for name, common in found.items():
            if common >= LEAST_RIVAL_RATIO * max(found.values()):
                counts[row, names.index(name)] = common
    pairs = zip(*linear_sum_assignment(counts, maximize=True), strict=True)
    numbers = list(shared)
    return {numbers[row]: names[column] for row, column in pairs if counts[row, column]}


def _nearest(voxels: NDArray[np.int64], lesions: Mapping[str, _Lesion], grid: Volume) -> str | None:
    """Return the lesion nearest to a piece, if it is near enough."""
    if not lesions:
        return None
    tree = cKDTree(_positions_mm(voxels, grid))
    gaps_mm = {
        name: float(np.min(tree.query(_positions_mm(lesion.voxels, grid))[0])) for name, lesion in lesions.items()
    }
    name = min(gaps_mm, key=lambda n: gaps_mm[n])
    return name if gaps_mm[name] <= MAX_GAP_MM else None


def _positions_mm(voxels: NDArray[np.int64], grid: Volume) -> NDArray[np.float64]:
    return to_world(grid.affine, np.stack(np.unravel_index(voxels, grid.shape), axis=-1))


def _sightings(
    visit: VisitComponents,
    footprints: Mapping[int, NDArray[np.int64]],
    links: _Links,
    lesions: Mapping[str, _Lesion],
    names: Iterator[str],
    seen_before: NDArray[np.bool_],
) -> Iterator[Sighting]:
    pieces = Counter(links.owner.values())
    for number, voxels in footprints.items():
        owner = links.owner.get(number)
        volume_mm3, centre_mm = visit.volumes_mm3[number], _centre_mm(voxels, visit.labels)
        if owner is None:
            looked = seen_before[voxels].mean() >= COVERED_RATIO
            status = LesionStatus.NEW if looked else LesionStatus.PERSISTENT
            owner = next(names)
        else:
            status = _status(pieces[owner], lesions[owner], bool(links.swallowed.get(number)))
        yield Sighting(visit.session_id, owner, number, status, volume_mm3, centre_mm)
        for name in links.swallowed.get(number, ()):
            yield Sighting(visit.session_id, name, number, LesionStatus.MERGED, None, centre_mm)
    for number in sorted(set(visit.volumes_mm3) - set(footprints)):
        lost_mm3 = visit.volumes_mm3[number]
        yield Sighting(visit.session_id, UNPLACED, number, LesionStatus.NOT_ASSESSABLE, lost_mm3, None)
    yield from _unseen(visit, links, lesions)


def _status(piece_count: int, lesion: _Lesion, swallowed: bool) -> LesionStatus:
    if swallowed:
        return LesionStatus.MERGED
    return LesionStatus.SPLIT if piece_count > lesion.piece_count else LesionStatus.PERSISTENT


def _unseen(visit: VisitComponents, links: _Links, lesions: Mapping[str, _Lesion]) -> Iterator[Sighting]:
    """Say of each known lesion without a piece whether it is gone or out of view."""
    covered = visit.coverage.array.astype(bool).ravel()
    accounted = set(links.owner.values()) | {name for names in links.swallowed.values() for name in names}
    for name, lesion in lesions.items():
        if name in accounted:
            continue
        reached = covered[lesion.voxels].mean() >= COVERED_RATIO
        status, volume_mm3 = (LesionStatus.RESOLVED, 0.0) if reached else (LesionStatus.NOT_ASSESSABLE, None)
        yield Sighting(visit.session_id, name, 0, status, volume_mm3, lesion.centre_mm)


def _updated(
    lesions: Mapping[str, _Lesion],
    visit: VisitComponents,
    footprints: Mapping[int, NDArray[np.int64]],
    found: Sequence[Sighting],
) -> dict[str, _Lesion]:
    """Remember where each lesion was last seen; a swallowed one goes on as part of the other.

    What the scan did not reach of a lesion stays part of its place: of a lesion that one scan showed cut off, a second
    one as short cannot say that it is gone.
    """
    own = [s for s in found if s.session_id == visit.session_id and s.component_id in footprints]
    gone = {s.lesion_id for s in own if s.volume_mm3 is None}
    kept = {name: lesion for name, lesion in lesions.items() if name not in gone}
    covered = visit.coverage.array.astype(bool).ravel()
    for name in dict.fromkeys(s.lesion_id for s in own if s.volume_mm3 is not None):
        numbers = [s.component_id for s in own if s.lesion_id == name]
        earlier = [lesions[n].voxels for n in {s.lesion_id for s in own if s.component_id in numbers} if n in lesions]
        unreached = [voxels[~covered[voxels]] for voxels in earlier]
        voxels = np.unique(np.concatenate([*(footprints[number] for number in numbers), *unreached]))
        kept[name] = _Lesion(name, voxels, _centre_mm(voxels, visit.labels), len(numbers))
    return kept


def _centre_mm(voxels: NDArray[np.int64], grid: Volume) -> tuple[float, float, float]:
    x, y, z = _positions_mm(voxels, grid).mean(axis=0)
    return float(x), float(y), float(z)
