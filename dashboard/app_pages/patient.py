"""One patient: state, course, two aligned scans, numbers and where each comes from."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import address, data, frame, labels, sentences, tables
from dashboard.charts import theme, timeline
from dashboard.charts import volumes as drawn
from dashboard.markup import tag
from dashboard.viewer import Pane, crop_to, pane_of, slice_viewer
from pipeline.errors import InputError

VIEWER_PX = 520
MARGIN_MM = 25.0
LESION_NOTE = (
    "Connected pieces of tumour, followed from scan to scan. Pieces are counted voxel by voxel in the visit's own scan "
    "and need not add up to the measured volume."
)


def show(study: frame.Study) -> None:
    """Draw the page."""
    patient_id = choose_patient(study)
    if patient_id is None:
        return
    state = data.query("patient_header", patient_id=patient_id, criteria_id=study.criteria_id).iloc[0]
    everything = data.query("patient_assessments", patient_id=patient_id)
    now = everything[everything["session_id"] == state["session_id"]]
    judged = everything[everything["criteria_id"] == study.criteria_id]
    headline(state, now, study)
    found = aligned(patient_id)
    pair = compared(found, now[now["criteria_id"] == study.criteria_id])
    left, right = st.columns([1.22, 1], gap="large")
    with left:
        course(patient_id, judged, study, pair)
        numbers(patient_id, state, study)
    with right:
        scans(patient_id, found, pair)
        frame.section("Criteria", "each an adaptation: none is validated for intramedullary tumours")
        st.html(tables.verdicts(now))
    details(patient_id, state, study)


def choose_patient(study: frame.Study) -> str | None:
    """Return the patient named in the address, or the most urgent; say so when the name is unknown."""
    known = list(data.query("board", criteria_id=study.criteria_id)["patient_id"])
    if not known:
        frame.nothing_yet("the study has no patients")
        return None
    named = st.query_params.get("patient")
    if named is None:
        named = st.query_params["patient"] = known[0]
    if named not in known:
        frame.sentence(f"No patient {named} in this study.")
        selector(known, None)
        return None
    return named


def selector(known: list[str], current: str | None) -> None:
    """Offer the other patients in the order of the board, by name or one by one; a choice becomes the address."""
    place = known.index(current) if current else None
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right", wrap=False):
        _step("‹", "P", known[place - 1] if place else None)
        chosen = st.selectbox(
            "Patient",
            known,
            index=place,
            key=f"choice-{current}",
            placeholder="Choose a patient",
            label_visibility="collapsed",
            width=170,
        )
        _step("›", "N", known[place + 1] if place is not None and place + 1 < len(known) else None)
    if chosen is not None and chosen != current:
        show_patient(chosen)
        st.rerun()


def show_patient(patient_id: str) -> None:
    """Make another patient the address; what was chosen for the last one goes."""
    st.query_params.from_dict({"patient": patient_id})  # in one step, or Back would stop at an address without one


def _step(symbol: str, key: str, patient_id: str | None) -> None:
    st.button(
        symbol,
        key=f"step-{key}",
        shortcut=key,
        type="tertiary",
        disabled=patient_id is None,
        on_click=show_patient,
        args=(patient_id,),
    )


def headline(state: pd.Series, now: pd.DataFrame, study: frame.Study) -> None:
    """Write who, what changed, against which visit, by which rule and how sure."""
    patient_id = state["patient_id"]
    style = labels.look(state["state"], state["display_state"])
    left, middle, right = st.columns([5, 1.9, 1.4], vertical_alignment="center")
    who = sentences.facts(state, data.query("patient_treatments", patient_id=patient_id))
    left.html(tag("p", patient_id, tag("span", who, class_="ct-grey"), class_="ct-name"))
    quiet = tag("span", "provisional\u2002" if state["is_provisional"] else "", class_="ct-grey")
    badge = tag("span", f"{style.symbol} {style.word}", class_="ct-badge", style=f"background:{style.ink}")
    middle.html(tag("div", quiet, badge, style="text-align:right;white-space:nowrap"))
    with right:
        selector(list(data.query("board", criteria_id=study.criteria_id)["patient_id"]), patient_id)
    main, further = sentences.verdict(state["reason"])
    frame.sentence(main)
    doubt = tag("span", sentences.caveats(state, study.criteria_name, now), class_="ct-grey")
    st.html(tag("p", f"{further} " if further else "", doubt, class_="ct-small"))


def course(patient_id: str, judged: pd.DataFrame, study: frame.Study, pair: Sequence[str]) -> None:
    """Draw the timeline."""
    volumes = data.query("patient_measurements", patient_id=patient_id).dropna(subset=["acquired_on"])
    if volumes.empty and judged.empty:
        st.html(tag("p", "No visit has a date, so there is no course to draw.", class_="ct-grey"))
        return
    measured = drawn.ever_seen(volumes[volumes["compartment"] != "cord"])
    is_log = not drawn.has_no_tumour(measured)
    treatments = data.query("patient_treatments", patient_id=patient_id)
    shown = timeline.Course(
        measured,
        judged,
        treatments,
        data.query("patient_function", patient_id=patient_id),
        levels(patient_id, study),
        windows(treatments, study),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        frame.section("Course", "volume, 95\u202f% band; marks show the state at each visit, a click shows its scan")
        scale = st.segmented_control(
            "Volume axis",
            ["logarithmic", "linear"],
            default="logarithmic" if is_log else "linear",
            required=True,
            key=f"axis-{patient_id}",
            label_visibility="collapsed",
        )
    key = f"timeline-{patient_id}"
    st.plotly_chart(
        timeline.timeline(shown, scale == "logarithmic", pair),
        config=theme.CONFIG,
        theme=None,
        key=key,
        on_select=partial(show_clicked, key),
        selection_mode="points",
        alt=f"Volumes of {patient_id} over time with therapy and function; the numbers are in the table below",
    )
    changes = data.query("board_change", criteria_id=study.criteria_id)
    if "judged" in set(changes.loc[changes["patient_id"] == patient_id, "against"]):
        frame.remark("The line shows all measured tumour; the verdict above compares something else and says what.")


def levels(patient_id: str, study: frame.Study) -> list[timeline.Level]:
    """Return the lines of the timeline: baseline, nadir, and where progression begins."""
    rules = data.criteria_of(study.criteria_id)
    found = data.query(
        "patient_levels",
        patient_id=patient_id,
        criteria_id=study.criteria_id,
        reference=str(rules.progression.reference) if rules else "nadir",
        min_change_mm3=rules.progression.min_change if rules else 0.0,
    )
    if found.empty:
        return []
    row = found.iloc[0]
    is_same = row["baseline_on"] == row["nadir_on"]
    red = labels.DISPLAY_STATES["growth"].colour
    lines = [
        _level("baseline = nadir" if is_same else "baseline", row["baseline_volume_mm3"], row["baseline_on"]),
        None if is_same else _level("nadir", row["nadir_volume_mm3"], row["nadir_on"]),
        _level("progression from", row["progression_volume_mm3"], None, red),
    ]
    if rules and row["nadir_volume_mm3"] == 0:
        lines.append(_level("seen again from", rules.reappearance.min_volume_mm3, None, red))
    return [line for line in lines if line is not None]


def _level(word: str, volume_mm3: Any, day: Any, colour: str = labels.GREY) -> timeline.Level | None:
    if not labels.is_known(volume_mm3) or volume_mm3 == 0:
        return None
    when = f", {labels.month(day)}" if labels.is_known(day) else ""
    return timeline.Level(f"{word} {labels.ml(volume_mm3)}{when}", float(volume_mm3), colour)


def windows(treatments: pd.DataFrame, study: frame.Study) -> list[timeline.Window]:
    """Return the days after each operation in which no scan may serve as baseline."""
    rules = data.criteria_of(study.criteria_id)
    if rules is None:
        return []
    days = rules.baseline.after_surgery_days
    surgeries = pd.to_datetime(treatments.loc[treatments["kind"] == "surgery", "started_on"])
    return [timeline.Window(day, day + pd.Timedelta(days=days), "early after surgery") for day in surgeries]


def numbers(patient_id: str, state: pd.Series, study: frame.Study) -> None:
    """Show the table of volumes at the visits that matter."""
    frame.section("Numbers", "mL, 95\u202f% CI; never counted on aligned copies")
    rows = data.query("patient_trajectory", patient_id=patient_id, criteria_id=study.criteria_id)
    st.html(tables.numbers(rows[rows["session_id"] == state["session_id"]]))


def show_clicked(key: str) -> None:
    """Show the scan of the visit that was clicked in the timeline."""
    points = st.session_state[key]["selection"]["points"]
    sessions = [point["customdata"] for point in points if point.get("customdata")]
    if sessions:
        st.query_params["now"] = sessions[0] if isinstance(sessions[0], str) else sessions[0][0]


def aligned(patient_id: str) -> dict[str, dict[Any, Any]]:
    """Return the visits whose scan lies on the reference grid, by session, the oldest first."""
    visits = data.query("patient_visits", patient_id=patient_id).to_dict("records")
    return {row["session_id"]: row for row in visits if data.aligned_scan(patient_id, row["session_id"])}


def compared(found: dict[str, dict[Any, Any]], now: pd.DataFrame) -> tuple[str, ...]:
    """Return the two visits to show: those of the address, else the smallest tumour and the last judged scan."""
    if not found:
        return ()
    names = list(found)
    dated = [name for name in names if labels.is_known(found[name]["acquired_on"])] or names
    nadir = next((name for name in now["nadir_session_id"] if name in found), dated[0])
    last = next((name for name in now["session_id"] if name in found), dated[-1])
    return address.one("then", names, nadir), address.one("now", names, last)


def scans(patient_id: str, found: dict[str, dict[Any, Any]], pair: Sequence[str]) -> None:
    """Show two aligned visits side by side; both can be chosen, and the address keeps the choice."""
    if not found:
        frame.remark("No aligned scans to show.")
        return
    columns = st.columns(2)
    for column, label, parameter, current in zip(columns, ("Earlier", "Later"), ("then", "now"), pair, strict=True):
        with column:
            _choose_visit(label, found, current, parameter)
    try:
        panes = [_pane(found[name]) for name in dict.fromkeys(pair)]
    except InputError as error:
        frame.remark(str(error))
        return
    slice_viewer(crop_to(panes, margin_mm=MARGIN_MM), key=f"scans-{patient_id}", height=VIEWER_PX)


def _choose_visit(label: str, found: dict[str, dict[Any, Any]], current: str, parameter: str) -> None:
    names = list(found)
    chosen = st.selectbox(
        label,
        names,
        index=names.index(current),
        key=f"{parameter}-{found[current]['patient_id']}-{current}",
        format_func=lambda name: f"{labels.day(found[name]['acquired_on'])}  {name}",
        label_visibility="collapsed",
    )
    if chosen != current:
        st.query_params[parameter] = chosen
        st.rerun()


def _pane(visit: dict[Any, Any]) -> Pane:
    grade = "reference" if visit["is_reference"] else labels.ALIGNMENTS[visit["certificate_grade"]]
    names = visit["patient_id"], visit["session_id"]
    scan, mask = data.aligned_scan(*names), data.display_mask(*names)
    assert scan is not None, "only visits with an aligned scan are offered"
    marked = data.image(mask) if mask.is_file() else None
    return pane_of(f"{labels.day(visit['acquired_on'])} · {grade}", data.image(scan), marked)


def details(patient_id: str, state: pd.Series, study: frame.Study) -> None:
    """Offer what is needed more rarely: lesions, visits, and where each number comes from."""
    components = data.query("patient_lesions", patient_id=patient_id)
    measured = data.query("patient_measurements", patient_id=patient_id)
    lesions, visits, sources = st.tabs(["Lesions", "Visits and alignment", "Where the numbers come from"])
    lesions.html(
        tables.lesions(components) if len(components) else tag("p", "No lesion was followed.", class_="ct-grey")
    )
    visits.html(tables.visits(data.query("patient_visits", patient_id=patient_id)))
    findings = data.query("patient_findings", patient_id=patient_id)
    if len(findings):
        visits.html(tables.findings(findings))
    now = measured[measured["session_id"] == state["session_id"]]
    sources.html(tables.provenance(now, study.criteria_name))
    sources.download_button(
        "All measurements of this patient (CSV)",
        data=lambda: data.csv(measured),
        file_name=f"{patient_id}_measurements.csv",
        mime="text/csv",
        on_click="ignore",
    )


frame.show_page(show)
