"""The edge of solid tumour: sharp or infiltrating, with its width beyond what the scan itself blurs.

Where the tumour borders on cord, and where it borders on oedema that somebody drew, each by itself: a tumour in oedema
has its edge against the oedema, and held against the cord that lies further out it would look infiltrating. Towards
fluid an edge is always sharp and says nothing, and a tumour between cord and fluid often has no clear edge at all.
What this module refuses: a word where tumour and what it borders on look alike, and sureness of an edge that is told
towards one of both only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, sure_if, unsaid
from pipeline.core.transform import move_points
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import to_voxel, to_world
from pipeline.description.description_limits import DescriptionLimits, EdgeLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, box_of, share_in
from pipeline.description.tissue_signal import laid_along
from pipeline.measure.appearance import TEN_TO_NINETY
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.volumes import OBJECT_PROBABILITY

NAME = LesionFinding.MARGIN
CORD, OEDEMA = "cord", "oedema"
ALIKE = "tumour and what it borders on are too alike on the scans of this visit"
FAR_MM = 99.0
"""Distance of what lies beyond the box that is looked at."""

NOISE = "the edge is not told from noise on the scans of this visit"
UNEVEN = "the tumour's own signal is too uneven for one edge on the scans of this visit"
IN_SHORT = {ALIKE: "too alike", NOISE: "not told from noise", UNEVEN: "too uneven"}

HALO = "what it borders on looks like oedema that nobody drew, which widens a sharp edge"
BEYOND = "what it borders on is not as the cord above and below and may be tumour that nobody drew"

SAMPLED_MM, MOST_SAMPLES = 0.8, 4
"""A voxel is averaged over points no further apart than this, mm, and no more than so many along an axis."""

RIMS_MM, RIM_EDGE_MM = (1.5, 3.0), 0.3
RIM_BOUNDS = ((0.5, -2.0, 0.8, 0.05, -2.0, -2.0, -2.0), (1.6, 2.0, 6.0, 0.95, 2.0, 2.0, 2.0))
"""A rim between two sharp steps: widths tried first and the deviation of both steps (mm); bounds of the height, the
inner step's place, the rim's width (mm), its signal as a share of the step, and the scan's shift (mm)."""

FIRST_GUESS = (1.0, 0.0, 0.5, 0.0, 0.0, 0.0)
LOWEST, HIGHEST = (0.5, -2.0, 0.05, -2.0, -2.0, -2.0), (1.6, 2.0, 5.0, 2.0, 2.0, 2.0)
"""Of the height of the step beside the lesion's own, its place (mm), its deviation (mm), and the scan's shift (mm)."""


@dataclass(frozen=True, eq=False)
class EdgeFit:
    """A step from tumour to cord, blurred: its width from 10 to 90 % and the standard error of that, mm.

    ``has_halo`` says that what borders on it has signal between both further out than any edge reaches, or in a rim of
    its own; ``borders_on`` is cord or oedema.
    """

    width_mm: float
    error_mm: float
    scan: AlignedScan
    has_halo: bool = False
    borders_on: str = CORD


@dataclass(frozen=True)
class UntoldEdge:
    """Why an edge is not told on one scan, and towards what; ``borders_on`` is None where too little of it is there."""

    reason: str
    borders_on: str | None = None


@dataclass(frozen=True, eq=False)
class EdgeSurround:
    """What tumour borders on, on one scan; arrays have a place for each of its voxels.

    Attributes
    ----------
    near
        The voxels within reach of the edge, on both sides of it.
    level
        Signal of what lies outside, as a ratio to the cord.
    """

    name: str
    near: NDArray[np.bool_]
    level: float


@dataclass(frozen=True, eq=False)
class OutlineDistance:
    """Distance from the surface of solid tumour in a box of its grid, mm, negative inside.

    ``bordering`` names by number what lies nearest outside of each voxel: 0 cord, 1 oedema, 2 anything else drawn.
    """

    scene: LesionScene
    box: tuple[slice, ...]
    values_mm: NDArray[np.float64]
    bordering: NDArray[np.int8]

    def at(self, points_mm: NDArray[np.float64], beyond_mm: float | None = None) -> NDArray[np.float64]:
        """Return the distance at points ``(M, 3)``; beyond the box that of its edge, or a given one."""
        index = _in_box(self.scene, self.box, points_mm)
        mode, fill = ("nearest", 0.0) if beyond_mm is None else ("constant", beyond_mm)
        return np.asarray(ndimage.map_coordinates(self.values_mm, index, order=1, mode=mode, cval=fill))

    def borders_on(self, points_mm: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the number of what lies nearest outside of points ``(M, 3)``."""
        index = _in_box(self.scene, self.box, points_mm)
        return np.asarray(ndimage.map_coordinates(self.bordering, index, order=0, mode="nearest"))


def margin_finding(scans: Sequence[AlignedScan], scene: LesionScene, limits: DescriptionLimits) -> Described:
    """Describe the edge by all scans that tell its width, the better ones counting most."""
    read = [edge for scan in scans for edge in _edges_on(scan, scene, limits)]
    fits = [edge for edge in read if isinstance(edge, EdgeFit)]
    untold = [edge for edge in read if isinstance(edge, UntoldEdge)]
    if not fits:
        reason = untold[-1].reason if untold else "no scan shows the lesion"
        return unsaid(NAME, reason, tuple(scan.path for scan in scans))
    width_mm, error_mm = _together(fits)
    edge = limits.edge
    limit_mm = edge.sharp_below_mm
    value = "sharp" if width_mm < limit_mm else "infiltrating"
    deviations = edge.sure_deviations if value == "sharp" else edge.infiltrating_deviations
    is_clear = abs(width_mm - limit_mm) >= deviations * error_mm
    is_clear = is_clear and error_mm <= edge.sure_error_mm  # a width that is hardly told is no edge of any kind
    doubt = "" if value == "sharp" else "; an edge that was drawn beside itself looks the same"
    has_halo = any(fit.has_halo for fit in fits)
    if has_halo:
        is_clear, doubt = False, f"{doubt}; {BEYOND if value == 'sharp' else HALO}"
    differs = _differs(fits, limit_mm) or _told_on_one_side(fits, untold)
    is_clear = is_clear and differs is None
    doubt = f"{doubt}; {differs}" if differs else doubt
    against = "" if all(fit.borders_on == CORD for fit in fits) else "; against oedema that was drawn"
    near = "" if is_clear or differs or has_halo else f"; {NEAR_LIMIT}"
    reason = f"the scan's own blur is taken out{against}{doubt}{near}"
    half_mm = Z_95 * error_mm
    return Described(
        NAME, value, width_mm, max(width_mm - half_mm, 0.0), width_mm + half_mm, "mm, 10 to 90 %", sure_if(is_clear),
        reason, tuple(dict.fromkeys(fit.scan.path for fit in fits)),
    )  # fmt: skip


def _together(fits: Sequence[EdgeFit]) -> tuple[float, float]:
    """Return the width of an edge by several fits and the standard error of that, mm; the surer ones count most."""
    weights = np.array([1.0 / fit.error_mm**2 for fit in fits])
    width_mm = float(weights @ [fit.width_mm for fit in fits] / weights.sum())
    return width_mm, float(1.0 / np.sqrt(weights.sum()))


def _differs(fits: Sequence[EdgeFit], limit_mm: float) -> str | None:
    """Say how the edge towards cord and towards oedema differ, where one is sharp and the other not; else None.

    A tumour that infiltrates the cord may end where the oedema ends, and an outline may lie beside one of both edges.
    """
    widths_mm = {
        name: _together([fit for fit in fits if fit.borders_on == name])[0]
        for name in dict.fromkeys(fit.borders_on for fit in fits)
    }
    if len({width_mm < limit_mm for width_mm in widths_mm.values()}) < 2:
        return None
    return f"towards cord {widths_mm[CORD]:.1f} mm, towards oedema {widths_mm[OEDEMA]:.1f} mm"


def _told_on_one_side(fits: Sequence[EdgeFit], untold: Sequence[UntoldEdge]) -> str | None:
    """Name what the tumour borders on without an edge that any scan tells; None where all of it is told."""
    towards = {edge.borders_on: edge.reason for edge in untold if edge.borders_on}
    sides = [name for name in towards if name not in {fit.borders_on for fit in fits}]
    return "; ".join(f"towards {name} not told: {IN_SHORT[towards[name]]}" for name in sides) or None


def _edges_on(scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> list[EdgeFit | UntoldEdge]:
    """Fit the edge on one scan against cord and against oedema, or say in words why it cannot be."""
    laid = laid_along(scan, scene, limits)
    if isinstance(laid, str):
        return [UntoldEdge(laid)]
    edge, (voxels, reference) = limits.edge, laid
    relative = voxels.values / reference.at(voxels.position_mm)
    inside = float(np.median(relative[voxels.core(limits.signal.least_voxels)]))
    distance, samples_mm = _distance_of(scene, edge), _samples_mm(voxels)
    places_mm = samples_mm.mean(axis=1)
    middle_mm = distance.at(places_mm, beyond_mm=FAR_MM)
    results: list[EdgeFit | UntoldEdge] = []
    for surround in _surrounds(voxels, scene, relative, (distance, places_mm), edge):
        near = surround.near
        if min((near & (middle_mm < 0)).sum(), (near & (middle_mm > 0)).sum()) < edge.least_voxels:
            results.append(UntoldEdge("too little of the tumour borders on cord"))
            continue
        if abs(inside - surround.level) < max(edge.least_contrast, reference.spread):
            results.append(UntoldEdge(ALIKE, surround.name))
            continue
        if not _is_even((relative - surround.level) / (inside - surround.level), voxels, middle_mm, limits):
            results.append(UntoldEdge(UNEVEN, surround.name))
            continue
        share = (relative[near] - surround.level) / (inside - surround.level)
        outer = share[(middle_mm[near] >= edge.halo_from_mm) & (middle_mm[near] <= edge.halo_to_mm)]
        has_halo = len(outer) >= edge.least_halo and float(np.median(outer)) > edge.halo_share
        fit = _fitted(share, samples_mm[near], distance, scan, edge)
        if fit is None:
            results.append(UntoldEdge(NOISE, surround.name))
            continue
        results.append(replace(fit, has_halo=has_halo or fit.has_halo, borders_on=surround.name))
    return results


def _is_even(
    share: NDArray[np.float64], voxels: CordVoxels, middle_mm: NDArray[np.float64], limits: DescriptionLimits
) -> bool:
    """Say whether the tumour has one signal from end to end, and none far beyond it further out.

    A nodule or a rim that takes up contrast agent, and patches of tissue, have an edge of their own within the tumour.
    ``share`` is 1 for the signal of its depth and 0 for what it borders on, shape ``(N,)``.
    """
    edge, whole = limits.edge, voxels.solid >= limits.uptake.well_within
    if whole.sum() < edge.least_part_voxels or middle_mm[whole].min() >= 0:  # nothing of it is deep
        return True
    is_deep = middle_mm <= edge.deep_from * middle_mm[whole].min()
    ends_mm = np.quantile(voxels.position_mm[whole & is_deep], [1 / 3, 2 / 3])
    third = np.digitize(voxels.position_mm, ends_mm)
    parts = [share[whole & is_deep & (third == number)] for number in range(3)]
    levels = [float(np.median(part)) for part in parts if len(part) >= edge.least_part_voxels]
    rim = share[whole & ~is_deep]
    outer = float(np.median(rim)) if len(rim) >= edge.least_part_voxels else 1.0
    return max(map(abs, np.array([*levels, max(outer, 1.0)]) - 1.0)) <= edge.most_uneven


def _surrounds(
    voxels: CordVoxels,
    scene: LesionScene,
    relative: NDArray[np.float64],
    outline: tuple[OutlineDistance, NDArray[np.float64]],
    edge: EdgeLimits,
) -> list[EdgeSurround]:
    """Return cord and, where somebody drew it at the tumour, oedema: each with its own part of the edge.

    ``outline`` is the distance from it and the places of the voxels, ``(N, 3)``.
    """
    distance, places_mm = outline
    middle_mm, nearest = distance.at(places_mm, beyond_mm=FAR_MM), distance.borders_on(places_mm)
    reached = np.abs(middle_mm) <= edge.reach_mm
    reached &= (voxels.away_mm <= edge.within_cord * voxels.radius_mm) | (voxels.solid >= 0.9)
    wet = share_in(voxels.scan, scene.others[Compartment.OEDEMA], voxels.indices) if _has_oedema(scene) else None
    is_cord = (voxels.beside < edge.most_beside) & ((middle_mm > 0) | (nearest == 0))
    surrounds = [EdgeSurround(CORD, reached & is_cord, 1.0)]
    if wet is None:
        return surrounds
    beyond = (wet >= 1.0 - edge.most_beside) & (middle_mm >= edge.clear_of_edge_mm) & reached
    if beyond.sum() >= edge.least_halo:
        dry = voxels.beside - wet < edge.most_beside
        is_wet = dry & np.where(middle_mm > 0, wet + voxels.solid >= 1.0 - edge.most_beside, nearest == 1)
        surrounds.append(EdgeSurround(OEDEMA, reached & is_wet, float(np.median(relative[beyond]))))
    return surrounds


def _has_oedema(scene: LesionScene) -> bool:
    drawn = scene.others.get(Compartment.OEDEMA)
    return drawn is not None and bool((drawn.array >= OBJECT_PROBABILITY).any())


def _fitted(
    share: NDArray[np.float64],
    places_mm: NDArray[np.float64],
    distance: OutlineDistance,
    scan: AlignedScan,
    edge: EdgeLimits,
) -> EdgeFit | None:
    """Fit a blurred step to the share of tumour ``(N,)`` in voxels of which points ``(N, S, 3)`` are given.

    None where noise hides it.
    """

    def left(step: NDArray[np.float64]) -> NDArray[np.float64]:
        away = distance.at((places_mm + step[3:]).reshape(-1, 3))
        inner = 0.5 * (1.0 - special.erf((away - step[1]) / (np.sqrt(2) * step[2])))
        return np.asarray(step[0] * inner.reshape(places_mm.shape[:2]).mean(axis=1) - share)

    fit = optimize.least_squares(
        left, FIRST_GUESS, bounds=(LOWEST, HIGHEST), loss="soft_l1", f_scale=0.3, diff_step=0.02, max_nfev=25
    )
    variance = float((left(fit.x) ** 2).mean())
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * variance * edge.alike_voxels
    error_mm = TEN_TO_NINETY * float(np.sqrt(max(covariance[2, 2], 0.0)))
    if fit.x[2] >= 0.9 * HIGHEST[2] or error_mm > edge.most_error_mm:
        return None
    width_mm = TEN_TO_NINETY * float(fit.x[2])
    has_rim = width_mm >= edge.sharp_below_mm and _has_rim(share, places_mm, distance, fit, edge)
    return EdgeFit(width_mm, max(error_mm, edge.least_error_mm), scan, has_rim)


def _has_rim(
    share: NDArray[np.float64],
    places_mm: NDArray[np.float64],
    distance: OutlineDistance,
    wide: optimize.OptimizeResult,
    edge: EdgeLimits,
) -> bool:
    """Say whether two sharp steps with a rim between fit far better than the ``wide`` one: oedema that nobody drew."""

    def left(step: NDArray[np.float64]) -> NDArray[np.float64]:
        away = distance.at((places_mm + step[4:]).reshape(-1, 3))
        places = (step[1], step[1] + step[2])
        near, far = (special.erfc((away - place) / (np.sqrt(2) * RIM_EDGE_MM)) / 2 for place in places)
        model = step[0] * near + step[3] * (far - near)
        return np.asarray(model.reshape(places_mm.shape[:2]).mean(axis=1) - share)

    fits = (
        optimize.least_squares(
            left, (wide.x[0], 0.0, rim_mm, 0.4, *wide.x[3:]), bounds=RIM_BOUNDS, loss="soft_l1", f_scale=0.3,
            diff_step=0.02, max_nfev=25,
        )
        for rim_mm in RIMS_MM
    )  # fmt: skip
    rim = min(float((left(fit.x) ** 2).sum()) for fit in fits)
    return rim < edge.rim_leaves * float((wide.fun**2).sum())


def _distance_of(scene: LesionScene, edge: EdgeLimits) -> OutlineDistance:
    """Return the distance from the surface of what the lesion fills, and what lies outside of it."""
    solid = scene.solid
    margin = int(np.ceil((edge.reach_mm + 3.0) / solid.spacing_mm.min()))
    box = box_of(solid.array, margin) or tuple(slice(0, size) for size in solid.shape)
    inner = solid.array[box] > 0
    out = ndimage.distance_transform_edt(~inner, sampling=solid.spacing_mm)
    within, nearest = ndimage.distance_transform_edt(inner, sampling=solid.spacing_mm, return_indices=True)
    half_mm = float(solid.spacing_mm.min()) / 2
    what = np.where(scene.beside.array[box], 2, 0).astype(np.int8)
    if _has_oedema(scene):
        what[scene.others[Compartment.OEDEMA].array[box] >= OBJECT_PROBABILITY] = 1
    return OutlineDistance(scene, box, np.where(inner, half_mm - within, out - half_mm), what[tuple(nearest)])


def _samples_mm(voxels: CordVoxels) -> NDArray[np.float64]:
    """Return points within each voxel in the anchor's world, shape ``(N, S, 3)``: a voxel shows their mean."""
    affine, spacing_mm = voxels.scan.image.affine, voxels.scan.image.spacing_mm
    counts = np.clip(np.ceil(spacing_mm / SAMPLED_MM), 1, MOST_SAMPLES).astype(int)
    steps = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = to_world(affine, (voxels.indices[:, None, :] + offsets[None]).reshape(-1, 3))
    return np.asarray(move_points(voxels.scan.to_anchor, points).reshape(len(voxels.indices), len(offsets), 3))


def _in_box(scene: LesionScene, box: tuple[slice, ...], points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where points lie in the box, in voxels, shape ``(3, M)``."""
    return np.asarray((to_voxel(scene.solid.affine, points_mm) - np.array([part.start for part in box])).T)
