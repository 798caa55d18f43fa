"""Runs: what one would do and why, asking for it, watching it, ending it, and how the last ones went."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import streamlit as st

from dashboard.data import study_jobs
from dashboard.shell import page, signing
from dashboard.shell.job_progress import watched
from dashboard.words import labels
from dashboard.words.markup import join, tag
from pipeline.journal.roles import Deed
from pipeline.service.jobs import Job, JobState

LISTED = 8
WORDS = {
    JobState.QUEUED: "waits",
    JobState.RUNNING: "runs",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "stopped",
}


def run_section() -> None:
    """Offer a run with what it would do, and show those that run, wait and have ended."""
    page.section("Run", "aligns, measures and judges; does only what changed")
    with st.spinner("Comparing with the results …", show_time=True):
        plan = study_jobs.plan()
    reasons, is_under_way = Counter(one.reason for one in plan.pending), bool(study_jobs.open_jobs())
    if not plan.pending:
        page.remark(f"Nothing is to be done: {labels.count(len(plan.up_to_date), 'patient')} up to date.")
    else:
        words = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        page.remark(
            f"{'Not done yet:' if is_under_way else 'A run would work on'} "
            f"{labels.count(len(plan.pending), 'patient')} ({words})"
            + (f" and take {len(plan.up_to_date)} as they are." if plan.up_to_date and not is_under_way else ".")
        )
        with st.expander("Who, and why"):
            lines = (tag("tr", tag("td", one.patient_id), tag("td", one.reason)) for one in plan.pending)
            st.html(tag("table", tag("tbody", join(lines)), class_="ct-table"))
    if signing.offers(Deed.RUN, "A run"):
        st.button(
            "Run",
            key="run-study",
            type="primary" if plan.pending and not is_under_way else "secondary",
            on_click=signing.record,
            args=(lambda: study_jobs.ask_for_run(signing.reader()),),
        )
    signing.answer()
    watched("study")
    _ended([job for job in study_jobs.all_jobs() if not job.is_open][:LISTED])


def _ended(jobs: list[Job]) -> None:
    if not jobs:
        return
    page.section("Runs that have ended")
    for job in jobs:
        st.html(tag("p", *_line(job), class_="ct-small"))
    failed = next((job for job in jobs if job.state == JobState.FAILED), None)
    with st.expander("What the last run printed" if failed is None else "What the last failed run printed"):
        st.code(study_jobs.log(failed or jobs[0]) or "nothing", language=None)


def _line(job: Job) -> tuple[str, ...]:
    who = f", asked for by {job.asked_by}" if job.asked_by else ""
    whom = f" for {', '.join(job.participants)}" if job.participants else ""
    took = f" after {_duration(job)}" if job.began_at and job.ended_at else ""
    head = f"{labels.minute(job.ended_at or job.asked_at)}  {WORDS[job.state]}{took}{whom}{who}: "
    return head, tag("span", job.message, class_="ct-grey")


def _duration(job: Job) -> str:
    seconds = ((job.ended_at or datetime.now(UTC)) - (job.began_at or job.asked_at)).total_seconds()
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
