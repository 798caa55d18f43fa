"""What a check says of the study: patients and visits, what is wrong, what will not be measured and why."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from dashboard.data import study_jobs
from dashboard.shell import page
from dashboard.words import labels
from dashboard.words.markup import Html, join, tag
from pipeline.core.records import Finding
from pipeline.run.study_check import Outlook, StudyCheck, VisitOutlook

MARKS = {"error": "left out", "warning": "look", "note": "note"}
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


def _finding(finding: Finding) -> Html:
    whom = " ".join(filter(None, (finding.patient_id, finding.session_id)))
    return tag(
        "tr",
        tag("th", MARKS[finding.severity], scope="row"),
        tag("td", tag("span", whom, class_="ct-nowrap")),
        tag("td", finding.message, tag("div", finding.remedy, class_="ct-grey")),
    )


def _visit(visit: VisitOutlook) -> Html:
    whole = (visit.patient_id, visit.session_id, labels.day(visit.acquired_on))
    cells = (tag("td", tag("span", words, class_="ct-nowrap")) for words in whole)
    return tag("tr", *cells, tag("td", f"{visit.outlook}: {visit.reason}"))


def _sentence(study: StudyCheck) -> str:
    if not study.patient_ids:
        return f"{study.study}: nobody yet."
    if study.is_sound:
        return f"{study.study}: nothing is wrong, every visit will be measured."
    errors = sum(one.severity == "error" for one in study.findings)
    unmeasured = sum(visit.outlook == Outlook.NOTHING for visit in study.visits)
    words = [f"{labels.count(errors, 'thing')} left out"] if errors else []
    words += [f"{labels.count(unmeasured, 'visit')} will not be measured"] if unmeasured else []
    return f"{study.study}: {', '.join(words)}."


def _counts(study: StudyCheck) -> str:
    outlooks = Counter(str(visit.outlook) for visit in study.visits)
    visits = ", ".join(f"{count} {word}" for word, count in sorted(outlooks.items()))
    return f"{labels.count(len(study.patient_ids), 'patient')}; visits: {visits or 'none'}"


def _rest(count: int) -> None:
    if count > SHOWN:
        page.remark(f"and {count - SHOWN} more: cordtrack check lists all.")
