"""``cordtrack serve`` serves this machine alone, and what cannot be a study is refused before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.errors import SettingsError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "ward.example.org"])
def test_another_address_than_this_machine_s_is_refused(tmp_path: Path, host: str) -> None:
    arguments = ["serve", str(tmp_path / "study"), str(tmp_path / "out"), "--host", host]
    with pytest.raises(SettingsError, match="this machine alone"):
        CliRunner().invoke(commands.app, arguments, catch_exceptions=False)
    assert not (tmp_path / "study").exists()


def test_a_file_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("", encoding="utf-8")
    arguments = ["serve", str(tmp_path / "study"), str(tmp_path / "out")]
    with pytest.raises(SettingsError, match="expected a folder"):
        CliRunner().invoke(commands.app, arguments, catch_exceptions=False)
