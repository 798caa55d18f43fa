"""To and from an archive, whatever it speaks: what is there already is not fetched or sent again, failures are retried.

Fetched files lie in the private folder, for they name people. Nothing here prints or keeps a patient's id, a password
or a token.
"""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from pipeline.core.records import Finding
from pipeline.errors import InputError, RemoteError, SettingsError
from pipeline.files import atomic, derivatives
from pipeline.hospital.read.bounded import read_dataset
from pipeline.hospital.read.headers import TAGS
from pipeline.study.study_tables import read_delimited

Result = TypeVar("Result")
Say = Callable[[str], None]

WANTED_MODALITIES = frozenset({"MR", "SEG", "RTSTRUCT"})
UID = re.compile(r"[0-9.]{1,64}")
PAUSES_S = (1.0, 3.0, 9.0, 27.0)
"""Waits before the second, third ... attempt, seconds."""
MOST_ROUNDS = 4
"""How often an archive is asked again while a study keeps growing."""


@dataclass(frozen=True)
class Remote:
    """One object of an archive."""

    study_uid: str
    series_uid: str
    sop_uid: str


@dataclass(frozen=True)
class Credentials:
    """How to be let in; never printed."""

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


class Archive(Protocol):
    """A PACS, by DIMSE or DICOMweb."""

    def find(self, patient_id: str) -> list[Remote]:
        """List a patient's scans and masks."""

    def fetch(self, wanted: Sequence[Remote], spool: Spool) -> None:
        """Fetch objects of one series into the spool; what arrived before a failure stays."""

    def send(self, paths: Sequence[Path], done: Callable[[Path], None]) -> None:
        """Send files, saying which the archive has taken."""


@dataclass(frozen=True)
class Spool:
    """Fetched files by study, series and object."""

    folder: Path

    def path(self, study_uid: str, series_uid: str, sop_uid: str) -> Path:
        """Return where an object lies.

        Raises
        ------
        RemoteError
            The archive gave identifiers that are none.
        """
        parts = (study_uid, series_uid, sop_uid)
        if not all(UID.fullmatch(part) and part.strip(".") for part in parts):
            raise RemoteError("expected unique identifiers from the archive, found something else; nothing was written")
        return self.folder.joinpath(study_uid, series_uid, f"{sop_uid}.dcm")

    def has(self, remote: Remote) -> bool:
        """Say whether an object was fetched."""
        return self.path(remote.study_uid, remote.series_uid, remote.sop_uid).is_file()

    def keep(self, content: bytes, study_uid: str, series_uid: str, sop_uid: str) -> None:
        """Write an object, whole or not at all, for its owner's eyes only."""
        path = self.path(study_uid, series_uid, sop_uid)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        atomic.write_bytes(path, content)


def retried(action: Callable[[], Result], say: Say, pauses_s: Sequence[float] = PAUSES_S) -> Result:
    """Do something that may fail for a moment, again after growing pauses; the last failure is raised.

    Raises
    ------
    RemoteError
        It failed every time.
    """
    for pause in pauses_s:
        try:
            return action()
        except RemoteError as error:
            say(f"{error}; trying again in {pause:g} s")
            time.sleep(pause)
    return action()


def pull(
    archive: Archive, patient_ids: Iterable[str], spool: Spool, say: Say, pauses_s: Sequence[float] = PAUSES_S
) -> tuple[int, int]:
    """Fetch what is not there yet of some patients.

    An archive is asked again until nothing new is found, for a study may grow while it is fetched. One patient that
    fails does not stop the others.

    Returns
    -------
    tuple of int
        Objects fetched, and patients that could not be fetched whole.
    """
    fetched = failed = 0
    for number, patient_id in enumerate(patient_ids, start=1):
        try:
            fetched += _pull_one(archive, patient_id, spool, say, pauses_s)
        except RemoteError as error:
            failed += 1
            say(f"patient {number} of the list: {error}; run the command again to go on")
    return fetched, failed


def _pull_one(archive: Archive, patient_id: str, spool: Spool, say: Say, pauses_s: Sequence[float]) -> int:
    fetched = 0
    for _ in range(MOST_ROUNDS):
        found = retried(lambda: archive.find(patient_id), say, pauses_s)
        missing = [remote for remote in found if not spool.has(remote)]
        if not missing:
            return fetched
        for series_uid in dict.fromkeys(remote.series_uid for remote in missing):
            wanted = [remote for remote in missing if remote.series_uid == series_uid]
            retried(partial(_fetch_series, archive, wanted, spool), say, pauses_s)
        fetched += len(missing)
    say("the archive still grows; run the command again later for the rest")
    return fetched


def _fetch_series(archive: Archive, wanted: Sequence[Remote], spool: Spool) -> None:
    """Fetch what is missing of one series; some that did not come are a failure."""
    missing = [remote for remote in wanted if not spool.has(remote)]
    if missing:
        archive.fetch(missing, spool)
    if not all(spool.has(remote) for remote in missing):
        raise RemoteError("expected all images of a series, found some that did not come")


def push(
    archive: Archive, folder: Path, address: str, say: Say, pauses_s: Sequence[float] = PAUSES_S
) -> tuple[int, int]:
    """Send the DICOM files below a folder that this archive has not taken yet.

    Returns
    -------
    tuple of int
        Files sent now, and files that had been sent before.

    Raises
    ------
    InputError
        There are no DICOM files.
    RemoteError
        The archive did not take them; what it took is remembered.
    """
    files = sorted(path for path in folder.rglob("*.dcm") if path.is_file())
    if not files:
        raise InputError(f"{folder}: expected DICOM files (.dcm), found none; make them with cordtrack export-dicom")
    record = folder / ".sent.json"
    sent: dict[str, list[str]] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    taken = set(sent.get(address, []))
    uids = {path: str(read_dataset(path, TAGS)[0].get("SOPInstanceUID", "")) for path in files}
    waiting = [path for path in files if uids[path] not in taken]
    before = len(taken)

    def done(path: Path) -> None:
        taken.add(uids[path])

    def send() -> None:
        try:
            archive.send([path for path in waiting if uids[path] not in taken], done)
        finally:
            content = json.dumps({**sent, address: sorted(taken)}, indent=1)
            derivatives.write_text(record, content + "\n")

    if waiting:
        retried(send, say, pauses_s)
    return len(taken) - before, len(files) - len(waiting)


def read_patients(path: Path) -> tuple[list[str], bool]:
    """Read a list of patients: column ``dicom_id``, and perhaps ``participant_id``.

    Returns
    -------
    list of str
        Patient ids as the hospital has them.
    bool
        Whether the table names pseudonyms too.

    Raises
    ------
    InputError
        There is no such table, or nobody in it.
    """
    findings: list[Finding] = []
    full = path.resolve()
    rows = read_delimited(full, full.parent, ("dicom_id",), findings) if full.is_file() else []
    ids = [cell for row in rows if (cell := row.cells.get("dicom_id"))]
    if not ids:
        raise InputError(f"{path}: expected a table with a column dicom_id and a row per patient, found none")
    return ids, "participant_id" in rows[0].cells


def read_credentials(file: Path | None, environment: Mapping[str, str]) -> Credentials:
    """Read user and password, or a token, from a file or the environment.

    Parameters
    ----------
    file
        TOML with ``user`` and ``password``, or ``token``; only its owner may be able to read it.
    environment
        With ``CORDTRACK_USER`` and ``CORDTRACK_PASSWORD``, or ``CORDTRACK_TOKEN``.

    Raises
    ------
    SettingsError
        The file cannot be read, others may read it, or it holds something else.
    """
    if file is None:
        names = ("CORDTRACK_USER", "CORDTRACK_PASSWORD", "CORDTRACK_TOKEN")
        return Credentials(*(environment.get(name) or None for name in names))
    try:
        if file.stat().st_mode & 0o077:
            raise SettingsError(f"{file}: expected a file that only you can read; run: chmod 600 {file}")
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: expected TOML with user and password, or token; correct the file") from error
    if not set(content) <= {"user", "password", "token"} or not all(isinstance(v, str) for v in content.values()):
        raise SettingsError(f"{file}: expected only user, password and token, each a text; correct the file")
    return Credentials(**content)
