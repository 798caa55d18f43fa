"""What the pages read is the publication of now, through one reader that is kept open. Three seconds."""

from __future__ import annotations

import contextlib
import gc
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import publication, queries
from dashboard.data.publication import Publication
from pipeline.errors import StoreError
from pipeline.files.fingerprints import identity_of
from pipeline.store import publish
from pipeline.store import reader as store_reader
from pipeline.store.reader import FEWEST_SHARED, _shared
from tests.factories import publish_tiny, tiny_store
from tests.places import ROOT


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(queries.OUT_VARIABLE, str(tmp_path))
    return tmp_path


def reader_of(out: Path) -> store_reader.Reader:
    database = store_reader.database_path(out)
    return queries._publication(str(database), identity_of(database)).reader


def test_one_reader_serves_every_query_of_a_publication(out: Path) -> None:
    publish_tiny(out)
    first = reader_of(out)
    assert len(queries.table("patient")) == 7
    assert len(queries.query("patient_visits", patient_id="sub-01")) == 5
    assert reader_of(out) is first


def test_a_new_publication_is_seen_at_once_and_the_one_before_is_let_go(out: Path) -> None:
    database = publish_tiny(out)
    assert len(queries.table("patient")) == 7
    before = weakref.ref(reader_of(out))
    publish.publish(out, [row for row in tiny_store() if getattr(row, "patient_id", None) != "sub-07"])
    assert len(queries.table("patient")) == 6
    gc.collect()
    assert before() is None
    assert not [name for name in open_files() if name.startswith(str(database)) and name.endswith("(deleted)")]


def test_a_store_that_is_not_there_yet_is_looked_for_again(out: Path) -> None:
    with pytest.raises(StoreError, match="run the pipeline on the study first"):
        queries.table("patient")
    publish_tiny(out)
    assert len(queries.table("patient")) == 7


def open_files() -> list[str]:
    """The files that this process holds open, where the system tells."""
    found = []
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.append(str(link.readlink()))
    return found


def test_what_was_read_of_the_publication_before_is_let_go(out: Path) -> None:
    publish_tiny(out)
    before = weakref.ref(queries.query("patient_visits", patient_id="sub-01"))
    publish_tiny(out)
    assert len(queries.query("patient_visits", patient_id="sub-01")) == 5
    gc.collect()
    assert before() is None


def test_equal_texts_of_a_long_column_are_held_once() -> None:
    names = np.array(["".join(["sub-", str(n % 3)]) if n % 4 else None for n in range(FEWEST_SHARED)], dtype=object)
    shared = _shared(names)
    assert shared.tolist() == names.tolist()
    assert len({id(one) for one in shared}) == 4


def test_a_query_begun_early_is_run_once_and_a_failure_is_not_kept(out: Path) -> None:
    class Slow:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def query(self, name: str, **parameters: object) -> pd.DataFrame:
            self.asked.append(name)
            if name == "broken":
                raise StoreError("the disk is gone")
            return pd.DataFrame({"name": [name], **{key: [value] for key, value in parameters.items()}})

    slow = Slow()
    kept = Publication(slow)  # type: ignore[arg-type]  # all that is asked of a reader
    kept.begin("visits", patient_id="a")
    assert kept.query("visits", patient_id="a")["patient_id"].tolist() == ["a"]
    assert kept.query("visits", patient_id="a") is kept.query("visits", patient_id="a")
    assert kept.query("visits", patient_id="b")["patient_id"].tolist() == ["b"]
    assert slow.asked == ["visits", "visits"]
    for _ in range(2):
        with pytest.raises(StoreError, match="the disk is gone"):
            kept.query("broken")
    assert slow.asked.count("broken") == 2


def test_what_was_asked_for_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "MOST_KEPT", 2)
    asked: list[str] = []
    reader = SimpleNamespace(query=lambda name: asked.append(name) or pd.DataFrame())
    kept = Publication(reader)  # type: ignore[arg-type]
    for name in ("a", "b", "a", "c", "a", "b"):
        kept.query(name)
    assert asked == ["a", "b", "c", "b"]


def test_the_patient_page_asks_for_every_query_that_it_begins(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_tiny(out)
    begun, asked = set(), set()
    begin, query = Publication.begin, Publication.query
    monkeypatch.setattr(Publication, "begin", lambda self, name, **by: begun.add(name) or begin(self, name, **by))
    monkeypatch.setattr(Publication, "query", lambda self, name, **by: asked.add(name) or query(self, name, **by))
    page = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    page.switch_page("app_pages/patient.py")
    page.query_params["patient"] = "sub-01"
    page.run()
    assert not page.exception
    assert "patient_trajectory" in begun
    assert begun <= asked
