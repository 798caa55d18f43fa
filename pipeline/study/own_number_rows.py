"""Rows of a table of sizes as measures: units, diameters, contradictions.

One bad number leaves a row's measure without any, with the reason: half a row is not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from itertools import pairwise

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.measure.imported_sizes import NO_VOLUME, ImportedMeasure
from pipeline.study.clinical import SEEDING, YES_NO
from pipeline.study.label_names import compartment_named
from pipeline.study.study_tables import TableRow, time_in, word_in
from pipeline.study.table_numbers import number_in
from pipeline.study.unit_words import other_units

VOLUME_COLUMNS = ("volume_mm3", "volume_ml")
SIZES: Mapping[str, float] = {
    "volume_mm3": 1e6,
    "volume_ml": 1e3,
    "product_mm2": 1e5,
    "long_mm": 1e3,
    "perpendicular_mm": 1e3,
    "longest_mm": 1e4,
    "slices_spanned": 1e3,
}
"""Columns of sizes, with what they can be at most; above it a number is a slip of the pen."""

REMARKS = frozenset({"comment", "comments", "note", "notes", "remark", "remarks"})
"""Columns in which people write to one another."""

TAKES_BACK = re.compile(
    r"\bnot\b(?! enhanc)|n't\b|\bincompl|\bpartial|field of view|\bfov\b|cut off|truncat|\bart[ei]fa[ck]t|\bmotion|"
    r"\bmoved\b|\bunsure|uncertain|unreliable|questionable|\bpoor|doubt|\bwrong|\bnicht\b|unvollst|beweg|unsicher|"
    r"fraglich|\bpas\b|mouvement|\bhors\b|\bmovi?mi?ento|\bnon\b(?![ -](?:enhanc|contrast))|\bniet\b|onvolledig|\?",
    re.IGNORECASE,
)
"""Words of a remark that may take back the size beside it."""

NOT_USABLE, VOLUME_NOT_USABLE = "not_usable", "volume_not_usable"
"""The column in which an import says why a size could not be used; a row without that stands in its place."""

NOTHING_SEEN = "a size of 0"

APART_MINUTES = 60.0
"""From one row to the next of another scan: series and readings of one sitting lie closer (a proposal)."""
SAME = 0.01
"""Two cells that say the same in other words may differ by rounding: 1 %."""


def plain_id(patient_id: str) -> str:
    """Return a patient's name as it counts: with and without ``sub-`` is the same."""
    return patient_id.removeprefix("sub-")


def key_of(row: TableRow) -> str:
    """Return the name of a row's patient as it counts; empty where there is none."""
    return plain_id(row.cells.get("participant_id") or "")


def one_measure(compartment: Compartment, table_rows: Sequence[TableRow], findings: list[Finding]) -> ImportedMeasure:
    """Return what the rows of one compartment of one visit say together; two that differ say nothing.

    Parameters
    ----------
    table_rows
        At least one, all of one patient, day and compartment.
    findings
        What is odd is added.
    """
    for refusal in (NOT_USABLE, VOLUME_NOT_USABLE):
        table_rows = [row for row in table_rows if row.cells.get(refusal) is None] or table_rows
    measures = [_measure(compartment, row, findings) for row in table_rows]
    if all(measure == measures[0] for measure in measures[1:]):
        findings.extend(
            row.problem("row_repeated", f"expected one row a day, found line {table_rows[0].line} again")
            for row in table_rows[1:]
        )
        return measures[0]
    findings.append(differing(table_rows))
    where = " and ".join(str(row.line) for row in table_rows)
    return ImportedMeasure(compartment, missing_reason=f"lines {where} of {table_rows[0].table} differ for this visit")


def sittings(rows_of_day: Sequence[TableRow], column: str) -> list[list[TableRow]]:
    """Divide the rows of one patient and day into scans, where their times tell that there were several.

    Another scan is one that comes an hour or more later and has a row of the same compartment and lesion; series of
    one sitting have times of their own and stay together, so that two readings of it differ. Where a row has no time
    nothing is told apart.

    Parameters
    ----------
    column
        Where day and time stand.
    """
    timed = [(time_in(row, column), row) for row in rows_of_day]
    clocked = sorted(((clock, row) for clock, row in timed if clock is not None), key=lambda one: one[0])
    if len(clocked) < len(timed):
        return [list(rows_of_day)]
    groups: list[list[TableRow]] = []
    for place, (clock, row) in enumerate(clocked):
        if place == 0 or not is_one_sitting((clocked[place - 1][0], clock)):
            groups.append([])
        groups[-1].append(row)
    scans: list[list[TableRow]] = []
    for group in groups:
        if scans and {_whose(row) for row in scans[-1]}.isdisjoint(map(_whose, group)):
            scans[-1] += group
        else:
            scans.append(group)
    return scans


def is_one_sitting(times: Sequence[time]) -> bool:
    """Say whether series at these times, in order, are of one sitting."""
    return all(_minutes(later) - _minutes(earlier) < APART_MINUTES for earlier, later in pairwise(times))


def _minutes(clock: time) -> float:
    return 60 * clock.hour + clock.minute + clock.second / 60


def _whose(row: TableRow) -> tuple[str, str | None]:
    name = row.cells.get("compartment") or Compartment.TUMOUR
    return compartment_named(name) or name, row.cells.get("lesion_id") or row.cells.get("lesion")


def differing(table_rows: Sequence[TableRow]) -> Finding:
    """Return the finding that two rows of one visit differ."""
    others = ", ".join(str(row.line) for row in table_rows[:-1])
    return table_rows[-1].problem(
        "rows_differ", f"expected one row per patient, day and compartment, found line {others} too"
    )


def _measure(compartment: Compartment, row: TableRow, findings: list[Finding]) -> ImportedMeasure:
    """Return one row's measure; one bad number leaves it without any."""
    sizes = {name: number_in(row, name, highest, findings) for name, highest in SIZES.items()}
    cv = _cv(row, findings)
    bad = [
        name
        for name in (*SIZES, "volume_cv")
        if row.cells.get(name) is not None and {**sizes, "volume_cv": cv}[name] is None
    ]
    bad += _contradictions(row, sizes, findings)
    bad += other_units(row, findings)
    new_lesion = word_in(row, "new_lesion", YES_NO, findings) or False
    seeding = word_in(row, "leptomeningeal", SEEDING, findings)
    refused = row.cells.get(NOT_USABLE)
    if bad or refused:
        reason = refused or f"{', '.join(bad)} could not be used ({row.where})"
        return ImportedMeasure(compartment, new_lesion=new_lesion, leptomeningeal=seeding, missing_reason=reason)
    slices = sizes["slices_spanned"]
    measure = ImportedMeasure(
        compartment,
        volume_mm3=_volume_mm3(sizes),
        volume_cv=cv,
        product_mm2=_product_mm2(sizes),
        longest_mm=sizes["longest_mm"],
        axial_long_mm=sizes["long_mm"],
        axial_perpendicular_mm=sizes["perpendicular_mm"],
        slices_spanned=None if slices is None else round(slices),
        new_lesion=new_lesion,
        leptomeningeal=seeding,
    )
    why = row.cells.get(VOLUME_NOT_USABLE)
    if why is not None:  # what else was measured stands
        measure = replace(measure, volume_mm3=None, volume_cv=None, missing_reason=why)
    elif measure.volume_mm3 is None:
        measure = _without_volume(measure)
    if measure.has_size:
        say_remark(row, NOTHING_SEEN if measure.volume_mm3 == 0 else "this size", findings)
    return measure


def say_remark(row: TableRow, what: str, findings: list[Finding]) -> None:
    """Say of a remark that it is not read where it may take back what its row says: a size of 0, or words of doubt."""
    remark = " ".join(words for name in sorted(REMARKS) if (words := row.cells.get(name)))
    if remark and (what == NOTHING_SEEN or TAKES_BACK.search(remark)):
        findings.append(
            row.problem("remark_unread", f"expected what counts in its own column, found {what} with a remark")
        )


def _without_volume(measure: ImportedMeasure) -> ImportedMeasure:
    """Say why there is no volume; a diameter of 0 means that nothing is there."""
    if 0 in (measure.product_mm2, measure.longest_mm):
        return replace(measure, volume_mm3=0.0)
    return replace(measure, missing_reason=NO_VOLUME)


def _cv(row: TableRow, findings: list[Finding]) -> float | None:
    """Return the error of a volume: a fraction, neither 0 nor 1, which only a decimal comma or a percentage gives."""
    cv = number_in(row, "volume_cv", 1e6, findings)
    if cv is None or 0 < cv < 1:
        return cv
    message = f"expected a fraction between 0 and 1 in volume_cv (0.12 for 12 %), found '{row.cells['volume_cv']}'"
    findings.append(row.problem("number_malformed", message))
    return None


def _volume_mm3(sizes: Mapping[str, float | None]) -> float | None:
    ml = sizes["volume_ml"]
    return sizes["volume_mm3"] if sizes["volume_mm3"] is not None else None if ml is None else 1000 * ml


def _product_mm2(sizes: Mapping[str, float | None]) -> float | None:
    return sizes["product_mm2"] if sizes["product_mm2"] is not None else _pair_mm2(sizes)


def _pair_mm2(sizes: Mapping[str, float | None]) -> float | None:
    long_mm, perpendicular_mm = sizes["long_mm"], sizes["perpendicular_mm"]
    return None if long_mm is None or perpendicular_mm is None else long_mm * perpendicular_mm


def _contradictions(row: TableRow, sizes: Mapping[str, float | None], findings: list[Finding]) -> list[str]:
    """Name cells of one row that say different things."""
    ml = sizes["volume_ml"]
    pairs = {
        "volume_mm3 and volume_ml": (sizes["volume_mm3"], None if ml is None else 1000 * ml),
        "product_mm2 and its diameters": (sizes["product_mm2"], _pair_mm2(sizes)),
    }
    contradictions = [
        name for name, (one, other) in pairs.items() if one is not None and other is not None and not _same(one, other)
    ]
    volume, longest = _volume_mm3(sizes), sizes["longest_mm"]
    if volume is not None and longest is not None and (volume == 0) != (longest == 0):
        contradictions.append("a volume and a longest diameter of which only one is 0")
    findings.extend(row.problem("cells_differ", f"expected cells that agree, found {name}") for name in contradictions)
    return contradictions


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(one, other)
