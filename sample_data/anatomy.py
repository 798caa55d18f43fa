"""Everything around the cord: soft tissue, vertebrae with arches, discs and the canal, painted from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data.shapes import Array, ellipse, join, meet, segment, soft, texture, texture_lattice
from sample_data.spine import Region, Spine, cells_of, curve_mm, curve_slope, make_spine
from sample_data.tissue import Canvas, paint


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
    cells
        Where to look up ``s`` in ``Spine.along``.
    t
        Distance above the middle of the vertebra at ``s``.
    """

    x: Array
    u: Array
    z: Array
    s: Array
    cells: NDArray[np.int32]
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
    cells = cells_of(s)
    t = s - spine.along["middle"][cells] - spine.along["tilt"][cells] * u * np.float32(0.3)
    return Place(x, u, z, s, cells, t)


def paint_soft_tissue(canvas: Canvas, person: Person, place: Place) -> None:
    """Paint muscle in groups with fat between them, subcutaneous fat, skin, and what lies in front of the spine."""
    region = person.spine.region
    fibres = texture(person.streaks, place.x, place.u, place.z)
    patches = texture(person.clouds, place.x, place.u, place.z)
    paint(canvas, 1.0, "muscle", 1 + 0.12 * fibres)
    paint(canvas, 0.6 * np.clip(fibres * 0.6 + patches * 0.4 - 0.9, 0, 1), "fat")
    rear, side = region.canal[1], np.abs(place.x)
    ripple = 0.7 * patches
    inner = ellipse(side - 9.5, place.u + rear + 14, 8.5, 10.5) + ripple
    outer = ellipse(side - 25, place.u + rear + 17, 11.5, 14.0) + ripple
    seam = np.abs(np.minimum(inner, outer)) - (0.35 + 0.25 * np.clip(patches, -1, 1))
    behind = soft(place.u + rear + 2.5, 2.0)
    paint(canvas, 0.6 * soft(seam, 0.9) * behind, "fat", 0.9)
    depth = place.u - np.float32(region.skin)
    fascia = depth - 10.0 - 0.6 * patches
    paint(canvas, soft(fascia, 1.0), "fat", 1 + 0.05 * fibres)
    paint(canvas, soft(np.abs(fascia - 0.7) - 0.3, 0.6), "ligament", 0.6)
    paint(canvas, 0.4 * soft(np.abs(depth - 5.5 - patches) - 0.15, 0.5), "skin")
    paint(canvas, soft(depth - 2.0, 0.6), "skin")
    paint(canvas, soft(depth, 0.6), "air")
    between = meet(side - 1.5 - 0.4 * patches, np.maximum(place.u + rear + 3, 0.5 - fascia), 1.0)
    paint(canvas, soft(between, 1.5), "ligament", 1.7 + 0.5 * fibres)
    front = place.u - np.float32(region.canal[1] + 2 * region.body_half_depth + 2.5)
    paint(canvas, soft(-front, 3.0), "fat", 0.30 + 0.10 * patches + 0.06 * fibres)


def body_distance(person: Person, place: Place) -> Array:
    """Return the distance to the side wall of vertebral body and disc, narrow at the body's waist, mm."""
    region, along = person.spine.region, person.spine.along
    waist = 1.3 * np.clip(1 - (place.t / along["half"][place.cells]) ** 2, 0, 1)
    depth = np.float32(region.body_half_depth) * along["depth"][place.cells] - 0.6 * waist
    width = np.float32(region.body_half_width) * along["width"][place.cells] - waist
    v = place.u - np.float32(region.canal[1] - 1.0) - depth - 0.5 * along["offset"][place.cells]
    hollow = 1.6 * np.clip(1 - (place.x / 8) ** 2, 0, 1)
    qx = np.abs(place.x) / width
    qv = np.where(v < 0, v / (depth - hollow), v / depth)
    qx2, qv2 = qx * qx, qv * qv
    radius = np.sqrt(np.sqrt(qx2 * qx2 + qv2 * qv2 + 0.8 * qx2 * qv2) + np.float32(1e-4))
    return (radius - 1) * np.minimum(width, depth)


def paint_discs_and_bodies(canvas: Canvas, person: Person, place: Place) -> None:
    """Paint discs with a bright core, and bodies with cortex, marrow and the vein at the back."""
    region, along = person.spine.region, person.spine.along
    outline = body_distance(person, place)
    grain = texture(person.mottle, place.x, place.u, place.z)
    patches = texture(person.clouds, place.u, place.z, place.x)
    paint(canvas, soft(outline - 0.9, 0.8), "annulus")
    depth = region.body_half_depth
    inner = np.clip(1 + outline / depth, 0, 1)
    beyond = np.abs(place.t) - along["half"][place.cells]
    core = ellipse(np.maximum(inner - 0.15, 0) * depth, along["disc_half"][place.cells] - beyond, 0.55 * depth, 2.0)
    core = meet(core, outline + 0.32 * depth, 1.0)
    paint(canvas, soft(core, 1.6), "nucleus", along["disc_signal"][place.cells] * (1 + 0.08 * grain))
    body = meet(outline, beyond + 0.9 * np.clip(1 - inner * inner, 0, 1), 1.6)
    paint(canvas, soft(body, 0.4), "cortex")
    tone = along["marrow"][place.cells] * (1 + 0.07 * grain + 0.07 * patches)
    paint(canvas, soft(body + 0.75, 0.5), "marrow", tone)
    inwards = np.clip(1 - (place.u - np.float32(region.canal[1])) / np.float32(0.55 * region.body_half_depth), 0, 1)
    cleft = ellipse(place.x, place.t - 0.3 * patches, 4.5, 1.4)
    paint(canvas, 0.9 * inwards * soft(cleft, 1.2) * soft(body + 0.3, 0.5), "vein")


def canal_distance(person: Person, place: Place) -> Array:
    """Return the distance to the wall of the canal: round in front, a wedge of fat behind, mm."""
    wide, deep = person.spine.region.canal
    low = np.clip(-place.t / np.float32(person.spine.region.body_height * 0.5), -0.6, 1.2)
    wedge, _ = segment(np.abs(place.x), place.u, (0.0, -2.0), (0.0, -deep - 0.4))
    return join(ellipse(place.x, place.u + 1.0, wide, deep), wedge - 2.6 - 0.9 * low, 4.0)


def paint_arches(
    canvas: Canvas, person: Person, place: Place, canal: Array, opened_mm: tuple[float, float] | None
) -> None:
    """Paint pedicles, laminae and processes, and the scar where a surgeon removed them between two heights."""
    arch = _arch_distance(person, place, canal)
    grain = texture(person.mottle, place.z, place.x, place.u)
    side, wide = np.abs(place.x), person.spine.region.canal[0]
    foramen = ellipse(side - wide - 4.5, place.u - 0.5, 6.0, 5.0)
    paint(canvas, 0.8 * soft(foramen, 1.5), "fat", 0.75 + 0.1 * grain)
    paint(canvas, 0.8 * soft(ellipse(side - wide - 4.5, place.u + 0.2 * place.t, 3.6, 1.6), 1.0), "root", 0.9)
    if opened_mm is not None:
        patches = texture(person.clouds, place.z, place.x, place.u)
        low, high = (np.float32(edge) for edge in opened_mm)
        trench = meet(np.maximum(low - place.s, place.s - high), np.abs(place.x) - 8.5 + 0.1 * (place.u + 10), 3.0)
        trench = meet(trench, np.maximum(place.u + 3.0, np.float32(-32.0) - place.u), 4.0)
        arch = np.maximum(arch, -trench)
        scar = soft(trench + 1.6 * patches + 0.8, 5.0)
        paint(canvas, 0.75 * scar, "scar", 0.75 + 0.2 * patches + 0.08 * grain)
    paint(canvas, soft(arch, 0.4), "cortex", 1.6)
    tone = person.spine.along["marrow"][place.cells] * (0.95 + 0.1 * grain)
    paint(canvas, soft(arch + 0.7, 0.5), "marrow", tone)


def _arch_distance(person: Person, place: Place, canal: Array) -> Array:
    region, along = person.spine.region, person.spine.along
    side, t = np.abs(place.x), place.t
    wide, deep = region.canal
    tall = np.float32(region.body_height * 0.5)
    lamina = meet(np.abs(canal - 2.6 - 0.12 * t) - 2.2, place.u + 1.0, 1.5)
    lamina = meet(lamina, np.abs(t + 0.2 * tall) - 0.85 * tall, 2.0)
    root_of_pedicle = (min(wide + 2.2, region.body_half_width - 0.5), deep + 0.5)
    bar, _ = segment(side, place.u, (wide + 2.6, -3.0), root_of_pedicle)
    pedicle = meet(bar - 3.0, np.abs(t - 0.35 * tall) - 0.5 * tall, 2.0)
    wing, _ = segment(side, place.u, (wide + 3.0, -5.0), (wide + 15.0, -10.0))
    wing = meet(wing - 3.2, np.abs(t - 0.2 * tall) - 0.5 * tall, 2.0)
    facet = ellipse(side - wide - 3.2, place.u + 6.0 + 0.25 * t, 4.2, 4.6)
    facet = meet(facet, np.abs(np.abs(t) - 0.75 * tall) - 0.55 * tall, 2.0)
    blade = _blade(region, side, place.u, t, (along["spinous"][place.cells], along["drop"][place.cells]))
    t_above = place.s - along["middle_above"][place.cells]
    kind_above = (along["spinous_above"][place.cells], along["drop_above"][place.cells])
    blade = np.minimum(blade, _blade(region, side, place.u, t_above, kind_above))
    posts = join(join(pedicle, wing, 1.5), facet, 1.0)
    return np.maximum(join(join(lamina, blade, 1.5), posts, 1.0), 0.3 - canal)


def _blade(region: Region, side: Array, u: Array, t: Array, kind: tuple[Array, Array]) -> Array:
    """Return the distance to a spinous process, given its vertebra's factors on length and drop, mm."""
    longer, steeper = kind
    reach = -u - np.float32(region.canal[1] + 4.0)
    fall = t + np.float32(0.12 * region.body_height) + np.float32(region.spinous_drop) * steeper * reach
    thick = np.float32(region.spinous_radius) + 0.05 * reach
    blade = meet(np.abs(fall) - thick, np.maximum(-2 - reach, reach - np.float32(region.spinous_length) * longer), 3.0)
    return meet(blade, side - (2.0 + 0.05 * np.clip(reach, 0, 40)), 1.0)


def paint_canal(canvas: Canvas, person: Person, place: Place, canal: Array, cord: Array) -> None:
    """Paint ligament, epidural fat, dura, fluid with its pulsation, nerve roots and cauda equina."""
    region = person.spine.region
    flow = texture(person.clouds, place.z * np.float32(0.7), place.x, place.u)
    between = np.clip(np.abs(place.t) / np.float32(region.body_height * 0.5) - 0.5, 0, 1)
    paint(canvas, between * soft(np.abs(canal - 0.9) - 1.0, 0.8) * soft(place.u + 2, 1.0), "ligament", 0.7)
    paint(canvas, soft(canal, 0.8), "epidural", 0.85 + 0.1 * flow)
    sac = join(ellipse(place.x, place.u + 0.4, *region.sac), cord - 0.4, 1.5)
    paint(canvas, soft(sac - 0.5, 0.4), "dura")
    pulse = 1 - 0.10 * np.clip(flow + 0.2, 0, 2) * np.clip(-place.u / 4, 0, 1)
    paint(canvas, soft(sac, 0.4), "csf", pulse)
    root = ellipse(np.abs(place.x) - (region.cord[0] + 2.2), place.u + 0.5 + 0.05 * place.t, 1.1, 0.45)
    paint(canvas, 0.5 * soft(root, 0.6) * soft(sac + 0.3, 0.4), "root")
    if region.conus_z is not None:
        strands = texture(person.streaks, place.x * np.float32(1.8), place.u * np.float32(2.6), place.z)
        dorsal = soft(place.u + 1.5, 3.0) * np.clip((np.float32(region.conus_z + 22) - place.z) / 16, 0, 1)
        paint(canvas, 0.8 * np.clip(strands, 0, 1) * dorsal * soft(sac + 0.4, 0.4), "root")
