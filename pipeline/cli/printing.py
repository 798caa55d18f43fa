"""What the command line prints when it is done: short tables a person can act on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from pipeline import api
from pipeline.core.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.align.certificate import Alignment
    from pipeline.run.run_settings import RunSummary

MOST_FINDINGS = 12
"""Findings printed after a run; the dashboard's Quality page and ``cordtrack export --table finding`` have all."""

MOST_PATIENTS = 60
"""Patients printed one by one after a run; of more, those that were worked on, and ``cordtrack status`` has all."""


def print_run(console: Console, done: RunSummary, out_dir: Path) -> None:
    """Print what was computed, each patient's state, and the first findings."""
    if done.is_job:
        console.print(
            f"{count(len(done.computed), 'patient')} computed, {len(done.reused)} up to date; not published: when all "
            f"jobs have ended, cordtrack gather {out_dir}",
            markup=False,
        )
        return
    if not done.is_published:
        asked = len(done.computed) + len(done.reused)
        patients = count(asked, "patient is", "patients are") if asked else "what is published is"
        console.print(f"nothing changed: {patients} up to date in {out_dir}", markup=False)
        return
    _print_patients(console, done, out_dir)
    for finding in [f for f in done.findings if f.severity == "error"][:MOST_FINDINGS]:
        console.print(f"  error: {finding.message}\n         {finding.remedy}", markup=False)
    missing = [str(f.patient_id) for f in done.findings if f.code == "results_missing"]
    if missing:
        names = f"{', '.join(missing[:MOST_FINDINGS])}{' ...' if len(missing) > MOST_FINDINGS else ''}"
        console.print(f"no results yet: {count(len(missing), 'patient')} of the study ({names})", markup=False)
    counts = [count(sum(f.severity == s for f in done.findings), s) for s in ("error", "warning", "note")]
    worked = f"{count(len(done.computed), 'patient')} computed, {len(done.reused)} reused"
    if not done.computed and not done.reused:
        worked = "finished patients published"
    console.print(
        f"{worked}; findings: {', '.join(counts)}; look with: cordtrack dashboard {out_dir}",
        markup=False,
    )


def _print_patients(console: Console, done: RunSummary, out_dir: Path) -> None:
    """Print each patient; in a large study those that were worked on, or how many there are of each state."""
    patients = api.status(out_dir)
    if len(patients) <= MOST_PATIENTS:
        print_status(console, patients)
        return
    fresh = patients[patients["patient"].isin(done.computed)]
    if 0 < len(fresh) <= MOST_PATIENTS:
        print_status(console, fresh)
    states = patients["state"].fillna("not judged").value_counts()
    counts = ", ".join(f"{number} {str(state).replace('_', ' ')}" for state, number in states.items())
    gaps = int((patients["why"].notna() & patients["visits"].notna()).sum())
    console.print(
        f"{count(len(patients), 'patient')}: {counts}; {gaps} with a visit that has no volume. Each of them, with "
        f"the reason: cordtrack status {out_dir}",
        markup=False,
    )


def print_status(console: Console, patients: pd.DataFrame) -> None:
    """Print one row per patient, and below them which visits have no volume, with the reason."""
    print_table(console, patients.drop(columns="why").rename(columns=lambda name: str(name).replace("_", " ")))
    for patient, why in patients.loc[patients["why"].notna(), ["patient", "why"]].itertuples(index=False):
        console.print(f"  {patient} not measured: {why}", markup=False)


def print_table(console: Console, table_shown: pd.DataFrame, title: str | None = None) -> None:
    """Print a data frame with its columns' own names."""
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name in table_shown.columns:
        table.add_column(str(name))
    for row in table_shown.itertuples(index=False):
        table.add_row(*(_text(value) for value in row))
    console.print(table)


def print_alignment(console: Console, alignment: Alignment, out_prefix: str) -> None:
    """Print how good one alignment is, and where it was written."""
    quality = alignment.quality
    console.print(f"grade {quality.grade}: {'; '.join(quality.reasons) or 'nothing to object to'}", markup=False)
    if alignment.around:
        console.print(f"aligned around {alignment.around}", markup=False)
    console.print(
        f"method {alignment.method}; wrote {out_prefix}to_moving.h5, to_fixed.h5, aligned.nii.gz", markup=False
    )


def _text(value: Any) -> str:
    if value is None or str(value) in {"nan", "NaT"}:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).removesuffix(" 00:00:00")
