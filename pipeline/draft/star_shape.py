"""A closed surface around a point, one radius for each direction, smooth: what a lesion's outline is fitted with.

Directions and radii are in coordinates of the cord, in which lengths along it are divided by :data:`ELONGATION`. The
logarithm of the radius is a sum of an even part, of two that lengthen or flatten it along the cord, and of smooth
bumps (a Gaussian process on the sphere).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ELONGATION = 2.0
"""How much longer than wide a lesion of the cord is taken to be before anything is seen."""

RAYS, NODES, MODES = 320, 200, 50
RADIUS_STEP_MM, FURTHEST_MM = 0.5, 14.0
RADII_MM = np.arange(RADIUS_STEP_MM / 2, FURTHEST_MM, RADIUS_STEP_MM)
"""Middles of the steps along each ray, mm (across the cord; twice that along it)."""

BUMP, BUMP_WIDTH, NARROWER = 0.2, 0.6, 0.93
"""Deviation of the bumps (of the logarithm), their width in radians, and what each further click makes of it."""

START_RADII_MM = (2.5, 4.0, 5.5)
PRIOR = 4.0
"""Weight of the smooth shape beside that of one ray."""

TIGHTENING = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""How firmly rays and surface are held together, from first to last."""

CLICK_WEIGHT = 20.0
"""Weight of a click beside that of one ray."""

INSIDE_BY_MM, OUTSIDE_BY_MM = 0.6, 0.5
"""How far beyond a click inside, and short of one outside, the surface passes, mm."""

LEAST_OFFSET_MM = 0.7
"""A click nearer than this to the middle says nothing about a direction, mm."""


def _spread(count: int) -> NDArray[np.float64]:
    """Return directions spread evenly over the sphere (Fibonacci), shape ``(count, 3)``."""
    step = np.arange(count) + 0.5
    height, turn = 1 - 2 * step / count, np.pi * (1 + 5**0.5) * step
    across = np.sqrt(1 - height**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=-1)


DIRECTIONS = _spread(RAYS)
_NODES = _spread(NODES)


@dataclass(frozen=True, eq=False)
class ClickRays:
    """What further clicks say of the surface.

    Attributes
    ----------
    directions
        Shape ``(N, 3)``; from the middle, unit length.
    log_radius
        Shape ``(N,)``; which the surface must pass.
    is_inside
        Shape ``(N,)``; it must be larger there, else smaller.
    """

    directions: NDArray[np.float64]
    log_radius: NDArray[np.float64]
    is_inside: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StarShape:
    """A surface: ``radii_mm(directions)`` around ``centre``, in coordinates of the cord."""

    centre: NDArray[np.float64]
    log_start: float
    weights: NDArray[np.float64]
    width: float

    def radii_mm(self, directions: NDArray) -> NDArray[np.float64]:
        """Return the radius along unit directions ``(N, 3)``, mm."""
        log_radius = self.log_start + shapes(directions, self.width) @ self.weights
        return np.exp(np.minimum(log_radius, np.log(FURTHEST_MM - RADIUS_STEP_MM)))

    def depth(self, places: NDArray) -> NDArray[np.float64]:
        """Return how far places ``(N, 3)`` lie inside (above 0) or outside, as a logarithm of radii."""
        away = (places - self.centre) / (1.0, 1.0, ELONGATION)
        distance = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
        return np.log(self.radii_mm(away / distance[:, None]) / distance)


def bump_width(click_count: int) -> float:
    """Return how wide bumps are: narrower the more somebody has said, radians."""
    return BUMP_WIDTH * NARROWER ** (click_count - 1)


def shapes(directions: NDArray, width: float) -> NDArray[np.float64]:
    """Return what the logarithm of the radius is a sum of, shape ``(N, MODES + 3)``, each of unit deviation."""
    bumps = BUMP * _kernel(directions, _NODES, width) @ _modes(width)
    height = directions[:, 2]
    even = np.full(len(directions), 0.8)
    longer = 0.5 * (1.5 * height**2 - 0.5)
    pointed = 0.25 * (35 * height**4 - 30 * height**2 + 3) / 8
    return np.concatenate([bumps, np.stack([even, longer, pointed], axis=-1)], axis=1)


def click_rays(centre: NDArray, inside: NDArray, outside: NDArray) -> ClickRays:
    """Return what clicks, in coordinates of the cord, say of a surface around ``centre``."""
    places = np.concatenate([inside, outside]).reshape(-1, 3)
    is_inside = np.arange(len(places)) < len(inside)
    away = (places - centre) / (1.0, 1.0, ELONGATION)
    distance = np.linalg.norm(away, axis=1)
    tells = distance >= LEAST_OFFSET_MM
    away, distance, is_inside = away[tells], distance[tells], is_inside[tells]
    passed = np.where(is_inside, distance + INSIDE_BY_MM, distance - OUTSIDE_BY_MM)
    return ClickRays(away / distance[:, None], np.log(passed), is_inside)


def fitted(
    gain: NDArray, trust: NDArray, clicks: ClickRays, before: StarShape, starts: tuple[float, ...] = ()
) -> StarShape:
    """Fit a surface that holds what speaks for the lesion and leaves out what speaks against it.

    Each ray takes the radius of the largest sum that lies near the surface; the surface is fitted to the rays and to
    the clicks; both are drawn together step by step (half-quadratic splitting).

    Parameters
    ----------
    gain
        Shape ``(RAYS, len(RADII_MM))``; evidence for the lesion in each step of each ray, log-likelihood.
    trust
        Shape ``(RAYS,)``; 0 to 1.
    before
        Where the fit begins; with ``starts`` from balls of these radii, mm, of which the best is kept.
    """
    basis = shapes(DIRECTIONS, before.width)
    at_clicks = shapes(clicks.directions, before.width)
    terms = np.concatenate([basis, at_clicks])
    penalty = PRIOR * np.eye(terms.shape[1])
    sums = np.cumsum(gain, axis=1)[:, :-1]
    log_edges = np.log(RADII_MM[:-1] + RADIUS_STEP_MM / 2)
    begins = [(float(np.log(radius)), np.zeros(basis.shape[1])) for radius in starts]
    tries = []
    for log_start, first in begins or [(before.log_start, before.weights)]:
        weights, broken = first, np.zeros(len(clicks.log_radius), dtype=bool)
        for firm in TIGHTENING:
            surface = log_start + basis @ weights
            best = np.argmax(sums - 0.5 * firm * (log_edges - surface[:, None]) ** 2, axis=1)
            passes = log_start + at_clicks @ weights
            broken |= np.where(clicks.is_inside, passes < clicks.log_radius, passes > clicks.log_radius)
            weight = np.concatenate([trust, CLICK_WEIGHT * broken])
            target = np.concatenate([log_edges[best], clicks.log_radius]) - log_start
            weights = np.linalg.solve(terms.T @ (terms * weight[:, None]) + penalty, terms.T @ (weight * target))
        reached = np.searchsorted(log_edges, log_start + basis @ weights).clip(0, len(log_edges) - 1)
        value = sums[np.arange(RAYS), reached].sum() - 0.5 * PRIOR * weights @ weights
        tries.append((float(value), StarShape(before.centre, log_start, weights, before.width)))
    return max(tries, key=lambda tried: tried[0])[1]


def _kernel(one: NDArray, other: NDArray, width: float) -> NDArray[np.float64]:
    return np.exp((one @ other.T - 1) / width**2)


@lru_cache(maxsize=32)
def _modes(width: float) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(_kernel(_NODES, _NODES, width))
    return np.asarray(vectors[:, ::-1][:, :MODES] / np.sqrt(values[::-1][:MODES]))
