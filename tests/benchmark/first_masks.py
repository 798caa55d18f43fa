"""First masks from clicks: the first in the middle of an implanted lesion, each further one where most is wrong.

``--data`` names folders with ``bids/`` and ``truth/``. Everything in ``pipeline/draft`` was chosen on two people; what
others give decided nothing. Visits are each patient's first (isotropic) and second (slices of 3.3 mm).
``--pictures FOLDER`` draws the five of each dataset that overlap least (:mod:`tests.benchmark.worst_elsewhere`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, plane, to_world
from pipeline.draft.proposal import Clicks, propose
from pipeline.files import images
from tests.benchmark.worst_elsewhere import ClickedLesion, asked_for, draw_clicks
from tests.draft.implant import dice

DECIDED_ON = ("cervical", "thoracolumbar")
CLICKS = 4
LEAST_MM3 = 40.0
LABELS = {Compartment.TUMOUR: 1, Compartment.CYST: 2, Compartment.OEDEMA: 3}


def visits(folder: Path) -> Iterator[tuple[str, Volume, NDArray[np.int_]]]:
    """Yield the first two visits of each patient: name, scan, and true labels on its grid."""
    for file in sorted((folder / "truth" / "masks").glob("*_ses-0[12]_*")):
        patient, session = file.name.split("_")[:2]
        (scan,) = (folder / "bids" / patient / session / "anat").glob("*_T2w.nii.gz")
        yield f"{patient} {session}", images.load_scan(scan), np.rint(images.load(file).array).astype(int)


def deepest(part: NDArray[np.bool_], scan: Volume) -> tuple[float, float, float]:
    """Return the place furthest from the edge of the largest piece, RAS+ mm."""
    pieces, _ = ndimage.label(part)
    largest = np.pad(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1, 1)
    depth = ndimage.distance_transform_edt(largest, sampling=scan.spacing_mm)[1:-1, 1:-1, 1:-1]
    x, y, z = to_world(scan.affine, np.array(np.unravel_index(depth.argmax(), depth.shape)))
    return float(x), float(y), float(z)


def largest_piece(part: NDArray[np.bool_]) -> int:
    """Return the voxels of the largest piece."""
    pieces, count = ndimage.label(part)
    return int(np.bincount(pieces.ravel())[1:].max()) if count else 0


def clicked(
    name: str, scan: Volume, cord: FoundCord, truth: NDArray[np.bool_], compartment: Compartment
) -> tuple[list[list[float]], ClickedLesion]:
    """Return Dice, volume error (ratio - 1) and CPU seconds after each click, and what a picture shows of them."""
    voxels = np.argwhere(truth)
    middle = voxels[np.argmin((((voxels - voxels.mean(axis=0)) * scan.spacing_mm) ** 2).sum(axis=1))]
    x, y, z = to_world(scan.affine, middle)
    clicks = Clicks(((float(x), float(y), float(z)),))
    steps: list[list[float]] = []
    masks: list[NDArray[np.bool_]] = []
    while True:
        begun = time.process_time()
        mask = propose(scan, cord, clicks, compartment).mask.array
        steps.append([dice(mask, truth), mask.sum() / truth.sum() - 1, time.process_time() - begun])
        masks.append(mask)
        if len(steps) == CLICKS:
            break
        lacking, beyond = truth & ~mask, mask & ~truth
        if largest_piece(lacking) >= largest_piece(beyond):
            clicks = Clicks((*clicks.inside, deepest(lacking, scan)), clicks.outside)
        else:
            clicks = Clicks(clicks.inside, (*clicks.outside, deepest(beyond, scan)))
    inside_mm, outside_mm = (
        np.array(points, dtype=np.float64).reshape(-1, 3) for points in (clicks.inside, clicks.outside)
    )
    overlaps = tuple(step[0] for step in steps)
    return steps, ClickedLesion(name, scan, truth, (masks[0], masks[-1]), inside_mm, outside_mm, overlaps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    asked_for(parser)
    arguments = parser.parse_args()
    print("## First masks from clicks\n")
    print("Dice: mean (least). Volume error: median of its size, and mean with sign. CPU: the slowest proposal.\n")
    names = ("set", "slices", "lesion", "n", "Dice, 1 click", "4 clicks", "volume, 1 click", "4 clicks", "CPU s")
    print(f"| {' | '.join(names)} |\n{'|---' * len(names)}|")
    for folder in arguments.data:
        lesions: list[ClickedLesion] = []
        results: dict[tuple[str, Compartment], list[list[list[float]]]] = {}
        for name, scan, labels in visits(folder):
            cord = find_cord(scan)
            for compartment, label in LABELS.items():
                truth = labels == label
                if truth.sum() * scan.voxel_mm3 >= LEAST_MM3:
                    steps, lesion = clicked(f"{name} {compartment}", scan, cord, truth, compartment)
                    results.setdefault((plane(scan), compartment), []).append(steps)
                    lesions.append(lesion)
        if arguments.pictures:
            draw_clicks(lesions, arguments.pictures, f"clicks-{folder.name}")
        role = "decided on" if folder.name in DECIDED_ON else "kept back"
        for (slices, compartment), parts in sorted(results.items()):
            print(f"| {folder.name} ({role}) | {slices} | {compartment} | {len(parts)} | {_row(np.array(parts))} |")


def _row(figures: NDArray[np.float64]) -> str:
    at = (figures[:, 0], figures[:, -1])
    overlap = [f"{one[:, 0].mean():.3f} ({one[:, 0].min():.2f})" for one in at]
    error = [f"{100 * np.median(np.abs(one[:, 1])):.0f} % ({100 * one[:, 1].mean():+.0f} %)" for one in at]
    return " | ".join([*overlap, *error, f"{figures[:, :, 2].max():.2f}"])


if __name__ == "__main__":
    main()
