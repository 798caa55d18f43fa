"""The study behind the pages: what a check says of it, what a run would do, and the runs that people ask for.

There is one only where the pages were started with a study folder (``cordtrack serve``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.data import door, queries
from pipeline import api
from pipeline.errors import SettingsError
from pipeline.files.child_process import CODE
from pipeline.files.fingerprints import Identity
from pipeline.journal.roles import Deed
from pipeline.run import step_notes
from pipeline.run.step_notes import JOBS, StepNote
from pipeline.service import asking, inputs_stamp, jobs, newer_inputs
from pipeline.service.jobs import Job, Progress
from pipeline.service.newer_inputs import NewerInputs
from pipeline.study import study_folder as study_tables

if TYPE_CHECKING:
    from pipeline.run.run_plan import RunPlan
    from pipeline.run.study_outlook import StudyCheck

SAMPLE = CODE / "sample_data" / "study"
"""The synthetic sample study of a checkout."""
READERS = 2


def study_dir() -> Path | None:
    """Return the study folder that runs are asked for; None where the pages only show results."""
    named = os.environ.get(door.STUDY_VARIABLE)
    return Path(named) if named else None


def is_empty() -> bool:
    """Say whether a study is served that has no results yet."""
    return study_dir() is not None and queries.publication() is None


def check() -> StudyCheck:
    """Return what a check says of the study as it is now, kept until something in it changes.

    Raises
    ------
    CordtrackError
        The study cannot be read.
    """
    door.enter_whole_study()
    return _check(str(study_folder()), stamp())


def is_synthetic() -> bool:
    """Say whether the study that is served is made up, by its description and its table of persons."""
    return _is_synthetic(str(study_folder()), stamp())


def plan() -> RunPlan:
    """Return what a run would do now and why, kept until study, decisions or results change."""
    door.enter_whole_study()
    return _plan(str(study_folder()), stamp(), queries.publication())


def newer() -> NewerInputs | None:
    """Return whose scans, masks or tables are not those of the results shown, of the patients that may be seen.

    None until these results have been looked at, and where nobody looks: the folder of the study is not known.
    """
    note = newer_inputs.noted(queries.out_dir())
    seen = queries.patients_seen() if note is not None else None
    if note is None or seen is None:
        return note
    return replace(note, patients={name: why for name, why in note.patients.items() if name in seen}, trouble="")


def stamp() -> str:
    """Return the mark of what a run would read."""
    return inputs_stamp.of_inputs(study_folder(), queries.out_dir())


def ask_for_run(who: str, *patient_ids: str) -> str:
    """Ask for a run, of some patients or, where none is named, of all; say what became of it."""
    if not patient_ids:
        door.enter_whole_study(who)
    person = door.enter(Deed.RUN, who)
    for patient_id in patient_ids:
        queries.check_shown(patient_id)
    job, is_new = asking.ask_for_run(study_folder(), queries.out_dir(), person.name, patient_ids)
    if is_new:
        return "The run is asked for."
    return f"This run was asked for already{f', by {job.asked_by}' if job.asked_by else ''}; it does both."


def cancel(job_id: str, who: str) -> str:
    """Let a job end."""
    person = door.enter(Deed.RUN, who)
    if all(job.job_id != job_id for job in open_jobs()):
        raise SettingsError("this run has ended, or is not about patients that you see; nothing was stopped")
    jobs.cancel(queries.out_dir(), job_id, person.name)
    return "The run is asked to end; what was finished is kept."


def all_jobs() -> tuple[Job, ...]:
    """Return all jobs, the latest first."""
    door.enter_whole_study()
    return tuple(reversed(jobs.every(queries.out_dir())))


def open_jobs() -> tuple[Job, ...]:
    """Return the jobs that run or wait, in the order in which they are done."""
    seen = queries.patients_seen()
    return tuple(
        job for job in jobs.every(queries.out_dir())
        if job.is_open and (seen is None or (job.participants and set(job.participants) <= seen))
    )  # fmt: skip


def progress(job: Job) -> tuple[Progress, tuple[StepNote, ...]]:
    """Return how far a running job is, and the step of each patient that is worked on."""
    began_s = job.began_at.replace(tzinfo=UTC).timestamp() if job.began_at else 0.0
    notes = step_notes.notes(queries.out_dir() / JOBS)
    fresh = tuple(note for note in notes if note.at_s >= began_s)  # a killed run leaves some behind
    seen = queries.patients_seen()
    shown = tuple(note for note in fresh if seen is None or note.patient_id in seen)
    return jobs.progress_of(queries.out_dir(), job.job_id), shown


def has_worker() -> bool:
    """Say whether somebody does the jobs and deliveries that are asked for here."""
    return jobs.has_worker(queries.out_dir())


def log(job: Job) -> str:
    """Return the end of what a job printed."""
    door.enter_whole_study()
    return jobs.log_of(queries.out_dir(), job.job_id)


def offers_sample() -> bool:
    """Say whether the sample study can be put into the study folder: it is here, and the folder is empty."""
    return SAMPLE.is_dir() and not any(study_folder().iterdir())


def take_sample(who: str) -> str:
    """Copy the sample study into an empty study folder and ask for its first run.

    Raises
    ------
    SettingsError
        The folder is not empty, or there is no sample study here.
    """
    door.enter(Deed.EDIT, who)
    if not offers_sample():
        raise SettingsError("expected an empty study folder and a checkout with the sample study, found another thing")
    shutil.copytree(SAMPLE, study_folder(), dirs_exist_ok=True)
    return ask_for_run(who)


def study_folder() -> Path:
    """Return the study folder that is served.

    Raises
    ------
    SettingsError
        The pages only show results.
    """
    study = study_dir()
    if study is None:
        raise SettingsError("these pages show results only; start with: cordtrack serve STUDY_FOLDER OUT_DIR")
    return study


@st.cache_resource(max_entries=2, show_spinner=False)
def _check(bids_dir: str, mark: str) -> StudyCheck:  # noqa: ARG001  # key of the cache
    return api.check(bids_dir, queries.out_dir(), api.RunOptions(jobs=READERS))


@st.cache_data(max_entries=2, show_spinner=False)
def _is_synthetic(bids_dir: str, mark: str) -> bool:  # noqa: ARG001  # key of the cache
    return study_tables.is_synthetic(Path(bids_dir))


@st.cache_resource(max_entries=2, show_spinner=False)
def _plan(bids_dir: str, mark: str, publication: Identity | None) -> RunPlan:  # noqa: ARG001
    from pipeline.run import run_plan  # noqa: PLC0415  # all that a run needs; an empty study plans none
    from pipeline.service import job_run  # noqa: PLC0415

    return run_plan.plan(job_run.settings_of(Path(bids_dir), queries.out_dir(), 1))
