"""What a person says a code or name of other programs' segments means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentRule:
    """One ``[[segment]]`` of a rules file; every condition that it has must hold.

    Attributes
    ----------
    compartment
        What the segment is.
    code
        Scheme and code value, such as ``SCT 52988006``.
    label
        The segment's name, whole, in any case.
    """

    compartment: str
    code: str | None = None
    label: str | None = None

    def fits(self, coded: Sequence[tuple[str, str]], label: str) -> bool:
        """Say whether a segment with these codes (value, scheme) and this name is meant."""
        codes = {f"{scheme} {value}" for value, scheme in coded}
        is_named = self.label is None or self.label.strip().lower() == label.strip().lower()
        return is_named and (self.code is None or self.code in codes)
