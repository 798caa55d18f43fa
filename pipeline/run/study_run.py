"""The story of one study: read the folder, work on each patient that changed, publish one store.

A run does only what changed, and a run that changed nothing writes nothing. Patients are worked on in separate
processes with one thread each, so that results are the same bit for bit however many there are. A killed run loses
nothing: finished patients are on disk, the published store stays as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline import __version__, mask_models
from pipeline.context import schedule_files
from pipeline.core import records
from pipeline.core.piece_names import NamesGiven
from pipeline.errors import SettingsError, StoreError
from pipeline.files import atomic, fingerprints, finished_steps
from pipeline.files.out_folder import exclusive, settings_of
from pipeline.journal import act_file, decisions, drawn_masks, lesion_names, published_history
from pipeline.judge import criteria_files, standing, urgency
from pipeline.run import workers
from pipeline.store import publish, reader, sql_files
from pipeline.study import study_folder

TRIED_AGAIN = ("worker_died", "step_crashed")
"""Findings that may be the machine's fault (memory, space, a killed process) and never count as a patient's result."""


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
    schedules
        A file with schedules of follow-up scans in place of the packaged ones.
    masks_from
        Where masks come from that nobody drew, as ``mask_sources.source_of`` reads it.
    """

    bids_dir: Path
    out_dir: Path
    criteria_id: str
    participants: frozenset[str] | None
    jobs: int
    as_of: date
    finished_at: datetime
    schedules: Path | None = None
    masks_from: str = mask_models.GIVEN


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
    if _is_own_derivative(settings.bids_dir.resolve(), settings.out_dir.resolve()):
        with exclusive(settings.out_dir):
            _describe_dataset(settings.out_dir)  # before the study is read: its own results are no masks of people
    heads = _journal_as_published(settings.out_dir)
    people = act_file.read(settings.out_dir)
    names = lesion_names.read(settings.out_dir)
    study = _with_acts(study_folder.read_study(settings.bids_dir, as_of=settings.as_of), people)
    study = replace(study, findings=(*study.findings, *names.findings))
    rules = workers.Rules(
        criteria_files.load_all(settings.criteria_id),
        schedule_files.load(settings.schedules),
        mask_models.source_of(settings.masks_from),
        {p.patient.patient_id: _names_given(p.patient.patient_id, names, people) for p in study.patients},
    )
    asked = _chosen(study, settings.participants)
    kept_steps = _unselected(settings.out_dir, study, asked)
    chosen = (*asked, *_unreadable(settings.out_dir, study, asked, kept_steps))
    keys = {p.patient.patient_id: _patient_key(p, rules, settings.out_dir) for p in chosen}
    now = {name: _with_names(key, rules.names_of(name)) for name, key in keys.items()}
    done = {} if rebuild else _finished(settings.out_dir, now)
    pending = [p for p in chosen if p.patient.patient_id not in done]
    fresh = {}
    if pending:
        with exclusive(settings.out_dir):
            for name, worked_out in workers.work_on(pending, rules, settings.out_dir, settings.jobs):
                fresh[name] = _finish(name, worked_out, (keys[name], rules.names_of(name)), settings.out_dir)
                on_progress(len(fresh), len(pending), name)
    steps = {**kept_steps, **done, **fresh}
    result_rows = _all_rows(settings, study, rules.criteria, steps, people)
    heads = _with_fresh_names(settings.out_dir, heads)
    is_published = _publish_if_changed(settings, (*result_rows, *heads), force=rebuild)
    findings = tuple(row for row in result_rows if isinstance(row, records.Finding))
    return RunSummary(tuple(sorted(fresh)), tuple(sorted(done)), findings, is_published)


def _journal_as_published(out_dir: Path) -> tuple[records.JournalHead, ...]:
    """Return how far the journal goes now; refuse one that lost what the published results were made with."""
    database = reader.database_path(out_dir)
    if database.is_file():
        published_history.check(out_dir, reader.journal_heads(database))
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
    return not out.exists() or (out.is_dir() and (not any(out.iterdir()) or (out / ".cordtrack.lock").exists()))


def _patient_key(patient: study_folder.StudyPatient, rules: workers.Rules, out_dir: Path) -> str:
    files = [scan for visit in patient.visits for scan in visit.scans]
    masks = [mask for visit in patient.visits for mask in visit.masks]
    discs = [labels for visit in patient.visits for labels in visit.discs]
    drawn = [entry.mask_sha256 for entry in patient.acts if entry.act == decisions.ActKind.CORRECT_MASK]
    return fingerprints.of_values(
        patient.patient, patient.treatments, patient.function_scores, patient.acts,
        [
            (v.session_id, v.acquired_on, str(v.acquired_at), v.leptomeningeal, v.imported, v.imported_lesions)
            for v in patient.visits
        ],
        [v.neuraxis for v in patient.visits],
        [(scan.relative, scan.contrast, scan.facts, fingerprints.of_file(scan.path)) for scan in files],
        [(mask.relative, mask.origin, _meaning(mask), fingerprints.of_file(mask.path)) for mask in masks],
        [(labels.relative, labels.origin, fingerprints.of_file(labels.path)) for labels in discs],
        [drawn_masks.digest(out_dir, str(sha256)) for sha256 in drawn],
        [(rule.criteria_id, rule.sha256) for rule in rules.criteria], rules.schedules.sha256,
        rules.mask_source and rules.mask_source.fingerprint(),
        fingerprints.of_all_code(),
        fingerprints.software(),
    )  # fmt: skip


def _with_names(key: str, names: NamesGiven) -> str:
    return fingerprints.of_values(key, names.pieces, sorted(names.by_people))


def _names_given(patient_id: str, names: lesion_names.NamesOnRecord, people: act_file.Journal) -> NamesGiven:
    """Return the names of a patient's lesions; what a person called one stays taken even when it was undone."""
    given_by_people = {entry.same_as for entry in people.entries if entry.patient_id == patient_id and entry.same_as}
    return NamesGiven(names.of_patient(patient_id), frozenset(given_by_people))


def _meaning(mask: study_folder.MaskFile) -> list[str]:
    return [f"{index}={name}" for index, name in sorted(mask.labels.items())] or [str(mask.compartment)]


def _sidecar(out_dir: Path, patient_id: str) -> Path:
    return out_dir / patient_id / f"{patient_id}_records.json"


def _finished(out_dir: Path, keys: Mapping[str, str]) -> dict[str, finished_steps.Step]:
    steps = {name: finished_steps.read_step(_sidecar(out_dir, name), out_dir, key) for name, key in keys.items()}
    return {name: step for name, step in steps.items() if step is not None}


def _with_acts(study: study_folder.StudyFolder, people: act_file.Journal) -> study_folder.StudyFolder:
    """Give each patient what people decided about it, so that exactly those patients are worked on anew."""
    patients = tuple(replace(p, acts=decisions.effective(people.entries, p.patient.patient_id)) for p in study.patients)
    return replace(study, patients=patients)


def _masks(result_rows: Sequence[Any]) -> dict[tuple[str, str, str], str]:
    """Return which mask is measured now: patient, session and compartment to the digest of its file."""
    masks = (row for row in result_rows if isinstance(row, records.Segmentation) and row.is_primary)
    return {(row.patient_id, row.session_id, row.compartment): row.sha256 for row in masks}


def _scans(result_rows: Sequence[Any]) -> dict[tuple[str, str], str]:
    """Return which scan is measured on now: patient and session to the digest of its file."""
    scans = (row for row in result_rows if isinstance(row, records.Scan) and row.is_anchor)
    return {(row.patient_id, row.session_id): row.sha256 for row in scans}


def _pieces(result_rows: Sequence[Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return which pieces of tumour are followed now: patient and session to the digests of their voxels."""
    digests: dict[tuple[str, str], set[str]] = {}
    for row in finished_steps.of_kind(result_rows, records.LesionComponent):
        if row.component_sha256 is not None:
            digests.setdefault((row.patient_id, row.session_id), set()).add(row.component_sha256)
    return {visit: frozenset(digests_of_visit) for visit, digests_of_visit in digests.items()}


def _chosen(
    study: study_folder.StudyFolder, participants: frozenset[str] | None
) -> tuple[study_folder.StudyPatient, ...]:
    """Return the patients that the user asked for, all when nobody was named."""
    if participants is None:
        return study.patients
    wanted = {f"sub-{name.removeprefix('sub-')}" for name in participants}
    enrolled = {p.patient.patient_id for p in study.patients}
    if wanted - enrolled:
        names = ", ".join(sorted(wanted - enrolled))
        raise SettingsError(f"{names}: expected patients of this study, found {', '.join(sorted(enrolled)) or 'none'}")
    return tuple(p for p in study.patients if p.patient.patient_id in wanted)


def _unselected(
    out_dir: Path, study: study_folder.StudyFolder, asked: Sequence[study_folder.StudyPatient]
) -> dict[str, finished_steps.Step]:
    """Return the finished patients that this run was asked to leave as they are."""
    others = {p.patient.patient_id for p in study.patients} - {p.patient.patient_id for p in asked}
    steps = {name: finished_steps.read_step(_sidecar(out_dir, name), out_dir) for name in others}
    return {name: step for name, step in steps.items() if step is not None}


def _unreadable(
    out_dir: Path,
    study: study_folder.StudyFolder,
    asked: Sequence[study_folder.StudyPatient],
    kept_steps: Mapping[str, finished_steps.Step],
) -> list[study_folder.StudyPatient]:
    """Return the other patients whose results an older version left: nobody leaves the store unasked."""
    at_hand = {p.patient.patient_id for p in asked} | kept_steps.keys()
    others = [p for p in study.patients if p.patient.patient_id not in at_hand]
    return [p for p in others if _sidecar(out_dir, p.patient.patient_id).is_file()]


def _finish(
    patient_id: str, result_rows: tuple[Any, ...], depends_on: tuple[str, NamesGiven], out_dir: Path
) -> finished_steps.Step:
    """Keep what was worked out; names of lesions first, so that a killed run leaves none that is not on record."""
    key, names = depends_on
    components = finished_steps.of_kind(result_rows, records.LesionComponent)
    given = lesion_names.unrecorded(names.pieces, components)
    lesion_names.append(out_dir, given)
    is_result = not any(isinstance(row, records.Finding) and row.code in TRIED_AGAIN for row in result_rows)
    key_now = _with_names(key, replace(names, pieces=(*names.pieces, *given)))
    step = finished_steps.Step(records=result_rows, input_sha256=key_now if is_result else "")
    finished_steps.write_step(_sidecar(out_dir, patient_id), step, (), fingerprints.software())
    return step


def _all_rows(
    settings: RunSettings,
    study: study_folder.StudyFolder,
    rules: Sequence[criteria_files.ResponseCriteria],
    steps: Mapping[str, finished_steps.Step],
    people: act_file.Journal,
) -> list[Any]:
    result_rows: list[Any] = [row for name in sorted(steps) for row in steps[name].records]
    result_rows += decisions.standing(people.entries, _masks(result_rows), _scans(result_rows), _pieces(result_rows))
    result_rows += [rule.record() for rule in rules]
    result_rows += (*study.findings, *people.findings)
    questions = urgency.open_questions(result_rows)
    result_rows += [*questions, *standing.standings(result_rows, questions)]
    chosen = rules[0].criteria_id
    named = [(type(row).__name__, row) for row in result_rows]
    content = fingerprints.of_values(named, chosen, study.name, sql_files.digest())
    result_rows.append(records.Study(study.name, study.is_synthetic, chosen, content))
    result_rows.append(
        records.Run(
            run_id=content[:12],
            finished_at=settings.finished_at,
            cordtrack_version=__version__,
            software=fingerprints.software(),
            settings=f"criteria={chosen}{_from_elsewhere(settings.masks_from)}",
            content_sha256=content,
        )
    )
    return result_rows


def _publish_if_changed(settings: RunSettings, result_rows: Sequence[Any], *, force: bool) -> bool:
    content = next(row.content_sha256 for row in result_rows if isinstance(row, records.Study))
    if not force and (settings.out_dir / "run.toml").is_file() and publish.is_current(settings.out_dir):
        last = settings_of(settings.out_dir)
        same = last["content_sha256"] == content and last["bids_dir"] == str(settings.bids_dir.resolve())
        if same:
            return False
    with exclusive(settings.out_dir):
        publish.publish(settings.out_dir, result_rows)
        _describe(settings, content)
    return True


def _findable(criteria_id: str) -> str:
    """Return packaged criteria by name and a user's file by its full path, so that a rebuild finds it from anywhere."""
    return criteria_id if criteria_id in criteria_files.names() else str(Path(criteria_id).resolve())


def _from_elsewhere(masks_from: str) -> str:
    return "" if masks_from == mask_models.GIVEN else f"; masks from {Path(masks_from).name}"


def _placed(masks_from: str) -> str:
    """Return a model's description by its full path, so that a rebuild finds it from anywhere; words as they are."""
    return str(Path(masks_from).resolve()) if masks_from.endswith(".toml") else masks_from


def _describe_dataset(out_dir: Path) -> None:
    atomic.write_text(
        out_dir / "dataset_description.json",
        '{\n "Name": "cordtrack",\n "BIDSVersion": "1.11.1",\n "DatasetType": "derivative",\n'
        f' "GeneratedBy": [{{"Name": "cordtrack", "Version": "{__version__}"}}]\n}}\n',
    )


def _describe(settings: RunSettings, content: str) -> None:
    """Write what BIDS asks of a derivative dataset, and what this run was asked to do."""
    version = __version__
    _describe_dataset(settings.out_dir)
    lines = {
        "bids_dir": str(settings.bids_dir.resolve()),
        "criteria_id": _findable(settings.criteria_id),
        **({"masks_from": _placed(settings.masks_from)} if settings.masks_from != mask_models.GIVEN else {}),
        **({"schedules": str(settings.schedules.resolve())} if settings.schedules else {}),
        "content_sha256": content,
        "cordtrack_version": version,
        "software": fingerprints.software(),
        "finished_at": settings.finished_at.isoformat(timespec="seconds"),
    }
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in lines.items()}
    text = "".join(f'{key} = "{value}"\n' for key, value in escaped.items())
    atomic.write_text(settings.out_dir / "run.toml", text)
