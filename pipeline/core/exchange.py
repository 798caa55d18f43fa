"""Tumour that lesions seem to have exchanged on one scan: as much lost here as gained there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Exchange:
    """Tumour that a lesion gained on one scan while others lost as much, or lost while others gained it.

    Attributes
    ----------
    on, session_id
        The scan.
    metric
        What was compared: ``volume``, ``product`` or ``longest`` (``judge.criteria.Metric``).
    size
        What this lesion gained of theirs, below 0 what it lost to them, in the metric's unit.
    lesions, others_size
        Names of the others, and what they lost or gained together.
    is_unread
        This lesion was not measured: its table has no row of it on that day.
    unread, unread_size
        Lesions beside this one that lost, or may have, and were not measured; and what of ``others_size`` is theirs.
    read_on
        The later scan by which a lesion that had no row was measured again, and had lost it.
    """

    on: date
    session_id: str
    metric: str
    size: float
    lesions: tuple[str, ...]
    others_size: float
    is_unread: bool = False
    unread: tuple[str, ...] = ()
    unread_size: float = 0.0
    read_on: date | None = None
