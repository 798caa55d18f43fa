"""What the pages read is the publication of now, through one reader that is kept open. Three seconds."""

from __future__ import annotations

import contextlib
import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from dashboard import data
from pipeline import store
from pipeline.errors import StoreError
from pipeline.store_reader import FEWEST_SHARED, _shared
from tests.factories import publish_tiny, tiny_store


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(data.OUT_VARIABLE, str(tmp_path))
    return tmp_path


def reader_of(out: Path) -> store.Reader:
    database = store.database_path(out)
    return data._reader(str(database), data.identity_of(database))


def test_one_reader_serves_every_query_of_a_publication(out: Path) -> None:
    publish_tiny(out)
    first = reader_of(out)
    assert len(data.table("patient")) == 7
    assert len(data.query("patient_visits", patient_id="sub-01")) == 5
    assert reader_of(out) is first


def test_a_new_publication_is_seen_at_once_and_the_one_before_is_let_go(out: Path) -> None:
    database = publish_tiny(out)
    assert len(data.table("patient")) == 7
    before = weakref.ref(reader_of(out))
    store.publish(out, [row for row in tiny_store() if getattr(row, "patient_id", None) != "sub-07"])
    assert len(data.table("patient")) == 6
    gc.collect()
    assert before() is None
    assert not [name for name in open_files() if name.startswith(str(database)) and name.endswith("(deleted)")]


def test_a_store_that_is_not_there_yet_is_looked_for_again(out: Path) -> None:
    with pytest.raises(StoreError, match="run the pipeline on the study first"):
        data.table("patient")
    publish_tiny(out)
    assert len(data.table("patient")) == 7


def open_files() -> list[str]:
    """The files that this process holds open, where the system tells."""
    found = []
    for link in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.append(str(link.readlink()))
    return found


def test_what_was_read_of_the_publication_before_is_let_go(out: Path) -> None:
    publish_tiny(out)
    before = weakref.ref(data.query("patient_visits", patient_id="sub-01"))
    publish_tiny(out)
    assert len(data.query("patient_visits", patient_id="sub-01")) == 5
    gc.collect()
    assert before() is None


def test_equal_texts_of_a_long_column_are_held_once() -> None:
    names = np.array(["".join(["sub-", str(n % 3)]) if n % 4 else None for n in range(FEWEST_SHARED)], dtype=object)
    shared = _shared(names)
    assert shared.tolist() == names.tolist()
    assert len({id(one) for one in shared}) == 4
