"""The journal of an output folder in one zip file, and back: all that no run can make again.

A copy holds the files of lines (who looked at whom, too), the masks people drew, and what the last run was asked.
Putting one back never takes a line away: a file that goes on from its copy stays, and one that neither goes on from
the other is refused.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path, PurePosixPath

from pipeline.errors import InputError, SettingsError, StoreError
from pipeline.files import atomic
from pipeline.journal import access_log, drawn_masks, journal_key

FOLDER = "journal"
LINES = (FOLDER, access_log.FOLDER)
"""Folders of files of lines."""
SETTINGS = "run.toml"
BY_DIGEST = {drawn_masks.FOLDER: ".nii.gz", "journal/tables": ".tsv"}
"""Folders whose files are named by their own digests: drawn masks, and versions of the study's tables."""
LARGEST = 2_000_000_000
"""Bytes that one file of a copy may hold when it is unpacked."""


def backup(out_dir: Path, archive: Path) -> int:
    """Write the journal, its masks, who read and the last run's settings into a zip file; return how many files.

    Raises
    ------
    SettingsError
        There is no journal.
    StoreError
        It cannot be read, its key lies in the folder, or the copy cannot be written.
    """
    journal_key.check_place(out_dir)
    paths = [path for path in _files(out_dir) if _is_of_a_copy(path.relative_to(out_dir).as_posix())]
    if not paths:
        raise SettingsError(f"{out_dir}: expected a journal, found none; nobody put anything on record here yet")
    settings = out_dir / SETTINGS
    paths += [settings] if settings.is_file() else []
    try:
        with atomic.replacing(archive) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in paths:
                packed.write(path, path.relative_to(out_dir).as_posix())
    except OSError as error:
        raise StoreError(f"{archive}: the copy could not be written ({error.strerror}); free some space") from error
    return len(paths)


def left_out(out_dir: Path) -> tuple[str, ...]:
    """Return which files beside the journal's a copy leaves out: the program put none of them there."""
    names = (path.relative_to(out_dir).as_posix() for path in _files(out_dir))
    return tuple(name for name in names if not _is_of_a_copy(name))


def _files(out_dir: Path) -> list[Path]:
    listed = (path for folder in LINES for path in sorted((out_dir / folder).rglob("*")))
    return [path for path in listed if path.is_file() and not _is_passing(path)]


def restore(archive: Path, out_dir: Path) -> int:
    """Put a copy of the journal back, and return how many files were written; what is there already stays.

    Raises
    ------
    InputError
        The file is no such copy, or damaged.
    SettingsError
        A file of the folder and its copy begin alike and go on differently, or are others altogether.
    StoreError
        The folder cannot be written.
    """
    contents = _contents(archive)
    for name, content in contents.items():
        present = out_dir / name
        if name.endswith(".jsonl") and present.is_file() and not _is_one_history(present.read_bytes(), content):
            raise SettingsError(
                f"{present}: expected a file that goes on from its copy or the other way round, found one with other "
                "lines; take another copy, or move this file away first where its lines are to be given up"
            )
    fresh = {name: content for name, content in contents.items() if _is_wanted(out_dir / name, content)}
    try:
        for name, content in fresh.items():
            atomic.write_bytes(out_dir / name, content)
    except OSError as error:
        raise StoreError(
            f"{out_dir}: the journal could not be put back ({error.strerror}); free some space or correct the "
            "folder's permissions, then do it again"
        ) from error
    return len(fresh)


def _is_wanted(path: Path, content: bytes) -> bool:
    """Say whether a file is written: settings of a later run stay, and so does what goes on from the copy."""
    return not path.is_file() or (path.name != SETTINGS and not path.read_bytes().startswith(content))


def _is_one_history(present: bytes, copied: bytes) -> bool:
    return present.startswith(copied) or copied.startswith(present)


def _contents(archive: Path) -> dict[str, bytes]:
    """Read the files of a copy; each name must be one that a copy has, and each drawn mask what its name says."""
    try:
        with zipfile.ZipFile(archive) as packed:
            contents = {item.filename: _unpacked(packed, item) for item in packed.infolist() if not item.is_dir()}
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"{archive}: expected a copy made by cordtrack backup, found none or a damaged one ({error})"
        ) from error
    strange = [name for name in contents if not _is_of_a_copy(name)]
    if strange or not contents:
        raise InputError(
            f"{archive}: expected a copy made by cordtrack backup, found {strange[0] if strange else 'an empty file'}"
        )
    for name, content in contents.items():
        path = PurePosixPath(name)
        ending = BY_DIGEST.get(path.parent.as_posix())
        if ending and hashlib.sha256(content).hexdigest() != path.name.removesuffix(ending):
            raise InputError(f"{archive}: {name} is not the file that was put on record; take another copy")
    return contents


def _unpacked(packed: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    if item.file_size > LARGEST:
        raise zipfile.LargeZipFile(f"{item.filename} is larger than any file of a journal")
    return packed.read(item)


def _is_of_a_copy(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if name == SETTINGS:
        return True
    is_plain = ".." not in parts and not name.startswith("/") and "\\" not in name and ":" not in name
    ending = BY_DIGEST.get(PurePosixPath(name).parent.as_posix())
    is_kind = (len(parts) == 2 and name.endswith(".jsonl")) or (ending is not None and name.endswith(ending))
    return is_plain and parts[0] in LINES and is_kind


def _is_passing(path: Path) -> bool:
    return path.name.startswith(".")
