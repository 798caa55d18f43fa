"""``cordtrack bench``: any program's alignments and masks held against cords whose truth is known."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.printing import print_table
from pipeline.cli.targets import outside_study
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.bench.score_tables import ScoreTables

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command(epilog="Example: cordtrack bench realcord/cervical --results my_program --csv my_program.csv")
def bench(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Folder with bids/ and truth/, or of people scanned twice.")
    ],
    results: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of another program: landmarks.tsv, transforms/, masks/ (docs/bench.md)."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="OUT_DIR", help="In its place: what cordtrack run wrote for these scans.")
    ] = None,
    csv: Annotated[Path, typer.Option(callback=outside_study, help="Every row, to be written.")] = Path("bench.csv"),
    limit: Annotated[
        float,
        typer.Option(min=1, max=100, help="Change of a volume that truly stayed, per cent, that counts as false."),
    ] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Score a program's alignments and masks on scans whose truth is known; what it did not give counts as missing."""
    if (results is None) == (output is None):
        raise SettingsError("expected what is scored: --results FOLDER of a program, or --output OUT_DIR of cordtrack")
    from pipeline.bench import given_results, known_truth, score_tables, scoring  # noqa: PLC0415  # keeps --help quick
    from pipeline.files import atomic  # noqa: PLC0415

    known_set = known_truth.read_set(data)
    if results is not None:
        given = given_results.read_results(results, known_set)
    else:
        given = given_results.read_own(Path(str(output)), known_set)
    points, masks = scoring.score_points(known_set, given), scoring.score_masks(known_set, given)
    tables = score_tables.tables_of(points, masks, limit / 100)
    atomic.write_text(csv, score_tables.frame_of(given.name, points, masks, limit / 100).to_csv(index=False))
    unused = [*known_set.unusable, *given.strangers]
    unused += [f"{name}: no truth is known" for name in scoring.without_truth(known_set, given)]
    if as_json:
        out.print_json(data={"program": given.name, **dataclasses.asdict(tables), "unused": unused})
    else:
        _print(f"{given.name} on {known_set.name}", tables, unused)
    err.print(f"wrote {csv}", markup=False)


def _print(title: str, tables: ScoreTables, unused: Sequence[str]) -> None:
    out.print(title, markup=False)
    from pandas import DataFrame  # noqa: PLC0415  # keeps --help quick

    for heading, figures in (
        ("Alignment, mm", [tables.alignment] if tables.alignment else []),
        ("Volumes and overlap", tables.masks),
        ("Changes since the first visit", tables.changes),
    ):
        if figures:
            print_table(out, DataFrame(figures), heading)
    for heading, sentences in (
        ("Worst", tables.worst),
        ("Missing", tables.missing),
        (
            "Not used: masks of the dataset on the grid of no scan, files of no visit, compartments without truth",
            unused,
        ),
    ):
        if sentences:
            out.print(f"{heading}:", markup=False)
            for sentence in sentences:
                out.print(f"  {sentence}", markup=False)
