"""What the MRI says of a lesion beside its size: a few lines on one visit, and every finding at every visit.

Descriptions that nothing is judged by. What this section refuses: a term without its number where there is one, and an
empty place without its reason.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.data import queries
from dashboard.patient import finding_correction, finding_places
from dashboard.patient.small_multiples import small_multiples
from dashboard.patient.spectrum_box import spectrum_boxes
from dashboard.shell import page
from dashboard.words import description_words, labels
from dashboard.words.markup import Html, join, table, tag
from dashboard.words.table_rows import as_rows

TITLE = "What the MRI says"
NOTE = (
    "Measured against this person's own cord above and below. A question mark is not sure; nothing here decides a "
    "category, and imaging alone does not tell a histology."
)


def description(patient_id: str, session_id: Any) -> None:
    """Draw the lines on one visit and the table of all; nothing where no scan was described.

    Parameters
    ----------
    session_id
        The visit that the lines are about.
    """
    described = queries.query("patient_description", patient_id=patient_id)
    stated = described[described["sureness"].notna()]
    if stated.empty:
        return
    lesions = list(pd.unique(stated["lesion_id"]))
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section(TITLE, _about(described, session_id))
        lesion = lesions[0]
        if len(lesions) > 1:
            lesion = st.segmented_control(
                "Lesion", lesions, default=lesions[0], required=True, key=f"says-{patient_id}",
                label_visibility="collapsed",
            )  # fmt: skip
    of_lesion = described[described["lesion_id"] == lesion]
    here = _by_finding(of_lesion[of_lesion["session_id"] == session_id])
    _lines(patient_id, str(session_id), str(lesion), here)
    finding_correction.stated(patient_id, str(session_id), str(lesion), here)
    spectrum_boxes(patient_id, str(session_id), here)
    small_multiples(patient_id, str(lesion))
    with st.expander("Every finding at every visit"):
        st.html(_course(of_lesion, finding_correction.corrections(patient_id)))
    _fits(patient_id, lesion)
    page.remark(NOTE)


def _fits(patient_id: str, lesion: Any) -> None:
    """Show what was published of each sure finding, and say aloud what does not fit the recorded histology."""
    frequencies = queries.query("patient_fits", patient_id=patient_id)
    of_lesion = frequencies[frequencies["lesion_id"] == lesion].pipe(as_rows)
    for row in of_lesion:
        if labels.is_known(row["note"]):
            odd = tag("b", "Does not fit the recorded histology: "), labels.typeset(f"{row['note']} ({row['source']}).")
            st.html(tag("p", *odd, class_="ct-small"))
    if not of_lesion:
        return
    with st.expander("How often findings are met, by histology"):
        cells = [
            (
                description_words.NAMES[row["finding"]],
                str(row["value"]),
                tag("b" if row["is_recorded"] else "span", f"{row['histology']}: {row['term']} in {_share(row)}"),
                tag("span", str(row["source"]), class_="ct-small"),
            )
            for row in of_lesion
        ]
        st.html(table(("finding", "here", "published", "source"), cells))
        page.remark("Imaging alone does not tell a histology; no probability of a diagnosis is computed.")


def _share(row: Any) -> str:
    """Write a published share, with the number of people where it was passed on."""
    ends = dict.fromkeys((f"{row['low_percent']:g}", f"{row['high_percent']:g}"))
    people = f" of {row['people']:.0f}" if labels.is_known(row["people"]) else ""
    return labels.typeset(f"{' to '.join(ends)} %{people}")


def printed(patient_id: str, session_id: Any) -> list[tuple[str, str]]:
    """Return the lines on one visit for paper, of every lesion that was described there; none told, none returned."""
    described = queries.query("patient_description", patient_id=patient_id)
    here = described[described["session_id"] == session_id]
    lesions = list(pd.unique(here.loc[here["sureness"].notna(), "lesion_id"]))
    printed_lines = [
        (f"{lesion}, {line.about}" if len(lesions) > 1 else line.about, line.text)
        for lesion in lesions
        for line in description_words.lines(_by_finding(here[here["lesion_id"] == lesion]))
        if line.is_told
    ]
    return printed_lines + _as_read(patient_id, session_id, here, is_named=len(lesions) > 1)


def _as_read(patient_id: str, session_id: Any, here: pd.DataFrame, *, is_named: bool) -> list[tuple[str, str]]:
    """Return what readers read otherwise at a visit, each beside what was measured."""
    read_otherwise = [
        (lesion, name, entry)
        for (visit, lesion, name), entry in finding_correction.corrections(patient_id).items()
        if visit == session_id
    ]
    return [
        (
            f"{f'{lesion}, ' if is_named else ''}{description_words.NAMES[name]}, as read",
            finding_correction.said(entry, _by_finding(here[here["lesion_id"] == lesion]).get(name)),
        )
        for lesion, name, entry in read_otherwise
    ]


def _about(described: pd.DataFrame, session_id: Any) -> str:
    days = described.loc[described["session_id"] == session_id, "acquired_on"]
    return f"on {labels.day(days.iloc[0])}, beside its size" if len(days) else "beside its size"


def _by_finding(visit_rows: pd.DataFrame) -> description_words.Rows:
    return {row["finding"]: row for row in visit_rows.pipe(as_rows)}


def _lines(patient_id: str, session_id: str, lesion_id: str, here: description_words.Rows) -> None:
    """Draw each line with its name as the button that shows where it is seen."""
    with st.container(gap="xxsmall"):
        for line in description_words.lines(here):
            name, words = st.columns([1, 4], gap="small", vertical_alignment="center")
            findings = [row for finding, row in here.items() if description_words.is_of(line.about, finding)]
            with name:
                finding_places.show_button(patient_id, session_id, lesion_id, line.about, findings)
            grey = {} if line.is_told else {"class_": "ct-grey"}
            words.html(tag("span", labels.typeset(line.text), **grey))


def _course(of_lesion: pd.DataFrame, read_otherwise: finding_correction.Corrections) -> Html:
    visits = {
        row["session_id"]: labels.day(row["acquired_on"]) if labels.is_known(row["acquired_on"]) else row["session_id"]
        for row in of_lesion.pipe(as_rows)
    }
    cells = {(row["finding"], row["session_id"]): row for row in of_lesion.pipe(as_rows)}
    findings = dict.fromkeys(
        finding for finding, session in cells if description_words.is_told(cells[finding, session])
    )
    body = [
        (title, *(_cell(cells.get((name, session)), read_otherwise) for session in visits))
        for name, title in description_words.table_names(findings)
    ]
    untold = len(set(of_lesion["finding"])) - len(findings)
    note = tag(
        "p", f"{labels.count(untold, 'finding')} told at no visit; the table description says why.", class_="ct-small"
    )
    return join([table(("", *visits.values()), body, "ct-table"), note if untold else Html("")])


def _cell(row: Any, read_otherwise: finding_correction.Corrections) -> Html:
    measured = _measured(row)
    entry = row is not None and read_otherwise.get((row["session_id"], row["lesion_id"], row["finding"]))
    if not entry:
        return measured
    read = tag("b", f"read as {entry.corrected_to}", title=f"{entry.who}: {entry.reason}")
    return join([measured, read], "; ")


def _measured(row: Any) -> Html:
    if row is None or not description_words.is_told(row):
        return tag("span", "–", class_="ct-grey", title=str(row["reason"]) if row is not None else "")
    reason = str(row["reason"]) if labels.is_known(row["reason"]) else ""
    doubt = description_words.UNSURE if row["sureness"] == "unsure" else ""
    words = tag("span", labels.typeset(description_words.short(row)), doubt, title=reason)
    return tag("b", words) if row["course"] == "changed" else words
