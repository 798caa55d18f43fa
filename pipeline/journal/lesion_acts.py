"""What people said of lesions, as the steps of a run need it: another name, no tumour, names that a table gives.

What this module refuses: an answer about names that says of one lesion only, or nothing that the program knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.errors import SettingsError


class NameAnswer(StrEnum):
    """What a person says of the names that a table gives two lesions at a visit; the values are stored."""

    RIGHT = "right"  # each is the lesion that its name says
    EXCHANGED = "exchanged"  # on this visit each bears the other's name
    ONE = "one lesion"  # from this visit on both are one lesion, which bears the first name
    ANOTHER = "another lesion"  # from this visit on the first name means a lesion of its own, called by the second


@dataclass(frozen=True)
class LesionCorrection:
    """From a visit on, a lesion is another one: names as in ``lesions.Sighting``.

    Where ``component_sha256`` names the piece, the lesion is whatever that piece is called now.
    """

    session_id: str
    lesion_id: str
    same_as: str
    component_sha256: str | None = None


@dataclass(frozen=True)
class LesionWithdrawal:
    """What was called new at a visit is no tumour.

    Attributes
    ----------
    lesion_id, component_sha256
        The lesion, and the piece it is bound to; None where no lesion was followed, as with imported numbers.
    withdrawn_on
        From this day on it is known.
    words
        Who withdrew it, when and why.
    """

    session_id: str
    lesion_id: str | None
    component_sha256: str | None
    withdrawn_on: date
    words: str


@dataclass(frozen=True)
class LesionNaming:
    """What a person said of two names of a table at a visit; ``words`` holds who, when and why.

    Where ``component_sha256`` names the row, the first lesion is whatever that row is called now.
    """

    entry_id: str
    session_id: str
    lesion_id: str
    other: str
    answer: NameAnswer
    words: str
    component_sha256: str | None = None


def check_naming(lesion_id: str | None, other: str | None, answer: str | None) -> None:
    """Refuse an answer about names that means nothing.

    Raises
    ------
    SettingsError
        With what was expected.
    """
    if answer not in list(NameAnswer):
        raise SettingsError(f"name_lesions: expected one of {', '.join(NameAnswer)}, found {answer}; choose one")
    if lesion_id == other:
        raise SettingsError(f"name_lesions: expected two names, found {lesion_id} twice; name the other lesion")
