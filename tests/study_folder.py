"""Small study folders for tests: say which files there are, get the folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np

from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.run.study_run import RunSettings, RunSummary, run
from pipeline.study.import_numbers import import_table
from pipeline.study.study_folder import StudyFolder, StudyVisit, read_study

AS_OF = date(2026, 1, 31)
READ_ON = date(2023, 1, 1)
AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
T2W = "sub-01/ses-01/anat/sub-01_ses-01_T2w.nii.gz"
DSEG = "derivatives/reader/sub-01/ses-01/anat/sub-01_ses-01_dseg.nii.gz"

ONE_VISIT: Mapping[str, str | bytes | Volume] = {
    "dataset_description.json": '{"Name": "one visit", "BIDSVersion": "1.10.0"}',
    "participants.tsv": "participant_id\tsex\tage\nsub-01\tF\t40\n",
    "treatments.tsv": "participant_id\tdate\tkind\n",
    "sub-01/sub-01_sessions.tsv": "session_id\tacq_date\nses-01\t2020-02-17\n",
    T2W: b"listed, never opened",
    "derivatives/reader/dataset_description.json": '{"GeneratedBy": [{"Name": "manual"}]}',
    "derivatives/reader/dseg.tsv": "index\tname\n1\ttumour\n2\tcyst\n",
}
"""A folder without oddities; tests add, replace or (with None) remove files."""


def run_of_numbers(folder: Path, volumes: str, treatments: str | None = None) -> RunSummary:
    """Import tables of sizes into ``folder/study``, judge them into ``folder/out`` and return what came of it."""
    files = write_files(folder, {"v.csv": volumes, "t.csv": treatments})
    import_table(files / "v.csv", files / "t.csv" if treatments else None, folder / "study", READ_ON)
    at = datetime(READ_ON.year, READ_ON.month, READ_ON.day)  # noqa: DTZ001
    settings = RunSettings(folder / "study", folder / "out", "imsct_adapted_v1", None, 1, READ_ON, at)
    return run(settings, lambda *_: None)


def write_files(root: Path, files: Mapping[str, str | bytes | Volume | None]) -> Path:
    """Write files into a folder and return it; text as UTF-8, volumes as images, None for no file."""
    for name, content in files.items():
        if content is None:
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Volume):
            images.save(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def study_of(root: Path, files: Mapping[str, str | bytes | Volume | None] | None = None) -> StudyFolder:
    """Read :data:`ONE_VISIT` with some files added, replaced or removed."""
    return read_study(write_files(root, {**ONE_VISIT, **(files or {})}), as_of=AS_OF)


def only_visit(study: StudyFolder) -> StudyVisit:
    """Return the one visit of the one patient."""
    ((visit,),) = (patient.visits for patient in study.patients)
    return visit


def codes(study: StudyFolder) -> list[str]:
    """Return the codes of a study's findings, in alphabetical order."""
    return sorted(finding.code for finding in study.findings)


def volume(array: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Volume:
    """Return a small image; without an array, one of zeros."""
    return Volume(np.zeros((6, 5, 4), dtype=np.uint8) if array is None else array, affine)
