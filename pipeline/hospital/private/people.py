"""Telling the people of a source apart: who gets which pseudonym, and who is left out because two may be mixed up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pipeline.core.records import Finding
from pipeline.hospital.oddities import oddity
from pipeline.hospital.private.pseudonyms import Identities, read_private
from pipeline.hospital.read.instances import Instance, Person


def tell_apart(
    instances: Iterable[Instance], identities: Identities, private: Path, findings: list[Finding]
) -> dict[Person, str]:
    """Return the pseudonym of each person whose images may be used.

    Parameters
    ----------
    private
        Holds who was imported before: a patient id that meant another date of birth then is refused.
    findings
        People without id, people not in the table, and suspected mix-ups are added; none is named.
    """
    persons = list(dict.fromkeys(instance.person for instance in instances))
    by_name: dict[str, list[Person]] = {}
    unnamed = unmapped = 0
    for person in persons:
        pseudonym = identities.pseudonym(person)
        if pseudonym is not None:
            by_name.setdefault(pseudonym, []).append(person)
        elif person.patient_id:
            unmapped += 1
        else:
            unnamed += 1
    if unnamed:
        findings.append(oddity("patient_unnamed", "expected a patient ID in each header, found images without one"))
    if unmapped:
        findings.append(
            oddity("patient_unmapped", f"expected every patient in the table, found {unmapped} who are not")
        )
    accepted: dict[Person, str] = {}
    by_name = _without_renamed(by_name, private, findings)
    for pseudonym, members in by_name.items():
        if _are_one(pseudonym, members, private, findings):
            accepted |= dict.fromkeys(members, pseudonym)
    _warn_of_doubles(by_name, findings)
    return accepted


def _without_renamed(
    by_name: dict[str, list[Person]], private: Path, findings: list[Finding]
) -> dict[str, list[Person]]:
    """Leave out people whom an earlier import knew under another pseudonym: they would be two people in the study."""
    before: dict[tuple[str, str], str] = {}
    for path in sorted((private / "people").glob("sub-*.json")):
        known = read_private(path)
        before[str(known.get("issuer")), str(known.get("patient_id"))] = path.stem
    kept: dict[str, list[Person]] = {}
    for pseudonym, members in by_name.items():
        others = {before.get((person.issuer, person.patient_id), pseudonym) for person in members} - {pseudonym}
        if others:
            message = f"{pseudonym}: expected {', '.join(sorted(others))}, as this patient is called in the study"
            findings.append(oddity("patient_other_name", message, None, pseudonym))
        else:
            kept[pseudonym] = members
    return kept


def _are_one(pseudonym: str, members: list[Person], private: Path, findings: list[Finding]) -> bool:
    before = read_private(private / "people" / f"{pseudonym}.json")
    born = {person.born_on for person in members if person.born_on}
    born |= {date.fromisoformat(before["born_on"])} if before.get("born_on") else set()
    if len(born) > 1:
        message = f"{pseudonym}: expected one date of birth under one patient ID, found {len(born)}"
        findings.append(oddity("patient_mixed", message, None, pseudonym))
        return False
    names = {_plain(person.name) for person in members if person.name}
    names |= {_plain(before["name"])} if before.get("name") else set()
    if len(names) > 1:
        message = f"{pseudonym}: expected one name under one patient ID, found {len(names)}"
        findings.append(oddity("patient_renamed", message, None, pseudonym))
    return True


def _warn_of_doubles(by_name: dict[str, list[Person]], findings: list[Finding]) -> None:
    same: dict[tuple[str, date], set[str]] = {}
    for pseudonym, members in by_name.items():
        for person in members:
            if person.name and person.born_on:
                same.setdefault((_plain(person.name), person.born_on), set()).add(pseudonym)
    for names in same.values():
        if len(names) > 1:
            listed = " and ".join(sorted(names))
            message = f"{listed}: expected one patient ID per person, found the same name and date of birth under both"
            findings.append(oddity("patient_twice", message))


def _plain(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.lower()))
