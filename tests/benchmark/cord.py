"""The cord found by itself, on every scan beside the project: how far its line lies from where the cord is known.

Distance of each known middle (of a mask's cross-section, or of points in the cord) from the found line, mm. People
named in ``cord_training.HELD_BACK`` decided nothing.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.spatial import cKDTree

from pipeline.cord.cord_finding import FoundCord, find_cord
from pipeline.files import images
from tests.benchmark.cord_training import HELD_BACK, limb, smooth_noise
from tests.benchmark.cord_truth import KnownCord, densified, known_cords, unmarked_scans, visits_with_cords

WITHOUT_CORD = 20


def distances_mm(cord: FoundCord, known: KnownCord) -> tuple[np.ndarray, float]:
    """Return how far the known middles that the line passes lie from it, and the share of them that it passes."""
    if not cord.is_found or known.centres_mm is None:
        return np.zeros(0), 0.0
    heights = cord.points_mm[:, 2]
    middles_mm = known.centres_mm
    is_passed = (middles_mm[:, 2] >= heights.min() - 1.5) & (middles_mm[:, 2] <= heights.max() + 1.5)
    away_mm = cKDTree(densified(cord.points_mm)).query(middles_mm[is_passed])[0]
    return away_mm, float(is_passed.mean())


def main() -> None:
    print("## The cord found by itself\n")
    print("mm from the known middle; held back: people that no training has seen.\n")
    columns = ("scan", "median", "95 %", "worst", "length passed", "radius mm", "sureness", "CPU s")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    for title, cords in (("Marked by hand", known_cords()), ("Not marked", unmarked_scans())):
        print(f"### {title}\n\n{head}")
        for known in cords:
            _row(known)
        print()
    print(f"### Visits with implanted lesions\n\n{head}")
    groups: dict[str, list[np.ndarray]] = {}
    for known in visits_with_cords(sessions="12"):
        groups.setdefault(known.name.split()[0], []).append(_row(known))
    print("\n| set | scans | median | 95 % | worst |\n|---|---|---|---|---|")
    for name, parts in groups.items():
        away_mm = np.concatenate(parts)
        held = " (held back)" if name in HELD_BACK else ""
        print(
            f"| {name}{held} | {len(parts)} | {np.median(away_mm):.2f} | {np.percentile(away_mm, 95):.2f} "
            f"| {away_mm.max():.2f} |"
        )
    rng = np.random.default_rng(2026)
    called = {
        kind.__name__: sum(find_cord(kind(rng)).is_found for _ in range(WITHOUT_CORD)) for kind in (limb, smooth_noise)
    }
    print(f"\nCalled a cord where there is none, of {WITHOUT_CORD} each: {called}\n")


def _row(known: KnownCord) -> np.ndarray:
    started = time.process_time()
    cord = find_cord(images.load(known.scan))
    seconds = time.process_time() - started
    away_mm, passed = distances_mm(cord, known)
    held = " (held back)" if any(name in known.name for name in HELD_BACK) else ""
    if not cord.is_found:
        print(
            f"| {known.name}{held} | no cord: {cord.reason} | | | | | {cord.sureness:.2f} | {seconds:.1f} |", flush=True
        )
        return away_mm
    figures = (
        f"{np.median(away_mm):.2f} | {np.percentile(away_mm, 95):.2f} | {away_mm.max():.2f} | {passed:.0%}"
        if away_mm.size
        else " | | | "
    )
    radius = f"{np.nanmedian(cord.radius_mm):.1f}"
    print(f"| {known.name}{held} | {figures} | {radius} | {cord.sureness:.2f} | {seconds:.1f} |", flush=True)
    return away_mm


if __name__ == "__main__":
    main()
