"""The study behind the pages: its state, what a run would do, and the runs that people ask for."""

import streamlit as st

from dashboard.data import table_changes, who
from dashboard.shell import page, signing
from dashboard.shell.job_progress import watched
from dashboard.study.access_section import access_section
from dashboard.study.first_steps import first_steps
from dashboard.study.run_section import run_section
from dashboard.study.scans_form import scans_form
from dashboard.study.study_state import study_state, what_is_wrong
from dashboard.study.table_forms import table_forms


def show() -> None:
    """Draw the page."""
    if not who.is_sign_in_on():
        with st.container(width=260):
            signing.ask_name()
    if not table_changes.patients():
        first_steps()
        signing.answer()
        watched("empty")
        scans_form()
        table_forms()
        return
    study = study_state()
    run_section()
    scans_form()
    what_is_wrong(study)
    table_forms()
    access_section()


page.show_workbench(show)
