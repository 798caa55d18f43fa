"""The same lesion over time: matching connected pieces across visits in the reference space.

A lesion keeps its name (L1, L2...) for good: pieces that bear one already are handed in with it, whatever visits were
added, taken away or drawn anew since. What this module refuses: calling a lesion resolved where the scan did not reach
or where it was never large enough to be missed, and calling one new where nobody had looked before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from pipeline.core.piece_names import PiecePlace
from pipeline.core.volume import Volume, same_grid, to_world

MIN_OVERLAP_RATIO = 0.1
"""Share of the smaller of two footprints that must overlap; less is touching, not the same lesion."""

LEAST_RIVAL_RATIO = 0.5
"""A piece may go to another lesion than the one it shares most with, if it shares this much of that. A proposal."""

MAX_GAP_MM = 5.0
"""Pieces beside a known lesion, this near (voxel centres), belong to it: alignment errs. A proposal."""

COVERED_RATIO = 0.95
"""Share of a lesion's last footprint that a scan must reach before it can say that the lesion is gone."""

NEW_LESION_MM3 = 65.4
"""Volume of a 5 mm sphere, the smallest that is called a new lesion by itself, and that is missed where it is not seen,
mm³; a proposal."""

OUT_OF_VIEW = "outside the scan's field of view"
TOO_SMALL = "not seen, and never large enough that its absence could be told from being overlooked"
WITHIN_ANOTHER = "grown together with {}, and measured with it"
NOWHERE = "without a place in the reference space, so that nothing can be said of its identity"

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
    places
        Piece number to what it is told by; empty where no name has to be kept.
    """

    session_id: str
    labels: Volume
    volumes_mm3: Mapping[int, float]
    coverage: Volume
    places: Mapping[int, PiecePlace] = field(default_factory=dict)


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
    reason
        Why there is no volume, in words; None where there is one.
    """

    session_id: str
    lesion_id: str
    component_id: int
    status: LesionStatus
    volume_mm3: float | None
    centre_mm: tuple[float, float, float] | None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class _Lesion:
    lesion_id: str
    voxels: NDArray[np.int64]  # flat indices of its last footprint on the reference grid
    centre_mm: tuple[float, float, float]
    piece_count: int = 1
    largest_mm3: float = 0.0  # that it ever was


@dataclass(frozen=True, eq=False)
class _Links:
    """Which lesion each piece belongs to, and which lesions each piece swallowed."""

    owner: dict[int, str] = field(default_factory=dict)
    swallowed: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Story:
    """What is known of the lesions before a visit.

    ``lesions`` holds those followed, ``later`` those that bear a name only from a later visit on, ``ever`` the names of
    all that were seen; ``seen_before`` is what any scan so far reached.
    """

    lesions: dict[str, _Lesion]
    later: Mapping[str, _Lesion]
    ever: frozenset[str]
    seen_before: NDArray[np.bool_]


def link(
    visits: Sequence[VisitComponents],
    names: Mapping[tuple[str, int], str] = MappingProxyType({}),
    taken: frozenset[str] = frozenset(),
) -> tuple[Sighting, ...]:
    """Follow each lesion through the visits.

    A piece that bears a name keeps it. Others are matched by overlap with where each lesion was last seen, then by
    distance, and at last with lesions that are named at a later visit only; one lesion may be many pieces and one piece
    may join several lesions. A lesion that reappears keeps its name.

    Parameters
    ----------
    visits
        In date order, all on one grid.
    names
        Session and number of a piece to the name it was given before (``lesion_naming.names_of_pieces``).
    taken
        Names that a new lesion cannot have.

    Returns
    -------
    tuple of Sighting
        Every lesion at every visit from its first on, in visit order.

    Raises
    ------
    ValueError
        The visits lie on different grids.
    """
    used = {*names.values(), *taken}
    free = (name for name in map("L{}".format, count(1)) if name not in used)
    lesions: dict[str, _Lesion] = {}
    seen_before = np.zeros(visits[0].labels.array.size if visits else 0, dtype=bool)
    sightings: list[Sighting] = []
    for place, visit in enumerate(visits):
        if not same_grid(visit.labels, visits[0].labels) or not same_grid(visit.coverage, visits[0].labels):
            msg = f"{visit.session_id}: expected pieces and coverage on the grid of {visits[0].session_id}"
            raise ValueError(msg)
        footprints = _footprints(visit)
        named = {
            number: names[visit.session_id, number] for number in footprints if (visit.session_id, number) in names
        }
        ever = frozenset(sighting.lesion_id for sighting in sightings)
        later = _named_later(visits[place + 1 :], names, ever | set(named.values()))
        story = _Story(lesions, later, ever, seen_before)
        links = _match(footprints, story, visit.labels, named)
        for number in footprints:
            if number not in links.owner:
                links.owner[number] = next(free)
        sightings += _sightings(visit, footprints, links, story)
        lesions = _updated(lesions, visit, footprints, sightings)
        seen_before |= visit.coverage.array.astype(bool).ravel()
    return tuple(sightings)


def _named_later(
    visits: Sequence[VisitComponents], names: Mapping[tuple[str, int], str], seen_before: frozenset[str]
) -> dict[str, _Lesion]:
    """Return where lesions that nobody has seen so far are when they first bear their name."""
    first_seen: dict[str, _Lesion] = {}
    for visit in visits:
        here: dict[str, list[NDArray[np.int64]]] = {}
        for number, voxels in _footprints(visit).items():
            name = names.get((visit.session_id, number))
            if name is not None and name not in seen_before and name not in first_seen:
                here.setdefault(name, []).append(voxels)
        for name, pieces in here.items():
            voxels = np.unique(np.concatenate(pieces))
            first_seen[name] = _Lesion(name, voxels, _centre_mm(voxels, visit.labels))
    return first_seen


def _footprints(visit: VisitComponents) -> dict[int, NDArray[np.int64]]:
    """Return the flat voxel indices of each piece that has any on the reference grid."""
    flat = visit.labels.array.ravel()
    inside = np.flatnonzero(flat)
    numbers = flat[inside]
    return {n: inside[numbers == n] for n in sorted(visit.volumes_mm3) if n in numbers}


def _match(
    footprints: Mapping[int, NDArray[np.int64]], story: _Story, grid: Volume, named: Mapping[int, str]
) -> _Links:
    """Find which lesion each piece belongs to; pieces that belong to none are left out."""
    links = _Links(dict(named))
    shared = {number: _shared(voxels, story.lesions) for number, voxels in footprints.items()}
    unnamed = {number: voxels for number, voxels in footprints.items() if number not in named}
    rest = {name: lesion for name, lesion in story.lesions.items() if name not in named.values()}
    first = _one_to_one({number: _shared(voxels, rest) for number, voxels in unnamed.items()})
    for number, voxels in unnamed.items():
        overlapping = _by_share(shared[number])
        owner = first.get(number) or next(iter(overlapping), None) or _nearest(voxels, story.lesions, grid)
        if owner is not None:
            links.owner[number] = owner
    unknown = {number: voxels for number, voxels in unnamed.items() if number not in links.owner}
    ahead = _one_to_one({number: _shared(voxels, story.later) for number, voxels in unknown.items()})
    for number, voxels in unknown.items():
        owner = ahead.get(number) or next(iter(_by_share(_shared(voxels, story.later))), None)
        owner = owner or _nearest(voxels, story.later, grid)
        if owner is not None:
            links.owner[number] = owner
    owners = set(links.owner.values())
    for number in links.owner:
        links.swallowed[number] = [name for name in _by_share(shared[number]) if name not in owners]
    return links


def _by_share(shared: Mapping[str, int]) -> list[str]:
    """Return the lesions that a piece overlaps, the one it shares most with first."""
    return sorted(shared, key=shared.__getitem__, reverse=True)


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
    names = list(dict.fromkeys(name for counts_of_piece in shared.values() for name in counts_of_piece))
    counts = np.zeros((len(shared), len(names)))
    for row, counts_of_piece in enumerate(shared.values()):
        for name, common in counts_of_piece.items():
            if common >= LEAST_RIVAL_RATIO * max(counts_of_piece.values()):
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
    visit: VisitComponents, footprints: Mapping[int, NDArray[np.int64]], links: _Links, story: _Story
) -> Iterator[Sighting]:
    pieces = Counter(links.owner.values())
    for number, voxels in footprints.items():
        owner, swallowed = links.owner[number], links.swallowed.get(number, [])
        volume_mm3, centre_mm = visit.volumes_mm3[number], _centre_mm(voxels, visit.labels)
        status = _status(owner, pieces[owner], voxels, story, swallowed=bool(swallowed))
        yield Sighting(visit.session_id, owner, number, status, volume_mm3, centre_mm)
        for name in swallowed:
            why = WITHIN_ANOTHER.format(owner)
            yield Sighting(visit.session_id, name, number, LesionStatus.MERGED, None, centre_mm, why)
    for number in sorted(set(visit.volumes_mm3) - set(footprints)):
        lost_mm3 = visit.volumes_mm3[number]
        yield Sighting(visit.session_id, UNPLACED, number, LesionStatus.NOT_ASSESSABLE, lost_mm3, None, NOWHERE)
    yield from _unseen(visit, links, story.lesions)


def _status(owner: str, piece_count: int, voxels: NDArray[np.int64], story: _Story, *, swallowed: bool) -> LesionStatus:
    if swallowed:
        return LesionStatus.MERGED
    lesion = story.lesions.get(owner)
    if lesion is not None:
        return LesionStatus.SPLIT if piece_count > lesion.piece_count else LesionStatus.PERSISTENT
    if owner in story.ever or _shared(voxels, story.lesions):
        return LesionStatus.SPLIT  # it was part of another one when last seen
    looked = story.seen_before[voxels].mean() >= COVERED_RATIO
    return LesionStatus.NEW if looked else LesionStatus.PERSISTENT


def _unseen(visit: VisitComponents, links: _Links, lesions: Mapping[str, _Lesion]) -> Iterator[Sighting]:
    """Say of each known lesion without a piece whether it is gone, out of view, or too small to tell."""
    covered = visit.coverage.array.astype(bool).ravel()
    accounted = set(links.owner.values()) | {name for names in links.swallowed.values() for name in names}
    for name, lesion in lesions.items():
        if name in accounted:
            continue
        why = None if covered[lesion.voxels].mean() >= COVERED_RATIO else OUT_OF_VIEW
        why = why or (TOO_SMALL if lesion.largest_mm3 < NEW_LESION_MM3 else None)
        if why is None:
            yield Sighting(visit.session_id, name, 0, LesionStatus.RESOLVED, 0.0, lesion.centre_mm)
        else:
            yield Sighting(visit.session_id, name, 0, LesionStatus.NOT_ASSESSABLE, None, lesion.centre_mm, why)


def _updated(
    lesions: Mapping[str, _Lesion],
    visit: VisitComponents,
    footprints: Mapping[int, NDArray[np.int64]],
    sightings: Sequence[Sighting],
) -> dict[str, _Lesion]:
    """Remember where each lesion was last seen; a swallowed one goes on as part of the other.

    What the scan did not reach of a lesion stays part of its place: of a lesion that one scan showed cut off, a second
    one as short cannot say that it is gone.
    """
    here = [s for s in sightings if s.session_id == visit.session_id and s.component_id in footprints]
    gone = {s.lesion_id for s in here if s.volume_mm3 is None}
    still_there = {name: lesion for name, lesion in lesions.items() if name not in gone}
    covered = visit.coverage.array.astype(bool).ravel()
    for name in dict.fromkeys(s.lesion_id for s in here if s.volume_mm3 is not None):
        numbers = [s.component_id for s in here if s.lesion_id == name]
        earlier = [lesions[n].voxels for n in {s.lesion_id for s in here if s.component_id in numbers} if n in lesions]
        unreached = [voxels[~covered[voxels]] for voxels in earlier]
        voxels = np.unique(np.concatenate([*(footprints[number] for number in numbers), *unreached]))
        size_mm3 = sum(visit.volumes_mm3[number] for number in numbers)
        largest_mm3 = max(size_mm3, lesions[name].largest_mm3 if name in lesions else 0.0)
        still_there[name] = _Lesion(name, voxels, _centre_mm(voxels, visit.labels), len(numbers), largest_mm3)
    return still_there


def _centre_mm(voxels: NDArray[np.int64], grid: Volume) -> tuple[float, float, float]:
    x, y, z = _positions_mm(voxels, grid).mean(axis=0)
    return float(x), float(y), float(z)
