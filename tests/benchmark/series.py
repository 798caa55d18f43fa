"""Where the scans and masks of a dataset with known truth are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.core.volume import Volume
from pipeline.files import images


def sessions(folder: Path, patient: str) -> list[str]:
    """Return a patient's sessions in order; a reader drew on the first."""
    return sorted(path.name for path in (folder / "bids" / patient).glob("ses-*"))


def is_treated(folder: Path, patient: str) -> bool:
    """Say whether a patient had a treatment other than surgery."""
    given = pd.read_csv(folder / "bids" / "treatments.tsv", sep="\t")
    return bool((given.loc[given["participant_id"] == patient, "kind"] != "surgery").any())


def scan(folder: Path, patient: str, session: str) -> Volume:
    return images.load(min((folder / "bids" / patient / session / "anat").glob("*_T2w.nii.gz")))


def drawn(folder: Path, patient: str, session: str) -> Volume:
    """Read the reader's label map."""
    return images.load(min((folder / "bids" / "derivatives").rglob(f"{patient}_{session}_*_dseg.nii.gz")))


def true(folder: Path, patient: str, session: str) -> Volume:
    """Read the true label map."""
    return images.load(min((folder / "truth" / "masks").glob(f"{patient}_{session}_*_dseg.nii.gz")))
