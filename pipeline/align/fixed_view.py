"""One scan as the fixed side of a comparison: where to look, what to leave out, and how another scan fits there.

Scans are compared on isotropic copies of a box; the lesion is left out, because it is what changes. Nothing here
searches: it bends from where it is told to begin, and says how alike two scans are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.align.bend import Stiffness, bend
from pipeline.align.sampling_window import Box, Sample, blurred, regular_grid, sample, standardised
from pipeline.align.similarity import Agreement, agreement, local_fit
from pipeline.core.transform import Transform, coverage, identity, inverse, resample
from pipeline.core.volume import Volume, to_world

OVERLAP_STEP_MM = 2.0
"""Lattice on which shares of the box are counted, mm."""


@dataclass(frozen=True, eq=False)
class View:
    """One scan as the fixed side of a comparison: where to look, and what to leave out."""

    scan: Volume
    box: Box
    exclude: Volume | None


@lru_cache(maxsize=16)
def fixed_sample(view: View, step_mm: float) -> tuple[Sample, NDArray[np.float64]]:
    """Return the view's scan on an isotropic grid of its box, and the weight of every sample, 0 to 1."""
    grid = regular_grid(view.box, step_mm)
    fixed = sample(blurred(view.scan, step_mm), grid, np.eye(4))
    weight = fixed.known.astype(np.float64)
    if view.exclude is not None:
        lesion = view.exclude.with_array(view.exclude.array.astype(np.float64))
        weight = weight * (1.0 - resample(lesion, grid, identity("", ""), order=1).array)
    return fixed, weight


def _moving(view: View, moving: Volume, begin: Transform, step_mm: float) -> Volume:
    """Return the other scan in its own grid, blurred for the step and standardised over the view's box."""
    return standardised(blurred(moving, step_mm), regular_grid(view.box, step_mm), begin.matrix)


def bent_onto(view: View, moving: Volume, begin: Transform, stiffness: Stiffness) -> Transform:
    """Improve a transform from the view's scan to another one by a bend of the given stiffness."""
    fixed, weight = fixed_sample(view, stiffness.step_mm)
    return bend(fixed, weight, _moving(view, moving, begin, stiffness.step_mm), begin, stiffness)


def seen_from(follow_up: Volume, view: View, there: Transform) -> View:
    """Return the view from the other side: the follow-up, in the box and without the lesion as moved there."""
    corners = np.array(np.meshgrid(*zip(view.box.lower_mm, view.box.upper_mm, strict=True))).reshape(3, -1).T
    moved = to_world(there.matrix, corners)
    exclude = None
    if view.exclude is not None:
        lesion = view.exclude.with_array(view.exclude.array.astype(np.float64))
        exclude = resample(lesion, follow_up, inverse(there), order=1)
    return View(follow_up, Box(moved.min(axis=0), moved.max(axis=0)), exclude)


def agreement_of(view: View, follow_up: Volume, there: Transform, stiffness: Stiffness) -> Agreement:
    """Return how alike the scans are over the known part of the box."""
    fixed, weight = fixed_sample(view, stiffness.step_mm)
    grid = regular_grid(view.box, stiffness.step_mm)
    seen = resample(_moving(view, follow_up, there, stiffness.step_mm), grid, there, order=1, outside=np.nan).array
    is_seen = ~np.isnan(seen)
    moved, weight = np.where(is_seen, seen, 0.0), weight * is_seen
    fit = local_fit(fixed.values, moved, weight, stiffness.window_mm / stiffness.step_mm)
    return agreement(fit, fixed.values, moved, weight)


def overlap_ratio(view: View, follow_up: Volume, there: Transform) -> float:
    """Return the share of the box, as far as its own scan covers it, that the other scan covers too."""
    grid = regular_grid(view.box, OVERLAP_STEP_MM)
    covered = coverage(view.scan, grid, identity("", "")).array
    return float((coverage(follow_up, grid, there).array & covered).sum() / max(covered.sum(), 1))


def place_of(reference: Volume, region: Volume | None, box: Box) -> Volume:
    """Return where the alignment must hold: the region, else the part of the box that the reference covers."""
    if region is not None and region.array.any():
        return region
    grid = regular_grid(box, OVERLAP_STEP_MM)
    return coverage(reference, grid, identity("", ""))
