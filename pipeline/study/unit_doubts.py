"""Sizes that look as if they were written in another unit than the others of the same tumour.

A tumour that falls to a thousandth, or grows a thousandfold, between two scans is a cubic millimetre taken for a
millilitre or the other way round; a diameter that falls to a tenth is one in centimetres. What this module refuses:
to correct it silently; to look at later scans, whose writer may have kept to the other unit; and to let a later scan
show no growth that it would show against a size in doubt.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.study.written_numbers import NumberReading, readings

THOUSAND = 1000.0
VOXEL_MM3 = 0.01
"""No voxel of a scan is as small; a size below is of another unit, whatever stands before it (a proposal)."""
SPECK_MM3 = 3.0
"""No scan of a cord measures less: two voxels of 0.7 x 0.7 x 3.3 mm (a proposal)."""
VAST_MM3 = 100_000.0
"""No cord holds so much (a proposal)."""
SPAN = 3.0
"""How far the number in the other unit may lie outside the earlier ones and still fit them (a proposal)."""
LENGTHS = {"longest_mm": (10.0, 5.0, 1.5), "product_mm2": (100.0, 25.0, 2.0)}
"""Of diameters: what millimetres are to centimetres, below what nobody measures one, and how far the number in the
other unit may lie outside the earlier ones and still fit them (proposals)."""
UNITS = {"longest_mm": "mm", "product_mm2": "mm²", "volume_mm3": "mm³"}
LEAST_GROWTH, SURE_GROWTH = 1.1, 1.4
"""Below the one no criteria call a size grown, from the other on those of each of these columns do (proposals)."""

Cells = Mapping[str, str | None]


@dataclass
class SizesBefore:
    """What one column says of one tumour on earlier scans.

    Attributes
    ----------
    fitting
        Sizes above 0 whose unit is not in doubt.
    used
        Of those, and of 0, what verdicts rest on.
    have_fractions
        Of each of ``fitting`` whether it was written with decimals.
    perhaps
        The smallest size that may be meant on a scan that is not used, and in words which; None without any.
    """

    fitting: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    have_fractions: list[bool] = field(default_factory=list)
    perhaps: tuple[float, str] | None = None

    def add(self, size: float | None, *, has_fraction: bool = False, is_used: bool = True) -> None:
        """Remember a size whose unit fits; None is nothing."""
        if size:
            self.fitting.append(size)
            self.have_fractions.append(has_fraction)
        self.used += [size] if size is not None and is_used else []

    def doubt(self, size: float, words: str) -> None:
        """Remember what may have been the size of a scan that is not used."""
        self.perhaps = min(self.perhaps or (size, words), (size, words))

    def hidden_growth(self, size: float | None) -> str | None:
        """Say against which scan that is not used a size would have grown, where no scan that is used shows it."""
        if size is None or self.perhaps is None or not self.used:
            return None
        smallest, words = self.perhaps
        is_hidden = smallest * LEAST_GROWTH < size < min(self.used) * SURE_GROWTH
        return words if is_hidden and smallest < min(self.used) else None


Before = Mapping[str, SizesBefore]


def in_one_unit(
    measure: ImportedMeasure, before: Before, written: Sequence[Cells], where: str, findings: list[Finding]
) -> ImportedMeasure:
    """Return a measure without sizes that fit the earlier ones only in another unit, or may hide growth since such.

    Parameters
    ----------
    before
        The tumour's earlier sizes, by column; those of this scan are added.
    written
        The cells of the rows that the measure is from.
    where
        Table and line, in words; findings say it.
    """
    sized = _lengths_in_one_unit(measure, before, written, where, findings)
    return _volume_in_one_unit(sized, before["volume_mm3"], where, findings)


def _lengths_in_one_unit(
    measure: ImportedMeasure, before: Before, written: Sequence[Cells], where: str, findings: list[Finding]
) -> ImportedMeasure:
    sizes = {name: getattr(measure, name) for name in UNITS}
    fractions = {name: has_fraction(name, sizes[name], written) for name in LENGTHS}
    for name in LENGTHS if measure.slices_spanned != 1 else ():
        meant = doubtful_length(name, sizes[name], before[name], has_fraction=fractions[name])
        if meant is not None:
            why = _in_other_unit(name, sizes[name], meant, where, findings)
            for other, size in sizes.items():
                if size is not None:
                    before[other].doubt(min(size, meant) if other == name else size, _as_written(other, size, where))
            return marks_alone(measure, f"{why} ({where})")
    hidden = {name: before[name].hidden_growth(sizes[name]) for name in LENGTHS}
    for name, beside in hidden.items():
        before[name].add(sizes[name], has_fraction=fractions[name], is_used=beside is None)
        if beside is not None:
            why = _hidden(name, sizes[name], beside, where, findings)
            measure = _without(measure, name, f"{why} ({where})")
    return measure


def _volume_in_one_unit(
    measure: ImportedMeasure, before: SizesBefore, where: str, findings: list[Finding]
) -> ImportedMeasure:
    volume_mm3 = measure.volume_mm3
    if volume_mm3 and volume_mm3 < VOXEL_MM3:
        before.doubt(volume_mm3, _as_written("volume_mm3", volume_mm3, where))
        why = f"{volume_mm3:g} mm³ is less than a voxel, is it another unit?"
        findings.append(finding("unit_doubtful", f"{where}: expected sizes of one unit, found that {why}"))
        return _without(measure, "volume_mm3", f"{why} ({where})")
    meant_mm3 = doubtful_mm3(volume_mm3, before.fitting, measure.slices_spanned)
    if volume_mm3 is not None and meant_mm3 is not None:
        before.doubt(min(volume_mm3, meant_mm3), _as_written("volume_mm3", volume_mm3, where))
        why = _in_other_unit("volume_mm3", volume_mm3, meant_mm3, where, findings)
        return _without(measure, "volume_mm3", f"{why} ({where})")
    beside = before.hidden_growth(volume_mm3)
    is_speck = volume_mm3 is not None and volume_mm3 < SPECK_MM3 and measure.slices_spanned == 1
    if is_speck and volume_mm3 is not None:  # meant, and no measure of what comes after
        before.used.append(volume_mm3)
    else:
        before.add(volume_mm3, is_used=beside is None)
    if volume_mm3 is None or beside is None:
        return measure
    return _without(measure, "volume_mm3", f"{_hidden('volume_mm3', volume_mm3, beside, where, findings)} ({where})")


def _in_other_unit(name: str, size: float, meant: float, where: str, findings: list[Finding]) -> str:
    why = f"{size:g} {UNITS[name]} fits the earlier sizes only as {meant:g} {UNITS[name]}, is it another unit?"
    findings.append(finding("unit_doubtful", f"{where}: expected sizes of one unit, found that {why}"))
    return why


def _hidden(name: str, size: float, beside: str, where: str, findings: list[Finding]) -> str:
    why = f"{size:g} {UNITS[name]} would be growth since {beside}, whose unit is in doubt"
    findings.append(finding("unit_doubtful", f"{where}: expected sizes of one unit before it, found that {why}"))
    return why


def _as_written(name: str, size: float, where: str) -> str:
    return f"{size:g} {UNITS[name]} of {where}"


def _without(measure: ImportedMeasure, name: str, why: str) -> ImportedMeasure:
    """Return a measure without one of its sizes; it says why where it is left without a volume."""
    if name == "volume_mm3":
        return replace(measure, volume_mm3=None, volume_cv=None, missing_reason=why)
    reason = measure.missing_reason if measure.volume_mm3 is not None else why
    if name == "product_mm2":
        return replace(measure, product_mm2=None, missing_reason=reason)
    return replace(measure, longest_mm=None, missing_reason=reason)


def marks_alone(measure: ImportedMeasure, why: str) -> ImportedMeasure:
    """Return a measure without its sizes, with the reason; what was seen on the scan beside them stays."""
    return ImportedMeasure(
        measure.compartment,
        new_lesion=measure.new_lesion,
        leptomeningeal=measure.leptomeningeal,
        missing_reason=why,
    )


def has_fraction(column: str, size: float | None, written: Iterable[Cells]) -> bool:
    """Say whether a size was written with decimals; of a product of two diameters, whether one of these was.

    Examples
    --------
    >>> has_fraction("longest_mm", 42.0, [{"longest_mm": "42.0"}]), has_fraction("longest_mm", 42.0, [])
    (True, False)
    """
    for cells in written:
        names = (column,) if cells.get(column) is not None else ("long_mm", "perpendicular_mm")
        meant = [readings(cells.get(name) or "") for name in names]
        if column != "product_mm2" and names != (column,):
            continue
        if size is not None and any(abs(value - size) < 1e-9 * max(size, 1.0) for value in _products(meant)):
            return any(one.decimal is not None and one.thousands is None for each in meant for one in each)
    return size is not None and not float(size).is_integer()


def _products(meant: Sequence[Sequence[NumberReading]]) -> list[float]:
    return [math.prod(one.value for one in each) for each in itertools.product(*meant)]


def doubtful_length(name: str, size: float | None, before: SizesBefore, *, has_fraction: bool) -> float | None:
    """Return what a diameter or product would be in the unit that fits the earlier ones; None where it fits as it is.

    Whoever slips into centimetres writes a fraction among whole millimetres, or the reverse; a tumour that falls to
    a tenth is measured, and written, in the same manner as before.

    Examples
    --------
    >>> before = SizesBefore(fitting=[25.0], have_fractions=[False])
    >>> doubtful_length("longest_mm", 2.5, before, has_fraction=True)
    25.0
    >>> doubtful_length("longest_mm", 3.0, before, has_fraction=False)
    """
    earlier = before.fitting
    if not size or not earlier or has_fraction in before.have_fractions:
        return None
    factor, speck, span = LENGTHS[name]
    if min(earlier) / span <= size <= max(earlier) * span:
        return None
    fitting = (one for one in (size * factor, size / factor) if min(earlier) / span <= one <= max(earlier) * span)
    return next(fitting, None) if min(size, *earlier) < speck else None


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
