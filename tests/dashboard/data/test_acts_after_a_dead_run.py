"""What the page says of acts about a patient whose process died: nothing is known, so nothing has lapsed."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from dashboard.data import acts, queries
from pipeline.core.records import JournalEntry
from pipeline.journal import act_file, decisions

AT = datetime(2024, 1, 1)  # noqa: DTZ001
PINNED = JournalEntry("e2", AT, "A. Reader", "pin_baseline", "sub-07", "ses-01", reason="before surgery")


@pytest.mark.parametrize(
    ("code", "stands"), [("worker_died", ("in_force", None)), ("visit_without_date", ("lapsed", decisions.NO_VISIT))]
)
def test_nothing_lapses_where_a_run_died_before_the_visits(
    code: str, stands: tuple[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = pd.DataFrame(
        {"is_primary": pd.Series(dtype=bool), "is_anchor": pd.Series(dtype=bool), "component_sha256": []}
    )

    def query(name: str, **_: Any) -> pd.DataFrame:
        return pd.DataFrame({"code": [code]}) if name == "patient_findings" else empty

    monkeypatch.setattr(queries, "query", query)
    monkeypatch.setattr(queries, "out_dir", lambda: None)
    monkeypatch.setattr(act_file, "read", lambda _: SimpleNamespace(entries=[PINNED]))
    (entry,) = acts.history("sub-07")
    assert (entry.status, entry.status_reason) == stands
