"""Scans that somebody brings by the pages: where each delivery stands, and who added which scans to the study.

One folder a delivery in ``OUT_DIR/queue/deliveries``: ``delivery.json`` says what was asked and what became of it,
``progress.json`` how far it is, ``decisions.json`` what the import takes each series for, ``files/`` what was brought.
A person asks for a look, the worker looks, the person decides, the worker adds; whoever is ended in between, the next
worker begins the same step again. What was added is on record in ``OUT_DIR/journal/deliveries.jsonl``, once a delivery.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.files import atomic
from pipeline.journal import append_only
from pipeline.journal.roles import Visitor
from pipeline.service.jobs import MOST_TRIES, QUEUE, Progress, changing

RECORD = "journal/deliveries.jsonl"
DECISIONS, FILES = "decisions.json", "files"
MOST_KEPT = 20
"""Deliveries that have ended and are still listed; older ones are removed."""


class DeliveryKind(StrEnum):
    """How scans come."""

    DROP = "drop"
    FOLDER = "folder"
    ARCHIVE = "archive"


class DeliveryState(StrEnum):
    """Where a delivery stands: what is due, what the worker does, what waits for a person, how it ended."""

    TO_LOOK = "to look"
    LOOKING = "looking"
    LOOKED = "looked"
    TO_ADD = "to add"
    ADDING = "adding"
    ADDED = "added"
    FAILED = "failed"
    CANCELLED = "cancelled"


DUE = {DeliveryState.TO_LOOK: DeliveryState.LOOKING, DeliveryState.TO_ADD: DeliveryState.ADDING}
"""What the worker makes of what is due."""
ENDED = (DeliveryState.ADDED, DeliveryState.FAILED, DeliveryState.CANCELLED)
Answers = Mapping[str, Mapping[str, str]]
"""What a person decided, by the series' token: ``contrast``, and of NIfTI also ``patient_id`` and ``day``."""


@dataclass(frozen=True)
class Delivery:
    """Scans that somebody brings.

    Attributes
    ----------
    place
        Of a folder: how it is called among those that the server offers; else empty.
    asked_at
        UTC without a time zone.
    answers
        What the person decided, once there is something to add.
    message
        How it ended or why it does not go on, in one sentence.
    tries
        How often its step was begun.
    """

    delivery_id: str
    kind: DeliveryKind
    place: str
    asked_by: str
    identity: str
    asked_at: datetime
    state: DeliveryState = DeliveryState.TO_LOOK
    answers: Answers = field(default_factory=dict)
    message: str = ""
    is_to_end: bool = False
    tries: int = 0

    @property
    def is_at_work(self) -> bool:
        """The worker has it, or is to have it."""
        return self.state in (*DUE, *DUE.values())


def folder_of(out_dir: Path, delivery_id: str) -> Path:
    """Return the folder of one delivery."""
    return _place(out_dir) / delivery_id


def begin(out_dir: Path, delivery: Delivery) -> Delivery:
    """Ask for a look at a delivery whose files, if it has any, lie in its folder.

    Raises
    ------
    StoreError
        The output folder cannot be written.
    """
    with changing(_place(out_dir)):
        _write(out_dir, delivery)
        _tidy(out_dir)
    return delivery


def every(out_dir: Path) -> tuple[Delivery, ...]:
    """Return all deliveries, in the order in which they came; what cannot be read is left out."""
    files = sorted(_place(out_dir).glob("*/delivery.json"))
    return tuple(filter(None, map(_read, files)))


def delivery_of(out_dir: Path, delivery_id: str) -> Delivery | None:
    """Return one delivery as it stands now; None where there is none."""
    return _read(folder_of(out_dir, delivery_id) / "delivery.json")


def confirm(out_dir: Path, delivery_id: str, person: Visitor, answers: Answers) -> Delivery | None:
    """Let a delivery that was looked at be added as a person decided; None where it does not wait for that."""
    with changing(_place(out_dir)):
        delivery = delivery_of(out_dir, delivery_id)
        if delivery is None or delivery.state != DeliveryState.LOOKED:
            return None
        delivery = replace(
            delivery, state=DeliveryState.TO_ADD, asked_by=person.name, identity=person.identity, answers=answers,
            message="", tries=0,
        )  # fmt: skip
        _write(out_dir, delivery)
    return delivery


def cancel(out_dir: Path, delivery_id: str, who: str) -> Delivery | None:
    """Forget a delivery: at once where it waits, as soon as its process has ended where it is worked on."""
    with changing(_place(out_dir)):
        delivery = delivery_of(out_dir, delivery_id)
        if delivery is None or delivery.state in ENDED:
            return delivery
        message = f"stopped by {who.strip() or 'somebody'}"
        if delivery.state in DUE.values():
            delivery = replace(delivery, is_to_end=True, message=message)
        else:
            delivery = replace(delivery, state=DeliveryState.CANCELLED, message=message)
        _write(out_dir, delivery)
    if delivery.state == DeliveryState.CANCELLED:
        forget_files(out_dir, delivery_id)
    return delivery


def take_next(out_dir: Path) -> Delivery | None:
    """Mark the step of the first delivery that is due as begun and return it; None where none is due."""
    with changing(_place(out_dir)):
        due = next((delivery for delivery in every(out_dir) if delivery.state in DUE), None)
        if due is not None:
            due = replace(due, state=DUE[due.state], tries=due.tries + 1)
            _write(out_dir, due)
    return due


def end(out_dir: Path, delivery_id: str, state: DeliveryState, message: str) -> None:
    """Put down how a step ended; what was brought is forgotten unless somebody decides on it."""
    with changing(_place(out_dir)):
        delivery = delivery_of(out_dir, delivery_id)
        if delivery is None or delivery.state not in DUE.values():
            return
        _write(out_dir, replace(delivery, state=state, message=message, is_to_end=False, tries=0))
    if state in ENDED:
        forget_files(out_dir, delivery_id)


def take_up_again(out_dir: Path) -> None:
    """Let the steps that a worker left behind when it was ended begin again.

    Called by the only worker of a folder before it begins: what is marked as worked on has nobody who does it.
    """
    back = {doing: due for due, doing in DUE.items()}
    for delivery in every(out_dir):
        if delivery.state not in back:
            continue
        if delivery.is_to_end:
            end(out_dir, delivery.delivery_id, DeliveryState.CANCELLED, delivery.message)
        elif delivery.tries >= MOST_TRIES:
            words = f"begun {delivery.tries} times, and each time its process was ended; bring less at once"
            end(out_dir, delivery.delivery_id, DeliveryState.FAILED, words)
        else:
            with changing(_place(out_dir)):
                _write(out_dir, replace(delivery, state=back[delivery.state]))


def note_progress(folder: Path, progress: Progress) -> None:
    """Say how far a step is, in the delivery's folder."""
    atomic.write_text(folder / "progress.json", json.dumps(asdict(progress)))


def progress_of(out_dir: Path, delivery_id: str) -> Progress:
    """Return how far a step is; nothing where nobody has said so yet."""
    try:
        return Progress(**json.loads((folder_of(out_dir, delivery_id) / "progress.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Progress()


def decisions_of(out_dir: Path, delivery_id: str) -> Mapping[str, Any]:
    """Return what a look decided (``delivery_run``); empty where there was none."""
    try:
        content: Any = json.loads((folder_of(out_dir, delivery_id) / DECISIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def forget_files(out_dir: Path, delivery_id: str) -> None:
    """Remove what was brought and what a look saw of it; that there was a delivery stays."""
    folder = folder_of(out_dir, delivery_id)
    for path in folder.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "delivery.json":
            path.unlink(missing_ok=True)


def record(out_dir: Path, delivery: Delivery, added: Sequence[str], at: datetime) -> None:
    """Put on record who added files to the study, and what they decided about its series; once a delivery.

    Parameters
    ----------
    added
        Relative to the study folder.
    at
        Now, UTC without a time zone.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    fields = {
        "written_at": f"{at.isoformat(timespec='seconds')}Z",
        "who": delivery.asked_by,
        **({"identity": delivery.identity} if delivery.identity else {}),
        "act": "add_scans",
        "delivery": delivery.delivery_id,
        "added": list(added),
        "decided": {token: dict(answer) for token, answer in delivery.answers.items()},
    }
    with append_only.writing(out_dir, RECORD) as lines:
        chain = append_only.read(out_dir, RECORD, dict)
        if not any(entry.get("delivery") == delivery.delivery_id for entry in chain.entries):
            lines.append(append_only.sealed(fields, chain.last))


def files_added(out_dir: Path, delivery_id: str) -> tuple[str, ...]:
    """Return the files that a delivery added, relative to the study folder, as they are on record.

    Raises
    ------
    StoreError
        The record is there and cannot be opened.
    """
    entries = append_only.read(out_dir, RECORD, dict).entries
    return next((tuple(entry["added"]) for entry in entries if entry.get("delivery") == delivery_id), ())


def _place(out_dir: Path) -> Path:
    return out_dir / QUEUE / "deliveries"


def _write(out_dir: Path, delivery: Delivery) -> None:
    content = asdict(delivery) | {"asked_at": str(delivery.asked_at)}
    path = folder_of(out_dir, delivery.delivery_id) / "delivery.json"
    atomic.write_text(path, json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> Delivery | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content |= {
            "asked_at": datetime.fromisoformat(content["asked_at"]),
            "kind": DeliveryKind(content["kind"]),
            "state": DeliveryState(content["state"]),
        }
        return Delivery(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _tidy(out_dir: Path) -> None:
    """Remove the oldest of the deliveries that have ended, beyond those that are still listed."""
    ended = [delivery for delivery in every(out_dir) if delivery.state in ENDED]
    for delivery in ended[: max(0, len(ended) - MOST_KEPT)]:
        shutil.rmtree(folder_of(out_dir, delivery.delivery_id), ignore_errors=True)
