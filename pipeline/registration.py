"""Bring a follow-up visit onto the reference visit, cord first: the only place that imports ANTs.

The recipe, in the order of the code:

1. look only at a box around the cord region, on isotropic copies of both scans;
2. try every shift and several tilts at 2 mm and keep a few places well apart (``domain.starts``);
3. refine each rigidly with ANTs (mutual information);
4. give each a coarse, stiff bend and keep the place with the best *local* correlation (``domain.bending``): before the
   bend, a neighbouring vertebra too often looks better;
5. bend finely, once each way, and meet halfway; how far the two ways disagree goes into the grade.

The lesion itself is left out of every comparison, because it is what changes. The result depends on the two scans
and masks alone and is the same to the last bit on every run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.domain.alignment import (
    CORRELATION_WITHIN_VISIT_A,
    Alignment,
    Measures,
    halfway,
    jacobian_range,
    judged,
    round_trip_mm,
    spacing_ratio,
)
from pipeline.domain.bending import COARSE, FINE, Stiffness, bend
from pipeline.domain.correlation import Agreement, agreement, local_fit
from pipeline.domain.frame import (
    Box,
    Sample,
    blurred,
    box_around,
    field_of_view,
    regular_grid,
    sample,
    standardised,
)
from pipeline.domain.grid import Volume, to_world
from pipeline.domain.starts import evidence, start_positions
from pipeline.domain.transforms import Transform, coverage, identity, inverse, move_points, resample
from pipeline.images import flip_points, lps_geometry

# ITK sums in as many parts as it has threads, and the last bits follow; it reads this when it first needs a thread.
os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"

import ants

METHOD = "cord-bend 1"
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
class _View:
    """One scan as the fixed side of a comparison: where to look, and what to leave out."""

    scan: Volume
    box: Box
    exclude: Volume | None


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One place along the spine after rigid refinement and a coarse bend."""

    transform: Transform
    correlation: float
    overlap: float

    @property
    def evidence(self) -> float:
        """What speaks for this place: its local correlation, weighted mildly by how much of the box it explains."""
        return float(evidence(np.array(self.correlation), np.array(self.overlap), CHOICE_POWER))


def align(reference: Volume, follow_up: Volume, *, region: Volume | None, exclude: Volume | None) -> Alignment:
    """Lay a follow-up scan onto the reference scan.

    Parameters
    ----------
    reference, follow_up
        Scans of the same person, of any plane and spacing.
    region
        Boolean on the reference's grid: the cord or lesion to align around; None for the image centre.
    exclude
        Boolean on the reference's grid: lesion voxels that must not count; None for none.

    Returns
    -------
    Alignment
        Transforms ``reference`` to ``follow-up`` and back, with graded quality. A pair that cannot be aligned comes
        back with grade C, not as an error.
    """
    with threadpool_limits(1):
        view = _View(reference, box_around(reference, region), exclude)
        candidates = _candidates(view, follow_up)
        begin = candidates[0].transform
        there = _bent(view, follow_up, begin, FINE)
        back = _bent(_seen_from(follow_up, view, begin), reference, inverse(begin), FINE)
        met = halfway(there, back)
        place = _place(reference, region, view.box)
        covered = coverage(follow_up, place, met).array[place.array]
        found = _agreement(view, follow_up, met, FINE)
        smallest, largest = jacobian_range(met)
        measures = Measures(
            local_correlation=found.local,
            similarity=found.overall,
            runner_up_correlation=_runner_up(candidates, view.box.centre_mm),
            winner_correlation=candidates[0].correlation,
            inverse_consistency_mm=round_trip_mm(there, back, to_world(place.affine, np.argwhere(place.array))),
            jacobian_min=smallest,
            jacobian_max=largest,
            coverage_ratio=float(covered.mean()),
            spacing_ratio=spacing_ratio(reference, follow_up),
        )
        return Alignment(met, inverse(met), judged(measures), METHOD)


def _candidates(view: _View, follow_up: Volume) -> list[_Candidate]:
    """Return the best starts refined and coarsely bent, best local correlation first."""
    tried: list[_Candidate] = []
    reached: list[NDArray[np.float64]] = []
    for start in start_positions(view.scan, follow_up, view.box)[:BENT_STARTS]:
        matrix = _rigid(view, follow_up, start.matrix)
        here = to_world(matrix, view.box.centre_mm)
        if any(np.linalg.norm(here - other) < SAME_PLACE_MM for other in reached):
            continue  # another start came to the same place
        reached.append(here)
        bent = _bent(view, follow_up, Transform("reference", "follow-up", matrix), COARSE)
        tried.append(_Candidate(bent, _agreement(view, follow_up, bent, COARSE).local, _overlap(view, follow_up, bent)))
    if not tried:
        tried.append(_Candidate(_centred(view.scan, follow_up), 0.0, 0.0))
    return sorted(tried, key=lambda candidate: -candidate.evidence)


def _overlap(view: _View, follow_up: Volume, there: Transform) -> float:
    """Return the share of the box, as far as its own scan covers it, that the other scan covers too."""
    grid = regular_grid(view.box, RIGID_STEP_MM)
    known = coverage(view.scan, grid, identity("", "")).array
    return float((coverage(follow_up, grid, there).array & known).sum() / max(known.sum(), 1))


def _runner_up(candidates: list[_Candidate], centre_mm: NDArray[np.float64]) -> float | None:
    """Return the best correlation of a candidate that ended elsewhere than the first; None when all met there."""
    chosen = move_points(candidates[0].transform, centre_mm[None])
    for other in candidates[1:]:
        if np.linalg.norm(move_points(other.transform, centre_mm[None]) - chosen) > ELSEWHERE_MM:
            return other.correlation
    return None


@lru_cache(maxsize=16)
def _fixed(view: _View, step_mm: float) -> tuple[Sample, NDArray[np.float64]]:
    """Return the view's scan on an isotropic grid of its box, and the weight of every sample, 0 to 1."""
    grid = regular_grid(view.box, step_mm)
    fixed = sample(blurred(view.scan, step_mm), grid, np.eye(4))
    weight = fixed.known.astype(np.float64)
    if view.exclude is not None:
        lesion = view.exclude.with_array(view.exclude.array.astype(np.float64))
        weight = weight * (1.0 - resample(lesion, grid, identity("", ""), order=1).array)
    return fixed, weight


def _moving(view: _View, moving: Volume, begin: Transform, step_mm: float) -> Volume:
    """Return the other scan in its own grid, blurred for the step and standardised over the view's box."""
    return standardised(blurred(moving, step_mm), regular_grid(view.box, step_mm), begin.matrix)


def _bent(view: _View, moving: Volume, begin: Transform, stiffness: Stiffness) -> Transform:
    fixed, weight = _fixed(view, stiffness.step_mm)
    return bend(fixed, weight, _moving(view, moving, begin, stiffness.step_mm), begin, stiffness)


def _seen_from(follow_up: Volume, view: _View, there: Transform) -> _View:
    """Return the view from the other side: the follow-up, in the box and without the lesion as moved there."""
    corners = np.array(np.meshgrid(*zip(view.box.lower_mm, view.box.upper_mm, strict=True))).reshape(3, -1).T
    moved = to_world(there.matrix, corners)
    exclude = None
    if view.exclude is not None:
        lesion = view.exclude.with_array(view.exclude.array.astype(np.float64))
        exclude = resample(lesion, follow_up, inverse(there), order=1)
    return _View(follow_up, Box(moved.min(axis=0), moved.max(axis=0)), exclude)


def _agreement(view: _View, follow_up: Volume, there: Transform, stiffness: Stiffness) -> Agreement:
    """Return how alike the scans are over the known part of the box."""
    fixed, weight = _fixed(view, stiffness.step_mm)
    grid = regular_grid(view.box, stiffness.step_mm)
    moved = resample(_moving(view, follow_up, there, stiffness.step_mm), grid, there, order=1)
    weight = weight * coverage(follow_up, grid, there).array
    fit = local_fit(fixed.values, moved.array, weight, stiffness.window_mm / stiffness.step_mm)
    return agreement(fit, fixed.values, moved.array, weight)


def _rigid(view: _View, follow_up: Volume, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refine a start rigidly with ANTs; return the matrix from the reference to the follow-up."""
    fixed, weight = _fixed(view, RIGID_STEP_MM)
    grid = regular_grid(view.box.grown(SLACK_MM), RIGID_STEP_MM)
    moving = sample(blurred(follow_up, RIGID_STEP_MM), grid, start)
    return start @ _ants_rigid(fixed, weight > 0.5, moving, view.box.centre_mm)


def _ants_rigid(
    fixed: Sample, counted: NDArray[np.bool_], moving: Sample, centre_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rigid matrix ``(4, 4)``, RAS+ mm, that moves points of the fixed sample to the moving one."""
    images = [_to_ants(fixed.values, fixed.affine), _to_ants(moving.values, moving.affine)]
    masks = [_to_ants(counted, fixed.affine), _to_ants(moving.known, moving.affine)]
    image, mask = (",".join(ants.internal.get_pointer_string(i) for i in pair) for pair in (images, masks))
    with TemporaryDirectory() as folder:
        arguments = ["-d", "3", "--float", "1", "--random-seed", "1", "-o", f"{folder}/out"]
        arguments += ["-t", "Rigid[0.1]", "-m", f"Mattes[{image},1,32,Regular,0.5]", "-x", f"[{mask}]"]
        arguments += ["-c", "[60,1e-5,8]", "-f", "1", "-s", "0"]
        ants.registration(arguments, None)
        moved = ants.read_transform(str(Path(folder) / "out0GenericAffine.mat"))
    probes_mm = centre_mm + np.vstack([np.zeros(3), np.eye(3)])
    reached_lps = [ants.apply_ants_transform_to_point(moved, point.tolist()) for point in flip_points(probes_mm)]
    reached_mm = flip_points(np.array(reached_lps))
    matrix = np.eye(4)
    matrix[:3, :3] = (reached_mm[1:] - reached_mm[0]).T
    matrix[:3, 3] = reached_mm[0] - matrix[:3, :3] @ centre_mm
    return matrix


def _to_ants(array: NDArray, affine: NDArray[np.float64]) -> ants.ANTsImage:
    """Hand an array with its geometry to ANTs: masks as bytes, images as single precision."""
    origin, spacing_mm, direction = lps_geometry(Volume(array, affine))
    kind = np.uint8 if array.dtype == bool else np.float32
    return ants.from_numpy(array.astype(kind), origin=origin.tolist(), spacing=spacing_mm.tolist(), direction=direction)


def _centred(reference: Volume, follow_up: Volume) -> Transform:
    """Return the shift that lays the scans' centres on one another: the answer when nothing else is known."""
    matrix = np.eye(4)
    matrix[:3, 3] = field_of_view(follow_up).centre_mm - field_of_view(reference).centre_mm
    return Transform("reference", "follow-up", matrix)


def _place(reference: Volume, region: Volume | None, box: Box) -> Volume:
    """Return where the alignment must hold: the region, else the part of the box that the reference covers."""
    if region is not None and region.array.any():
        return region
    grid = regular_grid(box, RIGID_STEP_MM)
    return coverage(reference, grid, identity("", ""))


def align_within_visit(anchor: Volume, other: Volume) -> Alignment:
    """Lay another sequence of the same visit onto the visit's anchor scan, rigidly.

    Parameters
    ----------
    anchor, other
        Scans of one visit, of different contrast; the person moved a little at most, so scanner coordinates are the
        start.
    """
    with threadpool_limits(1):
        view = _View(anchor, box_around(anchor, None), None)
        there = Transform("anchor", "other", _rigid(view, other, np.eye(4)))
        place = _place(anchor, None, view.box)
        found = _agreement(view, other, there, COARSE)
        measures = Measures(
            local_correlation=found.local_unsigned,  # bright in one contrast is dark in another
            similarity=abs(found.overall),
            runner_up_correlation=None,
            winner_correlation=found.local_unsigned,
            inverse_consistency_mm=0.0,
            jacobian_min=1.0,
            jacobian_max=1.0,
            coverage_ratio=float(coverage(other, place, there).array[place.array].mean()),
            spacing_ratio=spacing_ratio(anchor, other),
        )
        return Alignment(there, inverse(there), judged(measures, CORRELATION_WITHIN_VISIT_A), WITHIN_VISIT_METHOD)
