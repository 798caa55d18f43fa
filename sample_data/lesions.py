"""Tumour, cyst, syrinx, cavity and oedema of exactly known volume, and the cord they widen.

A lesion is a lumpy ellipsoid in the cord's own coordinates (``x`` right, ``u`` anterior of the middle line, ``z``
up, mm). Its size is found so that the integral of its soft membership equals the volume asked for; the bends and
poses a visit adds keep volumes (shears and rotations), hence that integral is the truth in every scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sample_data.shapes import Array, join, soft

FINE_MM = 0.4
"""Step of the grid on which volumes are integrated; soft edges make the sum exact to about 0.1 %."""

EDGE_MM = 0.5
RIM_MM = {"tumour": 0.9, "cyst": 0.9, "syrinx": 1.2, "cavity": 0.7}
"""Cord left around each lesion, mm; what is thicker than the cord minus this rim widens it."""

ORDER = ("tumour", "cyst", "cavity", "syrinx", "oedema")
"""Where two soft lesions overlap, the earlier one keeps the space."""


@dataclass(frozen=True)
class Blob:
    """A lumpy ellipsoid.

    Attributes
    ----------
    compartment
        ``tumour``, ``cyst``, ``cavity``, ``syrinx`` or ``oedema``.
    centre_mm
        x, u, z; z is ignored when the blob has a side.
    shape
        Relative half-axes along x, u, z.
    side
        +1 or -1: the blob starts at the upper or lower pole of the first tumour; 0: it sits at its centre.
    lumps
        Five weights of the surface's unevenness.
    size
        Scale of ``shape`` in mm, found by :func:`fit`.
    """

    compartment: str
    centre_mm: tuple[float, float, float]
    shape: tuple[float, float, float]
    side: int = 0
    lumps: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    size: float = 1.0

    def half_axes_mm(self) -> tuple[float, float, float]:
        """Return the half-axes along x, u, z; a lesion in a cord grows more along it than across."""
        across, along = self.size**0.8, self.size**1.4
        return self.shape[0] * across, self.shape[1] * across, self.shape[2] * along


@dataclass(frozen=True)
class Scene:
    """What one visit's cord holds: its half-axes (mm, x and u), the height at which it ends, and fitted blobs."""

    cord_mm: tuple[float, float]
    conus_z: float | None
    blobs: tuple[Blob, ...]


def blob_distance(blob: Blob, x: Array, u: Array, z: Array) -> Array:
    """Return the first-order signed distance to a blob's lumpy surface, mm."""
    a, b, c = (np.float32(1 / half) for half in blob.half_axes_mm())
    qx = (x - np.float32(blob.centre_mm[0])) * a
    qu = (u - np.float32(blob.centre_mm[1])) * b
    qz = (z - np.float32(blob.centre_mm[2])) * c
    radius = np.sqrt(qx * qx + qu * qu + qz * qz) + np.float32(1e-3)
    slope = np.sqrt((qx * a) ** 2 + (qu * b) ** 2 + (qz * c) ** 2) + np.float32(1e-4)
    w = [np.float32(weight) for weight in blob.lumps]
    waves = w[0] * qx * qz + w[1] * qu * qz + w[2] * qx * qu + w[3] * qx * qz * qz + w[4] * qu * qu * qz
    return (radius * (1 - waves / (radius * radius + np.float32(0.3))) - 1) * radius / slope


def cord_distance(scene: Scene, x: Array, u: Array, z: Array) -> Array:
    """Return the signed distance to the cord's surface, widened by what grows in it, mm."""
    half_x, half_u = (np.float32(half) for half in scene.cord_mm)
    taper: Array | np.float32 = np.float32(1)
    if scene.conus_z is not None:
        taper = np.clip((z - np.float32(scene.conus_z)) * np.float32(1 / 26), 0.06, 1)
        taper = taper * (2 - taper)
    qx, qu = x / (half_x * taper), u / (half_u * taper)
    radius = np.sqrt(qx * qx + qu * qu) + np.float32(1e-3)
    slope = np.sqrt((qx / half_x) ** 2 + (qu / half_u) ** 2) / taper + np.float32(1e-4)
    distance = (radius - 1) * radius / slope
    for blob in scene.blobs:
        if blob.compartment in RIM_MM:
            rim = np.float32(RIM_MM[blob.compartment])
            distance = join(distance, blob_distance(blob, x, u, z) - rim, 3.0)
    return distance


def fractions(scene: Scene, x: Array, u: Array, z: Array) -> dict[str, Array]:
    """Return the share (0 to 1) of each compartment at each point; shares never add up to more than one."""
    cord = cord_distance(scene, x, u, z)
    free = np.ones_like(cord)
    shares: dict[str, Array] = {}
    for name in ORDER:
        share = np.zeros_like(cord)
        for blob in scene.blobs:
            if blob.compartment == name:
                distance = blob_distance(blob, x, u, z)
                edge = EDGE_MM
                if name == "oedema":
                    distance, edge = np.maximum(distance, cord + np.float32(0.4)), 2 * EDGE_MM
                share = np.maximum(share, soft(distance, edge))
        shares[name] = share * free
        free = free - shares[name]
    return shares


def volumes_mm3(scene: Scene) -> dict[str, float]:
    """Integrate each compartment over space, mm³."""
    if not scene.blobs:
        return dict.fromkeys(ORDER, 0.0)
    shares = fractions(scene, *_fine_grid(scene.blobs))
    return {name: float(share.sum(dtype=np.float64)) * FINE_MM**3 for name, share in shares.items()}


def fit(scene: Scene, blob: Blob, volume_mm3: float) -> Scene:
    """Add a blob to a scene, sized so that its own share of space is ``volume_mm3``.

    Raises
    ------
    ValueError
        No size gives the volume, for example oedema larger than the cord around it.
    """
    low, high = 0.3, 12.0
    for _ in range(26):
        size = (low + high) / 2
        trial = _placed(scene, replace(blob, size=size))
        if _added_mm3(scene, trial) < volume_mm3:
            low = size
        else:
            high = size
    fitted = _placed(scene, replace(blob, size=round((low + high) / 2, 6)))
    reached_mm3 = _added_mm3(scene, fitted)
    if abs(reached_mm3 - volume_mm3) > 0.01 * volume_mm3 + 1:
        msg = f"{blob.compartment} of {volume_mm3} mm3 does not fit, reached {reached_mm3:.0f}"
        raise ValueError(msg)
    return replace(scene, blobs=(*scene.blobs, fitted))


def own_volumes_mm3(scene: Scene) -> list[tuple[Blob, float]]:
    """Return each blob with what it adds to the blobs listed before it, mm³."""
    grown = replace(scene, blobs=())
    parts = []
    for blob in scene.blobs:
        parts.append((blob, _added_mm3(grown, blob)))
        grown = replace(grown, blobs=(*grown.blobs, blob))
    return parts


def _added_mm3(scene: Scene, blob: Blob) -> float:
    x, u, z = _fine_grid((blob,))
    name = blob.compartment
    after = fractions(replace(scene, blobs=(*scene.blobs, blob)), x, u, z)[name]
    before = fractions(scene, x, u, z)[name] if scene.blobs else np.zeros_like(after)
    return float((after - before).sum(dtype=np.float64)) * FINE_MM**3


def _placed(scene: Scene, blob: Blob) -> Blob:
    """Move a blob with a side to the pole of the first tumour (or cavity) it belongs to."""
    hosts = [host for host in scene.blobs if host.compartment in ("tumour", "cavity")]
    if blob.side == 0 or not hosts:
        return blob
    host = hosts[0]
    pole_mm = host.centre_mm[2] + blob.side * (host.half_axes_mm()[2] + 0.85 * blob.half_axes_mm()[2])
    return replace(blob, centre_mm=(blob.centre_mm[0], blob.centre_mm[1], pole_mm))


def _fine_grid(blobs: tuple[Blob, ...]) -> tuple[Array, Array, Array]:
    reach = np.array([blob.half_axes_mm() for blob in blobs]) * 1.35 + 1.5
    centres = np.array([blob.centre_mm for blob in blobs])
    low, high = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
    axes = [np.arange(a, b, FINE_MM, dtype=np.float32) for a, b in zip(low, high, strict=True)]
    x, u, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    return x, u, z


def lumpy(rng: np.random.Generator, strength: float = 0.12) -> tuple[float, ...]:
    """Draw five lump weights."""
    return tuple(float(weight) for weight in np.round(rng.uniform(-strength, strength, 5), 4))


def only_positive(volumes: Mapping[str, float]) -> dict[str, float]:
    """Return the compartments that are there, in the order in which they take space."""
    return {name: volumes[name] for name in ORDER if volumes.get(name, 0.0) > 0}
