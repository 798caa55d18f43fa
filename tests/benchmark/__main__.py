"""``make benchmark``: every figure of docs/benchmarks.md, measured now on this machine.

Each section is a module of this folder that prints Markdown under a heading; it is run in a process of its own. What
it prints takes the place of the section of that heading in the report, other sections stay. A section that fails stays
as it was, is named, and the command ends with an error.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.places import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
REAL_CORD = ROOT.parent / "shared" / "realcord"
WITH_DATA = ("alignment", "certificate", "masks", "poor_scans", "first_masks", "recurrences", "visible_edges")
WITHOUT_DATA = (
    "cord",
    "description",
    "hand_descriptions",
    "implants",
    "lesions",
    "study_run",
    "growing_study",
    "readers",
    "judging",
    "series_calls",
    "stated_probabilities",
    "cohort_probabilities",
    "store",
    "dicom",
    "damaged_files",
    "faults",
    "ward_kills",
    "first_minutes",
    "pages",
)
ON_REQUEST = ("refits", "follow_up_cost", "alternatives", "thickened")
"""Sections with data that only ``--section`` runs: trials whose figures are in another section too, and what is held
against an earlier commit."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, help="dataset folder with bids/ and truth/; repeatable")
    parser.add_argument("--section", action="append", help="only these; the report is printed, pictures are written")
    parser.add_argument("--keep", action="store_true", help="put the sections named into docs/benchmarks.md")
    arguments = parser.parse_args()
    folders = arguments.data or [
        folder for name in ("cervical", "thoracolumbar") if (folder := REAL_CORD / name).is_dir()
    ]
    wanted = arguments.section or [*WITH_DATA, *WITHOUT_DATA]
    printed = [_machine()]
    if not folders:
        printed.append("No dataset with known truth was found beside the project: figures of real scans are missing.\n")
    failed = []
    for name in wanted:
        takes_data = name in (*WITH_DATA, *ON_REQUEST)
        if takes_data and not folders:
            continue
        command = [sys.executable, "-m", f"tests.benchmark.{name}"]
        command += [word for folder in folders for word in ("--data", str(folder))] if takes_data else []
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            failed.append(name)
        else:
            printed.append(done.stdout)
    if failed:
        sys.stderr.write(f"failed, see the messages above: {', '.join(failed)}\n")
    if arguments.section and not arguments.keep:
        sys.stdout.write("\n".join(printed))
    else:
        report = REPORT.read_text(encoding="utf-8")
        for text in printed:
            report = with_sections(report, text, f"_{_machine().strip()}_")
        REPORT.write_text(report, encoding="utf-8")
        sys.stdout.write(f"wrote {REPORT.relative_to(ROOT)}\n")
    return 1 if failed else 0


def with_sections(report: str, printed: str, origin: str) -> str:
    """Return a report with the sections that were printed in the place of those with their headings, else at its end.

    Parameters
    ----------
    report, printed
        Markdown with headings ``## ``; what stands before the first of ``printed`` is left out.
    origin
        A line put below each printed heading: when and where it was measured.
    """
    for section in _sections(printed)[1:]:
        heading, _, body = section.partition("\n")
        whole = f"{heading}\n{origin}\n\n{body.strip()}\n\n"
        parts = _sections(report)
        names = [part.partition("\n")[0] for part in parts]
        if heading in names:
            parts[names.index(heading)] = whole
        else:
            parts.append(f"\n{whole}")
        report = "".join(parts)
    return f"{report.rstrip()}\n"


def _sections(text: str) -> list[str]:
    """Return what stands before the first heading, and each section with its heading."""
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


def _machine() -> str:
    day = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Measured {day}: {machine}.\n"


if __name__ == "__main__":
    sys.exit(main())
