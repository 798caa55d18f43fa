"""Where the edge of a tumour is seen, against its true outline: what no reader of the scan alone could find better.

For every isotropic visit of a dataset (``bids/``, ``truth/``): the signal by distance from the true outline, only where
no fluid and no other compartment is near; the distance at which it is half way from the tumour to what lies 1.5 to 3 mm
outside. A later edge that is seen further out than the first visit's makes the tumour look larger than it is, and a
mask found again, which learns from the first visit, follows it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume
from pipeline.measure.measurement_error import THICK_MM
from tests.benchmark import series

TUMOUR = 1
BINS_MM = np.arange(-3.0, 3.01, 0.5)
MIDDLES_MM = (BINS_MM[1:] + BINS_MM[:-1]) / 2
FEWEST_VOXELS = 6
FINE = 3
"""Parts into which a voxel is cut to measure distances."""

AWAY_FROM_FLUID_MM, AWAY_FROM_OTHERS_MM, REACH_MM = 1.8, 2.0, 10.0
FLUID_SHARE = 0.25
"""Signal this far from the tumour's to the brightest is fluid."""

OUTSIDE_FROM_MM = 1.5
OUTSIDE = MIDDLES_MM > OUTSIDE_FROM_MM
"""Where the tissue beside a tumour is read; an edge seen as far off as that is none."""


def from_outline_mm(inside: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each voxel's distance from the outline of a label, mm, negative inside."""
    fine = inside.repeat(FINE, 0).repeat(FINE, 1).repeat(FINE, 2).astype(np.float32)
    within = ndimage.gaussian_filter(fine, FINE / 2) >= 0.5
    away, depth = (ndimage.distance_transform_edt(part, sampling=spacing_mm / FINE) for part in (~within, within))
    i, j, k = inside.shape
    return np.asarray((away - depth).reshape(i, FINE, j, FINE, k, FINE).mean(axis=(1, 3, 5)))


def seen_edge_mm(scan: Volume, labels: NDArray[np.int_]) -> float | None:
    """Return how far outside the true outline a tumour's edge is seen, mm; None where fluid hides it."""
    voxels = np.argwhere(labels == TUMOUR)
    reach = np.ceil(REACH_MM / scan.spacing_mm).astype(int)
    low, high = np.maximum(voxels.min(axis=0) - reach, 0), voxels.max(axis=0) + reach + 1
    crop = tuple(slice(first, last) for first, last in zip(low, high, strict=True))
    signal, labels = scan.array[crop].astype(float), labels[crop]
    distance_mm = from_outline_mm(labels == TUMOUR, scan.spacing_mm)
    tumour = float(np.median(signal[distance_mm < -1]))
    bright = tumour + FLUID_SHARE * (float(np.percentile(signal, 98)) - tumour)
    fluid, other = (signal > bright) & (labels != TUMOUR), labels > TUMOUR
    counted = ndimage.distance_transform_edt(~fluid, sampling=scan.spacing_mm) > AWAY_FROM_FLUID_MM
    if other.any():
        counted &= ndimage.distance_transform_edt(~other, sampling=scan.spacing_mm) > AWAY_FROM_OTHERS_MM
    which = np.where(counted, np.digitize(distance_mm, BINS_MM) - 1, -1)
    parts = [signal[which == n] for n in range(len(MIDDLES_MM))]
    profile = np.array([np.median(part) if part.size >= FEWEST_VOXELS else np.nan for part in parts])
    if np.isnan(profile[OUTSIDE]).any():
        return None
    share = (profile - tumour) / (profile[OUTSIDE].mean() - tumour)
    beyond = np.flatnonzero(share >= 0.5)
    if not beyond.size or beyond[0] == 0 or np.isnan(share[beyond[0] - 1]):
        return None
    last, first = beyond[0] - 1, beyond[0]
    edge_mm = float(np.interp(0.5, [share[last], share[first]], [MIDDLES_MM[last], MIDDLES_MM[first]]))
    return edge_mm if abs(edge_mm) < OUTSIDE_FROM_MM else None


def visits(folder: Path, patient: str) -> Iterator[tuple[str, float, float | None]]:
    """Yield each isotropic visit with a tumour: its name, true volume in mm³, and where its edge is seen, mm."""
    for session in series.sessions(folder, patient):
        scan = series.scan(folder, patient, session)
        labels = np.rint(series.true(folder, patient, session).array).astype(int)
        if scan.spacing_mm.max() <= THICK_MM and (labels == TUMOUR).any():
            yield session, float((labels == TUMOUR).sum()) * scan.voxel_mm3, seen_edge_mm(scan, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    print("## Where a tumour's edge is seen\n\nHow far outside its true outline, mm; isotropic visits.\n")
    print("| patient | visit | true, mm³ | edge seen, mm |\n|---|---|---|---|")
    for folder in parser.parse_args().data:
        for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
            for session, volume_mm3, edge_mm in visits(folder, patient):
                edge = "not told" if edge_mm is None else f"{edge_mm:+.2f}"
                print(f"| {folder.name} {patient} | {session} | {volume_mm3:.0f} | {edge} |", flush=True)


if __name__ == "__main__":
    main()
