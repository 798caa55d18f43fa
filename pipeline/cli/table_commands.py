"""The commands that take tables of other software: ``cordtrack assess`` and ``cordtrack import``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline import api
from pipeline.cli.targets import outside_study

if TYPE_CHECKING:
    from pipeline.core.records import Finding

UNDECIDED = 3
"""Exit code: a table was written, and some verdicts in it wait for what somebody must say, or lack a row."""

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Volumes = Annotated[
    Path,
    typer.Argument(
        metavar="VOLUMES.csv",
        help="Columns patient_id, date, compartment, volume_mm3 (or volume_ml, or diameters), [volume_cv].",
    ),
]
Treatments = Annotated[
    Path | None, typer.Option(help="Columns patient_id, date, kind, [end_date, extent, dose_gy, agent].")
]
FindingsTable = Annotated[
    Path | None, typer.Option(callback=outside_study, help="CSV file for what was odd in the tables.")
]
ResponsesTable = Annotated[
    Path | None, typer.Option(callback=outside_study, help="CSV file for the best response of each course.")
]
ReadingsTable = Annotated[
    Path | None,
    typer.Option(
        callback=outside_study, help="CSV file for verdicts with the cyst counted, and on enhancing and T2 tumour."
    ),
]
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of reading; today.")]


@app.command(epilog="Example: cordtrack assess volumes.csv --treatments treatments.csv -o judged.csv")
def assess(
    volumes: Volumes,
    output: Annotated[Path, typer.Option("--output", "-o", callback=outside_study, help="CSV file to write.")],
    treatments: Treatments = None,
    function: Annotated[
        Path | None, typer.Option(help="Columns patient_id, date, scale_id, grade, [tumour_related].")
    ] = None,
    criteria: Annotated[str, typer.Option(help="Id of criteria, a .toml file, or all.")] = api.DEFAULT_CRITERIA,
    findings: FindingsTable = None,
    best_response: ResponsesTable = None,
    readings: ReadingsTable = None,
    as_of: AsOf = None,
) -> None:
    """Judge sizes that other software measured, without images.

    Exit code 2 when nothing could be judged, 3 when a verdict waits for the kind of a
    treatment or for a day, or a row of sizes could not be used.
    """
    from pipeline.tools.assess import (  # noqa: PLC0415  # keeps --help quick
        write_best_responses,
        write_findings,
        write_judged,
        write_readings,
    )

    day = as_of.date() if as_of else None
    judged = api.assess(volumes, treatments, criteria_id=criteria, as_of=day, function=function)
    _print_findings(judged.findings)
    if findings is not None:
        write_findings(judged.findings, findings)
    write_judged(judged, output)
    if best_response is not None:
        write_best_responses(judged, best_response)
    if readings is not None:
        write_readings(judged, readings)
    out.print(f"{judged.judged_count} of {len(judged.rows)} verdicts reached; wrote {output}", markup=False)
    if judged.lost_rows:
        out.print(f"rows of sizes or grades in no verdict, see the messages: {judged.lost_rows}", markup=False)
    if judged.undecided_count:
        waiting = "wait for the kind of a treatment or for a day (see the column reason)"
        out.print(f"{judged.undecided_count} of {len(judged.rows)} verdicts {waiting}", markup=False)
    if judged.undecided_count or judged.lost_rows:
        raise typer.Exit(UNDECIDED)


@app.command("import", epilog="Example: cordtrack import volumes.csv my_study --treatments treatments.csv")
def import_command(
    volumes: Volumes,
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; rows are added to its tables.")],
    treatments: Treatments = None,
    as_of: AsOf = None,
) -> None:
    """Add sizes that other software measured to a study, for patients or days without images; only adds, ever."""
    from pipeline.study import import_numbers  # noqa: PLC0415

    day = as_of.date() if as_of else datetime.now().astimezone().date()
    done = import_numbers.import_table(volumes, treatments, bids_dir, day)
    _print_findings(done.findings)
    added = f"{done.measures} sizes, {done.patients} patients, {done.treatments} treatments"
    out.print(f"added {added} to {bids_dir}; next: cordtrack run {bids_dir} OUT_DIR", markup=False)


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        err.print(f"{finding.severity}: {finding.message} ({finding.remedy})", markup=False)
