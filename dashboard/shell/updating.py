"""What the results shown lack, decisions that wait and newer scans, and the button that starts the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from dashboard.data import acts, study_jobs, who
from dashboard.shell import page, signing
from dashboard.shell.job_progress import watched
from dashboard.words import labels
from pipeline.journal.roles import Deed
from pipeline.service.jobs import JobState

MOST_NAMED = 5
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
    is_served = study_jobs.study_dir() is not None
    is_offered = waiting or (is_served and newer_words(patient_id))
    if is_offered and patient_id is None and not who.is_sign_in_on():  # a patient's page asks for the name itself
        with st.container(width=260):
            signing.ask_name()
    if is_served:
        _offer_job(waiting, where, patient_id)
        return
    if patient_id is None:
        newer_inputs(is_offered=False)
    if not waiting:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        page.remark(f"{labels.waiting(waiting)}; the page still shows the last one.", "content")
        help_text = (
            "Runs the pipeline, only what changed, while this page waits: it has no worker (cordtrack serve has)"
        )
        if signing.offers(Deed.RUN, "An update", of_all=True):
            st.button("Update the results now", key=f"apply-{where}", help=help_text, on_click=_ask_for_update)
        if st.session_state.pop(UPDATING, False):
            with st.spinner("Updating the results …", show_time=True):
                signing.record(_update)
            st.rerun()


def _offer_job(waiting: int, where: str, patient_id: str | None) -> None:
    if patient_id is None:
        newer_inputs()
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            page.remark(f"{labels.count(waiting, 'decision')} not yet in the results shown.", "content")
            _offer_run(f"apply-{where}", patient_id)
    watched(where, patient_id)


def newer_inputs(patient_id: str | None = None, *, is_offered: bool = True) -> None:
    """Say whose scans, masks or tables are not in the results shown, and offer the run; nothing where all are.

    Parameters
    ----------
    patient_id
        Whom the page is about; None for everybody.
    is_offered
        Whether a run can be asked for here.
    """
    words = newer_words(patient_id)
    if not words:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        page.caution(words, "content")
        if is_offered and study_jobs.study_dir() is not None:
            _offer_run(f"newer-{patient_id}", patient_id)


def not_looked_for() -> None:
    """Say where nobody has looked for what is newer than these results, and why where a run goes on."""
    if study_jobs.newer() is not None:
        return
    what = "scans, masks and tables of the study that are newer than these results"
    if any(job.state is JobState.RUNNING for job in study_jobs.open_jobs()):
        page.remark(f"A run goes on, whose results are shown when it ends. Until then nobody has looked for {what}.")
    else:
        page.remark(f"Not looked for yet: {what}.")


def newer_words(patient_id: str | None = None) -> str:
    """Say what of one patient, or of whom, is not in the results shown; empty where nothing is known to be."""
    note = study_jobs.newer()
    if note is None:
        return ""
    if patient_id is None and note.trouble:
        return f"The study folder could not be looked through for what these results lack: {note.trouble}"
    if patient_id is not None:
        why = note.patients.get(patient_id)
        return f"Not in these results: {why}." if why else ""
    of_reason: dict[str, list[str]] = defaultdict(list)
    for name, why in sorted(note.patients.items()):
        of_reason[why].append(name)
    rarest_first = sorted(of_reason.items(), key=lambda item: len(item[1]))
    parts = [f"{_named(names)} ({why})" for why, names in rarest_first[:MOST_NAMED]]
    others = sum(len(names) for _, names in rarest_first[MOST_NAMED:])
    more = f"; and {labels.count(others, 'other patient')}" if others else ""
    return f"Not in these results: {'; '.join(parts)}{more}." if parts else ""


def _named(names: Sequence[str]) -> str:
    others = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {labels.count(others, 'other patient')}" if others > 0 else "")


def _offer_run(key: str, patient_id: str | None) -> None:
    if not signing.offers(Deed.RUN, "An update", of_all=patient_id is None):
        return
    st.button(
        "Update now",
        key=key,
        help="Runs behind the page; only what changed" + (f", of {patient_id} alone" if patient_id else ""),
        on_click=signing.record,
        args=(lambda: study_jobs.ask_for_run(signing.reader(), *filter(None, [patient_id])),),
    )


def _ask_for_update() -> None:
    st.session_state[UPDATING] = True


def _update() -> str:
    acts.take_effect()
    return "Done: the page shows the new results."
