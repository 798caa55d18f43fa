"""The story of one study: read the folder, work on each patient that changed, publish one store.

A run does only what changed, and a run that changed nothing writes nothing. Patients are worked on in separate
processes with one thread each, so that results are the same bit for bit however many there are. A killed run loses
nothing: finished patients are on disk, the published store stays as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import mask_models
from pipeline.context import schedule_files
from pipeline.core import records
from pipeline.core.findings import WORKER_DIED
from pipeline.core.piece_names import LesionName, NamesGiven
from pipeline.errors import SettingsError, StoreError
from pipeline.files import fingerprints, finished_steps, out_folder
from pipeline.files.diffusion_files import digest_of_weights
from pipeline.files.out_folder import LOCK_NAME, exclusive
from pipeline.journal import act_file, decisions, drawn_masks, journal_key, lesion_names, published_history
from pipeline.judge import criteria_files
from pipeline.run import kept_readings, workers
from pipeline.run.executors.choice import executor_of
from pipeline.run.published_rows import StudyRows, changed_patients, study_rows
from pipeline.run.run_settings import RunSettings, RunSummary
from pipeline.run.study_results import (
    StudyResults,
    describe_dataset,
    describe_job,
    publish_if_changed,
    published_so_far,
    sidecar,
)
from pipeline.store import reader
from pipeline.study import imported_names, study_folder
from pipeline.study.imported_reading import ImportedVisits, KeptReading
from pipeline.study.visits import content_of

TRIED_AGAIN = (WORKER_DIED, "step_crashed")
"""Findings that may be the machine's fault (memory, space, a killed process) and never count as a patient's result."""


def run(settings: RunSettings, on_progress: Callable[[int, int, str], None], *, rebuild: bool = False) -> RunSummary:
    """Bring the output folder up to date with the study folder.

    Parameters
    ----------
    on_progress
        Called with patients done, patients to do, and the name of the one just finished.
    rebuild
        Put every patient's records together again from the finished steps and publish, changed or not.

    Raises
    ------
    SettingsError
        The folders or criteria asked for cannot be used.
    StoreError
        The output folder cannot be written, or belongs to a newer version.
    """
    _check_folders(settings.bids_dir, settings.out_dir)
    journal_key.check_place(settings.out_dir, settings.bids_dir)
    place = out_folder.place_of(settings.out_dir) if settings.out_dir.is_dir() else None
    if _is_own_derivative(settings.bids_dir.resolve(), settings.out_dir.resolve()):
        with _held(settings):
            describe_dataset(settings.out_dir)  # before the study is read: its own results are no masks of people
    heads = _journal_as_published(settings.out_dir)
    earlier = {} if rebuild else kept_readings.read(settings.out_dir)
    study, rules, beside = read_inputs(settings, earlier)
    patients = {p.patient.patient_id: p for p in study.patients}
    asked = chosen(patients, settings.participants)
    done = {} if rebuild else finished(settings.out_dir, asked, rules)
    at_hand = {**_left_alone(settings.out_dir, patients.keys() - asked.keys()), **done}
    published = {} if rebuild else published_so_far(settings.out_dir)
    to_read = (patients.keys() - asked.keys() - at_hand.keys()) | {*changed_patients(at_hand, beside, published)}
    lost = _unreadable(settings.out_dir, to_read) & (asked.keys() if settings.is_job else patients.keys())
    pending = [p for name, p in patients.items() if name in lost or (name in asked and name not in done)]
    place = place or out_folder.place_of(settings.out_dir)  # made once all that was asked for can be done
    fresh = _worked_on(pending, rules, settings, _watching(place, on_progress)) if pending else {}
    out_folder.check_still_there(place)
    if settings.is_job:
        describe_job(settings)
        reused = tuple(sorted(done.keys() - lost))
        return RunSummary(tuple(sorted(fresh)), reused, study.findings, is_published=False, is_job=True)
    steps = {name: input_sha256 for name, input_sha256 in at_hand.items() if name not in lost} | fresh
    heads = _with_fresh_names(settings.out_dir, heads)
    beside = beside.without_results(patients.keys() - steps.keys())
    results = StudyResults(settings, study.name, study.is_synthetic, beside, steps, heads, published)
    is_published = publish_if_changed(results, force=rebuild)
    if study.readings != earlier:
        kept_readings.write(settings.out_dir, study.readings)
    findings = reader.findings(reader.database_path(settings.out_dir))
    return RunSummary(tuple(sorted(fresh)), tuple(sorted(done.keys() - lost)), findings, is_published)


def read_inputs(
    settings: RunSettings, earlier: Mapping[str, KeptReading] | None = None
) -> tuple[study_folder.StudyFolder, workers.Rules, StudyRows]:
    """Read the study folder with what people decided, the rules, and what stands beside the patients' results.

    Parameters
    ----------
    earlier
        What was kept of imported rows; None to read all of them, and keep nothing.
    """
    people, names = act_file.read(settings.out_dir), lesion_names.read(settings.out_dir)
    study = study_folder.read_study(settings.bids_dir, as_of=settings.as_of, earlier=earlier)
    patients = [p.patient.patient_id for p in study.patients]
    criteria = criteria_files.load_all(settings.criteria_id)
    noticed = (*study.findings, *names.findings, *people.findings)
    entries = _as_named_now(people.entries, study.patients)
    beside = study_rows(patients, noticed, entries, [rule.record() for rule in criteria])
    acts = {name: decisions.effective(beside.entries.get(name, ()), name) for name in patients}
    study = replace(study, patients=tuple(replace(p, acts=acts[p.patient.patient_id]) for p in study.patients))
    pieces = names.by_patient()
    rules = workers.Rules(
        criteria,
        schedule_files.load(settings.schedules),
        mask_models.source_of(settings.masks_from),
        {name: _names_given(pieces.get(name, ()), beside.entries.get(name, ())) for name in patients},
    )
    return study, rules, beside


def _as_named_now(
    entries: Sequence[records.JournalEntry], patients: Iterable[study_folder.StudyPatient]
) -> tuple[records.JournalEntry, ...]:
    """Return the acts with the visits called as they are now: a name may have gone to another scan of the day."""
    visits = {patient.patient.patient_id: patient.visits for patient in patients}
    return tuple(
        replace(
            entry,
            session_id=imported_names.name_now(
                entry.session_id, visits.get(entry.patient_id, ()), decisions.table_scan_of(entry)
            ),
        )
        if entry.session_id is not None
        else entry
        for entry in entries
    )


def _held(settings: RunSettings) -> AbstractContextManager[None]:
    """Hold the output folder against other runs; one job of many holds nothing but its patients, as workers do."""
    return nullcontext() if settings.is_job else exclusive(settings.out_dir)


def _worked_on(
    pending: Sequence[study_folder.StudyPatient],
    rules: workers.Rules,
    settings: RunSettings,
    on_progress: Callable[[int, int, str], None],
) -> dict[str, str]:
    """Work on patients and keep what comes out; return what each one's step was made of."""
    executor = executor_of(settings.executor, settings.jobs)
    of_all = _rules_key(rules)
    keys = {p.patient.patient_id: _patient_key(p, of_all, settings.out_dir) for p in pending}
    fresh: dict[str, str] = {}
    with _held(settings), closing(executor.work_on(pending, rules, settings.out_dir)) as finished:
        for name, worked_out in finished:
            fresh[name] = _finish(name, worked_out, (keys[name], rules.names_of(name)), settings.out_dir)
            on_progress(len(fresh), len(pending), name)
    return fresh


def _watching(
    place: out_folder.OutputPlace, on_progress: Callable[[int, int, str], None]
) -> Callable[[int, int, str], None]:
    """Return the same with a look at the output folder first: a run whose folder vanished ends at the next patient."""

    def show(done: int, total: int, name: str) -> None:
        out_folder.check_still_there(place)
        on_progress(done, total, name)

    return show


def _journal_as_published(out_dir: Path) -> tuple[records.JournalHead, ...]:
    """Return how far the journal goes now; refuse one that lost what the published results were made with."""
    database = reader.database_path(out_dir)
    published_history.check(out_dir, reader.journal_heads(database) if database.is_file() else ())
    return published_history.heads(out_dir)


def _with_fresh_names(out_dir: Path, heads: Sequence[records.JournalHead]) -> tuple[records.JournalHead, ...]:
    """Return how far the journal went when it was read, with the names of lesions that this run has added since."""
    others = (head for head in heads if head.file != lesion_names.FILE)
    names = (head for head in published_history.heads(out_dir) if head.file == lesion_names.FILE)
    return tuple(sorted((*others, *names), key=lambda head: head.file))


def _check_folders(bids_dir: Path, out_dir: Path) -> None:
    if not bids_dir.is_dir():
        raise SettingsError(f"{bids_dir}: expected the study folder, found no such folder; check the path")
    study, out = bids_dir.resolve(), out_dir.resolve()
    if study in (out, *out.parents) and not _is_own_derivative(study, out):
        raise SettingsError(
            f"{out_dir}: the output folder lies in the study folder, which is never written to but in a folder of its "
            f"own, such as derivatives/cordtrack; choose that or another place"
        )
    nearest = next(parent for parent in (out_dir.absolute(), *out_dir.absolute().parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise StoreError(
            f"{out_dir}: the output folder cannot be written ({nearest} refuses); "
            "change its permissions or choose another"
        )


def _is_own_derivative(study: Path, out: Path) -> bool:
    """Say whether an output folder is one below the study's ``derivatives`` with nothing of others in it."""
    if out.parent != study / "derivatives":
        return False
    return not out.exists() or (out.is_dir() and (not any(out.iterdir()) or (out / LOCK_NAME).exists()))


def _rules_key(rules: workers.Rules) -> str:
    """Return the hash of all that every patient's step depends on: criteria, schedules, models, code, libraries."""
    return fingerprints.of_values(
        [(rule.criteria_id, rule.sha256) for rule in rules.criteria], rules.schedules.sha256,
        rules.mask_source and rules.mask_source.fingerprint(),
        fingerprints.of_all_code(),
        fingerprints.software(),
    )  # fmt: skip


def _patient_key(patient: study_folder.StudyPatient, rules_key: str, out_dir: Path) -> str:
    """Return the hash of all that a patient's step depends on but for the names of lesions.

    Visits of imported rows have no files, and need not be read to tell their content.
    """
    visits = patient.visits
    content, with_files = (visits.sha256, ()) if isinstance(visits, ImportedVisits) else (content_of(visits), visits)
    files = [scan for visit in with_files for scan in visit.scans]
    masks = [mask for visit in with_files for mask in visit.masks]
    discs = [labels for visit in with_files for labels in visit.discs]
    drawn = [entry.mask_sha256 for entry in patient.acts if entry.act == decisions.ActKind.CORRECT_MASK]
    return fingerprints.of_values(
        patient.patient, patient.treatments, patient.function_scores, patient.acts, content, rules_key,
        [
            (one.relative, one.contrast, one.facts, one.conversion, fingerprints.of_file(one.path),
             digest_of_weights(one.path))
            for one in files
        ],
        [(mask.relative, mask.origin, _meaning(mask), fingerprints.of_file(mask.path)) for mask in masks],
        [(labels.relative, labels.origin, fingerprints.of_file(labels.path)) for labels in discs],
        [drawn_masks.digest(out_dir, str(sha256)) for sha256 in drawn],
    )  # fmt: skip


def _with_names(key: str, names: NamesGiven) -> str:
    return fingerprints.of_values(key, names.pieces, sorted(names.by_people))


def _names_given(pieces: Sequence[LesionName], entries: Sequence[records.JournalEntry]) -> NamesGiven:
    """Return the names of a patient's lesions; what a person called one stays taken even when it was undone."""
    return NamesGiven(tuple(pieces), frozenset(entry.same_as for entry in entries if entry.same_as))


def _meaning(mask: study_folder.MaskFile) -> list[str]:
    return [f"{index}={name}" for index, name in sorted(mask.labels.items())] or [str(mask.compartment)]


def finished(out_dir: Path, patients: Mapping[str, study_folder.StudyPatient], rules: workers.Rules) -> dict[str, str]:
    """Return the patients whose finished step was made of what there is now, with the hash of it."""
    of_all = _rules_key(rules)
    keys = {name: _with_names(_patient_key(p, of_all, out_dir), rules.names_of(name)) for name, p in patients.items()}
    return {name: key for name, key in keys.items() if finished_steps.input_of(sidecar(out_dir, name)) == key}


def chosen(
    patients: Mapping[str, study_folder.StudyPatient], participants: frozenset[str] | None
) -> dict[str, study_folder.StudyPatient]:
    """Return the patients that the user asked for, all when nobody was named."""
    if participants is None:
        return dict(patients)
    wanted = {f"sub-{name.removeprefix('sub-')}" for name in participants}
    if wanted - patients.keys():
        names = ", ".join(sorted(wanted - patients.keys()))
        raise SettingsError(f"{names}: expected patients of this study, found {', '.join(sorted(patients)) or 'none'}")
    return {name: patients[name] for name in sorted(wanted)}


def _left_alone(out_dir: Path, others: Iterable[str]) -> dict[str, str]:
    """Return the finished patients that this run was asked to leave as they are, with what their step was made of."""
    inputs = {name: finished_steps.input_of(sidecar(out_dir, name)) for name in others}
    return {name: input_sha256 for name, input_sha256 in inputs.items() if input_sha256 is not None}


def _unreadable(out_dir: Path, names: Iterable[str]) -> set[str]:
    """Return the patients whose finished step has to be read, and cannot: an older version left it, or it is damaged.

    They are worked on anew, asked for or not: nobody leaves the store unasked.
    """
    sidecars = {name: sidecar(out_dir, name) for name in names}
    return {name for name, file in sidecars.items() if file.is_file() and not finished_steps.read_step(file, out_dir)}


def _finish(patient_id: str, result_rows: tuple[Any, ...], depends_on: tuple[str, NamesGiven], out_dir: Path) -> str:
    """Keep what was worked out; names of lesions first, so that a killed run leaves none that is not on record.

    Returns what the step was made of; empty where the machine failed, so that it is tried again.
    """
    key, names = depends_on
    components = finished_steps.of_kind(result_rows, records.LesionComponent)
    given = lesion_names.unrecorded(names.pieces, components)
    lesion_names.append(out_dir, given)
    is_result = not any(isinstance(row, records.Finding) and row.code in TRIED_AGAIN for row in result_rows)
    key_now = _with_names(key, replace(names, pieces=(*names.pieces, *given)))
    step = finished_steps.Step(records=result_rows, input_sha256=key_now if is_result else "")
    finished_steps.write_step(sidecar(out_dir, patient_id), step, (), fingerprints.software())
    return step.input_sha256
