"""A synthetic lesion of exactly known volume in a real cord, and the tissue that gives way to it.

In every plane across the head-foot axis a lesion is a star around its own axis: a radius for each angle. Its volume is
then an integral over angles and heights alone, with no voxel in it. Tissue moves outwards along each ray so that its
area stays: where the tissue came from r, it lies at R with ``R² = r² + a²``, a being the lesion's radius on that ray.
All of the cord keeps its volume exactly; fluid and what lies beyond give way until nothing moves any more.

Nothing here is shared with the way in which lesions are found again (``refind``): agreement between
the two would otherwise say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.transform import identity
from pipeline.core.volume import Volume, to_world
from pipeline.measure.cord import line_of_cord
from pipeline.measure.volumes import OBJECT_PROBABILITY

Array = NDArray[np.floating]

EDGE_MM = 0.4
"""Width over which a lesion's share falls from 1 to 0, mm; halved shares lie on its outline."""

SMOOTHED_MM = 4.0
"""Standard deviation along the cord with which its width is averaged, mm."""

CORD_MARGIN = 1.2
"""Tissue keeps its volume up to this multiple of the cord's half-axes."""

LEAST_GIVE_MM = 3.0
"""Beyond the cord tissue gives way over at least this distance, mm."""

FOLLOWS_WIDTH = 1.5
"""A lesion that has become this much wider than the cord's half-axes grows along the cord only."""

ANGLES, HEIGHTS = 180, 400
"""Points of the integral over a lesion's outline; more change the volume by less than 0.01 %."""


@dataclass(frozen=True, eq=False)
class ImplantLine:
    """Where the cord runs, at heights ``z_mm`` of shape ``(N,)``: its middle and half-axes, right and front.

    ``middle_mm`` and ``half_mm`` have shape ``(N, 2)``; ``reach_mm`` is the lowest and highest point of the mask.
    """

    z_mm: NDArray[np.float64]
    middle_mm: NDArray[np.float64]
    half_mm: NDArray[np.float64]
    reach_mm: tuple[float, float]

    def middle_at(self, z: Array) -> tuple[Array, Array]:
        """Return x and y (RAS+ mm) of the cord's middle at heights."""
        return np.interp(z, self.z_mm, self.middle_mm[:, 0]), np.interp(z, self.z_mm, self.middle_mm[:, 1])

    def half_at(self, z: Array) -> tuple[Array, Array]:
        """Return the cord's half-axes to the right and to the front at heights, mm."""
        return np.interp(z, self.z_mm, self.half_mm[:, 0]), np.interp(z, self.z_mm, self.half_mm[:, 1])


@dataclass(frozen=True)
class Lesion:
    """A soft, lumpy ellipsoid in the cord.

    Attributes
    ----------
    z_mm
        Height of its centre, RAS+ mm.
    axis_mm
        Where its axis runs, right and front of the cord's middle, mm.
    across_mm
        Half-axes to the right and to the front, mm.
    length_mm
        From pole to pole.
    above
        Share of the length above the centre.
    lumps
        Eight weights of the outline's unevenness: cosines and sines of one and two turns, even and along the cord.
    """

    z_mm: float
    axis_mm: tuple[float, float]
    across_mm: tuple[float, float]
    length_mm: float
    above: float = 0.5
    lumps: tuple[float, ...] = (0.0,) * 8

    @property
    def poles_mm(self) -> tuple[float, float]:
        """Heights of the lower and the upper pole, RAS+ mm."""
        return self.z_mm - (1 - self.above) * self.length_mm, self.z_mm + self.above * self.length_mm


def course_of(cord: Volume) -> ImplantLine:
    """Take the cord's middle line and its width from a mask of the whole cord.

    Parameters
    ----------
    cord
        Mask (0..1), shape ``(I, J, K)``.
    """
    line = line_of_cord(cord, identity("scan", "scan"))
    order = np.argsort(line.points_mm[:, 2])
    z, middle = line.points_mm[order, 2], line.points_mm[order, :2]
    points = to_world(cord.affine, np.argwhere(cord.array >= OBJECT_PROBABILITY))
    off = np.stack([points[:, i] - np.interp(points[:, 2], z, middle[:, i]) for i in range(2)], axis=-1)
    within = (np.abs(cord.affine[:2, :3]) ** 2).sum(axis=1) / 12  # a voxel is spread around its centre
    levels, where = np.unique(np.round(points[:, 2]), return_inverse=True)
    count = np.bincount(where)
    spread = np.stack([np.bincount(where, off[:, i] ** 2) for i in range(2)], axis=-1)
    weight = np.exp(-0.5 * ((z[:, None] - levels) / SMOOTHED_MM) ** 2)
    weight += 1e-9 * np.exp(-0.5 * ((z[:, None] - levels) / (10 * SMOOTHED_MM)) ** 2)
    variance = (weight @ spread) / (weight @ count)[:, None] + within
    return ImplantLine(z, middle, 2 * np.sqrt(variance), (float(points[:, 2].min()), float(points[:, 2].max())))


def radius_mm(lesion: Lesion, angle: Array, z: Array) -> Array:
    """Return how far a lesion reaches from its axis at angles (0 is right, a quarter turn is front) and heights, mm."""
    low, high = lesion.poles_mm
    up = (z - lesion.z_mm) / np.where(z > lesion.z_mm, high - lesion.z_mm, lesion.z_mm - low)
    profile = np.sqrt(np.clip(1 - up * up, 0, None))
    right, front = lesion.across_mm
    cos, sin = np.cos(angle), np.sin(angle)
    even = right * front / np.sqrt((front * cos) ** 2 + (right * sin) ** 2)
    w = lesion.lumps
    waves = (w[0] + w[1] * up) * cos + (w[2] + w[3] * up) * sin
    waves = waves + (w[4] + w[5] * up) * (cos * cos - sin * sin) + (w[6] + w[7] * up) * (2 * cos * sin)
    return np.asarray(profile * even * np.clip(1 + waves, 0.4, 1.6))


def volume_mm3(lesion: Lesion) -> float:
    """Integrate a lesion's share over all space, mm³."""
    low, high = lesion.poles_mm
    # Points of equal angle on a circle: dense at the poles, where the outline turns.
    turn = (np.arange(HEIGHTS) + 0.5) * np.pi / HEIGHTS
    z = (low + high) / 2 - (high - low) / 2 * np.cos(turn)
    step = (high - low) / 2 * np.sin(turn) * np.pi / HEIGHTS
    angle = (np.arange(ANGLES) + 0.5) * 2 * np.pi / ANGLES
    radius = radius_mm(lesion, angle[None, :], z[:, None])
    edge = np.minimum(EDGE_MM, 2 * radius)
    area = 0.5 * (radius**2 + edge**2 / 12).sum(axis=1) * 2 * np.pi / ANGLES
    return float((area * step).sum())


def of_volume(lesion: Lesion, wanted_mm3: float) -> Lesion:
    """Return the lesion as long as the volume wants it: at a given width its volume is proportional to its length."""
    return replace(lesion, length_mm=lesion.length_mm * wanted_mm3 / volume_mm3(lesion))


def share(radius: Array, distance: Array) -> Array:
    """Return the share of a lesion (0..1) at distances from its axis, given its radius there, both mm."""
    edge = np.minimum(EDGE_MM, 2 * radius)
    inside = np.clip(0.5 + (radius - distance) / np.maximum(edge, 1e-6), 0, 1)
    return np.asarray(np.where(radius > 0, inside, 0.0))


@dataclass(frozen=True, eq=False)
class Implant:
    """What one visit's cord holds: the tumour, and a cyst at one of its poles or none."""

    course: ImplantLine
    tumour: Lesion
    cyst: Lesion | None = None

    def shares(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return the shares (0..1) of tumour and cyst at points; where both would be, the tumour keeps the space."""
        distance, angle = self._rays(x, y, z)
        tumour = share(radius_mm(self.tumour, angle, z), distance)
        if self.cyst is None:
            return tumour, np.zeros_like(tumour)
        return tumour, np.maximum(share(radius_mm(self.cyst, angle, z), distance) - tumour, 0)

    def came_from(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return x and y (RAS+ mm) where the tissue at points lay before the lesion was there; heights stay."""
        distance, angle = self._rays(x, y, z)
        pushed = self._pushed_mm2(angle, z)
        held = self._cord_mm2(angle, z)
        end = np.maximum((np.sqrt(held) + LEAST_GIVE_MM) ** 2, held + 2 * pushed)
        gone = distance**2
        giving = (gone - pushed * end / (end - held)) / (1 - pushed / (end - held))
        before = np.where(gone <= held + pushed, gone - pushed, np.where(gone < end, giving, gone))
        before = np.sqrt(np.maximum(before, 0))
        (right, front), (axis_x, axis_y) = self.course.middle_at(z), self.tumour.axis_mm
        cos, sin = np.cos(angle), np.sin(angle)
        is_moved = (pushed > 0) & (gone < end)
        return (
            np.where(is_moved, right + axis_x + before * cos, x),
            np.where(is_moved, front + axis_y + before * sin, y),
        )

    def _rays(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        right, front = self.course.middle_at(z)
        from_x, from_y = x - right - self.tumour.axis_mm[0], y - front - self.tumour.axis_mm[1]
        return np.hypot(from_x, from_y), np.arctan2(from_y, from_x)

    def _pushed_mm2(self, angle: Array, z: Array) -> Array:
        radius = radius_mm(self.tumour, angle, z)
        if self.cyst is not None:
            radius = np.maximum(radius, radius_mm(self.cyst, angle, z))
        return np.asarray(radius**2)

    def _cord_mm2(self, angle: Array, z: Array) -> Array:
        """Return the square of how far the cord reaches from the lesion's axis, before the lesion, with a margin."""
        half_x, half_y = self.course.half_at(z)
        reach = half_x * half_y / np.sqrt((half_y * np.cos(angle)) ** 2 + (half_x * np.sin(angle)) ** 2)
        return np.asarray((CORD_MARGIN * reach + np.hypot(*self.tumour.axis_mm)) ** 2)


def draw_lesion(course: ImplantLine, z_mm: float, volume: float, rng: np.random.Generator) -> Lesion:
    """Draw a lesion of a volume (mm³) in the cord at a height: 1.6 to 2.4 times as long as wide, or longer."""
    half_x, half_y = (float(half) for half in course.half_at(np.array(z_mm)))
    slender, flat = rng.uniform(1.6, 2.4), rng.uniform(1.0, 1.25)
    across = (3 * volume / (4 * np.pi * slender)) ** (1 / 3)
    width = _width(across * np.sqrt(flat), half_x), _width(across / np.sqrt(flat), half_y)
    axis = rng.uniform(-0.12, 0.12, 2) * (half_x, half_y)
    lumps = tuple(float(weight) for weight in rng.uniform(-0.1, 0.1, 8))
    rough = Lesion(z_mm, (float(axis[0]), float(axis[1])), width, 10.0, float(rng.uniform(0.42, 0.58)), lumps)
    return of_volume(rough, volume)


def grown(course: ImplantLine, lesion: Lesion, ratio: float, rng: np.random.Generator) -> Lesion:
    """Return a lesion with ``ratio`` times the volume: the same at a ratio of 1, else with a changed outline too.

    Growth goes across by a power of 0.2 to 0.4 (a third is even growth), the rest along, more at one pole.
    """
    across, tilt, lumps = rng.uniform(0.2, 0.4), rng.uniform(-0.2, 0.2), rng.uniform(-0.04, 0.04, 8)
    change = min(1.0, abs(float(np.log2(ratio))))
    half = course.half_at(np.array(lesion.z_mm))
    width = [
        _width(old * ratio**across, float(limit)) if ratio > 1 else old * ratio**across
        for old, limit in zip(lesion.across_mm, half, strict=True)
    ]
    shaped = replace(
        lesion,
        across_mm=(float(width[0]), float(width[1])),
        above=float(np.clip(lesion.above + tilt * change, 0.25, 0.75)),
        lumps=tuple(float(old + change * new) for old, new in zip(lesion.lumps, lumps, strict=True)),
    )
    return of_volume(shaped, ratio * volume_mm3(lesion))


def _width(wanted_mm: float, cord_mm: float) -> float:
    return float(min(wanted_mm, FOLLOWS_WIDTH * cord_mm))
