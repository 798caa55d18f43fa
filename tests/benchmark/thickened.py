"""What thick slices alone cost a tumour that is found again: every fine follow-up beside itself in slices of 3.3 mm.

The thick scans of a dataset are other visits, at which other changes were true, so that their figures mix what slices
hide with what a change hides. Here nothing differs but the slices: the same visit, the same alignment, and neighbouring
slices put together, either evenly or with shares that fall off to their neighbours as those of a scanner do.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.align import registration
from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.refind import refinding
from tests.benchmark import series
from tests.benchmark.masks import FLOOR_MM3, masked

SLICE_MM = 3.3
PROFILES = ("even", "falling off")
"""Shares of a slice: the same over its thickness, or falling evenly to nothing at the middle of the next slices."""

TUMOUR = "tumour"


@dataclass(frozen=True)
class Pair:
    """A follow-up: true change, and what is found of the true volume on its scan and on thicker slices."""

    name: str
    true_change: float
    fine: float
    thicker: tuple[float, ...]


def thicker(scan: Volume, slice_mm: float, profile: str) -> Volume:
    """Return a scan in thicker slices along the array axis nearest to left-right."""
    axis = int(np.argmax(np.abs(scan.affine[0, :3]) / scan.spacing_mm))
    step_mm = float(scan.spacing_mm[axis])
    places_mm = np.arange(scan.shape[axis]) * step_mm
    reach_mm = slice_mm / 2 if profile == PROFILES[0] else slice_mm
    middles_mm = np.arange(reach_mm - step_mm / 2, places_mm[-1] + step_mm / 2 - reach_mm + 1e-6, slice_mm)
    tenths_mm = (np.arange(10 * scan.shape[axis]) + 0.5) / 10 * step_mm - step_mm / 2
    away = np.abs(tenths_mm[None] - middles_mm[:, None])
    shares = (away <= reach_mm).astype(float) if profile == PROFILES[0] else np.clip(1 - away / reach_mm, 0, None)
    shares = shares.reshape(len(middles_mm), -1, 10).sum(axis=2)
    array = np.moveaxis(np.tensordot(shares / shares.sum(axis=1, keepdims=True), scan.array, (1, axis)), 0, axis)
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, axis] * middles_mm[0] / step_mm
    affine[:3, axis] *= slice_mm / step_mm
    return Volume(np.ascontiguousarray(array), affine)


def pairs_of(folder: Path) -> Iterator[Pair]:
    """Yield every follow-up on fine slices whose tumour is found again from the reader's first mask."""
    truth = pd.read_csv(folder / "truth" / "volumes.tsv", sep="\t")
    sizes = truth[truth["label"] == TUMOUR].set_index(["participant_id", "session_id"])["volume_mm3"]
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
        first, *others = series.sessions(folder, patient)
        labels = series.drawn(folder, patient, first)
        donor = masked(series.scan(folder, patient, first), labels)
        region = labels.with_array(labels.array > 0)
        for session in others if TUMOUR in donor.masks else ():
            later, true_mm3 = series.scan(folder, patient, session), float(sizes[patient, session])
            if refinding.is_thick(later) or true_mm3 <= FLOOR_MM3[TUMOUR]:
                continue
            aligned = registration.align(donor.image, later, region=region, exclude=region)
            if aligned.quality.grade == "C":
                continue
            scans = (later, *(thicker(later, SLICE_MM, profile) for profile in PROFILES))
            fine, *others_found = (_found_mm3(donor, scan, aligned.to_reference) / true_mm3 for scan in scans)
            yield Pair(f"{patient} {session}", true_mm3 / float(sizes[patient, first]), fine, tuple(others_found))


def _found_mm3(donor: refinding.DonorVisit, scan: Volume, to_masked: Transform) -> float:
    grown, _ = refinding.found_again(donor, scan, to_masked)
    return float(np.mean(grown[TUMOUR].ways_mm3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    folders = parser.parse_args().data
    print("## What thick slices alone cost a tumour found again\n")
    print(
        f"Every follow-up on fine slices and the same scan in slices of {SLICE_MM} mm, one alignment: found over true "
        f"volume of tumours above {FLOOR_MM3[TUMOUR]:g} mm³, and slope of the found change since the first visit on "
        "the true one.\n"
    )
    columns = ("fine", *(f"{SLICE_MM} mm, {profile}" for profile in PROFILES))
    print(f"| follow-up | true change | {' | '.join(columns)} |\n|{'---|' * (2 + len(columns))}")
    pairs = []
    for pair in (pair for folder in folders for pair in pairs_of(folder)):
        pairs.append(pair)
        cells = " | ".join(f"{share:.2f}" for share in (pair.fine, *pair.thicker))
        print(f"| {pair.name} | {pair.true_change:.2f} | {cells} |", flush=True)
    true = np.log([pair.true_change for pair in pairs])
    if len(pairs) > 2:
        found = np.log([(pair.fine, *pair.thicker) for pair in pairs]) + true[:, None]
        print(f"| slope of change | | {' | '.join(f'{np.polyfit(true, one, 1)[0]:.2f}' for one in found.T)} |")


if __name__ == "__main__":
    main()
