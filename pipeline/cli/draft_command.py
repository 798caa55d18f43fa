"""``cordtrack draft``: a first outline of a lesion from a few clicks, without a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.targets import outside_study
from pipeline.core import wording
from pipeline.core.vocabulary import Compartment
from pipeline.errors import SettingsError

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
        list[str], typer.Option(metavar="X,Y,Z", help="A place in the lesion, RAS+ mm; the first near its middle.")
    ],
    outside: Places = None,
    compartment: Annotated[str, typer.Option(help="What is outlined.")] = Compartment.TUMOUR.value,
    second: Annotated[
        Path | None, typer.Option(help="Another contrast of the same visit, aligned: its world is the scan's.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Propose a lesion's outline from clicks; an automatic mask, to be looked at and corrected."""
    from pipeline.draft.proposal import POORLY_PROPOSED, Clicks  # noqa: PLC0415
    from pipeline.tools import draft_mask  # noqa: PLC0415

    names = [str(name) for name in Compartment if name != Compartment.CORD]
    if compartment not in names:
        raise SettingsError(f"expected one of {', '.join(names)}, found {compartment}")
    clicks = Clicks(draft_mask.places(inside), draft_mask.places(outside or ()))
    drafted = draft_mask.draft_file(scan, clicks, Compartment(compartment), output, second=second, force=force)
    if as_json:
        out.print_json(drafted.sidecar.read_text(encoding="utf-8"))
        return
    unsure = ",".join(f"{at:.1f}" for at in drafted.unsure_mm)
    out.print(
        f"{compartment}: {wording.volume(drafted.volume_mm3)}, {wording.length(drafted.length_mm)} long; proposed by a "
        f"program, signed by nobody; least sure at {unsure}; wrote {drafted.mask}, {drafted.sidecar.name}",
        markup=False,
    )
    if Compartment(compartment) in POORLY_PROPOSED:
        out.print(f"doubt: {POORLY_PROPOSED[Compartment(compartment)]}", markup=False)
