"""Telling the people of a source apart: who gets which pseudonym, and who is left out because two may be mixed up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.core.records import Finding
from pipeline.hospital.oddities import oddity
from pipeline.hospital.private.pseudonyms import Identities, read_private
from pipeline.hospital.read.instances import Instance, Person


@dataclass(frozen=True)
class KnownPerson:
    """A person whom an earlier import, or an earlier image of this one, knew: the pseudonym and who it is."""

    pseudonym: str
    person: Person


def known_people(private: Path, bids_dir: Path) -> tuple[KnownPerson, ...]:
    """Return who was imported before and still is in the study, with every ID, issuer and name of each."""
    persons = []
    for path in sorted((private / "people").glob("sub-*.json")):
        if (bids_dir / path.stem).is_dir():
            private_entry = read_private(path)
            persons += [
                KnownPerson(path.stem, _person(entry)) for entry in (private_entry, *private_entry.get("others", []))
            ]
    return tuple(persons)


def tell_apart(
    instances: Iterable[Instance],
    identities: Identities,
    known_persons: Sequence[KnownPerson],
    findings: list[Finding],
    same_as: Mapping[str, str] | None = None,
) -> dict[Person, str]:
    """Return the pseudonym of each person whose images may be used.

    An archive begins to send the issuer of its patient IDs from one day on: the same ID without and with an issuer is
    one person when birth date and name agree, two when the birth dates differ, and nobody's when neither is certain.

    Parameters
    ----------
    known_persons
        Who was imported before: a patient id that meant another date of birth then is refused.
    findings
        People without id, people not in the table, and suspected mix-ups are added; none is named.
    same_as
        Pseudonyms that somebody said are the same person as another one; refused like any other mix-up where birth
        dates or sexes differ.
    """
    persons = list(dict.fromkeys(instance.person for instance in instances))
    by_name: dict[str, list[Person]] = {}
    unnamed = unmapped = unclear = stand_in = 0
    seen, others = list(known_persons), [known_person.person for known_person in known_persons]
    for person in sorted(persons, key=lambda p: (p.issuer, p.patient_id, p.name, str(p.born_on))):
        pseudonym = identities.pseudonym(person)
        if not person.patient_id:
            unnamed += 1
        elif identities.mapping is None and is_stand_in(person) and not _is_counted(person, (*persons, *others)):
            stand_in += 1
        elif pseudonym is None:
            unmapped += 1
        elif identities.mapping is None and (pseudonym := _as_known(person, pseudonym, seen)) is None:
            unclear += 1
        else:
            pseudonym = (same_as or {}).get(pseudonym, pseudonym)
            by_name.setdefault(pseudonym, []).append(person)
            seen.append(KnownPerson(pseudonym, person))
    if unnamed:
        findings.append(oddity("patient_unnamed", "expected a patient ID in each header, found images without one"))
    if stand_in:
        message = "expected a patient ID that is one person's, found a word that stands for none (and no date of birth)"
        findings.append(oddity("patient_unnamed", f"{message}; where it is one person list it in a table (--patients)"))
    if unmapped:
        findings.append(
            oddity("patient_unmapped", f"expected every patient in the table, found {unmapped} who are not")
        )
    if unclear:
        message = "expected to know whose an ID is that comes with and without its issuer, found"
        findings.append(oddity("patient_issuer", f"{message} {unclear} of whom name and birth date leave it open"))
    accepted: dict[Person, str] = {}
    by_name = _without_renamed(by_name, known_persons, findings)
    for pseudonym, members in by_name.items():
        if _are_one(pseudonym, members, known_persons, findings):
            accepted |= dict.fromkeys(members, pseudonym)
    _warn_of_doubles(by_name, known_persons, findings)
    return accepted


STAND_INS = frozenset({
    "anon", "anonym", "anonymous", "anonymised", "anonymized", "anonymisiert", "deidentified", "removed", "deleted",
    "redacted", "unknown", "unbekannt", "none", "no", "id", "noid", "nil", "null", "undefined", "blank", "empty",
    "patient", "patientid", "test", "xxx", "xxxx", "xxxxx", "0", "00", "000", "0000", "00000", "000000", "0000000",
    "00000000",
})  # fmt: skip
"""Words and noughts that programs write in place of a patient ID; everybody whom they meet has the same."""


DIGIT = re.compile(r"[0-9]")


def is_stand_in(person: Person) -> bool:
    """Say whether a patient ID is a word in place of one, and no date of birth beside it tells people apart.

    Examples
    --------
    >>> is_stand_in(Person("ANONYMOUS")), is_stand_in(Person("anon-017"))
    (True, False)
    """
    words = _plain(person.patient_id.replace("_", " ")).split()
    return person.born_on is None and bool(words) and all(word in STAND_INS for word in words)


def _is_counted(person: Person, others: Iterable[Person]) -> bool:
    """Say whether an ID of noughts is the first of a count, as 000 is beside 001."""
    shape = DIGIT.sub("9", person.patient_id)
    return "9" in shape and any(
        other.patient_id != person.patient_id and DIGIT.sub("9", other.patient_id) == shape for other in others
    )


def _as_known(person: Person, pseudonym: str, seen: Sequence[KnownPerson]) -> str | None:
    """Return the pseudonym under which a person is known, the new one for a new person, None when it is not clear."""
    alike = [other for other in seen if other.person.patient_id == person.patient_id]
    exact = [other.pseudonym for other in alike if other.person.issuer == person.issuer]
    if exact:
        return exact[0]
    loose = [other for other in alike if not other.person.issuer or not person.issuer]
    same = {other.pseudonym for other in loose if _is_same(person, other.person)}
    if len(same) == 1:
        return same.pop()
    return None if same or any(_is_same(person, other.person) is None for other in loose) else pseudonym


def _is_same(one: Person, other: Person) -> bool | None:
    """Say whether two headers with one patient ID are of one person; None when they leave it open."""
    if one.born_on and other.born_on and one.born_on != other.born_on:
        return False
    if {one.sex, other.sex} == {"F", "M"}:
        return None
    names = {_plain(person.name) for person in (one, other) if person.name}
    is_born_alike = one.born_on is not None and one.born_on == other.born_on
    is_named_alike = bool(one.name) and bool(other.name) and len(names) == 1
    return True if is_named_alike or (is_born_alike and len(names) <= 1) else None


def _without_renamed(
    by_name: dict[str, list[Person]], known_persons: Sequence[KnownPerson], findings: list[Finding]
) -> dict[str, list[Person]]:
    """Leave out people whom an earlier import knew under another pseudonym: they would be two people in the study."""
    before = {(k.person.issuer, k.person.patient_id): k.pseudonym for k in known_persons}
    remaining: dict[str, list[Person]] = {}
    for pseudonym, members in by_name.items():
        others = {before.get((person.issuer, person.patient_id), pseudonym) for person in members} - {pseudonym}
        if others:
            message = f"{pseudonym}: expected {', '.join(sorted(others))}, as this patient is called in the study"
            findings.append(oddity("patient_other_name", message, None, pseudonym))
        else:
            remaining[pseudonym] = members
    return remaining


def _are_one(
    pseudonym: str, members: list[Person], known_persons: Sequence[KnownPerson], findings: list[Finding]
) -> bool:
    """Say whether all who got one pseudonym may be one person; several IDs need a birth date that says so."""
    everyone = [*members, *(k.person for k in known_persons if k.pseudonym == pseudonym)]
    born = {person.born_on for person in everyone if person.born_on}
    if len(born) > 1:
        message = f"{pseudonym}: expected one date of birth under one patient ID, found {len(born)}"
        findings.append(oddity("patient_mixed", message, None, pseudonym))
        return False
    names = {_plain(person.name) for person in everyone if person.name}
    has_several_ids = len({person.patient_id for person in everyone}) > 1
    is_dated = all(person.born_on for person in everyone)
    sexes = {person.sex for person in everyone} & {"F", "M"}
    if has_several_ids and ((len(names) > 1 and not is_dated) or len(sexes) > 1):
        message = f"{pseudonym}: expected one person under several patient IDs, found other names or sexes"
        findings.append(oddity("patient_mixed", message, None, pseudonym))
        return False
    if len(sexes) > 1:
        if not (is_dated and len(names) == 1):
            message = f"{pseudonym}: expected one sex under one patient ID, found two, and no name and birth date alike"
            findings.append(oddity("patient_mixed", message, None, pseudonym))
            return False
        message = f"{pseudonym}: expected one sex under one patient ID, found two"
        findings.append(oddity("patient_sexes", message, None, pseudonym))
    if len(names) > 1:
        message = f"{pseudonym}: expected one name under one patient ID, found {len(names)}"
        findings.append(oddity("patient_renamed", message, None, pseudonym))
    return True


def may_be_one(people: Mapping[Person, str], known_persons: Sequence[KnownPerson]) -> tuple[tuple[str, ...], ...]:
    """Return pseudonyms that may be one person, by name and date of birth, where one of them is among ``people``."""
    same: dict[tuple[str, date], set[str]] = {}
    here = ((pseudonym, person) for person, pseudonym in people.items())
    for pseudonym, person in (*here, *((k.pseudonym, k.person) for k in known_persons)):
        if person.name and person.born_on:
            same.setdefault((_plain(person.name), person.born_on), set()).add(pseudonym)
    names_here = set(people.values())
    return tuple(tuple(sorted(names)) for names in same.values() if len(names) > 1 and names & names_here)


def _warn_of_doubles(
    by_name: dict[str, list[Person]], known_persons: Sequence[KnownPerson], findings: list[Finding]
) -> None:
    here = {person: pseudonym for pseudonym, members in by_name.items() for person in members}
    for names in may_be_one(here, known_persons):
        listed = " and ".join(names)
        message = f"{listed}: expected one patient ID per person, found the same name and date of birth under both"
        findings.append(oddity("patient_twice", message))


def _person(entry: Mapping[str, Any]) -> Person:
    born = entry.get("born_on")
    return Person(
        patient_id=str(entry.get("patient_id") or ""),
        issuer=str(entry.get("issuer") or ""),
        name=str(entry.get("name") or ""),
        born_on=date.fromisoformat(born) if born else None,
        sex=entry.get("sex"),
    )


def _plain(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.lower()))
