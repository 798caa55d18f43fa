"""The outline that some clicks propose, in the scan's own grid, or why none can be proposed.

What it refuses: clicks outside the scan, clicks away from the cord, a scan in which no cord is found, and clicks that
contradict one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipeline.cord.cord_finding import FoundCord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.draft import ray_evidence, star_shape
from pipeline.draft.cord_coordinates import CordCoordinates
from pipeline.draft.ray_evidence import RAY_MM3, VOXEL_MM3, WALL_MM
from pipeline.draft.star_shape import DIRECTIONS, ELONGATION, RADII_MM, RADIUS_STEP_MM, StarShape
from pipeline.draft.unlike_cord import SignalChange, most, signal_change
from pipeline.errors import InputError, SettingsError

ALGORITHM, VERSION = "rays from a click in coordinates of the cord", 1
"""What goes on record with a mask that began as a proposal."""

ROUNDS = 2
"""How often the lesion's own signal is taken anew from all inside the outline."""

CLICK_MM, CLICK_SAYS = 1.2, 30.0
"""A further click speaks for all within this distance, mm, with this log-likelihood."""

THICK_RATIO = 2.0
"""From this ratio of the spacings on, what lies across the slices is not trusted."""

ACROSS_THICK, ACROSS_THIN, FADES_BY = 0.02, 0.1, 0.3
"""Trust in rays across thick slices; in rays to the side, where fluid is thin, of others; and how fast it fades."""

POORLY_PROPOSED = MappingProxyType(
    {Compartment.OEDEMA: "oedema is proposed poorly (half of it wrong, measured); draw it with the brush"}
)
"""Compartments whose proposal is to be doubted, with what to say."""

SOLID = frozenset({Compartment.TUMOUR, Compartment.ENHANCING})
"""Compartments whose signal is held against a trend along the cord: oedema fades as a coil's edge does."""

SHOWN_BY = 1.5
"""A second contrast shows the lesion when it differs from cord there by this many deviations; else it says nothing."""

BESIDE_BETWEEN = 1.0
"""A second contrast, as T1w after contrast agent, shows no oedema: there cord itself ends the lesion."""

APART_MM = 0.5
"""Clicks inside and outside must lie at least so far apart, mm."""


@dataclass(frozen=True)
class Clicks:
    """What somebody pointed at.

    Attributes
    ----------
    inside, outside
        RAS+ mm; at least one inside, the first near the middle of the lesion.
    """

    inside: tuple[tuple[float, float, float], ...]
    outside: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Proposal:
    """An outline that nobody has confirmed.

    Attributes
    ----------
    mask
        Boolean, on the scan's own grid.
    unsure_mm
        RAS+ mm; the place on the outline where the signal says least.
    change
        From :func:`pipeline.draft.unlike_cord.signal_change`, of the contrast that changes most; beside a trend of
        solid compartments alone.
    """

    mask: Volume
    unsure_mm: tuple[float, float, float]
    change: SignalChange | None = None


def propose(
    scan: Volume, cord: FoundCord, clicks: Clicks, compartment: Compartment, second: Volume | None = None
) -> Proposal:
    """Propose the outline of a lesion around clicks.

    The signal along rays from the first click, in coordinates of the cord, says how far the lesion goes; a smooth
    surface is fitted to all rays and clicks at once.

    Parameters
    ----------
    scan
        Intensities; its grid is the mask's.
    cord
        As found in this scan.
    compartment
        Said in refusals; what it looks like is learnt from the first click.
    second
        Another contrast, laid on the same world; any grid. It counts where it shows the lesion.

    Raises
    ------
    SettingsError
        No click inside, one outside the scan or away from the cord, or two that contradict one another.
    InputError
        No cord was found in the scan.
    """
    check_clicks(scan, cord, clicks, compartment)
    axis = CordCoordinates(cord.points_mm)
    inside, outside = (axis.of(np.array(places).reshape(-1, 3)) for places in (clicks.inside, clicks.outside))
    centre = _centre(scan, axis, inside[0])
    rays = star_shape.click_rays(centre, inside, outside)
    width = star_shape.bump_width(len(inside) + len(outside))
    shape = StarShape(centre, 0.0, np.zeros(star_shape.MODES + 3), width)
    signals = [ray_evidence.ray_signal(scan, axis, centre, inside[0])]
    if second is not None:
        beside = ray_evidence.ray_signal(second, axis, centre, inside[0])
        signals += [beside] * (abs(beside.lesion - beside.cord) >= SHOWN_BY * beside.spread)
    trust = _trust(scan, axis, centre)
    by_hand = _said(centre, inside[1:], outside)
    gain = np.zeros((len(DIRECTIONS), len(RADII_MM)))
    for turn in range(ROUNDS):
        ends = (ray_evidence.BETWEEN, BESIDE_BETWEEN)
        parts = [ray_evidence.evidence(signal, end) for signal, end in zip(signals, ends, strict=False)]
        gain = reduce(np.add, parts) + by_hand
        shape = star_shape.fitted(gain, trust, rays, shape, () if turn else star_shape.START_RADII_MM)
        signals = [ray_evidence.refitted(signal, shape.radii_mm(DIRECTIONS)) for signal in signals]
    mask = _voxels(scan, axis, shape, clicks)
    looked_at = [scan] if second is None else [scan, second]
    change = most(signal_change(one, cord.points_mm, mask) for one in looked_at)
    if change is not None and compartment not in SOLID:
        change = replace(change, beside_trend=None)
    return Proposal(mask, _least_sure(axis, shape, gain), change)


def check_clicks(scan: Volume, cord: FoundCord, clicks: Clicks, compartment: Compartment) -> None:
    """Refuse clicks that no outline can be proposed from.

    Raises
    ------
    SettingsError, InputError
        As :func:`propose`.
    """
    if not clicks.inside:
        raise SettingsError(f"expected a click inside the {compartment}, found none")
    for place in (*clicks.inside, *clicks.outside):
        if not _holds(scan, place):
            raise SettingsError(f"{_words(place)}: expected a place inside the scan{_as_voxel(scan, place)}")
    if not cord.is_found:
        raise InputError(f"no cord was found in this scan, so no outline can be proposed: {cord.reason}; draw it")
    for place in clicks.inside:
        away_mm = float(np.linalg.norm(cord.points_mm - place, axis=1).min())
        if away_mm > WALL_MM:
            raise SettingsError(
                f"{_words(place)}: expected a place in the cord, found one {away_mm:.0f} mm from its middle"
                f"{_as_voxel(scan, place)}"
            )
        for other in clicks.outside:
            if np.linalg.norm(np.subtract(place, other)) < APART_MM:
                raise SettingsError(f"{_words(place)}: the same place is said to be inside and outside; take one back")


def _centre(scan: Volume, axis: CordCoordinates, click: NDArray) -> NDArray[np.float64]:
    """Return the middle of the rays: the click, but across thick slices, where it says little, that of the cord."""
    centre = click.copy()
    normal = _normal(scan, axis, click)
    if _ratio(scan) > THICK_RATIO and abs(normal[2]) < 0.5:
        half_mm = scan.spacing_mm.max() / 2
        centre[:2] -= np.clip(click[:2] @ normal[:2], -half_mm, half_mm) * normal[:2]
    return centre


def _normal(scan: Volume, axis: CordCoordinates, place: NDArray) -> NDArray[np.float64]:
    """Return the direction across the slices, or from side to side, in coordinates of the cord."""
    across = scan.affine[:3, int(np.argmax(scan.spacing_mm))] / scan.spacing_mm.max()
    if _ratio(scan) <= 1.3:
        return np.array([1.0, 0.0, 0.0])
    return axis.directions_at(float(place[2])) @ across


def _ratio(scan: Volume) -> float:
    return float(scan.spacing_mm.max() / scan.spacing_mm.min())


def _trust(scan: Volume, axis: CordCoordinates, centre: NDArray) -> NDArray[np.float64]:
    across = np.abs(DIRECTIONS @ _normal(scan, axis, centre))
    if _ratio(scan) > THICK_RATIO:
        return ACROSS_THICK + (1 - ACROSS_THICK) * np.exp(-0.5 * (across / FADES_BY) ** 2)
    return 1 - (1 - ACROSS_THIN) * across**2


def _said(centre: NDArray, inside: NDArray, outside: NDArray) -> NDArray[np.float64]:
    """Return what clicks say of the samples around them, log-likelihood per sample."""
    places = ray_evidence.PLACES + centre
    weight = CLICK_SAYS / (4 / 3 * np.pi * CLICK_MM**3) * RAY_MM3
    total = np.zeros((len(DIRECTIONS), len(RADII_MM)))
    for clicks, sign in ((inside, 1.0), (outside, -1.0)):
        for click in clicks:
            near = (np.linalg.norm(places - click, axis=1) < CLICK_MM).reshape(total.shape)
            total += sign * near * (weight + 2 * ray_evidence.MOST * RAY_MM3 / VOXEL_MM3)
    return total


def _voxels(scan: Volume, axis: CordCoordinates, shape: StarShape, clicks: Clicks) -> Volume:
    """Mark the voxels whose middle lies inside the surface; those that were clicked as they were clicked."""
    reach = DIRECTIONS * shape.radii_mm(DIRECTIONS)[:, None] * np.array([1.0, 1.0, ELONGATION]) * 1.1
    corners = to_voxel(scan.affine, axis.to_world(reach + shape.centre))
    first = np.clip(np.floor(corners.min(axis=0)) - 1, 0, scan.shape).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0)) + 2, 0, scan.shape).astype(int)
    indices = np.moveaxis(np.indices(tuple(last - first)), 0, -1).reshape(-1, 3) + first
    marked = np.zeros(scan.shape, dtype=bool)
    marked[tuple(indices[shape.depth(axis.of(to_world(scan.affine, indices))) > 0].T)] = True
    for places, value in ((clicks.outside, False), (clicks.inside, True)):
        for place in places:
            marked[_voxel(scan, place)] = value
    return scan.with_array(marked)


def _least_sure(axis: CordCoordinates, shape: StarShape, gain: NDArray) -> tuple[float, float, float]:
    """Return the place of the outline where evidence changes least from inside to outside."""
    radii_mm = shape.radii_mm(DIRECTIONS)
    at = np.clip((radii_mm / RADIUS_STEP_MM).astype(int), 2, len(RADII_MM) - 3)
    density = gain / RAY_MM3
    each_ray = np.arange(len(DIRECTIONS))
    drop = sum(density[each_ray, at - back] - density[each_ray, at + back] for back in (1, 2))
    worst = int(np.argmin(ray_evidence.NEIGHBOURS @ drop))
    place = DIRECTIONS[worst] * radii_mm[worst] * np.array([1.0, 1.0, ELONGATION]) + shape.centre
    x, y, z = axis.to_world(place[None])[0]
    return float(x), float(y), float(z)


def _voxel(scan: Volume, place: tuple[float, float, float]) -> tuple[int, int, int]:
    i, j, k = np.clip(np.rint(to_voxel(scan.affine, np.array(place))), 0, np.array(scan.shape) - 1).astype(int)
    return int(i), int(j), int(k)


def _holds(scan: Volume, place: tuple[float, float, float]) -> bool:
    voxel = to_voxel(scan.affine, np.array(place))
    return bool(((voxel >= -0.5) & (voxel <= np.array(scan.shape) - 0.5)).all())


def _as_voxel(scan: Volume, place: tuple[float, float, float]) -> str:
    """Say where a place would lie if its numbers were meant as voxels."""
    voxel = to_voxel(scan.affine, np.array(place))
    read = f"; as RAS+ mm it is voxel {', '.join(f'{at:.1f}' for at in voxel)} of {'x'.join(map(str, scan.shape))}"
    if all(0 <= at <= count - 1 for at, count in zip(place, scan.shape, strict=True)):
        x, y, z = to_world(scan.affine, np.array(place))
        return f"{read}; if it was meant as a voxel, say {x:.1f},{y:.1f},{z:.1f}"
    return f"{read}; look the place up in RAS+ mm, the world of the NIfTI header"


def _words(place: tuple[float, float, float]) -> str:
    return ",".join(f"{at:g}" for at in place)
