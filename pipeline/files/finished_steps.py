"""Results on disk: records as JSON beside the images they describe, written whole or not at all.

A **step** is one derived result. Its sidecar names the hash of everything the step depended on; while that hash
and the step's files stand, the step is not run again (:func:`cached`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.core import records
from pipeline.files import atomic, fingerprints

INPUT, HEAD_BYTES = re.compile(rb'\{\s*"InputSha256": "([0-9a-f]*)"'), 200
"""How a sidecar begins, and within how many bytes."""

RECORD_TYPES = {
    name: kind
    for name, kind in vars(records).items()
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")
}


def _reader(annotation: str) -> Callable[[str], Any] | None:
    if annotation.startswith("datetime"):
        return datetime.fromisoformat
    return date.fromisoformat if annotation.startswith("date") else None


READERS = {
    name: {field.name: _reader(str(field.type)) for field in fields(kind)} for name, kind in RECORD_TYPES.items()
}
"""The fields of each record, with what makes its value of the text in a file; None where it stands as it is."""


@dataclass(frozen=True)
class StepResult:
    """What a step made: the files it wrote (relative to the output folder), its records, and words by their meaning.

    ``words`` holds sentences that later steps put together with others; no record has a place for them.
    """

    files: tuple[str, ...] = ()
    records: tuple[Any, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, kind: type) -> tuple[Any, ...]:
        """Return the records of one kind, in order."""
        return tuple(of_kind(self.records, kind))


@dataclass(frozen=True)
class Step(StepResult):
    """A finished step: what it made, and the hash of everything it depended on."""

    input_sha256: str = ""


def cached(sidecar: str, out_dir: Path, key: str, sources: Sequence[str], make: Callable[[], StepResult]) -> StepResult:
    """Return a step's result: what was made of the same inputs before, or else made now and kept.

    Parameters
    ----------
    sidecar
        The step's JSON file, relative to the output folder.
    out_dir
        Output folder.
    key
        Hash of everything the result depends on.
    sources
        Files of the study, or of the output folder, that the result comes from.
    make
        Makes the result and writes its files; the sidecar comes last, so that a killed run leaves no half-finished
        step. What it raises is raised, and nothing is kept.
    """
    finished = read_step(out_dir / sidecar, out_dir, key)
    if finished is not None:
        return finished
    result = make()
    step = Step(result.files, result.records, result.words, key)
    write_step(out_dir / sidecar, step, sources, fingerprints.software())
    return step


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
        step_records = tuple(map(_from_json, content["Records"]))
        step = Step(tuple(content["Files"]), step_records, dict(content.get("Words", {})), content["InputSha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # absent, or half-written by another version: the step simply runs again
    if input_sha256 is not None and step.input_sha256 != input_sha256:
        return None
    if not all((out_dir / name).is_file() for name in step.files):
        return None
    return step


def input_of(sidecar: Path) -> str | None:
    """Return the hash of what a finished step depended on, from the head of its sidecar; None where there is none.

    A look at the first line only: which of ten thousand steps are new is asked at every run.
    """
    try:
        with sidecar.open("rb") as stream:
            head = INPUT.match(stream.read(HEAD_BYTES))
    except OSError:
        return None
    return head[1].decode() if head else None


def software_of(sidecar: Path) -> str | None:
    """Return the versions that made a finished step; None where nothing tells."""
    try:
        return str(json.loads(sidecar.read_text(encoding="utf-8"))["GeneratedBy"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_step(sidecar: Path, step: Step, sources: Sequence[str], software: str) -> None:
    """Write a finished step's sidecar after its files, so that a killed run leaves no half-finished step."""
    head = {
        "InputSha256": step.input_sha256,
        "Sources": [f"bids::{source}" for source in sources],
        "GeneratedBy": software,
        "Files": list(step.files),
        **({"Words": dict(step.words)} if step.words else {}),
    }
    entries = [f'"{name}": {_text(value)}' for name, value in head.items()]
    entries.append('"Records": [' + ",".join(f"\n  {_text(_to_json(record))}" for record in step.records) + "\n ]")
    atomic.write_text(sidecar, "{\n " + ",\n ".join(entries) + "\n}\n")


def of_kind(items: Iterable[Any], kind: type) -> list[Any]:
    """Return the records of one kind, in order."""
    return [item for item in items if isinstance(item, kind)]


def _text(value: Any) -> str:
    """Return JSON on one line: a whole file made with `indent` takes ten times as long, and a study has thousands."""
    return json.dumps(value, ensure_ascii=False, default=_day)


def _day(value: Any) -> str:
    if not isinstance(value, date):
        raise TypeError(f"{value!r}: expected what JSON holds, or a day")
    return str(value)


def _to_json(record: Any) -> dict[str, Any]:
    """Return a record, whose fields are numbers, texts and days, as what JSON holds."""
    name = type(record).__name__
    return {"record": name, **{field: getattr(record, field) for field in READERS[name]}}


def _from_json(content: dict[str, Any]) -> Any:
    name = content["record"]
    values = ((field, content[field], read) for field, read in READERS[name].items())
    parsed = {field: read(value) if read and value is not None else value for field, value, read in values}
    return RECORD_TYPES[name](**parsed)
