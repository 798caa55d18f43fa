"""A column that names the unit of each row, beside a column of sizes whose name says another one.

What this module refuses: to convert. Which of the two is right nobody can tell from the table.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.core.records import Finding
from pipeline.study.study_tables import TableRow

UNIT_COLUMNS = ("unit", "units", "volume_unit", "volume_units", "unit_of_volume")
UNITS = {
    **dict.fromkeys(("mm3", "ul", "cmm", "cubicmm", "microlitre", "microliter"), "volume_mm3"),
    **dict.fromkeys(("cubicmillimetre", "cubicmillimeter"), "volume_mm3"),
    **dict.fromkeys(("ml", "cm3", "cc", "ccm", "cubiccm", "millilitre", "milliliter"), "volume_ml"),
    **dict.fromkeys(("cubiccentimetre", "cubiccentimeter"), "volume_ml"),
}
"""Units as people write them, to the column of sizes that is in it; one millilitre is one cubic centimetre."""
MILLIMETRES = frozenset({"mm", "millimetre", "millimeter", "mm2", "squaremm", "sqmm"})
CENTIMETRES = frozenset({"cm", "centimetre", "centimeter", "cm2", "squarecm", "sqcm"})
"""Units of lengths and areas: those of the diameters in a row, where it has any."""
VOLUMES = ("volume_mm3", "volume_ml")
DIAMETERS = ("longest_mm", "long_mm", "perpendicular_mm", "product_mm2")


def other_units(row: TableRow, findings: list[Finding]) -> list[str]:
    """Name the columns of sizes whose unit is not the one that a row names, with a finding; none where they agree.

    A row that gives its volume in both units is in the one that it names; whether the two agree is seen elsewhere.
    """
    for column in UNIT_COLUMNS:
        cell = row.cells.get(column)
        if cell is None:
            continue
        given = _not_in(_plain(cell), row)
        if given:
            words = f"expected {' and '.join(given)} in the unit that its name says, found '{cell}' in {column}"
            findings.append(row.problem("unit_differs", words))
            return [f"the unit of {name}" for name in given]
    return []


def _not_in(unit: str, row: TableRow) -> list[str]:
    """Name the columns of a row that a unit is about and that are not in it."""
    volumes, diameters = ([name for name in names if row.cells.get(name) is not None] for names in (VOLUMES, DIAMETERS))
    if unit in MILLIMETRES:
        return [] if diameters or "volume_mm3" in volumes else volumes
    if unit in CENTIMETRES:
        return diameters or volumes
    return [] if UNITS.get(unit) in volumes else volumes


def _plain(cell: str) -> str:
    """Return a unit without case, spaces, brackets, powers' marks and plural: ``µL`` is ul, ``mm³``, ``mm^3`` mm3."""
    letters = unicodedata.normalize("NFKC", cell).lower().replace("\u03bc", "u")
    plain = re.sub(r"[^a-z0-9]", "", letters)
    return plain.removesuffix("s")
