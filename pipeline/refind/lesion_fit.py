"""Explain a later scan by the parts of an earlier, masked one, by the growth that fits best.

Forward model, voxel by voxel of the later scan in its own grid: points are taken to the masked visit by the alignment
and a small stiff bend that is fitted too; the lesion's parts follow its growth, the tissue around follows a share of
it; parts are laid over the background and averaged over the slice, so that thick slices mix tissues here as they did
in the scanner. A smooth curve takes signal from one scan to the other. Gauss-Newton steps minimise the difference
(Student's t, tolerant at steep edges) plus what the growth and the bend cost by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pipeline.align.control_lattice import (
    COMPONENTS,
    Lattice,
    add_normal_matrix,
    elastic,
    field_of,
    gathered,
    lattice_of,
)
from pipeline.core.compiled import compiled
from pipeline.core.interpolation import interpolated
from pipeline.core.volume import to_voxel
from pipeline.refind.growth_flow import Flows, came_from, expectation, flows_of, numbers_of
from pipeline.refind.scene import Predicted, Scene
from pipeline.refind.signal_curve import Ease, SignalCurve, fit_curve
from pipeline.refind.template import Template, slope_of, softened

CONTROL_MM, STRAIN_PRICE, BEND_PRICE = 12.0, 10.0, 0.002
"""Spacing of the fitted bend's control points, mm; price of its strain per mm³; price of its size."""

GIVING_WAY, GIVING_WAY_SD = 0.4, 0.2
"""Expected share of the lesion's growth that the tissue around follows, and its standard deviation."""

STILL_PRICE = 1e4
"""How many times more growth costs a compartment that is held still."""

ROUNDS = 16
"""Gauss-Newton rounds at most."""

STRAIN_STEP, SHIFT_STEP_MM, BEND_STEP_MM, GIVING_STEP = 0.15, 1.0, 2.0, 0.2
"""Longest step of one round."""

TOGETHER = 8192
"""Voxels that are weighted at once, so that no second copy of all of them is made."""

SETTLED_STRAIN, SETTLED_MM = 0.005, 0.05

STARTS = (0.0, 0.2)
"""Growth (of length, natural log) from which lesions are fitted: as drawn, and clearly larger."""

AS_WELL = 1.02
"""A fit explains a scan as well as another one if it leaves at most this many times its noise. The two ends differed by
0.5 % at most on real cords with known lesions; one that never found its lesion again left 8 % more."""


@dataclass(frozen=True, eq=False)
class FitState:
    """What is fitted: growth ``(C, 4, 3)``, the bend's control values ``(3, P, Q, R)``, the share that gives way."""

    growth: NDArray[np.float64]
    control: NDArray[np.float64]
    giving_way: float


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted lesion on the scene's crop of shape ``(I, J, K)``; C compartments.

    Attributes
    ----------
    occupancy
        Shape ``(C, I, J, K)``; share of each voxel that a compartment takes, 0 to 1.
    left
        Shape ``(I, J, K)``; signal of the later scan that stays unexplained, 0 where nothing was compared.
    certainty
        Shape ``(I, J, K)``; 1 over the variance of ``left``, 0 where nothing was compared.
    gain
        Shape ``(I, J, K)``; signal of the later scan per signal of the masked visit.
    noise
        Robust standard deviation of what stays unexplained.
    patterns
        Shape ``(C, I, J, K)``; how each compartment's ln V changes with the signal of each voxel.
    """

    occupancy: NDArray[np.float64]
    left: NDArray[np.float64]
    certainty: NDArray[np.float64]
    gain: NDArray[np.float64]
    noise: float
    patterns: NDArray[np.float64]


def fit_lesion(template: Template, scene: Scene, still: Collection[str] = ()) -> Fit:
    """Fit the growth of a template's compartments to a later scan, from no growth on.

    Parameters
    ----------
    still
        Compartments that neither grow nor change their signal.
    """
    return _Fitter(template, scene, Ease(still=frozenset(still))).fitted(0.0)


def fitted_ends(template: Template, scene: Scene, extra_blur_mm: float = 0.0, free: Collection[str] = ()) -> list[Fit]:
    """Fit a template's compartments from two sizes, and return the one or two ends that count.

    On thick slices two sizes of a lesion can explain a scan nearly as well, and a fit ends at the one it comes from.
    Where both ways end at the same size, that is the size; where they do not, their mean lies between, and how far
    they are apart says how sure it is. An end that leaves clearly more unexplained than the other does not count.

    Parameters
    ----------
    extra_blur_mm
        How much blurrier the later scan is than the masked visit, standard deviation, mm; the shares stay sharp.
    free
        Compartments whose signal may change at will.
    """
    fitter = _Fitter(softened(template, extra_blur_mm), scene, Ease(free=frozenset(free)), template)
    ends = [fitter.fitted(start) for start in STARTS]
    least = min(end.noise for end in ends)
    return [end for end in ends if end.noise <= AS_WELL * least]


class _Fitter:
    """The parts of a fit that stay the same from round to round."""

    def __init__(self, template: Template, scene: Scene, ease: Ease, outline: Template | None = None) -> None:
        self.template, self.scene, self.ease, self.outline = template, scene, ease, outline or template
        self.flows: Flows = flows_of(template)
        self.stacks = stacks_of(template, self.flows)
        self.lattice: Lattice = lattice_of(scene.shape, scene.spacing_mm, CONTROL_MM)
        self.bend_price = elastic(self.lattice)
        self.bend_price *= STRAIN_PRICE * scene.voxel_mm3
        self.bend_price[np.diag_indices_from(self.bend_price)] += BEND_PRICE
        prices = [expectation(1) * (STILL_PRICE if name in ease.still else 1.0) for name in template.names]
        self.growth_price = linalg.block_diag(*prices, 1 / GIVING_WAY_SD**2)

    def fitted(self, start: float) -> Fit:
        """Take Gauss-Newton steps from even growth on, until nothing moves any more or the rounds are used up."""
        sizes = [values.shape[1] for values in self.lattice.values]
        growth = np.zeros((len(self.template.names), 4, 3))
        growth[:, :3] = start * np.eye(3)
        state = FitState(growth, np.zeros((3, *sizes)), GIVING_WAY)
        curve: SignalCurve | None = None
        for _ in range(ROUNDS):
            state, curve, is_settled = self._next(state, curve)
            if is_settled:
                break
        shown = predicted(self.template, self.flows, self.stacks, self.scene, self._bend(state), state)
        curve = fit_curve(self.template.names, self.scene, shown, curve, self.ease)
        left, certainty, gain = self.scene.spread(np.stack([curve.left, 1 / curve.variance, curve.gain]))
        patterns = self.scene.spread(self._patterns(state, shown, curve))
        if self.outline is not self.template:
            stacks = stacks_of(self.outline, self.flows)
            shown = predicted(self.outline, self.flows, stacks, self.scene, self._bend(state), state)
        return Fit(self.scene.spread(shown.occupancy.T), left, certainty, gain, curve.noise, patterns)

    def _next(self, state: FitState, curve: SignalCurve | None) -> tuple[FitState, SignalCurve, bool]:
        """Take one Gauss-Newton step; nothing large outlives it, as the next needs the same room."""
        shown = predicted(self.template, self.flows, self.stacks, self.scene, self._bend(state), state)
        curve = fit_curve(self.template.names, self.scene, shown, curve, self.ease)
        state, is_settled = self._stepped(state, _solved(*self._equations(state, shown, curve)))
        return state, curve, is_settled

    def _bend(self, state: FitState) -> NDArray[np.float64]:
        """Return the bend at the active voxels, shape ``(N, 3)``, in the masked visit's world, mm."""
        field = field_of(self.lattice, state.control)[self.scene.is_active]
        return np.asarray(field @ self.scene.axes.T)

    def _equations(
        self, state: FitState, shown: Predicted, curve: SignalCurve
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the normal equations of one round, bend first, then growth and giving way."""
        bends, voxels, by_bend = state.control.size, self.scene.active_places, self._by_bend(shown, curve)
        weighted = curve.weight[:, None] * by_bend
        matrix = np.zeros((bends + len(self.growth_price),) * 2)
        matrix[:bends, :bends], matrix[bends:, bends:] = self.bend_price, self.growth_price
        numbers = np.r_[state.control.ravel(), state.growth.ravel(), state.giving_way - GIVING_WAY]
        priced = matrix @ numbers
        curvature = np.stack([weighted[:, a] * by_bend[:, b] for a, b in COMPONENTS], axis=1)
        add_normal_matrix(self.lattice, voxels, curvature, matrix)
        del curvature
        pulls = np.empty((len(voxels), shown.by_growth.shape[1] + 1))
        np.multiply(shown.by_growth, curve.gain[:, None], out=pulls[:, :-1])
        pulls[:, -1] = curve.left
        onto = gathered(self.lattice, voxels, weighted, pulls).reshape(bends, -1)
        matrix[:bends, bends:] = onto[:, :-1]
        matrix[bends:, :bends] = onto[:, :-1].T
        onto_growth = np.zeros((pulls.shape[1] - 1, pulls.shape[1]))
        for part in (slice(first, first + TOGETHER) for first in range(0, len(pulls), TOGETHER)):
            onto_growth += (pulls[part, :-1] * curve.weight[part, None]).T @ pulls[part]
        matrix[bends:, bends:] += onto_growth[:, :-1]
        return matrix, np.r_[onto[:, -1], onto_growth[:, -1]] - priced

    def _by_bend(self, shown: Predicted, curve: SignalCurve) -> NDArray[np.float64]:
        """Return how the later scan's signal changes with the bend, shape ``(N, 3)``."""
        return np.asarray(shown.slope @ self.scene.axes * curve.gain[:, None])

    def _patterns(self, state: FitState, shown: Predicted, curve: SignalCurve) -> NDArray[np.float64]:
        """Return how each compartment's ln V changes with the signal of each voxel, shape ``(C, N)``."""
        first, bends = state.control.size + 12 * np.arange(len(state.growth)), state.control.size
        even = np.zeros((bends + len(self.growth_price), len(first)))
        for place in (0, 4, 8):  # the trace of a compartment's growth is its growth in ln V
            even[first + place, np.arange(len(first))] = 1
        matrix, _ = self._equations(state, shown, curve)
        answers = _solved(matrix, even).T
        by_bend, by_growth = self._by_bend(shown, curve), shown.by_growth * curve.gain[:, None]
        moved = [field_of(self.lattice, one[:bends].reshape(state.control.shape)) for one in answers]
        by_moving = [(one[self.scene.is_active] * by_bend).sum(axis=1) for one in moved]
        return np.asarray(curve.weight * (by_moving + answers[:, bends:] @ by_growth.T))

    def _stepped(self, state: FitState, step: NDArray[np.float64]) -> tuple[FitState, bool]:
        """Take a step, no part of it too long; also say whether nothing moved."""
        bend = step[: state.control.size].reshape(state.control.shape)
        growth = step[state.control.size : -1].reshape(state.growth.shape)
        bend_mm = float(np.abs(field_of(self.lattice, bend)).max())
        strain, shift = np.abs(growth[:, :3]).max(axis=(1, 2)), np.abs(growth[:, 3]).max(axis=1)
        scale = np.minimum(1, np.minimum(STRAIN_STEP / (strain + 1e-9), SHIFT_STEP_MM / (shift + 1e-9)))
        giving = float(np.clip(state.giving_way + np.clip(step[-1], -GIVING_STEP, GIVING_STEP), 0, 1))
        moved = FitState(
            state.growth + growth * scale[:, None, None],
            state.control + bend * min(1.0, BEND_STEP_MM / (bend_mm + 1e-9)),
            giving,
        )
        return moved, bool(bend_mm < SETTLED_MM and strain.max() < SETTLED_STRAIN)


def _solved(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve normal equations, whose matrix is overwritten; their prices keep it well away from singular."""
    factor = linalg.cho_factor(matrix.T, overwrite_a=True)  # the same matrix, laid out as LAPACK wants it
    return np.asarray(linalg.cho_solve(factor, right, check_finite=False))


@dataclass(frozen=True, eq=False)
class Stacks:
    """A template's images, all values of a voxel together; V voxels, C compartments.

    ``lesion`` ``(V, 6 C + 4)`` moves with the lesion: shares, textures, windows, slopes of the shares, rim and its
    slope; ``tissue`` ``(V, C + 5)`` with the tissue around: windows, background, filled, slope of the background.
    """

    lesion: NDArray[np.float64]
    tissue: NDArray[np.float64]


def stacks_of(template: Template, flows: Flows) -> Stacks:
    """Lay out what one layer of a slice looks up."""
    count = len(template.names)
    return Stacks(
        _side_by_side(6 * count + 4, _of_the_lesion(template, flows)),
        _side_by_side(count + 5, _around_the_lesion(template, flows)),
    )


def _of_the_lesion(template: Template, flows: Flows) -> Iterator[NDArray[np.float64]]:
    """Yield what moves with the lesion; slopes are made one by one, as they are needed here alone."""
    yield from (template.occupancy, template.texture, flows.windows)
    yield from (slope_of(part, template.step_mm) for part in template.occupancy)
    yield template.rim
    yield slope_of(template.rim, template.step_mm)


def _around_the_lesion(template: Template, flows: Flows) -> Iterator[NDArray[np.float64]]:
    """Yield what moves with the tissue around."""
    yield from (flows.windows, template.background, template.filled)
    yield slope_of(template.background, template.step_mm)


def _side_by_side(count: int, parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Lay M images ``(..., I, J, K)`` of several arrays out as ``(I J K, M)``, without a copy of all of them between.

    Raises
    ------
    ValueError
        There are not so many images.
    """
    images = (image.ravel() for part in parts for image in part.reshape(-1, *part.shape[-3:]))
    first = next(images)
    together = np.empty((first.size, count))
    for column, image in zip(range(count), chain([first], images), strict=True):
        together[:, column] = image
    return together


def predicted(
    template: Template, flows: Flows, stacks: Stacks, scene: Scene, bend_mm: NDArray[np.float64], state: FitState
) -> Predicted:
    """Show the masked visit as the later scan should see it, and how that changes with what is fitted."""
    grid, count = template.background.shape, len(template.names)
    layers_mm = [layer + bend_mm for layer in scene.layers]
    origins = came_from(flows, state.growth, (1.0, state.giving_way), layers_mm)
    numbers = numbers_of(flows, state.growth)
    shown = np.zeros((len(bend_mm), 5 + count))
    by_growth = np.zeros((len(bend_mm), 12 * count + 1))
    for lesion_mm, tissue_mm in origins:
        at_lesion = interpolated(stacks.lesion, grid, to_voxel(template.affine, lesion_mm))
        at_tissue = interpolated(stacks.tissue, grid, to_voxel(template.affine, tissue_mm))
        places_mm = (np.ascontiguousarray(lesion_mm), np.ascontiguousarray(tissue_mm))
        share = 1 / len(origins)
        _add_layer(
            at_lesion,
            at_tissue,
            *places_mm,
            flows.centres_mm,
            numbers,
            float(state.giving_way),
            share,
            shown,
            by_growth,
        )
    return Predicted(shown[:, 0], shown[:, 1:4], by_growth, shown[:, 5:], shown[:, 4])


@compiled
def _add_layer(  # noqa: PLR0913, PLR0917  # what is compiled takes plain arrays
    at_lesion: NDArray[np.float64],
    at_tissue: NDArray[np.float64],
    lesion_mm: NDArray[np.float64],
    tissue_mm: NDArray[np.float64],
    centres_mm: NDArray[np.float64],
    numbers: NDArray[np.float64],
    giving_way: float,
    share: float,
    shown: NDArray[np.float64],
    by_growth: NDArray[np.float64],
) -> None:
    """Add one layer of a slice to signal, slope, filled and shares (``shown``), and to how signal follows growth."""
    count = centres_mm.shape[0]
    by_lesion, by_tissue = np.empty(3), np.empty(3)
    for n in range(at_lesion.shape[0]):
        lesion, tissue, background = at_lesion[n], at_tissue[n], at_tissue[n, count]
        free, signal = 1.0, lesion[6 * count]
        for c in range(count):
            free -= lesion[c]
            signal += lesion[c] * lesion[count + c]
            shown[n, 5 + c] += share * lesion[c]
        free = min(max(free, 0.0), 1.0)
        shown[n, 0] += share * (signal + free * background)
        shown[n, 4] += share * free * tissue[count + 1]
        for e in range(3):
            by_lesion[e] = lesion[6 * count + 1 + e]
            by_tissue[e] = free * tissue[count + 2 + e]
            for c in range(count):
                by_lesion[e] += (lesion[count + c] - background) * lesion[3 * count + 3 * c + e]
            shown[n, 1 + e] += share * (by_lesion[e] + by_tissue[e])
            for c in range(count):
                outward = numbers[c, 3, e]
                for d in range(3):
                    outward += tissue_mm[n, d] * numbers[c, d, e]
                by_growth[n, 12 * count] -= share * by_tissue[e] * tissue[c] * outward
                by_here = -share * by_lesion[e] * lesion[2 * count + c]
                by_there = -share * by_tissue[e] * giving_way * tissue[c]
                for d in range(3):
                    arms = by_here * (lesion_mm[n, d] - centres_mm[c, d])
                    by_growth[n, 12 * c + 3 * e + d] += arms + by_there * (tissue_mm[n, d] - centres_mm[c, d])
                by_growth[n, 12 * c + 9 + e] += by_here + by_there
