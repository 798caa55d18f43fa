"""Scans that somebody brings: laid aside, looked through by the import's own decisions, added when confirmed.

The import runs as the command a person would type, in a process of its own, first as a trial that writes no scan; what
people decide where it is not sure are its own rules. What is brought lies in ``OUT_DIR/queue/deliveries`` until then.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.data import door, queries, study_jobs
from pipeline.errors import SettingsError
from pipeline.files import child_process
from pipeline.hospital.private.pseudonyms import default_private_folder, read_private
from pipeline.journal.roles import Deed
from pipeline.service import deliveries

ASKED = ("series_unsure", "series_incomplete", "text_burnt_in")
"""Findings of the import that the page asks about, series by series."""
LIST = "unsure_series.json"
LOOK_SECONDS = 600
"""How long looking through a delivery, or adding it, may take."""
CONTRASTS = ("T2w", "T1w", "T1w_ce", "STIR", "PDw", "FLAIR", "T2starw", "DWI", "ADC", "skip")
"""What an unsure series may be called; the import's own words."""


@dataclass(frozen=True)
class DeliveredSeries:
    """The import's decision on one series; where a person must decide (``is_open``) with a picture, as PNG."""

    token: str
    patient_id: str
    session_id: str
    outcome: str
    contrast: str
    plane: str
    slices: str
    confidence: str
    reason: str
    picture: bytes
    likely: str
    is_open: bool


def lay_aside(who: str, files: Sequence[tuple[str, bytes]]) -> Path:
    """Keep what somebody brought, under names that are harmless, and return its folder.

    Raises
    ------
    SettingsError
        The person may not, or nothing was brought.
    """
    door.enter(Deed.EDIT, who)
    if not files:
        raise SettingsError("expected a zip archive or DICOM files, found none; drop some first")
    digest = hashlib.sha256(b"".join(content for _, content in files)).hexdigest()[:16]
    folder = queries.out_dir() / "queue" / "deliveries" / digest
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, content) in enumerate(files):
        harmless = re.sub(r"[^0-9A-Za-z._-]", "_", name)[-60:].lstrip(".")
        (folder / f"{number:04d}_{harmless}").write_bytes(content)
    return folder


def look_through(folder: Path) -> tuple[tuple[DeliveredSeries, ...], tuple[str, ...]]:
    """Return the import's decision on each series of a delivery, and what is odd about it; no scan is written.

    Raises
    ------
    SettingsError
        It cannot be looked through, in the import's words.
    """
    return _look_through(str(folder), study_jobs.stamp())


@st.cache_resource(max_entries=4, show_spinner=False)
def _look_through(folder: str, mark: str) -> tuple[tuple[DeliveredSeries, ...], tuple[str, ...]]:  # noqa: ARG001  # of the study
    answer = _import(Path(folder), {}, "--dry-run")
    pictures = _unsure()
    series = tuple(_series(row, pictures.get(str(row["series"]), {})) for row in answer["series"])
    others = (one for one in answer["findings"] if one["code"] not in ASKED)
    return series, tuple(f"{one['message']}: {one['remedy']}" for one in others)


def add(who: str, folder: Path, decided: Mapping[str, str]) -> str:
    """Add the scans of a delivery to the study, put on record who did, and forget what was brought.

    Raises
    ------
    SettingsError
        The person may not, or the import refused, in its words.
    """
    person = door.enter(Deed.EDIT, who)
    answer = _import(folder, decided)
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    deliveries.record(queries.out_dir(), person, answer["added"], decided, at)
    shutil.rmtree(folder)
    count = len(answer["added"])
    return f"{count} {'file is' if count == 1 else 'files are'} added to the study."


def _import(folder: Path, decided: Mapping[str, str], *more: str) -> Mapping[str, Any]:
    rules = folder.with_name(f"{folder.name}.toml")
    rules.write_text("".join(_rule(token, contrast) for token, contrast in decided.items()), encoding="utf-8")
    command = child_process.module_command(
        "pipeline", "import-dicom", folder, study_jobs.study_folder(), "--json", "--rules", rules, *more
    )
    try:
        ended = subprocess.run(
            command, env=child_process.child_environment(), capture_output=True, text=True, timeout=LOOK_SECONDS,
            check=False, cwd=folder,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"it took more than {LOOK_SECONDS} s and was stopped; bring less at once") from error
    finally:
        rules.unlink()
    if ended.returncode != 0:
        words = ended.stderr.strip().splitlines()[-1:] or [f"the import ended with code {ended.returncode}"]
        raise SettingsError(words[0])
    answer: Mapping[str, Any] = json.loads(ended.stdout)
    return answer


def _series(row: Mapping[str, Any], unsure: Mapping[str, Any]) -> DeliveredSeries:
    return DeliveredSeries(
        token=str(row["series"]),
        patient_id=str(row["participant_id"]),
        session_id=str(row["session_id"]),
        outcome=str(row["outcome"]),
        contrast=str(row["contrast"]),
        plane=str(row["plane"]),
        slices=str(row["slices"]),
        confidence=str(row["confidence"]),
        reason=str(row["reason"]),
        picture=base64.b64decode(str(unsure.get("picture", ""))),
        likely=str(unsure.get("likely", "")),
        is_open=bool(unsure),
    )


def _rule(token: str, contrast: str) -> str:
    """Return the import's rule for a series that a person has decided on: its own, with what the person calls it."""
    rule = str(_unsure().get(token, {}).get("rule") or f'[[rule]]\nseries = "{token}"\n')
    others = [line for line in rule.splitlines() if not line.startswith("contrast =")]
    return "\n".join([*others, f'contrast = "{contrast}"']) + "\n\n"


def _unsure() -> Mapping[str, Mapping[str, Any]]:
    """Return the private list of series that a person must decide on, by token."""
    return read_private(default_private_folder(study_jobs.study_folder()) / LIST)
