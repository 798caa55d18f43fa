"""Sections of cord and lesion in each millimetre along the cord, from masks alone.

What this module refuses: a section of cord where nobody drew the cord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description.lesion_scene import CordCourse, LesionScene
from pipeline.measure.cord import areas_mm2, stretches_of
from pipeline.measure.volumes import OBJECT_PROBABILITY

NO_CORD_MASK = "no mask of the cord"


@dataclass(frozen=True, eq=False)
class CordSections:
    """Areas in each millimetre along the cord, shape ``(N,)``, mm².

    Attributes
    ----------
    cord, lesion
        The whole section with all that lies in it, and solid tumour with its cysts.
    beside
        All that was drawn and is neither cord nor the solid tumour: syrinx, oedema, other lesions.
    drawn
        Where the cord itself was drawn.
    """

    position_mm: NDArray[np.float64]
    cord: NDArray[np.float64]
    lesion: NDArray[np.float64]
    beside: NDArray[np.float64]
    drawn: NDArray[np.bool_]


def whole_cord(scene: LesionScene) -> Volume | None:
    """Return the mask of the cord with all that lies in it; None where nobody drew the cord.

    A hole across it, such as a mask leaves that does not count, lies in the cord and is no surface of it.
    """
    cord = scene.others.get(Compartment.CORD)
    if cord is None or not (cord.array >= OBJECT_PROBABILITY).any():
        return None
    whole = (cord.array >= OBJECT_PROBABILITY) | scene.solid.array | scene.beside.array
    head_foot = int(np.argmax(np.abs(cord.affine[2, :3]) / cord.spacing_mm))
    planes = [ndimage.binary_fill_holes(plane) for plane in np.moveaxis(whole, head_foot, 0)]
    return cord.with_array(np.moveaxis(np.stack(planes), 0, head_foot))


def sections_of(scene: LesionScene, course: CordCourse) -> CordSections | None:
    """Return the sections along the cord from the masks; None where nobody drew the cord."""
    whole = whole_cord(scene)
    if whole is None:
        return None
    here = identity("anchor", "anchor")
    cyst = scene.others.get(Compartment.CYST)
    lesion = scene.solid.array | (cyst.array >= OBJECT_PROBABILITY) if cyst is not None else scene.solid.array
    of_cord = stretches_of(whole.with_array(whole.array.astype(np.float32)), here, course.line)
    of_lesion = stretches_of(whole.with_array(lesion.astype(np.float32)), here, course.line)
    beside = scene.beside.array.astype(np.float32)
    of_beside = stretches_of(whole.with_array(beside), here, course.line)
    of_drawn = stretches_of(scene.others[Compartment.CORD], here, course.line)
    positions_mm = course.line.positions_mm
    drawn_mm = of_drawn.positions_mm[of_drawn.is_object]
    margin_mm = float(np.abs(whole.affine[2, :3]).max())  # the outermost planes are only partly filled
    drawn = (positions_mm >= drawn_mm.min() + margin_mm / 2) & (positions_mm <= drawn_mm.max() - margin_mm / 2)
    cord_mm2, lesion_mm2, beside_mm2 = (areas_mm2(one, course.line) for one in (of_cord, of_lesion, of_beside))
    return CordSections(positions_mm, cord_mm2, lesion_mm2, beside_mm2, drawn)
