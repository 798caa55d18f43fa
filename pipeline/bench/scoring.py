"""Each pair of visits and each compartment of each visit held against the truth, the missing ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.bench.given_results import GivenResults
from pipeline.bench.known_truth import KnownSet, KnownVisit
from pipeline.bench.mask_files import MaskPart, grids_of
from pipeline.core.volume import Volume, same_grid
from pipeline.errors import CordtrackError, InputError

UNCHANGED = 0.08
"""True volumes that differ by less are unchanged."""

INSIDE = 0.5
"""Share from which a voxel counts as inside where masks are laid on one another; volumes add up the shares."""


@dataclass(frozen=True)
class PointScore:
    """How far the points of a patient's first visit land from where they are in a later one.

    Attributes
    ----------
    missing_reason
        None where there are errors to show.
    point_count
        Points that both scans cover.
    errors_mm
        Shape ``(N,)``, mm, of those of them that the program placed.
    """

    patient_id: str
    visit: str
    missing_reason: str | None
    point_count: int
    errors_mm: NDArray[np.float64]

    @property
    def missing_count(self) -> int:
        """Points that both scans cover and the program did not place."""
        return self.point_count - len(self.errors_mm)


@dataclass(frozen=True)
class MaskScore:
    """One compartment of one visit.

    Attributes
    ----------
    was_drawn
        A reader's mask of this visit is part of the dataset, so that the program may have been given it.
    missing_reason
        None where a mask was given that can be used.
    true_mm3
        In a dataset of people scanned twice the reader's volume; None where it is not known.
    given_mm3
        None where missing.
    dice
        None without a mask to compare with; ``dice_with`` says whose: ``truth`` or ``reader``, or why there is none.
    true_change, given_change
        Ratio to the first visit; None at that visit itself and where either volume is 0 or not known.
    change_from
        Whose volume of the first visit the given change starts from: ``program``, or ``reader`` where the program
        drew nothing there.
    """

    patient_id: str
    visit: str
    compartment: str
    was_drawn: bool
    missing_reason: str | None
    slice_mm: float | None = None
    true_mm3: float | None = None
    given_mm3: float | None = None
    dice: float | None = None
    dice_with: str | None = None
    true_change: float | None = None
    given_change: float | None = None
    change_from: str | None = None
    was_none_first: bool = False

    @property
    def error(self) -> float | None:
        """Given over true volume, less 1; None where either is not known or the true one is 0."""
        return self.given_mm3 / self.true_mm3 - 1 if self.true_mm3 and self.given_mm3 is not None else None

    @property
    def is_unchanged(self) -> bool:
        """The true volume is that of the first visit, but for :data:`UNCHANGED`."""
        return self.true_change is not None and abs(self.true_change - 1) < UNCHANGED


def score_points(known_set: KnownSet, given: GivenResults) -> list[PointScore]:
    """Return the errors of every later visit of every patient; none where the dataset knows no points."""
    if known_set.points is None:
        return []
    return [
        _point_score(first, visit, known_set.points, given)
        for first, *others in known_set.visits.values()
        for visit in others
    ]


def score_masks(known_set: KnownSet, given: GivenResults) -> list[MaskScore]:
    """Return every compartment of every visit whose truth is known: those given, and those missing that nobody drew.

    A visit that a reader drew and the program did not is left out: it was given, so nothing is missing.
    """
    scores = []
    for of_patient in known_set.visits.values():
        for name in known_names(known_set):
            scores += _course_scores(of_patient, name, given, is_rescan=known_set.is_rescan)
    return scores


def known_names(known_set: KnownSet) -> list[str]:
    """Return the compartments whose truth is known: those with volumes, else those with masks."""
    visits = known_set.all_visits()
    names = {name for visit in visits for name in visit.true_mm3}
    return sorted(names or {name for visit in visits for name in (*visit.true_masks, *visit.drawn_masks)})


def without_truth(known_set: KnownSet, given: GivenResults) -> list[str]:
    """Return the compartments that a program drew and of which nothing is known, so that they are not scored."""
    drawn = {name for parts in given.masks.values() for name in parts}
    return sorted(drawn.difference(known_names(known_set)))


def _point_score(first: KnownVisit, visit: KnownVisit, points: pd.DataFrame, given: GivenResults) -> PointScore:
    key = (visit.patient_id, visit.name)
    here, there = _points_at(points, first), _points_at(points, visit)
    both = here.index.intersection(there.index)
    score = PointScore(*key, None, len(both), np.empty(0))
    if not len(both):
        return replace(score, missing_reason="both scans cover none of the points")
    if key in given.points:
        placed = given.points[key]
        both = both.intersection(placed.index)
        moved = placed.loc[both].to_numpy(dtype=np.float64)
        if not len(both):
            return replace(score, missing_reason="the program placed none of its points")
    elif key in given.moves:
        try:
            moved = given.moves[key](here.loc[both].to_numpy(dtype=np.float64))
        except CordtrackError as error:
            return replace(score, missing_reason=f"cannot be used: {error}")
    else:
        return replace(score, missing_reason=given.refusals.get(key, "no points and no transform given"))
    return replace(score, errors_mm=np.linalg.norm(moved - there.loc[both].to_numpy(dtype=np.float64), axis=1))


def _points_at(points: pd.DataFrame, visit: KnownVisit) -> pd.DataFrame:
    chosen = points.index.get_level_values(0) == visit.patient_id
    chosen &= points.index.get_level_values(1) == visit.name
    return points[chosen].droplevel([0, 1])


def _course_scores(visits: Sequence[KnownVisit], name: str, given: GivenResults, *, is_rescan: bool) -> list[MaskScore]:
    """Score one compartment at all visits of one patient, and its changes since the first of them."""
    scores = [_mask_score(visit, name, given) for visit in visits]
    first = scores[0]
    first_drawn_mm3 = _volume(visits[0], visits[0].drawn_masks.get(name))
    is_own = first.given_mm3 is not None
    base_mm3, base_of = (first.given_mm3, "program") if is_own else (first_drawn_mm3, "reader")
    changed = [first]
    for score in scores[1:]:
        true_change = 1.0 if is_rescan else _ratio(score.true_mm3, first.true_mm3)
        given_change = _ratio(score.given_mm3, base_mm3, with_nothing=True) if true_change is not None else None
        changed.append(
            replace(
                score,
                true_change=true_change,
                given_change=given_change,
                change_from=None if given_change is None else base_of,
                was_none_first=first.true_mm3 == 0,
            )
        )
    return [score for score in changed if _counts(score, is_rescan=is_rescan)]


def _counts(score: MaskScore, *, is_rescan: bool) -> bool:
    """Say whether there is a truth to hold a score against, and whether it was asked of the program."""
    has_truth = is_rescan or score.true_mm3 is not None or score.dice is not None
    return has_truth and (score.missing_reason is None or not score.was_drawn)


def _ratio(later_mm3: float | None, first_mm3: float | None, *, with_nothing: bool = False) -> float | None:
    """Return later over first; None where either is not known, the first is 0, or the later is and may not be."""
    if later_mm3 is None or not first_mm3 or (later_mm3 == 0 and not with_nothing):
        return None
    return later_mm3 / first_mm3


def _mask_score(visit: KnownVisit, name: str, given: GivenResults) -> MaskScore:
    true_mm3 = visit.true_mm3.get(name)
    if true_mm3 is None and name not in visit.true_masks:
        true_mm3 = _volume(visit, visit.drawn_masks.get(name)) if not visit.true_mm3 else None
    score = MaskScore(
        visit.patient_id, visit.name, name, bool(visit.drawn_masks), None, _slice_mm(visit), true_mm3=true_mm3
    )
    parts = given.masks.get((visit.patient_id, visit.name))
    if parts is None:
        return replace(score, missing_reason="no mask given")
    if name not in parts:
        return replace(score, missing_reason="not among what the program drew here")
    try:
        mask = parts[name].on_grid_of(grids_of(visit.scans))
    except CordtrackError as error:
        return replace(score, missing_reason=f"cannot be used: {error}")
    volume_mm3 = float(mask.array.sum(dtype=np.float64)) * mask.voxel_mm3
    dice, dice_with = _dice(visit, name, mask)
    return replace(score, given_mm3=volume_mm3, dice=dice, dice_with=dice_with)


def _dice(visit: KnownVisit, name: str, mask: Volume) -> tuple[float | None, str | None]:
    """Return the overlap with the true mask, else with the reader's; None without one, or where both are empty."""
    for masks, whose in ((visit.true_masks, "truth"), (visit.drawn_masks, "reader")):
        if name in masks:
            try:
                reference = masks[name].on_grid_of(grids_of(visit.scans))
            except InputError:
                return None, f"{whose}'s mask cannot be used"
            if not same_grid(reference, mask):
                return None, f"{whose}'s mask lies on another scan"
            one, other = mask.array >= INSIDE, reference.array >= INSIDE
            voxel_count = int(one.sum()) + int(other.sum())
            return (2 * int((one & other).sum()) / voxel_count, whose) if voxel_count else (None, None)
    return None, None


def _volume(visit: KnownVisit, part: MaskPart | None) -> float | None:
    if part is None:
        return None
    try:
        mask = part.on_grid_of(grids_of(visit.scans))
    except InputError:
        return None
    return float(mask.array.sum(dtype=np.float64)) * mask.voxel_mm3


def _slice_mm(visit: KnownVisit) -> float | None:
    return next((float(grid.spacing_mm.max()) for grid in grids_of(visit.scans)), None)
