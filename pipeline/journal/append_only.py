"""Files in ``OUT_DIR/journal``: one JSON object a line, only ever added to.

Each line names the one before it and carries a digest of itself, so that a line that was changed, lost or torn by a
crash is noticed and said. Writers wait for one another; readers wait for nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from pipeline.errors import StoreError
from pipeline.journal import journal_key

LOCK = "journal/.lock"
PATIENCE_SECONDS = 10.0
"""How long a writer waits for another one; a line takes milliseconds."""

SEAL = "seal"

T = TypeVar("T")


@dataclass(frozen=True)
class Chain(Generic[T]):
    """What the lines of a file say, in the order they were written.

    Attributes
    ----------
    entries
        Of the lines that can be read and were not changed.
    unusable, missing
        What is wrong with the file, in words: lines that have no effect, and lines that are gone.
    last
        Id of the last line; empty when there is none.
    """

    entries: tuple[T, ...]
    unusable: tuple[str, ...]
    missing: tuple[str, ...]
    last: str


def read(out_dir: Path, file: str, accept: Callable[[Mapping[str, Any]], T]) -> Chain[T]:
    """Read a file; nothing when nobody wrote anything yet.

    Parameters
    ----------
    file
        Relative to the output folder.
    accept
        Makes an entry of the fields of a line; raises ValueError or TypeError for what it does not know.

    Raises
    ------
    StoreError
        The file is there and cannot be opened, or the key lies beside it.
    """
    journal_key.check_place(out_dir)
    path = out_dir / file
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise StoreError(f"{path}: expected the journal, but it cannot be read ({error.strerror})") from error
    key, is_sealed = journal_key.key(), False
    entries: list[T] = []
    unusable: list[str] = []
    missing: list[str] = []
    last = ""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = _opened(line)
            seal = fields.pop(SEAL, None)
            if key is not None:
                _check_seal(fields, seal, key, is_due=is_sealed)
            is_sealed |= seal is not None
            entry = accept(fields)
        except (ValueError, TypeError) as error:
            unusable.append(f"{file} line {number}: {error}")
            continue
        if fields["previous"] != last:
            message = f"{file} line {number}: expected the line before it to be {fields['previous'] or 'none'}, found "
            missing.append(message + (last or "none"))
        last = fields["entry_id"]
        entries.append(entry)
    return Chain(tuple(entries), tuple(unusable), tuple(missing), last)


def sealed(fields: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """Return the fields of a line with the id of the line before it and a digest of all as its own id.

    Where there is a key, a line carries a seal too, which nobody can make who has not got it.

    Raises
    ------
    StoreError
        The key that is named cannot be read.
    """
    content = {"previous": previous, **fields}
    key = journal_key.key()
    if key is not None:
        content[SEAL] = _seal(content, key)
    return {"entry_id": _digest(content), **content}


def without_seal(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line says, without what proves who wrote it."""
    return {name: value for name, value in line.items() if name != SEAL}


def unproven(content: bytes) -> bytes:
    """Return the lines before the first one that the key sealed, where that one does not vouch for them.

    A seal holds the digest of the line before it, so it vouches for all lines that are chained to it.

    Parameters
    ----------
    content
        Of a whole file of the journal.

    Returns
    -------
    bytes
        Nothing where no key is in use, or all lines are vouched for.

    Raises
    ------
    StoreError
        The key that is named cannot be read.
    """
    key, start, last, is_chained = journal_key.key(), 0, "", True
    if key is None:
        return b""
    for line in content.split(b"\n"):
        if line.strip():
            fields, is_sealed = _with_seal(line, key)
            is_chained &= fields.get("previous") == last
            if is_sealed:
                return b"" if is_chained else content[:start]
            last = fields.get("entry_id", "")
        start += len(line) + 1
    return content if content.strip() else b""


def _with_seal(line: bytes, key: bytes) -> tuple[dict[str, Any], bool]:
    """Return the fields of a line and whether this key sealed it; no fields where it cannot be read."""
    fields: dict[str, Any] = {}
    try:
        fields = _opened(line)
        _check_seal(without_seal(fields), fields.get(SEAL), key, is_due=True)
    except ValueError:
        return fields, False
    return fields, True


@contextmanager
def writing(out_dir: Path, file: str) -> Iterator[list[dict[str, Any]]]:
    """Hold the file against other writers; what is put into the list is added at the end, all or nothing.

    Raises
    ------
    StoreError
        The file cannot be written, another program does not finish, or the key lies beside it.
    """
    journal_key.check_place(out_dir)
    path = out_dir / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out_dir / LOCK, timeout=PATIENCE_SECONDS):
            lines: list[dict[str, Any]] = []
            yield lines
            _add(path, b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines))
    except Timeout as error:
        raise StoreError(f"{path}: another program is writing here and does not finish; try again later") from error
    except OSError as error:
        raise StoreError(
            f"{path}: the journal cannot be written ({error.strerror}); free some space or correct the folder's "
            f"permissions, then do it again"
        ) from error


def _add(path: Path, lines: bytes) -> None:
    """Add whole lines and wait until they are on the disk; a torn line before them is closed first."""
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            lines = lines if stream.read(1) == b"\n" else b"\n" + lines
        stream.write(lines)
        stream.flush()
        os.fsync(stream.fileno())


def _opened(line: bytes) -> dict[str, Any]:
    """Return the fields of a line.

    Raises
    ------
    ValueError
        The line is torn or was changed.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("expected one JSON object, found a line that is broken off or damaged") from error
    if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str) for name in ("entry_id", "previous")):
        raise ValueError("expected the fields entry_id, previous, found others")
    content = {name: value for name, value in fields.items() if name != "entry_id"}
    if _digest(content) != fields["entry_id"]:
        raise ValueError("its digest does not fit: it was changed after it was written")
    return fields


def _seal(content: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _check_seal(fields: Mapping[str, Any], seal: Any, key: bytes, *, is_due: bool) -> None:
    """Refuse a line that this key did not seal; lines from before there was a key have none."""
    if seal is None:
        if is_due:
            raise ValueError("expected a seal as on the lines before it, found none")
        return
    content = {name: value for name, value in fields.items() if name != "entry_id"}
    if not hmac.compare_digest(str(seal), _seal(content, key)):
        raise ValueError("its seal does not fit: it was not written with this key, or changed since")


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
