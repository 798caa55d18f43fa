"""A made-up visit with known truth: a straight cord in fluid, a lesion in it, and scans of any contrast. Quick."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.core.finding_terms import Described, LesionFinding
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.description import limit_file, visit_description
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene
from pipeline.measure.cord import CentreLine, LineSource

AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
AFFINE[:3, 3] = (-16.0, -16.0, -60.0)
GRID = Volume(np.zeros((33, 33, 121)), AFFINE)
X, Y, Z = np.moveaxis(voxel_centres_mm(GRID), -1, 0)
CORD = (np.hypot(X, Y) < 6.0) & (abs(Z) < 58)
TUMOUR = (np.hypot(X, Y) < 4.5) & (abs(Z) < 10)
NOWHERE = LevelsHere(None, None, "no visit has disc labels")
NEVER = np.zeros(GRID.shape, dtype=bool)


def course(is_drawn: bool = True) -> CordCourse:
    """The straight line along the made-up cord."""
    heights = np.arange(-55.0, 56.0)
    points = np.stack([np.zeros_like(heights), np.zeros_like(heights), heights], axis=-1)
    line = CentreLine(points, np.tile([0.0, 0.0, 1.0], (len(points), 1)), heights, LineSource.FOUND)
    return CordCourse(line, np.full(len(points), 6.0), is_drawn)


def scene(solid: NDArray[np.bool_] = TUMOUR, **masks: NDArray[np.bool_]) -> LesionScene:
    """The lesion with what else was drawn, by the name of the compartment."""
    others: Mapping[Compartment, Volume] = {Compartment(name): GRID.with_array(array) for name, array in masks.items()}
    return LesionScene(GRID.with_array(solid), others, course())


def scan(
    contrast: str, ratio: float | NDArray[np.float64], *, fluid: float = 2.5, gain: float = 300.0, seed: int = 0
) -> AlignedScan:
    """A scan on which the tumour has a ratio to the cord; the coil falls off along the spine by a half."""
    rng = np.random.default_rng(seed)
    tissue = np.where(CORD, 1.0, fluid)
    tissue = np.where(TUMOUR, ratio, tissue)
    falls_off = 1.0 + 0.3 * np.sin((Z + 20) / 45)
    values = gain * tissue * falls_off + rng.normal(0, 0.04 * gain, GRID.shape)
    return AlignedScan(GRID.with_array(values), identity("anchor", contrast), f"x_{contrast}.nii.gz", contrast)


def described(scans, lesion: LesionScene | None = None, here: LevelsHere = NOWHERE) -> dict[str, Described]:
    """Every finding by its name; of the made-up lesion where no other is given."""
    lesion = lesion or scene(cord=CORD & ~TUMOUR)
    rows = visit_description.description_of(lesion, scans, here, limit_file.packaged())
    assert [row.finding for row in rows] == list(LesionFinding)
    return {str(row.finding): row for row in rows}
