"""The decision on each stack: imported as what, or left out why; the same headers and rules give the same decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from pipeline.core.volume import Volume, plane, to_world
from pipeline.hospital.importing.site_rules import SiteRule, first_match
from pipeline.hospital.read.screening import reason_to_skip
from pipeline.hospital.read.series_kind import SURE, Contrast, contrast_of
from pipeline.hospital.read.stacks import Stack

PLANE_LABELS = {"sagittal": "sag", "axial": "ax", "coronal": "cor", "isotropic": "iso"}
OBLIQUE_COSINE = float(np.cos(np.radians(35)))
"""A stack tilted further than this from every plane has no sure name of a plane."""


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

    def refused(self, reason: str) -> Decision:
        """Return the decision after its pixels turned out unusable."""
        return replace(self, outcome=Outcome.REFUSED, reasons=(reason,))


NOTHING = Contrast(None, False, 0.0, ())


def decide(stack: Stack, token: str, rules: Sequence[SiteRule]) -> Decision:
    """Decide on a stack: a person's rule first, then what cannot be a scan, then contrast and plane."""
    found = first_match(rules, token, stack.acquisition)
    rule = found[1] if found else SiteRule()
    by_rule = (f"rule {found[0]} of the rules file",) if found else ()
    if rule.contrast == "skip":
        return Decision(stack, token, Outcome.SKIPPED, NOTHING, None, None, None, by_rule)
    reason = None if rule.contrast else reason_to_skip(stack)
    if reason is None and stack.plane_count == 1:
        reason = "one slice only; no volume can be measured on it"
    if reason is not None:
        return Decision(stack, token, Outcome.SKIPPED, NOTHING, None, None, None, (reason,))
    if stack.grid is None:
        return Decision(stack, token, Outcome.REFUSED, NOTHING, None, None, None, (stack.refused or "",))
    contrast = _ruled(rule.contrast, by_rule) if rule.contrast else contrast_of(stack.acquisition)
    label, is_plane_sure = _plane(stack)
    reasons = contrast.reasons
    if not is_plane_sure and rule.plane is None:
        reasons = (*reasons, "oblique beyond 35 degrees: the plane is not sure")
    is_sure = contrast.name is not None and contrast.confidence >= SURE and (is_plane_sure or rule.plane is not None)
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
    )


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
