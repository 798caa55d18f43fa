"""Runs that are going on: how far each patient is, how long it will take, and the button that ends one.

Drawn anew every two seconds without the rest of the page; when a run ends, the page is drawn anew as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dashboard.data import door, queries, study_jobs, who
from dashboard.shell import page, signing
from dashboard.words import labels
from pipeline.journal.roles import Deed
from pipeline.run.step_notes import StepNote
from pipeline.service.jobs import Job, JobState, Progress

EVERY_SECONDS = 1.5  # and the page needs some more to show it: something moves every two seconds
SEEN = "runs-seen"
NO_WORKER = "A run waits: no worker is there to do it; start one with: cordtrack serve STUDY_FOLDER OUT_DIR"
WAITS_FOR_ANOTHER = "Another run still works on these results; this one goes on by itself once that has ended"
LEAST_SHARE = 0.08
"""Below this share of a run nothing is said of how long the rest takes."""
LONGEST_AT, LONGEST_WEIGHT = 2, 40
"""How many steps come before the alignment, which takes most of a patient's time, and for how many others it counts."""
STEP_WORDS = {
    "read_visits": "reading scans",
    "mask_visits": "reading masks",
    "align_visits": "aligning visits",
    "use_drawings": "reading drawings",
    "model_masks": "drawing masks by the model",
    "refind_masks": "finding the lesion again",
    "draw_labels": "laying masks on the reference",
    "measure_visits": "measuring",
    "describe_shape": "describing shape",
    "follow_lesions": "following lesions",
    "judge_course": "judging",
    "judge_without": "judging without single acts",
}


def watched(where: str, patient_id: str | None = None) -> None:
    """Show the runs that go on, of all or of those that concern one patient; nothing where there is none."""
    seen = _concerning(patient_id)
    st.session_state[SEEN] = _mark(seen)
    st.fragment(_watched, run_every=EVERY_SECONDS if seen else 5 * EVERY_SECONDS)(where, patient_id)


def _watched(where: str, patient_id: str | None) -> None:
    jobs = _concerning(patient_id)
    if _mark(jobs) != st.session_state.get(SEEN):
        st.rerun()
    for job in jobs:
        _show(job, where)


def _concerning(patient_id: str | None) -> tuple[Job, ...]:
    jobs = study_jobs.open_jobs()
    return tuple(job for job in jobs if patient_id is None or not job.participants or patient_id in job.participants)


def _mark(jobs: tuple[Job, ...]) -> tuple[object, ...]:
    """Return what changes when a run begins, ends or publishes."""
    return (*((job.job_id, job.state) for job in jobs), queries.publication(), bool(who.visitor().roles))


def _show(job: Job, where: str) -> None:
    progress, steps = study_jobs.progress(job) if job.state == JobState.RUNNING else (Progress(), ())
    share = share_done(progress, steps)
    st.progress(share, text=_words(job, progress, share, max((step.at_s for step in steps), default=None)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for step in steps:
            words = STEP_WORDS.get(step.step, step.step.replace("_", " "))
            page.remark(f"{step.patient_id}: {words} (step {step.done + 1} of {step.total})", "content")
        if not job.is_to_end and door.may(Deed.RUN):
            st.button(
                "Stop it",
                key=f"stop-{where}-{job.job_id}",
                type="tertiary",
                on_click=signing.record,
                args=(partial(_cancel, job.job_id),),
            )


def _cancel(job_id: str) -> str:
    return study_jobs.cancel(job_id, signing.reader())


def share_done(progress: Progress, steps: tuple[StepNote, ...]) -> float:
    """Return the share of a run that is finished, 0 to 1; of a patient that is worked on, the steps that are."""
    if not progress.total:
        return 0.0
    begun = sum(_weighted(step) for step in steps if step.total)
    return min(1.0, (progress.done + begun) / progress.total)


def _weighted(step: StepNote) -> float:
    """Return the share of a patient's steps that is finished, the longest one counted as what it takes."""
    more = LONGEST_WEIGHT - 1
    return (step.done + (more if step.done > LONGEST_AT else 0)) / (step.total + more)


def seconds_left(elapsed_s: float, reached_s: float, share: float) -> float | None:
    """Return how long the rest of a run takes, seconds; None where too little is finished to tell, or it takes longer.

    Parameters
    ----------
    elapsed_s
        Since the run began.
    reached_s
        Between its begin and the end of the last finished step: a step that goes on says nothing of the rest yet, and
        told by the time until now the rest would grow for as long as it lasts.
    share
        What was finished by then, 0 to 1.
    """
    if share < LEAST_SHARE:
        return None
    left_s = reached_s * (1 - share) / share - (elapsed_s - reached_s)
    return left_s if left_s > 0 else None


def _words(job: Job, progress: Progress, share: float, last_step_s: float | None) -> str:
    elapsed_s = (datetime.now(UTC).replace(tzinfo=None) - (job.began_at or job.asked_at)).total_seconds()
    if job.state == JobState.QUEUED:
        return f"A run waits for its turn, {_elapsed(elapsed_s)} so far." if study_jobs.has_worker() else NO_WORKER
    if job.is_to_end:
        return f"The run is ending, {_elapsed(elapsed_s)} after it began …"
    if progress.words.startswith("waits"):  # the command's own words name a process, and ask to run again
        return f"{WAITS_FOR_ANOTHER} ({_elapsed(elapsed_s)} so far)"
    if not progress.total:
        return f"The run reads the study, {_elapsed(elapsed_s)} so far …"
    words = f"{progress.done} of {labels.count(progress.total, 'patient')}, {_elapsed(elapsed_s)} so far"
    if progress.done == progress.total:
        return f"{words}, publishing the results …"
    began_s = (job.began_at or job.asked_at).replace(tzinfo=UTC).timestamp()
    reached_s = elapsed_s if last_step_s is None else min(elapsed_s, max(0.0, last_step_s - began_s))
    left_s = seconds_left(elapsed_s, reached_s, share)
    return words if left_s is None else f"{words}, about {_time(left_s)} left"


def _elapsed(seconds: float) -> str:
    """Write a time that goes on by the second, for as long as it lasts: whoever looks sees that it is alive."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
