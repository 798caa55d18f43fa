"""What the latest judged scan says beside solid tumour: with its cyst counted, and of its enhancing and T2 parts.

Solid tumour decides and stands first. What this section refuses: a number of a part that was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.shell import page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, join, table, tag
from dashboard.words.table_rows import as_rows

NAMES = {
    "solid_and_cyst": "solid and cyst",
    "enhancing": "enhancing",
    "t2": "T2",
    "mixed": "enhancing and T2",
}
"""Readings in the order in which they are shown."""
ALOUD = {"solid_and_cyst": "With the cyst counted", "mixed": "Enhancing and T2 tumour together"}
"""Readings that can differ from the verdict on solid tumour."""
HEAD = ("measured", "verdict", "volume (95\u202f% CI)", "change", "why")
SOLID = join([tag("b", "solid tumour"), Html("<br>"), tag("span", "decides", class_="ct-small")])


def readings(patient_id: str, criteria_id: str, session_id: Any) -> pd.DataFrame:
    """Return the readings of one visit in the order in which they are shown; none where there are none."""
    patient_readings = queries.query("patient_readings", patient_id=patient_id, criteria_id=criteria_id)
    here = patient_readings[patient_readings["session_id"] == session_id]
    return here.sort_values("reading", key=lambda names: names.map(list(NAMES).index), kind="stable")


def differing(patient_id: str, criteria_id: str, session_id: Any) -> tuple[tuple[str, str], ...]:
    """Say which reading of a visit says something else than solid tumour.

    Returns
    -------
    tuple of pairs of str
        What was read, and what it says, such as ``PR (−52 % since 2021-03-01)``.
    """
    visit_readings = readings(patient_id, criteria_id, session_id)
    return tuple(
        (ALOUD[row["reading"]], _called(row))
        for row in visit_readings[visit_readings["is_different"].astype(bool)].pipe(as_rows)
        if row["reading"] in ALOUD
    )


def other_readings(state: pd.Series, study: page.ShownStudy) -> None:
    """Draw the table of the readings of the latest judged scan; nothing where solid tumour alone was measured.

    Parameters
    ----------
    state
        A row of the patient_header query.
    """
    visit_readings = readings(state["patient_id"], study.criteria_id, state["session_id"])
    if visit_readings.empty:
        return
    page.section("Other readings", "of the same scan by the same rules; solid tumour decides")
    cells = [_cells(row) for row in (_solid(state), *visit_readings.pipe(as_rows))]
    st.html(table(HEAD, cells, "ct-table ct-readings"))


def lines(patient_id: str, criteria_id: str, session_id: Any) -> Iterator[tuple[str, str]]:
    """Yield what each reading says in one line, for paper."""
    for row in readings(patient_id, criteria_id, session_id).pipe(as_rows):
        yield NAMES[row["reading"]], f"{_called(row)}: {sentences.ruling(row)}"


def _solid(state: pd.Series) -> Mapping[Any, Any]:
    """Return the verdict on solid tumour as a row of this table."""
    sizes = {name: state[f"tumour_{name}"] for name in ("volume_mm3", "volume_low_mm3", "volume_high_mm3")}
    return {**state.to_dict(), **sizes, "reading": None}


def _called(row: Mapping[Any, Any]) -> str:
    change, since = sentences.change_since(row)
    return f"{row['category_shown']} ({change} since {since})" if change and since else str(row["category_shown"])


def _cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    style = labels.category_look(row)
    word = tag("span", labels.look_of(row).word, class_="ct-small")
    verdict = tag(
        "span", f"{style.symbol}\u00a0{row['category_shown']}", Html("<br>"), word, style=f"color:{style.ink}"
    )
    interval = labels.ml_interval(row["volume_low_mm3"], row["volume_high_mm3"])
    volume = labels.ml(row["volume_mm3"]) if labels.is_known(row["volume_mm3"]) else "–"
    change, since = sentences.change_since(row)
    return (
        SOLID if row["reading"] is None else NAMES[row["reading"]],
        verdict,
        f"{volume} ({interval})" if interval else volume,
        tag("span", change, Html("<br>"), tag("span", f"since {since}", class_="ct-small")) if change else "–",
        tag("span", sentences.ruling(row), class_="ct-small", title=labels.typeset(row["reason"])),
    )
