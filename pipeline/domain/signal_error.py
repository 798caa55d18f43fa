"""How far signal that nothing explains, as after movement, could have changed the volume of a fitted lesion.

A fit turns signal into volume by a pattern: how much larger each voxel, were it a little brighter, would make the
lesion. Laid over what stays unexplained a little beside the lesion, the same pattern gives the volume that such signal
makes up where nothing changed. Many small shifts show how much that is: little on a clean scan, much between ghosts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

SHIFTED_MM = (2.0, 6.0)
"""Least and most distance by which the pattern is shifted, mm: beyond the lesion's border, within what is compared."""

LEAST_SHARE = 0.4
"""A shift counts when at least this share of the pattern still lies on voxels that are compared."""


def signal_error(
    pattern: NDArray[np.float64],
    left: NDArray[np.float64],
    is_compared: NDArray[np.bool_],
    spacing_mm: NDArray[np.float64],
) -> float:
    """Return the standard deviation of ln V that unexplained signal gives a compartment.

    Parameters
    ----------
    pattern
        Shape ``(I, J, K)``; change of ln V per unit of signal in each voxel.
    left
        Shape ``(I, J, K)``; the signal there that stays unexplained.
    is_compared
        Shape ``(I, J, K)``; voxels where anything is known of it; elsewhere the other two are 0.
    spacing_mm
        Shape ``(3,)``, mm.

    Returns
    -------
    float
        Root mean square over all shifts; 0 where the crop is too small for any.
    """
    made_up = signal.correlate(left, pattern, method="fft")
    squared = pattern**2 / max(float((pattern**2).sum()), 1e-300)
    share = signal.correlate(is_compared.astype(np.float64), squared, method="fft")
    offset = np.moveaxis(np.indices(made_up.shape), 0, -1) - (np.array(pattern.shape) - 1)
    away_mm = np.linalg.norm(offset * spacing_mm, axis=-1)
    counts = (away_mm >= SHIFTED_MM[0]) & (away_mm <= SHIFTED_MM[1]) & (share > LEAST_SHARE)
    return float(np.sqrt(np.mean(made_up[counts] ** 2 / share[counts]))) if counts.any() else 0.0
