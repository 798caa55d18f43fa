"""Decisions that wait for the next run: how many, and the button that starts it, on every page that shows results."""

from __future__ import annotations

import streamlit as st

from dashboard.data import acts, study_jobs, who
from dashboard.shell import page, signing
from dashboard.shell.job_progress import watched
from dashboard.words import labels

UPDATING = "updating"
"""Where it is kept that somebody asked for the results to be brought up to date."""


def offer_update(waiting: int, where: str, patient_id: str | None = None) -> None:
    """Say how many decisions wait, and offer the run that lets them take effect; nothing where none waits.

    Where a study is served, the run is a job behind the page, of the one patient concerned; else the page waits for it.

    Parameters
    ----------
    where
        Name of the place, one on a page.
    patient_id
        Whom the page is about; None for everybody.
    """
    if waiting and patient_id is None and not who.is_sign_in_on():  # a patient's page asks for the name itself
        with st.container(width=260):
            signing.ask_name()
    if study_jobs.study_dir() is not None:
        _offer_job(waiting, where, patient_id)
        return
    if not waiting:
        return
    verb = "waits" if waiting == 1 else "wait"
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{labels.count(waiting, 'decision')} {verb} for the next run; the page still shows the last one."
        page.remark(words, "content")
        help_text = (
            "Runs the pipeline, only what changed, while this page waits: it has no worker (cordtrack serve has)"
        )
        st.button("Update the results now", key=f"apply-{where}", help=help_text, on_click=_ask_for_update)
        if st.session_state.pop(UPDATING, False):
            with st.spinner("Updating the results …", show_time=True):
                signing.record(_update)
            st.rerun()


def _offer_job(waiting: int, where: str, patient_id: str | None) -> None:
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            page.remark(f"{labels.count(waiting, 'decision')} not yet in the results shown.", "content")
            st.button(
                "Update now",
                key=f"apply-{where}",
                help="Runs behind the page; only what changed" + (f", of {patient_id} alone" if patient_id else ""),
                on_click=signing.record,
                args=(lambda: study_jobs.ask_for_run(signing.reader(), patient_id),),
            )
    watched(where, patient_id)


def _ask_for_update() -> None:
    st.session_state[UPDATING] = True


def _update() -> str:
    acts.take_effect()
    return "Done: the page shows the new results."
