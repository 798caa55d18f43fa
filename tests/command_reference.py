"""Write ``docs/commands.md`` from the commands' own help: ``python -m tests.command_reference`` (or ``make docs``)."""

from __future__ import annotations

from typer.main import get_command
from typer.testing import CliRunner

from pipeline.cli.commands import app
from tests.places import ROOT

TARGET = ROOT / "docs" / "commands.md"
WIDTH = "110"

INTRODUCTION = """# Commands

Written by `python -m tests.command_reference` from `cordtrack COMMAND --help`; do not edit. Exit code 0: done; 1: done,
but something was left out and `--strict` asked to be told; 2: refused, with a sentence that says what to do.
"""


def markdown() -> str:
    """Return the help of all commands as a page, one part for each."""
    return INTRODUCTION + "".join(f"\n## {' '.join(path)}\n\n```\n{_help(path)}\n```\n" for path in _paths())


def _paths() -> list[tuple[str, ...]]:
    """Return each command as the words that call it, groups as their parts."""
    paths: list[tuple[str, ...]] = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # a group of commands
        inner = getattr(command, "commands", {})
        paths += [(name, part) for part in inner] or [(name,)]
    return paths


def _help(path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": WIDTH, "TERM": "dumb"}, prog_name="cordtrack")
    assert shown.exit_code == 0, shown.output
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


if __name__ == "__main__":
    TARGET.write_text(markdown(), encoding="utf-8")
