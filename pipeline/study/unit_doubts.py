"""Volumes that look as if they were written in another unit than the others of the same tumour.

A tumour that falls to a thousandth, or grows a thousandfold, between two scans is a cubic millimetre taken for a
millilitre or the other way round; a diameter that falls to a tenth is one in centimetres. What this module refuses:
to correct it silently, and to look at later scans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


LENGTHS = {"longest_mm": (10.0, 5.0, 1.5), "product_mm2": (100.0, 25.0, 2.0)}
"""Of diameters: what millimetres are to centimetres, below what nobody measures one, and how far the number in the
other unit may lie outside the earlier ones and still fit them (proposals)."""


def lengths_in_one_unit(
    measure: ImportedMeasure, earlier: Mapping[str, list[float]], where: str, findings: list[Finding]
) -> ImportedMeasure:
    """Return a measure without sizes where its diameters fit the earlier ones only in centimetres, or the other way.

    Parameters
    ----------
    earlier
        Diameters and products of the same tumour before, by column; those that fit are added.
    where
        Table and line, in words.
    """
    for name in LENGTHS:
        size = getattr(measure, name)
        meant = None if measure.slices_spanned == 1 else doubtful_length(name, size, earlier[name])
        if meant is not None:
            unit = "mm²" if name == "product_mm2" else "mm"
            why = f"{size:g} {unit} fits the earlier sizes only as {meant:g} {unit}, is it another unit?"
            findings.append(finding("unit_doubtful", f"{where}: expected sizes of one unit, found that {why}"))
            return marks_alone(measure, f"{why} ({where})")
        earlier[name].extend([size] if size else [])
    return measure


def marks_alone(measure: ImportedMeasure, why: str) -> ImportedMeasure:
    """Return a measure without its sizes, with the reason; what was seen on the scan beside them stays."""
    return ImportedMeasure(
        measure.compartment,
        new_lesion=measure.new_lesion,
        leptomeningeal=measure.leptomeningeal,
        missing_reason=why,
    )


def doubtful_length(name: str, size: float | None, earlier: Sequence[float]) -> float | None:
    """Return what a diameter or product would be in the unit that fits the earlier ones; None where it fits as it is.

    Whoever slips into centimetres writes a fraction among whole millimetres, or the reverse; a tumour that falls to
    a tenth is measured in the same manner as before.

    Examples
    --------
    >>> doubtful_length("longest_mm", 2.5, [25.0]), doubtful_length("longest_mm", 3.0, [30.0])
    (25.0, None)
    >>> doubtful_length("longest_mm", 28.5, [31.0, 3.0])
    """
    if not size or not earlier:
        return None
    factor, speck, span = LENGTHS[name]
    is_fitting = min(earlier) / span <= size <= max(earlier) * span
    is_length = name == "longest_mm"  # the product of two lengths is whole by chance
    are_written_alike = is_length and any(float(size).is_integer() == float(one).is_integer() for one in earlier)
    if is_fitting or are_written_alike:
        return None
    fitting = (one for one in (size * factor, size / factor) if min(earlier) / span <= one <= max(earlier) * span)
    return next(fitting, None) if min(size, *earlier) < speck else None


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
    if least / SPAN <= volume_mm3 <= most * SPAN:
        return None
    for meant_mm3 in (volume_mm3 * THOUSAND, volume_mm3 / THOUSAND):
        is_impossible = min(volume_mm3, least) < SPECK_MM3 or max(volume_mm3, most) > VAST_MM3
        if is_impossible and least / SPAN <= meant_mm3 <= most * SPAN:
            return meant_mm3
    return None
