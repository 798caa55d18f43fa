"""Whether two scans are alike enough for one to be explained by the other, and what is done where they are not quite.

Held against a scan of another contrast or sharpness, a lesion that did not change looks as if it had. So the sharper
scan is blurred to match; beyond a limit nothing is said at all.
"""

from __future__ import annotations

import numpy as np

from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.measure import measurement_error
from pipeline.refind.scene import Scene, reblurred
from pipeline.refind.sharpness import extra_blur_mm
from pipeline.refind.template import BLUR_MM, Template

MOST_BLUR_MM = 1.0
"""One scan may be blurrier than the other by this much, standard deviation, mm. Matched to each other, scans blurred by
0.8 mm gave tumours wrong by 20 % in the median; by 1.5 mm, growth by half and shrinkage by half looked alike."""

DISTURBED = 1.5
"""What stays unexplained disturbs a volume when the error it gives is this many times that of the outline. On real
cords as they are it was at most 1.3 times, with half of the signal in ghosts more than this in 11 of 12."""


class ScansDifferError(Exception):
    """Two scans are too different for one to be explained by the other; says in words how."""


def alike_enough(
    template: Template, scene: Scene, follow_up: Volume, *, same_contrast: bool, from_thick: bool
) -> float:
    """Return how much blurrier the later of two scans is around a lesion, mm; negative where it is sharper.

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
    extra_mm = extra_blur_mm(template, scene, follow_up, from_thick=from_thick)
    if abs(extra_mm) > MOST_BLUR_MM:
        raise ScansDifferError(f"{blur_in_words(extra_mm)}; at most {MOST_BLUR_MM:.1f} mm can be allowed for")
    return extra_mm


def blur_in_words(extra_mm: float) -> str:
    """Say which of two scans is blurrier, and by how much."""
    which = ("this scan", "the masked one") if extra_mm > 0 else ("the masked scan", "this one")
    return f"{which[0]} is blurrier than {which[1]} by {abs(extra_mm):.1f} mm"


def disturbed_in_words(name: str, signal_cv: float) -> str:
    """Say how much unexplained signal could change a compartment's volume."""
    return (
        f"signal around the {name} that the masked scan does not explain, as after movement, could by "
        f"itself change its volume by {signal_cv:.0%}"
    )


def is_disturbed(compartment: Compartment, volume_mm3: float, signal_cv: float, *, less_sure: bool) -> bool:
    """Say whether unexplained signal, as after movement, makes a volume much less sure than its outline does.

    Parameters
    ----------
    signal_cv
        Standard deviation of ln V that the unexplained signal gives it.
    less_sure
        There are other reasons why the outline is less sure.
    """
    outline_mm = measurement_error.boundary_error_mm(MaskOrigin.AUTOMATIC, found_again=compartment, less_sure=less_sure)
    outline = measurement_error.geometric_cv(volume_mm3, outline_mm, slices_spanned=None, plane="isotropic")
    return outline is not None and signal_cv > DISTURBED * outline


def matched(extra_mm: float, scene: Scene, follow_up: Volume, blur_mm: float = BLUR_MM) -> tuple[float, Scene]:
    """Return by how much the masked visit must be blurred to look like the later scan, mm, else blur that one."""
    if extra_mm >= 0:
        return extra_mm, scene
    return 0.0, reblurred(scene, follow_up, float(np.hypot(blur_mm, extra_mm)))
