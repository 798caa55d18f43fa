"""Growth and shrinkage of what is followed and never judged, counted from its own smallest and largest reading.

Cyst, syrinx and oedema have no baseline and no nadir; slow growth from scan to scan is not lost when it is held against
the smallest, with the error of all readings. What this module refuses: a change of a volume whose error nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.vocabulary import VisitMeasure
from pipeline.judge import comparison
from pipeline.judge.comparison import Comparison
from pipeline.judge.criteria import Metric


def since_smallest(visit: VisitMeasure, earlier: Sequence[VisitMeasure]) -> Comparison | None:
    """Compare a volume above 0 with the smallest earlier one above 0, the first of equal ones; None without any."""
    seen = [one for one in earlier if one.volume_mm3]
    if not seen or not visit.volume_mm3:
        return None
    smallest = min(seen, key=lambda one: (one.volume_mm3 or 0.0, one.acquired_on))
    return comparison.compare(visit, smallest, Metric.VOLUME, seen)


def since_largest(visit: VisitMeasure, earlier: Sequence[VisitMeasure]) -> Comparison | None:
    """Compare a volume above 0 with the largest earlier one, the latest of equal ones; None without any."""
    seen = [one for one in earlier if one.volume_mm3]
    if not seen or not visit.volume_mm3:
        return None
    largest = max(seen, key=lambda one: (one.volume_mm3 or 0.0, one.acquired_on))
    return comparison.compare(visit, largest, Metric.VOLUME, seen)


def has_grown(scan_pair: Comparison | None) -> bool:
    """Say whether a volume is larger than the other beyond the error of all readings."""
    return scan_pair is not None and scan_pair.value > scan_pair.reference_value and comparison.beyond_error(scan_pair)


def has_shrunk(scan_pair: Comparison | None) -> bool:
    """Say whether a volume is smaller than the other beyond the error of all readings."""
    return scan_pair is not None and scan_pair.value < scan_pair.reference_value and comparison.beyond_error(scan_pair)
