"""Made-up visits of known look: a lesion of known signal, uptake, edge, cysts, blood and diffusion in a known cord.

Hosts are lesion-free cords: packaged phantoms by seed, and real T2w scans with a cord mask beside the project (their
T1w is made of the T2w). The lesion is painted into them, then each contrast is scanned with its own gain, a bias field
of up to 30 %, noise, slices of 1 to 4 mm and a millimetre of misalignment that nobody corrects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.description.lesion_scene import AlignedScan
from tests.benchmark.host_cords import STEP_MM, Array, HostCord, inner_level

GRIDS = {"iso": (1.0, 1.0, 1.0), "fine": (0.8, 0.8, 0.8), "sag": (3.0, 0.7, 0.7), "ax": (0.6, 0.6, 4.0)}
"""Voxel spacing right, front, head, mm."""

ADC_MM = (1.3, 1.3, 3.0)
WHITE_ADC = 0.9


@dataclass
class Truth:
    """What was painted; terms as a description should give them. ``asked`` is the uptake to paint instead of a draw."""

    terms: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    asked: str | None = None


@dataclass(frozen=True, eq=False)
class MadeVisit:
    """Scans, masks on the anchor's grid, and the truth."""

    scans: tuple[AlignedScan, ...]
    masks: dict[Compartment, Volume]
    truth: Truth
    name: str


def visit_of(
    host: HostCord, rng: np.random.Generator, truth: Truth | None = None, day: np.random.Generator | None = None
) -> MadeVisit:
    """Draw a lesion, paint it and scan it; ``day`` gives the scanning random numbers of its own."""
    truth = truth or Truth()
    painted = _painted(host, rng, truth)
    rng = day or rng
    kind = str(rng.choice(list(GRIDS)))
    level, level_t1 = inner_level(host, host.t2), inner_level(host, host.t1)
    anchor_grid = _grid(host, GRIDS[kind])
    plan = [
        ("T2w", painted["T2w"], anchor_grid, level),
        ("T1w", painted["T1w"], _grid(host, GRIDS[str(rng.choice(list(GRIDS)))]), level_t1),
    ]
    plan.append(("T1w_ce", painted["T1w_ce"], plan[1][2] if rng.random() < 0.5 else anchor_grid, level_t1))
    if "T2starw" in painted:
        plan.append(("T2starw", painted["T2starw"], _grid(host, GRIDS["ax"]), level))
    plan.append(("ADC", painted["ADC"], _grid(host, ADC_MM), WHITE_ADC))
    scans = []
    for number, (contrast, values, grid, usual) in enumerate(plan):
        off_mm = np.zeros(3) if number == 0 else _direction(rng) * rng.uniform(0, 1.0)
        scanned = _sampled(values, host.affine, grid, off_mm)
        noise = usual * (rng.uniform(0.02, 0.06) if contrast != "ADC" else 0.08)
        if contrast != "ADC":
            scanned = scanned * _bias(grid, rng)
        scanned = (
            np.hypot(scanned + rng.normal(0, noise, grid.shape), rng.normal(0, noise, grid.shape))
            if contrast != "ADC"
            else scanned + rng.normal(0, noise, grid.shape)
        )
        gain = rng.uniform(0.3, 30.0) if contrast != "ADC" else 1e3
        scans.append(
            AlignedScan(
                grid.with_array((scanned * gain).astype(np.float32)), identity("anchor", contrast), contrast, contrast
            )
        )
    masks = _drawn(painted, host, anchor_grid)
    if rng.random() < 0.4:
        del masks[Compartment.CORD]
    return MadeVisit(tuple(scans), masks, truth, f"{host.name}, {kind}")


def _drawn(painted: Mapping[str, Array], host: HostCord, grid: Volume) -> dict[Compartment, Volume]:
    """Return the masks of a reader on a grid; the cord is what no other mask holds."""
    masks = {
        Compartment(name): grid.with_array(_sampled(painted[name], host.affine, grid, np.zeros(3)) > 0.5)
        for name in ("tumour", "cyst", "syrinx", "oedema", "cord")
        if name in painted
    }
    others = np.any([mask.array for name, mask in masks.items() if name != Compartment.CORD], axis=0)
    masks[Compartment.CORD] = masks[Compartment.CORD].with_array(masks[Compartment.CORD].array & ~others)
    return masks


def _direction(rng: np.random.Generator) -> Array:
    way = rng.normal(size=3)
    return way / np.linalg.norm(way)


def _grid(host: HostCord, spacing_mm: tuple[float, float, float]) -> Volume:
    extent = np.array(host.cord.shape) * STEP_MM
    shape = np.maximum((extent / spacing_mm).astype(int), 3)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = host.affine[:3, 3] + (np.array(spacing_mm) - STEP_MM) / 2
    return Volume(np.zeros(tuple(shape), dtype=np.float32), affine)


def _sampled(values: Array, affine: Array, grid: Volume, off_mm: Array) -> Array:
    """Average the fine values over each voxel of a grid."""
    counts = np.maximum(np.round(grid.spacing_mm / STEP_MM), 1).astype(int)
    total = np.zeros(grid.shape)
    axes = [
        [(np.arange(size) + (step + 0.5) / count - 0.5) * space + start for step in range(count)]
        for size, count, space, start in zip(grid.shape, counts, grid.spacing_mm, grid.affine[:3, 3], strict=True)
    ]
    for x in axes[0]:
        for y in axes[1]:
            for z in axes[2]:
                places = [
                    (one + off - start) / STEP_MM
                    for one, off, start in zip((x, y, z), off_mm, affine[:3, 3], strict=True)
                ]
                total += _trilinear(values, places)
    return total / np.prod(counts)


def _trilinear(values: Array, places: list[Array]) -> Array:
    """Look up along the three axes one after the other."""
    for axis, at in enumerate(places):
        low = np.clip(np.floor(at).astype(int), 0, values.shape[axis] - 2)
        share = np.clip(at - low, 0, 1).reshape([-1 if n == axis else 1 for n in range(3)])
        values = np.take(values, low, axis) * (1 - share) + np.take(values, low + 1, axis) * share
    return values


def _bias(grid: Volume, rng: np.random.Generator) -> Array:
    """Return a smooth field of up to 30 % either way, mostly along the spine."""
    x, y, z = (voxel_centres_mm(grid)[..., n] for n in range(3))
    z = z - z.mean()
    wave = np.sin(z / rng.uniform(25, 60) + rng.uniform(0, 6)) + 0.01 * rng.normal() * x + 0.01 * rng.normal() * y
    return 1.0 + rng.uniform(0, 0.3) * wave / max(np.abs(wave).max(), 1e-6)


@dataclass(frozen=True, eq=False)
class LesionPlace:
    """Where a lesion lies in its host: offsets from its middle in mm, its half widths across and its half length."""

    across_mm: tuple[Array, Array]
    along_mm: Array
    side_mm: Array
    half_mm: Array
    long_mm: float
    swell: float

    @property
    def from_middle_mm(self) -> tuple[Array, Array, Array]:
        """Offsets from the lesion's own middle, which may lie beside the cord's."""
        dx, dy = self.across_mm
        return dx - self.side_mm[0], dy - self.side_mm[1], self.along_mm

    @property
    def reach(self) -> Array:
        """How far out a voxel lies: 1 on the surface of the lesion."""
        offsets, sizes = self.from_middle_mm, (*self.half_mm, self.long_mm)
        return np.asarray(np.sqrt(sum((offset / size) ** 2 for offset, size in zip(offsets, sizes, strict=True))))


def _painted(host: HostCord, rng: np.random.Generator, truth: Truth) -> dict[str, Array]:
    """Return fine arrays of every contrast and the share of every compartment."""
    place = _place(host, rng, truth)
    fields = {"T2w": host.t2, "T1w": host.t1, "cord": host.cord}
    if place.swell > 1:
        bulge = 1 + (place.swell - 1) * np.exp(-((place.along_mm / (place.long_mm * 0.9)) ** 4))
        fields = _swollen(fields, host, place.across_mm, bulge)
    place = replace(place, half_mm=place.half_mm * place.swell)
    away_mm = (place.reach - 1) * float(min(place.half_mm.min(), place.long_mm))  # near the surface
    solid = _solid(rng, truth, away_mm) * (fields["cord"] > 0.02)
    wet: dict[str, Array] = {}
    if rng.random() < 0.6:  # somebody looked for cysts and syrinx
        wet = _cavities(rng, truth, place.from_middle_mm, (place.half_mm, place.long_mm), fields["cord"])
    taken = np.clip(sum(wet.values(), np.zeros_like(solid)), 0, 1)
    oedema = _oedema(rng, truth, place, fields["cord"] * (1 - solid) * (1 - taken))
    made = {"cord": fields["cord"], "oedema": oedema, "tumour": solid * (1 - taken), **wet}
    widest = _widest_beside(host, made)
    if widest is not None:
        truth.numbers["expansion beside"] = widest
    _contrasts(made, fields, rng, truth, (place.reach, away_mm, place.along_mm, place.long_mm), host)
    return made


def _place(host: HostCord, rng: np.random.Generator, truth: Truth) -> LesionPlace:
    """Choose where a lesion lies, how wide it is and whether the cord swells around it."""
    z_mm = host.affine[2, 3] + STEP_MM * np.arange(host.cord.shape[2])
    usable = z_mm[np.isfinite(host.middle_mm[:, 0])]
    long = rng.uniform(7, 18)
    room = max((usable.max() - usable.min()) / 2 - long - 22, 2.0)
    centre_z = (usable.max() + usable.min()) / 2 + rng.uniform(-1, 1) * min(room, 12)
    at = int(np.argmin(np.abs(z_mm - centre_z)))
    wide = rng.uniform(0.45, 0.85)
    half = host.half_mm[at] * wide
    side = np.zeros(2)
    where = "central"
    if rng.random() < 0.4 and wide < 0.65:
        where = str(rng.choice(["left", "right", "dorsal", "ventral"]))
        axis, sign = {"left": (0, -1), "right": (0, 1), "dorsal": (1, -1), "ventral": (1, 1)}[where]
        side[axis] = sign * (host.half_mm[at][axis] - half[axis]) * rng.uniform(0.85, 1.0)
        if abs(side[axis]) < 2.2:
            side[:], where = 0, "central"
    swell = float(rng.choice([1.0, 1.0, 1.3, 1.4])) if not side.any() else 1.0
    truth.terms["expansion"] = "expanded" if swell > 1 else "none"
    truth.numbers["expansion"] = swell**2
    truth.terms["eccentricity"] = where
    centres = voxel_centres_mm(Volume(host.cord, host.affine))
    known = np.isfinite(host.middle_mm[:, 0])
    middle = (np.interp(z_mm, z_mm[known], host.middle_mm[known, n]) for n in range(2))
    dx, dy = (centres[..., n] - line[None, None, :] for n, line in enumerate(middle))
    return LesionPlace((dx, dy), centres[..., 2] - centre_z, side, half, long, swell)


def _widest_beside(host: HostCord, painted: Mapping[str, Array]) -> float | None:
    """Return the largest section over 5 mm of the tumour beside a line through 30 mm of cord on each side.

    As *expansion* is defined, so that what a healthy cord differs by along the spine is in it. Sections lie across the
    cord, the sides 4 mm beyond all that hangs together with the tumour and outside all that was painted. None without.
    """
    usable = np.isfinite(host.middle_mm[:, 0])
    z_mm = STEP_MM * np.arange(len(usable))
    slope = np.gradient(ndimage.gaussian_filter1d(host.middle_mm[usable], 3.0, axis=0), STEP_MM, axis=0)
    across = np.interp(z_mm, z_mm[usable], 1.0 / np.sqrt(1.0 + (slope**2).sum(axis=1)))
    section = painted["cord"].sum(axis=(0, 1)) * across
    lesion, others = (
        np.max([painted[name].max(axis=(0, 1)) for name in names if name in painted], axis=0) > 0.5
        for names in (("tumour", "cyst"), ("tumour", "cyst", "syrinx", "oedema"))
    )
    near = ndimage.binary_dilation(others, iterations=round(4.0 / STEP_MM))
    runs, _ = ndimage.label(near)
    at_mm = z_mm[np.isin(runs, np.unique(runs[painted["tumour"].max(axis=(0, 1)) > 0.5]))]
    healthy = usable & ~near
    sides = [healthy & (z_mm < at_mm.min()) & (z_mm > at_mm.min() - 30.0)]
    sides.append(healthy & (z_mm > at_mm.max()) & (z_mm < at_mm.max() + 30.0))
    seen = [side for side in sides if side.sum() * STEP_MM >= 8.0]
    if not seen:
        return None
    usual = np.interp(z_mm, [z_mm[side].mean() for side in seen], [np.median(section[side]) for side in seen])
    share = ndimage.uniform_filter1d((section / usual)[lesion & usable], round(5.0 / STEP_MM), mode="nearest")
    return float(share.max())


def _solid(rng: np.random.Generator, truth: Truth, away_mm: Array) -> Array:
    """Return the share of tumour with an edge that is sharp or infiltrates."""
    edge = str(rng.choice(["sharp", "infiltrating"]))
    truth.terms["margin"] = edge
    if edge == "sharp":
        return np.asarray(np.clip(0.5 - away_mm / STEP_MM, 0, 1))
    return np.asarray(0.5 * (1 - np.tanh(away_mm / (1.1 * rng.uniform(1.3, 2.0)))))


def _oedema(rng: np.random.Generator, truth: Truth, place: LesionPlace, free: Array) -> Array:
    """Return the share of oedema above and below, in what is ``free`` of all else."""
    oedema = np.zeros_like(free)
    dx, dy = place.across_mm
    within = np.hypot(dx / place.half_mm[0], dy / place.half_mm[1]) < 0.9
    for name, sign in (("oedema_above", 1), ("oedema_below", -1)):
        far = float(rng.choice([0.0, 0.0, rng.uniform(8, 16)]))
        truth.terms[name] = "present" if far else "absent"
        if far:
            there = (sign * place.along_mm > 0) & (np.abs(place.along_mm) < place.long_mm + far) & within
            oedema = np.maximum(oedema, free * there)
    return oedema


def _swollen(fields: dict[str, Array], host: HostCord, offset: tuple[Array, Array], bulge: Array) -> dict[str, Array]:
    """Widen the cord about its middle; what lies beyond twice its width stays where it is."""
    dx, dy = offset
    far = np.hypot(dx / np.nanmedian(host.half_mm[:, 0]), dy / np.nanmedian(host.half_mm[:, 1]))
    weight = np.clip((2.0 - far / bulge) / 1.0, 0, 1)
    scale = 1 / (1 + (bulge - 1) * weight)
    index = np.indices(host.cord.shape, dtype=float)
    index[0] += dx * (scale - 1) / STEP_MM
    index[1] += dy * (scale - 1) / STEP_MM
    return {name: ndimage.map_coordinates(one, index, order=1, mode="nearest") for name, one in fields.items()}


def _cavities(
    rng: np.random.Generator, truth: Truth, at: tuple[Array, ...], size: tuple[Array, float], cord: Array
) -> dict[str, Array]:
    dx, dy, dz = at
    half, long = size
    cyst, syrinx = np.zeros_like(dx), np.zeros_like(dx)

    def ball(z_mm: float, length: float, share: float) -> Array:
        gone = np.sqrt((dx / (share * half[0])) ** 2 + (dy / (share * half[1])) ** 2 + ((dz - z_mm) / length) ** 2)
        return np.clip(0.5 - (gone - 1) * min(share * half.min(), length) / STEP_MM, 0, 1) * cord

    inside = rng.random() < 0.4
    if inside:
        cyst = np.maximum(cyst, ball(rng.uniform(-0.3, 0.3) * long, 0.4 * long, 0.5))
    truth.terms["tumoral_cyst"] = "present" if inside else "absent"
    for name, sign in (("polar_cyst_above", 1), ("polar_cyst_below", -1)):
        there = rng.random() < 0.3
        length = rng.uniform(4, 8)
        if there:
            cyst = np.maximum(cyst, ball(sign * (long + 0.75 * length), length, 0.8))
        truth.terms[name] = "present" if there else "absent"
    hollow = rng.random() < 0.3
    if hollow:
        syrinx = np.maximum(syrinx, ball(float(rng.choice([-1, 1])) * (long + 24), 14, 0.5))
    truth.terms["syrinx"] = "present" if hollow else "absent"
    return {"cyst": cyst, "syrinx": syrinx * (1 - cyst)}


def _contrasts(
    made: dict[str, Array],
    fields: dict[str, Array],
    rng: np.random.Generator,
    truth: Truth,
    shape: tuple[Array, Array, Array, float],
    host: HostCord,
) -> None:
    """Paint tumour, fluid, oedema and blood into T2w, T1w before and after contrast agent, T2*w and ADC."""
    _, _, dz, long = shape
    solid, oedema = made["tumour"], made["oedema"]
    wet = np.clip(made.get("cyst", 0) + made.get("syrinx", 0) + np.zeros_like(solid), 0, 1)
    level, level_t1 = inner_level(host, host.t2), inner_level(host, host.t1)
    mottle, texture = _texture(rng, truth, solid)
    t2_ratio, t1_ratio = _signal_ratios(rng, truth)
    rise, pattern = _uptake(rng, truth, mottle, shape)

    def laid(base: Array, tumour: Array, oedema_ratio: float, fluid: float, usual: float) -> Array:
        values = base * (1 - oedema) + oedema * oedema_ratio * usual
        values = values * (1 - solid) + solid * tumour * usual
        return values * (1 - wet) + wet * fluid * usual

    made["T2w"] = laid(fields["T2w"], t2_ratio * texture, 1.4, 2.4, level)
    made["T1w"] = laid(fields["T1w"], t1_ratio * (1 + 0.02 * mottle), 0.85, 0.4, level_t1)
    made["T1w_ce"] = laid(fields["T1w"], t1_ratio * (1 + 0.02 * mottle) * (1 + rise * pattern), 0.85, 0.4, level_t1)
    capped = rng.random() < 0.4
    truth.terms["blood_cap"] = "present" if capped else "absent"
    cap = np.zeros_like(solid)
    if capped:
        sign = float(rng.choice([-1, 1]))
        cap = np.clip(solid + oedema, 0, 1) * (sign * dz > 0.72 * long) * (np.abs(dz) < long + 0.5)
        truth.numbers["cap_mm3"] = float(cap.sum()) * STEP_MM**3
    made["T2w"] = made["T2w"] * (1 - cap) + cap * 0.35 * level
    if rng.random() < 0.6:
        made["T2starw"] = laid(fields["T2w"], t2_ratio * texture, 1.3, 2.2, level) * (1 - cap) + cap * 0.2 * level
    adc = float(rng.uniform(0.7, 1.9))
    truth.numbers["adc"] = adc
    white = np.where(fields["cord"] > 0.5, WHITE_ADC, 2.6)
    made["ADC"] = laid(white, np.full(solid.shape, adc / WHITE_ADC), 1.4, 3.0, WHITE_ADC)


def _texture(rng: np.random.Generator, truth: Truth, solid: Array) -> tuple[Array, Array]:
    """Return a mottle about this lesion's own middle (or a bright patch would be its signal), and it as a factor."""
    mottle = ndimage.gaussian_filter(rng.normal(size=solid.shape), 2.2 / STEP_MM)
    within = mottle[solid > 0.5]  # what is drawn: of an infiltrating tumour hardly a voxel is all tumour
    mottle = (mottle - np.median(within)) / within.std()
    uneven = rng.random() < 0.5
    truth.terms["heterogeneity"] = "heterogeneous" if uneven else "homogeneous"
    return mottle, 1 + (rng.uniform(0.2, 0.35) if uneven else 0.02) * np.clip(mottle, -2, 2)


def _signal_ratios(rng: np.random.Generator, truth: Truth) -> tuple[float, float]:
    """Return signal over that of the cord, on T2w and T1w."""
    terms = ("hypointense", "isointense", "hyperintense")
    t2_kind, t1_kind = rng.integers(0, 3, 2)
    t2_ratio = (rng.uniform(0.6, 0.8), rng.uniform(0.97, 1.03), rng.uniform(1.25, 1.9))[t2_kind]
    t1_ratio = (rng.uniform(0.6, 0.8), rng.uniform(0.97, 1.03), rng.uniform(1.25, 1.7))[t1_kind]
    truth.terms |= {"t2_signal": terms[t2_kind], "t1_signal": terms[t1_kind]}
    truth.numbers |= {"t2_signal": t2_ratio, "t1_signal": t1_ratio}
    return t2_ratio, t1_ratio


def _uptake(
    rng: np.random.Generator, truth: Truth, mottle: Array, shape: tuple[Array, Array, Array, float]
) -> tuple[float, Array]:
    reach, _, dz, _ = shape
    kind = str(rng.choice(["none", "none", "faint", "vivid", "vivid"]))
    faint, vivid = float(rng.uniform(0.12, 0.3)), float(rng.uniform(0.6, 1.3))
    pattern = str(rng.choice(["homogeneous", "homogeneous", "ring", "heterogeneous", "nodule"]))
    if truth.asked is not None:
        kind, pattern = ("none", "homogeneous") if truth.asked == "none" else ("vivid", truth.asked)
    rise = {"none": 0.0, "faint": faint, "vivid": vivid}[kind]
    if kind != "vivid":
        pattern = "homogeneous"
    truth.terms["enhancement"] = kind
    if kind != "none":
        truth.terms["enhancement_pattern"] = pattern
    if pattern == "ring":
        return rise, np.asarray((reach > 0.66).astype(float))
    if pattern == "heterogeneous":
        return rise, np.asarray((mottle > 0.0).astype(float))
    if pattern == "nodule":
        size = float(rng.uniform(5, 7)) / 2
        centre = np.unravel_index(int(np.argmin(np.abs(reach - 0.55) + (rng.random() > 0.5) * (dz > 0))), reach.shape)
        index = np.indices(reach.shape)
        gone = np.sqrt(sum((index[n] - centre[n]) ** 2 for n in range(3))) * STEP_MM
        truth.numbers["nodule_mm"] = 2 * size
        return rise, np.asarray((gone <= size).astype(float))
    return rise, np.ones_like(reach)
