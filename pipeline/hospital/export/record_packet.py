"""An output folder of one person: what the packet of a record is set from, with true days and without the pseudonym.

The packet is set by the pages, which know nothing of private folders. So the patient's records are told anew first,
every one of them, and written to a folder of their own, with links to the pictures under names told anew; what is set
from there cannot show what is not in it. Digests are the record's own, for equal ones would link it to research.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.core import records
from pipeline.errors import InputError
from pipeline.hospital.export.audience import Audience, moved
from pipeline.hospital.export.true_days import Retelling
from pipeline.store import one_patient, publish, reader
from pipeline.study.study_folder import derivative_path

RECORD_ID = "sub-record"
"""What the patient is called within the folder; the page shows the person's name."""

OF_NOW = (records.Run, records.JournalEntry)
"""Records whose dates are those of the reading, which are never shifted."""
UNSHIFTED_RULES = (records.Criteria,)
KEYED = ("sha256", "run_id")

Setter = Callable[[Path, str, str | None], bytes]
"""Sets the packet of a patient of an output folder under a title of its own, or under the patient's id."""


def title_of(audience: Audience) -> str:
    """Return a person's name, number and birthday, as the packet's title."""
    person = audience.person
    family, *given = [part for part in str(person.get("name") or "").split("=")[0].split("^") if part] or [""]
    name = ", ".join([*([family] if family else []), *([" ".join(given)] if given else [])])
    born = f"born {person['born_on']}" if person.get("born_on") else ""
    return " · ".join(part for part in (name, str(person["patient_id"]), born) if part)


def record_folder(out_dir: Path, patient_id: str, audience: Audience, folder: Path) -> str:
    """Write the output folder of a person; return what the patient is called in it.

    Raises
    ------
    InputError
        The true day of a visit is not certain.
    """
    patient_records = one_patient.rows_of(reader.database_path(out_dir), patient_id)
    retelling = Retelling(patient_id, audience.days, RECORD_ID, RECORD_ID.removeprefix("sub-"))
    visits = [row for row in patient_records if isinstance(row, records.Visit)]
    _refuse_uncertain(visits, audience, retelling)
    study_days = {value for row in patient_records if not isinstance(row, OF_NOW) for value in _days(row)}
    publish.publish(folder, [_told(row, retelling, study_days, audience) for row in patient_records])
    for visit in visits:
        _link_pictures(out_dir, visit, retelling, folder)
    return RECORD_ID


def _refuse_uncertain(visits: list[records.Visit], audience: Audience, retelling: Retelling) -> None:
    for number, visit in enumerate(sorted(visits, key=lambda one: (str(one.acquired_on), one.session_id)), start=1):
        sources = [scan for scan in audience.sources.values() if scan.session_id == visit.session_id]
        if not audience.is_certain(moved(visit.acquired_on, retelling), sources):
            raise InputError(f"the true date of visit {number} is not known, and the packet shows all visits")


def _days(row: Any) -> list[date]:
    return [value for field in fields(row) if isinstance(value := getattr(row, field.name), date)]


def _told(row: Any, retelling: Retelling, study_days: set[date], audience: Audience) -> Any:
    if isinstance(row, UNSHIFTED_RULES):
        return row
    new: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if isinstance(value, str) and value and field.name.endswith(KEYED):
            new[field.name] = _keyed(value, audience)
        elif isinstance(row, OF_NOW):
            is_text = isinstance(value, str)
            new[field.name] = retelling.text(value, None if _is_name(value) else study_days) if is_text else value
        elif not isinstance(value, datetime):
            new[field.name] = moved(value, retelling)
    return replace(row, **new)


def _is_name(value: str) -> bool:
    """Say whether a text is the name of a visit, which the other records have in the same form."""
    return value.startswith("ses-")


def _keyed(digest: str, audience: Audience) -> str:
    """Return the record's own digest of a digest: the holder of the study's key can follow it back, nobody else."""
    numbers = "".join(f"{int(str(audience.names.uid('digest', digest, part))[5:]):032x}" for part in "ab")
    return numbers[: len(digest)]


def _link_pictures(out_dir: Path, visit: records.Visit, retelling: Retelling, folder: Path) -> None:
    """Link to a visit's pictures on the reference grid under the names told anew."""
    name = derivative_path(visit.patient_id, visit.session_id, suffix="dseg", extension=".nii.gz", space="reference")
    for picture in (out_dir / name).parent.glob(f"{visit.patient_id}_{visit.session_id}_space-reference_*.nii.gz"):
        link = folder / retelling.text(picture.relative_to(out_dir).as_posix())
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture.resolve())
