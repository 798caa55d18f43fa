"""The form of a look at the whole neuraxis: which levels were imaged, and the leptomeningeal items after LANO.

Items are those of the revised scorecard (Le Rhun 2019, PMC6502503, table 5), with the cytology of the cerebrospinal
fluid, which RANO's proposal asks for beside it (Chamberlain 2017, 10.1093/neuonc/now183).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Imaged(StrEnum):
    """Whether a level was imaged."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Item(StrEnum):
    """What was seen of one item."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_EVALUABLE = "not evaluable"


LEVELS = {"brain": "brain", "cervical": "cervical cord", "thoracic": "thoracic cord", "lumbar": "lumbar canal"}
"""Column of the form to its words, from the head down."""

SEEDING_ITEMS = {
    "brain_nodules": "nodules in the brain's subarachnoid space or ventricles",
    "brain_linear": "linear leptomeningeal enhancement of the brain",
    "spine_nodules": "nodules in the spinal subarachnoid space",
    "spine_linear": "linear leptomeningeal enhancement of the spine",
}
"""Items of the scans that are seeding where they are present."""

IMAGED_FOR: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("brain_nodules", "brain_linear", "hydrocephalus"), ("brain",)),
    **dict.fromkeys(("spine_nodules", "spine_linear"), ("cervical", "thoracic", "lumbar")),
}
"""Levels of which one at least must be imaged for an item to be absent."""

ITEMS = {**SEEDING_ITEMS, "hydrocephalus": "hydrocephalus", "csf_cytology": "tumour cells in the cerebrospinal fluid"}


@dataclass(frozen=True)
class NeuraxisForm:
    """One visit's form; None is what nobody filled in.

    Attributes
    ----------
    brain, cervical, thoracic, lumbar
        Codes of :class:`Imaged`.
    contrast
        Whether contrast agent was given, yes or no.
    brain_nodules, brain_linear, spine_nodules, spine_linear, hydrocephalus, csf_cytology
        Codes of :class:`Item`.
    """

    brain: str | None = None
    cervical: str | None = None
    thoracic: str | None = None
    lumbar: str | None = None
    contrast: str | None = None
    brain_nodules: str | None = None
    brain_linear: str | None = None
    hydrocephalus: str | None = None
    spine_nodules: str | None = None
    spine_linear: str | None = None
    csf_cytology: str | None = None
    reader: str | None = None

    @property
    def shows_seeding(self) -> bool:
        """A nodule, linear enhancement or tumour cells in the fluid were seen."""
        return any(getattr(self, name) == Item.PRESENT for name in (*SEEDING_ITEMS, "csf_cytology"))
