"""Patients worked on by jobs of their own, at the same time, and published by one who gathers."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipeline.files.out_folder import exclusive
from pipeline.run.step_notes import JOBS
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from tests.command import cordtrack
from tests.places import ROOT

AS_OF = ("--as-of", "2024-01-01")
SIZES = "".join(f"p{n},{year}-01-01,tumour,{900 + 100 * n}\n" for n in (1, 2, 3) for year in (2020, 2021))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "volumes.csv").write_text(f"patient_id,date,compartment,volume_mm3\n{SIZES}", encoding="utf-8")
    import_table(folder / "volumes.csv", None, folder / "study", date(2024, 1, 1))
    return folder / "study"


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=pipe, stderr=pipe, env=os.environ | {"COLUMNS": "300"})


def ended(process: subprocess.Popen[str]) -> str:
    printed, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint
    return printed


def job_of(study: Path, out: Path, label: str) -> tuple[str | Path, ...]:
    return ("run", study, out, "participant", "--participant-label", label, *AS_OF, "--jobs", "1")


def all_rows(out: Path) -> dict[str, list[str]]:
    with reader.Reader(reader.database_path(out)) as store, store.cursor() as cursor:
        tables = [name for name in store.record_tables() if name != "run"]
        return {name: sorted(map(repr, cursor.execute(f"from store.record.{name}").fetchall())) for name in tables}


def test_jobs_at_the_same_time_publish_nothing_and_what_is_gathered_is_what_one_run_gives(
    study: Path, tmp_path: Path
) -> None:
    out, alone = tmp_path / "out", tmp_path / "alone"
    jobs = [started(*job_of(study, out, label)) for label in ("p1", "p2", "p3")]
    assert all("not published: when all jobs have ended, cordtrack gather" in ended(one) for one in jobs)
    assert not reader.database_path(out).exists()
    assert "finished patients published; findings" in cordtrack("gather", out)
    before = reader.database_path(out).read_bytes()
    assert "1 up to date" in cordtrack(*job_of(study, out, "p2")), "a job that ran before has nothing to do"
    assert "nothing changed: what is published is up to date" in cordtrack("gather", out)
    assert reader.database_path(out).read_bytes() == before
    cordtrack("run", study, alone, *AS_OF, "--jobs", "1")
    assert all_rows(out) == all_rows(alone)


def test_a_patient_that_somebody_works_on_is_not_worked_on_twice(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with exclusive(out / JOBS / "sub-p1"):
        refused = started(*job_of(study, out, "p1"))
        _, complaint = refused.communicate(timeout=300)
        assert refused.returncode == 2
        assert "is writing here; wait until it has finished" in complaint
        cordtrack(*job_of(study, out, "p2"))
    cordtrack(*job_of(study, out, "p1"))
    cordtrack("gather", out)
    assert set(reader.table(reader.database_path(out), "patient")["patient_id"]) == {"sub-p1", "sub-p2"}


def test_gathering_where_no_job_ever_ran_is_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "run first" in cordtrack("gather", tmp_path / "nowhere", expect=2)
