"""Where an alignment may begin: the few best places to lay the reference's cord region into the follow-up scan.

Every shift on a 2 mm lattice and several tilts in the sagittal plane are tried at once, by normalised correlation
of what both scans cover (Padfield 2012, IEEE Trans Image Process 21:2706, 10.1109/TIP.2011.2181402). The spine
repeats itself every vertebra, so several places are returned, well apart; which one is right is decided later, after
a bend.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pipeline.align.sampling_window import Box, Sample, blurred, field_of_view, regular_grid, sample
from pipeline.core.volume import Volume, to_world

STEP_MM = 2.0
"""Lattice of the search, mm; a rigid refinement follows."""

TILTS_DEGREES = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
"""Tilts in the sagittal plane; patients nod between visits far more than they lean or turn."""

APART_MM = 6.0
"""Two starts closer than this would lead to the same place, mm."""

KEPT = 6
"""Number of starts returned at most."""

BEHIND = 0.25
"""A start whose evidence falls this far behind the best one's is not worth refining."""

OVERLAP_RATIO = 0.4
"""Least share of the known reference samples that must fall on known follow-up samples."""

OVERLAP_POWER = 0.5
"""How the evidence for a place grows with the overlap: as the inverse of the standard error of a correlation does.
Without it a place that leaves half of the box unseen wins by chance, since less has to fit there."""


@dataclass(frozen=True, eq=False)
class Start:
    """One place to begin.

    Attributes
    ----------
    matrix
        Shape ``(4, 4)``; RAS+ mm of the reference to RAS+ mm of the follow-up.
    evidence
        Normalised correlation over the overlap on Fisher's scale, weighted by the overlap; at least 0.
    """

    matrix: NDArray[np.float64]
    evidence: float


def start_positions(reference: Volume, follow_up: Volume, box: Box) -> tuple[Start, ...]:
    """Return up to :data:`KEPT` starts, best first, at least :data:`APART_MM` apart and not far behind the best.

    Parameters
    ----------
    reference, follow_up
        The two scans.
    box
        Part of the reference world to look for.
    """
    template_grid = regular_grid(box, STEP_MM)
    search_grid = regular_grid(field_of_view(follow_up), STEP_MM)
    searched = sample(blurred(follow_up, STEP_MM), search_grid, np.eye(4))
    shape = tuple(
        fft.next_fast_len(a + b, real=True) for a, b in zip(template_grid.shape, search_grid.shape, strict=True)
    )
    spectra = _spectra(searched, shape)
    source = blurred(reference, STEP_MM)
    starts: list[Start] = []
    for degrees in TILTS_DEGREES:
        tilt = _sagittal_tilt(degrees, box.centre_mm)
        template = sample(source, template_grid, _sagittal_tilt(-degrees, box.centre_mm))
        if not template.known.any():
            continue
        evidence = _evidence_map(template, spectra, shape)
        for shift, value in _peaks(evidence, search_grid.shape):
            matrix = tilt.copy()
            matrix[:3, 3] += search_grid.affine[:3, 3] + shift * STEP_MM - box.lower_mm
            starts.append(Start(matrix, value))
    return _well_apart(starts, box.centre_mm)


def evidence(correlation: NDArray, overlap: NDArray, power: float) -> NDArray[np.float64]:
    """Weigh a correlation by how much of the box it speaks for.

    Parameters
    ----------
    correlation, overlap
        Any shape, the same; correlation -1 to 1 (below 0 counts as none), overlap 0 to 1.
    power
        Exponent of the overlap.

    Examples
    --------
    >>> whole, half = evidence(np.array([0.82, 0.90]), np.array([1.0, 0.45]), 0.5)
    >>> bool(whole > half)
    True
    """
    clipped = np.clip(np.asarray(correlation, dtype=np.float64), 0.0, 0.999)
    return np.asarray(np.arctanh(clipped) * np.asarray(overlap) ** power)


def _sagittal_tilt(degrees: float, centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation about the left-right axis through a point, shape ``(4, 4)``."""
    angle = np.radians(degrees)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    tilt[:3, 3] = centre_mm - tilt[:3, :3] @ centre_mm
    return tilt


def _spectra(searched: Sample, shape: tuple[int, ...]) -> tuple[NDArray[np.complex64], ...]:
    """Return the spectra of the image, its square and its mask, zero where unknown."""
    image = (searched.values * searched.known).astype(np.float32)
    return tuple(_spectrum(part, shape) for part in (image, image**2, searched.known.astype(np.float32)))


def _spectrum(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.complex64]:
    return np.asarray(fft.rfftn(values, shape), dtype=np.complex64)


def _evidence_map(
    template: Sample, spectra: tuple[NDArray[np.complex64], ...], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the evidence for every cyclic shift, -1 where the overlap is too small or flat."""
    image, image_squared, mask = spectra
    values = (template.values * template.known).astype(np.float32)
    is_inside = template.known.astype(np.float32)
    t, t_squared, t_mask = (np.conj(_spectrum(part, shape)) for part in (values, values**2, is_inside))

    def shifted_sums(first: NDArray[np.complex64], second: NDArray[np.complex64]) -> NDArray[np.float32]:
        return np.asarray(fft.irfftn(first * second, shape), dtype=np.float32)

    count = np.maximum(shifted_sums(t_mask, mask), 1.0)
    image_sum, t_sum = shifted_sums(t_mask, image), shifted_sums(t, mask)
    image_spread = shifted_sums(t_mask, image_squared) - image_sum**2 / count
    t_spread = shifted_sums(t_squared, mask) - t_sum**2 / count
    spread = np.sqrt(np.maximum(image_spread, 0.0) * np.maximum(t_spread, 0.0))
    usable = (count > OVERLAP_RATIO * is_inside.sum()) & (spread > 1e-3 * max(float(spread.max()), 1e-6))
    together = shifted_sums(t, image) - image_sum * t_sum / count
    overlap = np.minimum(count / max(float(is_inside.sum()), 1.0), 1.0)
    evidence_map = evidence(together / np.maximum(spread, 1e-9), overlap, OVERLAP_POWER)
    return np.asarray(np.where(usable, evidence_map, -1.0), dtype=np.float32)


def _peaks(evidence_map: NDArray[np.float32], size: tuple[int, ...]) -> list[tuple[NDArray[np.float64], float]]:
    """Return the :data:`KEPT` highest well-separated peaks as (shift in lattice steps, evidence)."""
    remaining = evidence_map.copy()
    reach = int(APART_MM / STEP_MM)
    peaks = []
    for _ in range(KEPT):
        place = np.unravel_index(int(np.argmax(remaining)), remaining.shape)
        value = float(remaining[place])
        if value <= 0.0:
            break
        # A cyclic shift beyond the follow-up's own size means the template begins before it.
        shift = [p if p < n else p - period for p, n, period in zip(place, size, remaining.shape, strict=True)]
        peaks.append((np.array(shift, dtype=np.float64), value))
        around = [
            np.arange(p - reach, p + reach + 1) % period for p, period in zip(place, remaining.shape, strict=True)
        ]
        remaining[np.ix_(*around)] = -1.0
    return peaks


def _well_apart(starts: list[Start], centre_mm: NDArray[np.float64]) -> tuple[Start, ...]:
    """Keep the best starts whose images of the box centre lie apart."""
    chosen: list[Start] = []
    for start in sorted(starts, key=lambda s: -s.evidence):
        here = to_world(start.matrix, centre_mm)
        if chosen and start.evidence < chosen[0].evidence - BEHIND:
            break
        if all(np.linalg.norm(here - to_world(k.matrix, centre_mm)) >= APART_MM for k in chosen):
            chosen.append(start)
        if len(chosen) == KEPT:
            break
    return tuple(chosen)
