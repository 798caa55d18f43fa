"""The private folder: who is behind a pseudonym, and which source images a scan of the study was made from.

Results can only go back to a hospital with the numbers of its own images; those identify people, so they are kept
here, outside the study, readable by their owner alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, SettingsError
from pipeline.hospital.private.pseudonyms import age_years, read_private, write_private
from pipeline.hospital.read.instances import Instance, Person
from pipeline.hospital.read.stacks import Stack


@dataclass(frozen=True)
class SourceScan:
    """The source of one scan of the study; ``planes`` has SOP instance and frame (from 1) of each slice, in order."""

    file: str
    session_id: str
    study: dict[str, Any]
    series_uid: str
    frame_of_reference_uid: str
    sop_class: str
    planes: tuple[tuple[str, int], ...]


def hold_to_one_way_of_dates(private: Path, bids_dir: Path, *, shifts_dates: bool) -> None:
    """Keep a study to shifted or to true dates, whichever its first import used.

    Raises
    ------
    SettingsError
        The study was begun the other way: intervals between visits would be wrong.
    """
    path = private / "settings.json"
    before = read_private(path)
    if before and before.get("shifts_dates") != shifts_dates:
        words = ("with", "without") if before.get("shifts_dates") else ("without", "with")
        raise SettingsError(
            f"{bids_dir}: expected --shift-dates as at the first import ({words[0]}), found it {words[1]}; "
            f"one study cannot have both, its intervals would be wrong"
        )
    write_private(path, {"shifts_dates": shifts_dates})


def shifts_dates(private: Path) -> bool:
    """Say whether a study's dates are shifted."""
    return bool(read_private(private / "settings.json").get("shifts_dates"))


def age_of(instance: Instance) -> int | None:
    """Return a person's age at a scan, in whole years and capped."""
    return age_years(instance.person, instance.studied_on)


def remember(private: Path, patient_id: str, session_id: str, imported: Sequence[tuple[str, Stack]]) -> None:
    """Keep who a patient is and which images each scan was made from."""
    first = imported[0][1].first
    _remember_person(private / "people" / f"{patient_id}.json", first)
    path = private / "sources" / f"{patient_id}_{session_id}.json"
    scans = read_private(path).get("scans", {})
    for file, stack in imported:
        scans[file] = _source_of(stack)
    write_private(path, {"scans": scans})


def planes_of(private: Path, patient_id: str, session_id: str, file: str) -> set[str]:
    """Return the numbers of the source images that a scan was made from; empty when they are not known."""
    scans = read_private(private / "sources" / f"{patient_id}_{session_id}.json").get("scans", {})
    return {str(uid) for uid, _ in scans.get(file, {}).get("planes", [])}


SENT = "sent_objects.json"


def sent_objects(private: Path) -> frozenset[str]:
    """Return the numbers of the objects that were written for this study: none of them is somebody's own mask."""
    entries_by_place = read_private(private / SENT)
    return frozenset(entry["sop_uid"] for entries in entries_by_place.values() for entry in entries)


def source_scans(private: Path, patient_id: str) -> list[SourceScan]:
    """Return the sources of a patient's scans; empty when they were not imported from DICOM."""
    scans = []
    for path in sorted((private / "sources").glob(f"{patient_id}_ses-*.json")):
        session_id = path.stem.removeprefix(f"{patient_id}_")
        for file, entry in sorted(read_private(path).get("scans", {}).items()):
            planes = tuple((str(uid), int(frame_number)) for uid, frame_number in entry["planes"])
            scans.append(
                SourceScan(
                    file, session_id, entry["study"], entry["series_uid"], entry["frame_of_reference_uid"],
                    entry["sop_class"], planes,
                )
            )  # fmt: skip
    return scans


def person_of(private: Path, patient_id: str) -> dict[str, Any]:
    """Return who a pseudonym is; empty when not known here.

    Raises
    ------
    InputError
        The file of the private folder is damaged.
    """
    content = read_private(private / "people" / f"{patient_id}.json")
    if content and not content.get("patient_id"):
        raise InputError(f"{private}: expected who {patient_id} is, found a damaged file; restore it")
    return content


def pseudonym_of(private: Path, dicom_id: str) -> str | None:
    """Return the pseudonym under which a patient id was imported; None when it never was."""
    for path in sorted((private / "people").glob("sub-*.json")):
        private_entry = read_private(path)
        if dicom_id in {entry.get("patient_id") for entry in (private_entry, *private_entry.get("others", []))}:
            return path.stem
    return None


def _remember_person(path: Path, first: Instance) -> None:
    """Keep who a patient is; another ID, issuer or name of the same patient is kept beside the first."""
    new, private_entry = _as_private(first.person), read_private(path)
    if not private_entry:
        write_private(path, new)
        return
    others = list(private_entry.get("others", []))
    if new != {key: private_entry.get(key) for key in new} and new not in others:
        write_private(path, {**private_entry, "others": [*others, new]})


def _as_private(person: Person) -> dict[str, Any]:
    born = person.born_on.isoformat() if isinstance(person.born_on, date) else None
    return {
        "patient_id": person.patient_id, "issuer": person.issuer, "name": person.name, "born_on": born,
        "sex": person.sex,
    }  # fmt: skip


def _source_of(stack: Stack) -> dict[str, Any]:
    first, grid = stack.first, stack.grid
    assert grid is not None
    return {
        "study": {
            "study_uid": first.study_uid,
            "studied_on": first.studied_on.isoformat() if first.studied_on else None,
            "accession": first.filing.accession,
            "study_id": first.filing.study_id,
            "study_time": first.filing.study_time,
            "referring": first.filing.referring,
            "age_years": first.person.age_years,
            "made_on": first.made_on.isoformat() if first.made_on else None,
            "stepped_on": first.stepped_on.isoformat() if first.stepped_on else None,
            "person": _as_private(first.person),
        },
        "series_uid": first.series_uid,
        "frame_of_reference_uid": first.frame_of_reference_uid,
        "sop_class": first.sop_class,
        "planes": [[plane.sop_uid, plane.frame + 1] for plane in grid.planes],
    }
