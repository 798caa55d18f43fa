"""How far signal that nothing explains, as after movement, could have changed the volume of a fitted lesion.

A fit turns signal into volume by a pattern: how much larger each voxel, were it a little brighter, would make the
lesion. Laid over what stays unexplained a little beside the lesion, the same pattern gives the volume that such signal
makes up where nothing changed. Many small shifts show how much that is: little on a clean scan, much between ghosts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

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
    reach = np.minimum(np.ceil(SHIFTED_MM[1] / spacing_mm).astype(int), np.array(pattern.shape) - 1)
    shifts = [np.arange(-r, r + 1) for r in reach]
    made_up = _correlated(left, pattern, shifts)
    squared = pattern**2 / max(float((pattern**2).sum()), 1e-300)
    share = _correlated(is_compared.astype(np.float64), squared, shifts)
    by_axis = [shift * step for shift, step in zip(shifts, spacing_mm, strict=True)]
    away_mm = np.linalg.norm(np.stack(np.meshgrid(*by_axis, indexing="ij")), axis=0)
    counts = (away_mm >= SHIFTED_MM[0]) & (away_mm <= SHIFTED_MM[1]) & (share > LEAST_SHARE)
    return float(np.sqrt(np.mean(made_up[counts] ** 2 / share[counts]))) if counts.any() else 0.0


def _correlated(
    values: NDArray[np.float64], pattern: NDArray[np.float64], shifts: Sequence[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Return the sum of values times the pattern for every shift of the pattern; beyond the crop values are 0."""
    shape = [fft.next_fast_len(n + int(s.max()), real=True) for n, s in zip(values.shape, shifts, strict=True)]
    product = fft.rfftn(values, shape) * np.conj(fft.rfftn(pattern, shape))
    return np.asarray(fft.irfftn(product, shape)[np.ix_(*shifts)])
