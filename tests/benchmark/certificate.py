"""Does the alignment's grade tell the truth: good pairs, larger motions than the data have, and broken pairs.

Broken are: another person's cord, left and right swapped, another region of the spine, the right place cut away, a
constant scan, noise, and heavy motion (blur, ghosts). The patients of one dataset may share one anatomy, so the wrong
patient is taken from the other folders; with one folder there is none.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipeline.align import registration
from pipeline.align.certificate import CLOSURE_A_MM, AlignmentQuality, mirror_lead
from pipeline.core.transform import Transform, move_points
from tests.benchmark.alignment import Pair, pairs_of
from tests.benchmark.broken_pairs import Trial, trials

MOST_ERROR_MM = 2.0
"""No pair above this may have grade A."""

GOOD_AT_A = 0.90
EACH = 5


@dataclass(frozen=True)
class Result:
    """One aligned trial; the error is None where no landmark lies in both scans."""

    trial: Trial
    quality: AlignmentQuality
    to_follow_up: Transform
    error_mm: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--each", type=int, default=EACH, help="pairs of each kind but the good ones, which are all")
    arguments = parser.parse_args()
    found = {folder: list(pairs_of(folder)) for folder in arguments.data}
    print("## The certificate\n")
    print(
        "Mean landmark error over the pair's cord, mm. The lead is that of the scan over its own mirror image, on "
        "Fisher's scale. A broken pair has no right answer where the lesion is, and must be C; a poor one may get any "
        "grade that hides no error.\n"
    )
    for folder, pairs in found.items():
        others = [pair for other, theirs in found.items() if other != folder for pair in theirs]
        _report(folder.name, [_result(trial) for trial in trials(pairs, others, arguments.each)])


def _result(trial: Trial) -> Result:
    pair: Pair = trial.pair
    aligned = registration.align(pair.first, pair.second, region=pair.lesion, exclude=pair.lesion)
    error_mm = None
    if len(pair.here):
        error_mm = float(np.linalg.norm(move_points(aligned.to_follow_up, pair.here) - pair.there, axis=1).mean())
    return Result(trial, aligned.quality, aligned.to_follow_up, error_mm)


def _report(name: str, results: list[Result]) -> None:
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_kind[result.trial.kind].append(result)
    print(f"### {name}\n")
    print("| kind | pairs | A | B | C | error, mm | local correlation | lead |\n|---|---|---|---|---|---|---|---|")
    for kind, found in by_kind.items():
        grades = [result.quality.grade for result in found]
        counts = " | ".join(str(grades.count(grade)) for grade in "ABC")
        errors = _range([r.error_mm for r in found if r.error_mm is not None])
        likeness = _range([r.quality.local_correlation for r in found])
        leads = [mirror_lead(r.quality.local_correlation, r.quality.mirrored_correlation) for r in found]
        mark = {"A": "", "C": " (broken)", None: " (poor)"}[found[0].trial.expected]
        print(f"| {kind}{mark} | {len(found)} | {counts} | {errors} | {likeness} | {_range(leads)} |")
    print()
    _summary(results)


def _summary(results: list[Result]) -> None:
    good = [r for r in results if r.trial.expected == "A"]
    broken = [r for r in results if r.trial.expected == "C"]
    far = [r for r in results if r.error_mm is not None and r.error_mm > MOST_ERROR_MM]
    trusted = [r for r in far if r.quality.grade == "A"]
    missed = [r for r in broken if r.quality.grade != "C"]
    at_a = np.mean([r.quality.grade == "A" for r in good])
    print(f"- Pairs above {MOST_ERROR_MM:.0f} mm: {len(far)}; of these graded A (must be none): {_names(trusted)}.")
    print(f"- Broken pairs: {len(broken)}; of these not graded C (must be none): {_names(missed)}.")
    print(f"- Good pairs, larger motions included, graded A: {at_a:.0%} of {len(good)} (must be {GOOD_AT_A:.0%}).")
    closures = list(_closures([r for r in results if r.trial.kind == "good"]))
    if closures:
        print(
            f"- Closure over the visit before, {len(closures)} visits: {np.mean(closures):.2f} mm on average, "
            f"at most {max(closures):.2f} mm (A up to {CLOSURE_A_MM:.1f} mm)."
        )
    for result in (r for r in good if r.quality.grade != "A"):
        quality = result.quality
        print(f"  - {result.trial.kind}, {result.trial.pair.name}: {quality.grade}, {'; '.join(quality.reasons)}")
    print(flush=True)


def _closures(results: list[Result]) -> Iterator[float]:
    """Go to each visit but the first follow-up by way of the follow-up before it."""
    for before, after in pairwise(results):
        if before.trial.pair.name.split()[0] == after.trial.pair.name.split()[0]:
            earlier, later = ((r.trial.pair.second, r.to_follow_up) for r in (before, after))
            yield registration.closure_mm(after.trial.pair.first, after.trial.pair.lesion, earlier, later)


def _range(values: list[float]) -> str:
    if not values:
        return "–"
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _names(results: list[Result]) -> str:
    return ", ".join(f"{r.trial.kind} ({r.trial.pair.name})" for r in results) or "none"


if __name__ == "__main__":
    main()
