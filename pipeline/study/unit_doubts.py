"""Volumes that look as if they were written in another unit than the others of the same tumour.

A tumour that falls to a thousandth, or grows a thousandfold, between two scans is a cubic millimetre taken for a
millilitre or the other way round. What this module refuses: to correct it silently, and to look at later scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.measure.imported_sizes import ImportedMeasure

THOUSAND = 1000.0
SPECK_MM3 = 3.0
"""No scan of a cord measures less: two voxels of 0.7 x 0.7 x 3.3 mm (a proposal)."""
VAST_MM3 = 100_000.0
"""No cord holds so much (a proposal)."""
SPAN = 3.0
"""How far the number in the other unit may lie outside the earlier ones and still fit them (a proposal)."""


def in_one_unit(
    measure: ImportedMeasure, earlier_mm3: list[float], where: str, findings: list[Finding]
) -> ImportedMeasure:
    """Return a measure without a volume that fits the earlier ones only in another unit; it and a finding say why.

    Parameters
    ----------
    earlier_mm3
        Volumes of the same tumour before; one that fits is added, a speck that somebody counted as one slice is not.
    where
        Table and line, in words.
    """
    volume_mm3 = measure.volume_mm3
    meant_mm3 = doubtful_mm3(volume_mm3, earlier_mm3, measure.slices_spanned)
    if volume_mm3 is None or meant_mm3 is None:
        is_speck = volume_mm3 is not None and volume_mm3 < SPECK_MM3 and measure.slices_spanned == 1
        earlier_mm3 += [volume_mm3] if volume_mm3 and not is_speck else []
        return measure
    why = f"{volume_mm3:g} mm³ fits the earlier sizes only as {meant_mm3:g} mm³, is it another unit?"
    findings.append(finding("unit_doubtful", f"{where}: expected sizes of one unit, found that {why}"))
    return replace(measure, volume_mm3=None, volume_cv=None, missing_reason=f"{why} ({where})")


def doubtful_mm3(volume_mm3: float | None, earlier_mm3: Sequence[float], slices_spanned: int | None) -> float | None:
    """Return what a volume would be in the unit that fits the earlier ones; None where it fits as it stands.

    Parameters
    ----------
    earlier_mm3
        Volumes above 0 of the same tumour on earlier scans.
    slices_spanned
        Somebody who counted a single slice saw a speck, and meant it.

    Examples
    --------
    >>> doubtful_mm3(1.2, [1100.0], None), doubtful_mm3(1180.0, [1.1], None), doubtful_mm3(7.0, [7000.0], None)
    (1200.0, 1.18, None)
    """
    if not volume_mm3 or not earlier_mm3 or slices_spanned == 1:
        return None
    least, most = min(earlier_mm3), max(earlier_mm3)
    for meant_mm3 in (volume_mm3 * THOUSAND, volume_mm3 / THOUSAND):
        is_impossible = min(volume_mm3, least) < SPECK_MM3 or max(volume_mm3, most) > VAST_MM3
        if is_impossible and least / SPAN <= meant_mm3 <= most * SPAN:
            return meant_mm3
    return None
