"""The smallest study that shows the whole story: two visits of one patient of the sample study. About 15 s to run."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.places import SAMPLE


def two_visits(folder: Path) -> Path:
    """Copy the first two visits of one patient of the sample study, without what only a description looks at."""
    left_out = ("sub-demo0[2-8]", "ses-0[3-9]", "*_ses-0?_T1w.*", "*_T2starw.*", "labels", "spectroscopy.*")
    shutil.copytree(SAMPLE / "study", folder, ignore=shutil.ignore_patterns(*left_out))
    for table, rows in ((folder / "participants.tsv", 2), (folder / "sub-demo01" / "sub-demo01_sessions.tsv", 3)):
        kept = table.read_text(encoding="utf-8").splitlines(keepends=True)[:rows]
        table.write_text("".join(kept), encoding="utf-8")
    for name in ("treatments.tsv", "function.tsv"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.startswith(("participant_id", "sub-demo01"))]
        (folder / name).write_text("".join(kept), encoding="utf-8")
    return folder
