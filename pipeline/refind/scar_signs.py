"""What the one or two ends of a fit show of a scar that a smaller lesion may have left: of both, the clearer sign."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.refind.fading_outwards import OutwardFall, outward_fall
from pipeline.refind.lesion_fit import Fit
from pipeline.refind.place_left import left_contrast
from pipeline.refind.returned_fluid import returned_fluid
from pipeline.refind.scene import Scene
from pipeline.refind.template import Template


def least_contrast(template: Template, scene: Scene, ends: Sequence[Fit], compartment: int) -> float | None:
    """Return how far the place that a compartment has left differs from it, by the end where it differs least."""
    seen = [left_contrast(template, scene, end, compartment) for end in ends]
    return min((contrast for contrast in seen if contrast is not None), default=None)


def most_fluid(template: Template, scene: Scene, ends: Sequence[Fit], compartment: int) -> float | None:
    """Return how much fluid lies unexplained beside a compartment, by the end that leaves most."""
    seen = [returned_fluid(template, scene, end, compartment) for end in ends]
    return max((fluid for fluid in seen if fluid is not None), default=None)


def surest_fall(template: Template, scene: Scene, ends: Sequence[Fit], compartment: int) -> OutwardFall | None:
    """Return how much a compartment's signal falls towards its outline, by the end that shows it most surely."""
    seen = [outward_fall(template, scene, end, compartment) for end in ends]
    return max((fall for fall in seen if fall is not None), key=lambda fall: fall.mean - fall.error, default=None)
