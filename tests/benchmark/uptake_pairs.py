"""New enhancement between two visits of one made-up lesion, nodules in the wall, and caps of blood: seen, and claimed.

``python -m tests.benchmark.uptake_pairs [--pairs N] [--most M] [--kept-back]``. Each pair shows one lesion on two days:
nothing enhances on both (anything new is false), or on the second a nodule of 5 to 7 mm does. Each pair is kept by its
seed (:mod:`tests.benchmark.kept_trials`); with ``--most`` a call does so many more and reports all that are done.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.finding_terms import Described, Sureness
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.description import blood_signal, contrast_uptake, limit_file
from pipeline.description.finding_change import FindingCourse, change_of
from pipeline.description.lesion_scene import LesionScene
from tests.benchmark.described_visits import MadeVisit, Truth, visit_of
from tests.benchmark.description import DEVELOPED, KEPT_BACK, course_of
from tests.benchmark.host_cords import HostCord, host_named
from tests.benchmark.kept_trials import KeptTrials, state_of_description

SHOWS_BLOOD = ("T2starw", "T2w")
KINDS = {"none": "unchanged, nothing enhances", "nodule": "a nodule of 5 to 7 mm is new"}


@dataclass(frozen=True)
class SeenVisit:
    """Uptake and cap as they are described, beside the cap that was painted."""

    uptake: Described
    cap: Described
    true_cap: str


def seen(visit: MadeVisit) -> SeenVisit:
    """Describe uptake and cap of one visit."""
    limits = limit_file.packaged()
    masks: dict[Compartment, Volume] = dict(visit.masks)
    solid = masks.pop(Compartment.TUMOUR)
    scene = LesionScene(solid, masks, course_of(visit), "no cord found")
    scans = {scan.contrast: scan for scan in visit.scans}
    uptake = contrast_uptake.uptake_of(scans["T1w"], scans["T1w_ce"], scene, limits)[0]
    shows = [scans[kind] for kind in SHOWS_BLOOD if kind in scans]
    cap = blood_signal.blood_findings(shows, scans["T1w"], scene, limits)[0]
    return SeenVisit(uptake, cap, visit.truth.terms["blood_cap"])


def pair_of(host: HostCord, seed: tuple[int, int], second: str) -> tuple[SeenVisit, SeenVisit]:
    """Describe one lesion on two days; ``second`` says what enhances on the second, ``none`` or ``nodule``."""
    first, later = (
        seen(visit_of(host, np.random.default_rng(seed), Truth(asked=asked), np.random.default_rng([*seed, day])))
        for day, asked in ((1, "none"), (2, second))
    )
    return first, later


def what_is_new(first: Described, later: Described) -> str:
    """Say what is told of uptake at the second visit beside the first."""
    if first.value != "none" or later.value in (None, "none"):
        return "not new"
    if change_of(first, later, (), ()).course == FindingCourse.CHANGED:
        return "surely new"
    return "perhaps new"


def trial_of(key: str) -> dict[str, Any]:
    """Describe the pair of a key (:meth:`TrialSet.keys`); return its answers as plain values."""
    host, kind, lesions, number = key.split(", ")
    first, later = pair_of(host_named(host), (int(lesions), 9000 + int(number)), kind)
    return {
        "new": what_is_new(first.uptake, later.uptake),
        "later": f"{later.uptake.value} {later.uptake.sureness}",
        "caps": [_cap_answer(one) for one in (first, later)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="of each kind")
    parser.add_argument("--most", type=int, help="do at most so many pairs in this call, report all that are done")
    parser.add_argument("--kind", choices=list(KINDS), action="append", help="only these pairs")
    parser.add_argument("--kept-back", action="store_true", help="the seeds and people that decided nothing")
    arguments = parser.parse_args()
    chosen = KEPT_BACK if arguments.kept_back else DEVELOPED
    kept = KeptTrials("uptake_pairs", state_of_description("tests/benchmark/uptake_pairs.py"))
    caps: Counter[str] = Counter()
    for kind in arguments.kind or KINDS:
        pairs = kept.done(chosen.keys(arguments.pairs, kind), trial_of, arguments.most).values()
        news = Counter(pair["new"] for pair in pairs)
        shown = Counter(pair["later"] for pair in pairs)
        caps.update(answer for pair in pairs for answer in pair["caps"])
        print(f"{KINDS[kind]}: {len(pairs)} pairs: {dict(news)}; at the second visit {dict(shown)}", flush=True)
    print(f"caps of blood, {caps.total()} visits: {dict(caps)}")


def _cap_answer(one: SeenVisit) -> str:
    if one.cap.sureness != Sureness.SURE:
        return "cannot tell"
    return "sure and right" if one.cap.value == one.true_cap else "sure and wrong"


if __name__ == "__main__":
    main()
