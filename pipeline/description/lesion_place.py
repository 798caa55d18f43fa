"""How long a lesion is along the cord, and between which vertebrae it lies.

Levels come from labels of the discs, carried along the patient's centre line by the caller. What this module refuses:
a level without a label.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.finding_terms import Described, LesionFinding, sure_if, unsaid
from pipeline.description.lesion_scene import LesionScene
from pipeline.measure.vertebral_levels import Levels, level_at, step_mm


@dataclass(frozen=True)
class LevelsHere:
    """The patient's levels, and the lesion's ends along the same line, mm; without levels the reason in words."""

    levels: Levels | None
    ends_mm: tuple[float, float] | None
    reason: str | None


def place_findings(scene: LesionScene, here: LevelsHere, path: str) -> tuple[Described, ...]:
    """Describe length and levels; ``path`` is the scan of the masks."""
    return (_length(scene, here, path), _levels(here, path))


def _length(scene: LesionScene, here: LevelsHere, path: str) -> Described:
    name = LesionFinding.LENGTH
    ends_mm = scene.ends_mm(scene.solid) or here.ends_mm
    if ends_mm is None:
        return unsaid(name, scene.no_course_reason or "no lesion drawn", (path,))
    length_mm, voxel_mm = ends_mm[1] - ends_mm[0], float(abs(scene.solid.affine[2, :3]).max())
    reason = None
    if here.levels is not None:
        reason = f"{length_mm / step_mm(here.levels):.1f} vertebral bodies with their discs"
    return Described(
        name,
        None,
        length_mm,
        max(length_mm - voxel_mm, 0.0),
        length_mm + voxel_mm,
        "mm",
        sure_if(True),
        reason,
        (path,),
    )


def _levels(here: LevelsHere, path: str) -> Described:
    name = LesionFinding.LEVELS
    if here.levels is None or here.ends_mm is None:
        return unsaid(name, here.reason or "no disc labels", (path,))
    upper, lower = level_at(here.levels, here.ends_mm[1]), level_at(here.levels, here.ends_mm[0])
    if upper is None or lower is None:
        return unsaid(name, "an end lies between two disc labels with a disc between them that has none", (path,))
    is_clear = not any(word.startswith(("above", "below")) for word in (upper, lower))
    reason = None if is_clear else "an end lies beyond the labelled discs"
    return Described(
        name,
        upper if upper == lower else f"{upper} to {lower}",
        sureness=sure_if(is_clear),
        reason=reason,
        scans=(path,),
    )
