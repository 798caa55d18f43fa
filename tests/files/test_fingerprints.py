"""Hashes name contents: same content, same hash; any change of value, file or code, another one."""

import os
from datetime import date
from pathlib import Path

import pytest

from pipeline.core.records import Patient
from pipeline.files import fingerprints


def test_a_file_is_named_by_its_bytes_not_by_its_name_or_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"scan")
    other.write_bytes(b"scan")
    os.utime(other, (1, 1))
    assert fingerprints.of_file(one) == fingerprints.of_file(other)


def test_a_changed_file_gets_another_hash_in_the_same_process(tmp_path: Path) -> None:
    path = tmp_path / "mask"
    path.write_bytes(b"first")
    first = fingerprints.of_file(path)
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert fingerprints.of_file(path) != first


def test_values_of_all_kinds_count() -> None:
    known = {
        fingerprints.of_values(v)
        for v in (1, "1", None, date(2020, 1, 1), Patient("sub-01"), Patient("sub-02"), [1, 2])
    }
    assert len(known) == 7


def test_an_unknown_kind_of_value_is_refused_and_not_taken_by_its_address() -> None:
    with pytest.raises(TypeError, match="cannot fingerprint a object"):
        fingerprints.of_values(object())


def test_code_counts_with_what_it_imports_and_without_the_rest() -> None:
    start = fingerprints._source_of("pipeline.core.transform")
    assert start is not None
    found = [start, *map(fingerprints._source_of, fingerprints._imports_of(start))]
    closure = {path.name for path in found if path is not None}
    assert {"transform.py", "volume.py"} <= closure
    assert "response.py" not in closure
    assert fingerprints.of_code("pipeline.core.volume") != fingerprints.of_code("pipeline.core.transform")
