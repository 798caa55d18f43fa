"""``make benchmark``: every figure of docs/benchmarks.md, measured now on this machine.

Each section is a module of this folder that prints Markdown; it is run in a process of its own. A section that fails
is named as failed in the report, and the command ends with an error.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.places import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
REAL_CORD = ROOT.parent / "shared" / "realcord"
WITH_DATA = ("alignment", "certificate", "masks", "poor_scans", "first_masks")
WITHOUT_DATA = (
    "cord",
    "description",
    "implants",
    "lesions",
    "study_run",
    "growing_study",
    "judging",
    "series_calls",
    "stated_probabilities",
    "store",
    "dicom",
    "damaged_files",
    "faults",
    "pages",
)
ON_REQUEST = ("refits",)
"""Sections with data that only ``--section`` runs: for trials, what they measure is in another section too."""
HEADER = """# Benchmarks

Made by `make benchmark`; nothing here is typed by hand. Other data of the same layout (`bids/`,
`truth/landmarks.tsv`, `truth/volumes.tsv`, `truth/masks/`) is measured with `make benchmark DATA="folder folder"`.
Times are medians on a shared two-core machine and are upper bounds; accuracy does not depend on the machine.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, help="dataset folder with bids/ and truth/; repeatable")
    parser.add_argument("--section", action="append", help="only these; the report is printed, pictures are written")
    arguments = parser.parse_args()
    folders = arguments.data or [
        folder for name in ("cervical", "thoracolumbar") if (folder := REAL_CORD / name).is_dir()
    ]
    wanted = arguments.section or [*WITH_DATA, *WITHOUT_DATA]
    parts = [HEADER, _machine()]
    if not folders:
        parts.append("No dataset with known truth was found beside the project: the alignment figures are missing.\n")
    failed = []
    for name in wanted:
        takes_data = name in (*WITH_DATA, *ON_REQUEST)
        if takes_data and not folders:
            continue
        command = [sys.executable, "-m", f"tests.benchmark.{name}"]
        command += [word for folder in folders for word in ("--data", str(folder))] if takes_data else []
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        parts.append(done.stdout if done.returncode == 0 else f"## {name}\n\nfailed, see the messages of the command\n")
        failed += [name] if done.returncode else []
    report = "\n".join(parts)
    if arguments.section:
        sys.stdout.write(report)
    else:
        REPORT.write_text(report, encoding="utf-8")
        sys.stdout.write(f"wrote {REPORT.relative_to(ROOT)}\n")
    return 1 if failed else 0


def _machine() -> str:
    day = datetime.now(UTC).date().isoformat()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"Measured {day}: {machine}.\n"


if __name__ == "__main__":
    sys.exit(main())
