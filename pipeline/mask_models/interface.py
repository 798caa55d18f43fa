"""What every source of automatic masks is, and what it returns; nothing here draws a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume


@dataclass(frozen=True)
class SourcedMasks:
    """The masks that a source drew on one visit.

    Attributes
    ----------
    masks
        Share (0..1) of each voxel that belongs to a compartment, on the grid of the scans. Every compartment that
        the source knows is there; one without a voxel was looked for and not found.
    method
        Who drew: the program or model with its version.
    valid_for
        What the masks may be used for, in the words of whoever made the source.
    """

    masks: Mapping[Compartment, Volume]
    method: str
    valid_for: str


class MaskSource(Protocol):
    """Something that draws masks on the scans of one visit, without any other visit."""

    @property
    def name(self) -> str:
        """Short name, letters and digits: the source in records and the ``seg`` entity in file names."""
        ...

    @property
    def channels(self) -> Sequence[Sequence[str]]:
        """Contrasts that are needed, in order; each with the ones that may stand in, best first."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of everything but the scans that the masks depend on."""
        ...

    def draw(self, scans: Sequence[Volume]) -> SourcedMasks:
        """Draw on scans that share one grid, one per channel.

        Raises
        ------
        InputError
            No masks can be drawn on these scans; the message says why.
        """
        ...
