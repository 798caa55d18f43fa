"""Files that only point to their content, as git-annex, Git LFS and git leave them: named as what they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

LONGEST_POINTER = 2048
"""Bytes of a file that only points to its content, at most."""


class Pointer(NamedTuple):
    """What stands in a file in place of its content, and what to do."""

    what: str
    remedy: str


POINTERS = (
    (
        re.compile(rb".?version https://git-lfs", re.DOTALL),
        Pointer("a Git LFS pointer, not its content", "fetch it with 'git lfs pull'"),
    ),
    (
        re.compile(rb"(?:[^\t\r\n\0]*[/\\])?annex[/\\]objects[/\\]"),
        Pointer("a git-annex pointer, not its content", "fetch it with 'git annex get' or 'datalad get'"),
    ),
    (
        re.compile(rb"\.\.?[/\\][^\t\r\n\0]+\s*\Z"),
        Pointer("the path of a link, not its content", "copy it from where its links work, with cp -rL"),
    ),
)
"""How a pointer begins, and what it is: git writes a link as the text of its path where a disc knows no links."""


def pointer_at(path: Path) -> Pointer | None:
    """Return what a file points with; None where it holds its content or cannot be read."""
    try:
        if path.stat().st_size > LONGEST_POINTER:
            return None
        return pointer_in(path.read_bytes())
    except OSError:
        return None  # said by whoever reads the file


def pointer_in(content: bytes) -> Pointer | None:
    """Return what some content points with; None where it is content.

    Examples
    --------
    >>> pointer_in(b"/annex/objects/MD5E-s1--0.tsv").what
    'a git-annex pointer, not its content'
    """
    if len(content) > LONGEST_POINTER:
        return None
    return next((pointer for pattern, pointer in POINTERS if pattern.match(content)), None)
