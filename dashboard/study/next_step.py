"""What comes after scans were added: the run of the people they are of, one click away, then their pages."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.data import queries, scan_deliveries, study_jobs
from dashboard.shell import page, signing
from dashboard.study.delivery_progress import PLACE
from dashboard.study.study_state import to_draw, without_outline
from dashboard.words import labels
from dashboard.words.markup import as_label
from pipeline.journal.roles import Deed
from pipeline.service.deliveries import Delivery

MOST_NAMED = 3
UNDER_WAY = "{} waits for or is worked on by a run: how far it is stands under Run."


def next_step(delivery: Delivery, offered: frozenset[str]) -> frozenset[str]:
    """Offer the run that measures those whose scans a delivery added and say why, or lead to them once it is done.

    Whom a later delivery was of, too, has that offer there: ``offered`` names them. Returns whom this one is about.
    """
    people = [name for name in scan_deliveries.people_added(delivery) if name not in offered]
    if not people:
        return frozenset()
    reasons = {one.patient_id: one.reason for one in study_jobs.plan().pending}
    due = [name for name in people if name in reasons]
    with st.container(horizontal=True, vertical_alignment="center"):
        if due and _is_asked_for(due):
            page.remark(UNDER_WAY.format(_named(due)), "content")
        elif due and signing.offers(Deed.RUN, f"A run of {_named(due)}"):
            why = "; ".join(dict.fromkeys(reasons[name] for name in due))
            st.button(
                f"Run {_named(due)}",
                key=f"run-{delivery.delivery_id}",
                type="primary",
                on_click=signing.record,
                args=(lambda: study_jobs.ask_for_run(signing.reader(), *due),),
                kwargs={"where": PLACE},
            )
            page.remark(f"Next: aligned, measured and judged ({why}).", "content")
        _links([name for name in people if name not in reasons])
    return frozenset(people)


def _links(people: Sequence[str]) -> None:
    """Lead to those that the results show: to the outline where nobody drew one."""
    shown = set() if queries.publication() is None else set(queries.table("patient")["patient_id"])
    for name in [name for name in people if name in shown][:MOST_NAMED]:
        study = study_jobs.check()
        address, words = {"patient": name}, f"Open {name}"
        if name in without_outline(study):
            address, words = to_draw(study, name), f"Draw the tumour of {name}"
        st.page_link("app_pages/patient.py", label=as_label(words), query_params=address)


def _is_asked_for(people: Sequence[str]) -> bool:
    """Say whether a run that waits or goes on is about all of these people."""
    return any(not job.participants or set(people) <= set(job.participants) for job in study_jobs.open_jobs())


def _named(people: Sequence[str]) -> str:
    if len(people) <= MOST_NAMED:
        return ", ".join(people)
    return f"these {labels.count(len(people), 'person', 'people')}"
