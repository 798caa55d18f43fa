"""The one file that says how people sign in and what they may do: Streamlit's ``[auth]`` and our ``[roles]``.

``[auth]`` names the provider (OpenID Connect) as Streamlit's documentation has it; ``[roles]`` says which claim of the
identity token holds groups, which groups give which role, how long a sign-in lasts, and whose was taken away. A claim
of centres (``centre_claim``) and ``[[limit]]`` tables say who sees some of the patients only; admins see all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.files import toml_rules
from pipeline.journal.roles import PatientLimit, Visitor, VisitorRole, roles_of

AUTH_KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
SHORTEST_SECRET = 32
HOURS = 10.0
NOBODY = Visitor("", limit=PatientLimit())
"""Has no role and sees no patient."""
CALLED = ("name", "preferred_username", "email")
"""Claims by which others know somebody, in the order in which they are shown."""
EVERYWHERE = "*"
"""Among the centres of a claim: all of them."""


@dataclass(frozen=True)
class RoleSection:
    """The section ``[roles]`` as it is written: groups by role, each a list."""

    claim: str
    hours: float = HOURS
    centre_claim: str = ""
    revoked: tuple[str, ...] = ()
    reader: tuple[str, ...] = ()
    signer: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()


@dataclass(frozen=True)
class LimitSection:
    """One ``[[limit]]``: who is in the group sees patients of these centres, and these patients, and no others."""

    group: str
    centres: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignInRules:
    """How claims of a sign-in become a person.

    Attributes
    ----------
    claim
        Name of the claim that holds the groups; dots lead into nested claims, as in ``realm_access.roles``.
    groups
        By role, the groups that give it.
    hours
        How long a sign-in lasts, whatever the token says of itself.
    revoked
        Subjects, or e-mail addresses or names that people have at the provider, whose sign-in was taken away at once.
    client_id
        How the provider knows these pages: a token that was made for others counts for nothing.
    redirect_uri
        Where the provider sends people back to: the public address of the pages.
    centre_claim
        Name of the claim that holds the centres whose patients somebody sees, ``*`` for all; empty for no such claim.
    limits
        Further ones, by group.
    """

    claim: str
    groups: Mapping[str, frozenset[str]]
    redirect_uri: str
    client_id: str
    hours: float = HOURS
    revoked: frozenset[str] = field(default_factory=frozenset)
    centre_claim: str = ""
    limits: tuple[LimitSection, ...] = ()


def read(file: Path) -> SignInRules:
    """Read the file.

    Raises
    ------
    SettingsError
        It cannot be read, or says too little.
    """
    try:
        content = toml_rules.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise SettingsError(
            f"{file}: expected a TOML file about the sign-in, but it cannot be read ({error})"
        ) from error
    auth, roles = (part if isinstance(part := content.get(name), dict) else {} for name in ("auth", "roles"))
    missing = [key for key in AUTH_KEYS if not isinstance(auth.get(key), str) or not auth[key]]
    if missing:
        raise SettingsError(f"{file}: expected {', '.join(AUTH_KEYS)} in [auth], found no {', '.join(missing)}")
    if len(auth["cookie_secret"]) < SHORTEST_SECRET:
        raise SettingsError(
            f"{file}: expected a cookie_secret of {SHORTEST_SECRET} characters or more; make a longer one"
        )
    section: RoleSection = toml_rules.fill(RoleSection, roles, f"{file}: [roles]")
    if not section.hours > 0:
        raise SettingsError(f"{file}: expected hours above 0 in [roles], found {section.hours:g}; say how many")
    groups = {str(role): frozenset(getattr(section, role)) for role in VisitorRole}
    listed = content.get("limit", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SettingsError(f"{file}: expected [[limit]] tables, found something else under limit; correct the file")
    limits = tuple(toml_rules.fill(LimitSection, one, f"{file}: [[limit]]") for one in listed)
    return SignInRules(
        section.claim, groups, auth["redirect_uri"], auth["client_id"], section.hours, frozenset(section.revoked),
        section.centre_claim, limits,
    )  # fmt: skip


def person_of(claims: Mapping[str, Any], rules: SignInRules, now_s: float) -> Visitor:
    """Return who signed in, with the roles that the claims give now; nobody for a sign-in that is over or revoked.

    Parameters
    ----------
    claims
        Of the identity token, whose signature, audience and issuer were checked when it came.
    now_s
        The time, s since 1970.
    """
    issuer, subject, issued_s = claims.get("iss"), claims.get("sub"), claims.get("iat")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not isinstance(issued_s, int | float):
        return NOBODY
    audience = claims.get("aud")
    if rules.client_id not in ([audience] if isinstance(audience, str) else audience or ()):
        return NOBODY
    called = {_loosely(text) for key in ("sub", *CALLED) if isinstance(text := claims.get(key), str)}
    if called & set(map(_loosely, rules.revoked)) or now_s > issued_s + rules.hours * 3600:
        return NOBODY
    names = (claims.get(key) for key in CALLED)
    name = next((text for text in names if isinstance(text, str) and text.strip()), subject)
    groups = frozenset(_texts(claims, rules.claim))
    visitor_roles = roles_of(groups, rules.groups)
    limit = None if VisitorRole.ADMIN in visitor_roles else _limit(claims, groups, rules)
    return Visitor(name.strip(), f"{issuer} {subject}", visitor_roles, limit)


def _limit(claims: Mapping[str, Any], groups: frozenset[str], rules: SignInRules) -> PatientLimit | None:
    """Return whom somebody may see; None for all, where nothing in the file limits them."""
    loosely = set(map(_loosely, groups))
    sections = [section for section in rules.limits if _loosely(section.group) in loosely]
    centres = frozenset(_texts(claims, rules.centre_claim)) if rules.centre_claim else frozenset()
    is_free = EVERYWHERE in centres if rules.centre_claim else not sections
    if is_free and not sections:
        return None
    listed = frozenset(text for section in sections for text in section.patients)
    named = frozenset(name if name.startswith("sub-") else f"sub-{name}" for name in listed)
    return PatientLimit(centres.union(*(section.centres for section in sections)) - {EVERYWHERE}, named)


def _loosely(text: str) -> str:
    """Return a name as it counts where it takes something away: case and blanks around it hide nobody.

    What gives a role is held to the letter.
    """
    return text.strip().casefold()


def _texts(claims: Mapping[str, Any], claim: str) -> list[str]:
    content: Any = claims
    for key in claim.split("."):
        content = content.get(key) if isinstance(content, Mapping) else None
    if isinstance(content, str):
        return [content]
    return [text for text in content if isinstance(text, str)] if isinstance(content, list | tuple) else []
