"""How well lesions are recognised from visit to visit, on made-up series whose identities are known.

A link joins a piece to a piece in which the same lesion was last seen. The matcher of the pipeline runs as in a study,
beside two simple alternatives: the nearest centre of mass within 10 mm, and the best overlap (intersection over union
above 0.1) one to one; both take a lesion that is not seen for resolved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pipeline.core.piece_names import NamesGiven
from pipeline.core.transform import move_points, resample_together
from pipeline.core.volume import to_world
from pipeline.run.steps import follow_lesions
from pipeline.run.steps.linked_lesions import as_people_said
from pipeline.run.steps.visit_work import PlacedVisit
from tests.benchmark.lesion_series import ISOTROPIC, SAGITTAL, VISITS, SeenVisit, series

SERIES = 40
NEAREST_MM = 10.0
LEAST_IOU = 0.1
SETTINGS = [(0.3, ISOTROPIC, "1 mm isotropic"), (1.0, ISOTROPIC, "1 mm isotropic"), (0.3, SAGITTAL, "3.3 mm slices"),
            (1.0, SAGITTAL, "3.3 mm slices")]  # fmt: skip
CLASSES = ("1:1", "split", "merge", "new", "resolved", "not assessable")

Piece = tuple[int, int]
"""Visit and number of the piece."""


@dataclass(frozen=True)
class Told:
    """What is said of one visit: the lesions in each piece, which are new, and what became of those not seen."""

    names: Mapping[int, frozenset[str]]
    new: frozenset[str]
    resolved: frozenset[str]
    not_assessable: frozenset[str]


Facts = dict[str, set[tuple[Piece, ...]]]
"""By class, the links (piece before, piece now) and the events (visit, piece) that somebody claims."""


def main() -> None:
    print("## Lesions over time\n")
    print(
        f"{SERIES} made-up series of {VISITS} visits for each table, of lesions that grow, shrink, vanish, return, "
        "fall apart, grow together, appear, or leave the field of view. Precision / recall, %, of links between "
        "pieces that hold the same lesion, and of what is said of a lesion; *n* is how often it is so. A link that is "
        "found but taken for another kind (a 1:1 for a split) counts as wrong in both. A piece that continues several "
        "earlier ones counts as a merge, also of one lesion that was in pieces before.\n"
    )
    for error_mm, spacing_mm, words in SETTINGS:
        counts = {name: defaultdict[str, Counter[str]](Counter) for name in METHODS}
        for seed in range(SERIES):
            seen = series(seed, error_mm, spacing_mm)
            true = facts_of(truth(seen))
            for name, method in METHODS.items():
                _count(counts[name], true, facts_of(method(seen)))
        print(f"### {words}, alignment {error_mm:g} mm off\n")
        print("| | " + " | ".join(f"{kind} (n = {_total(counts, kind)})" for kind in CLASSES) + " |")
        print("|---" * (len(CLASSES) + 1) + "|")
        for name, found in counts.items():
            print(f"| {name} | " + " | ".join(_rates(found[kind]) for kind in CLASSES) + " |")
        print()


def facts_of(told: Sequence[Told]) -> Facts:
    """Return links by what they are, and events, from what is said of each visit."""
    last: dict[str, tuple[Piece, ...]] = {}
    facts: Facts = {kind: set() for kind in CLASSES}
    for number, visit in enumerate(told):
        links = {(before, (number, piece)) for piece, names in visit.names.items() for name in names
                 for before in last.get(name, ())}  # fmt: skip
        onward, back = Counter(before for before, _ in links), Counter(now for _, now in links)
        for before, now in links:
            kind = "merge" if back[now] > 1 else "split" if onward[before] > 1 else "1:1"
            facts[kind].add((before, now))
        facts["new"] |= {((number, piece),) for piece, names in visit.names.items() if names & visit.new}
        for kind, gone in (("resolved", visit.resolved), ("not assessable", visit.not_assessable)):
            facts[kind] |= {((number, 0), before) for name in gone for before in last.get(name, ())}
        seen = {name for names in visit.names.values() for name in names}
        last |= {name: tuple((number, piece) for piece, names in visit.names.items() if name in names) for name in seen}
    return facts


def truth(seen: Sequence[SeenVisit]) -> list[Told]:
    """Say what is so. Lesions that once shared a piece are one from then on: nobody could tell them apart again."""
    together: dict[str, frozenset[str]] = {}
    before: set[str] = set()
    told = []
    for visit in seen:
        here = {name for names in visit.pieces.values() for name in names}
        pieces = {
            piece: frozenset(other for name in names for other in together.get(name, {name}))
            for piece, names in visit.pieces.items()
        }
        shown = {name for names in pieces.values() for name in names}
        reached = {name: all(visit.covered[other] for other in together.get(name, {name})) for name in before - shown}
        told.append(
            Told(
                pieces,
                frozenset(name for name in here - before if visit.first_looked[name]),
                frozenset(name for name, is_reached in reached.items() if is_reached),
                frozenset(name for name, is_reached in reached.items() if not is_reached),
            )
        )
        before |= shown
        for names in pieces.values():
            fused = frozenset(other for name in names for other in together.get(name, {name}))
            together |= dict.fromkeys(fused, fused)
    return told


def cordtrack(seen: Sequence[SeenVisit]) -> list[Told]:
    """Follow the series as a study would."""
    names = [visit.read.session_id for visit in seen]
    visits = [PlacedVisit(visit.read, visit.masked, place=visit.aligned) for visit in seen]
    pieces_seen = follow_lesions.seen_pieces(visits, seen[0].read)
    found = as_people_said(follow_lesions.link_pieces(visits, seen[0].read, pieces_seen, NamesGiven()), (), ())
    told = []
    for name in names:
        own = [row for row in found.components if row.session_id == name]
        pieces: dict[int, set[str]] = defaultdict(set)
        for row in own:
            if row.component_id:
                pieces[row.component_id].add(row.lesion_id)
        of = {status: frozenset(r.lesion_id for r in own if r.status == status and not r.component_id) for status in
              ("resolved", "not_assessable")}  # fmt: skip
        new = frozenset(row.lesion_id for row in own if row.status == "new")
        merged = {piece: frozenset(names) for piece, names in pieces.items()}
        told.append(Told(merged, new, of["resolved"], of["not_assessable"]))
    return told


def nearest_centre(seen: Sequence[SeenVisit]) -> list[Told]:
    """Give each piece the name of the lesion whose last centre of mass is nearest, within 10 mm."""

    def link(visit: SeenVisit, last: Mapping[str, np.ndarray]) -> dict[int, str | None]:
        owners: dict[int, str | None] = {}
        for piece in visit.pieces:
            distances = {name: float(np.linalg.norm(centre - _centre(visit, piece))) for name, centre in last.items()}
            name = min(distances, key=lambda key: distances[key], default=None)
            owners[piece] = name if name is not None and distances[name] <= NEAREST_MM else None
        return owners

    return _followed(seen, link, lambda visit, pieces: _centre(visit, *pieces))


def best_overlap(seen: Sequence[SeenVisit]) -> list[Told]:
    """Give pieces the names of lesions one to one, the best overlap first, where it exceeds a tenth of the union."""

    footprints = {id(visit): _footprints(visit, seen[0]) for visit in seen}

    def link(visit: SeenVisit, last: Mapping[str, np.ndarray]) -> dict[int, str | None]:
        moved = footprints[id(visit)]
        pairs = sorted(
            ((np.count_nonzero(a & b) / np.count_nonzero(a | b), name, piece) for name, a in last.items()
             for piece, b in moved.items() if a.any() and b.any()), reverse=True,
        )  # fmt: skip
        owners: dict[int, str | None] = dict.fromkeys(visit.pieces)
        for overlap, name, piece in pairs:
            if overlap > LEAST_IOU and owners[piece] is None and name not in owners.values():
                owners[piece] = name
        return owners

    return _followed(seen, link, lambda visit, pieces: np.any([footprints[id(visit)][p] for p in pieces], axis=0))


METHODS: dict[str, Callable[[Sequence[SeenVisit]], list[Told]]] = {
    "nearest centre within 10 mm": nearest_centre,
    "IoU above 0.1, one to one": best_overlap,
    "cordtrack": cordtrack,
}


def _followed(
    seen: Sequence[SeenVisit],
    link: Callable[[SeenVisit, Mapping[str, np.ndarray]], dict[int, str | None]],
    place: Callable[[SeenVisit, list[int]], np.ndarray],
) -> list[Told]:
    last: dict[str, np.ndarray] = {}
    told = []
    for number, visit in enumerate(seen):
        owners = link(visit, last)
        fresh = {piece: f"{number}.{piece}" for piece, owner in owners.items() if owner is None}
        names = {piece: owner or fresh[piece] for piece, owner in owners.items()}
        gone = last.keys() - set(names.values())
        new = frozenset(fresh.values()) if number else frozenset[str]()
        told.append(
            Told({piece: frozenset({name}) for piece, name in names.items()}, new, frozenset(gone), frozenset())
        )
        for name in set(names.values()):
            last[name] = place(visit, [piece for piece, own in names.items() if own == name])
    return told


def _centre(visit: SeenVisit, *pieces: int) -> np.ndarray:
    index = np.array(ndimage.center_of_mass(np.isin(visit.labels.array, pieces)))
    return move_points(visit.aligned.to_reference, to_world(visit.labels.affine, index[None]))[0]


def _footprints(visit: SeenVisit, reference: SeenVisit) -> dict[int, np.ndarray]:
    assert reference.read.image is not None
    soft = [visit.labels.with_array((visit.labels.array == piece).astype(np.float32)) for piece in visit.pieces]
    moved = resample_together(soft, reference.read.image, visit.aligned.from_reference, order=1)
    return {piece: mask.array >= 0.5 for piece, mask in zip(visit.pieces, moved, strict=True)}


def _count(counts: dict[str, Counter[str]], true: Facts, found: Facts) -> None:
    for kind in CLASSES:
        counts[kind].update({"true": len(true[kind]), "found": len(found[kind]), "both": len(true[kind] & found[kind])})


def _total(counts: Mapping[str, Mapping[str, Counter[str]]], kind: str) -> int:
    return next(iter(counts.values()))[kind]["true"]


def _rates(found: Counter[str]) -> str:
    return " / ".join(_percent(found["both"], found[total]) for total in ("found", "true"))


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


if __name__ == "__main__":
    main()
