"""What is said of lesions of known look: terms right where sure, what cannot be told, numbers beside the truth.

``python -m tests.benchmark.description [--visits N] [--kept-back]``. Seeds and people kept back decided no limit.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np

from pipeline.cord.cord_finding import find_cord
from pipeline.core.finding_terms import Described
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description import limit_file
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import CordCourse, LesionScene
from pipeline.description.visit_description import description_of
from pipeline.measure import cord
from tests.benchmark.described_visits import MadeVisit, made_visits
from tests.benchmark.healthy_cords import healthy_claims
from tests.benchmark.host_cords import hosts_of

DEVELOPED = ((1, 2, 3, 4, 5), ("bentjunction", "lowcervical"), 77)
KEPT_BACK = ((501, 502), ("cervical",), 13)
"""Seeds of phantoms, real cords, and the seed of the lesions."""

NUMBERS = ("adc", "expansion", "t2_signal", "t1_signal")


def course_of(visit: MadeVisit) -> CordCourse | None:
    """Return the cord's course as a run takes it: from the mask where there is one, else as found."""
    drawn = visit.masks.get(Compartment.CORD)
    if drawn is None:
        found = find_cord(visit.scans[0].image)
        return CordCourse.of_points(found.points_mm[::-1], found.radius_mm[::-1]) if found.is_found else None
    whole = drawn.with_array(np.any([mask.array for mask in visit.masks.values()], axis=0).astype(np.float32))
    line = cord.line_of_cord(whole, identity("anchor", "anchor"))
    areas = cord.areas_mm2(cord.stretches_of(whole, identity("anchor", "anchor"), line), line)
    usual = float(np.median(areas[areas > 0]))
    return CordCourse(line, np.sqrt(np.where(areas > 0, areas, usual) / np.pi), is_drawn=True)


def described(visit: MadeVisit) -> dict[str, Described]:
    """Return what is said of a visit."""
    masks: dict[Compartment, Volume] = dict(visit.masks)
    solid = masks.pop(Compartment.TUMOUR)
    scene = LesionScene(solid, masks, course_of(visit), "no cord found")
    here = LevelsHere(None, None, "no visit has disc labels")
    return {str(one.finding): one for one in description_of(scene, visit.scans, here, limit_file.packaged())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=40)
    parser.add_argument("--kept-back", action="store_true", help="the seeds and people that decided nothing")
    parser.add_argument("--wrong", action="store_true", help="name what is sure and wrong")
    arguments = parser.parse_args()
    seeds, real, lesions = KEPT_BACK if arguments.kept_back else DEVELOPED
    tally: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    errors: dict[str, list[float]] = defaultdict(list)
    nodules, cpu_s = [], []
    for visit in made_visits(hosts_of(seeds, real), arguments.visits, lesions):
        started = time.process_time()
        rows = described(visit)
        cpu_s.append(time.process_time() - started)
        for name, term in visit.truth.terms.items():
            row = rows[name]
            right = row.value == term
            key = "unsaid" if row.value is None else f"{row.sureness} {'right' if right else 'wrong'}"
            tally[name][key] += 1
            if arguments.wrong and key == "sure wrong":
                print(f"{visit.name}: {name} {term}, said {row.value} {row.number} {row.low} {row.high} {row.reason}")
        for name in NUMBERS:
            is_pure = name != "adc" or visit.truth.terms["margin"] == "sharp"  # an infiltrated rim has no single value
            if is_pure and rows[name].number is not None and rows[name].sureness == "sure":
                errors[name].append(rows[name].number / visit.truth.numbers[name] - 1)
        if "nodule_mm" in visit.truth.numbers:
            nodules.append(rows["enhancement"].value not in (None, "none"))
    _report(arguments, tally, errors, nodules, cpu_s)


def _report(
    arguments: argparse.Namespace,
    tally: dict[str, dict[str, int]],
    errors: dict[str, list[float]],
    nodules: list[bool],
    cpu_s: list[float],
) -> None:
    which = "kept back" if arguments.kept_back else "developed on"
    print(f"## What the scans say of a lesion\n\n{arguments.visits} visits, {which}.\n")
    print("| finding | visits | sure | right of sure | right of unsure | not said |\n|---|---|---|---|---|---|")
    for name, counts in sorted(tally.items()):
        total, sure = sum(counts.values()), counts["sure right"] + counts["sure wrong"]
        unsure = counts["unsure right"] + counts["unsure wrong"]
        right = f"{100 * counts['sure right'] / sure:.0f} %" if sure else "-"
        print(
            f"| {name} | {total} | {100 * sure / total:.0f} % | {right} | {counts['unsure right']} of {unsure} "
            f"| {counts['unsaid']} |"
        )
    print("\n| number, where sure | n | median | bias | 95 % within |\n|---|---|---|---|---|")
    for name, values in errors.items():
        off = np.array(values)
        print(
            f"| {name} | {len(off)} | {100 * np.median(abs(off)):.1f} % | {100 * np.median(off):+.1f} % "
            f"| {100 * np.percentile(abs(off), 95):.1f} % |"
        )
    print("\nClaimed of healthy cords (a lesion drawn where none is):", healthy_claims() or "no such scans here")
    print(f"\nNodules of 5 to 7 mm seen: {sum(nodules)} of {len(nodules)}. CPU a visit: {np.median(cpu_s):.2f} s\n")


if __name__ == "__main__":
    main()
