"""The edge of solid tumour: sharp or infiltrating, with its width beyond what the scan itself blurs.

Only where the tumour borders on cord: towards fluid an edge is always sharp and says nothing, and a tumour between
cord and fluid often has no clear edge at all. What this module refuses: a word where tumour and cord look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, sure_if, unsaid
from pipeline.core.transform import move_points
from pipeline.core.volume import to_voxel, to_world
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, box_of
from pipeline.description.tissue_signal import laid_along
from pipeline.measure.appearance import TEN_TO_NINETY
from pipeline.measure.measurement_error import Z_95

NAME = LesionFinding.MARGIN
REACH_MM = 5.0
WITHIN_CORD = 0.8
"""Share of the cord's radius within which what borders on the tumour is cord and not fluid."""

LEAST_CONTRAST = 0.12
LEAST_VOXELS = 24
ALIKE_VOXELS = 4.0
"""Voxels along a boundary err together: so many of them count as one."""

HALO_MM, HALO_SHARE, LEAST_HALO = (3.0, 5.0), 0.2, 12
"""An edge of 5 mm has less than a tenth of its signal left so far out: more is oedema or tumour that nobody drew, or an
infiltration so wide that it looks the same as oedema."""

HALO = "what it borders on looks like oedema that nobody drew, which widens a sharp edge"

SAMPLED_MM, MOST_SAMPLES = 0.8, 4
LEAST_ERROR_MM, SURE_ERROR_MM, MOST_ERROR_MM = 0.15, 2.5, 6.0
"""No outline is drawn better than the first; a width less sure than the second is not sure, than the third not said."""

FIRST_GUESS = (1.0, 0.0, 0.5, 0.0, 0.0, 0.0)
LOWEST, HIGHEST = (0.5, -2.0, 0.05, -2.0, -2.0, -2.0), (1.6, 2.0, 5.0, 2.0, 2.0, 2.0)
"""Of the height of the step beside the lesion's own, its place (mm), its deviation (mm), and the scan's shift (mm)."""


@dataclass(frozen=True, eq=False)
class EdgeFit:
    """A step from tumour to cord, blurred: its width from 10 to 90 % and the standard error of that, mm.

    ``has_halo`` says that what borders on it has signal between both further out than any edge reaches.
    """

    width_mm: float
    error_mm: float
    scan: AlignedScan
    has_halo: bool = False


def margin_finding(scans: Sequence[AlignedScan], scene: LesionScene, limits: DescriptionLimits) -> Described:
    """Describe the edge by all scans that tell its width, the better ones counting most."""
    reason, fits = "no scan shows the lesion", []
    for scan in scans:
        fitted = _edge_on(scan, scene, limits)
        if isinstance(fitted, str):
            reason = fitted
        else:
            fits.append(fitted)
    if not fits:
        return unsaid(NAME, reason, tuple(scan.path for scan in scans))
    weights = np.array([1.0 / fit.error_mm**2 for fit in fits])
    width_mm = float(weights @ [fit.width_mm for fit in fits] / weights.sum())
    error_mm = float(1.0 / np.sqrt(weights.sum()))
    limit_mm = limits.edge.sharp_below_mm
    value = "sharp" if width_mm < limit_mm else "infiltrating"
    deviations = limits.edge.sure_deviations if value == "sharp" else limits.edge.infiltrating_deviations
    is_clear = abs(width_mm - limit_mm) >= deviations * error_mm
    is_clear = is_clear and error_mm <= SURE_ERROR_MM  # a width that is hardly told is no edge of any kind
    doubt = "" if value == "sharp" else "; an edge that was drawn beside itself looks the same"
    if value != "sharp" and any(fit.has_halo for fit in fits):
        is_clear, doubt = False, f"{doubt}; {HALO}"
    reason = f"the scan's own blur is taken out{doubt}{'' if is_clear or HALO in doubt else f'; {NEAR_LIMIT}'}"
    half_mm = Z_95 * error_mm
    return Described(
        NAME, value, width_mm, max(width_mm - half_mm, 0.0), width_mm + half_mm, "mm, 10 to 90 %", sure_if(is_clear),
        reason, tuple(fit.scan.path for fit in fits),
    )  # fmt: skip


def _edge_on(scan: AlignedScan, scene: LesionScene, limits: DescriptionLimits) -> EdgeFit | str:
    """Fit the edge on one scan, or say in words why it cannot be."""
    laid = laid_along(scan, scene, limits)
    if isinstance(laid, str):
        return laid
    voxels, reference = laid
    relative = voxels.values / reference.at(voxels.position_mm)
    inside = float(np.median(relative[voxels.core(limits.signal.least_voxels)]))
    if abs(inside - 1.0) < max(LEAST_CONTRAST, reference.spread):
        return "tumour and cord are too alike on the scans of this visit"
    distance_mm, box = _distance_mm(scene)
    samples_mm = _samples_mm(voxels)
    middle_mm = ndimage.map_coordinates(distance_mm, _in_box(scene, box, samples_mm.mean(axis=1)), order=1, cval=99.0)
    near = (
        (np.abs(middle_mm) <= REACH_MM)
        & (voxels.beside < 0.02)
        & ((voxels.away_mm <= WITHIN_CORD * voxels.radius_mm) | (voxels.solid >= 0.9))
    )
    if min((near & (middle_mm < 0)).sum(), (near & (middle_mm > 0)).sum()) < LEAST_VOXELS:
        return "too little of the tumour borders on cord"
    share, places_mm = (relative[near] - 1.0) / (inside - 1.0), samples_mm[near]

    def left(step: NDArray[np.float64]) -> NDArray[np.float64]:
        places = (places_mm + step[3:]).reshape(-1, 3)
        away = ndimage.map_coordinates(distance_mm, _in_box(scene, box, places), order=1, mode="nearest")
        inner = 0.5 * (1.0 - special.erf((away - step[1]) / (np.sqrt(2) * step[2])))
        return np.asarray(step[0] * inner.reshape(places_mm.shape[:2]).mean(axis=1) - share)

    outer = share[(middle_mm[near] >= HALO_MM[0]) & (middle_mm[near] <= HALO_MM[1])]
    has_halo = len(outer) >= LEAST_HALO and float(np.median(outer)) > HALO_SHARE
    fit = _fitted(left, scan)
    return fit if isinstance(fit, str) else replace(fit, has_halo=has_halo)


def _fitted(left, scan: AlignedScan) -> EdgeFit | str:  # type: ignore[no-untyped-def]
    fit = optimize.least_squares(
        left, FIRST_GUESS, bounds=(LOWEST, HIGHEST), loss="soft_l1", f_scale=0.3, diff_step=0.02, max_nfev=25
    )
    variance = float((left(fit.x) ** 2).mean())
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * variance * ALIKE_VOXELS
    error_mm = TEN_TO_NINETY * float(np.sqrt(max(covariance[2, 2], 0.0)))
    if fit.x[2] >= 0.9 * HIGHEST[2] or error_mm > MOST_ERROR_MM:
        return "the edge is not told from noise on the scans of this visit"
    return EdgeFit(TEN_TO_NINETY * float(fit.x[2]), max(error_mm, LEAST_ERROR_MM), scan)


def _distance_mm(scene: LesionScene) -> tuple[NDArray[np.float64], tuple[slice, ...]]:
    """Return the distance from the surface of what the lesion fills, mm, negative inside, in a box of its grid."""
    solid = scene.solid
    margin = int(np.ceil((REACH_MM + 3.0) / solid.spacing_mm.min()))
    box = box_of(solid.array, margin) or tuple(slice(0, size) for size in solid.shape)
    inner = solid.array[box] > 0
    out, within = (ndimage.distance_transform_edt(part, sampling=solid.spacing_mm) for part in (~inner, inner))
    half_mm = float(solid.spacing_mm.min()) / 2
    return np.where(inner, half_mm - within, out - half_mm), box


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
