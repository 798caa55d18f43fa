"""The study behind the pages: its state, what a run would do, and the runs that people ask for."""

from dashboard.data import table_changes
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
    if not table_changes.patients():
        first_steps()
        signing.answer()
        watched("empty")
        table_forms()
        scans_form()
        return
    study = study_state()
    run_section()
    what_is_wrong(study)
    table_forms()
    scans_form()
    access_section()


page.show_workbench(show)
