"""Scans of patients that somebody asks for by their hospital's numbers, fetched from the archive the server knows.

The numbers identify people: they lie in the study's private folder while they are needed, never in the output folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SettingsError
from pipeline.hospital.private.pseudonyms import default_private_folder, open_private, read_private, write_private

if TYPE_CHECKING:
    from pipeline.hospital.archive.transfer import Spool

ARCHIVE_VARIABLE = "CORDTRACK_ARCHIVE"
"""Environment variable that names the file about the archive (``hospital.archive.archive_address``)."""
MOST_PATIENTS = 50
LONGEST_NUMBER = 64


def is_offered(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether this server knows an archive."""
    return bool(environment.get(ARCHIVE_VARIABLE))


def ask_for(bids_dir: Path, delivery_id: str, patient_numbers: Sequence[str]) -> None:
    """Keep whom somebody asks for, where only the owner of the private folder reads it.

    Raises
    ------
    SettingsError
        Nobody is asked for, too many are, or a number is none that a hospital gives.
    """
    numbers = [text for text in dict.fromkeys(number.strip() for number in patient_numbers) if text]
    if not 0 < len(numbers) <= MOST_PATIENTS:
        raise SettingsError(f"expected the numbers of up to {MOST_PATIENTS} patients, found {len(numbers)}")
    if any(len(text) > LONGEST_NUMBER or not text.isprintable() or set(text) & set("*?\\") for text in numbers):
        raise SettingsError(
            "expected patient numbers as the hospital writes them, found something else; none was asked"
        )
    private = default_private_folder(bids_dir)
    open_private(private, bids_dir)
    write_private(_asked(bids_dir, delivery_id), {"dicom_id": numbers})


def fetch(bids_dir: Path, delivery_id: str, say: Callable[[str], None]) -> list[str]:
    """Fetch what is new of the patients asked for into the spool; what came before is not fetched again.

    Returns
    -------
    list of str
        What did not come, in sentences that name nobody.

    Raises
    ------
    SettingsError, RemoteError
        No archive is known, or it does not answer.
    """
    from pipeline.hospital.archive import archive_address, transfer  # noqa: PLC0415  # its libraries are an extra

    file = os.environ.get(ARCHIVE_VARIABLE)
    if not file:
        raise SettingsError("this server knows no archive; whoever starts it names one: cordtrack serve --archive FILE")
    numbers = read_private(_asked(bids_dir, delivery_id)).get("dicom_id", [])
    address = archive_address.read_address(Path(file))
    archive = archive_address.open_archive(address, os.environ)
    private = default_private_folder(bids_dir)
    unknown: list[str] = []
    say("asking the archive")
    with transfer.audited(private / "audit.jsonl", "pull", str(address), _now) as counts:
        archive.greet()
        spool = replace(spool_of(bids_dir, delivery_id), when_kept=_counting(say))
        fetched, failed = transfer.pull(archive, numbers, spool, say, unknown=unknown)
        counts.update(patients=len(numbers), objects=fetched, not_whole=failed, unknown=len(unknown))
    of_all = f"of {len(numbers)} {'patient' if len(numbers) == 1 else 'patients'}"
    odd = [f"{failed} {of_all} did not come whole; ask again to go on where it stopped"] if failed else []
    if unknown:
        places = ", ".join(str(numbers.index(number) + 1) for number in unknown)
        odd.append(f"the archive does not know {len(unknown)} {of_all}: look at number {places} of the list")
    return odd


def forget(bids_dir: Path, delivery_id: str) -> None:
    """Forget whom somebody asked for, and what came and was not added: it is fetched again when it is wanted."""
    _asked(bids_dir, delivery_id).unlink(missing_ok=True)
    shutil.rmtree(_spool(bids_dir) / "of" / delivery_id, ignore_errors=True)


def spool_of(bids_dir: Path, delivery_id: str) -> Spool:
    """Return where fetched images lie until they are imported: whole series of one delivery apart from all others."""
    from pipeline.hospital.archive.transfer import Spool  # noqa: PLC0415

    return Spool(_spool(bids_dir), whole_of=delivery_id)


def _counting(say: Callable[[str], None]) -> Callable[[], None]:
    """Return what counts the images that come, and says so."""
    numbers = count(1)
    return lambda: say(f"fetching from the archive, {next(numbers)} images so far")


def _spool(bids_dir: Path) -> Path:
    return default_private_folder(bids_dir) / "spool"


def _asked(bids_dir: Path, delivery_id: str) -> Path:
    return default_private_folder(bids_dir) / "asked" / f"{delivery_id}.json"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
