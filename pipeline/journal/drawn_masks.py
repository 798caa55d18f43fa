"""Masks that people drew in place of the measured ones, beside the journal: ``OUT_DIR/journal/masks/<sha256>.nii.gz``.

Each file is named by its own digest and never changed or removed: an entry of the journal speaks of exactly these
bytes, and no run can make them again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from pipeline.core.volume import Volume
from pipeline.errors import InputError, StoreError
from pipeline.files import fingerprints
from pipeline.files.atomic import put_in_place

FOLDER = "journal/masks"


def relative_path(sha256: str) -> str:
    """Return where a kept mask is, relative to the output folder."""
    return f"{FOLDER}/{sha256}.nii.gz"


def keep(out_dir: Path, mask: Volume) -> str:
    """Write a mask, whole or not at all and safe from a power cut, and return its digest.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    from pipeline.files import images  # noqa: PLC0415  # a page that shows acts does not wait for what reads scans

    folder = out_dir / FOLDER
    written = folder / f".{os.getpid()}-{threading.get_ident()}.nii.gz"  # a dashboard serves people in threads
    try:
        images.save(mask, written)
        sha256 = fingerprints.of_file(written)
        put_in_place(written, out_dir / relative_path(sha256))
    except (OSError, RuntimeError, StoreError) as error:
        raise StoreError(
            f"{folder}: the mask cannot be kept ({error}); free some space or correct the folder's permissions, then "
            f"do it again. Nothing was put on record"
        ) from error
    finally:
        written.unlink(missing_ok=True)
    return sha256


def read(out_dir: Path, sha256: str) -> Volume:
    """Read a kept mask.

    Raises
    ------
    InputError
        It is gone, or no longer the file that the journal speaks of.
    """
    from pipeline.files import images  # noqa: PLC0415  # as above

    digest_now = digest(out_dir, sha256)
    if digest_now != sha256:
        what = "none" if digest_now is None else "a changed file"
        raise InputError(f"{relative_path(sha256)}: expected the mask that a person drew, found {what}")
    return images.load(out_dir / relative_path(sha256))


def digest(out_dir: Path, sha256: str) -> str | None:
    """Return the digest of what lies in the place of a kept mask now; None when nothing does."""
    path = out_dir / relative_path(sha256)
    return fingerprints.of_file(path) if path.is_file() else None


def problems(out_dir: Path, wanted: Iterable[str | None]) -> list[str]:
    """Say which masks that the journal speaks of are gone or changed, in words."""
    return [
        f"{relative_path(sha256)}: expected the mask that a person drew, found "
        + ("none" if digest(out_dir, sha256) is None else "a changed file")
        for sha256 in dict.fromkeys(wanted)
        if sha256 is not None and digest(out_dir, sha256) != sha256
    ]
