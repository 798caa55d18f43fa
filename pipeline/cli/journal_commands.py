"""What people put on record, kept: ``cordtrack journal verify | accept``, ``cordtrack backup`` and ``restore``."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.core.records import JournalHead
from pipeline.errors import StoreError

app = typer.Typer()
journal = typer.Typer(help="Check the journal of an output folder, or say on record that a loss is known.")
app.add_typer(journal, name="journal")
out = Console(highlight=False, soft_wrap=True)
OutDir = Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")]


@journal.command(epilog="Example: cordtrack journal verify my_output")
def verify(out_dir: OutDir) -> None:
    """Say of each file whether it is whole, and which line is not; exit code 1 when something is wrong."""
    from pipeline.journal import act_file, cohort_file, drawn_masks, lesion_names, published_history  # noqa: PLC0415

    heads = published_history.heads(out_dir)
    acts = act_file.read(out_dir)
    problems = [row.message for row in (*acts.findings, *lesion_names.read(out_dir).findings)]
    problems += cohort_file.read(out_dir).problems
    problems += [f"{one.head.file}: {one.difference}" for one in published_history.lost(out_dir, _published(out_dir))]
    problems += drawn_masks.problems(out_dir, [row.mask_sha256 for row in acts.entries if row.act == "correct_mask"])
    for head in heads:
        out.print(f"{head.file}: {head.line_count} lines, sha256 {head.sha256[:16]}", markup=False)
    for problem in problems:
        out.print(problem, style="bold red", markup=False)
    if problems:
        raise typer.Exit(1)
    out.print("whole" if heads else "nobody put anything on record yet", markup=False)


@journal.command(epilog="Example: cordtrack journal accept my_output --who 'A. Reader' --reason 'disk lost on 3 May'")
def accept(
    out_dir: OutDir,
    reason: Annotated[str, typer.Option(help="What happened, and why it cannot be mended.")],
    who: Annotated[str | None, typer.Option(help="Your name; your login name when not given.")] = None,
) -> None:
    """Say on record that lines of the journal are lost, so that results are published without them."""
    from pipeline.journal import published_history  # noqa: PLC0415  # keeps --help quick

    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    name = getpass.getuser() if who is None else who
    count = published_history.accept(out_dir, _published(out_dir), who=name, reason=reason, at=at)
    out.print(f"put on record for {count} file{'' if count == 1 else 's'}; the next run publishes", markup=False)


@app.command(epilog="Example: cordtrack backup my_output my_output_2026-05-03.zip")
def backup(
    out_dir: OutDir,
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="The .zip file to write.")],
) -> None:
    """Copy what no run can make again: the journal, the masks people drew, what the last run was asked."""
    from pipeline.journal import backup as copies  # noqa: PLC0415  # keeps --help quick

    out.print(f"{archive}: {copies.backup(out_dir, archive)} files", markup=False)
    for name in copies.left_out(out_dir):
        out.print(f"{name}: not copied, for it is no file of the journal", markup=False)


@app.command(epilog="Example: cordtrack restore my_output_2026-05-03.zip my_output")
def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="A .zip file that cordtrack backup wrote.")],
    out_dir: OutDir,
) -> None:
    """Put a copy of the journal back; a line that the folder has and the copy lacks is never taken away."""
    from pipeline.journal import backup as copies  # noqa: PLC0415  # keeps --help quick

    out.print(f"{out_dir}: {copies.restore(archive, out_dir)} files put back", markup=False)


def _published(out_dir: Path) -> tuple[JournalHead, ...]:
    """Return how far the journal went when results were published; none where there are no results."""
    from pipeline.store import reader  # noqa: PLC0415  # keeps --help quick

    database = reader.database_path(out_dir)
    if not out_dir.is_dir():
        raise StoreError(f"{out_dir}: expected an output folder of cordtrack, found no such folder; check the path")
    return reader.journal_heads(database) if database.is_file() else ()
