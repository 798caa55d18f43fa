"""What can be taken away from the Patient page: the packet, and the course as a drawing."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from dashboard import packet
from dashboard.data import door
from dashboard.shell import page


def downloads(patient_id: str, study: page.ShownStudy) -> None:
    """Offer the packet as a PDF page and as a web page; it is made when somebody asks for it."""
    link = _link()
    make = partial(packet.gather, patient_id, study, link)

    def drawing(name: str) -> bytes:
        return str(getattr(make(), name)).encode()

    kinds = (
        ("Packet (PDF)", "pdf", "application/pdf", lambda: packet.pdf(make())),
        ("Packet (HTML)", "html", "text/html", lambda: packet.html(make())),
        ("Course (SVG)", "svg", "image/svg+xml", partial(drawing, "timeline")),
        ("Scans (SVG)", "scans.svg", "image/svg+xml", partial(drawing, "slices")),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for label, suffix, mime, content in kinds:
            st.download_button(
                label,
                data=door.taking(label, content, patient_id),
                file_name=f"{patient_id}.{suffix}",
                mime=mime,
                on_click="ignore",
                key=f"take-{suffix}-{patient_id}",
            )
        page.choose_image()
        with st.popover("Link to this view", type="tertiary"):
            st.code(link, language=None, wrap_lines=True)
            page.remark(
                "Visits, sequences, axis and tab as they are now; the slice too, after \u201clink here\u201d above it."
            )


def _link() -> str:
    """Return the address of what is seen now."""
    url = st.context.url or ""
    query = urlencode([(name, value) for name in st.query_params for value in st.query_params.get_all(name)])
    return f"{url.split('?')[0]}?{query}" if url else ""
