"""The examples of docs/own-numbers.md run as they stand there. Two seconds."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.study.own_number_rows import SIZES
from tests.places import ROOT

DOC = ROOT / "docs" / "own-numbers.md"
TEXT = DOC.read_text(encoding="utf-8")
FILES = dict(re.findall(r'```csv title="(\S+)"\n(.*?)```', TEXT, re.DOTALL))
COMMANDS = [
    line.split()[1:] for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("volumes.csv", "treatments.csv"):
        (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    return tmp_path


def test_the_commands_of_the_documentation_do_what_it_says(folder: Path) -> None:
    for command in COMMANDS:
        done = CliRunner().invoke(commands.app, [*command, "--as-of", "2026-01-31"])
        assert done.exit_code == 0, done.output
    with (folder / "judged.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    header, *expected = csv.reader(FILES["judged.csv"].splitlines())
    assert [[row[name] for name in header] for row in rows] == expected
    assert (folder / "odd.csv").read_text(encoding="utf-8").count("\n") == 1
    assert (folder / "my_study" / "phenotype" / "cordtrack_volumes.tsv").is_file()
    assert "sub-P01\t2021-03-20\tsurgery" in (folder / "my_study" / "treatments.tsv").read_text(encoding="utf-8")


def test_every_column_of_sizes_is_explained() -> None:
    assert not [name for name in (*SIZES, "volume_cv", "response", "new_lesion") if f"`{name}`" not in TEXT]
