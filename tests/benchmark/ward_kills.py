"""What becomes of a day at the pages when page or worker is killed in the middle: nothing lost, nothing twice.

The way from two deliveries of one person to published results, with a kill in each step, at a random moment by a seed;
what was killed is begun again by whoever would: the next worker, or the person who saw no answer. What a page does is
done by the very functions that its buttons call, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from pipeline import api
from pipeline.files import child_process
from pipeline.journal import published_history
from pipeline.service import deliveries, jobs
from pipeline.service.deliveries import DeliveryState
from pipeline.store import reader
from tests import dicom_files as dicom
from tests.places import ROOT
from tests.service import brought

PATIENCE_S = 600.0
NO_ACT = "study_jobs.open_jobs()"
"""Takes a page about as long as an act, and does nothing."""
DAYS = (date(2020, 2, 17), date(2021, 3, 1))
STEPS = {
    "bring": "scan_deliveries.bring_files('A', [(p.name, p.read_bytes()) for p in [Path(sys.argv[1])]])",
    "confirm": "scan_deliveries.confirm('A', sys.argv[1], {})",
    "form": "t = table_changes.table('treatments.tsv'); row = {'participant_id': sys.argv[1], 'date': '2020-03-01', "
    "'kind': 'surgery', 'extent': 'STR'}; table_changes.save('A', t, [*t.rows, row])",
    "run": "study_jobs.ask_for_run('A')",
    "sign": "acts.record('A', Act(ActKind.COMMENT, sys.argv[1], reason='seen'))",
}
"""What the buttons of a page call."""
IMPORTS = (
    "import sys; from pathlib import Path; "
    "from dashboard.data import acts, scan_deliveries, study_jobs, table_changes; "
    "from pipeline.journal.decisions import Act, ActKind; "
)
MOMENTS = (
    "page: bring", "worker: looking", "worker: between", "page: confirm", "worker: adding", "page: form", "page: run",
    "worker: running", "worker: just begun", "page: sign",
)  # fmt: skip


@dataclass
class Ward:
    """A study that is served without a browser: pages are processes, the worker is one."""

    place: Path
    random: Random
    left: set[str] = field(default_factory=lambda: set(MOMENTS))
    worker: subprocess.Popen[bytes] | None = None
    hits: list[str] = field(default_factory=list)
    page_s: float = 5.0
    """About what a page's act takes on this machine, from its start on: measured by ``time_a_page``."""

    def time_a_page(self) -> None:
        """Measure how long a page takes from its start until it has done an act: a kill has to come before that."""
        self._press(NO_ACT, "").wait()  # the first one compiles
        began = time.monotonic()
        self._press(NO_ACT, "").wait()
        self.page_s = time.monotonic() - began

    @property
    def study(self) -> Path:
        return self.place / "study"

    @property
    def out(self) -> Path:
        return self.place / "out"

    def start_worker(self) -> None:
        command = child_process.module_command("pipeline.service.worker", self.study, self.out, "1")
        with (self.place / "worker.log").open("ab") as log:
            environment = child_process.child_environment()
            self.worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.out)

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.worker.kill()
        self.worker.wait()
        self.start_worker()

    def is_due(self, moment: str) -> bool:
        """Say whether something is to be killed at this moment of the day; once."""
        is_due = moment in self.left
        self.left.discard(moment)
        self.hits += [moment] if is_due else []
        return is_due

    def page(self, step: str, argument: str, is_done: Callable[[], bool]) -> None:
        """Press a button; where the page is killed meanwhile, look what came of it and press again if nothing did."""
        run = self._press(STEPS[step], argument)
        if self.is_due(f"page: {step}"):
            time.sleep(self.random.uniform(0.3, 1.0) * self.page_s)
            run.kill()
            if run.wait() != -signal.SIGKILL:
                self.hits.remove(f"page: {step}")
            if not is_done():
                run = self._press(STEPS[step], argument)
        words = run.communicate(timeout=PATIENCE_S)[1]
        assert is_done(), words.decode()[-600:]

    def _press(self, act: str, argument: str) -> subprocess.Popen[bytes]:
        environment = child_process.child_environment(ROOT) | {
            "CORDTRACK_OUT": str(self.out), "CORDTRACK_STUDY": str(self.study),
        }  # fmt: skip
        command = [sys.executable, "-P", "-c", IMPORTS + act, argument]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait(self, is_so: Callable[[], object], kill_when: str = "") -> None:
        """Wait for the worker, killing it at a moment of this step where that is what is tried."""
        deadline = time.monotonic() + PATIENCE_S
        at = time.monotonic() + self.random.uniform(0, 0.8 * self.page_s)
        while not is_so():
            assert time.monotonic() < deadline, (self.hits, (self.place / "worker.log").read_text()[-800:])
            if time.monotonic() >= at and kill_when and self.is_due(kill_when):
                self.kill_worker()
            time.sleep(0.05)


def one_day(place: Path, random: Random) -> Ward:
    """Go the whole way once, with a kill at each moment."""
    ward = Ward(place, random)
    for folder in (ward.study, ward.out):
        folder.mkdir(parents=True)
    (ward.study / "treatments.tsv").write_text("participant_id\tdate\tkind\textent\n", encoding="utf-8")
    ward.time_a_page()
    ward.start_worker()
    for number, day in enumerate(DAYS):
        disc = place / f"disc{number}"
        dicom.save_all(dicom.slices(brought.scan(number), day, PatientID="4711", uids=dicom.new_uids()), disc)
        archive = place / f"disc{number}.zip"
        archive.write_bytes(brought.zipped({path.name: path.read_bytes() for path in sorted(disc.iterdir())}))
        _deliver(ward, archive, number)
    patient_id = next(path.name for path in ward.study.glob("sub-*"))
    table = ward.study / "treatments.tsv"
    ward.page("form", patient_id, lambda: patient_id in table.read_text(encoding="utf-8"))
    ward.page("run", "", lambda: bool(jobs.every(ward.out)))
    ward.wait(lambda: jobs.every(ward.out)[0].state != jobs.JobState.QUEUED)
    if ward.is_due("worker: just begun"):
        ward.kill_worker()
    ward.wait(lambda: not any(job.is_open for job in jobs.every(ward.out)), "worker: running")
    acts = ward.out / "journal" / "acts.jsonl"
    ward.page("sign", patient_id, lambda: acts.is_file() and "seen" in acts.read_text(encoding="utf-8"))
    assert ward.worker is not None
    ward.worker.terminate()
    ward.worker.wait()
    return ward


def _deliver(ward: Ward, archive: Path, number: int) -> None:
    def all_of() -> tuple[deliveries.Delivery, ...]:
        return deliveries.every(ward.out)

    ward.page("bring", str(archive), lambda: len(all_of()) == number + 1)
    ward.wait(lambda: all_of()[number].state == DeliveryState.LOOKED, "worker: looking")
    if ward.is_due("worker: between"):
        ward.kill_worker()
    delivery_id = all_of()[number].delivery_id
    ward.page("confirm", delivery_id, lambda: all_of()[number].state != DeliveryState.LOOKED)
    ward.wait(lambda: all_of()[number].state == DeliveryState.ADDED, "worker: adding")


def complaints(ward: Ward) -> list[str]:
    """Return what was lost or is there twice at the end of a day."""
    images = sorted(path.relative_to(ward.study).as_posix() for path in ward.study.rglob("*.nii.gz"))
    lines = [json.loads(line) for line in (ward.out / deliveries.RECORD).read_text().splitlines()]
    recorded = sorted(name for line in lines for name in line["added"])
    tables = (ward.out / "journal" / "tables.jsonl").read_text().splitlines()
    acts = (ward.out / "journal" / "acts.jsonl").read_text().splitlines()
    patients = (ward.study / "participants.tsv").read_text().splitlines()[1:]
    visits = next(ward.study.glob("sub-*/sub-*_sessions.tsv")).read_text().splitlines()[1:]
    treatments = (ward.study / "treatments.tsv").read_text().splitlines()[1:]
    ended = [job.state for job in jobs.every(ward.out)]
    published = list(api.status(ward.out)["patient"])
    heads = published_history.heads(ward.out)
    said = {
        "scans": (len(images), 2), "scans on record": (recorded, images), "deliveries on record": (len(lines), 2),
        "forms on record": (len(tables), 1), "treatments": (len(treatments), 1),
        "acts": (len(acts), 1), "patients": (len(patients), 1), "visits": (len(visits), 2),
        "runs": (ended, [jobs.JobState.DONE]), "patients published": (len(published), 1),
        "whole journal": (bool(heads) and reader.database_path(ward.out).is_file(), True),
    }  # fmt: skip
    return [f"{what}: expected {wanted}, found {seen}" for what, (seen, wanted) in said.items() if seen != wanted]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="one day each; 1 when not given")
    print("## A day at the pages with ten kills\n\n| seed | hit | lost or twice | s |\n|---|---|---|---|", flush=True)
    faults = 0
    for seed in parser.parse_args().seed or [1]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            ward = one_day(Path(folder) / "ward", Random(seed))
            words = complaints(ward)
        faults += len(words)
        hits = f"{len(ward.hits)} of {len(MOMENTS)} ({', '.join(ward.hits)})"
        print(f"| {seed} | {hits} | {'; '.join(words) or 'nothing'} | {time.monotonic() - began:.0f} |", flush=True)
    print(f"\n{faults} faults.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
