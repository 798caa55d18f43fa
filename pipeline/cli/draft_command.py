"""``cordtrack draft``: a first outline of a lesion from a few clicks, without a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.targets import outside_study
from pipeline.core import wording
from pipeline.core.vocabulary import Compartment
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.tools.draft_mask import Drafted

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True)

Places = Annotated[list[str] | None, typer.Option(metavar="X,Y,Z", help="Outside it, RAS+ mm; as often as needed.")]


@app.command(epilog="Example: cordtrack draft scan.nii.gz --inside 1.5,-20,33 --outside 2,-24,51 -o tumour_mask.nii.gz")
def draft(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="NIfTI file of any plane and spacing.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", callback=outside_study, metavar="MASK", help="Mask to write, .nii.gz.")
    ],
    inside: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y,Z", help="A place in the lesion, RAS+ mm; the first near its middle."),
    ] = None,
    outside: Places = None,
    compartment: Annotated[str, typer.Option(help="What is outlined.")] = Compartment.TUMOUR.value,
    second: Annotated[
        Path | None, typer.Option(help="Another contrast of the same visit, aligned: its world is the scan's.")
    ] = None,
    between: Annotated[
        Path | None,
        typer.Option(
            metavar="MASK", help="In place of clicks: a mask drawn on some slices, to be filled between them."
        ),
    ] = None,
    smooth: Annotated[bool, typer.Option("--smooth", help="Make the outline smooth; its volume stays.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Propose a lesion's outline from clicks, or fill one between drawn slices; a mask to be looked at."""
    from pipeline.draft.proposal import POORLY_PROPOSED, Clicks  # noqa: PLC0415
    from pipeline.tools import draft_mask  # noqa: PLC0415

    names = [str(name) for name in Compartment if name != Compartment.CORD]
    if compartment not in names:
        raise SettingsError(f"expected one of {', '.join(names)}, found {compartment}")
    if (between is None) == (not inside) or (between and (outside or second)):
        raise SettingsError("expected clicks (--inside X,Y,Z), or a mask drawn on some slices (--between MASK)")
    meant = Compartment(compartment)
    wanted = draft_mask.Wanted(meant, output, smooth, force)
    if between is not None:
        drafted = draft_mask.fill_file(scan, between, wanted)
    else:
        clicks = Clicks(draft_mask.places(inside or ()), draft_mask.places(outside or ()))
        drafted = draft_mask.draft_file(scan, clicks, wanted, second)
    if as_json:
        out.print_json(drafted.sidecar.read_text(encoding="utf-8"))
        return
    _tell(drafted, meant, POORLY_PROPOSED.get(meant) if between is None else None)


def _tell(drafted: Drafted, compartment: Compartment, doubt: str | None) -> None:
    unsure = "" if drafted.unsure_mm is None else f"least sure at {','.join(f'{at:.1f}' for at in drafted.unsure_mm)}; "
    out.print(
        f"{compartment}: {wording.volume(drafted.volume_mm3)}, {wording.length(drafted.length_mm)} long; proposed by a "
        f"program, signed by nobody; {unsure}wrote {drafted.mask}, {drafted.sidecar.name}",
        markup=False,
    )
    for words in (drafted.doubt, doubt):
        if words is not None:
            out.print(f"doubt: {words}", markup=False)
