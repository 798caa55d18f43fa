"""``cordtrack check``: what is wrong with a study folder and what a run will leave out, before anything is computed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pipeline import api

if TYPE_CHECKING:
    from pipeline.run.study_outlook import StudyCheck

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command(epilog="Example: cordtrack check my_study")
def check(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; it is never written to.")],
    out_dir: Annotated[
        Path | None, typer.Argument(metavar="[OUT_DIR]", help="Output folder: what people drew there is read as well.")
    ] = None,
    criteria: Annotated[str, typer.Option(help="Criteria that a run will be asked for.")] = api.DEFAULT_CRITERIA,
    schedules: Annotated[Path | None, typer.Option(help="A .toml file with follow-up schedules.")] = None,
    masks_from: Annotated[
        str, typer.Option(help="Masks nobody drew: given (lesion found again), sct, or a model's .toml file.")
    ] = "given",
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of reading; today.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say what is wrong with a study folder and what will not be measured, and why; computes and writes nothing.

    Exit code 0: nothing is left out; 1: something is.
    """
    options = api.RunOptions(
        criteria_id=criteria,
        jobs=max(1, os.cpu_count() or 1),
        as_of=as_of.date() if as_of else None,
        schedules=schedules,
        masks_from=masks_from,
    )
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("reading scans and masks", total=None)
        study = api.check(
            bids_dir, out_dir, options, lambda done, total, _name: progress.update(task, completed=done, total=total)
        )
    if as_json:
        out.print_json(data=asdict(study), default=str)
    else:
        _print(study)
    if not study.is_sound:
        raise typer.Exit(1)


def _print(study: StudyCheck) -> None:
    for finding in study.findings:
        if finding.severity != "note":
            out.print(f"{finding.severity}: {finding.message}\n  {finding.remedy}", markup=False)
    for visit in study.visits:
        if visit.reason is not None:
            out.print(f"{visit.patient_id} {visit.session_id} {visit.outlook}: {visit.reason}", markup=False)
    outlooks = Counter(str(visit.outlook) for visit in study.visits)
    severities = Counter(finding.severity for finding in study.findings)
    visits = ", ".join(f"{count} {word}" for word, count in sorted(outlooks.items())) or "none"
    counts = ", ".join(f"{severities[severity]} {severity}s" for severity in ("error", "warning", "note"))
    out.print(f"{study.study}: {len(study.patient_ids)} patients; visits: {visits}; findings: {counts}", markup=False)
