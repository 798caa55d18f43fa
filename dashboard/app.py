"""Page settings and navigation, nothing else."""

from pathlib import Path

import streamlit as st

from dashboard.data import door, study_jobs
from dashboard.shell import sign_in
from pipeline.journal.roles import Deed

st.set_page_config(page_title="cordtrack", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
board = st.Page("app_pages/board.py", title="Board", default=True)
is_about_all = door.may(Deed.READ, of_all=True)  # others find no page of the study in the menu, and at its address why
visibility = "visible" if is_about_all else "hidden"
study = st.Page("app_pages/study.py", title="Study", url_path="study", visibility=visibility)
pages = [
    board,
    st.Page("app_pages/patient.py", title="Patient", url_path="patient"),
    st.Page("app_pages/present.py", title="Present", url_path="present", visibility="hidden"),
    st.Page("app_pages/cohort.py", title="Cohort", url_path="cohort"),
    st.Page("app_pages/quality.py", title="Quality", url_path="quality"),
    st.Page("app_pages/methods.py", title="Methods", url_path="methods"),
    *([study] if study_jobs.study_dir() else []),
]
if sign_in.is_let_in():
    chosen = st.navigation(pages, position="top")
    if chosen == board and is_about_all and study_jobs.is_empty():
        st.switch_page(study)
    chosen.run()
else:
    st.navigation([st.Page(sign_in.ask, title="Sign in", url_path="sign-in")], position="hidden").run()
