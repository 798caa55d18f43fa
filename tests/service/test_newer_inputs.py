"""What the study folder holds and the results do not: looked for behind the pages, and said of these results only."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline import api
from pipeline.journal import act_file
from pipeline.journal.decisions import Act, ActKind
from pipeline.service import job_run, jobs, newer_inputs
from pipeline.study.import_numbers import import_table

HEAD = "patient_id,date,compartment,volume_mm3\n"
BEFORE = "p1,2020-01-01,tumour,900\np2,2020-01-01,tumour,800\n"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("served")
    study, out = folder / "study", folder / "out"
    brought(study, BEFORE)
    (out / jobs.QUEUE).mkdir(parents=True)
    api.run(study, out, api.RunOptions(jobs=1))
    return study, out


def brought(study: Path, lines: str) -> None:
    table = study.parent / "volumes.csv"
    table.write_text(HEAD + lines, encoding="utf-8")
    import_table(table, None, study, date(2022, 1, 1))


def test_what_changed_is_named_until_a_run_has_published_it(computed: tuple[Path, Path]) -> None:
    study, out = computed
    assert newer_inputs.noted(out) is None, "nobody has looked yet, and nothing is said"
    assert newer_inputs.look(study, out).patients == {}
    noted = newer_inputs.noted(out)
    assert noted is not None
    assert noted.patients == {}
    with (study / "phenotype" / "cordtrack_volumes.tsv").open("a", encoding="utf-8") as table:
        header = (study / "phenotype" / "cordtrack_volumes.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")
        visit = {"participant_id": "sub-p2", "date": "2021-01-01", "compartment": "tumour", "volume_mm3": "1900"}
        table.write("\t".join(visit.get(name, "n/a") for name in header) + "\n")
    with (study / "participants.tsv").open("a", encoding="utf-8") as table:
        columns = (study / "participants.tsv").read_text(encoding="utf-8").splitlines()[0].split("\t")
        table.write("\t".join("sub-p3" if name == "participant_id" else "n/a" for name in columns) + "\n")
    pinned = Act(ActKind.PIN_BASELINE, "sub-p1", session_id="ses-imported20200101", reason="the one to compare with")
    act_file.append(out, [pinned], "A. Reader", datetime(2022, 1, 1))  # noqa: DTZ001
    patients = newer_inputs.look(study, out).patients
    assert patients["sub-p2"].startswith("new visit")
    assert "sub-p1" not in patients, "what people decide is counted elsewhere"
    job_run.run_job(job_run.settings_of(study, out, 1), folder_of_a_job(out))
    assert newer_inputs.noted(out) is None, "these are other results, which nobody has looked at"
    assert newer_inputs.look(study, out).patients == {}


def folder_of_a_job(out: Path) -> Path:
    folder = out / jobs.QUEUE / "jobs" / "one"
    folder.mkdir(parents=True)
    return folder


def test_a_study_that_cannot_be_looked_through_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / jobs.QUEUE).mkdir(parents=True)
    (out / "run.toml").write_text(f'criteria_id = "{tmp_path / "gone.toml"}"\n', encoding="utf-8")
    assert "gone.toml" in newer_inputs.look(tmp_path, out).trouble


def test_a_look_follows_a_change_that_stands_still_and_none_while_a_run_goes_on(
    computed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    marks = iter(["a", "b", "b", "b", "c", "c"])
    monkeypatch.setattr(newer_inputs.inputs_stamp, "of_inputs", lambda *_: next(marks))
    monkeypatch.setattr(newer_inputs, "_look_apart", lambda *_: looks.append(1.0))
    with pytest.raises(StopIteration):
        newer_inputs._keep_looking(*computed, 0.0)
    assert len(looks) == 2, "b and c, once each; a did not stand still"
    job, _ = jobs.ask(computed[1], [], "A", "mark")
    marks = iter(["d", "d", "d"])
    with pytest.raises(StopIteration):
        newer_inputs._keep_looking(*computed, 0.0)
    jobs.cancel(computed[1], job.job_id, "A")
    assert len(looks) == 2, "what a run is about to bring is not looked for"


def test_results_shown_without_a_worker_are_looked_at_too(
    computed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[tuple[Path, Path, float]] = []
    monkeypatch.setattr(newer_inputs, "keep_looking", lambda *asked: looked_at.append(asked))
    study, out = computed
    newer_inputs.keep_looking_unserved(out)
    assert looked_at == [(study.resolve(), out, newer_inputs.EVERY_SECONDS_UNSERVED)]
    newer_inputs.keep_looking_unserved(tmp_path)
    assert len(looked_at) == 1, "no run says of which study these are"


def test_a_study_that_has_gone_is_said_and_the_place_of_the_note_is_made(tmp_path: Path) -> None:
    assert "found none" in newer_inputs.look(tmp_path / "gone", tmp_path).trouble
    assert (tmp_path / jobs.QUEUE / newer_inputs.NOTE).is_file()


def test_the_process_of_its_own_leaves_the_note(computed: tuple[Path, Path]) -> None:
    study, out = computed
    note = out / jobs.QUEUE / newer_inputs.NOTE
    note.unlink(missing_ok=True)
    newer_inputs._look_apart(study, out)
    waited_for(note.is_file)
    assert newer_inputs.noted(out) is not None


def waited_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
