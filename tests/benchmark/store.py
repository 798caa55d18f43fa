"""How quickly a large store answers: every query of the dashboard on 10,000 made-up patients."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse
from pipeline.judge import criteria_files
from pipeline.run.steps.judge_course import judge_course
from pipeline.store import publish, sql_files
from pipeline.store import reader as store_reader
from tests import factories
from tests.benchmark.synthetic_cohort import VISITS, courses

PATIENTS = 10_000
REPEATS = 9
TARGETS_MS = {"patient_": 20, "cohort": 500}
PARAMETERS: dict[str, Any] = {
    "criteria_id": criteria_files.DEFAULT_CRITERIA_ID,
    "patient_id": f"sub-{PATIENTS // 2:05d}",
    "compartment": "tumour",
    "endpoint_id": "ttp",
    "min_change_mm3": 100.0,
    "reference": "nadir",
}


def rows(patients: int) -> Iterator[Any]:
    rules = criteria_files.load(criteria_files.DEFAULT_CRITERIA_ID)
    yield records.Study("made up", True, rules.criteria_id, factories.SHA)
    yield records.Criteria(
        rules.criteria_id, rules.version, rules.title, True, "volume", "benchmark", factories.SHA, 1.4, 0.35
    )
    for course in courses(patients):
        yield from _patient(course)
        yield from judge_course(course, (rules,))


def _patient(course: PatientCourse) -> Iterator[Any]:
    patient_id = course.patient_id
    age_years = float(crc32(patient_id.encode()) % 90)  # spread, so that a filter by age leaves out some
    yield records.Patient(patient_id, "F", age_years, course.histology, "2", "C4", course.syndrome, "North")
    for given in course.treatments:
        yield records.Treatment(
            patient_id, given.started_on, given.kind, given.ended_on, given.extent, given.dose_gy, given.agent
        )
    for visit in course.visits:
        first = visit.session_id == "ses-01"
        yield from factories.usable(patient_id, visit.session_id, str(visit.acquired_on), is_reference=first)
        yield from factories.measured(patient_id, visit.session_id, "tumour", visit.volume_mm3, cv=visit.volume_cv)
        yield from factories.measured(patient_id, visit.session_id, "cyst", 300.0, cv=0.1)


def timed_ms(work: Callable[[], object]) -> str:
    """The median and best time and the median CPU time of some repeats, ms, as cells of a table."""
    times, cpu_times = [], []
    for _ in range(REPEATS):
        started, cpu_started = time.perf_counter(), time.process_time()
        work()
        times.append(1000 * (time.perf_counter() - started))
        cpu_times.append(1000 * (time.process_time() - cpu_started))
    spent = (sorted(times)[REPEATS // 2], min(times), sorted(cpu_times)[REPEATS // 2])
    return " | ".join(f"{value:.0f}" for value in spent)


def main() -> None:
    found = list(rows(PATIENTS))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        started = time.perf_counter()
        publish.publish(out, found)
        seconds = time.perf_counter() - started
        database = store_reader.database_path(out)
        print("## The store\n")
        print(
            f"{PATIENTS:,} made-up patients, {PATIENTS * VISITS:,} visits, {len(found):,} records: published in "
            f"{seconds:.0f} s, {database.stat().st_size / 1e6:.0f} MB. Each query runs and is read {REPEATS} times "
            f"through a reader that is kept open while the published file is the same, as in the dashboard; the first "
            f"row is what opening one costs, once a publication (a command pays it each time). Targets: "
            f"{TARGETS_MS['patient_']} ms for one patient, {TARGETS_MS['cohort']} ms for the cohort.\n"
        )
        print("| query | rows | median ms | best ms | CPU ms |\n|---|---|---|---|---|")
        print(f"| (opening the file) | | {timed_ms(lambda: store_reader.Reader(database).close())} |")
        with store_reader.Reader(database) as reader:
            for file in sorted((sql_files.SQL / "queries").glob("*.sql")):
                names = re.findall(r"\$(\w+)", file.read_text(encoding="utf-8"))
                if file.stem.startswith(("patient_", "cohort", "board")):
                    ask = partial(reader.query, file.stem, **{name: PARAMETERS[name] for name in names})
                    print(f"| {file.stem} | {len(ask()):,} | {timed_ms(ask)} |")
        print()


if __name__ == "__main__":
    main()
