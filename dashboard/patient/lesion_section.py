"""Each lesion by itself: the table of its last verdicts, and the choice of whose curve is drawn.

A page speaks of one set of lesions at a time: the total, or the one that was chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient import lesion_names_form
from dashboard.shell import address, page
from dashboard.words import labels, sentences
from dashboard.words.markup import Html, table, tag
from dashboard.words.table_rows import as_rows

TOTAL = "total"
HEAD = ("lesion", "verdict", "volume (95\u202f% CI)", "change", "since", "why")


def verdicts(patient_id: str, criteria_id: str) -> pd.DataFrame:
    """Return the verdicts on a patient's lesions; none where the total is the only one."""
    return queries.query("patient_lesion_verdicts", patient_id=patient_id, criteria_id=criteria_id)


def seen_at(patient_id: str, criteria_id: str, session_id: str) -> list[str]:
    """Return the names of the lesions that a visit shows."""
    verdict_rows = verdicts(patient_id, criteria_id)
    here = verdict_rows[(verdict_rows["session_id"] == session_id) & (verdict_rows["volume_mm3"] > 0)]
    return list(here["lesion_id"])


def last_of_each(verdict_rows: pd.DataFrame) -> pd.DataFrame:
    """Return the last verdict on each lesion, the worst first.

    Parameters
    ----------
    verdict_rows
        Of the patient_lesion_verdicts query.
    """
    last = verdict_rows.groupby("lesion_id", sort=False).tail(1)
    return last.sort_values("is_worst", ascending=False, kind="stable")


def lesion_verdicts(patient_id: str, study: page.ShownStudy) -> None:
    """Draw the table of the lesions' last verdicts; nothing where there is only the total."""
    verdict_rows = verdicts(patient_id, study.criteria_id)
    if verdict_rows.empty:
        return
    page.section("Lesions", "each against its own first sighting and smallest size; the category above is of the total")
    cells = [_cells(row) for row in last_of_each(verdict_rows).pipe(as_rows)]
    st.html(table(HEAD, cells, "ct-table ct-lesions"))
    lesion_names_form.ask(last_of_each(verdict_rows))


def printed(patient_id: str, criteria_id: str) -> tuple[tuple[str, ...], ...]:
    """Return the same table as plain words, for paper."""
    verdict_rows = verdicts(patient_id, criteria_id)
    if verdict_rows.empty:
        return ()
    return tuple(_words(row) for row in last_of_each(verdict_rows).pipe(as_rows))


def chosen_lesion(patient_id: str, verdict_rows: pd.DataFrame) -> str:
    """Offer whose curve is drawn; kept in the address where it is not the total."""
    if verdict_rows.empty:
        return TOTAL
    options = [TOTAL, *dict.fromkeys(verdict_rows["lesion_id"])]
    chosen = st.segmented_control(
        "Curve of",
        options,
        default=address.one("lesion", options, TOTAL),
        required=True,
        key=f"lesion-{patient_id}",
        label_visibility="collapsed",
    )
    address.keep("lesion", [] if chosen == TOTAL else [str(chosen)])
    return str(chosen)


def as_volumes(verdict_rows: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return one lesion's sizes in place of the total's, for the timeline.

    Parameters
    ----------
    verdict_rows
        Of the patient_lesion_verdicts query, of one lesion.
    measured
        Rows of the patient_measurements query.
    """
    tumour = measured[measured["compartment"] == "tumour"]
    sizes = ["volume_mm3", "volume_low_mm3", "volume_high_mm3"]
    visits = tumour.drop(columns=[*sizes, "missing_reason"])
    return visits.merge(verdict_rows[["session_id", *sizes, "missing_reason"]], on="session_id")


def _cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    lesion, _, volume, change, since, _ = _words(row)
    style = labels.look_of(row)
    verdict = f"{style.symbol}\u00a0{row['category_shown']}"
    return (
        tag("b", lesion) if row["is_worst"] else lesion,
        tag("span", verdict, Html("<br>"), tag("span", style.word, class_="ct-small"), style=f"color:{style.ink}"),
        volume,
        change,
        since,
        tag("span", _why(row), class_="ct-small", title=labels.typeset(row["reason"])),
    )


def _words(row: Mapping[Any, Any]) -> tuple[str, ...]:
    style = labels.look_of(row)
    interval = labels.ml_interval(row["volume_low_mm3"], row["volume_high_mm3"])
    volume = labels.ml(row["volume_mm3"]) if labels.is_known(row["volume_mm3"]) else "not assessable"
    is_first = row["baseline_session_id"] == row["session_id"]
    change = "first sighting" if is_first else labels.percent(row["judged_change_percent"])
    return (
        str(row["lesion_id"]),
        f"{style.symbol} {row['category_shown']}, {style.word}",
        f"{volume} ({interval})" if interval else volume,
        change if labels.is_known(row["judged_change_percent"]) or is_first else "–",
        labels.day(row["baseline_on"]) if labels.is_known(row["baseline_on"]) else "–",
        _why(row),
    )


def _why(row: Mapping[Any, Any]) -> str:
    """Say of which scan the verdict is, and where the change lies to the rule, or why there is none."""
    on = labels.day(row["acquired_on"])
    if labels.is_known(row["missing_reason"]):
        return f"{on}: {row['missing_reason']}"
    return f"{on}: {sentences.short_reason(row)}"
