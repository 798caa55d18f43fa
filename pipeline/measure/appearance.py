"""How a compartment looks on the scan: its signal, how sharp its margin is, and how it takes up contrast agent.

Descriptions, not diagnoses: the limits that make a word of a number are this project's own and not validated, and the
numbers stand beside the words. What this module refuses: a word where the scan shows no contrast to judge by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize, special

from pipeline.core.volume import Volume, slice_axis
from pipeline.measure.volumes import OBJECT_PROBABILITY

MARGIN_REACH_MM = 3.0
"""How far to either side of the drawn boundary the signal is looked at, mm: beyond lies more than the next tissue."""

TEN_TO_NINETY = 2.563
"""Width from 10 to 90 % of an edge blurred by a Gaussian, in its standard deviations."""

SHARP_MM = 1.0
SHARP_PIXELS = 2.0
"""A margin is sharp up to this width beyond what the pixels blur by themselves."""

LEAST_EXPLAINED = 0.25
"""An edge that explains less of the signal's variance across the boundary than this is no edge."""

LEAST_VOXELS = 8
ENHANCED_RATIO = 0.15
"""A voxel enhances when contrast agent raises its signal by this share, and by more than the noise outside."""

NOISE_DEVIATIONS = 2.0
NONE_BELOW, ALL_FROM = 0.10, 0.75
"""Enhancing share of the lesion below which it is *none*, and from which it is *homogeneous*."""

RIM_MM = 1.5
RIM_FROM, CORE_BELOW = 0.50, 0.25
"""A ring: at least the first share of the rim enhances, and less than the second of what lies within."""


class Margin(StrEnum):
    """How the signal passes from the compartment to what surrounds it."""

    SHARP = "sharp"
    BLURRED = "blurred"


class Enhancement(StrEnum):
    """How the lesion takes up contrast agent on T1w."""

    NONE = "none"
    HOMOGENEOUS = "homogeneous"
    HETEROGENEOUS = "heterogeneous"
    RING = "ring"


@dataclass(frozen=True)
class Signal:
    """Mean signal in a compartment in the scanner's own units, and its standard deviation over that mean."""

    mean: float
    cv: float | None


@dataclass(frozen=True)
class MarginMeasure:
    """Width over which the signal changes at the drawn boundary, mm; None with the reason where it cannot be told.

    The width holds the scan's own blur and the reader's wander, so it is an upper bound.
    """

    width_mm: float | None
    margin: Margin | None
    missing_reason: str | None = None


@dataclass(frozen=True)
class EnhancementMeasure:
    """Share of the lesion's voxels that enhance and the pattern; None with the reason where it cannot be told."""

    ratio: float | None
    pattern: Enhancement | None
    missing_reason: str | None = None


def signal_of(image: Volume, mask: Volume) -> Signal | None:
    """Return the signal of the voxels that are more in than out; None when there are too few.

    Parameters
    ----------
    image, mask
        On one grid.
    """
    values = image.array[mask.array >= OBJECT_PROBABILITY].astype(np.float64)
    if len(values) < LEAST_VOXELS:
        return None
    mean = float(values.mean())
    return Signal(mean, float(values.std() / mean) if mean > 0 else None)


def margin_of(image: Volume, mask: Volume, others: NDArray[np.bool_]) -> MarginMeasure:
    """Measure how sharply the signal changes at a mask's boundary, within the acquired slices.

    An edge blurred by a Gaussian is fitted to the signal as a function of the distance to the drawn boundary; the
    edge may lie beside the line that the reader drew.

    Parameters
    ----------
    image, mask
        On one grid, shape ``(I, J, K)``.
    others
        Shape ``(I, J, K)``; other compartments, whose voxels do not count.

    Returns
    -------
    MarginMeasure
        Width from 10 to 90 % of the change, mm.
    """
    inside = mask.array >= OBJECT_PROBABILITY
    if inside.sum() < LEAST_VOXELS:
        return MarginMeasure(None, None, "too few voxels")
    box = _box(inside, np.ceil(2 * MARGIN_REACH_MM / mask.spacing_mm).astype(int))
    distance_mm = signed_distance_mm(inside[box], mask)
    near = (np.abs(distance_mm) <= MARGIN_REACH_MM) & ~others[box]
    distance_mm, values = distance_mm[near], image.array[box][near].astype(np.float64)
    if min((distance_mm < 0).sum(), (distance_mm > 0).sum()) < LEAST_VOXELS:
        return MarginMeasure(None, None, "the compartment or what surrounds it is too thin")
    pixel_mm = float(np.delete(mask.spacing_mm, slice_axis(mask)).mean())
    width_mm, explained = _edge_width_mm(distance_mm, values, pixel_mm)
    if width_mm is None or explained < LEAST_EXPLAINED:
        return MarginMeasure(None, None, "no clear contrast to what surrounds it on this scan")
    is_sharp = width_mm <= SHARP_MM + SHARP_PIXELS * pixel_mm
    return MarginMeasure(width_mm, Margin.SHARP if is_sharp else Margin.BLURRED)


def enhancement_of(before: Volume, after: Volume, lesion: NDArray[np.bool_]) -> EnhancementMeasure:
    """Compare T1w before and after contrast agent in a lesion.

    The two scans are brought to one scale by the tissue around the lesion, which hardly enhances.

    Parameters
    ----------
    before, after
        On the lesion's grid, shape ``(I, J, K)``; voxels that a scan does not cover are NaN.
    lesion
        Solid tumour with the cysts and cavities that it encloses.
    """
    if not lesion.any():
        return EnhancementMeasure(None, None, "no lesion drawn")
    box = _box(lesion, np.ceil(MARGIN_REACH_MM / before.spacing_mm).astype(int) + 7)
    without, enhanced, lesion = before.array[box], after.array[box], lesion[box]
    covered = np.isfinite(without) & np.isfinite(enhanced) & (np.nan_to_num(without) > 0)
    around = ndimage.binary_dilation(lesion, iterations=6) & ~ndimage.binary_dilation(lesion, iterations=2) & covered
    if (lesion & covered).sum() < LEAST_VOXELS or around.sum() < LEAST_VOXELS:
        return EnhancementMeasure(None, None, "the T1w scans do not cover the lesion and what surrounds it")
    raised = np.divide(enhanced, without, out=np.full(lesion.shape, np.nan), where=covered)
    usual = float(np.median(raised[around]))
    noise = 1.4826 * float(np.median(np.abs(raised[around] / usual - 1.0)))
    enhances = covered & (raised / usual - 1.0 > max(ENHANCED_RATIO, NOISE_DEVIATIONS * noise))
    depth_mm = ndimage.distance_transform_edt(np.pad(lesion, 1), sampling=before.spacing_mm)[1:-1, 1:-1, 1:-1]
    rim = lesion & covered & (depth_mm <= max(RIM_MM, float(before.spacing_mm.max())))
    core = lesion & covered & ~rim
    ratio = float(enhances[lesion & covered].mean())
    core_ratio = float(enhances[core].mean()) if core.sum() >= LEAST_VOXELS else None
    return EnhancementMeasure(ratio, _pattern(ratio, float(enhances[rim].mean()), core_ratio))


def _pattern(ratio: float, rim_ratio: float, core_ratio: float | None) -> Enhancement:
    if ratio < NONE_BELOW:
        return Enhancement.NONE
    if core_ratio is not None and rim_ratio >= RIM_FROM and core_ratio < CORE_BELOW:
        return Enhancement.RING
    return Enhancement.HOMOGENEOUS if ratio >= ALL_FROM else Enhancement.HETEROGENEOUS


def _box(inside: NDArray[np.bool_], margin: NDArray[np.int_]) -> tuple[slice, ...]:
    indices = np.argwhere(inside)
    lower = np.maximum(indices.min(axis=0) - margin, 0)
    upper = np.minimum(indices.max(axis=0) + margin + 1, inside.shape)
    return tuple(slice(int(low), int(high)) for low, high in zip(lower, upper, strict=True))


def signed_distance_mm(inside: NDArray[np.bool_], grid: Volume) -> NDArray[np.float64]:
    """Return each voxel's distance to the boundary within its own slice, mm, negative inside; far when it has none."""
    across = slice_axis(grid)
    sides_mm = np.delete(grid.spacing_mm, across)
    half_mm = float(sides_mm.mean()) / 2
    distance_mm = np.full(inside.shape, np.inf)
    slices = np.moveaxis(distance_mm, across, 0)
    for number, plane in enumerate(np.moveaxis(inside, across, 0)):
        if plane.any() and not plane.all():
            outer = ndimage.distance_transform_edt(~plane, sampling=sides_mm) - half_mm
            inner = ndimage.distance_transform_edt(plane, sampling=sides_mm) - half_mm
            slices[number] = np.where(plane, -inner, outer)
    return distance_mm


def _edge_width_mm(
    distance_mm: NDArray[np.float64], values: NDArray[np.float64], pixel_mm: float
) -> tuple[float | None, float]:
    """Fit a blurred edge to signal against distance.

    Returns
    -------
    tuple
        Width from 10 to 90 %, mm, at least a pixel (None when nothing fits), and the share of the variance explained.
    """
    low, high = float(np.median(values[distance_mm < 0])), float(np.median(values[distance_mm > 0]))

    def edge(at_mm: NDArray, inner: float, outer: float, place_mm: float, sigma_mm: float) -> NDArray:
        return inner + (outer - inner) * 0.5 * (1 + special.erf((at_mm - place_mm) / (np.sqrt(2) * sigma_mm)))

    least, most = pixel_mm / TEN_TO_NINETY, MARGIN_REACH_MM
    bounds = ([-np.inf, -np.inf, -most / 2, least], [np.inf, np.inf, most / 2, max(most, 2 * least)])
    try:
        fitted, _ = optimize.curve_fit(edge, distance_mm, values, p0=[low, high, 0.0, 1.5 * least], bounds=bounds)
    except RuntimeError:  # it did not settle
        return None, 0.0
    spread = float(((values - values.mean()) ** 2).sum())
    missed = float(((values - edge(distance_mm, *fitted)) ** 2).sum())
    return TEN_TO_NINETY * float(fitted[3]), 1.0 - missed / spread if spread > 0 else 0.0
