"""Publish the rows of a study: only those of patients of whom something changed, and nothing where nothing did.

A publication is built beside the store and put in its place in one step. Where few patients changed, their rows are
replaced in a copy of the store; where many did, or another version wrote it, the whole store is built from the finished
steps, some patients at a time, so that memory does not grow with the study.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import __version__, mask_models
from pipeline.cohort.kind_shares import cohort_shares
from pipeline.core import records
from pipeline.errors import StoreError
from pipeline.files import atomic, fingerprints, finished_steps
from pipeline.files.out_folder import exclusive, settings_of
from pipeline.judge import criteria_files
from pipeline.run.published_rows import StudyRows, changed_patients, content_of, rows_of_patient
from pipeline.run.run_settings import RunSettings
from pipeline.store import publish, reader, sql_files

AT_ONCE = 150
"""Patients whose rows are held in memory at the same time while the whole store is built."""

MOST_REPLACED = 250
"""Patients whose rows are replaced at most; they are all in memory then."""

FEW = 0.1
"""Up to this share of changed patients their rows are replaced; beyond, the whole store is built, without gaps."""

ASKED = ("bids_dir", "criteria_id", "masks_from", "schedules")
"""What ``run.toml`` says of what decides the results of a run."""


@dataclass(frozen=True)
class StudyResults:
    """What is to be published.

    Attributes
    ----------
    study_name, is_synthetic
        Of the study folder.
    rows
        What stands beside the finished steps.
    steps
        Each patient's finished step, by the hash of what it depended on; empty for one that is no result.
    heads
        How far the journal went.
    published
        What the store says of the patients whose rows it has; empty where there is none to go on from.
    """

    settings: RunSettings
    study_name: str
    is_synthetic: bool
    rows: StudyRows
    steps: Mapping[str, str]
    heads: Sequence[records.JournalHead]
    published: Mapping[str, records.PublishedPatient]

    def of_patient(self, patient_id: str) -> tuple[Any, ...]:
        """Return all rows of one patient, from the finished step on disk.

        Raises
        ------
        StoreError
            It went away since it was looked for.
        """
        out_dir = self.settings.out_dir
        step = finished_steps.read_step(sidecar(out_dir, patient_id), out_dir)
        if step is None:
            raise StoreError(
                f"{out_dir}: expected the finished results of {patient_id}, but they went away meanwhile; the previous "
                f"results stand. Run again"
            )
        return rows_of_patient(step.records, self.rows.of_patient(patient_id), patient_id, self.steps[patient_id])

    def content(self, published: Mapping[str, records.PublishedPatient]) -> str:
        """Return the hash of all that is published, as 64 hexadecimal digits."""
        chosen = self.rows.criteria[0].criteria_id
        return content_of(
            published.values(), self.rows.of_others(self.steps), chosen, self.study_name, sql_files.digest()
        )

    def of_study(self, content: str) -> tuple[Any, ...]:
        """Return the rows about no patient, but for the criteria: name, run, journal heads, findings."""
        chosen = self.rows.criteria[0].criteria_id
        run = records.Run(
            run_id=content[:12],
            finished_at=self.settings.finished_at,
            cordtrack_version=__version__,
            software=fingerprints.software(),
            settings=f"criteria={chosen}{_from_elsewhere(self.settings.masks_from)}",
            content_sha256=content,
        )
        about_others = (row for row in self.rows.of_others(self.steps) if not isinstance(row, records.Criteria))
        return (*about_others, *self.heads, records.Study(self.study_name, self.is_synthetic, chosen, content), run)


def sidecar(out_dir: Path, patient_id: str) -> Path:
    """Return where a patient's finished step is."""
    return out_dir / patient_id / f"{patient_id}_records.json"


def published_so_far(out_dir: Path) -> dict[str, records.PublishedPatient]:
    """Return what the store says of its patients; nothing where there is none of this version to go on from.

    Raises
    ------
    StoreError
        There is a store that cannot be read.
    """
    return reader.published_patients(reader.database_path(out_dir)) if publish.is_current(out_dir) else {}


def publish_if_changed(results: StudyResults, *, force: bool) -> bool:
    """Bring the store up to date with the finished steps, and say whether anything was written.

    Parameters
    ----------
    force
        Build the whole store, changed or not.

    Raises
    ------
    StoreError
        As :func:`publish.publish`.
    """
    published, settings = results.published, results.settings
    changed = changed_patients(results.steps, results.rows, published)
    gone = published.keys() - results.steps.keys()
    at_hand = {name: results.of_patient(name) for name in changed} if len(changed) <= MOST_REPLACED else {}
    after = {name: one for name, one in published.items() if name not in gone}
    after |= {name: patient_rows[-1] for name, patient_rows in at_hand.items()}
    are_all_at_hand = len(at_hand) == len(changed)
    if are_all_at_hand and not force and after == published and _is_published(settings, results.content(after)):
        return False
    with exclusive(settings.out_dir):
        if are_all_at_hand and not force and published and len(changed) + len(gone) <= FEW * len(results.steps):
            content = results.content(after)
            patient_rows = [row for name in changed for row in at_hand[name]]
            replaced = {*changed, *gone}
            stored = reader.kind_evidence(reader.database_path(settings.out_dir))
            evidence = [one for one in stored if one.patient_id not in replaced]
            shares = cohort_shares([*evidence, *finished_steps.of_kind(patient_rows, records.KindEvidence)])
            publish.update(settings.out_dir, replaced, [*patient_rows, *shares, *results.of_study(content)])
        else:
            content = _publish_all(results, at_hand)
        _describe(settings, content)
    return True


def _publish_all(results: StudyResults, at_hand: Mapping[str, Sequence[Any]]) -> str:
    """Build the whole store, some patients at a time, and return the hash of its content."""
    published: dict[str, records.PublishedPatient] = {}
    publish.publish_batches(results.settings.out_dir, _batches(results, at_hand, published))
    return results.content(published)


def _batches(
    results: StudyResults, at_hand: Mapping[str, Sequence[Any]], published: dict[str, records.PublishedPatient]
) -> Iterator[list[Any]]:
    """Yield the rows of some patients by name, noting what they were made from, and those of the study at last."""
    yield list(results.rows.criteria)
    evidence: list[records.KindEvidence] = []
    names = sorted(results.steps)
    for first in range(0, len(names), AT_ONCE):
        batch: list[Any] = []
        for name in names[first : first + AT_ONCE]:
            batch += at_hand.get(name) or results.of_patient(name)
            published[name] = batch[-1]
        evidence += finished_steps.of_kind(batch, records.KindEvidence)
        yield batch
    yield [*cohort_shares(evidence), *results.of_study(results.content(published))]


def _is_published(settings: RunSettings, content: str) -> bool:
    """Say whether the store holds this content, made of this study folder."""
    if not (settings.out_dir / "run.toml").is_file() or not publish.is_current(settings.out_dir):
        return False
    last = settings_of(settings.out_dir)
    return bool(last["content_sha256"] == content and last["bids_dir"] == str(settings.bids_dir.resolve()))


def _findable(criteria_id: str) -> str:
    """Return packaged criteria by name and a user's file by its full path, so that a rebuild finds it from anywhere."""
    return criteria_id if criteria_id in criteria_files.names() else str(Path(criteria_id).resolve())


def _from_elsewhere(masks_from: str) -> str:
    return "" if masks_from == mask_models.GIVEN else f"; masks from {Path(masks_from).name}"


def _placed(masks_from: str) -> str:
    """Return a model's description by its full path, so that a rebuild finds it from anywhere; words as they are."""
    return str(Path(masks_from).resolve()) if masks_from.endswith(".toml") else masks_from


def describe_dataset(out_dir: Path) -> None:
    """Write what BIDS asks of a derivative dataset."""
    atomic.write_text(
        out_dir / "dataset_description.json",
        '{\n "Name": "cordtrack",\n "BIDSVersion": "1.11.1",\n "DatasetType": "derivative",\n'
        f' "GeneratedBy": [{{"Name": "cordtrack", "Version": "{__version__}"}}]\n}}\n',
    )


def describe_job(settings: RunSettings) -> None:
    """Leave word for who publishes the finished steps of many jobs, unless they were asked the same before."""
    file = settings.out_dir / "run.toml"
    before = settings_of(settings.out_dir) if file.is_file() else {}
    if {name: text for name, text in before.items() if name in ASKED} != _asked(settings):
        _describe(settings, content="")  # no store is of this content: what is published next is published


def _asked(settings: RunSettings) -> dict[str, str]:
    """Return what decides the results of a run, as ``run.toml`` says it."""
    return {
        "bids_dir": str(settings.bids_dir.resolve()),
        "criteria_id": _findable(settings.criteria_id),
        **({"masks_from": _placed(settings.masks_from)} if settings.masks_from != mask_models.GIVEN else {}),
        **({"schedules": str(settings.schedules.resolve())} if settings.schedules else {}),
    }


def _describe(settings: RunSettings, content: str) -> None:
    """Write what BIDS asks of a derivative dataset, and what this run was asked to do."""
    describe_dataset(settings.out_dir)
    lines = {
        **_asked(settings),
        "content_sha256": content,
        "cordtrack_version": __version__,
        "software": fingerprints.software(),
        "finished_at": settings.finished_at.isoformat(timespec="seconds"),
    }
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in lines.items()}
    text = "".join(f'{key} = "{value}"\n' for key, value in escaped.items())
    atomic.write_text(settings.out_dir / "run.toml", text)
