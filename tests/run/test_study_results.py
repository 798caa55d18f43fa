"""Only what changed is published again, and what comes out is what a whole publication would have given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.files import finished_steps
from pipeline.journal import decisions
from pipeline.run import study_results as room
from pipeline.run import study_run
from pipeline.run.published_rows import study_rows
from pipeline.run.run_settings import RunSettings
from pipeline.run.study_results import StudyResults, publish_if_changed, published_so_far, sidecar
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from tests import factories

AT = datetime(2024, 1, 1)  # noqa: DTZ001
CRITERIA = records.Criteria("one", "1", "One", True, "volume", "source", factories.SHA, 1.4, 0.35)
EVERYBODY = [f"sub-{number:02d}" for number in range(30)]
COMMENT = records.JournalEntry("e1", AT, "A. Reader", "comment", "sub-07", reason="looked at it")


def step_rows(patient_id: str, volume_mm3: float = 500.0) -> list[Any]:
    return [
        records.Patient(patient_id, "F", 40.0, "ependymoma", "2", "C4", None, None),
        *factories.usable(patient_id, "ses-01", "2020-01-01", is_reference=True),
        *factories.measured(patient_id, "ses-01", "tumour", volume_mm3, cv=0.1),
        records.KindEvidence(
            patient_id, "ses-01", "one", "watched", 0.5, 250 / volume_mm3, volume_mm3 / 1000, 0.1, 0.1, *(0.5,) * 5
        ),
    ]


def finish(out: Path, patient_id: str, made_of: str, volume_mm3: float = 500.0) -> None:
    step = finished_steps.Step((), tuple(step_rows(patient_id, volume_mm3)), {}, made_of)
    finished_steps.write_step(sidecar(out, patient_id), step, (), "software")


def results_in(out: Path, said: tuple[Any, ...] = (), *, without: frozenset[str] = frozenset()) -> StudyResults:
    settings = RunSettings(out, out, "one", None, 1, date(2024, 1, 1), AT)
    findings = [row for row in said if isinstance(row, records.Finding)]
    entries = [row for row in said if isinstance(row, records.JournalEntry)]
    inputs = {name: finished_steps.input_of(sidecar(out, name)) for name in EVERYBODY if name not in without}
    steps = {name: made_of for name, made_of in inputs.items() if made_of is not None}
    rows = study_rows(EVERYBODY, findings, entries, [CRITERIA])
    return StudyResults(settings, "study", True, rows, steps, (), published_so_far(out))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("first")
    for name in EVERYBODY:
        finish(out, name, "aa")
    assert publish_if_changed(results_in(out), force=False)
    return out


@pytest.fixture
def out(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "out"))


def whole(database: Path) -> dict[str, Any]:
    """All that a store says, by table and view; rows in no order."""
    with reader.Reader(database) as store:
        names = store.record_tables()
        with store.cursor() as cursor:
            tables = {name: sorted(map(repr, cursor.execute(f"from store.record.{name}").fetchall())) for name in names}
            views = "select view_name from duckdb_views() where database_name = 'store' and not internal"
            for (name,) in cursor.execute(views).fetchall():
                tables[f"view {name}"] = sorted(map(repr, cursor.execute(f"from store.{name}").fetchall()))
    return tables


CHANGES: dict[str, Any] = {
    "a volume": lambda out: (finish(out, "sub-07", "bb", 900.0), {})[1],
    "a comment": lambda _: {"said": (COMMENT,)},
    "a finding about a patient": lambda _: {"said": (finding("step_failed", "why", patient_id="sub-07"),)},
    "a finding about nobody": lambda _: {"said": (finding("step_failed", "why"),)},
    "an act about somebody who is not in the study": lambda _: {"said": (replace(COMMENT, patient_id="sub-99"),)},
    "somebody who left": lambda _: {"without": frozenset({"sub-07"}), "said": (COMMENT,)},
    "two who are not done yet": lambda out: [shutil.rmtree(out / f"sub-0{n}") for n in (7, 8)] and {},
}


@pytest.mark.parametrize("what", CHANGES)
def test_replaced_rows_give_what_a_whole_publication_gives(
    out: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = CHANGES[what](out)
    with monkeypatch.context() as patched:
        patched.setattr(room, "_publish_all", None)  # nobody builds the whole store for one patient
        assert publish_if_changed(results_in(out, **options), force=False)
    replaced = whole(reader.database_path(out))
    assert not publish_if_changed(results_in(out, **options), force=False), "and a second time nothing is written"
    assert publish_if_changed(results_in(out, **options), force=True)
    assert replaced == whole(reader.database_path(out))


def test_a_cohort_is_of_everybody_in_the_store_whoever_was_published_anew(out: Path) -> None:
    before = reader.table(reader.database_path(out), "cohort_probability")
    assert set(before["people"]) == {len(EVERYBODY)}
    finish(out, "sub-07", "bb", 900.0)
    assert publish_if_changed(results_in(out), force=False)
    after = reader.table(reader.database_path(out), "cohort_probability")
    assert set(after["people"]) == {len(EVERYBODY)}
    assert (after["growing_share"] > before["growing_share"]).all(), "one who grew moves the share of all"
    evidence = reader.kind_evidence(reader.database_path(out))
    assert [one.patient_id for one in evidence if one.steady_likelihood > 0.5] == ["sub-07"]


def test_what_was_said_of_somebody_before_joining_the_study_is_said_once(out: Path) -> None:
    shutil.rmtree(out / "sub-07")
    said = (COMMENT, finding("step_failed", "why", patient_id="sub-07"))
    assert publish_if_changed(results_in(out, said), force=False)
    finish(out, "sub-07", "bb")
    assert publish_if_changed(results_in(out, said), force=False)
    tables = whole(reader.database_path(out))
    assert (len(tables["finding"]), len(tables["journal_entry"])) == (1, 1)


def test_of_unchanged_patients_nothing_is_read(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(out, "sub-07", "bb", 900.0)
    read_step, read = finished_steps.read_step, []
    monkeypatch.setattr(
        finished_steps, "read_step", lambda file, *rest: read.append(file.name) or read_step(file, *rest)
    )
    assert publish_if_changed(results_in(out), force=False)
    assert read == ["sub-07_records.json"]


def test_a_failure_of_the_machine_is_published_and_published_no_second_time(out: Path) -> None:
    finish(out, "sub-07", "")
    assert publish_if_changed(results_in(out), force=False)
    before = reader.database_path(out).stat().st_mtime_ns
    assert not publish_if_changed(results_in(out), force=False)
    assert reader.database_path(out).stat().st_mtime_ns == before


def ended(_: object) -> None:
    raise KeyboardInterrupt


def test_a_killed_replacement_leaves_the_store_as_it_was(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = reader.database_path(out).read_bytes()
    finish(out, "sub-07", "bb", 900.0)
    monkeypatch.setattr(room.publish, "_refuse_repeated", ended)
    with pytest.raises(KeyboardInterrupt):
        publish_if_changed(results_in(out), force=False)
    assert reader.database_path(out).read_bytes() == before
    assert not list(out.glob(".cordtrack.*.duckdb*"))


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    table, study = tmp_path / "volumes.csv", tmp_path / "study"
    table.write_text("patient_id,date,compartment,volume_mm3\np1,2020-01-01,tumour,900\np2,2020-01-01,tumour,800\n")
    import_table(table, None, study, date(2022, 1, 1))
    return study, tmp_path / "out"


def test_a_finished_step_that_was_damaged_is_made_again_when_it_is_needed(imported: tuple[Path, Path]) -> None:
    study, out = imported
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, date(2022, 1, 1), AT)
    assert len(study_run.run(settings, lambda *_: None).computed) == 2
    file = sidecar(out, "sub-p1")
    file.write_bytes(file.read_bytes()[:-400])
    assert study_run.run(settings, lambda *_: None).computed == (), "the store has its results"
    reader.database_path(out).unlink()
    only_the_other = replace(settings, participants=frozenset({"p2"}))
    assert study_run.run(only_the_other, lambda *_: None).computed == ("sub-p1",), "asked for or not: nobody leaves"
    assert set(reader.table(reader.database_path(out), "patient")["patient_id"]) == {"sub-p1", "sub-p2"}


def test_patients_of_the_study_whose_results_are_not_there_yet_are_counted_until_they_are(
    imported: tuple[Path, Path],
) -> None:
    study, out = imported
    whole_study = RunSettings(study, out, "imsct_adapted_v1", None, 1, date(2022, 1, 1), AT)
    summary = study_run.run(replace(whole_study, participants=frozenset({"p2"})), lambda *_: None)
    missing = [one for one in summary.findings if one.code == "results_missing"]
    assert [(one.patient_id, one.severity) for one in missing] == [("sub-p1", "warning")]
    assert counted(out) == (1, 1)
    study_run.run(whole_study, lambda *_: None)
    assert counted(out) == (2, 0)


def counted(out: Path) -> tuple[int, int]:
    """Return how many patients a store has results of, and how many of the study it has none of."""
    info = reader.query(reader.database_path(out), "study_info").iloc[0]
    return int(info["patient_count"]), int(info["unpublished_count"])


PINNED = records.JournalEntry("e2", AT, "A. Reader", "pin_baseline", "sub-07", "ses-01", reason="before surgery")


def standing_of_pin(out: Path, **more: Any) -> tuple[str, str | None]:
    assert publish_if_changed(results_in(out, (PINNED,), **more), force=False)
    (row,) = reader.table(reader.database_path(out), "journal").to_dict("records")
    return row["status"], row["status_reason"]


def test_an_act_on_a_visit_that_no_run_came_to_is_not_said_to_have_lost_its_visit(out: Path) -> None:
    died = (step_rows("sub-07")[0], finding("worker_died", "no memory", patient_id="sub-07"))
    finished_steps.write_step(sidecar(out, "sub-07"), finished_steps.Step((), died, {}, ""), (), "software")
    assert standing_of_pin(out)[0] == "in_force"
    shutil.rmtree(out / "sub-07")
    assert standing_of_pin(out)[0] == "in_force", "in the study, and no results yet"


def test_an_act_on_a_visit_that_is_gone_lapses(out: Path) -> None:
    nothing = (step_rows("sub-07")[0],)
    finished_steps.write_step(sidecar(out, "sub-07"), finished_steps.Step((), nothing, {}, "bb"), (), "software")
    assert standing_of_pin(out) == ("lapsed", decisions.NO_VISIT)
