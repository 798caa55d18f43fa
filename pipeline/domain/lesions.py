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
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.domain.grid import Volume, same_grid, to_world

MIN_OVERLAP_RATIO = 0.1
"""Share of the smaller of two footprints that must overlap; less is touching, not the same lesion."""

MAX_GAP_MM = 5.0
"""Pieces beside a known lesion, this near (voxel centres), belong to it: alignment errs. A proposal."""

COVERED_RATIO = 0.95
"""Share of a lesion's last footprint that a scan must reach before it can say that the lesion is gone."""

NEW_LESION_MM3 = 65.4
"""Volume of a 5 mm sphere, the smallest that is called a new lesion by itself, mm³; a proposal."""

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


def new_lesion_sessions(sightings: Sequence[Sighting], min_volume_mm3: float = NEW_LESION_MM3) -> frozenset[str]:
    """Return the visits at which a lesion large enough to be unequivocal was new.

    Only meaningful for masks that a person drew or signed: an automatic mask invents pieces.
    """
    new = (s for s in sightings if s.status == LesionStatus.NEW)
    return frozenset(s.session_id for s in new if s.volume_mm3 is not None and s.volume_mm3 >= min_volume_mm3)


def new_tumour_volumes(sightings: Sequence[Sighting]) -> dict[str, float]:
    """Return the volume at each visit of tumours that were new beside another one, then or earlier, mm³.

    The first tumour after none was seen is not beside another: it may be the old one again.
    """
    beside: set[str] = set()
    volumes: dict[str, float] = {}
    tumour_seen = False
    for session_id, group in groupby(sightings, key=lambda s: s.session_id):
        own = [s for s in group if s.volume_mm3]
        beside |= {s.lesion_id for s in own if tumour_seen and s.status == LesionStatus.NEW}
        new_mm3 = sum(s.volume_mm3 or 0.0 for s in own if s.lesion_id in beside)
        volumes |= {session_id: new_mm3} if new_mm3 else {}
        tumour_seen = tumour_seen or bool(own)
    return volumes


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
    for number, voxels in footprints.items():
        shares = {name: _overlap_ratio(voxels, lesion.voxels) for name, lesion in lesions.items()}
        overlapping = sorted((n for n in shares if shares[n] >= MIN_OVERLAP_RATIO), key=lambda n: -shares[n])
        if overlapping:
            links.owner[number] = overlapping[0]
            links.swallowed[number] = overlapping[1:]
        else:
            near = _nearest(voxels, lesions, grid)
            if near is not None:
                links.owner[number] = near
    owners = set(links.owner.values())
    for number, names in links.swallowed.items():
        links.swallowed[number] = [name for name in names if name not in owners]
    return links


def _overlap_ratio(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return np.intersect1d(one, other, assume_unique=True).size / min(one.size, other.size)


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
    """Remember where each lesion was last seen; a swallowed one goes on as part of the other."""
    own = [s for s in found if s.session_id == visit.session_id and s.component_id in footprints]
    gone = {s.lesion_id for s in own if s.volume_mm3 is None}
    kept = {name: lesion for name, lesion in lesions.items() if name not in gone}
    for name in dict.fromkeys(s.lesion_id for s in own if s.volume_mm3 is not None):
        numbers = [s.component_id for s in own if s.lesion_id == name]
        voxels = np.sort(np.concatenate([footprints[number] for number in numbers]))
        kept[name] = _Lesion(name, voxels, _centre_mm(voxels, visit.labels), len(numbers))
    return kept


def _centre_mm(voxels: NDArray[np.int64], grid: Volume) -> tuple[float, float, float]:
    x, y, z = _positions_mm(voxels, grid).mean(axis=0)
    return float(x), float(y), float(z)
