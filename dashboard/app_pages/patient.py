"""One patient: state, course, two aligned scans, numbers and where each comes from."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.data import door, queries
from dashboard.packet.downloads import downloads
from dashboard.patient import review_section
from dashboard.patient.context_section import beside, history, neuraxis, with_overdue
from dashboard.patient.course import course
from dashboard.patient.description_section import description
from dashboard.patient.headline import SEPARATOR, acts_and_last_judged, headline
from dashboard.patient.lesion_section import lesion_verdicts
from dashboard.patient.lesion_table import lesions
from dashboard.patient.numbers import numbers
from dashboard.patient.planning_section import planning
from dashboard.patient.profile_section import profile
from dashboard.patient.reading_section import differing, other_readings
from dashboard.patient.scan_section import Review, Visits, aligned, compared, scans
from dashboard.patient.signing_section import acceptance, sign_off
from dashboard.shell import page
from dashboard.shell.updating import newer_inputs
from dashboard.words import caveats, sentences, tables
from dashboard.words.glossary import TERMS
from dashboard.words.markup import join, tag

MOST_OFFERED = 200
"""Names that the list of patients holds at once."""
TABS = (
    "Lesions", "All volumes", "Cyst, oedema and others", "Visits and alignment", "Where the numbers come from",
    "Planning view",
)  # fmt: skip
ASKED = tuple(
    f"patient_{name}"
    for name in (
        "assessments", "treatments", "visits", "measurements", "function", "protocol", "compartments", "growth",
        "resections", "best_responses", "cord_profile", "discs", "places", "masks", "scans", "journal", "lesions",
        "description", "fits",
    )
)  # fmt: skip
"""Queries of the page in the order in which it needs them; what a tab alone needs is asked for when it is open."""
LESION_NOTE = (
    "Connected pieces of tumour, followed from scan to scan. A voxel that is only partly tumour counts by its share to "
    "the nearest piece, so that pieces add up to the measured volume. A volume opens what it was counted on."
)


def show(study: page.ShownStudy) -> None:
    """Draw the page."""
    patient_id = choose_patient(study)
    if patient_id is None:
        return
    door.opened(patient_id)
    queries.begin(
        "patient_header", "patient_trajectory", "patient_lesion_verdicts", "patient_readings",
        patient_id=patient_id, criteria_id=study.criteria_id,
    )  # fmt: skip
    queries.begin(*ASKED, patient_id=patient_id)
    state = queries.query("patient_header", patient_id=patient_id, criteria_id=study.criteria_id).iloc[0]
    everything = queries.query("patient_assessments", patient_id=patient_id)
    now = everything[everything["session_id"] == state["session_id"]]
    judged = everything[everything["criteria_id"] == study.criteria_id]
    answer(state, now, study)
    newer_inputs(patient_id)
    scan_of_visit = aligned(patient_id)
    pair = compared(scan_of_visit, now[now["criteria_id"] == study.criteria_id])
    left, right = page.halves([1.22, 1] if scan_of_visit else [1, 1.22], "patient")
    words_column = right if not scan_of_visit else left  # without scans their place is free
    with left, st.container(key="ct-course"):  # on paper it follows the words, or the first sheet stays half empty
        course(patient_id, judged, study, pair)
    with right:
        _reviewed_scans(patient_id, scan_of_visit, pair)
        sign_off(patient_id, state, study.criteria_id, sorted(set(pair), key=list(scan_of_visit).index))
        description(patient_id, pair[1] if pair else state["session_id"])
    with words_column:
        lesion_verdicts(patient_id, study)
        other_readings(state, study)
        numbers(patient_id, state["session_id"], study)
        page.section("Criteria", "each an adaptation: none is validated for intramedullary tumours")
        st.html(tables.verdicts(now))
        beside(patient_id, state["session_id"], study.criteria_id)
    with right if scan_of_visit else left:  # the shorter one
        profile(patient_id)
    with left:
        downloads(patient_id, study)
    details(patient_id, state, study, pair[1] if pair else str(state["session_id"]))


def _reviewed_scans(patient_id: str, visits: Visits, pair: tuple[str, ...]) -> None:
    """Show the scans; while masks are reviewed with what is left and the keys above them."""
    if not review_section.is_on():
        scans(patient_id, visits, pair)
        return
    review_section.review(patient_id, pair, partial(acceptance, patient_id))
    reviewed = Review(review_section.opening_of_review(patient_id, pair[1]), review_section.KEYS) if pair else None
    scans(patient_id, visits, pair, review=reviewed)


def choose_patient(study: page.ShownStudy) -> str | None:
    """Return the patient named in the address, or the most urgent; say so when the name is unknown."""
    patient_ids = list(queries.query("board", criteria_id=study.criteria_id)["patient_id"])
    if not patient_ids:
        page.nothing_yet("the study has no patients")
        return None
    named = st.query_params.get("patient")
    if named is None:
        named = st.query_params["patient"] = patient_ids[0]
    if named not in patient_ids:
        page.sentence(f"No patient {named} in this study.")
        selector(patient_ids, None)
        return None
    return named


def selector(patient_ids: list[str], current: str | None) -> None:
    """Offer the other patients in the order of the board, by name or one by one; a choice becomes the address."""
    place = patient_ids.index(current) if current else None
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right", wrap=False):
        _step("‹", "P", patient_ids[place - 1] if place else None)
        offered = near(patient_ids, place)
        chosen = st.selectbox(
            "Patient",
            offered,
            index=offered.index(current) if current in offered else None,
            key=f"choice-{current}",
            placeholder="Choose a patient",
            label_visibility="collapsed",
            width=170,
            accept_new_options=len(offered) < len(patient_ids),
        )
        _step("›", "N", patient_ids[place + 1] if place is not None and place + 1 < len(patient_ids) else None)
    if chosen is not None and chosen != current:
        show_patient(chosen)
        st.rerun()


def near(patient_ids: list[str], place: int | None) -> list[str]:
    """Return the patients to offer: all, or in a large study those around this one; any other name can be typed."""
    if len(patient_ids) <= MOST_OFFERED:
        return patient_ids
    first = max(0, min((place or 0) - MOST_OFFERED // 2, len(patient_ids) - MOST_OFFERED))
    return patient_ids[first : first + MOST_OFFERED]


def show_patient(patient_id: str) -> None:
    """Make another patient the address; what was chosen for the last one goes."""
    st.query_params.from_dict({"patient": patient_id})  # in one step, or Back would stop at an address without one


def _step(symbol: str, key: str, patient_id: str | None) -> None:
    st.button(
        symbol,
        key=f"step-{key}",
        help=f"{'Next' if key == 'N' else 'Previous'} patient of the Board",
        shortcut=None if key.lower() in review_section.KEYS and review_section.is_on() else key,
        type="tertiary",
        disabled=patient_id is None,
        on_click=show_patient,
        args=(patient_id,),
    )


def answer(state: pd.Series, now: pd.DataFrame, study: page.ShownStudy) -> None:
    """Write who, what changed, against which visit, by which rule and how sure."""
    patient_id = state["patient_id"]
    left, right = page.halves([6.6, 2.4], "who", "small", "center")
    with left:
        headline(state)
    with right:
        selector(list(queries.query("board", criteria_id=study.criteria_id)["patient_id"]), patient_id)
    main, further = sentences.verdict(state)
    page.sentence(main)
    acts_and_last_judged(state)
    others = differing(patient_id, study.criteria_id, state["session_id"])
    if others:
        parts = (join([tag("b", f"{name}: "), f"{words}."]) for name, words in others)
        st.html(tag("p", join(parts, " "), class_="ct-others"))
    rule, *doubts = caveats.under_verdict(state, study.criteria_title, now).split(SEPARATOR)
    meaning = f": {TERMS['adapted']}" if study.is_adapted else ""
    named = tag("abbr", rule, title=f"{study.criteria_name}{meaning}")
    doubt = tag("span", join([named, *doubts], SEPARATOR), class_="ct-grey")
    st.html(tag("p", f"{further} " if further else "", doubt, class_="ct-small"))
    open_ = tag("b", "Open questions: "), sentences.open_questions(with_overdue(state, page.today())), "."
    st.html(tag("p", *open_, class_="ct-small"))


def details(patient_id: str, state: pd.Series, study: page.ShownStudy, shown_session: str) -> None:
    """Offer what is needed more rarely; only the open tab is filled."""
    tabs = st.tabs(TABS, key="tab", on_change="rerun", bind="query-params")
    fill: tuple[Callable[[str], None], ...] = (
        _lesions,
        _volumes,
        _others,
        _visits,
        partial(_sources, state=state, study=study),
        partial(planning, session_id=shown_session),
    )
    for tab, show_tab in zip(tabs, fill, strict=True):
        if tab.open:
            with tab:
                show_tab(patient_id)


def _lesions(patient_id: str) -> None:
    components = queries.query("patient_lesions", patient_id=patient_id)
    if components.empty:
        page.remark("No lesion was followed.")
        return
    st.html(lesions(components, queries.query("patient_measurements", patient_id=patient_id)))
    st.caption(LESION_NOTE)


def _volumes(patient_id: str) -> None:
    st.html(tables.measurements(queries.query("patient_measurements", patient_id=patient_id)))


def _others(patient_id: str) -> None:
    st.html(history(patient_id))


def _visits(patient_id: str) -> None:
    alignments = queries.query("patient_registrations", patient_id=patient_id)
    st.html(tables.visits(queries.query("patient_visits", patient_id=patient_id), alignments))
    page.section("Whole neuraxis", "levels imaged and leptomeningeal items after LANO")
    st.html(neuraxis(patient_id))
    findings = queries.query("patient_findings", patient_id=patient_id)
    if len(findings):
        st.html(tables.findings(findings))


def _sources(patient_id: str, state: pd.Series, study: page.ShownStudy) -> None:
    measured = queries.query("patient_measurements", patient_id=patient_id)
    latest = queries.query("patient_trajectory", patient_id=patient_id, criteria_id=study.criteria_id)
    latest = latest[latest["session_id"] == state["session_id"]]
    named = pd.unique(
        latest[[f"{role}session_id" for role in ("baseline_", "nadir_", "previous_", "")]].to_numpy().ravel()
    )
    st.html(tables.provenance(measured[measured["session_id"].isin(named)], study.criteria_name))
    st.download_button(
        "All measurements of this patient (CSV)",
        data=door.taking("all measurements", lambda: queries.csv(measured), patient_id),
        file_name=f"{patient_id}_measurements.csv",
        mime="text/csv",
        on_click="ignore",
    )


page.show_page(show)
