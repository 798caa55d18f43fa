"""The Python interface: the examples of docs/python.md run as they stand there. About a minute."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import api
from pipeline.errors import SettingsError, StoreError
from pipeline.store import reader
from tests.factories import copy_tiny
from tests.places import ROOT, SAMPLE
from tests.small_sample import two_visits

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.slow
def test_the_examples_of_the_guide_run_in_its_order(tmp_path: Path) -> None:
    assert len(EXAMPLES) == TEXT.count("```") // 2
    namespace: dict[str, object] = {
        "sample": SAMPLE / "study",
        "study": two_visits(tmp_path / "study"),
        "work": tmp_path,
    }
    for number, example in enumerate(EXAMPLES, start=1):
        exec(compile(example, f"docs/python.md, example {number}", "exec"), namespace)
    assert api.views(tmp_path / "out") == reader.views(reader.database_path(tmp_path / "out"))


def test_every_function_is_in_the_guide() -> None:
    functions = [name for name, thing in vars(api).items() if getattr(thing, "__module__", "") == api.__name__]
    missing = [name for name in functions if not name.startswith("_") and f"api.{name}" not in TEXT]
    assert not missing


def test_results_are_read_as_they_are_stored(tmp_path: Path) -> None:
    database = copy_tiny(tmp_path)
    assert api.table(tmp_path, "patient").equals(reader.table(database, "patient"))
    assert api.status(tmp_path)["patient"].is_unique
    assert api.dictionary(tmp_path)["comment"].notna().all()
    with pytest.raises(SettingsError, match="measurement"):
        api.table(tmp_path, "measurements")
    with pytest.raises(StoreError, match="run"):
        api.table(tmp_path / "nowhere", "measurement")


def test_no_patient_asked_for_is_not_all_patients(tmp_path: Path) -> None:
    summary = api.run(SAMPLE / "study", tmp_path / "out", api.RunOptions(participants=()))
    assert summary.computed == ()


def test_importing_it_is_quick() -> None:
    heavy = {"ants", "SimpleITK", "duckdb", "streamlit", "pandas", "numpy"}
    program = f"import sys\nfrom pipeline import api\nassert not {heavy!r} & set(sys.modules), sorted(sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
