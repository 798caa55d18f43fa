"""Hashes name contents: same content, same hash; any change of value, file or code, another one."""

import ast
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


def imported(path: Path) -> set[str]:
    """What a module of this package takes from others of it, by Python's own reading, in whatever way it is written."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith((".", "pipeline."))} | (names & {"pipeline"})


def test_what_a_module_imports_is_told_by_its_text_as_python_reads_it() -> None:
    paths = sorted(fingerprints.PACKAGE.rglob("*.py"))
    assert len(paths) > 300
    differing = [path for path in paths if set(fingerprints._imports_of(path)) != imported(path)]
    assert not differing


@pytest.mark.parametrize("text", ["import pipeline.core.volume as volume\n", "from . import volume\n"])
def test_an_import_that_is_not_told_by_the_text_would_be_seen_by_the_reading_of_all_modules(
    text: str, tmp_path: Path
) -> None:
    module = tmp_path / "module.py"
    module.write_text(text, encoding="utf-8")
    assert set(fingerprints._imports_of(module)) != imported(module), "so that no module of the package can hold it"


def test_imports_are_told_within_functions_in_brackets_with_remarks_and_under_another_name(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "from pipeline.core import (  # what is measured\n    a,  # first, of all\n    b as other,\n)\n"
        "from pipeline import errors\nfrom numpy import pipeline\n\n"
        "def late():\n    from pipeline.judge.limits import c, d as e  # noqa: PLC0415  # late\n",
        encoding="utf-8",
    )
    assert set(fingerprints._imports_of(module)) == imported(module)
    assert "pipeline.judge.limits.d" in fingerprints._imports_of(module)
