"""The table of lesions: each connected piece of tumour, followed from scan to scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard.words import labels
from dashboard.words.markup import Html, join, table, tag
from dashboard.words.table_rows import as_rows
from dashboard.words.tables import explained, made_from

Sources = Mapping[Any, Mapping[Any, Any]]
"""What the tumour of each session was measured on: a row of the patient_measurements query."""


def lesions(components: pd.DataFrame, measured: pd.DataFrame) -> Html:
    """Show each lesion's status and volume visit by visit; each volume opens what it was counted on.

    Parameters
    ----------
    components
        Rows of the patient_lesions query.
    measured
        Rows of the patient_measurements query.
    """
    visits = components[["session_id", "acquired_on"]].drop_duplicates().sort_values(["acquired_on", "session_id"])
    header = [
        "lesion",
        *(labels.day(day) if labels.is_known(day) else str(name) for name, day in visits.itertuples(index=False)),
    ]
    tumour = measured[measured["compartment"] == "tumour"]
    sources = {row["session_id"]: row for row in tumour.pipe(as_rows)}
    lesion_rows = []
    for lesion_id, pieces in components.groupby("lesion_id"):
        first = next(name for name in visits["session_id"] if name in set(pieces["session_id"]))
        cells = [_cell(pieces[pieces["session_id"] == name], sources, first) for name in visits["session_id"]]
        lesion_rows.append((labels.words(lesion_id), *cells))
    return table(header, lesion_rows, "ct-table ct-all")


def _cell(parts: pd.DataFrame, sources: Sources, first: str) -> str:
    if parts.empty:
        return tag("span", "–", class_="ct-grey")
    return join([_piece(row, sources, first) for row in parts.pipe(as_rows)], "; ")


def _piece(row: Mapping[Any, Any], sources: Sources, first: str) -> Html:
    """Write one piece; at the first scan that shows its lesion nothing is persistent yet."""
    is_first = row["session_id"] == first and row["status"] == "persistent"
    status = "at first scan" if is_first else labels.words(row["status"])
    if not labels.is_known(row["volume_mm3"]):
        why = row["missing_reason"]
        return tag("span", status, title=str(why)) if labels.is_known(why) else join([status])
    source, volume = sources.get(row["session_id"]), labels.ml(row["volume_mm3"])
    if source is None or not row["volume_mm3"] > 0:
        return join([f"{status}, {volume}"])
    first, mask, scan, software = made_from(source)
    counted = f"piece {row['component_id']} of the tumour, its voxels counted; no interval for pieces"
    return join([f"{status}, ", explained(volume, (first, counted, mask, scan, software))])
