"""Who is who: pseudonyms by keyed hash or by a table, a constant shift of dates, and the private folder that knows.

The private folder holds the key, the list of who is who and the numbers of the source images; it lies outside the
study folder and only its owner may read it. Without the key nobody can tell a pseudonym's person, or that two studies
hold the same one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipeline.core.records import Finding
from pipeline.errors import InputError, SettingsError
from pipeline.files import atomic
from pipeline.hospital.read.instances import Person
from pipeline.study.names import with_prefix
from pipeline.study.study_tables import read_delimited

KEY_BYTES = 32
PSEUDONYM_LENGTH = 10
OLDEST_AGE_YEARS = 89
"""Ages above this identify people and are given as this (HIPAA safe harbour, 45 CFR 164.514(b)(2))."""

OTHER_AGE_YEARS = 2.0
"""Age and date of birth of one header that differ by more were changed one without the other."""

SHIFT_DAYS = (40_200, 3_650)
"""Shifted dates lie about 110 to 120 years back, so before 1926, as BIDS asks of dates that are not real."""


@dataclass(frozen=True)
class Identities:
    """Turns persons into pseudonyms; equal persons always into equal ones.

    Attributes
    ----------
    key
        The secret.
    mapping
        Pseudonyms by patient id, when a table gives them; whoever is not in it has none.
    shifts_dates
        Move every date of a patient by the same, secret number of days.
    """

    key: bytes = field(repr=False)
    mapping: Mapping[str, str] | None = field(default=None, repr=False)
    shifts_dates: bool = False

    def pseudonym(self, person: Person) -> str | None:
        """Return ``sub-<label>``; None without a patient id, or when the table does not list it."""
        if not person.patient_id:
            return None
        if self.mapping is not None:
            return self.mapping.get(of_issuer(person.issuer, person.patient_id)) or self.mapping.get(person.patient_id)
        digest = self._digest("patient", person.issuer, person.patient_id)
        return "sub-" + base64.b32encode(digest).decode().lower()[:PSEUDONYM_LENGTH]

    def token(self, *parts: str) -> str:
        """Return a short name for a series, a device or a person that says nothing without the key."""
        return self._digest("token", *parts).hex()[:12]

    def shifted(self, day: date | None, pseudonym: str) -> date | None:
        """Return a day as the study shows it: moved by the patient's number of days when dates are shifted."""
        return None if day is None else day - timedelta(days=self.shift_days(pseudonym))

    def shift_days(self, pseudonym: str) -> int:
        """Return how many days a patient's dates in the study lie before the true ones."""
        if not self.shifts_dates:
            return 0
        return SHIFT_DAYS[0] + int.from_bytes(self._digest("shift", pseudonym)[:4], "big") % SHIFT_DAYS[1]

    def _digest(self, *parts: str) -> bytes:
        message = "\x1f".join(part.strip() for part in parts).encode()
        return hmac.new(self.key, message, hashlib.sha256).digest()


def of_issuer(issuer: str, patient_id: str) -> str:
    """Return the key of a patient id of one issuer in a table of pseudonyms."""
    return f"{issuer}\x1f{patient_id}"


def age_years(person: Person, on: date | None) -> int | None:
    """Return the age on a day in whole years, at most :data:`OLDEST_AGE_YEARS`; None where the header has two."""
    years = person.age_years
    if person.born_on is not None and on is not None:
        years = on.year - person.born_on.year - ((on.month, on.day) < (person.born_on.month, person.born_on.day))
        if person.age_years is not None and abs(years - person.age_years) > OTHER_AGE_YEARS:
            return None
    return None if years is None or years < 0 else min(int(years), OLDEST_AGE_YEARS)


def default_private_folder(bids_dir: Path) -> Path:
    """Return the folder beside a study that holds its key."""
    resolved = bids_dir.resolve()
    return resolved.with_name(f"{resolved.name}.private")


def open_private(private: Path, bids_dir: Path) -> bytes:
    """Return the key of a study, made on first use: by a trial, too, so that its tokens are those of the import.

    Raises
    ------
    SettingsError
        The private folder lies inside the study folder.
    InputError
        The key is damaged or cannot be made.
    """
    private, study = private.resolve(), bids_dir.resolve()
    if private == study or private.is_relative_to(study):
        raise SettingsError(f"{private}: expected a private folder outside the study folder {study}; choose another")
    path = private / "pseudonym.key"
    if path.is_file():
        return _key_in(path)
    try:
        private.mkdir(parents=True, exist_ok=True)
        private.chmod(0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES).hex() + "\n")
    except OSError as error:
        raise InputError(
            f"{path}: the key could not be written ({error.strerror}); choose another --private"
        ) from error
    return _key_in(path)


def _key_in(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected the key of this study, found something else; restore it") from error
    if len(key) != KEY_BYTES:
        raise InputError(f"{path}: expected a key of {KEY_BYTES} bytes, found {len(key)}; restore it from a copy")
    return key


def read_mapping(path: Path) -> dict[str, str]:
    """Read a table of pseudonyms: patient_id as in DICOM, participant_id as in the study, and perhaps its issuer.

    Several IDs may have one pseudonym: hospitals merge records. That they are one person is checked with the images.

    Raises
    ------
    InputError
        A column is missing, a pseudonym is no BIDS label, or an ID has two.
    """
    findings: list[Finding] = []
    content = path.resolve()
    if not content.is_file():
        raise InputError(f"{path}: expected a table with the columns dicom_id and participant_id, found no file")
    mapping_rows = read_delimited(content, content.parent, ("dicom_id", "participant_id"), findings)
    if findings and not mapping_rows:
        raise InputError(f"{findings[0].message}; give a table with the columns dicom_id and participant_id")
    mapping: dict[str, str] = {}
    for row in mapping_rows:
        given, label = row.cells.get("dicom_id"), with_prefix("sub", row.cells.get("participant_id") or "")
        if given is None or label is None:
            raise InputError(f"{row.where}: expected a dicom_id and letters and digits as participant_id; correct it")
        issuer = row.cells.get("issuer")
        key = of_issuer(issuer, given) if issuer else given
        if mapping.get(key, label) != label:
            raise InputError(f"{row.where}: expected one participant_id per dicom_id, found two; correct it")
        mapping[key] = label
    return mapping


def read_private(path: Path) -> dict[str, Any]:
    """Read a JSON file of the private folder; empty when it is not there."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a file written by cordtrack, found a damaged one; restore it") from error
    return content if isinstance(content, dict) else {}


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file of the private folder that only its owner may read; nothing when it is the same."""
    if path.is_file() and read_private(path) == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    atomic.write_bytes(path, text.encode("utf-8"), mode=0o600)
