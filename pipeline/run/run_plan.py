"""What a run would do and why, without doing it: who is worked on, who is up to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.records import JournalEntry
from pipeline.files import fingerprints, finished_steps
from pipeline.journal.decisions import WORDS_ONLY
from pipeline.run import kept_readings, study_run
from pipeline.run.run_settings import RunSettings
from pipeline.run.study_results import sidecar
from pipeline.store import reader
from pipeline.study.study_folder import StudyPatient

DECISIONS = "decisions that wait"
"""Reason of somebody of whom nothing changed but what people decided."""


@dataclass(frozen=True)
class PlannedPatient:
    """Somebody a run works on, and why; with how many visits."""

    patient_id: str
    reason: str
    visit_count: int = 0


@dataclass(frozen=True)
class RunPlan:
    """Who a run works on, in this order, and whose results it takes as they are."""

    pending: tuple[PlannedPatient, ...]
    up_to_date: tuple[str, ...]


@dataclass(frozen=True)
class _Published:
    """What the store has: visits by patient, and the entries of the journal that it knows of."""

    visits: Mapping[str, Collection[str]]
    entry_ids: Collection[str]


def plan(settings: RunSettings) -> RunPlan:
    """Say what a run would do; every file of the study is read, nothing is computed or written.

    Raises
    ------
    SettingsError, InputError
        The folders or criteria asked for cannot be used.
    """
    study, rules, beside = study_run.read_inputs(settings, kept_readings.read(settings.out_dir))
    patients = study_run.chosen({one.patient.patient_id: one for one in study.patients}, settings.participants)
    done = study_run.finished(settings.out_dir, patients, rules)
    published = _published(settings.out_dir)
    pending = tuple(
        PlannedPatient(
            name,
            _reason(patient, settings.out_dir, published, beside.entries.get(name, ())),
            len(patient.visits),
        )
        for name, patient in patients.items()
        if name not in done
    )
    return RunPlan(pending, tuple(sorted(done)))


def _reason(patient: StudyPatient, out_dir: Path, published: _Published, entries: Collection[JournalEntry]) -> str:
    """Say why a patient is worked on, as far as what is kept of the last time tells."""
    name = patient.patient.patient_id
    file = sidecar(out_dir, name)
    made_of = finished_steps.input_of(file)
    if made_of is None:
        return "never worked on"
    if not made_of:
        return "the machine failed last time"
    new = {visit.session_id for visit in patient.visits} - {*published.visits.get(name, ())}
    if new and name in published.visits:
        return f"new visit {', '.join(sorted(new))}"
    if any(one.entry_id not in published.entry_ids and one.act not in WORDS_ONLY for one in entries):
        return DECISIONS
    if finished_steps.software_of(file) != fingerprints.software():
        return "another version of the program or of its libraries"
    return "a scan, a mask, a table or the program changed"


def _published(out_dir: Path) -> _Published:
    database = reader.database_path(out_dir)
    if not database.is_file():
        return _Published({}, frozenset())
    visits: dict[str, set[str]] = {}
    with reader.Reader(database) as published:
        table, acts = published.table("visit"), published.table("journal")
    for patient_id, session_id in zip(table["patient_id"], table["session_id"], strict=True):
        visits.setdefault(str(patient_id), set()).add(str(session_id))
    return _Published(visits, frozenset(map(str, acts["entry_id"])))
