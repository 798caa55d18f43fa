"""The cord profile of one patient: where along the cord it grew, at a glance."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import profile_figure as chart
from dashboard.data import queries
from dashboard.patient import cord_levels
from dashboard.shell import address, page
from dashboard.words import labels, sentences

ORDER = ("tumour", "cyst", "syrinx", "oedema", "cavity", "cord")
NOTE = (
    "Cross-section in every millimetre along the patient's centre line, counted in each visit's own scan; later visits "
    "are heavier. What a scan does not reach is left empty."
)


def profile(patient_id: str) -> None:
    """Draw the profile of the compartment that is chosen; nothing where no profile was measured."""
    areas = queries.query("patient_cord_profile", patient_id=patient_id)
    seen = set(areas.loc[areas["area_mm2"] > 0, "compartment"])
    offered = [name for name in ORDER if name in seen]
    if not offered:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        page.section("Cord profile", "where along the cord it lies")
        compartment = st.segmented_control(
            "Compartment",
            offered,
            default=address.one("along", offered, offered[0]),
            required=True,
            key=f"along-{patient_id}",
            format_func=lambda name: labels.compartment(name).word,
            label_visibility="collapsed",
        )
    address.keep("along", [] if compartment == offered[0] else [str(compartment)])
    discs = queries.query("patient_discs", patient_id=patient_id)
    page.figure(
        chart.profile(areas, str(compartment), discs),
        f"profile-{patient_id}",
        f"Cross-section of the {compartment} of {patient_id} along the cord, one line per visit",
    )
    source = areas["line_source"].iloc[0]
    places = queries.query("patient_places", patient_id=patient_id)
    where = sentences.levels(places[places["compartment"] == compartment], discs)
    page.remark(f"{where}{NOTE} Centre line from the {labels.words(source)}.")
    if compartment == "cord":
        _by_level(patient_id, areas, discs)


def _by_level(patient_id: str, areas: pd.DataFrame, discs: pd.DataFrame) -> None:
    """Draw the cord's sections by level; nothing where no visit has a cord mask over a whole one."""
    sections = cord_levels.cord_levels(areas, discs, queries.query("patient_protocol", patient_id=patient_id))
    if sections is not None:
        st.html(cord_levels.shown(sections))
        page.remark(cord_levels.remark_of(sections))
