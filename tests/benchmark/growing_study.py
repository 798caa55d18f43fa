"""What a run costs in a large study of imported numbers: from nothing, again, and after one visit was added."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmark.synthetic_cohort import VISITS, courses
from tests.places import ROOT

PATIENTS = 1000
HEADERS = {
    "participants.tsv": "participant_id\tsex\tage\thistology",
    "treatments.tsv": "participant_id\tdate\tkind\textent\tend_date\tdose_gy",
    "phenotype/cordtrack_volumes.tsv": "participant_id\tdate\tcompartment\tvolume_mm3\tvolume_cv",
}


def write_study(folder: Path, patients: int) -> None:
    """Write a study folder of made-up courses without images."""
    lines = {name: [header] for name, header in HEADERS.items()}
    for course in courses(patients):
        lines["participants.tsv"].append(f"{course.patient_id}\tF\t40\t{course.histology}")
        for given in course.treatments:
            values = (given.started_on, given.kind.value, given.extent, given.ended_on, given.dose_gy)
            words = "\t".join("n/a" if value is None else str(value) for value in values)
            lines["treatments.tsv"].append(f"{course.patient_id}\t{words}")
        for visit in course.visits:
            volume = "n/a" if visit.volume_mm3 is None else f"{visit.volume_mm3:.1f}"
            row = f"{course.patient_id}\t{visit.acquired_on}\ttumour\t{volume}\t0.1"
            lines["phenotype/cordtrack_volumes.tsv"].append(row)
    (folder / "phenotype").mkdir(parents=True)
    (folder / "dataset_description.json").write_text('{"Name": "synthetic cohort", "BIDSVersion": "1.11.1"}')
    for name, rows in lines.items():
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")


def cost_of(*arguments: str) -> str:
    """Run the program and return its seconds, CPU seconds (workers apart) and peak memory, as cells of a table."""
    started = time.perf_counter()
    quiet = os.open(os.devnull, os.O_WRONLY)
    command = [sys.executable, "-P", "-m", "pipeline", *arguments]
    process = os.posix_spawn(
        sys.executable, command, os.environ | {"PYTHONPATH": str(ROOT)}, file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1)]
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    seconds = time.perf_counter() - started
    return f"{seconds:.1f} | {usage.ru_utime + usage.ru_stime:.1f} | {usage.ru_maxrss / 1000:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    patients = parser.parse_args().patients
    print("## A study that grows\n")
    print(
        f"{patients:,} made-up patients, {patients * VISITS:,} visits of imported numbers, all criteria, 2 processes.\n"
    )
    print("| run | seconds | CPU seconds of its main process | peak MB of it |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        study, out = Path(folder) / "study", Path(folder) / "out"
        write_study(study, patients)
        asked = ("run", str(study), str(out), "--jobs", "2", "--as-of", "2026-01-01")
        print(f"| from nothing | {cost_of(*asked)} |", flush=True)
        print(f"| nothing changed | {cost_of(*asked)} |", flush=True)
        with (study / "phenotype" / "cordtrack_volumes.tsv").open("a", encoding="utf-8") as table:
            table.write("sub-00007\t2025-12-01\ttumour\t812.0\t0.1\n")
        print(f"| one visit more | {cost_of(*asked)} |", flush=True)
        print(f"| the whole store built again (rebuild) | {cost_of('rebuild', str(out))} |\n", flush=True)


if __name__ == "__main__":
    main()
