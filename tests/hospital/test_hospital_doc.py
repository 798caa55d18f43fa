"""The page on hospitals lists every finding of an import; run this file to write the table."""

import re
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.hospital.importing import clinical_map, site_rules
from pipeline.hospital.oddities import KINDS
from tests.places import ROOT

DOC = ROOT / "docs" / "hospital.md"
HEADER = "| finding | severity | what to do |\n|---|---|---|\n"


def table() -> str:
    return HEADER + "".join(f"| `{code}` | {severity} | {remedy} |\n" for code, (severity, remedy) in KINDS.items())


def test_every_finding_of_an_import_stands_in_the_documentation() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert text.endswith(table()), "run: python -m tests.adapters.dicom.test_hospital_doc"


def test_the_examples_of_rules_and_maps_are_understood(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    rule_text, map_text = sorted(blocks, key=lambda block: "[[table]]" in block)
    (tmp_path / "rules.toml").write_text(rule_text)
    (tmp_path / "map.toml").write_text(map_text)
    loaded = site_rules.load(tmp_path / "rules.toml")
    assert (len(loaded.rule), len(loaded.segment)) == (3, 1)
    assert [part.into for part in clinical_map.load(tmp_path / "map.toml").table] == list(clinical_map.TARGETS)


def test_every_command_of_the_page_has_the_options_it_shows() -> None:
    lines = re.findall(r"^cordtrack (.+)$", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    known = {command.name or command.callback.__name__: command for command in _commands()}
    assert len(lines) >= 12
    for line in lines:
        words = line.split("#")[0].split()
        shown = CliRunner().invoke(app, [words[0], "--help"]).output
        assert words[0] in known, line
        assert [word for word in words if word.startswith("--") and word not in shown] == [], line


def _commands() -> list[Any]:
    groups = [app, *(group.typer_instance for group in app.registered_groups)]
    return [command for group in groups for command in group.registered_commands]


if __name__ == "__main__":
    DOC.write_text(DOC.read_text(encoding="utf-8").split(HEADER)[0] + table(), encoding="utf-8")
