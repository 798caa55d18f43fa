"""A whole person as T2w and contrast-enhanced T1w signal: the surroundings, then the cord and its lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sample_data.anatomy import (
    Person,
    Place,
    canal_distance,
    paint,
    paint_arches,
    paint_canal,
    paint_discs_and_bodies,
    paint_soft_tissue,
)
from sample_data.lesions import Scene, blob_distance, cord_distance, fractions
from sample_data.shapes import Array, meet, segment, soft, texture

NEAR_MM = 3.5
"""Fluid, cord and lesions are painted only at points inside the canal or this close to its wall."""


def signals(person: Person, scene: Scene, opened_mm: tuple[float, float] | None, place: Place) -> Array:
    """Return T2w and T1w signal at each point, free of noise and bias.

    Parameters
    ----------
    person, scene
        Who, and what the cord holds on that day.
    opened_mm
        Heights between which a surgeon removed the arches; None for an intact spine.
    place
        The points.

    Returns
    -------
    ndarray
        Shape ``(2, ...)``.
    """
    shape = np.broadcast_shapes(place.x.shape, place.u.shape, place.z.shape)
    canvas = np.zeros((2, *shape), dtype=np.float32)
    canal = np.broadcast_to(canal_distance(person, place), shape)
    paint_soft_tissue(canvas, person, place)
    paint_discs_and_bodies(canvas, person, place)
    paint_arches(canvas, person, place, canal, opened_mm)
    near = canal < NEAR_MM
    within, inner = canvas[:, near], _only(place, near)
    cord = cord_distance(scene, inner.x, inner.u, inner.z)
    paint_canal(within, person, inner, canal[near], cord)
    _paint_cord(within, person, inner, cord)
    _paint_lesions(within, person, scene, inner)
    canvas[:, near] = within
    return canvas


def _only(place: Place, where: NDArray[np.bool_]) -> Place:
    """Return some of the points, as flat arrays."""
    axes = [np.broadcast_to(axis, where.shape)[where] for axis in (place.x, place.u, place.z, place.s, place.t)]
    cells = np.broadcast_to(place.cells, where.shape)[where]
    return Place(axes[0], axes[1], axes[2], axes[3], cells, axes[4])


def _paint_cord(canvas: Array, person: Person, place: Place, cord: Array) -> None:
    grain = texture(person.mottle, place.u, place.x, place.z)
    half_x, half_u = person.spine.region.cord
    side = np.abs(place.x)
    paint(canvas, soft(cord, 0.4), "white", 1 + 0.03 * grain)
    front, _ = segment(side, place.u, (0.28 * half_x, 0.05 * half_u), (0.42 * half_x, 0.38 * half_u))
    back, _ = segment(side, place.u, (0.26 * half_x, 0.0), (0.5 * half_x, -0.6 * half_u))
    bridge, _ = segment(side, place.u, (0.0, 0.02 * half_u), (0.3 * half_x, 0.02 * half_u))
    horns = np.minimum(np.minimum(front - 0.14 * half_x, back - 0.08 * half_x), bridge - 0.35)
    paint(canvas, soft(horns, 0.5) * soft(cord + 0.5, 0.4), "grey", 1 + 0.03 * grain)
    cleft, _ = segment(side, place.u, (0.0, 0.35 * half_u), (0.0, half_u))
    paint(canvas, 0.5 * soft(cleft - 0.2, 0.4) * soft(cord, 0.4), "csf")


def _paint_lesions(canvas: Array, person: Person, scene: Scene, place: Place) -> None:
    if not scene.blobs:
        return
    grain = texture(person.mottle, place.x, place.z, place.u)
    patches = texture(person.clouds, place.x, place.z, place.u, 0.35)
    mixed = {"tumour": 1 + 0.09 * grain + 0.12 * patches, "oedema": 1 + 0.05 * patches}
    shares = fractions(scene, place.x, place.u, place.z)
    for name, share in reversed(shares.items()):
        paint(canvas, np.clip(share, 0, 1), name, mixed.get(name, 1.0))
    for blob in scene.blobs:
        if blob.compartment == "tumour" and blob.half_axes_mm()[2] > 9:
            shell = np.abs(blob_distance(blob, place.x, place.u, place.z) - 0.3) - 0.4
            pole = np.abs(place.z - blob.centre_mm[2]) - 0.86 * blob.half_axes_mm()[2]
            paint(canvas, 0.7 * soft(meet(shell, -pole, 0.5), 0.8), "cap")
