"""The recipes of ``docs/deploy.md`` can be read by what they are for, and name commands that there are."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from tests.places import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^```\w+ title=\"(\S+)\"\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
UNITS = [name for name in RECIPES if name.endswith((".service", ".timer"))]
SCRIPTS = [name for name in RECIPES if name.endswith(".sh")]
COMMANDS = {
    *re.findall(r"bin/cordtrack (\w+)", PAGE),
    *re.findall(r"\bcordtrack (gather|run|export|backup|rebuild) ", PAGE),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_one(name: str) -> None:
    done = subprocess.run(["sh", "-n"], input=RECIPES[name], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_has_the_sections_and_lines_of_one(name: str, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(RECIPES[name])
    assert set(unit.sections()) <= {"Unit", "Service", "Timer", "Install"}
    if name.endswith(".service"):
        assert unit["Service"]["User"] == "cordtrack", "never as root"
        assert unit["Service"]["UMask"] == "0077"
        assert "cordtrack" in unit["Service"]["ExecStart"]
    if shutil.which("systemd-analyze"):
        (tmp_path / name).write_text(RECIPES[name], encoding="utf-8")
        done = subprocess.run(
            ["systemd-analyze", "verify", tmp_path / name], text=True, capture_output=True, check=False
        )
        assert "Unknown" not in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_ends_what_it_opens_and_passes_on_what_the_pages_need(name: str) -> None:
    text = RECIPES[name]
    assert text.count("{") == text.count("}")
    assert "127.0.0.1:8501" in text
    if name == "nginx.conf":
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        assert all(line.endswith((";", "{", "}")) for line in lines)
        assert {"proxy_set_header Host $host;", "proxy_set_header Upgrade $http_upgrade;"} <= set(lines)


def test_the_pages_of_a_container_are_published_on_this_machine_only() -> None:
    published = re.findall(r"-p (\S+)", RECIPES["container.sh"])
    assert published == ["127.0.0.1:8501:8501"]
    assert "USER cordtrack" in RECIPES["Containerfile"], "never as root"


def test_every_command_named_is_there() -> None:
    assert {"run", "dashboard", "gather", "export", "backup"} <= COMMANDS
    for command in sorted(COMMANDS):
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command
