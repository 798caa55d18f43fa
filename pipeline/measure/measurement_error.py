"""How sure a volume, a change of volume and a verdict can be.

Volumes err by a factor, not by an amount, so everything is on the log scale: a coefficient of variation
(``cv``) is the standard deviation of ln V. What this module refuses: an interval for a volume of 0, where a
factor means nothing.

References
----------
No inter-rater or test-retest study of intramedullary tumour volumes was found. The boundary error is inferred
from vestibular schwannoma readers (PMID 38980343; 0.11-0.16 mm, sharp edges on 3D scans) and enlarged for
thick spine slices: a proposal, kept in one table so that a centre's own repeat reads can replace it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.core.vocabulary import Compartment, MaskOrigin

ASSUMED = "geometric_model"
"""Source of an error that was assumed from a size and its sampling, not measured."""

Z_95 = 1.96
"""Half-width of a 95 % interval in standard deviations."""

FARTHEST_LOG = math.log(1e12)
"""No two sizes that can be read lie farther apart; the bound of an error as large would be more than floats hold."""

SPHERE_FACTOR = 4.836
"""3 / r for a sphere equals 4.836 * V^(-1/3): the relative volume of a shell of unit thickness."""

BOUNDARY_ERROR_MM = {MaskOrigin.MANUAL: 0.25, MaskOrigin.EDITED: 0.25, MaskOrigin.AUTOMATIC: 0.5}
"""Standard deviation of where the outline is drawn, mm, for a sharp edge; a proposal. Automatic: a mask of a program
whose error nobody has measured here, or one that was only carried over."""

FOUND_AGAIN_ERROR_MM = {
    Compartment.TUMOUR: 0.18,
    Compartment.CYST: 0.10,
    Compartment.SYRINX: 0.10,
    Compartment.CAVITY: 0.10,
    Compartment.OEDEMA: 0.42,
}
"""The same for masks that were found again on the visit's own scan, where what unexplained signal does is added. All
errors together were 0.15 and 0.21 mm for tumour, 0.12 and 0.11 for cyst, 0.52 and 0.56 for oedema on two real cords
with known lesions (root mean square). With these numbers 71 of 72 intervals held there, 67 of 68 on implants."""

LESS_SURE_ERROR_MM = {
    Compartment.TUMOUR: 0.6,
    Compartment.CYST: 0.2,
    Compartment.SYRINX: 0.2,
    Compartment.CAVITY: 0.2,
    Compartment.OEDEMA: 0.7,
}
"""The same where the mask they come from was itself drawn on thick slices, which hide its shape between them, or the
two scans are less alike than most. All errors together were for tumour 0.26 and 0.48 mm from thick slices in the
benchmark's two sets, 0.43 on scans blurred by 0.8 mm, 0.70 where half the signal went into ghosts and 0.52 where the
person swung by 1 mm; cyst 0.13, 0.20, 0.15 and 0.21; oedema 0.50, 0.49, 0.64 and 0.68."""

THICK_MM = 2.0
"""Slices thicker than this are thick, mm: the two groups measured were 1.0 mm and less, and 3.3 mm."""

INFILTRATIVE_EXTRA_MM = 0.25
"""Added for tumours without a sharp edge, mm: 0.5 mm by hand instead of 0.25; a proposal."""

INFILTRATIVE_WORDS = ("astrocyt", "glioblast", "glioma", "oligodendro", "infiltrat")
"""Histologies whose edge is not sharp; ependymoma is a glioma too but is spelt as itself."""

SLICE_SAMPLING_CV = {"sagittal": 0.20, "coronal": 0.20, "axial": 0.12, "isotropic": 0.0}
"""Sampling error of a perfect reader at one slice; falls with slices^1.5. Fitted to a Monte Carlo of
ellipsoids 1:1:2.5 along the cord, 0.1-5 mL, on 3.3 mm sagittal and 4.4 mm axial slices: 0.7 to 2.8 times the
simulated value, within a quarter of it from three slices on."""


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; the unit is that of the number it belongs to."""

    low: float
    high: float


def boundary_error_mm(
    origin: MaskOrigin,
    histology: str | None = None,
    found_again: Compartment | None = None,
    *,
    less_sure: bool = False,
) -> float:
    """Return the assumed standard deviation of the drawn outline, mm.

    Parameters
    ----------
    origin
        Who made the mask.
    histology
        Of the tumour; some have no sharp edge.
    found_again
        The compartment, where its automatic mask was found again on the visit's own scan.
    less_sure
        The mask that was found again had been drawn on slices thicker than ``THICK_MM``, or the two scans or their
        alignment are less good than most.

    Examples
    --------
    >>> boundary_error_mm(MaskOrigin.MANUAL, "ependymoma")
    0.25
    >>> boundary_error_mm(MaskOrigin.MANUAL, "pilocytic astrocytoma")
    0.5
    >>> boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=Compartment.OEDEMA)
    0.42
    >>> boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=Compartment.TUMOUR, less_sure=True)
    0.6
    """
    infiltrative = any(word in (histology or "").lower() for word in INFILTRATIVE_WORDS)
    sharp_mm = BOUNDARY_ERROR_MM[origin]
    if found_again is not None and origin == MaskOrigin.AUTOMATIC:
        measured = LESS_SURE_ERROR_MM if less_sure else FOUND_AGAIN_ERROR_MM
        sharp_mm = measured.get(found_again, sharp_mm)
    return sharp_mm + (INFILTRATIVE_EXTRA_MM if infiltrative else 0.0)


def geometric_cv(
    volume_mm3: float, boundary_mm: float, *, slices_spanned: int | None, plane: str | None
) -> float | None:
    """Estimate the coefficient of variation of a volume from its size and sampling.

    Outline error of a sphere, in quadrature with the slice-sampling error. Unknown sampling counts as one
    sagittal slice, the worst case.

    Parameters
    ----------
    volume_mm3
        Measured volume, mm³.
    boundary_mm
        Standard deviation of the outline, mm (:func:`boundary_error_mm`).
    slices_spanned
        Slices that the object crosses.
    plane
        ``sagittal``, ``coronal``, ``axial`` or ``isotropic``.

    Returns
    -------
    float or None
        Standard deviation of ln V; None for a volume of 0.

    Examples
    --------
    >>> round(geometric_cv(1000.0, 0.25, slices_spanned=1, plane="isotropic"), 4)
    0.1209
    >>> round(geometric_cv(1000.0, 0.25, slices_spanned=3, plane="sagittal"), 3)
    0.127
    """
    if volume_mm3 <= 0:
        return None
    outline = SPHERE_FACTOR * boundary_mm * volume_mm3 ** (-1 / 3)
    sampling = SLICE_SAMPLING_CV[plane or "sagittal"] / max(slices_spanned or 1, 1) ** 1.5
    return math.hypot(outline, sampling)


def repeat_reads_cv(volumes_mm3: Sequence[float]) -> float | None:
    """Return the within-patient coefficient of variation of repeated reads of one scan.

    Parameters
    ----------
    volumes_mm3
        Two or more independent reads of the same scan, mm³.

    Returns
    -------
    float or None
        Standard deviation of ln V (n - 1); None for fewer than two reads or when one of them is 0.

    Examples
    --------
    >>> round(repeat_reads_cv([1000.0, 1100.0]), 4)
    0.0674
    """
    if len(volumes_mm3) < 2 or min(volumes_mm3) <= 0:
        return None
    return float(np.std(np.log(volumes_mm3), ddof=1))


def mean_cv(volumes_mm3: Sequence[float]) -> float | None:
    """Return how unsure the mean of volumes is that were found in several ways, from how far they are apart.

    Parameters
    ----------
    volumes_mm3
        Of one lesion on one scan, mm³.

    Returns
    -------
    float or None
        Standard error of the mean of ln V (n - 1); None for fewer than two or when one of them is 0.

    Examples
    --------
    >>> round(mean_cv([1000.0, 1100.0]), 4)
    0.0477
    """
    spread = repeat_reads_cv(volumes_mm3)
    return None if spread is None else spread / math.sqrt(len(volumes_mm3))


def largest_error(
    geometric: float,
    *,
    signal: float | None = None,
    shrinkage: float | None = None,
    spread: float | None = None,
    repeat: float | None = None,
) -> tuple[float, str]:
    """Return the error of a volume, and where it comes from.

    Where an outline lies, what unexplained signal does to a mask found again, and what a shrinkage that was found again
    may be off by add up. Two readers can agree by luck, and so can two ways in which a mask was found, so what was seen
    to differ counts only where it exceeds that.

    Parameters
    ----------
    geometric, signal, shrinkage, spread, repeat
        Coefficients of variation: by the geometric model; what unexplained signal gives an automatic mask; what it has
        for being found smaller than drawn; of the ways in which it was found (:func:`mean_cv`); of repeat reads
        (:func:`repeat_reads_cv`).

    Examples
    --------
    >>> largest_error(0.3, signal=0.4)
    (0.5, 'automatic_spread')
    >>> largest_error(0.1, spread=0.02, repeat=0.05)
    (0.1, 'geometric_model')
    """
    signal, spread, repeat = math.hypot(signal or 0.0, shrinkage or 0.0), spread or 0.0, repeat or 0.0
    own_cv = math.hypot(geometric, signal)
    if repeat > max(own_cv, spread):
        return repeat, "repeat_reads"
    return max(own_cv, spread), "automatic_spread" if spread > own_cv or signal > geometric else ASSUMED


def volume_interval(volume_mm3: float, cv: float) -> Interval:
    """Return the log-normal 95 % interval of a volume, mm³.

    Examples
    --------
    >>> interval = volume_interval(1000.0, 0.1)
    >>> round(interval.low), round(interval.high)
    (822, 1217)
    """
    return change_interval(volume_mm3, cv, 0.0)


def change_interval(ratio: float, cv1: float, cv2: float) -> Interval:
    """Return the log-normal 95 % interval of a ratio of two independently measured volumes.

    Examples
    --------
    >>> interval = change_interval(1.5, 0.1, 0.1)
    >>> round(interval.low, 2), round(interval.high, 2)
    (1.14, 1.98)
    """
    factor = detection_limit_ratio(cv1, cv2)
    return Interval(ratio / factor, ratio * factor)


def detection_limit_ratio(cv1: float, cv2: float) -> float:
    """Return the smallest ratio of two volumes that exceeds measurement error at 95 %.

    Smaller by 1 it is the minimal detectable change, MDC95; for small cv it is 2.77 cv.

    Examples
    --------
    >>> round(detection_limit_ratio(0.1, 0.1), 3)
    1.319
    """
    return math.exp(min(Z_95 * math.hypot(cv1, cv2), FARTHEST_LOG))
