"""The rows behind a figure or a table, offered as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.data import door, queries
from pipeline.journal.roles import Deed


def offer(make_table: Callable[[], pd.DataFrame], name: str, deed: Deed = Deed.READ) -> None:
    """Offer the rows behind something as files, made when somebody takes one who may do `deed` then."""
    with st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        for suffix, mime in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            st.download_button(
                suffix.capitalize() if suffix == "parquet" else "CSV",
                data=door.taking(name, partial(_file, make_table, suffix), deed=deed),
                file_name=f"{name}.{suffix}",
                mime=mime,
                on_click="ignore",
                key=f"data-{name}-{suffix}",
                type="tertiary",
            )


def _file(make_table: Callable[[], pd.DataFrame], suffix: str) -> bytes:
    return queries.file_of(make_table(), suffix)
