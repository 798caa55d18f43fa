"""The command that asks how wrong the measurements are on a scanner's own protocol: ``cordtrack selftest``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.targets import outside_study

if TYPE_CHECKING:
    from pipeline.selftest.selftest_run import Done, Settings

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command(epilog="Example: cordtrack selftest --like scan.nii.gz --cord scan_cord.nii.gz -o selftest_out --jobs 2")
def selftest(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", callback=outside_study, help="Folder to write table, summary and figure to."),
    ],
    like: Annotated[
        Path | None, typer.Option(help="Scan of your protocol, without a tumour if you can; else a packaged phantom.")
    ] = None,
    cord: Annotated[Path | None, typer.Option(help="Mask of that scan's cord; else the one beside it.")] = None,
    at: Annotated[float | None, typer.Option(help="Where to implant: mm above the middle of the cord mask.")] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Lesion mask instead: implant there, its own signal made like cord.")
    ] = None,
    slice_mm: Annotated[
        float | None, typer.Option(help="Scan with sagittal slices of this thickness instead of the scan's own.")
    ] = None,
    volume: Annotated[
        list[float] | None, typer.Option(help="First volume, mL; repeat it. Usually 0.1, 0.25, 0.5, 1 and 2.5.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Pairs of each volume and growth; more are surer.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Only 0.5 mL, for a first look.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed implants the same lesions.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Pairs worked on at the same time.")] = max(1, os.cpu_count() or 1),
) -> None:
    """Implant known growth in your own scan, measure it as a run does, and say how wrong that is (synthetic)."""
    from pipeline.selftest import selftest_run  # noqa: PLC0415  # keeps --help quick
    from pipeline.selftest.host_scan import Place  # noqa: PLC0415

    volumes = tuple(volume) if volume else selftest_run.QUICK_VOLUMES_ML if quick else selftest_run.VOLUMES_ML
    settings = selftest_run.Settings(output, like, cord, Place(at, mask), slice_mm, volumes, repeats, seed, jobs)
    _print(_with_progress(settings), output)


def _with_progress(settings: Settings) -> Done:
    from pipeline.selftest import selftest_run  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("implanted pairs", total=None)
        return selftest_run.selftest(settings, lambda done, total: progress.update(task, completed=done, total=total))


def _print(done: Done, output: Path) -> None:
    from pipeline.selftest import report  # noqa: PLC0415

    out.print(done.sentence, markup=False)
    performance_rows = report.table(done.found)
    for masks in dict.fromkeys(row["masks"] for row in performance_rows):
        shown = Table(box=None, pad_edge=False, title=masks, title_justify="left")
        mask_rows = [
            {name: cell for name, cell in row.items() if name != "masks"}
            for row in performance_rows
            if row["masks"] == masks
        ]
        for name in mask_rows[0]:
            shown.add_column(name)
        for row in mask_rows:
            shown.add_row(*row.values())
        out.print(shown)
    out.print(f"cord: {done.cord_name}; wrote selftest.csv, .json, .png and .svg to {output}", markup=False)
