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


class Role(StrEnum):
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


ALLOWED: Mapping[Deed, frozenset[Role]] = MappingProxyType(
    {
        Deed.READ: frozenset(Role),
        Deed.SIGN: frozenset({Role.SIGNER, Role.ADMIN}),
        Deed.EDIT: frozenset({Role.EDITOR, Role.ADMIN}),
        Deed.RUN: frozenset({Role.SIGNER, Role.EDITOR, Role.ADMIN}),
        Deed.ADMINISTER: frozenset({Role.ADMIN}),
    }
)
"""Which roles a deed asks for: one of them."""


@dataclass(frozen=True)
class Person:
    """Somebody on the pages.

    Attributes
    ----------
    name
        As others know them: what was typed, or what the sign-in says.
    identity
        Issuer and subject of the sign-in, which no other person has; empty where nobody has to sign in.
    roles
        What they are to the study.
    """

    name: str
    identity: str = ""
    roles: frozenset[Role] = frozenset()


def check(person: Person, deed: Deed) -> Person:
    """Return the person when they may do it.

    Raises
    ------
    SettingsError
        They have no role that it asks for.

    Examples
    --------
    >>> check(Person("R. Eader", "x", frozenset({Role.READER})), Deed.SIGN)
    Traceback (most recent call last):
    pipeline.errors.SettingsError: R. Eader may not put acts on record: that needs the role admin or signer; ...
    """
    if not person.roles & ALLOWED[deed]:
        roles = " or ".join(sorted(ALLOWED[deed]))
        who = person.name or "Whoever has not signed in"
        raise SettingsError(
            f"{who} may not {deed}: that needs the role {roles}; ask whoever keeps the sign-in. Nothing was written."
        )
    return person


def roles_of(groups: frozenset[str], rules: Mapping[str, frozenset[str]]) -> frozenset[Role]:
    """Return the roles that groups of a sign-in give.

    Examples
    --------
    >>> rules = {"reader": frozenset({"ward"}), "signer": frozenset({"board"})}
    >>> sorted(roles_of(frozenset({"ward", "kitchen"}), rules))
    [<Role.READER: 'reader'>]
    """
    return frozenset(role for role in Role if groups & rules.get(role, frozenset()))
