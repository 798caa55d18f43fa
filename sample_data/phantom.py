"""Paint a spine, its cord and its lesions as T2w and contrast-enhanced T1w signal at any points.

Painting goes from far to near: later tissue covers earlier tissue by its soft membership. Signals are in units in
which cerebrospinal fluid has 100 on T2w and subcutaneous fat 100 on T1w.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_data.lesions import Scene, blob_distance, cord_distance, fractions
from sample_data.shapes import Array, ellipse, join, meet, segment, soft, texture, texture_lattice
from sample_data.spine import Spine, curve_mm, curve_slope, level_of, make_spine

SIGNAL = {
    "air": (0.5, 0.5),
    "skin": (30, 38),
    "fat": (84, 100),
    "muscle": (22, 36),
    "ligament": (20, 26),
    "cortex": (5, 5),
    "marrow": (44, 58),
    "vein": (62, 62),
    "annulus": (13, 24),
    "nucleus": (58, 33),
    "epidural": (80, 88),
    "dura": (14, 32),
    "csf": (100, 12),
    "root": (45, 34),
    "white": (37, 42),
    "grey": (43, 38),
    "tumour": (64, 92),
    "cap": (14, 30),
    "cyst": (92, 20),
    "cavity": (97, 14),
    "syrinx": (95, 14),
    "oedema": (60, 36),
    "scar": (50, 58),
}
"""Tissue to (T2w, contrast-enhanced T1w) signal; ratios as on turbo spin echo scans at 1.5 to 3 tesla."""


@dataclass(frozen=True, eq=False)
class Person:
    """Spine and textures of one person.

    Attributes
    ----------
    spine
        Vertebrae.
    mottle, streaks, clouds
        Periodic textures: grain of marrow and tumour, fibres of muscle along z, large patches.
    """

    spine: Spine
    mottle: Array
    streaks: Array
    clouds: Array


@dataclass(frozen=True, eq=False)
class Place:
    """Sample points in the coordinates that each kind of structure uses, mm; all arrays broadcast together.

    Attributes
    ----------
    x, u, z
        Right, anterior of the cord's middle line, superior.
    s
        Along the spine, so that discs stay at right angles to it.
    level
        Index of the vertebra at ``s``.
    t
        Distance above that vertebra's middle.
    """

    x: Array
    u: Array
    z: Array
    s: Array
    level: np.ndarray
    t: Array


def make_person(region_name: str, seed: int) -> Person:
    """Draw a person from a seed."""
    return Person(
        spine=make_spine(region_name, seed),
        mottle=texture_lattice(seed, (1.3, 1.3, 1.3)),
        streaks=texture_lattice(seed + 1, (1.0, 1.6, 9.0)),
        clouds=texture_lattice(seed + 2, (5.0, 5.0, 7.0)),
    )


def locate(person: Person, x: Array, y: Array, z: Array) -> Place:
    """Convert points from the person's own space (RAS mm) to the coordinates of cord and spine."""
    spine = person.spine
    u = y - curve_mm(spine.region, z)
    s = z + curve_slope(spine.region, z) * u
    level = level_of(spine, s)
    t = s - spine.centre_mm[level] - spine.tilt[level] * u * np.float32(0.3)
    return Place(x, u, z, s, level, t)


def paint(canvas: Array, where: Array | float, tissue: str, factor: Array | float = 1.0) -> None:
    """Cover a canvas of shape ``(2, ...)`` with a tissue's two signals, in place, by its membership."""
    for channel, signal in enumerate(SIGNAL[tissue]):
        canvas[channel] += where * (np.float32(signal) * np.float32(factor) - canvas[channel])


def signals(person: Person, scene: Scene, laminectomy_mm: tuple[float, float] | None, place: Place) -> Array:
    """Return T2w and T1w signal at each point, shape ``(2, ...)``, free of noise and bias."""
    shape = np.broadcast_shapes(place.x.shape, place.u.shape, place.z.shape)
    canvas = np.zeros((2, *shape), dtype=np.float32)
    _paint_soft_tissue(canvas, person, place)
    _paint_discs_and_bodies(canvas, person, place)
    _paint_arches(canvas, person, place, laminectomy_mm)
    cord = cord_distance(scene, place.x, place.u, place.z)
    _paint_canal(canvas, person, place, cord)
    _paint_cord(canvas, person, place, cord)
    _paint_lesions(canvas, person, scene, place)
    return canvas


def _paint_soft_tissue(canvas: Array, person: Person, place: Place) -> None:
    region = person.spine.region
    fibres = texture(person.streaks, place.x, place.u, place.z)
    patches = texture(person.clouds, place.x, place.u, place.z)
    paint(canvas, 1.0, "muscle", 1 + 0.12 * fibres)
    paint(canvas, 0.75 * np.clip(fibres * 0.7 + patches * 0.5 - 0.9, 0, 1), "fat")
    depth = place.u - np.float32(region.skin)
    paint(canvas, soft(depth - 9 - 1.2 * patches, 1.2), "fat", 1 + 0.06 * fibres)
    paint(canvas, soft(np.abs(depth - 10.2 - 1.2 * patches) - 0.4, 0.6), "ligament", 0.5)
    paint(canvas, soft(depth - 2.2, 0.6), "skin")
    paint(canvas, soft(depth, 0.6), "air")
    gap = np.abs(place.x) - 1.6 - 0.4 * patches
    between = meet(gap, place.u + np.float32(region.canal[1] + 3), 1.0)
    paint(canvas, soft(between, 1.5), "ligament", 1.6 + 0.5 * fibres)
    front = place.u - np.float32(region.canal[1] + 2 * region.body_half_depth + 3)
    paint(canvas, soft(-front, 2.0), "fat", 0.55 + 0.25 * patches)


def _body_outline(person: Person, place: Place) -> Array:
    """Return the distance to the side wall of the vertebral body, narrow at its waist, mm."""
    spine, region = person.spine, person.spine.region
    half = spine.height_mm[place.level] * np.float32(0.5)
    waist = 1.3 * np.clip(1 - (place.t / half) ** 2, 0, 1)
    depth = np.float32(region.body_half_depth) * spine.depth[place.level] - 0.6 * waist
    width = np.float32(region.body_half_width) * spine.width[place.level] - waist
    v = place.u - np.float32(region.canal[1] - 1.0) - depth - spine.offset_mm[place.level]
    hollow = 1.6 * np.clip(1 - (place.x / 8) ** 2, 0, 1) * (v < 0)
    qx, qv = np.abs(place.x) / width, np.abs(np.minimum(v, 0) * depth / (depth - hollow) + np.maximum(v, 0)) / depth
    radius = np.sqrt(np.sqrt(qx**4 + qv**4 + 0.8 * qx**2 * qv**2) + np.float32(1e-4))
    return (radius - 1) * np.minimum(width, depth)


def _paint_discs_and_bodies(canvas: Array, person: Person, place: Place) -> None:
    spine, region = person.spine, person.spine.region
    outline = _body_outline(person, place)
    grain = texture(person.mottle, place.x, place.u, place.z)
    patches = texture(person.clouds, place.u, place.z, place.x)
    paint(canvas, soft(outline - 0.9, 0.8), "annulus")
    half = spine.height_mm[place.level] * np.float32(0.5)
    inner = np.clip(1 + outline / np.float32(region.body_half_depth), 0, 1)
    disc_half = np.float32(region.disc_height * 0.5)
    beyond = np.abs(place.t) - half
    core = ellipse(np.maximum(inner - 0.15, 0) * np.float32(region.body_half_depth), disc_half - beyond, 7.5, 2.0)
    core = meet(core, outline + np.float32(0.32 * region.body_half_depth), 1.0)
    paint(canvas, soft(core, 1.6), "nucleus", spine.disc_signal[place.level])
    endplate = beyond + 0.9 * np.clip(1 - inner * inner, 0, 1)
    body = meet(outline, endplate, 1.6)
    paint(canvas, soft(body, 0.4), "cortex")
    tone = spine.marrow[place.level] * (1 + 0.07 * grain + 0.07 * patches)
    paint(canvas, soft(body + 0.75, 0.5), "marrow", tone)
    cleft = ellipse(place.x, place.t, 5.0, 1.3)
    rear = place.u - np.float32(region.canal[1] + 0.55 * region.body_half_depth)
    paint(canvas, 0.8 * soft(meet(cleft, rear, 1.0), 0.8) * soft(body + 0.4, 0.5), "vein")


def _arch_distance(person: Person, place: Place) -> Array:
    """Return the distance to pedicles, laminae, transverse and spinous processes, mm."""
    spine, region = person.spine, person.spine.region
    side, t = np.abs(place.x), place.t
    width, rear = region.canal
    tall = np.float32(region.body_height * 0.5)
    lean = place.u + np.float32(0.22) * (t - 2)
    plate, _ = segment(side, lean, (width + 1.5, -1.0), (1.0, -rear - 3.6))
    lamina = meet(plate - 2.1, np.abs(t + 0.15 * tall) - 0.82 * tall, 1.5)
    bar, _ = segment(side, place.u, (width + 2.2, -1.5), (width + 2.0, rear + 3.0))
    pedicle = meet(bar - 2.4, np.abs(t - 0.35 * tall) - 0.5 * tall, 1.5)
    wing, _ = segment(side, place.u, (width + 2.0, -2.5), (width + 16.0, -8.0))
    wing = meet(wing - 2.8, np.abs(t - 0.2 * tall) - 3.2, 1.5)
    length = region.spinous_length
    reach = -place.u - np.float32(rear + 3.5)
    fall = t + np.float32(0.25) * tall + np.float32(region.spinous_drop) * spine.drop[place.level] * reach
    end = np.float32(length) * spine.spinous[place.level]
    thick = np.float32(region.spinous_radius) + 0.04 * reach
    blade = meet(np.abs(fall) - thick, np.maximum(-1 - reach, reach - end), 2.5)
    blade = meet(blade, side - (1.7 + 0.05 * np.clip(reach, 0, 40)), 0.8)
    return join(join(lamina, blade, 1.0), join(pedicle, wing, 1.5), 1.0)


def _paint_arches(canvas: Array, person: Person, place: Place, laminectomy_mm: tuple[float, float] | None) -> None:
    grain = texture(person.mottle, place.z, place.x, place.u)
    arch = _arch_distance(person, place)
    if laminectomy_mm is not None:
        low, high = laminectomy_mm
        trench = np.maximum(np.float32(low) - place.s, place.s - np.float32(high))
        trench = meet(trench, np.abs(place.x) - 9.5 + 0.12 * (place.u + 10), 2.0)
        trench = meet(trench, np.maximum(place.u + 3.0, np.float32(-34.0) - place.u), 2.0)
        patches = texture(person.clouds, place.z, place.x, place.u)
        paint(canvas, 0.85 * soft(trench, 2.0), "scar", 0.8 + 0.22 * patches + 0.06 * grain)
        arch = np.maximum(arch, -trench)
    paint(canvas, soft(arch, 0.4), "cortex", 1.6)
    paint(canvas, soft(arch + 0.8, 0.5), "marrow", person.spine.marrow[place.level] * (0.95 + 0.1 * grain))


def _paint_canal(canvas: Array, person: Person, place: Place, cord: Array) -> None:
    region = person.spine.region
    flow = texture(person.clouds, place.z * 0.7, place.x, place.u)
    wide, deep = region.canal
    between = np.clip(np.abs(place.t) / np.float32(region.body_height * 0.5) - 0.45, 0, 1)
    canal = ellipse(place.x, place.u + 1.0, wide, deep + 1.8 * between * (place.u < -1))
    paint(canvas, soft(canal - 1.2, 0.8) * (place.u < 2), "ligament", 0.6)
    paint(canvas, soft(canal, 0.8), "epidural", 0.85 + 0.1 * flow)
    sac = join(ellipse(place.x, place.u + 0.6, *region.sac), cord - 0.4, 1.5)
    paint(canvas, soft(sac - 0.55, 0.4), "dura")
    pulse = 1 - 0.10 * np.clip(flow + 0.2, 0, 2) * np.clip(-place.u / 4, 0, 1)
    paint(canvas, soft(sac, 0.4), "csf", pulse)
    root = ellipse(np.abs(place.x) - (region.cord[0] + 2.2), place.u + 0.5 + 0.05 * place.t, 1.0, 0.5)
    paint(canvas, 0.5 * soft(root, 0.6) * soft(sac + 0.3, 0.4), "root")


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
