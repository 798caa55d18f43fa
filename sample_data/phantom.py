"""A whole person as the signal of one or several kinds of scans: the surroundings, then the cord and its lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data.anatomy import (
    Person,
    Place,
    canal_distance,
    paint_arches,
    paint_canal,
    paint_discs_and_bodies,
    paint_soft_tissue,
)
from sample_data.lesions import Scene, blob_distance, cord_distance, fractions
from sample_data.shapes import Array, meet, segment, soft, texture
from sample_data.tissue import Canvas, paint

NEAR_MM = 3.5
"""Fluid, cord and lesions are painted only at points inside the canal or this close to its wall."""

RING_MM = 1.3
"""Thickness of the rim that takes up contrast agent around a middle that does not, mm."""

CAP_FROM_MM = 9.0
"""Half of a tumour's length from which on it has caps of old blood at its poles, mm."""


@dataclass(frozen=True)
class Look:
    """What is scanned, and how tumour looks there.

    Attributes
    ----------
    channels
        Of :data:`sample_data.tissue.CHANNELS`.
    uptake
        ``all`` of the tumour takes up contrast agent, ``none``, or a ``ring``.
    is_dark
        Tumour is darker than cord on T1w before contrast agent, instead of as bright.
    opened_mm
        Heights between which a surgeon removed the arches; None for an intact spine.
    """

    channels: tuple[str, ...] = ("T2w", "T1w_ce")
    uptake: str = "all"
    is_dark: bool = False
    opened_mm: tuple[float, float] | None = None


USUAL = Look()


def signals(person: Person, scene: Scene, place: Place, look: Look = USUAL) -> Array:
    """Return the signal of each channel at each point, free of noise and bias.

    Parameters
    ----------
    person, scene
        Who, and what the cord holds on that day.
    place
        The points.
    look
        Channels, and how spine and tumour look in them.

    Returns
    -------
    ndarray
        Shape ``(C, ...)``, of T2w and T1w after contrast agent where nothing else is asked for.
    """
    shape = np.broadcast_shapes(place.x.shape, place.u.shape, place.z.shape)
    values = np.zeros((len(look.channels), *shape), dtype=np.float32)
    canvas = Canvas(values, look.channels)
    canal = np.broadcast_to(canal_distance(person, place), shape)
    paint_soft_tissue(canvas, person, place)
    paint_discs_and_bodies(canvas, person, place)
    paint_arches(canvas, person, place, canal, look.opened_mm)
    near = canal < NEAR_MM
    within, inner = Canvas(values[:, near], look.channels), _only(place, near)
    cord = cord_distance(scene, inner.x, inner.u, inner.z)
    paint_canal(within, person, inner, canal[near], cord)
    _paint_cord(within, person, inner, cord)
    _paint_lesions(within, person, scene, inner, look)
    values[:, near] = within.values
    return values


def _only(place: Place, where: NDArray[np.bool_]) -> Place:
    """Return some of the points, as flat arrays."""
    axes = [np.broadcast_to(axis, where.shape)[where] for axis in (place.x, place.u, place.z, place.s, place.t)]
    cells = np.broadcast_to(place.cells, where.shape)[where]
    return Place(axes[0], axes[1], axes[2], axes[3], cells, axes[4])


def _paint_cord(canvas: Canvas, person: Person, place: Place, cord: Array) -> None:
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


def _paint_lesions(canvas: Canvas, person: Person, scene: Scene, place: Place, look: Look) -> None:
    if not scene.blobs:
        return
    grain = texture(person.mottle, place.x, place.z, place.u)
    patches = texture(person.clouds, place.x, place.z, place.u, 0.35)
    mixed = {"tumour": 1 + 0.09 * grain + 0.12 * patches, "oedema": 1 + 0.05 * patches}
    dark = "dark " if look.is_dark else ""
    tissues = {"tumour": f"still {dark}tumour" if look.uptake == "none" else f"{dark}tumour"}
    shares = fractions(scene, place.x, place.u, place.z)
    for name, share in reversed(shares.items()):
        paint(canvas, np.clip(share, 0, 1), tissues.get(name, name), mixed.get(name, 1.0))
    for blob in scene.blobs:
        if blob.compartment != "tumour":
            continue
        surface = blob_distance(blob, place.x, place.u, place.z)
        if look.uptake == "ring":
            paint(canvas, soft(surface + RING_MM), f"still {dark}tumour", mixed["tumour"], only="T1w_ce")
        if blob.half_axes_mm()[2] > CAP_FROM_MM:
            shell = np.abs(surface - 0.3) - 0.4
            pole = np.abs(place.z - blob.centre_mm[2]) - 0.86 * blob.half_axes_mm()[2]
            paint(canvas, 0.7 * soft(meet(shell, -pole, 0.5), 0.8), "cap")
            paint(canvas, 0.9 * soft(meet(shell - 0.7, -pole - 0.8, 0.5), 0.8), "cap", only="T2starw")
