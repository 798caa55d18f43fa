"""What a follow-up costs, against an earlier commit and against one registration by ANTs, in one run.

``python -m tests.benchmark --section follow_up_cost``. For each pair (first masked visit and a later one) three
processes take turns, each with one thread: this code, the earlier commit checked out beside it (``--before COMMIT``,
by default the one before this (its first parent); ``--beside FOLDER`` takes a checkout that is there), and
``ants.registration`` with its default SyN. Aligning and masking (found again, measured) are counted apart in CPU
seconds; starting Python and reading are not, but importing and compiling what a step needs first are. Each process goes
through the pair twice: a first visit, and one of a patient whose process is warm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.benchmark import series
from tests.places import ROOT

STEPS = ("align", "mask", "peak_mb")
ONE_THREAD = ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WORK = """
import json, resource, sys, time
from pathlib import Path
from pipeline.align import registration
from pipeline.measure import volumes
from pipeline.refind import refinding
from tests.benchmark import series
from tests.benchmark.masks import masked

folder, patient, first, later = Path(sys.argv[1]), *sys.argv[2:]
scan, labels, second = series.scan(folder, patient, first), series.drawn(folder, patient, first), None
second = series.scan(folder, patient, later)
donor, region = masked(scan, labels), labels.with_array(labels.array > 0)
rounds = []
for _ in range(2):
    begun = time.process_time()
    aligned = registration.align(scan, second, region=region, exclude=region)
    between = time.process_time()
    again = refinding.follow_up_masks(donor, second, aligned.to_reference, is_sure=aligned.quality.grade == "A")
    mm3 = {name: float(mask.array.sum(dtype=float)) * mask.voxel_mm3 for name, mask in again.probabilities.items()}
    for mask in again.probabilities.values():
        volumes.measure(mask)
    rounds.append({"align": between - begun, "mask": time.process_time() - between, "mm3": mm3})
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
print(json.dumps({"rounds": rounds, "peak_mb": peak}))
"""
SYN = """
import json, sys, time
from pathlib import Path
from tests.benchmark import series
from tests.benchmark.alignment import to_ants
import ants

folder, patient, first, later = Path(sys.argv[1]), *sys.argv[2:]
fixed, moving = (to_ants(series.scan(folder, patient, one)) for one in (first, later))
begun = time.process_time()
ants.registration(fixed, moving, type_of_transform="SyN")
print(json.dumps({"syn": time.process_time() - begun}))
"""


def pairs_of(folder: Path, count: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield dataset, patient, masked visit and later visit: an isotropic and a thick one of each patient."""
    for patient in sorted(path.name for path in (folder / "bids").glob("sub-*"))[:count]:
        first, *others = series.sessions(folder, patient)
        is_thick = [series.scan(folder, patient, one).spacing_mm.max() > 2 for one in others]
        for kind in (False, True):
            if kind in is_thick:
                yield str(folder), patient, first, others[is_thick.index(kind)]


def told_by(checkout: Path, program: str, pair: Sequence[str]) -> dict:
    """Run a program in a process of its own, with the code of a checkout, and return what it prints."""
    surroundings = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", program, *pair], cwd=checkout, env=surroundings, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def compared(pair: Sequence[str], before: Path, *, with_syn: bool) -> dict:
    """Measure one pair by every way, one after the other; the volumes of both codes are held against one another."""
    now, earlier = told_by(ROOT, WORK, pair), told_by(before, WORK, pair)
    syn = told_by(ROOT, SYN, pair)["syn"] if with_syn else np.nan
    sizes = [one["rounds"][0]["mm3"] for one in (now, earlier)]
    if sizes[0].keys() != sizes[1].keys():
        sys.exit(f"{' '.join(pair)}: the two codes give other compartments: {sorted(sizes[0])}, {sorted(sizes[1])}")
    differs = max((abs(sizes[0][name] / sizes[1][name] - 1) for name in sizes[1] if sizes[1][name]), default=0.0)
    return {"now": now, "before": earlier, "syn": syn, "differs": differs}


def _seconds(one: dict, round_number: int) -> np.ndarray:
    """Return the CPU seconds of aligning, of masking and of both."""
    parts = [one["rounds"][round_number][step] for step in STEPS[:2]]
    return np.array([*parts, sum(parts)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=1, help="of each dataset")
    parser.add_argument("--before", default="HEAD^1", help="commit to hold this code against")
    parser.add_argument("--beside", type=Path, help="a checkout of it that is there already")
    arguments = parser.parse_args()
    print("## What a follow-up costs, before and now\n", flush=True)
    with TemporaryDirectory() as scratch:
        before = arguments.beside or Path(scratch) / "before"
        if not arguments.beside:
            command = ["git", "worktree", "add", "--detach", str(before), arguments.before]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        try:
            _report(arguments.data, arguments.patients, before)
        finally:
            if not arguments.beside:
                subprocess.run(["git", "worktree", "remove", "--force", str(before)], cwd=ROOT, check=True)


def _report(folders: Sequence[Path], patients: int, before: Path) -> None:
    print("CPU seconds, one thread: aligning + masking and measuring; first and second time in one process.\n")
    print("| pair | slices | before, first | now, first | before, again | now, again | ANTs SyN | peak MB | differ |")
    print("|---|---|---|---|---|---|---|---|---|")
    ratios: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for pair in (pair for folder in folders for pair in pairs_of(folder, patients)):
        is_thick = series.scan(Path(pair[0]), pair[1], pair[3]).spacing_mm.max() > 2
        one = compared(pair, before, with_syn=not is_thick)
        cells = []
        for number in (0, 1):
            for code in ("before", "now"):
                aligning, masking, _ = _seconds(one[code], number)
                cells.append(f"{aligning:.1f} + {masking:.1f}")
        ratios[is_thick].append(np.stack([_seconds(one["now"], n) / _seconds(one["before"], n) for n in (0, 1)]))
        syn = "" if is_thick else f"{one['syn']:.1f}"
        peaks = f"{one['before']['peak_mb']:.0f}, {one['now']['peak_mb']:.0f}"
        name, kind = f"{Path(pair[0]).name} {pair[1]} {pair[3]}", "thick" if is_thick else "isotropic"
        print(f"| {name} | {kind} | {' | '.join(cells)} | {syn} | {peaks} | {one['differs']:.1e} |", flush=True)
    print("\n| now : before, geometric mean | aligning | masking | both |\n|---|---|---|---|")
    for is_thick, shares in ratios.items():
        for number, when in enumerate(("first", "again")):
            if shares:
                means = np.exp(np.mean([np.log(share[number]) for share in shares], axis=0))
                kind = "thick" if is_thick else "isotropic"
                print(f"| {kind}, {when} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    print(flush=True)


if __name__ == "__main__":
    main()
