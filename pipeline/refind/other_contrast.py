"""What another contrast of the same two visits says of a tumour that was found again: that it is smaller, or not.

A tumour that shrank may leave a scar that looks like it on the scan that is measured on; after contrast agent the two
mostly differ. So the tumour is found again there alone, by its edges, from the same drawing laid on the scan of that
contrast, and how its size changed there is held against the size found. No size is taken from there: uptake that fades
from the rim looks like a tumour that shrinks. And only smaller counts: a tumour that shows as large there may be one
that hardly shows. A tumour that took up no contrast agent at the masked visit has no edge there, and is not looked for:
it would be found about as it was drawn, and one that grew would lose its size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from pipeline.core import wording
from pipeline.core.transform import Transform, inverse, resample_together
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.measure.measurement_error import Z_95
from pipeline.refind import shrinkage
from pipeline.refind.likeness import ScansDifferError
from pipeline.refind.refinding import COVERED_SHARE, GROWING, DonorVisit, FollowUpMasks, found_again, parts_of, unseen
from pipeline.refind.template import Template

TELLING = {"T1w_ce": "T1w after contrast agent"}
"""T1-weighted contrasts that may say more of a tumour that is measured on another one, and their names in words."""

TUMOUR = str(Compartment.TUMOUR)
Value = TypeVar("Value")

SMALLER_THERE = 0.85
"""A tumour that is found at less than this share of its size on the other contrast counts as smaller there."""

CONTRADICTED = 0.75
"""Below this share the two contrasts contradict each other, and no size is told. Chosen with SMALLER_THERE on implants
in a phantom and a real cord, after agent on 3.3 mm and fine slices: after a fall by 50 or 65 % with a scar that takes
up at most 0.3 they were found there at 0.31 to 0.69 of what was drawn (0.62 to 0.85 where it takes up 0.6),
after 30 % at 0.65 to 0.76; unchanged ones at 0.83 to 1.26, also when uptake fell to 0.4."""

LEAST_SHARE = 0.05
"""A tumour that is found smaller than this share there, or not at all, counts as this share."""

TAKES_UP, RIM_MM = 0.2, 2.0
"""A tumour that is brighter than cord by this share of its signal, within so many millimetres of its outline, took up
contrast agent. What no scan after agent showed at all stood out by at most 0.02 in a phantom, by 0.14 where small
and slices were thick, and was found there at 1.0 to 1.1 of its old size, whatever it had grown on T2w; tumours of the
benchmark stood out by 0.4 on fine slices and by 0.7 on thick ones."""

AROUND_MM = (2.0, 4.0)
"""What lies so far beyond a tumour's outline, where thick slices hardly mix it with the tumour, mm."""


@dataclass(frozen=True)
class SizeElsewhere:
    """How a tumour's size changed on scans of another contrast: ``ratio``, found there over drawn and laid there."""

    contrast: str
    ratio: float


def laid_on(other: Volume, masked: DonorVisit, to_masked: Transform) -> DonorVisit | None:
    """Lay the compartments of a masked visit on its scan of another contrast.

    Parameters
    ----------
    other
        The scan, on its own grid.
    to_masked
        Moves points from it to the scan that the masks were drawn on.

    Returns
    -------
    DonorVisit or None
        None where there is no tumour, or the scan shows too little of it.
    """
    parts: Mapping[str, Volume] = {name: mask for name, mask in masked.masks.items() if name in GROWING}
    if TUMOUR not in parts:
        return None
    soft = [mask.with_array(mask.array.astype(np.float32)) for mask in parts.values()]
    laid = dict(zip(parts, resample_together(soft, other, to_masked, order=1), strict=True))
    if volume_mm3(laid[TUMOUR]) < COVERED_SHARE * volume_mm3(parts[TUMOUR]):
        return None
    return DonorVisit(other, laid, has_dark_fluid=True)


def size_elsewhere(contrast: str, masked: DonorVisit, later: Volume, to_masked: Transform) -> SizeElsewhere | None:
    """Find a tumour again on scans of another contrast alone.

    Parameters
    ----------
    masked
        The masked visit's scan of that contrast with the masks laid on it (:func:`laid_on`).
    later
        The later visit's scan of that contrast.
    to_masked
        Moves points from the later of these scans to the other.

    Returns
    -------
    SizeElsewhere or None
        None where these scans cannot tell: the tumour took up no contrast agent at the masked visit, they are too
        different from each other, or do not show its place.
    """
    template = parts_of(masked)
    if template is None or TUMOUR not in template.names or uptake_at_rim(template) < TAKES_UP:
        return None
    try:
        grown, _ = found_again(masked, later, to_masked, free=(TUMOUR,))
    except ScansDifferError:
        return None
    if TUMOUR not in grown or unseen(masked, later, inverse(to_masked), (TUMOUR,), grown):
        return None
    return SizeElsewhere(contrast, float(np.mean(grown[TUMOUR].ways_mm3)) / volume_mm3(masked.masks[TUMOUR]))


def uptake_at_rim(template: Template) -> float:
    """Return by how much a tumour is brighter than cord near its outline, as a share of cord's signal.

    A core that takes up nothing does not count: the outline is what shows a size. Cord is as bright as what was filled
    in for the tumour, and no darker than what lies around: on thick slices a small tumour's axis can leave the cord.
    0 where cord has no signal.
    """
    tumour = template.names.index(TUMOUR)
    distance_mm = template.distance_mm[tumour]
    weight = template.occupancy[tumour] ** 2 * (distance_mm > -RIM_MM)
    is_around = (distance_mm > AROUND_MM[0]) & (distance_mm < AROUND_MM[1])
    filled_in, around = template.background[distance_mm <= distance_mm.min() / 2], template.background[is_around]
    cord = max(float(np.median(filled_in)), float(np.median(around)))
    return float((template.texture[tumour] * weight).sum() / weight.sum()) / cord - 1 if cord > 0 else 0.0


def held_against(again: FollowUpMasks, drawn_mm3: float, seen: SizeElsewhere) -> FollowUpMasks:
    """Hold the size of a tumour that was found again against its size on another contrast.

    Parameters
    ----------
    again
        Masks of a follow-up, its tumour found again.
    drawn_mm3
        Volume of the tumour as drawn at the masked visit whose other scan was used, mm³.

    Returns
    -------
    FollowUpMasks
        Without the tumour and with why, where the other contrast contradicts its size; with a larger error and words
        where it is smaller there by less, or where both show it smaller, or larger, than it was drawn; without an
        error for a scar where it is as large there.
    """
    found_ratio = float(np.mean(again.ways_mm3[TUMOUR])) / drawn_mm3
    share = max(seen.ratio / found_ratio, LEAST_SHARE) if found_ratio else 1.0
    if share >= SMALLER_THERE:
        return replace(again, scar_cv=_others(again.scar_cv))
    is_agreed = found_ratio < shrinkage.NOT_SMALLER or seen.ratio > 1 / SMALLER_THERE
    if share < CONTRADICTED and not is_agreed:
        return _without_size(again, contradicted_in_words(TUMOUR, found_ratio, seen))
    own_cv = again.shrinkage_cv.get(TUMOUR, 0.0)
    wider = {**again.shrinkage_cv, TUMOUR: max(own_cv, error_of(share, is_agreed=is_agreed))}
    words = f"on {named(seen.contrast)} the {TUMOUR} is found smaller than here, by {1 - share:.0%}"
    return replace(again, shrinkage_cv=wider, smaller_elsewhere={TUMOUR: words})


def error_of(share: float, *, is_agreed: bool) -> float:
    """Return the standard deviation of ln V for what another contrast shows smaller.

    Parameters
    ----------
    share
        Size there over size found.
    is_agreed
        Both contrasts show it clearly smaller than drawn, or both larger: the 95 % interval just reaches the size
        there. Else that size lies one standard deviation away, for a scar that takes up some contrast agent hides part
        of the fall there too.

    Examples
    --------
    >>> round(error_of(0.8, is_agreed=False), 2), round(error_of(0.8, is_agreed=True), 2)
    (0.22, 0.11)
    """
    apart = -math.log(share)
    return apart / Z_95 if is_agreed else apart


def named(contrast: str) -> str:
    """Name a contrast in words.

    Examples
    --------
    >>> named("T1w_ce"), named("T2w")
    ('T1w after contrast agent', 'T2w')
    """
    return TELLING.get(contrast, contrast)


def contradicted_in_words(name: str, found_ratio: float, seen: SizeElsewhere) -> str:
    """Say why the size of a compartment cannot be told that another contrast shows smaller.

    Examples
    --------
    >>> contradicted_in_words("tumour", 1.02, SizeElsewhere("T1w_ce", 0.5)).partition(": ")[2]
    'found again here it changed by +2 %, on T1w after contrast agent alone by -50 %; a scar can look like it, and uptake can fade'
    """  # noqa: E501
    return (
        f"the scans of this visit do not tell whether the {name} kept its size, or shrank and left a scar that looks "
        f"like it: found again here it changed by {wording.change_of(found_ratio)}, on {named(seen.contrast)} alone by "
        f"{wording.change_of(max(seen.ratio, LEAST_SHARE))}; a scar can look like it, and uptake can fade"
    )


def _without_size(again: FollowUpMasks, why: str) -> FollowUpMasks:
    """Take the tumour out of masks of a follow-up, with why."""
    return replace(
        again,
        probabilities=_others(again.probabilities),
        methods=_others(again.methods),
        ways_mm3=_others(again.ways_mm3),
        signal_cv=_others(again.signal_cv),
        shrinkage_cv=_others(again.shrinkage_cv),
        scar_cv=_others(again.scar_cv),
        left_contrast=_others(again.left_contrast),
        disturbed=tuple(name for name in again.disturbed if name != TUMOUR),
        untold={TUMOUR: why},
    )


def _others(by_name: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in by_name.items() if name != TUMOUR}


def volume_mm3(mask: Volume) -> float:
    """Return the volume of a mask or of shares, mm³."""
    return float(mask.array.sum(dtype=np.float64)) * mask.voxel_mm3
