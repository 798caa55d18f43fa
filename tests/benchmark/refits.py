"""The fit of a lesion alone, tried over many pairs in minutes: aligning and cutting out are done once and kept.

``python -m tests.benchmark.refits --kept FOLDER --data DATASET --against ROWS.tsv``: the first call aligns every
follow-up and implants lesions of known growth, and pickles what a fit needs; later calls only fit. Kept pairs must be
made anew when the template, the scene or the alignment changes (``--anew``). Errors are those of the *change* since
the first visit, in the same reader's hand: a drawn label map 5 % smaller than the soft truth is no error of the fit.
Rows also say whether the place that a shrunken lesion has left differs from it at all (``left_contrast``).
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from pipeline.align import registration
from pipeline.core.volume import Volume
from pipeline.refind import refinding
from pipeline.refind.lesion_fit import Fit, fitted_ends
from pipeline.refind.likeness import ScansDifferError, alike_enough, matched
from pipeline.refind.place_left import left_contrast
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.template import Template, template_of
from pipeline.selftest.host_scan import PHANTOM, Place, read_source
from pipeline.selftest.implant import volume_mm3
from pipeline.selftest.implanted_pairs import Plan, drawn, drawn_masks, scanned
from tests.benchmark import series
from tests.benchmark.implants import SCANS, Host
from tests.benchmark.masks import FLOOR_MM3, UNCHANGED, masked

HOSTS = {
    "phantom": Host(PHANTOM / "synthetic_T2w.nii.gz", PHANTOM / "synthetic_cord.nii.gz", 0.0),
    "cervical scan": Host(SCANS / "t2_fake_lesion.nii.gz", SCANS / "t2_fake_lesion_sc_seg.nii.gz", 8.0),
}
SLICES_MM = {"isotropic": None, "thick": 3.3}
IMPLANTED = ((1.0, -65.0), (0.9, -50.0), (0.8, 0.0), (0.7, 40.0), (0.6, 100.0), (1.2, -65.0), (0.5, -30.0), (0.5, 0.0))
"""First volume, mL, and growth, %."""
SEED = 7

TRIED = ("tumour", "cyst")
GROUPS = ("all", "isotropic", "thick")
Fitter = Callable[[Template, Scene, float], list[Fit]]


@dataclass(frozen=True, eq=False)
class KeptPair:
    """What a fit needs, and the truth: compartment to (true first, true later, drawn first), mm³."""

    name: str
    template: Template
    scene: Scene
    blur_mm: float
    is_thick: bool
    volumes_mm3: dict[str, tuple[float, float, float]]


def followed(folder: Path) -> Iterator[KeptPair]:
    """Align and cut out every follow-up of a dataset; pairs that get no mask are left out."""
    truth = pd.read_csv(folder / "truth" / "volumes.tsv", sep="\t")
    sizes = truth.set_index(["participant_id", "session_id", "label"])["volume_mm3"]
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
        first, *others = series.sessions(folder, patient)
        donor = masked(series.scan(folder, patient, first), series.drawn(folder, patient, first))
        for session in others:
            true = {
                name: (float(sizes.get((patient, first, name), 0)), float(sizes.get((patient, session, name), 0)))
                for name in donor.masks
            }
            name = f"{folder.name} {patient} {session}"
            yield from _kept(name, donor, series.scan(folder, patient, session), true)


def implanted() -> Iterator[KeptPair]:
    """Implant lesions of known growth in the hosts, aligned and cut out."""
    for host_name, host in HOSTS.items():
        for protocol, slice_mm in SLICES_MM.items():
            source = read_source(host.scan, host.cord, Place(host.at_mm), slice_mm)
            for number, (volume_ml, growth) in enumerate(IMPLANTED):
                plan = Plan(2 * number + 1 + number % 2, volume_ml, growth, SEED)  # odd numbers have no cyst
                first, later = scanned(source, plan)
                tumours = [volume_mm3(one.tumour) for one in drawn(plan, source.host.course, source.host.z_mm)]
                cysts = [float(one.cyst.array.sum()) * one.cyst.voxel_mm3 for one in (first, later)]
                true = {"tumour": (tumours[0], tumours[1]), "cyst": (cysts[0], cysts[1])}
                name = f"{host_name} {protocol} {growth:+.0f} % of {volume_ml} mL"
                yield from _kept(name, refinding.DonorVisit(first.scan, drawn_masks(first)), later.scan, true)


def _kept(
    name: str, donor: refinding.DonorVisit, later: Volume, true: Mapping[str, tuple[float, float]]
) -> Iterator[KeptPair]:
    parts = {
        part: mask for part, mask in donor.masks.items() if part in refinding.GROWING and refinding.has_inside(mask)
    }
    region = donor.image.with_array(np.any([mask.array > 0 for mask in donor.masks.values()], axis=0))
    aligned = registration.align(donor.image, later, region=region, exclude=region)
    template = template_of(donor.image, parts)
    scene = scene_of(template, later, aligned.to_reference)
    if aligned.quality.grade == "C" or scene is None or refinding.is_blank(template, scene):
        return
    from_thick = refinding.is_thick(donor.image)
    try:
        extra_mm = alike_enough(template, scene, later, same_contrast=True, from_thick=from_thick)
    except ScansDifferError:
        return
    blur_mm, scene = matched(extra_mm, scene, later)
    volumes = {part: (*true[part], float(mask.array.sum()) * mask.voxel_mm3) for part, mask in parts.items()}
    yield KeptPair(name, template, scene, blur_mm, refinding.is_thick(later), volumes)


def fitted(pair: KeptPair, fitter: Fitter = fitted_ends) -> list[dict[str, object]]:
    """Fit one pair and return a row for each compartment that a figure counts."""
    started = time.process_time()
    ends = fitter(pair.template, pair.scene, pair.blur_mm)
    seconds = time.process_time() - started
    rows = []
    for c, name in enumerate(pair.template.names):
        first, later, given = pair.volumes_mm3[name]
        if name not in TRIED or later <= FLOOR_MM3[name] or not first:
            continue
        found_mm3 = float(np.mean([end.occupancy[c].sum() for end in ends])) * pair.scene.voxel_mm3
        rows.append({
            "pair": pair.name, "compartment": name, "slices": GROUPS[1 + pair.is_thick], "true_ratio": later / first,
            "found_ratio": found_mm3 / given, "cpu_s": seconds,
            "left_contrast": left_contrast(pair.template, pair.scene, ends[0], c),
        })  # fmt: skip
    return rows


def figures(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a table: error of the change, %, its slope, and the mean error by what truly happened."""
    for compartment in TRIED:
        for group in GROUPS:
            chosen = rows[rows["compartment"] == compartment]
            chosen = chosen if group == "all" else chosen[chosen["slices"] == group]
            if len(chosen) < 3:
                continue
            error = 100 * (chosen["found_ratio"] / chosen["true_ratio"] - 1)
            true, found = np.log(chosen["true_ratio"]), np.log(chosen["found_ratio"])
            parts = (true < -UNCHANGED, true.abs() <= UNCHANGED, true > UNCHANGED)
            means = [f"{error[part].mean():+.1f} ({part.sum()})" if part.any() else "" for part in parts]
            spread = (f"{error.abs().median():.1f}", f"{np.percentile(error.abs(), 90):.1f}")
            yield (compartment, group, str(len(chosen)), *spread, f"{np.polyfit(true, found, 1)[0]:.2f}", *means)


def _pairs(kept: Path, folders: Sequence[Path], *, anew: bool) -> Iterator[KeptPair]:
    """Yield the pairs kept in a folder, made first where they are not there yet."""
    kept.mkdir(parents=True, exist_ok=True)
    for name, source in (("implants", implanted), *((f.name, lambda f=f: followed(f)) for f in folders)):
        path = kept / f"{name}.pkl"
        if anew or not path.is_file():
            path.write_bytes(pickle.dumps(list(source())))
        yield from pickle.loads(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path, help="folder for prepared pairs; a temporary one if none is given")
    parser.add_argument("--data", action="append", type=Path, default=[])
    parser.add_argument("--anew", action="store_true", help="prepare the pairs again")
    parser.add_argument("--rows", type=Path, help="write each pair's figures there")
    parser.add_argument("--against", type=Path, help="rows of an earlier trial: shown first")
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        pairs = _pairs(arguments.kept or Path(scratch), arguments.data, anew=arguments.anew)
        rows = pd.DataFrame([row for pair in pairs for row in fitted(pair)])
    print(
        "## The fit of a lesion alone\n\nError of the change since the first visit, %, above 300 mm³ of tumour and "
        "100 mm³ of cyst; its slope; mean error by what truly happened (pairs).\n"
    )
    print("| trial | compartment | slices | n | median | 90 % | slope | shrunk | unchanged | grown |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    earlier = [("before", pd.read_csv(arguments.against, sep="\t"))] if arguments.against else []
    for trial, table in (*earlier, ("now", rows)):
        for cells in figures(table):
            print(f"| {trial} | {' | '.join(cells)} |")
    print(f"\n{rows.groupby('pair')['cpu_s'].first().mean():.1f} CPU s for a pair.")
    if arguments.rows:
        rows.to_csv(arguments.rows, sep="\t", index=False)


if __name__ == "__main__":
    main()
