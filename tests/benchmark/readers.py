"""Readers while results are published again and again: does anybody meet an error, or wait for a publication?"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from pipeline.errors import CordtrackError
from pipeline.files import child_process
from pipeline.store import reader
from tests.benchmark.growing_study import write_study

CRITERIA = "imsct_adapted_v1"
QUERIES = ("board", "cohort", "patient_header", "patient_visits", "patient_trajectory")


@dataclass
class Readings:
    """What 20 readers met: seconds of every look, and complaints."""

    seconds: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def read_until(database: Path, patients: list[str], until: float, pause_s: float, readings: Readings) -> None:
    """Open the published file and ask what a page asks, again and again, as pages of several people do."""
    look = 0
    while time.monotonic() < until:
        name, patient = QUERIES[look % len(QUERIES)], patients[look % len(patients)]
        began = time.monotonic()
        try:
            if name in ("board", "cohort"):
                reader.query(database, name, criteria_id=CRITERIA)
            elif name == "patient_visits":
                reader.query(database, name, patient_id=patient)
            else:
                reader.query(database, name, patient_id=patient, criteria_id=CRITERIA)
        except CordtrackError as error:
            readings.complaints.append(str(error))
        readings.seconds.append(time.monotonic() - began)
        look += 1
        time.sleep(pause_s)


def publish_one_more(study: Path, out: Path, day: int) -> str:
    """Add a visit of one patient, run, and return what the run complained of."""
    with (study / "phenotype" / "cordtrack_volumes.tsv").open("a", encoding="utf-8") as table:
        table.write(f"sub-{day % 50:05d}\t2025-{1 + day // 28 % 12:02d}-{1 + day % 28:02d}\ttumour\t812.0\t0.1\n")
    command = child_process.module_command("pipeline", "run", study, out, "--jobs", "1", "--as-of", "2026-01-01")
    run = subprocess.run(command, env=child_process.child_environment(), capture_output=True, text=True, check=False)
    return run.stderr[-500:] if run.returncode else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=0, help="seconds that each rests after a look")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study, out, readings = Path(folder) / "study", Path(folder) / "out", Readings()
        write_study(study, asked.patients)
        complaints = [publish_one_more(study, out, 0)]
        until = time.monotonic() + 60 * asked.minutes
        names = [f"sub-{number:05d}" for number in range(min(50, asked.patients))]
        given = (reader.database_path(out), names, until, asked.pause, readings)
        threads = [threading.Thread(target=read_until, args=given) for _ in range(asked.readers)]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            complaints.append(publish_one_more(study, out, len(complaints)))
        for thread in threads:
            thread.join()
    errors = [*readings.complaints, *filter(None, complaints)]
    slow = quantiles(readings.seconds, n=100)[94]
    print("## Readers while results are published\n")
    print(
        f"{asked.readers} readers for {asked.minutes:g} min on {asked.patients:,} patients, each at rest for "
        f"{asked.pause:g} s after a look, {len(complaints)} publications: "
        f"{len(readings.seconds):,} looks, each opening the file, median {median(readings.seconds):.2f} s, 95 % within "
        f"{slow:.2f} s, the longest {max(readings.seconds):.2f} s; {len(errors)} errors.\n"
    )
    print("\n".join(errors[:5]))
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
