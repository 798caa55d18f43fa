"""The look for known holes says what it could not ask, and fails for holes only."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests import audit
from tests.places import ROOT

HOLE = {"name": "a", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
CLEAN = {"name": "b", "version": "2.0", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


def tool(folder: Path, stdout: str, stderr: str = "", code: int = 0) -> list[str]:
    """Stand for pip-audit."""
    words = f"import sys; sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); sys.exit({code})"
    return [sys.executable, "-c", words]


@pytest.mark.parametrize(
    ("packages", "words", "code"),
    [
        ([HOLE, CLEAN], "a 1.0: PYSEC-1, mended in 1.1\n2 libraries checked, 1 known holes.", 1),
        ([CLEAN], "1 libraries checked, 0 known holes.", 0),
        ([CLEAN, SKIPPED], "1 libraries checked, 0 known holes. Not in the database, so not checked: c.", 0),
        ([SKIPPED], "knows none of these libraries, so nothing was checked", 0),
    ],
)
def test_holes_are_listed_and_fail_and_what_was_not_checked_is_not_called_clean(
    tmp_path: Path, packages: list[object], words: str, code: int
) -> None:
    outcome = audit.audited(tool(tmp_path, json.dumps({"dependencies": packages}), code=bool(code)))
    assert words in outcome.text
    assert outcome.code == code


@pytest.mark.parametrize(
    ("stderr", "words", "code"),
    [
        ("trace\nConnectionError: Failed to resolve", "cannot be reached, so nothing was checked (ConnectionError", 0),
        ("requests.exceptions.HTTPError: 403 Client Error", "cannot be reached, so nothing was checked", 0),
        ("error: invalid requirement", "pip-audit failed, so nothing was checked: error: invalid requirement", 2),
        ("", "pip-audit failed, so nothing was checked: no message", 2),
    ],
)
def test_a_database_out_of_reach_is_no_failure_but_said(tmp_path: Path, stderr: str, words: str, code: int) -> None:
    outcome = audit.audited(tool(tmp_path, "", stderr, 1))
    assert words in outcome.text
    assert outcome.code == code


def test_a_database_that_never_answers_is_waited_for_no_longer_than_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_SECONDS", 0.2)
    outcome = audit.audited([sys.executable, "-c", "import time; time.sleep(600)"])
    assert outcome == ("The database of known holes did not answer in time, so nothing was checked.", 0)


def test_without_the_tool_it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(audit, "tool_command", lambda: None)
    assert audit.main() == 0
    assert capsys.readouterr().out == (
        "pip-audit is not installed, so nothing was checked; get it with: pip install pip-audit\n"
    )


def test_the_checks_that_work_without_a_network_do_not_ask_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^(\w+):([^#\n]*)", makefile, re.MULTILINE))
    assert "audit" in targets
    assert not any("audit" in needs for needs in targets.values())
