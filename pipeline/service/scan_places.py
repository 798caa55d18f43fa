"""Folders of the server that scans may be added from: below the roots that whoever started it named, and no others.

A page only ever hands over one of the names offered here. A name is looked up anew each time it is used, by the worker
too: what leads out of its root, by a link or by dots, is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import SettingsError

ROOTS_VARIABLE = "CORDTRACK_SCAN_ROOTS"
"""Environment variable with the roots, a JSON list of absolute paths."""
DEEPEST = 3
MOST_OFFERED = 500


def check_roots(roots: Sequence[Path], kept_out: Sequence[Path]) -> str:
    """Return the value of :data:`ROOTS_VARIABLE` for some folders.

    Parameters
    ----------
    kept_out
        The study and output folder, which nobody adds scans from.

    Raises
    ------
    SettingsError
        One is no folder, holds the study or the results or lies in them, or two have one name.
    """
    resolved = [root.resolve() for root in roots]
    for given, root in zip(roots, resolved, strict=True):
        if not root.is_dir():
            raise SettingsError(f"{given}: expected a folder that scans may be added from, found none; correct it")
        for other in (folder.resolve() for folder in kept_out):
            if root.is_relative_to(other) or other.is_relative_to(root):
                raise SettingsError(f"{given}: expected a folder apart from {other}; name another one")
    if len({root.name for root in resolved}) < len(resolved):
        raise SettingsError("expected folders of different names to add scans from, found two alike; rename one")
    return json.dumps([str(root) for root in resolved])


def roots_in(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return the roots by their names."""
    return {Path(text).name: Path(text) for text in json.loads(environment.get(ROOTS_VARIABLE) or "[]")}


def offered(roots: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the folders that scans may be added from, as ``root/folder/folder``; links are not followed."""
    names = (name for root_name, root in sorted(roots.items()) for name in _below(root, root_name, DEEPEST))
    return tuple(name for name, _ in zip(names, range(MOST_OFFERED), strict=False))


def folder_called(name: str, roots: Mapping[str, Path]) -> Path:
    """Return the folder of a name that was offered.

    Raises
    ------
    SettingsError
        It is below none of the roots, leads out of its root, or is no folder.
    """
    root_name, *parts = name.split("/")
    root = roots.get(root_name)
    is_plain = all(part not in ("", ".", "..") and part.isprintable() and "\\" not in part for part in parts)
    if root is None or not is_plain:
        raise SettingsError("expected a folder below those that the server may read, found another; nothing was read")
    folder = root
    for part in parts:
        folder = folder / part
        if folder.is_symlink():
            raise SettingsError(f"{name}: expected a folder, found a link, which may lead out; nothing was read")
    if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
        raise SettingsError(f"{name}: expected a folder that is there, found none; choose another")
    return folder


def _below(folder: Path, name: str, deepest: int) -> Iterator[str]:
    yield name
    if not deepest:
        return
    try:
        with os.scandir(folder) as listed:
            inside = sorted(
                entry.name for entry in listed
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".") and entry.name.isprintable()
            )  # fmt: skip
    except OSError:
        return
    for part in inside:
        yield from _below(folder / part, f"{name}/{part}", deepest - 1)
