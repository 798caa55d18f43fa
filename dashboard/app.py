"""Page settings and navigation, nothing else."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="cordtrack", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
st.navigation(
    [
        st.Page("pages/board.py", title="Board", default=True),
        st.Page("pages/patient.py", title="Patient", url_path="patient"),
        st.Page("pages/present.py", title="Present", url_path="present", visibility="hidden"),
        st.Page("pages/cohort.py", title="Cohort", url_path="cohort"),
        st.Page("pages/quality.py", title="Quality", url_path="quality"),
        st.Page("pages/methods.py", title="Methods", url_path="methods"),
    ],
    position="top",
).run()
