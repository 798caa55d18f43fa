"""Where the commands may write: never into the raw part of somebody's study."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pipeline.errors import SettingsError
from pipeline.files.out_folder import LOCK_NAME

Target = TypeVar("Target", Path, Path | None)


def outside_study(target: Target) -> Target:
    """Return a target of ``--output`` as it came.

    Raises
    ------
    SettingsError
        It lies in the raw part of a study folder, where a table or mask of ours could be read as the study's own.
    """
    if target is None:
        return None
    whole = target.resolve()
    for folder in whole.parents:
        if whole.relative_to(folder).parts[0] != "derivatives" and _is_study(folder):
            raise SettingsError(
                f"{target}: this would be written into the study folder {folder}, which holds the study's own scans "
                f"and tables; choose a place outside of it or below {folder / 'derivatives'}"
            )
    return target


def _is_study(folder: Path) -> bool:
    is_output = (folder / LOCK_NAME).exists()
    return not is_output and (folder / "participants.tsv").is_file() and any(folder.glob("sub-*/"))
