"""How a lesion lies in its cord: its share of the section, central or to a side, how near the surface.

From masks alone. Without a mask of the cord its middle is that of the line found in the scan, less surely. What this
module refuses: a share and a rim where nobody drew the cord.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.finding_terms import NEAR_LIMIT, Described, LesionFinding, sure_if, unsaid
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, slice_axis, to_world
from pipeline.description import cord_expansion
from pipeline.description.cord_sections import NO_CORD_MASK, CordSections, sections_of, whole_cord
from pipeline.description.description_limits import CordFormLimits, DescriptionLimits
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene, along, box_of, object_points
from pipeline.measure.measurement_error import Z_95


def cord_findings(
    scene: LesionScene, here: LevelsHere, scan: AlignedScan, limits: DescriptionLimits
) -> tuple[Described, ...]:
    """Describe share, expansion, eccentricity and the nearest surface; ``scan`` is that of the masks.

    ``here`` is the place along the patient's centre line, by which healthy people's sections are looked up.
    """
    names = (
        LesionFinding.CORD_SHARE, LesionFinding.EXPANSION, LesionFinding.ECCENTRICITY, LesionFinding.NEAREST_SURFACE,
    )  # fmt: skip
    path = scan.path
    if scene.course is None:
        reason = scene.no_course_reason or "no centre line of the cord"
        return tuple(unsaid(name, reason, (path,)) for name in names)
    sections = sections_of(scene, scene.course)
    expansion = cord_expansion.expansion_of(scene, sections, here, scan, limits)
    if sections is None:
        return (
            unsaid(names[0], NO_CORD_MASK, (path,)),
            expansion,
            _eccentricity(scene, None, path, limits),
            unsaid(names[3], NO_CORD_MASK, (path,)),
        )
    whole = whole_cord(scene)
    return (
        _share(sections, path, limits.cord),
        expansion,
        _eccentricity(scene, whole, path, limits),
        _surface(scene, whole, path),
    )


def _share(sections: CordSections, path: str, limits: CordFormLimits) -> Described:
    """Return the largest share of the cord's section that the lesion with its cysts takes."""
    name = LesionFinding.CORD_SHARE
    usable = sections.drawn & (sections.cord > 0) & (sections.lesion > 0)
    if not usable.any():
        return unsaid(name, "the cord was not drawn where the lesion lies", (path,))
    share = np.clip(sections.lesion[usable] / sections.cord[usable], 0.0, 1.0)
    number = float(share.max())
    error = np.hypot(limits.section_cv, limits.section_cv)
    low, high = number * float(np.exp(-Z_95 * error)), min(number * float(np.exp(Z_95 * error)), 1.0)
    return Described(name, None, number, low, high, "share of section", sure_if(True), None, (path,))


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
    middles_mm = undisturbed_middles(course, (low_mm, high_mm), positions_mm, limits.cord)
    if middles_mm is None:
        return unsaid(name, f"{NO_CORD_MASK}, and its line is not seen far enough both above and below", (path,))
    offset_mm = (points_mm - middles_mm).mean(axis=0)[:2]
    by_found_mm = (points_mm - course.line.points_mm[nearest]).mean(axis=0)[:2]
    away_mm = float(np.hypot(*offset_mm))
    half_mm = limits.cord.found_middle_mm + _pixel_error_mm(scene) + limits.cord.carried_on_share * (high_mm - low_mm)
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
    course: CordCourse, ends_mm: tuple[float, float], positions_mm: NDArray[np.float64], limits: CordFormLimits
) -> NDArray[np.float64] | None:
    """Carry the line above and below a lesion on through it: points ``(N, 3)``, mm; None where a side is too short."""
    line, middle_mm = course.line, (ends_mm[0] + ends_mm[1]) / 2
    beyond_mm = [ends_mm[0] - line.positions_mm, line.positions_mm - ends_mm[1]]
    sides = [(one > limits.bulge_mm) & (one <= limits.bulge_mm + limits.neighbour_mm) for one in beyond_mm]
    if min(side.sum() for side in sides) < limits.least_neighbour_mm:
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
