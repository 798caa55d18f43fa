"""``make audit``: are there known holes in the libraries of ``constraints.txt``? Asks a database on the network.

Never a part of ``make check``, which works without a network. What could not be asked is said in a sentence, and is no
failure: exit code 0. Holes are listed with the version that mends each: exit code 1. Anything else: exit code 2.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.places import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", "30")
UNREACHED = re.compile(
    r"connect|resolve|timed? ?out|network|proxy|ssl|certificate|unreachable|temporar|HTTPError|40[1347]|50[0-4]",
    re.IGNORECASE,
)
"""What is said where the database cannot be had."""
MOST_SECONDS = 600


class Outcome(NamedTuple):
    """What the audit says, and its exit code."""

    text: str
    code: int


def main() -> int:
    tool = tool_command()
    if tool is None:
        outcome = Outcome("pip-audit is not installed, so nothing was checked; get it with: pip install pip-audit", 0)
    else:
        outcome = audited([*tool, *OPTIONS, "--requirement", str(CONSTRAINTS)])
    print(outcome.text)  # noqa: T201
    return outcome.code


def tool_command() -> list[str] | None:
    """Return how pip-audit is started: of this environment, or one that is installed for itself."""
    if importlib.util.find_spec("pip_audit"):
        return [sys.executable, "-m", "pip_audit"]
    program = shutil.which("pip-audit")
    return [program] if program else None


def audited(command: Sequence[str]) -> Outcome:
    """Run pip-audit and say in words what came of it."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome("The database of known holes did not answer in time, so nothing was checked.", 0)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _unanswered(done.stderr)
    return _answered(packages)


def _unanswered(messages: str) -> Outcome:
    last = (messages.strip().splitlines() or ["no message"])[-1][:300]
    if UNREACHED.search(messages):
        return Outcome(f"The database of known holes cannot be reached, so nothing was checked ({last}).", 0)
    return Outcome(f"pip-audit failed, so nothing was checked: {last}", 2)


def _answered(packages: Sequence[dict[str, Any]]) -> Outcome:
    lines = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    skipped = [str(one["name"]) for one in packages if "skip_reason" in one]
    checked = len(packages) - len(skipped)
    if not checked:
        return Outcome("The database that answered knows none of these libraries, so nothing was checked.", 0)
    unknown = f" Not in the database, so not checked: {', '.join(skipped)}." if skipped else ""
    ending = f"{checked} libraries checked, {len(lines)} known holes.{unknown}"
    return Outcome("\n".join([*lines, ending]), 1 if lines else 0)


if __name__ == "__main__":
    sys.exit(main())
