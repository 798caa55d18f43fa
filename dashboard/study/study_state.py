"""What a check says of the study: patients and visits, what is wrong, what will not be measured and why."""

from __future__ import annotations

from collections import Counter
from datetime import date

import streamlit as st

from dashboard.data import queries, study_jobs
from dashboard.shell import page
from dashboard.shell.address import DRAW
from dashboard.words import labels
from dashboard.words.form_titles import TABS
from dashboard.words.markup import Html, as_label, join, tag
from pipeline.core.records import Finding
from pipeline.run.study_outlook import Outlook, StudyCheck, VisitOutlook
from pipeline.service.study_forms import SESSIONS

MARKS = {"error": "left out", "warning": "look", "note": "note"}
MOST_LINKS = 8
TITLES = {name: title for title, name in TABS.items() if name}
"""Title of the form that changes a table, by the table's name."""
SHOWN = 40
"""Findings and visits of one list that are shown at once."""


def study_state() -> StudyCheck:
    """Say in a sentence what a check says of the study as it is now."""
    with st.spinner("Reading scans and masks …", show_time=True):
        study = study_jobs.check()
    page.sentence(_sentence(study), " ", tag("span", _counts(study), class_="ct-grey"))
    return study


def what_is_wrong(study: StudyCheck) -> None:
    """List what is odd about the study with what to do, and what will not be measured, with why."""
    wrong = [one for one in study.findings if one.severity != "note"]
    unmeasured = [visit for visit in study.visits if visit.reason is not None]
    if wrong:
        page.section("What is wrong", "what a run says of the folder, its tables, scans and masks")
        st.html(tag("table", tag("tbody", join(map(_finding, wrong[:SHOWN]))), class_="ct-table"))
        _rest(len(wrong))
    if unmeasured:
        page.section("What will not be measured or judged")
        st.html(tag("table", tag("tbody", join(map(_visit, unmeasured[:SHOWN]))), class_="ct-table"))
        _rest(len(unmeasured))
        _first_outlines(study)


def _first_outlines(study: StudyCheck) -> None:
    """Say how patients of whom nothing will be measured get their first outline; each has a link once a run saw it."""
    without = without_outline(study)
    if not without:
        return
    page.remark("One outline of the tumour is enough for a person: a click on a scan proposes it, once a run shows it.")
    shown = set() if queries.publication() is None else set(queries.table("patient")["patient_id"])
    with st.container(horizontal=True):
        for name in [name for name in without if name in shown][:MOST_LINKS]:
            label = as_label(f"Draw the tumour of {name}")
            st.page_link("app_pages/patient.py", label=label, query_params=to_draw(study, name))


def without_outline(study: StudyCheck) -> list[str]:
    """Return the patients of whom nothing will be measured."""
    measured = {visit.patient_id for visit in study.visits if visit.outlook != Outlook.NOTHING}
    return [name for name in study.patient_ids if name not in measured]


def to_draw(study: StudyCheck, patient_id: str) -> dict[str, str]:
    """Return the address that opens a patient's page at the first visit, ready to be drawn on where there is one."""
    first = min((visit for visit in study.visits if visit.patient_id == patient_id), key=_when, default=None)
    at = {} if first is None else {"now": first.session_id, DRAW: first.session_id}
    return {"patient": patient_id} | at


def _when(visit: VisitOutlook) -> tuple[bool, date, str]:
    return visit.acquired_on is None, visit.acquired_on or date.max, visit.session_id


def _finding(finding: Finding) -> Html:
    whom = " ".join(filter(None, (finding.patient_id, finding.session_id)))
    return tag(
        "tr",
        tag("th", MARKS[finding.severity], scope="row"),
        tag("td", whom, class_="ct-whose"),
        tag("td", finding.message, tag("div", finding.remedy, _form_of(finding), class_="ct-grey")),
    )


def _form_of(finding: Finding) -> str:
    """Say in which form of this page a table is mended; nothing of other files."""
    title = "Visits" if SESSIONS.fullmatch(finding.path or "") else TITLES.get(finding.path or "")
    return f" (here: below, in the form {title})" if title else ""


def _visit(visit: VisitOutlook) -> Html:
    whole = (visit.patient_id, visit.session_id, labels.day(visit.acquired_on))
    cells = (tag("td", tag("span", words, class_="ct-nowrap")) for words in whole)
    return tag("tr", *cells, tag("td", f"{visit.outlook}: {visit.reason}"))


def _sentence(study: StudyCheck) -> str:
    if not study.patient_ids:
        return f"{study.study}: nobody yet."
    errors = sum(one.severity == "error" for one in study.findings)
    doubts = sum(one.severity == "warning" for one in study.findings)
    unmeasured = sum(visit.outlook == Outlook.NOTHING for visit in study.visits)
    words = [] if study.visits else ["no visit yet"]
    words += [f"{labels.count(errors, 'thing')} left out"] if errors else []
    words += [f"{labels.count(unmeasured, 'visit')} will not be measured"] if unmeasured else []
    words += [f"{labels.count(doubts, 'thing')} to look at"] if doubts else []
    if not words:
        return f"{study.study}: nothing is wrong, every visit will be measured."
    return f"{study.study}: {', '.join(words)}."


def _counts(study: StudyCheck) -> str:
    outlooks = Counter(str(visit.outlook) for visit in study.visits)
    visits = ", ".join(f"{count} {word}" for word, count in sorted(outlooks.items()))
    return f"{labels.count(len(study.patient_ids), 'patient')}; visits: {visits or 'none'}"


def _rest(count: int) -> None:
    if count > SHOWN:
        page.remark(f"and {count - SHOWN} more: cordtrack check lists all.")
