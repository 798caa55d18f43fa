"""BIDS names of imported scans: one per stack, the same at every import, never one that is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.hospital.importing.triage import Decision

SAME_STATION = 0.5
"""Two stacks that share this part of the shorter one's length show the same part of the spine."""


@dataclass(frozen=True)
class Named:
    """Where a stack goes: folder (``anat`` or ``dwi``), entities and suffix."""

    folder: str
    entities: Mapping[str, str]
    suffix: str


@dataclass(frozen=True)
class Taken:
    """A name that an earlier import gave, with what it covers along the body."""

    named: Named
    extent_mm: tuple[float, float] | None


def name_visit(decisions: Sequence[Decision], taken: Iterable[Taken], patient_id: str, session_id: str) -> list[Named]:
    """Name the stacks of one visit.

    Stacks of one kind that show different parts of the spine get ``chunk-`` from top to bottom, those that show the
    same part ``run-`` in the order they were made; names given at an earlier import stay, new ones count on.

    Parameters
    ----------
    decisions
        Stacks to be imported.
    taken
        Names of the visit that are there already.

    Returns
    -------
    list of Named
        In the order of ``decisions``.
    """
    there = list(taken)
    common = {"sub": patient_id.removeprefix("sub-"), "ses": session_id.removeprefix("ses-")}
    kinds: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[int]] = {}
    for index, decision in enumerate(decisions):
        kinds.setdefault(_kind(decision), []).append(index)
    names: dict[int, Named] = {}
    for (folder, suffix, entities), members in kinds.items():
        old = [t for t in there if _is_kind(t.named, folder, suffix, dict(entities))]
        stations = _stations([decisions[index] for index in members], old)
        for index, extra in zip(members, stations, strict=True):
            names[index] = Named(folder, {**common, **dict(entities), **extra}, suffix)
    return [names[index] for index in range(len(decisions))]


def _kind(decision: Decision) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    name, plane, acquisition = decision.contrast.name, decision.plane or "", decision.stack.acquisition
    if name == "ADC":
        return "dwi", "ADC", (("acq", plane),)
    if name == "DWI":
        return "dwi", "dwi", (("acq", f"{plane}b{acquisition.b_value or 0:.0f}"),)
    if name == "STIR":
        return "anat", "T2w", (("acq", f"{plane}stir"),)
    if decision.contrast.part:
        plane = f"{plane}{decision.contrast.part}"
    agent = (("ce", "gadolinium"),) if decision.contrast.is_enhanced else ()
    return "anat", str(name), (("acq", plane), *agent)


def _is_kind(named: Named, folder: str, suffix: str, entities: Mapping[str, str]) -> bool:
    own_entities = {k: v for k, v in named.entities.items() if k not in {"sub", "ses", "chunk", "run"}}
    return (named.folder, named.suffix, own_entities) == (folder, suffix, dict(entities))


def _stations(new: Sequence[Decision], old: Sequence[Taken]) -> list[dict[str, str]]:
    """Give each new stack its ``chunk`` and ``run``; top to bottom, then by time."""
    order = sorted(range(len(new)), key=lambda n: (-_middle(new[n]), new[n].stack.first.seen_at, new[n].token))
    stations: list[tuple[str | None, tuple[float, float], int]] = []
    for taken in old:
        label, extent = taken.named.entities.get("chunk"), taken.extent_mm or (0.0, 0.0)
        _join(stations, label, extent)
    labels: dict[int, tuple[int, int]] = {}
    for index in order:
        extent = new[index].extent_mm or (0.0, 0.0)
        labels[index] = _join(stations, new[index].chunk, extent)
    are_chunks = len(stations) > 1
    names = _chunk_names([station[0] for station in stations]) if are_chunks else [stations[0][0]]
    result = []
    for index in range(len(new)):
        station, run = labels[index]
        chunk = names[station]
        result.append(({"chunk": chunk} if chunk else {}) | ({"run": str(run)} if run > 1 else {}))
    return result


def _join(
    stations: list[tuple[str | None, tuple[float, float], int]], label: str | None, extent: tuple[float, float]
) -> tuple[int, int]:
    """Add a stack to the station it shows, or to a new one; return the station's number and the run within it."""
    for number, (name, station_extent, count) in enumerate(stations):
        if (label is not None and label == name) or (label is None and _shared(station_extent, extent) >= SAME_STATION):
            stations[number] = (name, station_extent, count + 1)
            return number, count + 1
    stations.append((label, extent, 1))
    return len(stations) - 1, 1


def _chunk_names(given: Sequence[str | None]) -> list[str | None]:
    """Number the stations that have no label yet; the first one named without a chunk at an earlier import is 1."""
    used = {name for name in given if name}
    free = (str(n) for n in range(1, len(given) + len(used) + 1) if str(n) not in used)
    return [name or next(free) for name in given]


def _shared(a: tuple[float, float], b: tuple[float, float]) -> float:
    shorter = min(a[1] - a[0], b[1] - b[0])
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0])) / shorter if shorter > 0 else 0.0


def _middle(decision: Decision) -> float:
    low, high = decision.extent_mm or (0.0, 0.0)
    return (low + high) / 2
