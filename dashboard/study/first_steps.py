"""What an empty study shows: three steps to a first result, and the sample study one click away."""

from __future__ import annotations

import streamlit as st

from dashboard.data import study_jobs
from dashboard.shell import page, signing
from dashboard.words.markup import join, tag
from pipeline.journal.roles import Deed

STEPS = (
    (
        "Scans",
        "DICOM or NIfTI, dropped below or from a folder of the server or the PACS; DICOM says who and when.",
    ),
    ("People and treatments", "what scans do not say, such as surgery with its day: in the forms below."),
    (
        "Run, outline, run",
        "Run shows the scans; a click on the tumour of a patient's scan proposes its outline.",
    ),
)


def first_steps() -> None:
    """Say what an empty study needs, and offer the sample study."""
    page.sentence("This study is empty. ", tag("span", "Three steps to a first result:", class_="ct-grey"))
    items = (tag("li", tag("b", title), ": ", words) for title, words in STEPS)
    st.html(tag("ol", join(items)))
    if study_jobs.offers_sample() and signing.offers(Deed.EDIT, "Taking the sample study"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Use the sample study",
                key="sample",
                type="primary",
                on_click=signing.record,
                args=(lambda: study_jobs.take_sample(signing.reader()),),
            )
            page.remark("Eight synthetic patients, copied into this study folder and measured at once.", "content")
