"""Whether two scans are alike enough for one to be explained by the other, and what is done where they are not quite.

Held against a scan of another contrast or sharpness, a lesion that did not change looks as if it had. So the sharper
scan is blurred to match; beyond a limit nothing is said at all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.domain.grid import Volume
from pipeline.domain.lesion_scene import Scene, reblurred
from pipeline.domain.lesion_template import BLUR_MM, Template
from pipeline.domain.sharpness import Likeness, likeness

MOST_BLUR_MM = 1.0
"""One scan may be blurrier than the other by this much, standard deviation, mm. Matched to each other, scans blurred by
0.8 mm gave tumours wrong by 20 % in the median; by 1.5 mm, growth by half and shrinkage by half looked alike."""

MOST_UNEXPLAINED = 0.125
"""Above this share of variance the tissue around the lesion is explained poorly, as after movement. 30 real
cords left at most 0.12; scans of which half went into ghosts 0.09 to 0.23, with tumours wrong by 23 % in the median. At
0.1 a real doubling was no longer told from error, for the smallest visit before it was one of three that left more;
half of the ghosts on a thoraco-lumbar cord stay below."""


class ScansDifferError(Exception):
    """Two scans are too different for one to be explained by the other; says in words how."""


def alike_enough(
    template: Template, scene: Scene, follow_up: Volume, *, same_contrast: bool, from_thick: bool
) -> Likeness | None:
    """Compare two scans around a lesion.

    Parameters
    ----------
    from_thick
        The masked visit's own slices are thick.

    Raises
    ------
    ScansDifferError
        One cannot be explained by the other.
    """
    if not same_contrast:
        raise ScansDifferError("its contrast is not that of the masked scan")
    alike = likeness(template, scene, follow_up, from_thick=from_thick)
    if alike and abs(alike.extra_blur_mm) > MOST_BLUR_MM:
        raise ScansDifferError(f"{_blur_in_words(alike)}; at most {MOST_BLUR_MM:.1f} mm can be allowed for")
    return alike


def _blur_in_words(alike: Likeness) -> str:
    which = ("this scan", "the masked one") if alike.extra_blur_mm > 0 else ("the masked scan", "this one")
    return f"{which[0]} is blurrier than {which[1]} by {abs(alike.extra_blur_mm):.1f} mm"


def doubts_of(alike: Likeness | None) -> Iterator[str]:
    """Say in words why a lesion found again on such a scan is less sure than others."""
    if alike and alike.extra_blur_mm:
        yield _blur_in_words(alike)
    if alike and alike.unexplained > MOST_UNEXPLAINED:
        yield f"{alike.unexplained:.0%} of the signal around the lesion is not explained by the masked scan"


def matched(alike: Likeness | None, scene: Scene, follow_up: Volume, blur_mm: float = BLUR_MM) -> tuple[float, Scene]:
    """Return by how much the masked visit must be blurred to look like the later scan, mm, else blur that one."""
    extra_mm = alike.extra_blur_mm if alike else 0.0
    if extra_mm >= 0:
        return extra_mm, scene
    return 0.0, reblurred(scene, follow_up, float(np.hypot(blur_mm, extra_mm)))
