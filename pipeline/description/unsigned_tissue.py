"""What a program marked by itself and nobody signed: whether the scan can hold it, and whether it looks like its kind.

A speck of an automatic mask is no cyst. What this module refuses: to doubt what a person drew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description.cord_reference import CordReference
from pipeline.description.description_limits import DescriptionLimits
from pipeline.description.lesion_scene import AlignedScan, CordVoxels, LesionScene, share_in
from pipeline.description.tissue_signal import laid_along
from pipeline.measure.volumes import OBJECT_PROBABILITY

FLUIDS = frozenset({Compartment.CYST, Compartment.SYRINX})


def doubt_of(
    places: NDArray[np.intp],
    mask: Volume,
    compartment: Compartment,
    scene: LesionScene,
    scans: Sequence[AlignedScan],
    limits: DescriptionLimits,
) -> str | None:
    """Say in words why a connected piece of a mask cannot be called present; None where nothing speaks against it.

    Parameters
    ----------
    places
        Voxels of one connected piece, shape ``(N, 3)``.
    mask
        All of the compartment on the anchor's grid.
    scans
        Those on which fluid and oedema are bright (T2w, STIR), the best first.
    """
    if compartment not in scene.unsigned:
        return None
    volume_mm3 = float(len(places)) * mask.voxel_mm3
    least_mm3 = max(limits.unsigned.least_mm3, limits.unsigned.least_voxels * mask.voxel_mm3)
    marked = f"a program by itself marked {volume_mm3:.0f} mm³ of {compartment}"
    if volume_mm3 < least_mm3:
        return f"{marked}; this scan holds nothing sure below {least_mm3:.0f} mm³: draw it, or say that there is none"
    inside_piece = np.zeros(mask.shape, dtype=bool)
    inside_piece[tuple(places.T)] = True
    piece = mask.with_array(inside_piece)
    enough, least_read = (limits.unsigned.mostly, OBJECT_PROBABILITY), limits.unsigned.least_read
    for scan in scans:
        laid = laid_along(scan, scene, limits)
        if isinstance(laid, str):
            continue
        voxels, reference = laid
        shares = share_in(scan, piece, voxels.indices)
        inside = next((part for part in (shares >= least for least in enough) if part.sum() >= least_read), None)
        if inside is None:
            continue
        ratio = float(np.median(voxels.values[inside] / reference.at(voxels.position_mm[inside])))
        least = _least_ratio(voxels, reference, compartment, limits)
        kind = "fluid" if compartment in FLUIDS else "oedema"
        signal = f"{marked}, whose signal is {ratio:.2f} of the cord's; {kind} is above {least:.2f} on this scan"
        return None if ratio >= least else signal
    if volume_mm3 >= max(limits.unsigned.unread_mm3, least_mm3):
        return None
    return f"{marked}, whose signal no scan of this visit tells: draw it, or say that there is none"


def _least_ratio(
    voxels: CordVoxels, reference: CordReference, compartment: Compartment, limits: DescriptionLimits
) -> float:
    """Return the ratio to the cord from which on a piece is of its kind; fluid is brighter than cord on any such scan.

    Where the scan shows the fluid around the cord, a piece must look like that.
    """
    least = limits.signal.hyper_above
    if compartment not in FLUIDS:
        return least
    beyond_mm = voxels.away_mm - voxels.radius_mm
    places_mm = voxels.position_mm[reference.voxels]
    around = (beyond_mm >= limits.reference.fluid_from_mm) & (beyond_mm <= limits.reference.fluid_to_mm)
    around &= (voxels.beside < 0.02) & (voxels.solid < 0.02)
    around &= (voxels.position_mm >= places_mm.min()) & (voxels.position_mm <= places_mm.max())
    if around.sum() < limits.unsigned.least_voxels:
        return least
    fluid = float(np.percentile(voxels.values[around] / reference.at(voxels.position_mm[around]), 75))
    return 1.0 + limits.unsigned.fluid_from * (fluid - 1.0) if fluid >= limits.unsigned.least_fluid else least
