"""The program works from any folder: what lies there is data, never code that is run in place of ours. About 50 s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboard.data import acts, queries
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from tests import page_visit
from tests.places import ROOT
from tests.study_folder import run_of_numbers

HOSTILE = (
    "pipeline/__init__.py", "dashboard/__init__.py", "streamlit.py", "pandas.py", "duckdb.py", "data.py", "pickle.py",
    "random.py", "multiprocessing.py", "sitecustomize.py",
)  # fmt: skip
PROGRAM = "from pipeline.__main__ import main\nmain()\n"
"""What an installer writes as the ``cordtrack`` command."""

VOLUMES = (
    "patient_id,date,compartment,volume_mm3,volume_cv\np1,2020-01-01,tumour,1000,0.05\np1,2021-01-01,tumour,1600,0.05\n"
)


def spoil(folder: Path, witness: Path) -> Path:
    """Put code into a folder that leaves a witness when it is run."""
    for name in HOSTILE:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(witness)!r}, 'a').write({name!r} + ' ')\nraise SystemExit('foreign code')\n")
    (folder / ".streamlit").mkdir(exist_ok=True)
    (folder / ".streamlit" / "config.toml").write_text('[server]\nbaseUrlPath = "elsewhere"\n')
    return folder


@dataclass(frozen=True)
class Shell:
    """A folder that a user stands in, the environment of the shell, and the command as an installer writes it."""

    here: Path
    program: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.program), *arguments]

    def cordtrack(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), cwd=self.here, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def shell(tmp_path: Path, python_path: str) -> Shell:
    """Stand in ``tmp_path/here``, beside a study of one patient without images."""
    run_of_numbers(tmp_path, VOLUMES)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "cordtrack"
    program.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return Shell(tmp_path / "here", program, environment | {"PYTHONPATH": python_path})


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "foreign_code_ran.txt"


@pytest.mark.slow
def test_every_command_works_in_a_folder_of_foreign_code(tmp_path: Path, witness: Path) -> None:
    user = shell(tmp_path, str(ROOT))
    spoil(user.here, witness)
    user.cordtrack("run", "../study", "result", "--jobs", "1", "--as-of", "2023-01-01")
    assert [row["patient"] for row in json.loads(user.cordtrack("status", "result", "--json"))] == ["sub-p1"]
    user.cordtrack("packet", "result", "--patient", "p1", "-o", "p1.html")
    assert "sub-p1" in (user.here / "p1.html").read_text(encoding="utf-8")
    serve = user.command("dashboard", "result")
    with page_visit.serving(serve, user.here, user.environment, tmp_path / "log") as address:
        assert "sub-p1" in page_visit.text_of(address)
        for page in page_visit.PAGES[1:]:
            page_visit.text_of(address, page)
    assert not witness.exists(), witness.read_text()


@pytest.mark.slow
def test_an_empty_entry_of_the_python_path_lets_no_foreign_code_in(tmp_path: Path, witness: Path) -> None:
    """``export PYTHONPATH=$PYTHONPATH:/lib`` leaves one, and to Python it means the current folder."""
    user = shell(tmp_path, f"{ROOT}{os.pathsep}")
    spoil(user.here, witness)
    (user.here / "sitecustomize.py").unlink()  # Python itself runs that before any program begins
    user.cordtrack("run", "../study", "result", "--jobs", "1", "--as-of", "2023-01-01")
    assert not witness.exists(), witness.read_text()


def test_the_module_form_runs_no_foreign_library(tmp_path: Path, witness: Path) -> None:
    """``python -m pipeline`` puts the current folder first; a ``pipeline`` there would be what was asked for."""
    user = shell(tmp_path, str(ROOT))
    spoil(user.here, witness)
    for name in ("sitecustomize.py", "pipeline/__init__.py"):
        (user.here / name).unlink()
    (user.here / "pipeline").rmdir()
    command = [sys.executable, "-m", "pipeline", "status", "../out", "--json"]
    done = subprocess.run(command, cwd=user.here, env=user.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["patient"] == "sub-p1"
    assert not witness.exists(), witness.read_text()


def test_results_are_updated_by_our_code_though_the_output_folder_holds_other(
    tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of_numbers(tmp_path, VOLUMES)
    spoil(tmp_path / "out", witness)
    monkeypatch.setenv(queries.OUT_VARIABLE, str(tmp_path / "out"))
    monkeypatch.setenv("PYTHONPATH", "")
    acts.record("A. Reader", Act(ActKind.EXCLUDE_VISIT, "sub-p1", "ses-imported20210101", reason="moved"))
    acts.take_effect()
    assert acts.pending("sub-p1", act_file.read(tmp_path / "out").entries) == 0
    assert not witness.exists(), witness.read_text()
