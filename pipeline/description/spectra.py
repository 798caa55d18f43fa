"""What a program fitted to the spectra of a visit, held against the tumour that their box lies in.

Nothing is fitted here. What this module refuses: a value as sure whose bound is 20 % or more or not recorded, or whose
box is not recorded or mostly something else than the lesion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pipeline.core.finding_terms import METABOLITE, Described, sure_if, unsaid
from pipeline.core.spectrum import UNRELIABLE_FROM_PERCENT, MetaboliteValue, SpectrumVoxel
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.description.lesion_scene import LesionScene
from pipeline.description.material_limits import SpectrumLimits
from pipeline.measure.measurement_error import Z_95
from pipeline.measure.volumes import OBJECT_PROBABILITY

POINTS = 24
"""The box is looked up at so many points along each edge."""


@dataclass(frozen=True)
class BoxShares:
    """Share of a spectrum's box in the lesion's solid tumour, in cyst, and in cord beside both, 0 to 1."""

    tumour: float
    cyst: float
    cord: float

    @property
    def words(self) -> str:
        """The shares in words."""
        return f"box {100 * self.tumour:.0f} % tumour, {100 * self.cyst:.0f} % cyst, {100 * self.cord:.0f} % cord"


def metabolites_of(
    spectra: Sequence[MetaboliteValue], scene: LesionScene | None, limits: SpectrumLimits
) -> tuple[Described, ...]:
    """Describe each metabolite that was fitted at a visit.

    Parameters
    ----------
    scene
        The lesion; None where none was drawn at this visit, and the values stand unsurely.
    """
    names = [one.metabolite for one in spectra]
    return tuple(_described(one, scene, limits, is_alone=names.count(one.metabolite) == 1) for one in spectra)


def _described(one: MetaboliteValue, scene: LesionScene | None, limits: SpectrumLimits, *, is_alone: bool) -> Described:
    box_of = one.voxel.path if one.voxel else "no box"
    name = f"{METABOLITE}{one.metabolite}" + ("" if is_alone else f" ({one.unit}; {box_of})")
    paths = () if one.voxel is None else (one.voxel.path,)
    shares = None if one.voxel is None or scene is None else shares_of(one.voxel, scene)
    if shares is not None and shares.tumour < limits.not_there:
        return unsaid(name, f"its box does not lie in this lesion ({shares.words})", paths)
    doubts = [*_of_fit(one), *_of_place(one, scene, shares, limits)]
    told_by = [shares.words] if shares is not None else []
    told_by += [one.program] if one.program else []
    low, high = None, None
    if one.crlb_percent is not None:
        half = Z_95 * one.value * one.crlb_percent / 100.0
        low, high = max(one.value - half, 0.0), one.value + half
    reason = "; ".join([*doubts, *told_by]) or None
    return Described(name, None, one.value, low, high, one.unit, sure_if(not doubts), reason, paths)


def _of_fit(one: MetaboliteValue) -> list[str]:
    if one.crlb_percent is None:
        return ["its SD (Cramer-Rao bound) is not recorded"]
    if one.crlb_percent >= UNRELIABLE_FROM_PERCENT:
        return [f"unreliable: SD {one.crlb_percent:g} %, {UNRELIABLE_FROM_PERCENT:g} % and more is not trusted"]
    return []


def _of_place(
    one: MetaboliteValue, scene: LesionScene | None, shares: BoxShares | None, limits: SpectrumLimits
) -> list[str]:
    if scene is None:
        return ["no lesion was drawn at this visit to hold its box against"]
    if one.voxel is None:
        return ["where its box lies is not recorded"]
    return (
        []
        if shares is None or shares.tumour >= limits.mostly
        else [f"less than {100 * limits.mostly:g} % of its box is this tumour"]
    )


def shares_of(voxel: SpectrumVoxel, scene: LesionScene) -> BoxShares:
    """Return what the box of a spectrum holds, by the masks of the visit.

    The box and the masks are each in the scanner's own world: a person who moved between the two is not followed.
    """
    steps = (np.arange(POINTS) + 0.5) / POINTS - 0.5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points_mm = to_world(np.array(voxel.affine).reshape(4, 4), offsets)

    def is_in(mask: Volume | None) -> np.ndarray:
        if mask is None:
            return np.zeros(len(points_mm), dtype=bool)
        places = to_voxel(mask.affine, points_mm).T
        shares = ndimage.map_coordinates(mask.array.astype(np.float32), places, order=0, mode="constant")
        return np.asarray(shares >= OBJECT_PROBABILITY)

    tumour, cyst = is_in(scene.solid), is_in(scene.others.get(Compartment.CYST))
    cord = is_in(scene.others.get(Compartment.CORD)) & ~tumour & ~cyst
    return BoxShares(float(tumour.mean()), float((cyst & ~tumour).mean()), float(cord.mean()))
