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


@pytest.mark.parametrize(("umask", "others"), [(None, 0), ("027", 0o040)])
def test_what_is_written_can_be_read_by_its_own_user_only_unless_a_group_is_let_in(
    tmp_path: Path, umask: str | None, others: int
) -> None:
    (tmp_path / "sizes.csv").write_text("patient_id,date,volume_mm3\np1,2020-01-01,900\n", encoding="utf-8")
    environment = child_process.child_environment() | ({} if umask is None else {child_process.UMASK: umask})
    command = child_process.module_command("pipeline", "import", tmp_path / "sizes.csv", tmp_path / "study")
    subprocess.run(command, env=environment, check=True, capture_output=True)
    modes = [path.stat().st_mode for path in (tmp_path / "study").rglob("*") if path.is_file()]
    assert len(modes) > 2
    assert {mode & 0o077 for mode in modes} == {others}


def test_rights_that_nobody_understands_end_the_program_in_one_sentence() -> None:
    environment = child_process.child_environment() | {child_process.UMASK: "rwx"}
    command = child_process.module_command("pipeline", "version")
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.strip() == "CORDTRACK_UMASK: expected three octal digits such as 027, found 'rwx'"
