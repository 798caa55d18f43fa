"""Reading is on record: chained lines, a file a month, and nothing of what was read."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.journal import access_log, append_only, backup
from pipeline.journal.roles import Visitor

READER = Visitor("R. Eader", "https://idp 3")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_lines_are_chained_and_begin_a_new_file_each_month(tmp_path: Path) -> None:
    for day in ("2026-01-30T10:00", "2026-01-31T10:00", "2026-02-01T10:00"):
        access_log.note(tmp_path, READER, "opened", "sub-01", at(day))
    assert sorted(path.name for path in (tmp_path / "access").iterdir()) == ["2026-01.jsonl", "2026-02.jsonl"]
    lines, problems = access_log.every(tmp_path)
    assert [line.at.day for line in lines] == [1, 31, 30]
    assert problems == ()
    assert {(line.who, line.identity, line.patient_id) for line in lines} == {("R. Eader", "https://idp 3", "sub-01")}


def test_a_line_that_was_changed_or_torn_is_said_and_hides_no_other(tmp_path: Path) -> None:
    for _ in range(3):
        access_log.note(tmp_path, READER, "opened", "sub-01", at("2026-01-30T10:00"))
    file = tmp_path / "access" / "2026-01.jsonl"
    first, second, third = file.read_text(encoding="utf-8").splitlines()
    changed = json.dumps(json.loads(second) | {"who": "Somebody Else"})
    file.write_text("\n".join((first, changed, third[:40])), encoding="utf-8")
    access_log.note(tmp_path, READER, "took away: y", None, at("2026-01-31T10:00"))
    lines, problems = access_log.every(tmp_path)
    assert [line.what for line in lines] == ["took away: y", "opened"]
    assert len(problems) >= 2


def test_a_file_is_read_again_when_it_changed_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2026-01-30T10:00", "2026-02-01T10:00"):
        access_log.note(tmp_path, READER, "opened", "sub-01", at(day))
    months: access_log.ReadMonths = {}
    before = access_log.every(tmp_path, months)
    read, files = append_only.read, []
    monkeypatch.setattr(append_only, "read", lambda out, file, accept: files.append(file) or read(out, file, accept))
    assert access_log.every(tmp_path, months) == before == access_log.every(tmp_path)
    assert len(files) == 2, "both by who has not read them yet, none by who has"
    access_log.note(tmp_path, READER, "opened", "sub-02", at("2026-02-02T10:00"))
    lines, _ = access_log.every(tmp_path, months)
    assert [line.patient_id for line in lines] == ["sub-02", "sub-01", "sub-01"]
    assert files[2:] == ["access/2026-02.jsonl"]


def test_who_read_comes_back_with_a_copy_of_the_journal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    access_log.note(out, READER, "opened", "sub-01", at("2026-01-30T10:00"))
    assert backup.backup(out, tmp_path / "copy.zip") == 1
    access_log.note(out, READER, "opened", "sub-02", at("2026-01-30T11:00"))
    assert backup.restore(tmp_path / "copy.zip", out) == 0  # a line that the copy lacks stays
    assert backup.restore(tmp_path / "copy.zip", tmp_path / "back") == 1
    lines, problems = access_log.every(tmp_path / "back")
    assert ([line.patient_id for line in lines], problems) == (["sub-01"], ())
