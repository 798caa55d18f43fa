"""The journal against what was published: each file only grows, so its earlier bytes must be found again.

Lines cut off the end, a journal that is gone, or one written anew with digests of its own are noticed so, and a run
refuses to publish without what people did. Where a key is in use, lines that no seal vouches for are refused too: they
were written before the key was used, or anew by somebody without it, which nothing in the file can tell. Where a loss
is known and cannot be mended, a person says so on record (``OUT_DIR/journal/history.jsonl``), and that line stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.core.records import JournalHead
from pipeline.errors import SettingsError, StoreError
from pipeline.journal import append_only

FILE = "journal/history.jsonl"
REQUIRED = ("entry_id", "previous", "written_at", "who", "act", "file", "sha256", "reason")
ACCEPT = "accept_history"
UNPROVEN = (
    "lines that the journal's key did not seal, and no sealed line after them vouches for them: written before there "
    "was a key, or anew without it; compare them with a copy"
)


@dataclass(frozen=True)
class LostHistory:
    """A file of the journal that is not what was published, or that no key vouches for, and how so, in words."""

    head: JournalHead
    difference: str


def heads(out_dir: Path) -> tuple[JournalHead, ...]:
    """Return how far each file of the journal goes now.

    Raises
    ------
    StoreError
        A file is there and cannot be read.
    """
    return tuple(_head(file, content) for file, content in _contents(out_dir))


def lost(out_dir: Path, published: Iterable[JournalHead]) -> tuple[LostHistory, ...]:
    """Return which files lack what was published, or hold what no seal vouches for, but for what was accepted.

    Raises
    ------
    StoreError
        A file is there and cannot be read.
    """
    accepted = set(append_only.read(out_dir, FILE, _accepted).entries)
    differing = [(head, _difference(out_dir, head)) for head in published]
    differing += [(head, UNPROVEN) for head in _unproven(out_dir)]
    return tuple(
        LostHistory(head, difference)
        for head, difference in differing
        if difference and (head.file, head.sha256) not in accepted
    )


def check(out_dir: Path, published: Iterable[JournalHead]) -> None:
    """Refuse an output folder whose journal lost what was published.

    Raises
    ------
    StoreError
        The message says which file, how it differs, and what to do.
    """
    gone = lost(out_dir, published)
    if gone:
        differences = "; ".join(f"{one.head.file}: {one.difference}" for one in gone)
        raise StoreError(
            f"{out_dir}: expected the journal that the published results were made with, found another "
            f"({differences}); nothing was published. Put the journal back from a copy (cordtrack restore), or, where "
            "the loss is known and cannot be mended, say so on record: cordtrack journal accept"
        )


def accept(out_dir: Path, published: Iterable[JournalHead], *, who: str, reason: str, at: datetime) -> int:
    """Put on record that what was lost is known, and return for how many files.

    Parameters
    ----------
    at
        Now, UTC without a time zone.

    Raises
    ------
    SettingsError
        Nothing is lost, or nobody says why.
    StoreError
        The journal cannot be written.
    """
    if not who.strip() or not reason.strip():
        raise SettingsError("journal accept: expected who says so and why, found none; give --who and --reason")
    gone = lost(out_dir, published)
    if not gone:
        raise SettingsError(
            f"{out_dir}: expected a journal that lost lines, found one that is whole; nothing to accept"
        )
    with append_only.writing(out_dir, FILE) as lines:
        last = append_only.read(out_dir, FILE, _accepted).last
        for one in gone:
            content = {"written_at": f"{at.isoformat(timespec='seconds')}Z", "who": who.strip(), "act": ACCEPT}
            content |= {"file": one.head.file, "sha256": one.head.sha256, "reason": reason.strip()}
            lines.append(append_only.sealed(content, last))
            last = lines[-1]["entry_id"]
    return len(gone)


def _difference(out_dir: Path, head: JournalHead) -> str:
    """Say how a file differs from what was published of it; nothing where it only grew."""
    path = out_dir / head.file
    if not path.is_file():
        return f"expected {_lines(head.line_count)}, found no such file"
    content = _content(path)
    if len(content) < head.size_bytes:
        left = content.count(b"\n")
        return f"expected at least {_lines(head.line_count)}, found {_lines(left)}"
    if hashlib.sha256(content[: head.size_bytes]).hexdigest() != head.sha256:
        return f"its first {_lines(head.line_count)} are not those that were published"
    return ""


def _unproven(out_dir: Path) -> tuple[JournalHead, ...]:
    """Return the beginnings of files that the key in use does not vouch for; none where no key is in use."""
    return tuple(
        _head(file, beginning)
        for file, content in _contents(out_dir)
        for beginning in (append_only.unproven(content),)
        if beginning
    )


def _contents(out_dir: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((out_dir / "journal").glob("*.jsonl")):
        yield f"journal/{path.name}", _content(path)


def _head(file: str, content: bytes) -> JournalHead:
    return JournalHead(file, content.count(b"\n"), len(content), hashlib.sha256(content).hexdigest())


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: expected the journal, but it cannot be read ({error.strerror})") from error


def _accepted(fields: Mapping[str, Any]) -> tuple[str, str]:
    if not all(isinstance(fields.get(name), str) for name in REQUIRED) or fields["act"] != ACCEPT:
        raise ValueError(f"expected the fields {', '.join(REQUIRED)}, found others")
    return fields["file"], fields["sha256"]
