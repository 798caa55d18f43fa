"""The cord around a lesion: widened or thin, the lesion central or to a side, its share, how near the surface it lies.

Sections come from masks alone. Without a mask of the cord its middle is that of the line found in the scan, less
surely, and no section of the cord is said. What this module refuses: an expansion without cord to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, is_clear_of, sure_if, unsaid
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, slice_axis, to_world
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_scene import CordCourse, LesionScene, along, box_of, object_points
from pipeline.measure.cord import areas_mm2, stretches_of
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.volumes import OBJECT_PROBABILITY

NO_CORD_MASK = "no mask of the cord"
SECTION_UNIT = "section / cord beside it"
SECTION_CV = 0.04
"""Error of a cord section averaged over some millimetres: within-person variation between scans is 2.2 to 3.1 %
(Valosek 2024, 10.1162/imag_a_00075), masks of two readers differ a little more."""

FOUND_CV = 0.11
"""Error of a section by the edge that the scan shows, beside another of the same scan: widened cords of made-up visits
read 12 to 20 % too narrow, others up to 16 % (docs/benchmarks.md)."""

FOUND_MIDDLE_MM = 0.9
"""How far the middle of a line found in the scan may lie from the cord's, mm."""

BETWEEN_LEVELS_CV = 0.06
"""How far the section at a level strays from a straight line between levels 40 mm apart, in healthy people (same)."""

BULGE_MM = 6.0
"""How far beyond its ends a lesion may push the line that is found in a scan aside, mm."""

CARRIED_ON_SHARE = 0.01
"""How far a line carried on through a lesion strays from the cord's middle, as a share of the lesion's length."""

TAPERS = "with no cord drawn on the other, a thin cord is not told from one that tapers by nature, as at the conus"

NEIGHBOUR_MM = 30.0
LEAST_NEIGHBOUR_MM = 8
LARGEST_OVER_MM = 5
WORDS = {"dorsal": (1, -1), "ventral": (1, 1), "right": (0, 1), "left": (0, -1)}


@dataclass(frozen=True, eq=False)
class CordSections:
    """Areas in each millimetre along the cord, shape ``(N,)``, mm².

    Attributes
    ----------
    cord, lesion
        The whole section with all that lies in it, and solid tumour with its cysts.
    drawn
        Where the cord itself was drawn.
    """

    position_mm: NDArray[np.float64]
    cord: NDArray[np.float64]
    lesion: NDArray[np.float64]
    drawn: NDArray[np.bool_]


def cord_findings(scene: LesionScene, path: str, limits: DescriptionLimits) -> tuple[Described, ...]:
    """Describe share, expansion, eccentricity and the nearest surface; ``path`` is the scan of the masks."""
    names = (
        LesionFinding.CORD_SHARE, LesionFinding.EXPANSION, LesionFinding.ECCENTRICITY, LesionFinding.NEAREST_SURFACE,
    )  # fmt: skip
    if scene.course is None:
        reason = scene.no_course_reason or "no centre line of the cord"
        return tuple(unsaid(name, reason, (path,)) for name in names)
    sections = _sections(scene, scene.course)
    if sections is None:
        return (
            unsaid(names[0], NO_CORD_MASK, (path,)),
            _expansion_seen(scene, scene.course, path, limits),
            _eccentricity(scene, None, path, limits),
            unsaid(names[3], NO_CORD_MASK, (path,)),
        )
    whole = whole_cord(scene)
    return (
        _share(sections, path),
        _expansion(sections, path, limits),
        _eccentricity(scene, whole, path, limits),
        _surface(scene, whole, path),
    )


def whole_cord(scene: LesionScene) -> Volume | None:
    """Return the mask of the cord with all that lies in it; None where nobody drew the cord."""
    cord = scene.others.get(Compartment.CORD)
    if cord is None or not (cord.array >= OBJECT_PROBABILITY).any():
        return None
    return cord.with_array((cord.array >= OBJECT_PROBABILITY) | scene.solid.array | scene.beside.array)


def _sections(scene: LesionScene, course: CordCourse) -> CordSections | None:
    whole = whole_cord(scene)
    if whole is None:
        return None
    here = identity("anchor", "anchor")
    cyst = scene.others.get(Compartment.CYST)
    lesion = scene.solid.array | (cyst.array >= OBJECT_PROBABILITY) if cyst is not None else scene.solid.array
    of_cord = stretches_of(whole.with_array(whole.array.astype(np.float32)), here, course.line)
    of_lesion = stretches_of(whole.with_array(lesion.astype(np.float32)), here, course.line)
    of_drawn = stretches_of(scene.others[Compartment.CORD], here, course.line)
    positions_mm = course.line.positions_mm
    drawn_mm = of_drawn.positions_mm[of_drawn.is_object]
    margin_mm = float(np.abs(whole.affine[2, :3]).max())  # the outermost planes are only partly filled
    drawn = (positions_mm >= drawn_mm.min() + margin_mm / 2) & (positions_mm <= drawn_mm.max() - margin_mm / 2)
    return CordSections(positions_mm, areas_mm2(of_cord, course.line), areas_mm2(of_lesion, course.line), drawn)


def _share(sections: CordSections, path: str) -> Described:
    """Return the largest share of the cord's section that the lesion with its cysts takes."""
    name = LesionFinding.CORD_SHARE
    usable = sections.drawn & (sections.cord > 0) & (sections.lesion > 0)
    if not usable.any():
        return unsaid(name, "the cord was not drawn where the lesion lies", (path,))
    share = np.clip(sections.lesion[usable] / sections.cord[usable], 0.0, 1.0)
    number = float(share.max())
    error = np.hypot(SECTION_CV, SECTION_CV)
    low, high = number * float(np.exp(-Z_95 * error)), min(number * float(np.exp(Z_95 * error)), 1.0)
    return Described(name, None, number, low, high, "share of section", sure_if(True), None, (path,))


def _expansion(sections: CordSections, path: str, limits: DescriptionLimits) -> Described:
    """Hold the largest section of cord with lesion against the cord above and below, as a line between both."""
    name = LesionFinding.EXPANSION
    holds = sections.drawn & (sections.lesion > 0)
    if not holds.any():
        return unsaid(name, "the cord was not drawn where the lesion lies", (path,))
    within_mm = sections.position_mm[holds]
    gap_mm = limits.reference.gap_mm
    sides = [
        sections.drawn
        & (sections.lesion <= 0)
        & (np.abs(sections.position_mm - end - sign * (gap_mm + NEIGHBOUR_MM / 2)) <= NEIGHBOUR_MM / 2)
        for end, sign in ((within_mm.min(), -1), (within_mm.max(), 1))
    ]
    enough = [side for side in sides if side.sum() >= LEAST_NEIGHBOUR_MM]
    if not enough:
        return unsaid(name, "no cord drawn above or below the lesion to hold it against", (path,))
    places = [float(sections.position_mm[side].mean()) for side in enough]
    levels = [float(np.median(sections.cord[side])) for side in enough]
    usual_mm2 = np.interp(within_mm, places, levels)
    relative = ndimage.uniform_filter1d(sections.cord[holds] / usual_mm2, LARGEST_OVER_MM, mode="nearest")
    largest, mean = float(relative.max()), float(relative.mean())
    number = largest if largest > limits.cord.expanded_above else mean
    error = float(np.hypot(SECTION_CV, BETWEEN_LEVELS_CV * (1.0 if len(enough) == 2 else 2.0)))
    low, high = number * float(np.exp(-Z_95 * error)), number * float(np.exp(Z_95 * error))
    bounds = (limits.cord.thin_below, limits.cord.expanded_above)
    value = ("thin", "none", "expanded")[int(np.searchsorted(bounds, number))]
    if value == "thin" and len(enough) == 1:
        return unsaid(name, f"the mean section is {mean:.2f} of that on one side: {TAPERS}", (path,))
    number = largest if value != "thin" else mean
    is_clear = bool(np.searchsorted(bounds, low) == np.searchsorted(bounds, high))
    reason = f"mean {100 * (mean - 1):+.0f} % over the lesion"
    if not is_clear:
        reason += "; its interval holds another term"
    scale = number / (largest if number == largest else mean)
    return Described(name, value, number, low * scale, high * scale, SECTION_UNIT, sure_if(is_clear), reason, (path,))


def _expansion_seen(scene: LesionScene, course: CordCourse, path: str, limits: DescriptionLimits) -> Described:
    """Hold the section by the edge that the scan shows against that above and below; nobody drew the cord."""
    name, ends_mm, extents_mm = LesionFinding.EXPANSION, scene.ends_mm(scene.solid), scene.extents_mm
    if course.is_edge_seen is None or ends_mm is None or extents_mm is None:
        return unsaid(name, NO_CORD_MASK, (path,))
    positions_mm, gap_mm = course.line.positions_mm, limits.reference.gap_mm
    within = course.is_edge_seen & (positions_mm >= ends_mm[0]) & (positions_mm <= ends_mm[1])
    sides = [
        course.is_edge_seen & (np.abs(positions_mm - end - sign * (gap_mm + NEIGHBOUR_MM / 2)) <= NEIGHBOUR_MM / 2)
        for end, sign in zip(extents_mm, (-1, 1), strict=True)
    ]
    enough = [side for side in sides if side.sum() >= LEAST_NEIGHBOUR_MM]
    if within.sum() < LARGEST_OVER_MM or not enough:
        return unsaid(name, f"{NO_CORD_MASK}, and the scan does not show its edge at the lesion and beside it", (path,))
    places = [float(positions_mm[side].mean()) for side in enough]
    usual_mm = np.interp(positions_mm[within], places, [float(np.median(course.radius_mm[side])) for side in enough])
    relative = (course.radius_mm[within] / usual_mm) ** 2
    mean, number = float(relative.mean()), float(np.percentile(relative, 90))
    bounds = (limits.cord.thin_below, limits.cord.expanded_above)
    value = ("thin", "none", "expanded")[int(np.searchsorted(bounds, number))]
    error = FOUND_CV if len(enough) == 2 else float(np.hypot(FOUND_CV, BETWEEN_LEVELS_CV))
    is_clear = is_clear_of(float(np.log(number)), error, tuple(np.log(bounds)), 1.0) and value != "thin"
    reason = f"mean {100 * (mean - 1):+.0f} % over the lesion; {NO_CORD_MASK}: its edge as the scan shows it"
    low, high = (number * float(np.exp(sign * Z_95 * error)) for sign in (-1, 1))
    if value != "none" and not is_clear:  # healthy cords look so, too
        section = f"the widest section is {number:.2f} of that beside it ({low:.2f} to {high:.2f})"
        return unsaid(name, f"{section}, {reason}; too unsure to call it {value}", (path,))
    return Described(
        name, value, number, low, high, SECTION_UNIT, sure_if(is_clear),
        reason if is_clear else f"{reason}; {NEAR_LIMIT}", (path,),
    )  # fmt: skip


def _eccentricity(scene: LesionScene, whole: Volume | None, path: str, limits: DescriptionLimits) -> Described:
    """Say to which side of the cord's middle the solid tumour lies, from all its planes."""
    name, course = LesionFinding.ECCENTRICITY, scene.course
    points_mm = object_points(scene.solid)
    if course is None or not len(points_mm):
        return unsaid(name, scene.no_course_reason or "no lesion drawn", (path,))
    if whole is None:
        return _eccentricity_by_line(scene, course, points_mm, path, limits)
    offset_mm = _offset_in_mask(scene.solid, whole)
    if offset_mm is None:
        return unsaid(name, "the cord was not drawn where the lesion lies", (path,))
    away_mm = float(np.hypot(*offset_mm))
    limit_mm, half_mm = limits.cord.eccentric_mm, 0.5 + _pixel_error_mm(scene)
    value = _side(offset_mm) if away_mm > limit_mm else "central"
    across = np.sort(np.abs(offset_mm))
    is_clear = abs(away_mm - limit_mm) > half_mm and (value == "central" or across[1] - across[0] > half_mm)
    reason = None if is_clear else NEAR_LIMIT
    return Described(
        name, value, away_mm, max(away_mm - half_mm, 0.0), away_mm + half_mm, "mm", sure_if(is_clear), reason, (path,)
    )


def _pixel_error_mm(scene: LesionScene) -> float:
    return 0.1 * float(np.delete(scene.solid.spacing_mm, slice_axis(scene.solid)).mean())


def _eccentricity_by_line(
    scene: LesionScene, course: CordCourse, points_mm: NDArray[np.float64], path: str, limits: DescriptionLimits
) -> Described:
    """Say to which side the solid tumour lies of the line that the cord above and below goes on in; no cord is drawn.

    The line found in the scan follows a bulge, so that what lies in it is central of itself.
    """
    name, limit_mm = LesionFinding.ECCENTRICITY, limits.cord.eccentric_without_mask_mm
    positions_mm, nearest = along(course, points_mm)
    cyst = scene.others.get(Compartment.CYST)
    ends = [scene.ends_mm(mask) for mask in (scene.solid, cyst) if mask is not None]
    low_mm, high_mm = min(one[0] for one in ends if one), max(one[1] for one in ends if one)
    middles_mm = undisturbed_middles(course, (low_mm, high_mm), positions_mm)
    if middles_mm is None:
        return unsaid(name, f"{NO_CORD_MASK}, and its line is not seen far enough both above and below", (path,))
    offset_mm = (points_mm - middles_mm).mean(axis=0)[:2]
    by_found_mm = (points_mm - course.line.points_mm[nearest]).mean(axis=0)[:2]
    away_mm = float(np.hypot(*offset_mm))
    half_mm = FOUND_MIDDLE_MM + _pixel_error_mm(scene) + CARRIED_ON_SHARE * (high_mm - low_mm)
    value = _side(offset_mm) if away_mm > limit_mm else "central"
    across = np.sort(np.abs(offset_mm))
    is_clear = abs(away_mm - limit_mm) > half_mm and (value == "central" or across[1] - across[0] > half_mm)
    by_found = _side(by_found_mm) if float(np.hypot(*by_found_mm)) > limit_mm else "central"
    doubt = "" if is_clear else NEAR_LIMIT
    if by_found != value:
        is_clear, doubt = False, f"{by_found} beside the line at the lesion itself, which may follow a bulge"
    by_line = f"{NO_CORD_MASK}: the middle is that of the line found in the scan above and below"
    return Described(
        name, value, away_mm, max(away_mm - half_mm, 0.0), away_mm + half_mm, "mm", sure_if(is_clear),
        "; ".join(word for word in (doubt, by_line) if word), (path,),
    )  # fmt: skip


def undisturbed_middles(
    course: CordCourse, ends_mm: tuple[float, float], positions_mm: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Carry the line above and below a lesion on through it: points ``(N, 3)``, mm; None where a side is too short."""
    line, middle_mm = course.line, (ends_mm[0] + ends_mm[1]) / 2
    beyond_mm = [ends_mm[0] - line.positions_mm, line.positions_mm - ends_mm[1]]
    sides = [(one > BULGE_MM) & (one <= BULGE_MM + NEIGHBOUR_MM) for one in beyond_mm]
    if min(side.sum() for side in sides) < LEAST_NEIGHBOUR_MM:
        return None
    both = sides[0] | sides[1]
    bend = polynomial.polyfit((line.positions_mm[both] - middle_mm) / 10.0, line.points_mm[both], 2)
    return np.asarray(polynomial.polyval((positions_mm - middle_mm) / 10.0, bend).T)


def _side(offset_mm: NDArray[np.float64]) -> str:
    """Name the side of an offset (right, anterior; mm) from the middle.

    Examples
    --------
    >>> _side(np.array([0.5, -3.0])), _side(np.array([-2.0, 1.0]))
    ('dorsal', 'left')
    """
    axis = int(np.argmax(np.abs(offset_mm)))
    return (("left", "right"), ("dorsal", "ventral"))[axis][int(offset_mm[axis] > 0)]


def _offset_in_mask(solid: Volume, whole: Volume) -> NDArray[np.float64] | None:
    """Return the mean offset of the lesion from the middle of the cord, plane by plane, mm to the right and front."""
    head_foot = int(np.argmax(np.abs(solid.affine[2, :3]) / solid.spacing_mm))
    total, count = np.zeros(2), 0
    box = box_of(solid.array, 0)
    if box is None:
        return None
    for plane in range(box[head_foot].start, box[head_foot].stop):
        inner = np.argwhere(np.take(solid.array, plane, axis=head_foot))
        outer = np.argwhere(np.take(whole.array, plane, axis=head_foot))
        if not len(inner) or len(outer) < 2 * len(inner) ** 0.5:
            continue
        middles = [
            to_world(solid.affine, np.insert(part.mean(axis=0), head_foot, plane)[None])[0][:2]
            for part in (inner, outer)
        ]
        total += (middles[0] - middles[1]) * len(inner)
        count += len(inner)
    return total / count if count else None


def _surface(scene: LesionScene, whole: Volume | None, path: str) -> Described:
    """Return the thinnest rim of cord around the solid tumour and on which side, within planes across the cord."""
    name = LesionFinding.NEAREST_SURFACE
    box = box_of(scene.solid.array, 3)
    if whole is None or box is None:
        return unsaid(name, NO_CORD_MASK, (path,))
    head_foot = int(np.argmax(np.abs(scene.solid.affine[2, :3]) / scene.solid.spacing_mm))
    sides_mm = np.delete(scene.solid.spacing_mm, head_foot)
    best_mm, best = np.inf, np.zeros(2)
    solid, cord = scene.solid.array[box], np.pad(whole.array[box], 1)[1:-1, 1:-1, 1:-1]
    directions = np.delete(scene.solid.affine[:2, :3], head_foot, axis=1)
    for inner, outer in zip(np.moveaxis(solid, head_foot, 0), np.moveaxis(cord, head_foot, 0), strict=True):
        if not inner.any() or outer.sum() <= inner.sum():
            continue
        rim_mm, nearest = ndimage.distance_transform_edt(np.pad(outer, 1), sampling=sides_mm, return_indices=True)
        rim_mm = np.where(np.pad(inner, 1), rim_mm, np.inf)
        place = np.unravel_index(int(np.argmin(rim_mm)), rim_mm.shape)
        if rim_mm[place] < best_mm:
            best_mm = float(rim_mm[place])
            best = directions @ (nearest[(slice(None), *place)] - np.array(place))
    if not np.isfinite(best_mm):
        return unsaid(name, "the cord was not drawn where the lesion lies", (path,))
    pixel_mm = float(sides_mm.max())
    rim = max(best_mm - pixel_mm, 0.0)
    across = np.sort(np.abs(best))
    is_clear = bool(across[1] - across[0] > 0.4 * pixel_mm)
    reason = None if is_clear else "two sides are about as near"
    return Described(
        name,
        _side(best),
        rim,
        max(rim - pixel_mm, 0.0),
        rim + pixel_mm,
        "mm of cord left",
        sure_if(is_clear),
        reason,
        (path,),
    )
