"""To and from an archive, whatever it speaks: what is there already is not fetched or sent again, failures are retried.

Fetched files lie in the private folder, for they name people. Nothing here prints or keeps a patient's id, a password
or a token.
"""

from __future__ import annotations

import json
import os
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipeline.core.records import Finding
from pipeline.errors import InputError, RemoteError, SettingsError
from pipeline.files import atomic
from pipeline.files.dicom_start import looks_like_dicom
from pipeline.hospital.read.bounded_reading import quietly, read_dataset
from pipeline.hospital.read.headers import TAGS
from pipeline.study.study_tables import read_delimited

Result = TypeVar("Result")
Say = Callable[[str], None]

WANTED_MODALITIES = frozenset({"MR", "SEG", "RTSTRUCT"})
UID = re.compile(r"[0-9.]{1,64}")
MOST_TO_CONNECT_S = 10.0
"""Longest wait for a connection, seconds: an archive that is there takes one at once."""
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

    def greet(self) -> None:
        """Say whether anybody is there: an error when nobody is."""

    def find(self, patient_id: str) -> list[Remote]:
        """List a patient's scans and masks."""

    def listed(self, study_uid: str, series_uid: str) -> frozenset[str]:
        """Return the objects of a series that it has."""

    def fetch(self, wanted: Sequence[Remote], spool: Spool) -> None:
        """Fetch objects of one series into the spool; what arrived before a failure stays."""

    def send(self, paths: Sequence[Path], done: Callable[[Path], None]) -> None:
        """Send files, saying which the archive has taken."""


@dataclass(frozen=True)
class Spool:
    """Fetched files by study, series and object: in ``part`` while a series comes, in ``whole`` once all is there.

    Only whole series are imported: half of one would be a volume with an end that nobody sees is missing. What was
    imported is removed and remembered.

    Attributes
    ----------
    whole_of
        Name of a place of its own for the whole series of one purpose; empty for the common one.
    when_kept
        Is called when another object has come.
    """

    folder: Path
    whole_of: str = ""
    when_kept: Callable[[], None] | None = field(default=None, compare=False)

    @property
    def whole(self) -> Path:
        """Where whole series lie."""
        return self.folder / "of" / self.whole_of if self.whole_of else self.folder / "whole"

    def path(self, study_uid: str, series_uid: str, sop_uid: str) -> Path:
        """Return where an object lies while its series comes.

        Raises
        ------
        RemoteError
            The archive gave identifiers that are none.
        """
        parts = (study_uid, series_uid, sop_uid)
        if not all(UID.fullmatch(part) and part.strip(".") for part in parts):
            raise RemoteError("expected unique identifiers from the archive, found something else; nothing was written")
        return self.folder.joinpath("part", study_uid, series_uid, f"{sop_uid}.dcm")

    def lies(self, remote: Remote) -> bool:
        """Say whether an object lies here."""
        path = self.path(remote.study_uid, remote.series_uid, remote.sop_uid)
        return path.is_file() or self._as_whole(path).is_file()

    def has(self, remote: Remote) -> bool:
        """Say whether an object was fetched, be it here or imported and removed."""
        return self.lies(remote) or remote.sop_uid in self.removed()

    def is_of_series(self, remote: Remote, sop_uid: str) -> bool:
        """Say whether an object of a series was fetched before."""
        return self.has(Remote(remote.study_uid, remote.series_uid, sop_uid))

    def keep(self, content: bytes, study_uid: str, series_uid: str, sop_uid: str) -> None:
        """Write an object, whole or not at all, for its owner's eyes only."""
        path = self.path(study_uid, series_uid, sop_uid)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        atomic.write_bytes(path, content)
        if self.when_kept is not None:
            self.when_kept()

    def finish(self, remotes: Sequence[Remote]) -> None:
        """Move the series of which all objects have come to the whole ones."""
        for series_uid in dict.fromkeys(remote.series_uid for remote in remotes):
            members = [remote for remote in remotes if remote.series_uid == series_uid]
            if all(self.lies(remote) for remote in members):
                for remote in members:
                    path = self.path(remote.study_uid, remote.series_uid, remote.sop_uid)
                    if path.is_file():
                        self._as_whole(path).parent.mkdir(parents=True, exist_ok=True)
                        path.replace(self._as_whole(path))

    def removed(self) -> frozenset[str]:
        """Return the objects that were imported and removed."""
        return frozenset(_listed(self.folder / REMOVED, list))

    def remove(self, imported: Iterable[Path]) -> int:
        """Remove what was imported and remember it, so that it is not fetched again; return the number of files."""
        there = [path for path in imported if path.is_relative_to(self.whole.resolve()) and path.is_file()]
        names = self.removed() | {path.stem for path in there}
        if there:
            atomic.write_text(self.folder / REMOVED, json.dumps(sorted(names)) + "\n")
        for path in there:
            path.unlink()
            for folder in (path.parent, path.parent.parent):
                if not any(folder.iterdir()):
                    folder.rmdir()
        return len(there)

    def _as_whole(self, path: Path) -> Path:
        return self.whole / path.relative_to(self.folder / "part")


REMOVED = "removed.json"


def _listed(path: Path, kind: type[Result]) -> Result:
    """Return what was kept of earlier transfers; empty when there were none.

    Raises
    ------
    SettingsError
        The file is damaged: without it what is there would come, or go, once more.
    """
    if not path.is_file():
        return kind()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, kind):
        raise SettingsError(
            f"{path}: expected a list written by cordtrack, found a damaged file; restore it, or remove it and all is "
            f"transferred anew"
        )
    return content


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
    archive: Archive, patient_ids: Iterable[str], spool: Spool, say: Say, pauses_s: Sequence[float] = PAUSES_S,
    unknown: list[str] | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Fetch what is not there yet of some patients.

    An archive is asked again until nothing new is found, for a study may grow while it is fetched. One patient that
    fails does not stop the others; an archive that is gone does, at once.

    Parameters
    ----------
    unknown
        Patient ids that the archive does not know are added.

    Returns
    -------
    tuple of int
        Objects fetched, and patients that could not be fetched whole.
    """
    fetched = failed = 0
    waiting = list(patient_ids)
    for number, patient_id in enumerate(waiting, start=1):
        try:
            count = _pull_one(archive, patient_id, spool, say, pauses_s)
        except RemoteError as error:
            failed += 1
            say(f"patient {number} of the list: {error}; run the command again to go on")
            if _is_gone(archive):
                left = len(waiting) - number
                say(f"the archive does not answer any more; {left} patients were not asked for")
                return fetched, failed + left
            continue
        if count is None:
            say(f"patient {number} of the list: expected a patient of the archive, found none of this ID")
            if unknown is not None:
                unknown.append(patient_id)
        fetched += count or 0
    return fetched, failed


def _is_gone(archive: Archive) -> bool:
    try:
        archive.greet()
    except RemoteError:
        return True
    return False


def _pull_one(archive: Archive, patient_id: str, spool: Spool, say: Say, pauses_s: Sequence[float]) -> int | None:
    """Return how many objects of a patient were fetched; None when the archive does not know the patient."""
    fetched = 0
    for _ in range(MOST_ROUNDS):
        there = retried(lambda: archive.find(patient_id), say, pauses_s)
        if not there:
            return None
        missing = dict.fromkeys(remote.series_uid for remote in there if not spool.has(remote))
        for series_uid in missing:  # a series that has grown is fetched whole: its first part may be removed
            wanted = [remote for remote in there if remote.series_uid == series_uid and not spool.lies(remote)]
            retried(partial(_fetch_series, archive, wanted, spool), say, pauses_s)
            fetched += len(wanted)
        spool.finish(there)
        if not missing:
            return fetched
    say("the archive still grows; run the command again later for the rest")
    return fetched


def _fetch_series(archive: Archive, wanted: Sequence[Remote], spool: Spool) -> None:
    """Fetch what is missing of one series; some that did not come are a failure."""
    missing = [remote for remote in wanted if not spool.lies(remote)]
    if missing:
        archive.fetch(missing, spool)
    if not all(spool.lies(remote) for remote in missing):
        raise RemoteError("expected all images of a series, found some that did not come")


@contextmanager
def audited(path: Path, act: str, address: str, now: Callable[[], str]) -> Iterator[dict[str, int]]:
    """Leave a line on record of what came from or went to an archive, be it in vain; it names no patient.

    What is counted meanwhile is put into the mapping.
    """
    counts: dict[str, int] = {}
    has_failed = True
    try:
        yield counts
        has_failed = False
    finally:
        _add_line(path, {"at": now(), "act": act, "archive": address, "failed": has_failed, **counts})


def _add_line(path: Path, fields: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(fields)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def _dicom_files(folder: Path) -> tuple[list[Path], int]:
    """Return the DICOM files below a folder, whatever they are called, and how many other files lie there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    dicom_files = [path for path in files if path.suffix.lower() == ".dcm" or looks_like_dicom(path)]
    return dicom_files, len(files) - len(dicom_files)


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
    files, others = _dicom_files(folder)
    if not files:
        raise InputError(f"{folder}: expected DICOM files, found none; make them with cordtrack export-dicom")
    if others:
        say(f"not sent: {others} files that are no DICOM files")
    record = folder / ".sent.json"
    sent: dict[str, list[str]] = _listed(record, dict)
    taken = set(sent.get(address, []))
    with quietly():
        headers = {path: read_dataset(path, TAGS)[0] for path in files}
        uids = {path: str(header.get("SOPInstanceUID", "")) for path, header in headers.items()}
    taken |= _there_already(archive, [headers[path] for path in files if uids[path] not in taken])
    waiting = [path for path in files if uids[path] not in taken]
    before = len(taken)

    def done(path: Path) -> None:
        taken.add(uids[path])

    def send() -> None:
        try:
            archive.send([path for path in waiting if uids[path] not in taken], done)
        finally:
            content = json.dumps({**sent, address: sorted(taken)}, indent=1)
            atomic.write_text(record, content + "\n")

    if waiting:
        retried(send, say, pauses_s)
    return len(taken) - before, len(files) - len(waiting)


def _there_already(archive: Archive, headers: Sequence[Any]) -> set[str]:
    """Return which objects an archive has, whoever sent them; nothing when it cannot be asked."""
    series = {(str(h.get("StudyInstanceUID", "")), str(h.get("SeriesInstanceUID", ""))) for h in headers}
    there: set[str] = set()
    try:
        for study_uid, series_uid in sorted(series):
            there |= archive.listed(study_uid, series_uid)
    except (RemoteError, SettingsError):
        return there  # an archive that takes objects need not answer questions
    return there & {str(h.get("SOPInstanceUID", "")) for h in headers}


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
    table_rows = read_delimited(full, full.parent, ("dicom_id",), findings) if full.is_file() else []
    ids = [cell for row in table_rows if (cell := row.cells.get("dicom_id"))]
    if not ids:
        raise InputError(f"{path}: expected a table with a column dicom_id and a row per patient, found none")
    return ids, "participant_id" in table_rows[0].cells


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
