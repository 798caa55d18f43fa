"""Everything that is put on record, changed or run goes through one door, and what was typed is no identity there."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest

from dashboard.data import acts, door, study_jobs, who
from pipeline.errors import SettingsError
from pipeline.journal.decisions import Act, ActKind
from tests.places import ROOT

WRITERS = {
    "put_on_record", "correct_mask", "append", "save", "delete", "cancel", "ask_for_run", "copytree", "record",
    "rmtree", "begin", "confirm", "ask_for",
}  # fmt: skip
"""Functions of other rooms that write; named as they are called in ``dashboard/data``."""
ROOMS = {
    "sign_off",
    "act_file",
    "cohort_file",
    "jobs",
    "asking",
    "shutil",
    "study_forms",
    "deliveries",
    "archive_fetch",
}


def test_an_act_bears_who_signed_in_and_not_what_was_typed(tiny, signed_in, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "cordtrack.duckdb").symlink_to(tiny / "cordtrack.duckdb")
    monkeypatch.setenv("CORDTRACK_OUT", str(out))
    signed_in("board")
    acts.record("Somebody Else", Act(ActKind.COMMENT, "sub-01", reason="seen"))
    line = json.loads((out / "journal" / "acts.jsonl").read_text(encoding="utf-8"))
    assert (line["who"], line["identity"]) == ("V. Erified", "https://idp 17")
    (entry,) = (one for one in acts.act_file.read(out).entries)
    assert entry.who == "V. Erified"


@pytest.mark.parametrize("groups", [(), ("ward",), ("kitchen",)])
def test_who_has_no_role_for_it_is_refused_before_anything_is_written(empty, signed_in, groups):
    signed_in(*groups)
    for deed in (
        lambda: acts.record("A", Act(ActKind.COMMENT, "sub-01", reason="seen")),
        lambda: acts.save_cohort("A", "mine", {"histology": ["ependymoma"]}, 1),
        acts.take_effect,
        lambda: study_jobs.ask_for_run("A"),
        lambda: study_jobs.cancel("x", "A"),
        lambda: study_jobs.take_sample("A"),
    ):
        with pytest.raises(SettingsError, match="may not"):
            deed()
    assert [file.name for file in empty.iterdir()] == ["sign_in.toml"]


def test_no_function_of_the_pages_writes_without_the_door():
    for path in sorted((ROOT / "dashboard").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and _writes(function):
                assert _calls(function, "door", {"enter", "enter_for"}), f"{path.relative_to(ROOT)}: {function.name}"


def _writes(function: ast.FunctionDef) -> bool:
    return any(_calls(function, room, WRITERS) for room in ROOMS)


def _calls(function: ast.FunctionDef, room: str, names: set[str]) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == room
        and node.attr in names
        for node in ast.walk(function)
    )


def test_the_file_about_the_sign_in_is_read_anew_when_it_changes(signed_in, monkeypatch):
    signed_in("board")
    assert door.visitor().name == "V. Erified"
    file = Path(os.environ[who.SIGN_IN_VARIABLE])
    file.write_text(file.read_text(encoding="utf-8") + 'revoked = ["17"]\n', encoding="utf-8")
    assert door.visitor().name == ""
