"""Page settings and navigation, nothing else."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="cordtrack", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
st.navigation(
    [
        st.Page("app_pages/board.py", title="Board", default=True),
        st.Page("app_pages/patient.py", title="Patient", url_path="patient"),
        st.Page("app_pages/present.py", title="Present", url_path="present", visibility="hidden"),
        st.Page("app_pages/cohort.py", title="Cohort", url_path="cohort"),
        st.Page("app_pages/quality.py", title="Quality", url_path="quality"),
        st.Page("app_pages/methods.py", title="Methods", url_path="methods"),
    ],
    position="top",
).run()
