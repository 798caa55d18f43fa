"""Who may do what: roles that a sign-in gives, and the one refusal that every act, form, run and list goes through.

Pure: who somebody is and which roles they have is told from outside. Where nobody has to sign in, a name is what was
typed, all may do everything, and the pages listen on this machine alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pipeline.errors import SettingsError


class VisitorRole(StrEnum):
    """What a person is to the study."""

    READER = "reader"
    SIGNER = "signer"
    EDITOR = "editor"
    ADMIN = "admin"


class Deed(StrEnum):
    """What a person wants to do, in the words of its refusal."""

    READ = "look at the study"
    SIGN = "put acts on record"
    EDIT = "change the study's tables and scans"
    RUN = "ask for runs"
    ADMINISTER = "see who looked at what"


ALLOWED: Mapping[Deed, frozenset[VisitorRole]] = MappingProxyType(
    {
        Deed.READ: frozenset(VisitorRole),
        Deed.SIGN: frozenset({VisitorRole.SIGNER, VisitorRole.ADMIN}),
        Deed.EDIT: frozenset({VisitorRole.EDITOR, VisitorRole.ADMIN}),
        Deed.RUN: frozenset({VisitorRole.SIGNER, VisitorRole.EDITOR, VisitorRole.ADMIN}),
        Deed.ADMINISTER: frozenset({VisitorRole.ADMIN}),
    }
)
"""Which roles a deed asks for: one of them."""


WHOLE_STUDY = frozenset({Deed.EDIT, Deed.ADMINISTER})
"""Deeds that show or change what belongs to all patients: nobody does them who may see some of them only."""


@dataclass(frozen=True)
class PatientLimit:
    """The patients that somebody may see: those of some centres, and those that are listed (``sub-X``)."""

    centres: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()

    def allows(self, patient_id: str, centre: str | None) -> bool:
        """Say whether somebody may see a patient."""
        return patient_id in self.patients or (centre is not None and centre in self.centres)


@dataclass(frozen=True)
class Visitor:
    """Somebody on the pages.

    Attributes
    ----------
    name
        As others know them: what was typed, or what the sign-in says.
    identity
        Issuer and subject of the sign-in, which no other person has; empty where nobody has to sign in.
    roles
        What they are to the study.
    limit
        Whom they may see; None for all patients.
    """

    name: str
    identity: str = ""
    roles: frozenset[VisitorRole] = frozenset()
    limit: PatientLimit | None = None


def check(person: Visitor, deed: Deed) -> Visitor:
    """Return the person when they may do it.

    Raises
    ------
    SettingsError
        They have no role that it asks for.

    Examples
    --------
    >>> check(Visitor("R. Eader", "x", frozenset({VisitorRole.READER})), Deed.SIGN)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pipeline.errors.SettingsError: R. Eader may not put acts on record: that needs the role admin or signer; ...
    """
    if not person.roles & ALLOWED[deed]:
        roles = " or ".join(sorted(ALLOWED[deed]))
        who = person.name or "Whoever has not signed in"
        raise SettingsError(
            f"{who} may not {deed}: that needs the role {roles}; ask whoever keeps the sign-in. Nothing was written."
        )
    if deed in WHOLE_STUDY:
        check_whole_study(person)
    return person


def check_whole_study(person: Visitor) -> None:
    """Refuse somebody who may see some of the patients only.

    Raises
    ------
    SettingsError
        They may.
    """
    if person.limit is not None:
        raise SettingsError(
            f"{person.name} may see some of the patients only, and this is about all; ask whoever keeps the sign-in. "
            "Nothing was written."
        )


def roles_of(groups: frozenset[str], rules: Mapping[str, frozenset[str]]) -> frozenset[VisitorRole]:
    """Return the roles that groups of a sign-in give.

    Examples
    --------
    >>> rules = {"reader": frozenset({"ward"}), "signer": frozenset({"board"})}
    >>> sorted(roles_of(frozenset({"ward", "kitchen"}), rules))
    [<VisitorRole.READER: 'reader'>]
    """
    return frozenset(role for role in VisitorRole if groups & rules.get(role, frozenset()))
