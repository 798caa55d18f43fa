"""Bring a follow-up visit onto the reference visit, cord first.

The recipe, in the order of the code:

1. look only at a box around the cord region, on isotropic copies of both scans;
2. try every shift and several tilts at 2 mm and keep a few places well apart (``pipeline.align.starting_poses``);
3. refine each rigidly with ANTs (mutual information, ``pipeline.align.rigid``);
4. give each a coarse, stiff bend and keep the place with the best *local* correlation
   (``pipeline.align.bend``): before the bend, a neighbouring vertebra too often looks better;
5. bend finely, once each way, and meet halfway; how far the two ways disagree goes into the grade;
6. lay the follow-up's mirror image onto the same place in the same way: the true scan must fit better.

The lesion itself is left out of every comparison, because it is what changes. The result depends on the two scans
and masks alone and is the same to the last bit on every run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.align.bend import COARSE, FINE
from pipeline.align.certificate import (
    ACROSS_CONTRASTS,
    BETWEEN_VISITS,
    WITHIN_VISIT,
    Alignment,
    Measures,
    halfway,
    jacobian_range,
    judged,
    mirror_across,
    round_trip_mm,
    spacing_ratio,
    worst_round_trip_mm,
)
from pipeline.align.fixed_view import View, agreement_of, bent_onto, fixed_sample, overlap_ratio, place_of, seen_from
from pipeline.align.sampling_window import blurred, box_around, edges, field_of_view, regular_grid, sample
from pipeline.align.starting_poses import evidence, start_positions
from pipeline.core.signal_reach import without_padding
from pipeline.core.transform import Transform, inverse, is_covered, move_points, resample
from pipeline.core.volume import Volume, to_world

METHOD = "cord-bend 1"
ACROSS_METHOD = "cord-bend edges 1"
WITHIN_VISIT_METHOD = "rigid-mi 1"

RIGID_STEP_MM = 2.0
BENT_STARTS = 4
"""Starts that get a rigid refinement and a coarse bend."""

ELSEWHERE_MM = 5.0
"""Two candidates further apart than this at the box centre are different places, mm: a third of a vertebra."""

CHOICE_POWER = 0.25
"""How much the overlap counts when places are compared; half the overlap must not lose to a worse fit."""

SAME_PLACE_MM = 2.0
"""Rigid refinements that bring the box's centre this near to one another found one place, mm."""

SLACK_MM = 10.0
"""The follow-up is sampled this much beyond the box, so that ANTs may shift it."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One place along the spine after rigid refinement and a coarse bend, searched for or where the scanner says."""

    transform: Transform
    correlation: float
    overlap: float
    is_searched: bool = True

    @property
    def evidence(self) -> float:
        """What speaks for this place: its local correlation, weighted mildly by how much of the box it explains."""
        return float(evidence(np.array(self.correlation), np.array(self.overlap), CHOICE_POWER))


def align(
    reference: Volume,
    follow_up: Volume,
    *,
    region: Volume | None,
    exclude: Volume | None,
    same_contrast: bool = True,
) -> Alignment:
    """Lay a follow-up scan onto the reference scan.

    Parameters
    ----------
    reference, follow_up
        Scans of the same person, of any plane and spacing.
    region
        Boolean on the reference's grid: the cord or lesion to align around; None for the image centre.
    exclude
        Boolean on the reference's grid: lesion voxels that must not count; None for none.
    same_contrast
        False for, say, T1w and T2w: then the scans' edges are laid on one another, and the grade is B at best.

    Returns
    -------
    Alignment
        Transforms ``reference`` to ``follow-up`` and back, with graded quality. A pair that cannot be aligned comes
        back with grade C, not as an error.
    """
    reference, follow_up = without_padding(reference), without_padding(follow_up)
    if not same_contrast:
        reference, follow_up = edges(reference), edges(follow_up)
    with threadpool_limits(1):
        view = View(reference, box_around(reference, region), exclude)
        candidates = _candidates(view, follow_up, with_header=not same_contrast)
        begin = candidates[0].transform
        there = bent_onto(view, follow_up, begin, FINE)
        back = bent_onto(seen_from(follow_up, view, begin), reference, inverse(begin), FINE)
        met = halfway(there, back)
        place = place_of(reference, region, view.box)
        points_mm = to_world(place.affine, np.argwhere(place.array))
        covered = is_covered(follow_up, points_mm, met)
        agreement = agreement_of(view, follow_up, met, FINE)
        smallest, largest = jacobian_range(met)
        measures = Measures(
            local_correlation=agreement.local,
            similarity=agreement.overall,
            mirrored_correlation=_mirrored_correlation(view, follow_up, begin, points_mm.mean(axis=0)),
            runner_up_correlation=_runner_up(candidates, view.box.centre_mm),
            winner_correlation=candidates[0].correlation,
            inverse_consistency_mm=round_trip_mm(there, back, points_mm),
            jacobian_min=smallest,
            jacobian_max=largest,
            coverage_ratio=float(covered.mean()),
            spacing_ratio=spacing_ratio(reference, follow_up),
            closure_mm=None,
            header_apart_mm=None if same_contrast else _apart_from_header_mm(candidates[0], view.box.centre_mm),
            worst_inconsistency_mm=worst_round_trip_mm(there, back, points_mm[covered] if covered.any() else points_mm),
        )
        limits, method = (BETWEEN_VISITS, METHOD) if same_contrast else (ACROSS_CONTRASTS, ACROSS_METHOD)
        return Alignment(met, inverse(met), judged(measures, limits), method)


def closure_mm(
    reference: Volume, region: Volume | None, earlier: tuple[Volume, Transform], follow_up: tuple[Volume, Transform]
) -> float:
    """Align a follow-up to an earlier visit directly and return how far that misses the way by the reference, mm.

    Parameters
    ----------
    reference, region
        As in :func:`align`; the region is left out of the comparison.
    earlier, follow_up
        Scan of each visit with the transform that moves points from the reference to it.

    Returns
    -------
    float
        Mean distance over the region between the two ways, in the follow-up.
    """
    reference = without_padding(reference)
    first, second = without_padding(earlier[0]), without_padding(follow_up[0])
    to_first, to_second = earlier[1], follow_up[1]
    with threadpool_limits(1):
        lesion = None
        if region is not None:
            lesion = resample(region.with_array(region.array.astype(np.float64)), first, inverse(to_first), order=1)
        view = View(first, box_around(first, lesion and lesion.with_array(lesion.array >= 0.5)), lesion)
        direct = bent_onto(view, second, _candidates(view, second)[0].transform, FINE)
        place = place_of(reference, region, box_around(reference, region))
    points_mm = to_world(place.affine, np.argwhere(place.array))
    apart_mm = move_points(direct, move_points(to_first, points_mm)) - move_points(to_second, points_mm)
    return float(np.linalg.norm(apart_mm, axis=-1).mean())


def _candidates(view: View, follow_up: Volume, *, with_header: bool = False) -> list[_Candidate]:
    """Return the best starts refined and coarsely bent, best local correlation first.

    ``with_header``: also from where the scanner says that the scans lie, as for two contrasts of one sitting.
    """
    tried: list[_Candidate] = []
    reached: list[NDArray[np.float64]] = []
    starts = [start.matrix for start in start_positions(view.scan, follow_up, view.box)[:BENT_STARTS]]
    searched_count = len(starts)
    if with_header:
        starts.append(np.eye(4))
    for number, start in enumerate(starts):
        matrix = _rigid(view, follow_up, start)
        here = to_world(matrix, view.box.centre_mm)
        if any(np.linalg.norm(here - other) < SAME_PLACE_MM for other in reached):
            continue  # another start came to the same place
        reached.append(here)
        bent = bent_onto(view, follow_up, Transform("reference", "follow-up", matrix), COARSE)
        local, overlap = agreement_of(view, follow_up, bent, COARSE).local, overlap_ratio(view, follow_up, bent)
        tried.append(_Candidate(bent, local, overlap, is_searched=number < searched_count))
    if not tried:
        tried.append(_Candidate(_centred(view.scan, follow_up), 0.0, 0.0))
    return sorted(tried, key=lambda candidate: -candidate.evidence)


def _runner_up(candidates: list[_Candidate], centre_mm: NDArray[np.float64]) -> float | None:
    """Return the best correlation of a candidate that ended elsewhere than the first; None when all met there."""
    chosen = move_points(candidates[0].transform, centre_mm[None])
    for other in candidates[1:]:
        if np.linalg.norm(move_points(other.transform, centre_mm[None]) - chosen) > ELSEWHERE_MM:
            return other.correlation
    return None


def _apart_from_header_mm(chosen: _Candidate, centre_mm: NDArray[np.float64]) -> float | None:
    """Return how far the searched place lies from where the scanner says, mm; None where it was started from there."""
    if not chosen.is_searched:
        return None
    return float(np.linalg.norm(move_points(chosen.transform, centre_mm[None])[0] - centre_mm))


def _mirrored_correlation(view: View, follow_up: Volume, there: Transform, centre_mm: NDArray[np.float64]) -> float:
    """Return the local correlation that the follow-up's mirror image reaches at the same place, aligned as well."""
    matrix = _rigid(view, follow_up, there.matrix @ mirror_across(centre_mm))
    coarse = bent_onto(view, follow_up, Transform(there.source, there.target, matrix), COARSE)
    return agreement_of(view, follow_up, bent_onto(view, follow_up, coarse, FINE), FINE).local


def _rigid(view: View, follow_up: Volume, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refine a start rigidly with ANTs; return the matrix from the reference to the follow-up."""
    from pipeline.align.rigid import rigid_matrix  # noqa: PLC0415  # ANTs takes seconds to import: only to align

    fixed, weight = fixed_sample(view, RIGID_STEP_MM)
    grid = regular_grid(view.box.grown(SLACK_MM), RIGID_STEP_MM)
    moving = sample(blurred(follow_up, RIGID_STEP_MM), grid, start)
    return start @ rigid_matrix(fixed, weight > 0.5, moving, view.box.centre_mm)


def _centred(reference: Volume, follow_up: Volume) -> Transform:
    """Return the shift that lays the scans' centres on one another: the answer when nothing else is known."""
    matrix = np.eye(4)
    matrix[:3, 3] = field_of_view(follow_up).centre_mm - field_of_view(reference).centre_mm
    return Transform("reference", "follow-up", matrix)


def align_within_visit(anchor: Volume, other: Volume) -> Alignment:
    """Lay another sequence of the same visit onto the visit's anchor scan, rigidly.

    Parameters
    ----------
    anchor, other
        Scans of one visit, of different contrast; the person moved a little at most, so scanner coordinates are the
        start.
    """
    anchor, other = without_padding(anchor), without_padding(other)
    with threadpool_limits(1):
        view = View(anchor, box_around(anchor, None), None)
        there = Transform("anchor", "other", _rigid(view, other, np.eye(4)))
        place = place_of(anchor, None, view.box)
        agreement = agreement_of(view, other, there, COARSE)
        measures = Measures(
            local_correlation=agreement.local_unsigned,  # bright in one contrast is dark in another
            similarity=abs(agreement.overall),
            mirrored_correlation=None,
            runner_up_correlation=None,
            winner_correlation=agreement.local_unsigned,
            inverse_consistency_mm=None,
            jacobian_min=1.0,
            jacobian_max=1.0,
            coverage_ratio=float(is_covered(other, to_world(place.affine, np.argwhere(place.array)), there).mean()),
            spacing_ratio=spacing_ratio(anchor, other),
            closure_mm=None,
        )
        return Alignment(there, inverse(there), judged(measures, WITHIN_VISIT), WITHIN_VISIT_METHOD)
