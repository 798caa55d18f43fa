"""The decision on each stack: imported as what, or left out why; the same headers and rules give the same decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from pipeline.core.volume import Volume, plane, to_world
from pipeline.hospital.importing.site_rules import SiteRule, first_match
from pipeline.hospital.read.body_part import shown_elsewhere
from pipeline.hospital.read.instances import Instance
from pipeline.hospital.read.makers_habits import spaced
from pipeline.hospital.read.screening import (
    MOST_REPEATS,
    PERHAPS_LOCALIZER,
    is_secondary,
    is_stitched,
    reason_to_skip,
)
from pipeline.hospital.read.series_kind import CONTRADICTED, SURE, Contrast, contrast_of
from pipeline.hospital.read.stacks import Stack

PLANE_LABELS = {"sagittal": "sag", "axial": "ax", "coronal": "cor", "isotropic": "iso"}
OBLIQUE_COSINE = float(np.cos(np.radians(35)))
"""A stack tilted further than this from every plane has no sure name of a plane."""


UNSURE, INCOMPLETE, BURNT_IN = "series_unsure", "series_incomplete", "text_burnt_in"
"""Kinds of findings of a series that waits for a person."""


class Outcome(StrEnum):
    """What became of a stack."""

    IMPORTED = "imported"
    SKIPPED = "skipped"
    UNSURE = "unsure"
    REFUSED = "refused"


@dataclass(frozen=True, eq=False)
class Decision:
    """What becomes of a stack and why.

    Attributes
    ----------
    token
        Name of the stack in reports and rules.
    plane
        sag, ax, cor or iso; None when left out before anybody asked.
    extent_mm
        Lowest and highest point along the body (z), RAS mm.
    accepts_text
        A rule says that text in the pixels is harmless.
    code
        Kind of the finding when it is unsure or refused.
    is_ruled
        A person's rule says what it is.
    is_oblique
        The plane is not sure.
    """

    stack: Stack
    token: str
    outcome: Outcome
    contrast: Contrast
    plane: str | None
    chunk: str | None
    extent_mm: tuple[float, float] | None
    reasons: tuple[str, ...]
    accepts_text: bool = False
    code: str = UNSURE
    is_ruled: bool = False
    is_oblique: bool = False

    def refused(self, reason: str, code: str = "series_refused") -> Decision:
        """Return the decision after its pixels turned out unusable; ``code`` is the finding's."""
        return replace(self, outcome=Outcome.REFUSED, reasons=(reason,), code=code)

    def asked(self, reason: str) -> Decision:
        """Return the decision with a reason to ask a person first."""
        return replace(self, outcome=Outcome.UNSURE, reasons=(*self.reasons, reason))

    def skipped(self, reason: str) -> Decision:
        """Return the decision to leave the stack out."""
        return replace(self, outcome=Outcome.SKIPPED, reasons=(reason,))


NOTHING = Contrast(None, False, 0.0, ())


def decide(stack: Stack, token: str, rules: Sequence[SiteRule]) -> Decision:
    """Decide on a stack: a person's rule first, then what cannot be a scan, then contrast and plane."""
    numbered_rule = first_match(rules, token, stack.acquisition)
    rule = numbered_rule[1] if numbered_rule else SiteRule()
    by_rule = (f"rule {numbered_rule[0]} of the rules file",) if numbered_rule else ()
    if rule.contrast == "skip":
        return Decision(stack, token, Outcome.SKIPPED, NOTHING, None, None, None, by_rule)
    reason = None if rule.contrast else reason_to_skip(stack)
    if reason is None and stack.scattered is not None:
        return _refused(stack, token, stack.scattered)
    if reason is None and stack.plane_count == 1:
        reason = "one slice only; no volume can be measured on it"
    if reason is not None:
        return Decision(stack, token, Outcome.SKIPPED, NOTHING, None, None, None, (reason,))
    if stack.grid is None:
        return _refused(stack, token, stack.refused or "")
    contrast = _ruled(rule.contrast, by_rule) if rule.contrast else contrast_of(stack.acquisition)
    if not rule.contrast:
        contrast = _doubted(contrast, stack)
    label, is_plane_sure = _plane(stack)
    reasons = contrast.reasons
    is_whole = stack.incomplete is None or rule.accept_incomplete
    if not is_whole:
        reasons = (*reasons, str(stack.incomplete))
    if not is_plane_sure and rule.plane is None:
        reasons = (*reasons, "oblique beyond 35 degrees: the plane is not sure")
    is_sure = contrast.name is not None and contrast.confidence >= SURE and (is_plane_sure or rule.plane is not None)
    is_sure = is_sure and is_whole
    return Decision(
        stack=stack,
        token=token,
        outcome=Outcome.IMPORTED if is_sure else Outcome.UNSURE,
        contrast=contrast,
        plane=rule.plane or label,
        chunk=rule.chunk,
        extent_mm=_extent_mm(stack),
        reasons=(*reasons, *stack.remarks),
        accepts_text=rule.accept_text,
        code=UNSURE if is_whole else INCOMPLETE,
        is_ruled=rule.contrast is not None,
        is_oblique=not is_plane_sure and rule.plane is None,
    )


def _refused(stack: Stack, token: str, reason: str) -> Decision:
    return Decision(stack, token, Outcome.REFUSED, NOTHING, None, None, None, (reason,), code="series_refused")


FAR_SHARE = 0.2
"""By so much of it the distance that is stated may differ from that of the positions."""


def _distance_doubt(stack: Stack) -> str | None:
    """Say that the stated distance of slices is neither that of their positions nor the gap between them."""
    stated_mm, thickness_mm = stack.acquisition.slice_distance_mm, stack.acquisition.slice_thickness_mm
    if stack.grid is None or stated_mm is None or stated_mm <= 0:
        return None
    apart_mm = float(np.linalg.norm(stack.grid.affine[:3, 2]))
    meanings = (stated_mm, stated_mm + (thickness_mm or 0.0))
    if any(abs(apart_mm - meant_mm) <= FAR_SHARE * meant_mm for meant_mm in meanings):
        return None
    return f"but its slices are said to lie {stated_mm:g} mm apart, and by their positions lie {apart_mm:g}"


MOST_ECHOES = 3
"""Up to so many echoes are weighted images of their own; more are there to calculate a map from."""


def _doubted(contrast: Contrast, stack: Stack) -> Contrast:
    """Lower the confidence where the series as a whole speaks against a scan of its own."""
    acquisition, doubts = stack.acquisition, []
    if contrast.name == "DWI" and acquisition.lacks_direction:
        doubts.append("but the direction of its diffusion is not in the header, and without it nothing can be computed")
    if stack.echoes > MOST_ECHOES and contrast.name != "T2starw":
        doubts.append(f"but it is one of {stack.echoes} echoes, as a map is calculated from")
    if stack.repeats >= MOST_REPEATS and acquisition.b_value is None:
        doubts.append(f"but it is one of {stack.repeats} images of the same place in one series")
    shades = {plane.pixels.photometric for plane in (stack.grid.planes if stack.grid else ())} - {"", "MONOCHROME2"}
    if shades:
        doubts.append("but its pixels are no plain brightness (inverted, or a palette)")
    if PERHAPS_LOCALIZER.search(spaced(acquisition.description)):
        doubts.append("but its name may say localizer")
    distance = _distance_doubt(stack)
    if distance is not None:
        doubts.append(distance)
    part = shown_elsewhere(acquisition)
    if part is not None:
        doubts.append(f"but its header says {part}, and nothing of a spine")
    if not doubts:
        return contrast
    return replace(contrast, confidence=min(contrast.confidence, CONTRADICTED), reasons=(*contrast.reasons, *doubts))


WHOLLY, PARTLY = 0.8, 0.2
"""Share of a composed or derived volume's length that other scans of its visit must cover to be there instead."""


def beside_originals(decisions: Sequence[Decision], known_scans: Sequence[KnownScan] = ()) -> list[Decision]:
    """Decide on composed and derived volumes of one visit: left out or asked about where what they show is there.

    Parameters
    ----------
    decisions
        Of one visit.
    known_scans
        What earlier imports took of the visit.
    """
    first = [d for d in decisions if d.outcome == Outcome.IMPORTED and not _is_second_hand(d)]
    there = [*((_kind(d), d.plane, d.extent_mm) for d in first), *((k.kind, k.plane, k.extent_mm) for k in known_scans)]
    return [_beside(d, there) if d.outcome == Outcome.IMPORTED and _is_second_hand(d) else d for d in decisions]


def after_agent(decisions: Sequence[Decision]) -> list[Decision]:
    """Ask about T1w scans taken for plain that were made after an enhanced one of their study: the agent stays.

    Gadolinium enhances for well over half an hour; a header that says nothing of it, or says no, is then no statement.
    """
    enhanced = [d.stack.first for d in decisions if d.contrast.name == "T1w" and d.contrast.is_enhanced]
    return [_after_agent(d, enhanced) for d in decisions]


def _after_agent(decision: Decision, enhanced: Sequence[Instance]) -> Decision:
    first = decision.stack.first
    is_plain = decision.contrast.name == "T1w" and not decision.contrast.is_enhanced
    if decision.outcome != Outcome.IMPORTED or decision.is_ruled or not is_plain:
        return decision
    earlier = [one for one in enhanced if one.study_uid == first.study_uid and "" < one.seen_at < first.seen_at]
    if not earlier:
        return decision
    likely = replace(decision.contrast, is_enhanced=True, confidence=min(decision.contrast.confidence, CONTRADICTED))
    reason = "but it was made after a series with contrast agent of the same study: likely enhanced"
    return replace(decision, contrast=likely).asked(reason)


@dataclass(frozen=True)
class KnownScan:
    """A scan that an earlier import took: its contrast, plane and extent along the body."""

    kind: str
    plane: str
    extent_mm: tuple[float, float]


def _is_second_hand(decision: Decision) -> bool:
    return not decision.is_ruled and (is_stitched(decision.stack) or is_secondary(decision.stack))


def _kind(decision: Decision) -> str:
    return (decision.contrast.name or "") + ("_ce" if decision.contrast.is_enhanced else "")


def _beside(decision: Decision, there: Sequence[tuple[str, str | None, tuple[float, float] | None]]) -> Decision:
    assert decision.extent_mm is not None
    stitched = is_stitched(decision.stack)
    same = {decision.plane, "iso"} if decision.plane != "iso" else set(PLANE_LABELS.values())
    alike = [e for k, p, e in there if k == _kind(decision) and e and (p in same or not stitched)]
    share = _covered(decision.extent_mm, alike)
    if share < PARTLY:
        return decision
    if not stitched:
        return decision.asked("derived from other images, and a scan of this contrast is there; it may be its copy")
    if share >= WHOLLY:
        return decision.skipped("stitched from several stations, which are imported by themselves")
    return decision.asked(f"stitched from several stations, of which {share:.0%} of the length is there by itself")


def _covered(extent: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """Return which share of an extent lies within at least one of others."""
    reached, covered = extent[0], 0.0
    for low, high in sorted(others):
        start, end = max(low, reached), min(high, extent[1])
        covered, reached = covered + max(0.0, end - start), max(reached, end)
    return covered / (extent[1] - extent[0])


def _ruled(word: str, why: tuple[str, ...]) -> Contrast:
    name = word.removesuffix("_ce")
    return Contrast(name, word.endswith("_ce"), 1.0, why)


def _plane(stack: Stack) -> tuple[str, bool]:
    assert stack.grid is not None
    grid = Volume(np.broadcast_to(np.zeros(1, np.uint8), stack.grid.shape), stack.grid.affine)
    word = plane(grid)
    across = np.cross(stack.grid.affine[:3, 0], stack.grid.affine[:3, 1])
    cosine = float(np.abs(across).max() / np.linalg.norm(across))
    return PLANE_LABELS[word], word == "isotropic" or cosine >= OBLIQUE_COSINE


def _extent_mm(stack: Stack) -> tuple[float, float]:
    assert stack.grid is not None
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in stack.grid.shape])).reshape(3, -1).T
    heights = to_world(stack.grid.affine, corners)[:, 2]
    return float(heights.min()), float(heights.max())
