"""The commands that talk to a hospital: DICOM and clinical tables in, DICOM and FHIR out, to and from a PACS."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.core.records import Finding
    from pipeline.hospital.importing.importing import ImportDone

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Private = Annotated[
    Path | None,
    typer.Option(help="Folder outside BIDS_DIR for the key and who is who; BIDS_DIR.private beside it by default."),
]


@app.command("import-dicom", epilog="Example: cordtrack import-dicom /media/cdrom my_study --shift-dates --dry-run")
def import_dicom(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder, zip archive or disc with DICOM files.")],
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; new scans are added to it.")],
    patients: Annotated[
        Path | None, typer.Option(help="CSV with dicom_id, participant_id; without it pseudonyms are made.")
    ] = None,
    rules: Annotated[Path | None, typer.Option(help="TOML rules for series that are not sure.")] = None,
    shift_dates: Annotated[
        bool, typer.Option("--shift-dates", help="Move each patient's dates by a secret number of days.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide and say, but write nothing.")] = False,
    private: Private = None,
    jobs: Annotated[int, typer.Option(min=1, help="Series converted at the same time.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit with code 1 when something was left out.")] = False,
) -> None:
    """Put DICOM scans and masks into a study under pseudonyms; a second import adds only what is new."""
    need("pydicom")
    from pipeline.hospital.importing import importing  # noqa: PLC0415  # keeps --help quick

    settings = importing.ImportSettings(source, bids_dir, patients, rules, private, shift_dates, dry_run, jobs)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("listing files", total=None)
        done = importing.import_dicom(
            settings,
            lambda count, total, what: progress.update(task, completed=count, total=total or None, description=what),
        )
    if as_json:
        out.print_json(json.dumps(_as_json(done)))
    else:
        print_import(done, bids_dir, is_trial=dry_run)
    if strict and any(finding.severity == "error" for finding in done.findings):
        raise typer.Exit(1)


def need(module: str) -> None:
    """Refuse with the remedy when the libraries for hospitals are not installed.

    Raises
    ------
    SettingsError
        The extra ``hospital`` is missing.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    if find_spec(module) is None:
        raise SettingsError(f"this command needs {module}; install it with: pip install 'cordtrack[hospital]'")


def say(findings: Sequence[Finding]) -> None:
    """Print findings on the error stream, each with its remedy."""
    for finding in findings:
        err.print(f"{finding.severity}: {finding.message} ({finding.remedy})", markup=False)


def _as_json(done: ImportDone) -> dict[str, object]:
    from dataclasses import asdict  # noqa: PLC0415

    return {
        "series": [asdict(row) for row in done.rows],
        "added": list(done.added),
        "other_files": done.other_files,
        "findings": [asdict(finding) for finding in done.findings],
    }


def print_import(done: ImportDone, bids_dir: Path, *, is_trial: bool) -> None:
    """Print what an import did, with every finding."""
    say(done.findings)
    for row in sorted(done.rows, key=lambda row: (row.participant_id, row.session_id, row.file)):
        if row.file in done.added:
            out.print(f"{row.file}: {row.reason} (confidence {row.confidence})", markup=False)
    for file in done.added:
        if file.startswith("derivatives/"):
            out.print(file, markup=False)
    skipped = Counter(row.reason for row in done.rows if row.outcome == "skipped")
    for reason, count in skipped.most_common():
        out.print(f"skipped {count} series: {reason}", markup=False)
    counts = Counter(row.outcome for row in done.rows)
    verb = "would add" if is_trial else "added"
    known = counts["imported"] - sum(row.file in done.added for row in done.rows)
    there = f", {known} series were there" if known else ""
    words = f"{verb} {len(done.added)} files{there}; {counts['unsure']} series unsure, {counts['refused']} refused"
    others = f"; {done.other_files} other files were no DICOM" if done.other_files else ""
    out.print(words + others, markup=False)
    if not is_trial and done.rows:
        out.print(f"every decision: {bids_dir / 'sourcedata' / 'dicom' / 'decisions.tsv'}", markup=False)


OutDir = Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")]
PatientId = Annotated[str, typer.Option("--patient", help="Patient, with or without sub-.")]


@app.command("export-dicom", epilog="Example: cordtrack export-dicom my_output --patient 01 -o to_pacs")
def export_dicom(
    out_dir: OutDir,
    patient: PatientId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write into.")] = Path("dicom"),
    private: Private = None,
    keep_pseudonyms: Annotated[
        bool, typer.Option("--keep-pseudonyms", help="Write the pseudonym, not the person the study was made from.")
    ] = False,
    packet: Annotated[Path | None, typer.Option(help="PDF to send along, with --keep-pseudonyms only.")] = None,
    fractional: Annotated[
        bool, typer.Option("--fractional", help="Write probabilities, too, beside the binary segments.")
    ] = False,
) -> None:
    """Write a patient's masks and numbers as DICOM segmentations and structured reports, one set per visit."""
    need("highdicom")
    from pipeline.files import out_folder  # noqa: PLC0415
    from pipeline.hospital.export import exporting  # noqa: PLC0415

    bids_dir = Path(out_folder.settings_of(out_dir)["bids_dir"])
    if packet is not None and not packet.is_file():
        raise SettingsError(f"{packet}: expected a PDF, found no file; make it with cordtrack packet")
    content = None if packet is None else packet.read_bytes()
    done = exporting.export_dicom(
        exporting.ExportSettings(out_dir, bids_dir, patient, output, private, keep_pseudonyms, content, fractional)
    )
    for sentence in done.left_out:
        err.print(f"left out: {sentence}", markup=False)
    out.print(f"wrote {len(done.files)} files to {output}; next: cordtrack push {output}", markup=False)


@app.command("export-fhir", epilog="Example: cordtrack export-fhir my_output --patient 01 -o 01.json")
def export_fhir(
    out_dir: OutDir,
    patient: PatientId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; PATIENT.json.")] = None,
    private: Private = None,
    keep_pseudonyms: Annotated[
        bool, typer.Option("--keep-pseudonyms", help="Write the pseudonym, not the person the study was made from.")
    ] = False,
    patient_system: Annotated[
        str | None, typer.Option(help="URI of the hospital's patient numbers, such as urn:oid:1.2.3.")
    ] = None,
) -> None:
    """Write a patient's results as an HL7 FHIR R4 bundle for a hospital's own systems."""
    need("fhir.resources")
    from pipeline.files import out_folder  # noqa: PLC0415
    from pipeline.hospital.export import fhir_bundle  # noqa: PLC0415

    bids_dir = Path(out_folder.settings_of(out_dir)["bids_dir"])
    target = output or Path(f"sub-{patient.removeprefix('sub-')}.json")
    count = fhir_bundle.export_fhir(
        fhir_bundle.BundleSettings(out_dir, bids_dir, patient, target, private, keep_pseudonyms, patient_system)
    )
    out.print(f"wrote {count} resources to {target}", markup=False)


@app.command("import-tables", epilog="Example: cordtrack import-tables redcap.csv my_study --map redcap.toml")
def import_tables(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV or Excel file, such as a REDCap export.")],
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; its tables are added to.")],
    map_file: Annotated[Path, typer.Option("--map", help="TOML file that says which column means what.")],
    patients: Annotated[Path | None, typer.Option(help="CSV with dicom_id, participant_id.")] = None,
    private: Private = None,
) -> None:
    """Add diagnoses, treatments and functional grades from a clinic's table; nothing that is there is changed."""
    from datetime import datetime  # noqa: PLC0415

    from pipeline.hospital.importing import clinical_map, clinical_tables  # noqa: PLC0415

    today = datetime.now().astimezone().date()
    mapping = clinical_map.load(map_file)
    done = clinical_tables.import_clinical(table, bids_dir, mapping, today, patients, private)
    say(done.findings)
    counts = ", ".join(f"{count} rows to {name}" for name, count in done.added.items())
    out.print(f"added {counts}; filled {done.filled} empty cells", markup=False)
