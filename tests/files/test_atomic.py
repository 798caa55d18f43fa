"""One way to write: whole or not at all, nothing half-written left, and on the disk before it has the name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pipeline.files import atomic
from tests.places import ROOT


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    atomic.write_bytes(target, b"old")

    def half_written() -> None:
        with atomic.replacing(target) as partial:
            partial.write_bytes(b"ne")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        half_written()
    assert (names(tmp_path), target.read_bytes()) == (["a.txt"], b"old")


def test_the_content_reaches_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda own, to: (done.append("name"), replace(own, to))[1])
    atomic.write_bytes(tmp_path / "new" / "a.txt", b"new")
    assert done == ["sync", "name", "sync"]
    assert names(tmp_path / "new") == ["a.txt"]


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    target = tmp_path / "secret"
    with atomic.replacing(target, mode=0o600) as partial:
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        partial.write_bytes(b"key")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_nobody_writes_in_a_way_of_their_own() -> None:
    """``Path.replace`` puts files in place in this one module; strings and dataclasses are replaced elsewhere."""
    own = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "pipeline").rglob("*.py"))
        if "partial.replace(" in path.read_text(encoding="utf-8") or "os.replace(" in path.read_text(encoding="utf-8")
    ]
    assert own == []
