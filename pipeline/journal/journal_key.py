"""The key that seals the journal's lines: a file that the environment names, outside of what it protects.

Who can rewrite the journal must not be able to read the key: one inside the output folder or the study is copied,
backed up and given away with them, and proves nothing. It is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.files import out_folder

KEY_FILE = "CORDTRACK_JOURNAL_KEY_FILE"
"""Variable of the environment that names a file with a key; kept outside the study and the output folder."""
SHORTEST_KEY = 16


def key() -> bytes | None:
    """Return the key of whoever keeps this journal, None where none is used.

    Raises
    ------
    StoreError
        The file that is named cannot be read, or is too short.
    """
    named = os.environ.get(KEY_FILE)
    if not named:
        return None
    try:
        content = Path(named).read_bytes().strip()
    except OSError as error:
        raise StoreError(
            f"{named}: expected the journal's key ({KEY_FILE} names this file), but it cannot be read "
            f"({error.strerror}); put the file back or correct its permissions"
        ) from error
    if len(content) < SHORTEST_KEY:
        raise StoreError(
            f"{named}: expected a key of at least {SHORTEST_KEY} bytes, found {len(content)}; make a longer one"
        )
    return content


def name_in_full() -> None:
    """Name the key by its whole path from now on: programs that this one starts stand in other folders."""
    if named := os.environ.get(KEY_FILE):
        os.environ[KEY_FILE] = str(Path(named).absolute())


def check_place(out_dir: Path, bids_dir: Path | None = None) -> None:
    """Refuse a key that lies in the output folder or in the study, by its own name or by where a link leads.

    Parameters
    ----------
    bids_dir
        The study; where it is not given, the one that the output folder was made of, if that is known.

    Raises
    ------
    StoreError
        It lies there; the message says where it may.
    """
    named = os.environ.get(KEY_FILE)
    if not named:
        return
    protected = {"output folder": out_dir, "study": bids_dir or _study_of(out_dir)}
    for words, folder in protected.items():
        if folder is not None and folder.is_dir() and any(above.samefile(folder) for above in _folders_above(named)):
            raise StoreError(
                f"{named}: expected the journal's key ({KEY_FILE} names this file) outside of the {words}, found it in "
                f"{folder}, where whoever can rewrite the journal can read it; move the file to a folder of its own "
                f"that they cannot read, and name that one: lines that are sealed stay so"
            )


def _folders_above(named: str) -> Iterator[Path]:
    """Yield the folders that hold the file as it is named, and those that hold what a link leads to."""
    file = Path(named)
    try:
        places = (file.parent.resolve(), file.resolve().parent)
    except (OSError, RuntimeError) as error:  # the latter by Python before 3.13
        raise StoreError(
            f"{named}: expected the journal's key ({KEY_FILE} names this file), found links that lead to one another; "
            "name the file itself"
        ) from error
    for place in places:
        yield from (folder for folder in (place, *place.parents) if folder.is_dir())


def _study_of(out_dir: Path) -> Path | None:
    if not (out_dir / out_folder.SETTINGS).is_file():
        return None
    return out_folder.study_of(out_dir)
