"""The course of one patient: the timeline with its levels and windows; a click on a mark shows that scan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import lanes, timeline
from dashboard.charts import volume_lines as drawn
from dashboard.data import queries
from dashboard.patient import lesion_section
from dashboard.patient.judged_volumes import judged_mm3, volumes_of
from dashboard.patient.scan_section import show_instead
from dashboard.shell import address, page
from dashboard.words import labels
from dashboard.words.glossary import term
from dashboard.words.markup import join, tag

AXES = ("logarithmic", "linear")


def course(
    patient_id: str,
    judged: pd.DataFrame,
    study: page.ShownStudy,
    pair: Sequence[str],
    room: timeline.Room = timeline.UNBOUNDED,
) -> None:
    """Draw the timeline, as high as there is room; what a low screen has no room for is named."""
    volumes = queries.query("patient_measurements", patient_id=patient_id).dropna(subset=["acquired_on"])
    if volumes.empty and judged.empty:
        st.html(tag("p", "No visit has a date, so there is no course to draw.", class_="ct-grey"))
        return
    row = st.container(
        key="ct-course-head", horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
    )
    title = row.container(width="content")
    with row:
        lesion, measured, judged, all_tumour = _chosen(patient_id, study, volumes, judged)
        scale = _axis(patient_id, AXES[1] if drawn.has_no_tumour(measured) else AXES[0])
    is_total = lesion == lesion_section.TOTAL
    all_treatments = queries.query("patient_treatments", patient_id=patient_id)
    treatments = lanes.placed(all_treatments)
    shown = timeline.CourseFigure(
        measured,
        judged,
        treatments,
        queries.query("patient_function", patient_id=patient_id),
        levels(patient_id, study) if is_total else [],
        windows(treatments, study),
        all_tumour,
    )
    with title:
        _title(lesion, timeline.not_drawn(shown, room) + lanes.unplaced_words(all_treatments))
    key = f"timeline-{patient_id}"
    page.figure(
        timeline.timeline(shown, scale == AXES[0], pair, room),
        key,
        f"Volumes of {patient_id} over time with therapy and function; the numbers are in the table below",
        on_select=partial(show_clicked, key),
        selection_mode="points",
    )
    _remarks(patient_id, study, judged, is_total=is_total, has_more=len(all_tumour) > 0)


def _remarks(patient_id: str, study: page.ShownStudy, judged: pd.DataFrame, *, is_total: bool, has_more: bool) -> None:
    """Say under the curve which of its marks are provisional, and of which lesions it speaks."""
    provisional = judged[judged["is_provisional"] & (judged["state"] != "context")]
    if len(provisional):
        days = ", ".join(labels.day(day) for day in provisional["acquired_on"])
        page.remark(f"Pale, provisional, on automatic masks that nobody signed: {days}.")
    if is_total:
        for words in _of_what(patient_id, study, has_more=has_more):
            page.remark(words)


def _title(lesion: str, not_drawn: Sequence[str]) -> None:
    """Say whose course it is, how it is read, and what of it a low screen has no room for."""
    of_what = "volume" if lesion == lesion_section.TOTAL else f"volume of lesion {lesion} alone"
    band = term("95\u202f% CI", "95\u202f% band")
    page.section("Course", join([f"{of_what}, ", band, "; marks show the state at each visit, a click shows its scan"]))
    if not_drawn:
        page.remark(f"not drawn: {', '.join(not_drawn)}")


def _of_what(patient_id: str, study: page.ShownStudy, *, has_more: bool) -> list[str]:
    """Say of which lesions the curve, its lines and the verdict speak, where that is not all tumour by volume."""
    if has_more:
        return ["Solid and its lines: what the rule compares. Dashed: all tumour, new included."]
    changes = queries.query("board_change", criteria_id=study.criteria_id)
    against = set(changes.loc[changes["patient_id"] == patient_id, "against"])
    if "lesion" in against:
        return ["The line shows all tumour together; what leads the state is one lesion: choose its curve above."]
    if "judged" in against:
        return ["The line shows all measured tumour; the verdict above compares something else and says what."]
    return []


def _chosen(
    patient_id: str, study: page.ShownStudy, volumes: pd.DataFrame, judged: pd.DataFrame
) -> tuple[str, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return whose curve is drawn, the total's or one lesion's, its sizes and verdicts, and all tumour beside it."""
    apart = lesion_section.verdicts(patient_id, study.criteria_id)
    lesion = lesion_section.chosen_lesion(patient_id, apart)
    if lesion == lesion_section.TOTAL:
        solid, everything = volumes_of(patient_id, study.criteria_id)
        return lesion, solid, judged, everything
    verdicts = apart[apart["lesion_id"] == lesion]
    return lesion, lesion_section.as_volumes(verdicts, volumes), verdicts, volumes.iloc[:0]


def _axis(patient_id: str, usual: str) -> str:
    """Offer the volume axis; kept in the address where it is not the usual one."""
    chosen = st.segmented_control(
        "Volume axis",
        AXES,
        default=address.one("axis", AXES, usual),
        required=True,
        key=f"axis-{patient_id}",
        label_visibility="collapsed",
    )
    address.keep("axis", [] if chosen == usual else [str(chosen)])
    return str(chosen)


def levels(patient_id: str, study: page.ShownStudy) -> list[timeline.VolumeLevel]:
    """Return the lines of the timeline: baseline, nadir, and where progression begins, each of what is judged."""
    rules = queries.criteria_of(study.criteria_id)
    references = queries.query("patient_levels", patient_id=patient_id, criteria_id=study.criteria_id)
    if references.empty:
        return []
    row = references.iloc[0]
    is_same = row["baseline_on"] == row["nadir_on"]
    red = labels.DISPLAY_STATES["growth"].colour
    baseline, nadir = (
        judged_mm3(patient_id, study.criteria_id, str(row[f"{name}_session_id"]), row[f"{name}_volume_mm3"])
        for name in ("baseline", "nadir")
    )
    left = nadir / row["nadir_volume_mm3"] if row["nadir_volume_mm3"] else 1.0
    lines = [
        _level("baseline = nadir" if is_same else "baseline", baseline, row["baseline_on"]),
        None if is_same else _level("nadir", nadir, row["nadir_on"]),
        _level("progression from", row["progression_from_mm3"], None, red),
        _level("detection limit", row["detectable_volume_mm3"] * left, None),
    ]
    if rules and rules.reappearance and nadir == 0:
        lines.append(_level("seen again from", rules.reappearance.min_volume_mm3, None, red))
    return [line for line in lines if line is not None]


def _level(word: str, volume_mm3: Any, day: Any, colour: str = labels.GREY) -> timeline.VolumeLevel | None:
    if not labels.is_known(volume_mm3) or volume_mm3 == 0:
        return None
    when = f", {labels.month(day)}" if labels.is_known(day) else ""
    return timeline.VolumeLevel(f"{word} {labels.ml(volume_mm3)}{when}", float(volume_mm3), colour)


def windows(treatments: pd.DataFrame, study: page.ShownStudy) -> list[timeline.TreatmentSpan]:
    """Return the days after each operation in which no scan may serve as baseline."""
    rules = queries.criteria_of(study.criteria_id)
    if rules is None:
        return []
    days = rules.baseline.after_surgery_days
    surgeries = treatments.loc[treatments["kind"] == "surgery", "started_on"].astype("datetime64[s]")
    early = pd.Timedelta(days=days).as_unit("s")
    return [timeline.TreatmentSpan(day, day + early, "early after surgery") for day in surgeries]


def show_clicked(key: str) -> None:
    """Show the scan of the visit that was clicked in the timeline."""
    points = st.session_state[key]["selection"]["points"]
    sessions = [point["customdata"] for point in points if point.get("customdata")]
    if sessions:
        show_instead("now", sessions[0] if isinstance(sessions[0], str) else sessions[0][0])
