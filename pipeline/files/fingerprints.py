"""Content hashes: how a result names its inputs, and how a run knows that nothing changed.

A hash covers bytes, never names or times. Files are hashed once; size and modification time say when to look again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

Identity = tuple[int, int, int]
"""Number, time of change and size of a file."""

PACKAGE = Path(__file__).parent.parent
IMPORT = re.compile(rf"^[ \t]*from ({PACKAGE.name}[.\w]*) import (?:\(([^)]*)\)|([^\n]*))", re.MULTILINE)
"""How a module of this package imports from others of it: their name, and what it takes in brackets or on one line."""
COMMENT = re.compile(r"#[^\n]*")
SOFTWARE = ("antspyx", "SimpleITK", "nibabel", "numba", "numpy", "scipy")
"""Distributions whose version can move a number of a run; what no run imports does not stand here."""


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    status = path.stat()
    return _of_file(path, status.st_size, status.st_mtime_ns)


def identity_of(file: Path) -> Identity | None:
    """Return what tells this file from what was or will be at its place; None when there is none. Nothing is read."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def of_values(*values: Any) -> str:
    """Return the SHA-256 of plain values, dataclasses, dates, mappings and sequences; order of keys is irrelevant.

    Examples
    --------
    >>> of_values({"a": 1, "b": 2}) == of_values({"b": 2, "a": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def of_all_code() -> str:
    """Return the SHA-256 of the whole package, criteria included: any change makes a run look at each patient again."""
    return _of_sources(sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".toml"}))


@lru_cache(maxsize=32)
def of_code(*modules: str) -> str:
    """Return the SHA-256 of modules and all they import of this package, so that changed code recomputes.

    Parameters
    ----------
    modules
        Full names, such as ``pipeline.align.registration``.
    """
    seen: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _source_of(name)
        if path is not None and name not in seen:
            seen[name] = path
            waiting += _imports_of(path)
    return _of_sources(sorted(seen.values()))


@lru_cache(maxsize=1)
def software() -> str:
    """Name cordtrack's version and those of the libraries that can move a number."""
    return "; ".join(f"{name} {version(name)}" for name in ("cordtrack", *SOFTWARE))


@lru_cache(maxsize=65536)
def _of_file(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 (part of the cache key)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _of_sources(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_of(name: str) -> Path | None:
    place = PACKAGE.parent.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@lru_cache(maxsize=1024)
def _imports_of(path: Path) -> tuple[str, ...]:
    """Return the modules, and what is taken from each as if it were one. Told by the text: each worker asks anew."""
    names: list[str] = []
    for module, in_brackets, on_line in IMPORT.findall(path.read_text(encoding="utf-8")):
        taken = COMMENT.sub("", in_brackets or on_line).split(",")
        names += [module, *(f"{module}.{name.split()[0]}" for name in taken if name.strip())]
    return tuple(names)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}  # what they hold comes here in turn
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    msg = f"cannot fingerprint a {type(value).__name__}"
    raise TypeError(msg)
