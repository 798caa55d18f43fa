"""Volumes of visits without a mask, from the first visit's mask alone, beside the mask that is only carried over.

Every follow-up of a dataset (``bids/``, ``truth/volumes.tsv``, ``truth/masks/``) is aligned to the patient's first
visit, whose mask a reader drew. Pairs whose alignment has grade C get no mask, and are counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.align import registration
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, plane
from pipeline.measure import measurement_error, volumes
from pipeline.refind import refinding, signal_search
from tests.benchmark import series
from tests.benchmark import worst as pictures

LABELS = {1: "tumour", 2: "cyst", 3: "oedema"}
FLOOR_MM3 = {"tumour": 300.0, "cyst": 100.0, "oedema": 100.0}
UNCHANGED = 0.08
"""True volumes that differ by less are unchanged."""

RECIPES = ("carried over", "found again", "true outline")


@dataclass(frozen=True)
class Found:
    """One compartment of one follow-up: true and found volume and the first visit's, mm³, and overlap."""

    name: str
    compartment: str
    recipe: str
    first_mm3: float
    true_mm3: float
    found_mm3: float
    dice: float
    cv: float
    drawn_mm3: float


@dataclass(frozen=True)
class Looked:
    """One follow-up of a patient drawn without tumour: the true tumour and the sizes of what was flagged, mm³."""

    name: str
    true_mm3: float
    flagged_mm3: tuple[float, ...]


def measured(folder: Path, *, is_thick: bool = False) -> Iterator[Found | Looked | float | str]:
    """Yield what was found in every follow-up, the CPU seconds of each, and the names of refused pairs.

    With ``is_thick`` the true outline of the first visit on thick slices is given instead of the first visit's mask,
    and the visits after it are measured.
    """
    truth = pd.read_csv(folder / "truth" / "volumes.tsv", sep="\t")
    sizes = truth.set_index(["participant_id", "session_id", "label"])["volume_mm3"]
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*")):
        first, *others = _given(folder, patient) if is_thick else series.sessions(folder, patient)
        scan = series.scan(folder, patient, first)
        labels = series.true(folder, patient, first) if is_thick else series.drawn(folder, patient, first)
        drawn = masked(scan, labels)
        region = labels.with_array(labels.array > 0)
        for session in others:
            later = series.scan(folder, patient, session)
            aligned = registration.align(scan, later, region=region, exclude=region)
            if aligned.quality.grade == "C":
                yield f"{patient} {session}"
                continue
            started = time.process_time()
            again = refinding.follow_up_masks(drawn, later, aligned.to_reference, is_sure=aligned.quality.grade == "A")
            if again.refusal is not None:
                yield f"{patient} {session}: {again.refusal}"
                continue
            yield time.process_time() - started
            again = refinding.after_treatment(again) if series.is_treated(folder, patient) else again
            if "tumour" not in drawn.masks:
                flags = signal_search.look_for_new_signal(drawn, None, later, aligned.to_reference)
                true_mm3 = float(sizes.get((patient, session, "tumour"), 0.0))
                yield Looked(f"{patient} {session}", true_mm3, tuple(one.volume_mm3 for one in flags or ()))
            carried = refinding.carry_over(drawn, later, aligned.to_reference)
            outlined = masked(later, series.true(folder, patient, session)).masks
            for recipe, shares in zip(RECIPES, (carried, again.probabilities, outlined), strict=True):
                for name in (name for name in LABELS.values() if name in shares and shares[name].array.any()):
                    true_mm3 = [float(sizes.get((patient, one, name), 0.0)) for one in (first, session)]
                    who = (f"{patient} {session}", name, recipe)
                    yield _found(who, true_mm3, drawn, again, shares[name], outlined.get(name))


def masked(scan: Volume, labels: Volume) -> refinding.DonorVisit:
    """Return a visit with the compartments that a label map names."""
    masks = {name: labels.with_array(labels.array.round() == value) for value, name in LABELS.items()}
    return refinding.DonorVisit(scan, {name: mask for name, mask in masks.items() if mask.array.any()})


def _found(
    who: tuple[str, str, str],
    true_mm3: Sequence[float],
    drawn: refinding.DonorVisit,
    again: refinding.FollowUpMasks,
    share: Volume,
    outlined: Volume | None,
) -> Found:
    """Hold one compartment against the truth: its name and recipe, and its true volume at the first visit and here."""
    _, name, recipe = who
    found_mm3 = float(share.array.sum()) * share.voxel_mm3
    first = drawn.masks.get(name)
    return Found(
        *who,
        *true_mm3,
        found_mm3,
        _dice(share.array >= 0.5, outlined.array) if outlined else 0.0,
        stated_cv(share, found_mm3, name, again if recipe == RECIPES[1] else None),
        float(first.array.sum()) * first.voxel_mm3 if first else 0.0,
    )


def _given(folder: Path, patient: str) -> list[str]:
    """Return the first session on thick slices and those after it; the last session alone where none is thick."""
    names = series.sessions(folder, patient)
    is_thick = [series.scan(folder, patient, name).spacing_mm.max() > measurement_error.THICK_MM for name in names]
    return names[is_thick.index(True) :] if any(is_thick) else [names[-1]]


def stated_cv(mask: Volume, volume_mm3: float, name: str, again: refinding.FollowUpMasks | None) -> float:
    """Return the measurement error that the program states for a mask; ``again`` where it was found again."""
    less_sure = again is not None and again.methods.get(name) == refinding.GROWN_LESS_SURELY
    boundary_mm = measurement_error.boundary_error_mm(
        MaskOrigin.AUTOMATIC, None, Compartment(name), less_sure=less_sure
    )
    spanned = volumes.measure(mask).slices_spanned
    geometric = (
        measurement_error.geometric_cv(volume_mm3, boundary_mm, slices_spanned=spanned, plane=plane(mask)) or 0.0
    )
    if again is None:
        return geometric
    spread = measurement_error.mean_cv(again.ways_mm3.get(name, ()))
    signal, shrinkage = again.signal_cv.get(name), again.shrinkage_cv.get(name)
    return measurement_error.largest_error(geometric, signal=signal, shrinkage=shrinkage, spread=spread)[0]


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / max(1, int(first.sum() + second.sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    print("## Masks of visits without one\n")
    print(
        "Only the first visit's mask is given. Error of volume against truth, %, above 300 mm³ of tumour and 100 mm³ "
        "of cyst or oedema; slope of log found on log true volume, and of their changes since the first visit (1 is "
        "right; 0 hides every change). The true outline is the true label map itself, voxel by voxel: what a perfect "
        "reader would draw, and where the first visit's mask comes from.\n"
    )
    for folder in parser.parse_args().data:
        _report(folder)


def _report(folder: Path) -> None:
    results = list(measured(folder))
    seconds = [r for r in results if isinstance(r, float)]
    refused = [r for r in results if isinstance(r, str)]
    rows = [r for r in results if isinstance(r, Found)]
    looked = [r for r in results if isinstance(r, Looked)]
    print(f"### {folder.name}: {len(seconds)} follow-ups, {np.mean(seconds):.0f} CPU s each, {len(refused)} refused\n")
    print("| compartment | masks | n | median | 90 % | bias | Dice | slope | slope of change |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, floor in FLOOR_MM3.items():
        for recipe in RECIPES:
            chosen = [r for r in rows if r.compartment == name and r.recipe == recipe and r.true_mm3 > floor]
            if len(chosen) > 2:
                print(f"| {name} | {recipe} | {_summary(chosen)} |", flush=True)
    tumours = [r for r in rows if r.compartment == "tumour" and r.recipe == RECIPES[1] and r.true_mm3 > 300]
    worst = sorted(tumours, key=lambda r: -abs(np.log(r.found_mm3 / r.true_mm3)))[:5]
    print("\nWorst five tumours: " + "; ".join(
        f"{r.name}: {r.first_mm3:.0f} mm³ first, truly {r.true_mm3:.0f}, found {r.found_mm3:.0f}" for r in worst
    ) + ".\n")  # fmt: skip
    cases = []
    for row in worst:
        patient, session = row.name.split()
        cases.append((row.name, *pictures.first_and_later(folder, patient, session, LABELS)))
    path = pictures.draw(cases, f"worst-{folder.name}")
    print(f"![the worst five]({path})\n\nSolid: truth; dashed: found; the middle slice of the true tumour.\n")
    _report_intervals([r for r in rows if r.recipe == RECIPES[1] and r.true_mm3 > FLOOR_MM3[r.compartment]])
    _report_flags(looked)
    _report_thick(folder)


def _report_thick(folder: Path) -> None:
    rows = [r for r in measured(folder, is_thick=True) if isinstance(r, Found) and r.recipe == RECIPES[1]]
    rows = [r for r in rows if r.true_mm3 > FLOOR_MM3[r.compartment]]
    print(
        "The same when only the mask of the first visit on thick slices is given; a mask on a finer scan, where there "
        "is one before, is taken instead:\n"
    )
    print(
        "| compartment | n | median | 90 % | bias | Dice | slope | slope of change |\n|---|---|---|---|---|---|---|---|"
    )
    for name in FLOOR_MM3:
        chosen = [r for r in rows if r.compartment == name]
        if len(chosen) > 2:
            print(f"| {name} | {_summary(chosen)} |", flush=True)
    print()
    _report_intervals(rows)


def _report_intervals(rows: list[Found]) -> None:
    print(
        "Stated errors of masks found again: how many 95 % intervals hold the true volume, and in how many pairs whose "
        f"true volumes differ by less than {UNCHANGED:.0%} a change beyond the 95 % limit is claimed against the first "
        "visit's drawn mask.\n"
    )
    print("| compartment | intervals that hold | outline error needed, mm | false changes |\n|---|---|---|---|")
    for name in FLOOR_MM3:
        own = [r for r in rows if r.compartment == name]
        if not own:
            continue
        errors = [abs(float(np.log(r.found_mm3 / r.true_mm3))) for r in own]
        held = sum(error <= measurement_error.Z_95 * r.cv for error, r in zip(errors, own, strict=True))
        outline = [
            e * r.found_mm3 ** (1 / 3) / measurement_error.SPHERE_FACTOR for e, r in zip(errors, own, strict=True)
        ]
        still = [r for r in own if r.first_mm3 and abs(r.true_mm3 / r.first_mm3 - 1) < UNCHANGED]
        false = sum(_is_claimed(r) for r in still)
        print(
            f"| {name} | {held} of {len(own)} | {np.sqrt(np.mean(np.square(outline))):.2f} | {false} of {len(still)} |"
        )
    print(flush=True)


def _is_claimed(row: Found) -> bool:
    drawn_mm = measurement_error.boundary_error_mm(MaskOrigin.MANUAL)
    drawn_cv = measurement_error.geometric_cv(row.drawn_mm3, drawn_mm, slices_spanned=None, plane="isotropic") or 0.0
    ratio = row.found_mm3 / row.drawn_mm3
    return max(ratio, 1 / ratio) > measurement_error.detection_limit_ratio(drawn_cv, row.cv)


def _report_flags(rows: list[Looked]) -> None:
    if not rows:
        return
    print("New signal where no tumour was drawn (flagged for a person, never a volume):\n")
    print("| follow-up | true tumour, mm³ | flagged, mm³ |\n|---|---|---|")
    for row in rows:
        flags = ", ".join(f"{size:.0f}" for size in row.flagged_mm3) or "nothing"
        print(f"| {row.name} | {row.true_mm3:.0f} | {flags} |")
    print(flush=True)


def _summary(rows: list[Found]) -> str:
    true, found, first = (np.array([getattr(r, f"{n}_mm3") for r in rows]) for n in ("true", "found", "first"))
    error = 100 * (found / true - 1)
    slope = np.polyfit(np.log(true), np.log(found), 1)[0]
    grown = np.polyfit(np.log(true / first), np.log(found / first), 1)[0] if first.all() else np.nan
    dice = np.median([r.dice for r in rows])
    return (
        f"{len(rows)} | {np.median(abs(error)):.0f} | {np.percentile(abs(error), 90):.0f} | {error.mean():+.0f} "
        f"| {dice:.2f} | {slope:.2f} | {grown:.2f}"
    )


if __name__ == "__main__":
    main()
