"""What became of a finding since the visit before at which it was told: changed, unchanged, or not to be compared.

Nothing here enters a category of response. What this module refuses: a change between two terms of which one is not
sure, that an unsure one is as it was, and a change between scans that differ in field strength, plane or agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.core.finding_terms import Described, LesionFinding, Sureness


class FindingCourse(StrEnum):
    """What became of a finding."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    NOT_COMPARED = "cannot be compared"


NEVER = frozenset({LesionFinding.SMALLEST_ENHANCING_SEEN})
"""Findings about the scan and not about the lesion."""

BY_MASK = frozenset({
    LesionFinding.LENGTH, LesionFinding.LEVELS, LesionFinding.CORD_SHARE, LesionFinding.EXPANSION,
    LesionFinding.ECCENTRICITY, LesionFinding.NEAREST_SURFACE, LesionFinding.TUMORAL_CYST,
    LesionFinding.POLAR_CYST_ABOVE, LesionFinding.POLAR_CYST_BELOW, LesionFinding.SYRINX, LesionFinding.OEDEMA_ABOVE,
    LesionFinding.OEDEMA_BELOW,
})  # fmt: skip
"""Findings of outlines: only the plane of the scan bears on them."""


@dataclass(frozen=True)
class HowScanned:
    """What two scans must share for a finding of both to be compared; None is not recorded."""

    contrast: str
    plane: str | None
    field_tesla: float | None


@dataclass(frozen=True)
class FindingChange:
    """What became of one finding, and why it cannot be compared where it cannot."""

    course: FindingCourse
    reason: str | None = None


def change_of(
    before: Described, now: Described, scanned_before: tuple[HowScanned, ...], scanned: tuple[HowScanned, ...]
) -> FindingChange:
    """Compare a finding with what was told of it at an earlier visit.

    Parameters
    ----------
    before, now
        The finding then, when something was told, and now.
    scanned_before, scanned
        How the scans behind each were made, in their order.

    Examples
    --------
    >>> none = Described("enhancement", "none", 0.0, -0.02, 0.02, sureness=Sureness.SURE)
    >>> vivid = Described("enhancement", "vivid", 0.6, 0.5, 0.7, sureness=Sureness.SURE)
    >>> str(change_of(none, vivid, (), ()).course), str(change_of(vivid, vivid, (), ()).course)
    ('changed', 'unchanged')
    """
    if now.sureness is None:
        return FindingChange(FindingCourse.NOT_COMPARED, now.reason)
    if before.unit != now.unit and (now.value is None or (before.unit and now.unit)):
        return FindingChange(FindingCourse.NOT_COMPARED, f"counted as {before.unit} then, as {now.unit} now")
    unsure = [word for word, one in (("then", before), ("now", now)) if one.sureness != Sureness.SURE]
    if before.value == now.value and not _apart(before, now) and not unsure:
        return FindingChange(FindingCourse.UNCHANGED)
    doubt = _otherwise(scanned_before, scanned, now.finding in BY_MASK)
    if doubt is None and unsure:
        doubt = f"not sure {' and '.join(unsure)}"
    return FindingChange(FindingCourse.NOT_COMPARED if doubt else FindingCourse.CHANGED, doubt)


def _apart(before: Described, now: Described) -> bool:
    """Say whether the 95 % intervals of two numbers do not meet."""
    if before.low is None or before.high is None or now.low is None or now.high is None:
        return False
    return before.unit == now.unit and (before.high < now.low or now.high < before.low)


def _otherwise(before: tuple[HowScanned, ...], now: tuple[HowScanned, ...], by_mask: bool) -> str | None:
    """Say in what the scans differ that bears on the finding; None where in nothing that is recorded."""
    if [one.contrast for one in before] != [one.contrast for one in now] and not by_mask:
        return f"on {_names(before)} then, on {_names(now)} now"
    for then, here in zip(before, now, strict=False):
        if then.plane is not None and here.plane is not None and then.plane != here.plane:
            return f"{then.plane} slices then, {here.plane} now"
        if not by_mask and then.field_tesla and here.field_tesla and then.field_tesla != here.field_tesla:
            return f"{then.field_tesla:g} tesla then, {here.field_tesla:g} now"
    return None


def _names(scans: tuple[HowScanned, ...]) -> str:
    return " and ".join(one.contrast for one in scans) or "no scan"
