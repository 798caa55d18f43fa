"""Where the SQL lies, and the texts that are made of it: version of the store, shared formulas, digest of all of it.

In the repository the SQL is a folder beside the packages, in an installed copy it lies inside ``pipeline``. What this
module refuses: an installation without it.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from pipeline.errors import StoreError


def find_sql(package: Path) -> Path:
    """Return the folder of the SQL files.

    Parameters
    ----------
    package
        Folder of the package ``pipeline``.

    Raises
    ------
    StoreError
        It is in neither place.
    """
    places = (package / "sql", package.parent / "sql")  # installed, repository
    for folder in places:
        if (folder / "schema.sql").is_file():
            return folder
    raise StoreError(
        f"expected the SQL files in {places[0]} or {places[1]}, found none; the installation is not whole: install "
        f"cordtrack again"
    )


SQL = find_sql(Path(__file__).parents[1])
"""Holds ``schema.sql``, ``macros.sql``, ``dictionary.sql``, ``views`` and ``queries``."""


def text(file: Path) -> str:
    """Return what stands in a file."""
    return file.read_text(encoding="utf-8")


def version() -> int:
    """Return the version of the store that this program writes and reads, as ``schema.sql`` gives it."""
    statement = re.search(r"insert into meta\.store_version values \((\d+)\)", text(SQL / "schema.sql"))
    if statement is None:
        raise StoreError(
            f"{SQL / 'schema.sql'}: expected the version of the store, found none; install cordtrack again"
        )
    return int(statement[1])


def formulas() -> str:
    """Return the formulas of intervals and changes as the store runs them; their one constant is that of judgement."""
    from pipeline.measure.measurement_error import Z_95  # noqa: PLC0415  # readers need no formulas and start fast

    return f"create or replace macro z_95() as {Z_95!r};\n\n{text(SQL / 'macros.sql')}"


def digest() -> str:
    """Return the digest of all SQL: when it changes, the same rows make another store."""
    names = [f"{folder}/{name}" for folder, _, files in os.walk(SQL) for name in files if name.endswith(".sql")]
    states = map(os.stat, names)  # ten times as quick as paths are
    stamps = frozenset((name, at.st_mtime_ns, at.st_size) for name, at in zip(names, states, strict=True))
    return _digest_of(stamps, formulas())


@lru_cache(maxsize=1)
def _digest_of(files: frozenset[tuple[str, int, int]], formulas_text: str) -> str:
    """Return the digest of files with their times and sizes: asked several times in each publish, read once."""
    paths = sorted(Path(name) for name, _, _ in files)
    texts = [f"{path.name}\n{text(path)}" for path in paths]
    return hashlib.sha256("\n".join([*texts, formulas_text]).encode()).hexdigest()
