"""What a scan said of a lesion as a group of patients: a sure term, the same term unsure, or not told.

Of the three none is ever counted as another: what was not told is not absent, and an unsure term is no sure one. What
this module refuses: a finding put together of two places, of which one was not told, called absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

NOT_TOLD = "not told"
"""Group of patients of whom no scan says the finding, or who have no scan that could."""

UNSURE = " (not sure)"
"""End of the name of a group whose term is not sure."""


class Presence(StrEnum):
    """What a finding that lies above or below can be."""

    PRESENT = "present"
    ABSENT = "absent"


def group_of(value: str | None, sureness: str | None, read_as: str | None = None) -> str:
    """Return the group that one finding puts a patient in.

    Parameters
    ----------
    value, sureness
        As measured: a term, and ``sure`` or ``unsure``; None where nothing was told.
    read_as
        What a person reads in its place; it counts as sure.

    Examples
    --------
    >>> group_of("vivid", "sure"), group_of("vivid", "unsure"), group_of(None, None)
    ('vivid', 'vivid (not sure)', 'not told')
    >>> group_of("none", "unsure", "faint")
    'faint'
    """
    if read_as:
        return read_as
    if not value:
        return NOT_TOLD
    return value if sureness == "sure" else f"{value}{UNSURE}"


def is_sure(group: str) -> bool:
    """Say whether a group's term is sure.

    Examples
    --------
    >>> is_sure("present"), is_sure("present (not sure)"), is_sure("not told")
    (True, False, False)
    """
    return group != NOT_TOLD and not group.endswith(UNSURE)


def either(groups: Sequence[str]) -> str:
    """Return the group of a finding that may lie in one place or another, such as above or below.

    Present where one is; absent only where every place was looked at, and surely only where all are sure.

    Examples
    --------
    >>> either(["absent", "present"]), either(["absent", "absent (not sure)"]), either(["absent", "not told"])
    ('present', 'absent (not sure)', 'not told')
    >>> either(["present (not sure)", "not told"])
    'present (not sure)'
    """
    for one in (Presence.PRESENT, f"{Presence.PRESENT}{UNSURE}"):
        if one in groups:
            return str(one)
    if not groups or NOT_TOLD in groups:
        return NOT_TOLD
    return str(Presence.ABSENT) if all(map(is_sure, groups)) else f"{Presence.ABSENT}{UNSURE}"
