"""Places to look at that no mask outlines: drawn as dashed rings, and gone to by a button."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.viewer.opening import Place
from dashboard.viewer.panes import to_ras
from pipeline.core.volume import Volume


@dataclass(frozen=True)
class Spot:
    """A place, in mm along the axes of the reference grid, the radius of its ring and what is said of it."""

    place: Place
    radius_mm: float
    words: str


def spot_of(reference: Volume, point_mm: Sequence[float], volume_mm3: float, words: str) -> Spot:
    """Return a spot as large as a ball of a volume.

    Parameters
    ----------
    reference
        The reference grid; its array is not read.
    point_mm
        Middle of the place in the world of the reference scan, RAS+ mm.
    volume_mm3
        Of what is there, mm³.

    Examples
    --------
    >>> spot = spot_of(Volume(np.zeros((2, 2, 2)), np.diag([-1.0, 1.0, 1.0, 1.0])), (1.0, 2.0, 3.0), 4.19, "here")
    >>> spot.place, round(spot.radius_mm, 2)
    ((1.0, 2.0, 3.0), 1.0)
    """
    upright = to_ras(reference)
    x, y, z = (float(v) for v in np.asarray(point_mm) @ (upright.affine[:3, :3] / upright.spacing_mm))
    return Spot((x, y, z), math.cbrt(3 * volume_mm3 / (4 * math.pi)), words)
