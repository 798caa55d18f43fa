"""How far known cord points land from where they are: this project beside two ready recipes of ANTs.

Every follow-up of a dataset (``bids/``, ``truth/landmarks.tsv``) is aligned to the patient's first visit, whose lesion
mask names the region. The error of a pair is the mean distance, in mm, over the landmarks that both scans cover.
``--pictures FOLDER`` draws the worst five of each dataset (:mod:`tests.benchmark.worst_elsewhere`).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from pipeline.align import registration, rigid, without_mask
from pipeline.core.transform import move_points
from pipeline.core.volume import Volume, to_voxel
from pipeline.files import images
from tests.benchmark import series, worst_elsewhere

ants = rigid.ants
WITHOUT_MASK = "cordtrack without a mask"
ACROSS = ("no alignment", "compared as they are", "compared by their edges")
"""Recipes for pairs of different contrast."""

RECIPES = ("no alignment", "ANTs Rigid", "ANTs SyN", "cordtrack", WITHOUT_MASK)


@dataclass(frozen=True)
class Pair:
    """Two visits and the landmarks that both scans cover, shape ``(N, 3)``, RAS+ mm."""

    name: str
    first: Volume
    second: Volume
    lesion: Volume | None
    here: np.ndarray
    there: np.ndarray


def pairs_of(folder: Path) -> Iterator[Pair]:
    """Yield every follow-up of a dataset with the patient's first visit."""
    marks = pd.read_csv(folder / "truth" / "landmarks.tsv", sep="\t").query("inside == 1")
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
        sessions = series.sessions(folder, patient)
        scans = {s: series.scan(folder, patient, s) for s in sessions}
        drawn = sorted((folder / "bids" / "derivatives").rglob(f"{patient}_{sessions[0]}_*_dseg.nii.gz"))
        mask = images.load(drawn[0]) if drawn else None
        lesion = mask.with_array(mask.array > 0) if mask is not None else None
        points = {s: _points(marks, patient, s) for s in sessions}
        for session in sessions[1:]:
            both = points[sessions[0]].index.intersection(points[session].index)
            here, there = (points[s].loc[both].to_numpy() for s in (sessions[0], session))
            yield Pair(f"{patient} {session}", scans[sessions[0]], scans[session], lesion, here, there)


def moved(recipe: str, pair: Pair) -> tuple[np.ndarray, str]:
    """Return where a recipe moves the landmarks, and the grade it gives itself."""
    if recipe == "no alignment":
        return pair.here, ""
    if recipe.startswith("ANTs"):
        return _moved_by_ants(recipe.removeprefix("ANTs "), pair), ""
    if recipe == WITHOUT_MASK:
        alignment = without_mask.align_around(without_mask.cord_of(pair.first), pair.first, pair.second)
    else:
        scans = {"region": pair.lesion, "exclude": pair.lesion, "same_contrast": recipe != ACROSS[-1]}
        alignment = registration.align(pair.first, pair.second, **scans)
    return move_points(alignment.to_follow_up, pair.here), alignment.quality.grade


def _moved_by_ants(kind: str, pair: Pair) -> np.ndarray:
    fixed, moving = (to_ants(volume) for volume in (pair.first, pair.second))
    result = ants.registration(fixed, moving, type_of_transform=kind)
    frame = pd.DataFrame(images.flip_points(pair.here), columns=["x", "y", "z"])
    points = ants.apply_transforms_to_points(3, frame, result["fwdtransforms"])[["x", "y", "z"]]
    return images.flip_points(points.to_numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    print("## Alignment\n")
    print("Landmark error, mm: mean over pairs, 95th percentile over landmarks, worst pair. CPU seconds a pair.\n")
    worst_elsewhere.asked_for(parser)
    arguments = parser.parse_args()
    for folder in arguments.data:
        _report(folder)
        if arguments.pictures:
            pairs = [_aligned(pair) for pair in pairs_of(folder)]
            worst_elsewhere.draw_alignments(pairs, arguments.pictures, f"alignment-{folder.name}")


def _aligned(pair: Pair) -> worst_elsewhere.AlignedPair:
    alignment = registration.align(pair.first, pair.second, region=pair.lesion, exclude=pair.lesion)
    errors_mm = np.linalg.norm(move_points(alignment.to_follow_up, pair.here) - pair.there, axis=1)
    return worst_elsewhere.AlignedPair(
        pair.name, pair.first, pair.second, alignment.to_follow_up, pair.here, errors_mm
    )  # fmt: skip


def other_contrast(pair: Pair) -> Pair:
    """Return the pair with a follow-up on which cord is brightest and fluid dark, as on T1w; fat is dark as well."""
    second = pair.second.array.astype(float)
    cord = np.median(ndimage.map_coordinates(second, to_voxel(pair.second.affine, pair.there).T, order=1))
    width = 0.5 * (np.percentile(second, 99) - cord)
    return replace(pair, second=pair.second.with_array(1000 * np.exp(-(((second - cord) / width) ** 2))))


def _report(folder: Path) -> None:
    pairs = list(pairs_of(folder))
    print(f"### {folder.name}: {len(pairs)} pairs\n")
    _table(pairs, RECIPES)
    print("The same pairs, the follow-up's signal turned over so that cord is brightest and fluid dark, as on T1w:\n")
    _table([other_contrast(pair) for pair in pairs], ACROSS)
    unit = 1 if sys.platform == "darwin" else 1024
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(f"Most memory of the process so far, all recipes and scans in it: {peak_mb:.0f} MB.\n", flush=True)


def _table(pairs: list[Pair], recipes: tuple[str, ...]) -> None:
    print("| recipe | mean | 95 % | worst pair | CPU s | grades |\n|---|---|---|---|---|---|")
    for recipe in recipes:
        errors, grades, seconds = [], [], []
        for pair in pairs:
            started = time.process_time()
            points, grade = moved(recipe, pair)
            seconds.append(time.process_time() - started)
            errors.append(np.linalg.norm(points - pair.there, axis=1))
            grades.append(grade)
        means = [error.mean() for error in errors]
        counts = ", ".join(f"{grades.count(g)} {g}" for g in sorted(set(grades)) if g)
        print(
            f"| {recipe} | {np.mean(means):.2f} | {np.percentile(np.concatenate(errors), 95):.2f} "
            f"| {max(means):.2f} | {np.mean(seconds):.1f} | {counts} |",
            flush=True,
        )
    print()


def _points(marks: pd.DataFrame, patient: str, session: str) -> pd.DataFrame:
    chosen = marks[(marks["participant_id"] == patient) & (marks["session_id"] == session)]
    return chosen.set_index("landmark")[["x", "y", "z"]]


def to_ants(volume: Volume) -> ants.ANTsImage:
    origin, spacing_mm, direction = images.lps_geometry(volume)
    array = volume.array.astype(np.float32)
    return ants.from_numpy(array, origin=origin.tolist(), spacing=spacing_mm.tolist(), direction=direction)


if __name__ == "__main__":
    main()
