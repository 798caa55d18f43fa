"""Processes that are started find this code, and nothing in the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.files import child_process

SHOW_PATH = "import sys; print(*sys.path, sep='\\n')"


def path_of_child(folder: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW_PATH], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("named", ["", os.pathsep, f"{os.pathsep}/lib", f".{os.pathsep}/lib"])
def test_a_child_looks_for_modules_in_this_checkout_first_and_never_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", named)
    places = path_of_child(tmp_path, child_process.child_environment())
    assert places[0] == str(child_process.CODE)
    assert not {"", ".", str(tmp_path)} & set(places)
    assert ("/lib" in places) == ("/lib" in named)


def test_an_installed_wheel_is_not_put_before_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert "PYTHONPATH" not in child_process.child_environment(tmp_path / "site-packages")


def test_the_current_folder_is_left_out_from_now_on_unless_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(child_process.SAFE_PATH, "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    child_process.isolate()
    assert sys.path[:2] == ["", str(tmp_path)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep)
    child_process.isolate()
    assert not {"", str(tmp_path)} & set(sys.path)
    assert os.environ[child_process.SAFE_PATH] == "1"


def test_a_program_that_is_not_ours_keeps_its_own_way_of_finding_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(child_process.SAFE_PATH, "1")
    assert child_process.SAFE_PATH not in child_process.outside_environment()
