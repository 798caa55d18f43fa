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
    **dict.fromkeys(("mm3", "ul", "cmm"), "volume_mm3"),
    **dict.fromkeys(("ml", "cm3", "cc", "ccm"), "volume_ml"),
}
"""Units as people write them, to the column of sizes that is in it; one millilitre is one cubic centimetre."""


def other_units(row: TableRow, findings: list[Finding]) -> list[str]:
    """Name the column of sizes whose unit is not the one that a row names, with a finding; none where they agree."""
    for column in UNIT_COLUMNS:
        cell = row.cells.get(column)
        if cell is None:
            continue
        meant = UNITS.get(_plain(cell))
        given = [name for name in ("volume_mm3", "volume_ml") if row.cells.get(name) is not None and name != meant]
        if given:
            words = f"expected {' and '.join(given)} in the unit that its name says, found '{cell}' in {column}"
            findings.append(row.problem("unit_differs", words))
            return [f"the unit of {name}" for name in given]
    return []


def _plain(cell: str) -> str:
    """Return a unit without case, spaces, brackets and powers' marks: ``µL`` is ul, ``mm³`` and ``mm^3`` are mm3."""
    letters = unicodedata.normalize("NFKC", cell).lower().replace("\u03bc", "u")
    return re.sub(r"[^a-z0-9]", "", letters)
