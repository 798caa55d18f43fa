"""The rows behind a figure or a table, offered as files."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard import data


def offer(rows: pd.DataFrame, name: str) -> None:
    """Offer the rows behind something as files."""
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        for suffix, mime in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            st.download_button(
                suffix.capitalize() if suffix == "parquet" else "CSV",
                data=partial(data.file_of, rows, suffix),
                file_name=f"{name}.{suffix}",
                mime=mime,
                on_click="ignore",
                key=f"data-{name}-{suffix}",
                type="tertiary",
            )
