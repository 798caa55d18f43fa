"""Results on disk: records as JSON beside the images they describe, written whole or not at all.

A **step** is one derived result. Its sidecar names the hash of everything the step depended on; while that hash
and the step's files stand, the step is not run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.core import records
from pipeline.errors import StoreError
from pipeline.files import atomic

RECORD_TYPES = {
    name: kind
    for name, kind in vars(records).items()
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")
}


@dataclass(frozen=True)
class Step:
    """A finished step: what it depended on, the files it wrote (relative to the output folder) and its records."""

    input_sha256: str
    files: tuple[str, ...]
    records: tuple[Any, ...]


def read_step(sidecar: Path, out_dir: Path, input_sha256: str | None = None) -> Step | None:
    """Read a finished step, or None when it must run: no sidecar, other inputs, or a file of it is gone.

    Parameters
    ----------
    sidecar
        The step's JSON file.
    out_dir
        Folder that the step's files are relative to.
    input_sha256
        Hash of the inputs as they are now; None accepts whatever the step was made from.
    """
    try:
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        step = Step(content["InputSha256"], tuple(content["Files"]), tuple(map(_from_json, content["Records"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent, or half-written by another version: the step simply runs again
    if input_sha256 is not None and step.input_sha256 != input_sha256:
        return None
    if not all((out_dir / name).is_file() for name in step.files):
        return None
    return step


def write_step(sidecar: Path, step: Step, sources: Sequence[str], software: str) -> None:
    """Write a finished step's sidecar after its files, so that a killed run leaves no half-finished step."""
    content = {
        "InputSha256": step.input_sha256,
        "Sources": [f"bids::{source}" for source in sources],
        "GeneratedBy": software,
        "Files": list(step.files),
        "Records": [_to_json(record) for record in step.records],
    }
    write_text(sidecar, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; nothing is touched when the file holds this text already."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    try:
        atomic.write_bytes(path, text.encode("utf-8"))
    except OSError as error:
        raise StoreError(
            f"{path.name}: could not be written in {path.parent} ({error.strerror}); "
            f"free some space or make the output folder writable, then run again"
        ) from error


def of_kind(items: Iterable[Any], kind: type) -> list[Any]:
    """Return the records of one kind, in order."""
    return [item for item in items if isinstance(item, kind)]


def _to_json(record: Any) -> dict[str, Any]:
    values = {name: str(v) if isinstance(v, date) else v for name, v in asdict(record).items()}
    return {"record": type(record).__name__, **values}


def _from_json(content: dict[str, Any]) -> Any:
    kind = RECORD_TYPES[content["record"]]
    return kind(**{field.name: _parse(str(field.type), content[field.name]) for field in fields(kind)})


def _parse(annotation: str, value: Any) -> Any:
    if value is None:
        return None
    if annotation.startswith("datetime"):
        return datetime.fromisoformat(value)
    if annotation.startswith("date"):
        return date.fromisoformat(value)
    return value
