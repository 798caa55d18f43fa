"""The story of one study: read the folder, work on each patient that changed, publish one store.

A run does only what changed, and a run that changed nothing writes nothing. Patients are worked on in separate
processes with one thread each, so that results are the same bit for bit however many there are. A killed run loses
nothing: finished patients are on disk, the published store stays as it was.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import __version__, criteria, derivatives, fingerprints, store, study
from pipeline.domain import records
from pipeline.errors import SettingsError, StoreError
from pipeline.findings import finding
from pipeline.out_folder import exclusive

if TYPE_CHECKING:
    from pipeline.patient import PatientPlan

THREAD_LIMITS = (
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
"""Set to 1 in every worker: several threads would add up in another order each time."""


@dataclass(frozen=True)
class RunSettings:
    """What the user asked for.

    Attributes
    ----------
    participants
        Only these patients are worked on; None for all. The others stay in the store as they were.
    as_of
        Day of the run; visits and treatments after it are reported as findings.
    finished_at
        Time written into the run's record.
    """

    bids_dir: Path
    out_dir: Path
    criteria_id: str
    participants: frozenset[str] | None
    jobs: int
    as_of: date
    finished_at: datetime


@dataclass(frozen=True)
class RunSummary:
    """What a run did: names of patients computed and reused, all findings, and whether a store was published."""

    computed: tuple[str, ...]
    reused: tuple[str, ...]
    findings: tuple[records.Finding, ...]
    is_published: bool


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
    rules = criteria.load_all(settings.criteria_id)
    found = study.read_study(settings.bids_dir, as_of=settings.as_of, participants=settings.participants)
    keys = {p.patient.patient_id: _patient_key(p, rules) for p in found.patients}
    done = {} if rebuild else _finished(settings.out_dir, keys)
    pending = [p for p in found.patients if p.patient.patient_id not in done]
    fresh = {}
    if pending:
        with exclusive(settings.out_dir):
            for step, name in _work_on(pending, rules, keys, settings):
                fresh[name] = step
                on_progress(len(fresh), len(pending), name)
    rows = _all_rows(settings, found, rules, {**_unselected(settings, found), **done, **fresh})
    is_published = _publish_if_changed(settings, rows, force=rebuild)
    findings = tuple(row for row in rows if isinstance(row, records.Finding))
    return RunSummary(tuple(sorted(fresh)), tuple(sorted(done)), findings, is_published)


def settings_of(out_dir: Path) -> dict[str, Any]:
    """Read what the last run was asked to do, from ``run.toml`` in the output folder.

    Raises
    ------
    StoreError
        The folder holds no run.
    """
    path = out_dir / "run.toml"
    if not path.is_file():
        raise StoreError(f"{out_dir}: expected an output folder of cordtrack (with run.toml), found none; run first")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _check_folders(bids_dir: Path, out_dir: Path) -> None:
    if not bids_dir.is_dir():
        raise SettingsError(f"{bids_dir}: expected the study folder, found no such folder; check the path")
    inside = bids_dir.resolve() in (out_dir.resolve(), *out_dir.resolve().parents)
    if inside:
        raise SettingsError(
            f"{out_dir}: the output folder lies in the study folder, which is never written to; choose another place"
        )
    nearest = next(parent for parent in (out_dir.absolute(), *out_dir.absolute().parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise StoreError(
            f"{out_dir}: the output folder cannot be written ({nearest} refuses); "
            "change its permissions or choose another"
        )


def _patient_key(patient: study.StudyPatient, rules: Sequence[criteria.Criteria]) -> str:
    files = [scan for visit in patient.visits for scan in visit.scans]
    masks = [mask for visit in patient.visits for mask in visit.masks]
    return fingerprints.of_values(
        patient.patient, patient.treatments, patient.function_scores,
        [(visit.session_id, visit.acquired_on) for visit in patient.visits],
        [(scan.relative, scan.contrast, fingerprints.of_file(scan.path)) for scan in files],
        [(mask.relative, mask.origin, _meaning(mask), fingerprints.of_file(mask.path)) for mask in masks],
        [(rule.criteria_id, rule.sha256) for rule in rules],
        fingerprints.of_all_code(),
        fingerprints.software(),
    )  # fmt: skip


def _meaning(mask: study.MaskFile) -> list[str]:
    return [f"{index}={name}" for index, name in sorted(mask.labels.items())] or [str(mask.compartment)]


def _sidecar(out_dir: Path, patient_id: str) -> Path:
    return out_dir / patient_id / f"{patient_id}_records.json"


def _finished(out_dir: Path, keys: Mapping[str, str]) -> dict[str, derivatives.Step]:
    steps = {name: derivatives.read_step(_sidecar(out_dir, name), out_dir, key) for name, key in keys.items()}
    return {name: step for name, step in steps.items() if step is not None}


def _unselected(settings: RunSettings, found: study.Study) -> dict[str, derivatives.Step]:
    """Return the finished patients that this run was asked to leave as they are."""
    if settings.participants is None:
        return {}
    names = {path.name for path in settings.out_dir.glob("sub-*") if (settings.bids_dir / path.name).is_dir()}
    others = names - {p.patient.patient_id for p in found.patients}
    steps = {name: derivatives.read_step(_sidecar(settings.out_dir, name), settings.out_dir) for name in others}
    return {name: step for name, step in steps.items() if step is not None}


def _work_on(
    patients: Sequence[study.StudyPatient],
    rules: Sequence[criteria.Criteria],
    keys: Mapping[str, str],
    settings: RunSettings,
) -> Iterator[tuple[derivatives.Step, str]]:
    """Work on patients in parallel; one whose process dies is tried alone once more, then recorded as failed."""
    rest = {p.patient.patient_id: p for p in patients}
    for jobs in (min(settings.jobs, len(patients)), 1):
        if not rest:
            return
        batches = [list(rest.values())] if jobs > 1 or settings.jobs == 1 else [[p] for p in rest.values()]
        for batch in batches:
            for patient_id, rows in _in_processes(batch, rules, settings.out_dir, jobs):
                del rest[patient_id]
                yield _finish(patient_id, rows, keys[patient_id], settings.out_dir), patient_id
    for patient in rest.values():
        name = patient.patient.patient_id
        message = f"{name}: the process that worked on this patient died (often for lack of memory)"
        died = finding("worker_died", message, patient_id=name)
        yield derivatives.Step("", (), (patient.patient, died)), name


def _in_processes(
    patients: Sequence[study.StudyPatient], rules: Sequence[criteria.Criteria], out_dir: Path, jobs: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield each patient's records as they are finished; stop early when a process dies."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(out_dir,))
    futures: dict[Future[tuple[Any, ...]], str] = {
        pool.submit(_process, patient, out_dir, tuple(rules)): patient.patient.patient_id for patient in patients
    }
    try:
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(out_dir: Path) -> None:
    for name in THREAD_LIMITS:
        os.environ[name] = "1"
    handler_path = out_dir / "logs" / "unexpected.log"
    handler_path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        handlers=[logging.FileHandler(handler_path, delay=True, encoding="utf-8")],
        format="%(asctime)s %(name)s %(message)s",
        level=logging.WARNING,
    )


def _process(patient: study.StudyPatient, out_dir: Path, rules: tuple[criteria.Criteria, ...]) -> tuple[Any, ...]:
    from pipeline.patient import PatientPlan, process  # noqa: PLC0415  # ANTs takes seconds to import: only in workers

    plan: PatientPlan = PatientPlan(patient, out_dir, rules)
    return process(plan)


def _finish(patient_id: str, rows: tuple[Any, ...], key: str, out_dir: Path) -> derivatives.Step:
    step = derivatives.Step(key, (), rows)
    derivatives.write_step(_sidecar(out_dir, patient_id), step, (), fingerprints.software())
    return step


def _all_rows(
    settings: RunSettings,
    found: study.Study,
    rules: Sequence[criteria.Criteria],
    steps: Mapping[str, derivatives.Step],
) -> list[Any]:
    rows: list[Any] = [row for name in sorted(steps) for row in steps[name].records]
    rows += [rule.record() for rule in rules]
    rows += found.findings
    chosen = rules[0].criteria_id
    content = fingerprints.of_values([(type(row).__name__, row) for row in rows], chosen, found.name)
    rows.append(records.Study(found.name, found.is_synthetic, chosen, content))
    rows.append(
        records.Run(
            run_id=content[:12],
            finished_at=settings.finished_at,
            cordtrack_version=__version__,
            software=fingerprints.software(),
            settings=f"criteria={chosen}",
            content_sha256=content,
        )
    )
    return rows


def _publish_if_changed(settings: RunSettings, rows: Sequence[Any], *, force: bool) -> bool:
    content = next(row.content_sha256 for row in rows if isinstance(row, records.Study))
    database = store.database_path(settings.out_dir)
    if not force and database.is_file() and (settings.out_dir / "run.toml").is_file():
        last = settings_of(settings.out_dir)
        same = last["content_sha256"] == content and last["bids_dir"] == str(settings.bids_dir.resolve())
        if same:
            return False
    with exclusive(settings.out_dir):
        store.publish(settings.out_dir, rows)
        _describe(settings, content)
    return True


def _describe(settings: RunSettings, content: str) -> None:
    """Write what BIDS asks of a derivative dataset, and what this run was asked to do."""
    version = __version__
    derivatives.write_text(
        settings.out_dir / "dataset_description.json",
        '{\n "Name": "cordtrack",\n "BIDSVersion": "1.11.1",\n "DatasetType": "derivative",\n'
        f' "GeneratedBy": [{{"Name": "cordtrack", "Version": "{version}"}}]\n}}\n',
    )
    lines = {
        "bids_dir": str(settings.bids_dir.resolve()),
        "criteria_id": settings.criteria_id,
        "content_sha256": content,
        "cordtrack_version": version,
        "software": fingerprints.software(),
        "finished_at": settings.finished_at.isoformat(timespec="seconds"),
    }
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in lines.items()}
    text = "".join(f'{key} = "{value}"\n' for key, value in escaped.items())
    derivatives.write_text(settings.out_dir / "run.toml", text)
