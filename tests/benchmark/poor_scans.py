"""Tumours found again on follow-ups that are poorer than the masked scan: measured, said to be less sure, or refused.

Follow-ups of a dataset are blurred, ghosted, moved while they are scanned, cut into axial slices or turned over in
contrast; only the first visit's mask is given. Beside it the mask that is only carried over.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.align import registration
from pipeline.measure import measurement_error
from pipeline.refind import refinding
from tests.benchmark import alignment, broken_pairs, movement, series
from tests.benchmark.alignment import Pair
from tests.benchmark.masks import FLOOR_MM3, masked, stated_cv

TURNED = "signal turned over, as on T1w"
KINDS: dict[str, Callable[[Pair], Pair | None]] = {
    "as it is": lambda pair: pair,
    "axial slices of 4 mm": broken_pairs.axial,
    "blur 0.8 mm": lambda pair: broken_pairs.smeared(pair, 0.8),
    "blur 1.5 mm": lambda pair: broken_pairs.smeared(pair, 1.5),
    "a quarter in ghosts": lambda pair: broken_pairs.ghosted(pair, 0.25),
    "half in ghosts": lambda pair: broken_pairs.ghosted(pair, 0.5),
    "every fourth line 60 % weaker": lambda pair: movement.unsteady(pair, 0.6),
    "swinging by 1 mm": lambda pair: movement.shaken(pair, 1.0),
    "moved once, by 4 mm": lambda pair: movement.startled(pair, 4.0),
    TURNED: alignment.other_contrast,
}
TOLD = ("alignment C", "refused", "less sure")
EACH = 6
"""Follow-ups of a dataset that are tried, spread evenly."""


@dataclass(frozen=True)
class Tried:
    """One follow-up made poorer: ``told`` is what the program says of its mask; errors are ln(found / true)."""

    kind: str
    told: str
    error: float | None = None
    carried: float | None = None
    cv: float = 0.0


def tried(folder: Path) -> Iterator[Tried]:
    """Yield follow-ups with a tumour of the first visit that was drawn, made poorer in every way."""
    truth = pd.read_csv(folder / "truth" / "volumes.tsv", sep="\t").query("label == 'tumour'")
    sizes = truth.set_index(["participant_id", "session_id"])["volume_mm3"]
    pairs = [
        pair for pair in alignment.pairs_of(folder) if sizes.get(tuple(pair.name.split()), 0) > FLOOR_MM3["tumour"]
    ]
    pairs = [pair for pair in pairs if "tumour" in _drawn(folder, pair).masks]
    for pair in (pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, EACH).astype(int))):
        for kind, make in KINDS.items():
            made = make(pair)
            if made is not None:
                yield _one(kind, made, _drawn(folder, pair), float(sizes[tuple(pair.name.split())]))


def _drawn(folder: Path, pair: Pair) -> refinding.DonorVisit:
    patient, _ = pair.name.split()
    return masked(pair.first, series.drawn(folder, patient, series.sessions(folder, patient)[0]))


def _one(kind: str, pair: Pair, drawn: refinding.DonorVisit, true_mm3: float) -> Tried:
    same = kind != TURNED
    aligned = registration.align(pair.first, pair.second, region=pair.lesion, exclude=pair.lesion, same_contrast=same)
    if aligned.quality.grade == "C":
        return Tried(kind, TOLD[0])
    found = refinding.follow_up_masks(
        drawn, pair.second, aligned.to_reference, same_contrast=same, is_sure=aligned.quality.grade == "A"
    )
    if found.refusal is not None:
        return Tried(kind, TOLD[1])
    shares = found.probabilities["tumour"]
    less_sure = found.methods["tumour"] == refinding.GROWN_LESS_SURELY
    found_mm3 = float(shares.array.sum()) * shares.voxel_mm3
    carried = refinding.carry_over(drawn, pair.second, aligned.to_reference)["tumour"]
    return Tried(
        kind,
        TOLD[2] if less_sure else "found",
        float(np.log(found_mm3 / true_mm3)),
        float(np.log(carried.array.sum() * carried.voxel_mm3 / true_mm3)),
        stated_cv(shares, found_mm3, "tumour", found),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    print("## Masks on poorer follow-ups\n")
    print(
        f"Up to {EACH} follow-ups of each dataset, each made poorer; only the first visit's mask is given. Error of "
        "the tumour's volume, %, median, of those that got a mask; intervals that hold the true volume.\n"
    )
    print("| follow-up | n | alignment C | refused | less sure | error | carried over | intervals that hold |")
    print("|---|---|---|---|---|---|---|---|")
    rows = [row for folder in parser.parse_args().data for row in tried(folder)]
    for kind in KINDS:
        own = [row for row in rows if row.kind == kind]
        got = [row for row in own if row.error is not None]
        counts = " | ".join(str(sum(row.told == told for row in own)) for told in TOLD)
        errors = " | ".join(_median([getattr(row, name) for row in got]) for name in ("error", "carried"))
        held = sum(abs(row.error or 0.0) <= measurement_error.Z_95 * row.cv for row in got)
        print(f"| {kind} | {len(own)} | {counts} | {errors} | {held} of {len(got)} |", flush=True)
    print()


def _median(errors: list[float]) -> str:
    return f"{100 * np.median(np.abs(np.expm1(errors))):.0f}" if errors else "–"


if __name__ == "__main__":
    main()
