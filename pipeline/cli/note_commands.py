"""What people decide, and what they take away: ``cordtrack note`` and ``cordtrack packet``."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.targets import outside_study
from pipeline.errors import SettingsError
from pipeline.files import child_process
from pipeline.journal.decisions import ABOUT_LESIONS, TUMOUR, Act, ActKind

if TYPE_CHECKING:
    from pipeline.core.records import JournalEntry
    from pipeline.journal.sign_off import Signature

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True)

OutDir = Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack; its journal is added to.")]

OtherLesion = Annotated[
    str | None,
    typer.Option(
        help="Lesion that it is from this visit on; its own name confirms it; the other name for name_lesions."
    ),
]
ReadAs = Annotated[
    str | None,
    typer.Option(
        help="For correct_finding: what you read, or 'cannot tell'. For name_lesions, of --lesion and --same-as: "
        "right, exchanged (on this visit), 'one lesion' or 'another lesion' (from here on)."
    ),
]


@app.command(
    epilog="Example: cordtrack note my_output accept_mask sub-01 ses-03 --reason 'outline checked slice by slice'"
)
def note(
    out_dir: OutDir,
    act: Annotated[ActKind, typer.Argument(help="What you did or decided.")],
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="With or without sub-.")],
    visit: Annotated[str | None, typer.Argument(metavar="VISIT", help="With or without ses-.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, or the comment itself.")] = None,
    who: Annotated[str | None, typer.Option(help="Your name; your login name when not given.")] = None,
    compartment: Annotated[
        str | None,
        typer.Option(help="One mask of the visit; not given: all for accept_mask, else the tumour."),
    ] = None,
    lesion: Annotated[str | None, typer.Option(help="Lesion as the program calls it, for acts about lesions.")] = None,
    same_as: OtherLesion = None,
    finding: Annotated[
        str | None, typer.Option(help="For correct_finding: which, such as t2_signal; the lesion by --lesion.")
    ] = None,
    to: ReadAs = None,
    entry: Annotated[str | None, typer.Option(help="Entry to undo, by its id.")] = None,
    mask: Annotated[Path | None, typer.Option(help="For correct_mask: NIfTI on the visit's own scan.")] = None,
    label: Annotated[int | None, typer.Option(help="Number in that mask, where it holds several.")] = None,
    nothing_there: Annotated[bool, typer.Option("--nothing-there", help="That mask is empty, and rightly so.")] = False,
) -> None:
    """Accept, exclude or correct masks, exclude a visit, pin a baseline, correct lesions or findings, comment, undo."""
    from pipeline.journal import sign_off  # noqa: PLC0415  # keeps --help quick

    patient_id = f"sub-{patient.removeprefix('sub-')}"
    session_id = f"ses-{visit.removeprefix('ses-')}" if visit else None
    name = getpass.getuser() if who is None else who
    at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    if act == ActKind.CORRECT_MASK:
        place = (patient_id, session_id, compartment or TUMOUR)
        signed = sign_off.Signature(name, reason or "", at)
        _print(_correct_mask(out_dir, place, (mask, label), signed, nothing_there=nothing_there), out_dir)
        return
    noted = Act(act, patient_id, session_id, lesion_id=lesion, same_as=same_as, reason=reason, undoes=entry)
    if act in (ActKind.CORRECT_FINDING, ActKind.NAME_LESIONS):
        noted = replace(noted, finding=finding, corrected_to=to)
    _print(sign_off.put_on_record(out_dir, _acts(out_dir, noted, compartment), name, at), out_dir)


def _acts(out_dir: Path, noted: Act, compartment: str | None) -> Sequence[Act]:
    """Return the acts that a command means: one for each mask, bound to what is measured now, if it is about masks."""
    from pipeline.journal import sign_off  # noqa: PLC0415  # keeps --help quick

    about_lesion = (*ABOUT_LESIONS, ActKind.CORRECT_FINDING)
    act = noted if noted.kind in about_lesion else replace(noted, lesion_id=None)
    of_two = (ActKind.CORRECT_LESION, ActKind.NAME_LESIONS)
    act = act if noted.kind in of_two else replace(act, same_as=None)
    of_masks = (ActKind.ACCEPT_MASK, ActKind.EXCLUDE_MASK, ActKind.CORRECT_LESION)
    if noted.session_id is None or noted.kind not in of_masks:
        return [act]
    masks = sign_off.measured_masks(out_dir, noted.patient_id, noted.session_id)
    if noted.kind == ActKind.CORRECT_LESION:
        return [replace(act, mask_sha256=masks.get(TUMOUR), undoes=None)]
    chosen = compartment or (TUMOUR if noted.kind == ActKind.EXCLUDE_MASK else None)
    named = masks if chosen is None else {chosen: masks.get(chosen, "")}
    return sign_off.about_masks(noted.kind, noted.patient_id, noted.session_id, named, noted.reason)


@app.command(epilog="Example: cordtrack packet my_output --patient 01 -o sub-01.pdf")
def packet(
    out_dir: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")],
    patient: Annotated[str, typer.Option(help="With or without sub-.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", callback=outside_study, help="File to write, .pdf or .html.")
    ],
) -> None:
    """Write the packet of one patient: one A4 page with sentence, course, scans, numbers, criteria and sources."""
    command = child_process.module_command("dashboard.packet", out_dir.resolve(), patient, output.absolute())
    pages = child_process.CODE / "dashboard"
    environment = child_process.child_environment()
    raise typer.Exit(subprocess.run(command, env=environment, cwd=pages, check=False).returncode)


def _correct_mask(
    out_dir: Path,
    place: tuple[str, str | None, str],
    drawn: tuple[Path | None, int | None],
    signed: Signature,
    *,
    nothing_there: bool,
) -> tuple[JournalEntry, ...]:
    """Hold a drawing against the scan, say what it changes, and put it on record."""
    from pipeline.journal import drawing, sign_off  # noqa: PLC0415  # keeps --help quick

    (patient_id, session_id, compartment), (mask, label) = place, drawn
    if session_id is None or mask is None or not mask.is_file():
        raise SettingsError("correct_mask: expected a visit and --mask with a NIfTI file, found none")
    target = drawing.target_of(out_dir, patient_id, session_id, compartment)
    fit = drawing.held_against(target, mask, label)
    was = "" if fit.was_mm3 is None else f", was {fit.was_mm3:.0f} mm³"
    overlap = "" if fit.dice is None else f"; Dice {fit.dice:.2f}"
    out.print(f"{target.where}, {compartment}: {fit.volume_mm3:.0f} mm³{was}{overlap}", markup=False)
    for doubt in fit.doubts:
        out.print(doubt, markup=False)
    return sign_off.correct_mask(out_dir, target, fit, signed, nothing_there=nothing_there)


def _print(entries: Sequence[JournalEntry], out_dir: Path) -> None:
    for entry in entries:
        where = " ".join(filter(None, (entry.patient_id, entry.session_id, entry.compartment)))
        out.print(f"{entry.entry_id}  {entry.act} {where} by {entry.who}", markup=False)
    out.print(f"written to the journal of {out_dir}; the next cordtrack run lets it take effect", markup=False)
