"""The ``cordtrack`` command: what every study needs, and where the commands of the neighbouring modules join.

Each command parses, calls :mod:`pipeline.api` or a room, and prints; the work is done elsewhere. Exit codes: 0 done,
1 done but some visits failed (with ``--strict``), 2 refused with a message.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipeline import __version__, api
from pipeline.cli import (
    bench_command,
    check_command,
    draft_command,
    ending,
    hospital_commands,
    journal_commands,
    note_commands,
    pages_command,
    selftest_command,
    serve_command,
    table_commands,
)
from pipeline.cli.targets import outside_study
from pipeline.errors import CordtrackError, SettingsError
from pipeline.journal import journal_key

if TYPE_CHECKING:
    from pipeline.run.run_settings import RunSummary

app = typer.Typer(
    name="cordtrack",
    help="Follow intramedullary spinal cord tumours over serial MRI. Research use only, not for treatment decisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)
app.add_typer(pages_command.app)
app.add_typer(serve_command.app)
app.add_typer(check_command.app)
app.add_typer(table_commands.app)
app.add_typer(draft_command.app)
app.add_typer(hospital_commands.app)
app.add_typer(note_commands.app)
app.add_typer(journal_commands.app)
app.add_typer(selftest_command.app)
app.add_typer(bench_command.app)
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Format(StrEnum):
    """File formats of ``cordtrack export``."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


class AnalysisLevel(StrEnum):
    """BIDS-App analysis levels: a job for some patients that publishes nothing, or the whole study."""

    PARTICIPANT = "participant"
    GROUP = "group"


BidsDir = Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; it is never written to.")]
OutDir = Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")]
Executor = Annotated[
    str,
    typer.Option(
        metavar="WHERE", help="Where patients are worked on: local, dask[:ADDRESS] or slurm[:OPTION=VALUE,...]."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def main() -> None:
    """Run the command; refusals become one plain message and exit code 2, a signal to end is obeyed in order."""
    ending.obey_signals()
    journal_key.name_in_full()
    try:
        app(args=_spread_labels(sys.argv[1:]), prog_name="cordtrack")
    except CordtrackError as error:
        err.print(f"cordtrack: {error}", style="bold red", markup=False)
        sys.exit(2)
    except RuntimeError:
        if not ending.asked_to_end:
            raise
        sys.exit(128 + ending.asked_to_end[0])  # DuckDB puts "Query interrupted" in place of the end that was under way


@app.command("run", epilog="Example: cordtrack run my_study my_output --participant-label 01 02 --jobs 4")
def run_command(
    bids_dir: BidsDir,
    out_dir: OutDir,
    level: Annotated[
        AnalysisLevel | None,
        typer.Argument(
            help="Of a BIDS-App. participant: a job for the patients named, beside other jobs, that publishes nothing; "
            "group, or nothing: whatever is left to do, then publish."
        ),
    ] = None,
    participant_label: Annotated[
        list[str] | None, typer.Option(help="Only these patients, with or without sub-; several may follow.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Patients worked on at the same time.")] = max(
        1, os.cpu_count() or 1
    ),
    criteria: Annotated[str, typer.Option(help="Criteria that decide what is shown first.")] = api.DEFAULT_CRITERIA,
    schedules: Annotated[
        Path | None, typer.Option(help="A .toml file with follow-up schedules in place of the packaged ones.")
    ] = None,
    masks_from: Annotated[
        str, typer.Option(help="Masks nobody drew: given (lesion found again), sct, or a model's .toml file.")
    ] = "given",
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of reading; today.")] = None,
    executor: Executor = "local",
    strict: Annotated[bool, typer.Option(help="Exit with code 1 when something was left out.")] = False,
) -> None:
    """Measure and judge a study folder; does only what changed since the last run."""
    from pipeline.cli import printing  # noqa: PLC0415  # keeps --help quick

    options = api.RunOptions(
        criteria_id=criteria,
        participants=participant_label or None,
        jobs=jobs,
        as_of=as_of.date() if as_of else None,
        schedules=schedules,
        masks_from=masks_from,
        is_job=level == AnalysisLevel.PARTICIPANT and bool(participant_label),
        executor=executor,
    )
    done = _with_progress(lambda show: api.run(bids_dir, out_dir, options, show))
    printing.print_run(out, done, out_dir)
    if strict and any(finding.severity == "error" for finding in done.findings):
        raise typer.Exit(1)


@app.command(epilog="Example: cordtrack gather my_output")
def gather(out_dir: OutDir) -> None:
    """Publish in one stroke what jobs have finished (run ... participant --participant-label ...)."""
    from pipeline.cli import printing  # noqa: PLC0415

    printing.print_run(out, api.gather(out_dir), out_dir)


@app.command(epilog="Example: cordtrack rebuild my_output")
def rebuild(out_dir: OutDir) -> None:
    """Make the database again from the study folder and the finished derivatives; same content."""
    from pipeline.cli import printing  # noqa: PLC0415

    jobs = max(1, os.cpu_count() or 1)
    printing.print_run(out, _with_progress(lambda show: api.rebuild(out_dir, jobs, show)), out_dir)


@app.command(epilog="Example: cordtrack status my_output --json")
def status(out_dir: OutDir, as_json: AsJson = False) -> None:
    """Show each patient's visits, last scan, state and failures."""
    from pipeline.cli import printing  # noqa: PLC0415

    patients = api.status(out_dir)
    if as_json:
        out.print_json(patients.to_json(orient="records", date_format="iso"))
    else:
        printing.print_status(out, patients)


@app.command(epilog="Example: cordtrack export my_output --table measurement --format csv -o measurement.csv")
def export(
    out_dir: OutDir,
    table: Annotated[str | None, typer.Option(help="Name of the view, such as measurement or assessment.")] = None,
    file_format: Annotated[Format, typer.Option("--format", help="csv, parquet or xlsx.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", callback=outside_study, help="File to write.")
    ] = None,
    dictionary: Annotated[bool, typer.Option("--dictionary", help="The data dictionary instead of a table.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All views as Parquet files in the folder --output, for a data warehouse.")
    ] = False,
) -> None:
    """Export a view with its data dictionary; without --table the names are listed."""
    if everything:
        _export_all(out_dir, output, file_format, is_alone=table is None and not dictionary)
        return
    if table is None and not dictionary:
        out.print("\n".join(api.views(out_dir)))
        return
    from pipeline.store import export, reader  # noqa: PLC0415  # keeps --help quick

    database = reader.database_path(out_dir)
    target = output or outside_study(Path(f"{'dictionary' if dictionary else table}.{file_format}"))
    if dictionary:
        export.export_dictionary(database, table, str(file_format), target)
    else:
        export.export_table(database, str(table), str(file_format), target)
    err.print(f"wrote {target}", markup=False)


def _export_all(out_dir: Path, output: Path | None, file_format: Format, *, is_alone: bool) -> None:
    if output is None or file_format != Format.PARQUET or not is_alone:
        raise SettingsError("--all: expected --format parquet and a folder as --output, and no --table; say it so")
    from pipeline.store import export, reader  # noqa: PLC0415  # keeps --help quick

    names = export.export_all(reader.database_path(out_dir), output)
    err.print(f"wrote {len(names)} tables and schema.json to {output}", markup=False)


@app.command(epilog="Example: cordtrack measure mask.nii.gz --image scan.nii.gz --json")
def measure(
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="Label map, mask or probability map.")],
    image: Annotated[Path | None, typer.Option(help="Scan that the mask must share its grid with.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the compartments of one label map or mask in its own grid."""
    from pipeline.cli import printing  # noqa: PLC0415

    sizes = api.measure(mask, image)
    if as_json:
        out.print_json(json.dumps(sizes.to_dict("records")))
    else:
        printing.print_table(out, sizes)


@app.command(
    epilog="Example: cordtrack register visit1.nii.gz visit2.nii.gz pair_ --points cord.csv --points-out moved.csv"
)
def register(
    fixed: Annotated[Path, typer.Argument(metavar="FIXED", help="Scan whose space is kept.")],
    moving: Annotated[Path, typer.Argument(metavar="MOVING", help="Scan that is brought to it.")],
    out_prefix: Annotated[str, typer.Argument(metavar="OUT_PREFIX", help="Start of the names of the files written.")],
    fixed_mask: Annotated[
        Path | None, typer.Option(help="Lesion mask on the fixed scan; without it the cord is found.")
    ] = None,
    fixed_contrast: Annotated[str | None, typer.Option(help="What it shows, such as T2w; else by name.")] = None,
    moving_contrast: Annotated[str | None, typer.Option(help="The same of the moving scan.")] = None,
    points: Annotated[Path | None, typer.Option(help="CSV with columns x,y,z: RAS+ mm in the fixed scan.")] = None,
    points_out: Annotated[Path | None, typer.Option(help="Where those points lie in the moving scan.")] = None,
) -> None:
    """Align one pair of scans and say how good the alignment is."""
    if (points is None) != (points_out is None):
        raise SettingsError("--points and --points-out go together: name both files or none")
    from pipeline.cli import printing  # noqa: PLC0415
    from pipeline.tools import one_scan  # noqa: PLC0415

    shown = (fixed_contrast, moving_contrast)
    alignment = api.register(fixed, moving, out_prefix, fixed_mask=fixed_mask, contrasts=shown)
    if points is not None and points_out is not None:
        one_scan.move_points_file(alignment, points, points_out)
    printing.print_alignment(out, alignment, out_prefix)
    doubt = one_scan.doubt_about(fixed, moving)
    if doubt is not None:
        out.print(f"doubt: {doubt}", markup=False)


@app.command()
def version() -> None:
    """Print the version."""
    out.print(f"cordtrack {__version__}")


def _print_version(is_asked: bool) -> None:  # typer calls it so
    if is_asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    del show_version


def _with_progress(work: Callable[[api.Progress], RunSummary]) -> RunSummary:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("reading the study", total=None)

        def show(done: int, total: int, name: str) -> None:
            progress.update(task, completed=done, total=total, description=f"patients (last: {name})")

        return work(show)


def _spread_labels(arguments: list[str]) -> list[str]:
    """Let several labels follow one ``--participant-label``, as BIDS-Apps do."""
    spread: list[str] = []
    is_label = False
    for argument in arguments:
        if argument == "--participant-label":
            is_label = True
            continue
        is_label = is_label and not argument.startswith("-")
        spread += ["--participant-label", argument] if is_label else [argument]
    return spread
