"""The commands that talk to a hospital: DICOM and clinical tables in, DICOM and FHIR out, to and from a PACS.

Each refuses in words, with the remedy, where the libraries for hospitals are not installed.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.cli.targets import outside_study
from pipeline.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.core.records import Finding
    from pipeline.hospital.archive.transfer import Spool
    from pipeline.hospital.importing.importing import ImportDone, ImportSettings

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Private = Annotated[
    Path | None,
    typer.Option(help="Folder outside BIDS_DIR for the key and who is who; BIDS_DIR.private beside it by default."),
]
OutDir = Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Output folder of cordtrack.")]
PatientId = Annotated[str, typer.Option("--patient", help="Patient, with or without sub-.")]
Web = Annotated[str | None, typer.Option("--dicomweb", help="Address of a DICOMweb service.")]
Dimse = Annotated[str | None, typer.Option("--pacs", metavar="HOST:PORT", help="A PACS that speaks DIMSE.")]
Aet = Annotated[str | None, typer.Option("--aet", help="Application entity title of the PACS.")]
OurAet = Annotated[str, typer.Option("--our-aet", help="Our own title, as the PACS knows it.")]
Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="[HOST:]PORT", help="Where C-MOVE sends to; without it images come by C-GET."),
]
Tls = Annotated[bool, typer.Option("--tls", help="Speak DIMSE over TLS.")]
Ca = Annotated[Path | None, typer.Option("--ca", help="Certificate (PEM) of the authority that signed the server's.")]
Certificate = Annotated[Path | None, typer.Option("--tls-certificate", help="Our own certificate (PEM).")]
Key = Annotated[Path | None, typer.Option("--tls-key", help="Key of our own certificate (PEM).")]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(help="TOML with user and password, or token; else CORDTRACK_USER, _PASSWORD, _TOKEN."),
]
Patience = Annotated[float, typer.Option(min=1, help="Seconds to wait for an answer.")]
Connections = Annotated[int, typer.Option(min=1, max=8, help="DICOMweb requests at the same time.")]


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
    _need("pydicom", "skimage")
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
        _print_import(done, bids_dir, is_trial=dry_run)
    if strict and any(finding.severity == "error" for finding in done.findings):
        raise typer.Exit(1)


@app.command("export-dicom", epilog="Example: cordtrack export-dicom my_output --patient 01 -o to_pacs")
def export_dicom(
    out_dir: OutDir,
    patient: PatientId,
    output: Annotated[
        Path, typer.Option("--output", "-o", callback=outside_study, help="Folder to write into.")
    ] = Path("dicom"),
    private: Private = None,
    keep_pseudonyms: Annotated[
        bool, typer.Option("--keep-pseudonyms", help="Write the pseudonym, not the person the study was made from.")
    ] = False,
    packet: Annotated[
        bool, typer.Option("--packet", help="Set the packet, too: with name and true dates, or with the pseudonym.")
    ] = False,
    fractional: Annotated[
        bool, typer.Option("--fractional", help="Write probabilities, too, beside the binary segments.")
    ] = False,
) -> None:
    """Write a patient's masks and numbers as DICOM segmentations and structured reports, one set per visit."""
    _need("pydicom", "highdicom")
    from pipeline.files import out_folder  # noqa: PLC0415
    from pipeline.hospital.export import exporting  # noqa: PLC0415

    bids_dir = out_folder.study_of(out_dir)
    setter = _set_packet if packet else None
    done = exporting.export_dicom(
        exporting.ExportSettings(out_dir, bids_dir, patient, output, private, keep_pseudonyms, setter, fractional)
    )
    for sentence in done.left_out:
        err.print(f"left out: {sentence}", markup=False)
    out.print(f"wrote {len(done.files)} files to {output}; next: cordtrack push {output}", markup=False)


def _set_packet(folder: Path, patient_id: str, title: str | None) -> bytes:
    """Let the pages set a patient's packet; the title goes in by a pipe, for command lines are seen by everybody."""
    import subprocess  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    from pipeline.files import child_process  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="cordtrack-") as scratch:
        target = Path(scratch, "packet.pdf")
        command = child_process.module_command("dashboard.packet", folder.resolve(), patient_id, target, "--title")
        done = subprocess.run(
            command, input=title or "", text=True, encoding="utf-8", capture_output=True, check=False,
            env=child_process.child_environment(), cwd=child_process.CODE / "dashboard",
        )  # fmt: skip
        if done.returncode or not target.is_file():
            words = done.stderr.strip().splitlines() or ["no reason given"]
            raise InputError(f"it could not be set ({words[-1]})")
        return target.read_bytes()


@app.command("export-fhir", epilog="Example: cordtrack export-fhir my_output --patient 01 -o 01.json")
def export_fhir(
    out_dir: OutDir,
    patient: PatientId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", callback=outside_study, help="File to write; PATIENT.json.")
    ] = None,
    private: Private = None,
    keep_pseudonyms: Annotated[
        bool, typer.Option("--keep-pseudonyms", help="Write the pseudonym, not the person the study was made from.")
    ] = False,
    patient_system: Annotated[
        str | None, typer.Option(help="URI of the hospital's patient numbers, such as urn:oid:1.2.3.")
    ] = None,
) -> None:
    """Write a patient's results as an HL7 FHIR R4 bundle for a hospital's own systems."""
    _need("fhir")
    from pipeline.files import out_folder  # noqa: PLC0415
    from pipeline.hospital.export import fhir_bundle  # noqa: PLC0415

    bids_dir = out_folder.study_of(out_dir)
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
    _print_findings(done.findings)
    counts = ", ".join(f"{count} rows to {name}" for name, count in done.added.items())
    out.print(f"added {counts}; filled {done.filled} empty cells", markup=False)


@app.command(epilog="Example: cordtrack pull my_study --pacs pacs.local:104 --aet ARCHIVE --patients list.csv")
def pull(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Study folder; new scans are added to it.")],
    patients: Annotated[Path, typer.Option(help="CSV with dicom_id, and participant_id where pseudonyms are given.")],
    dicomweb: Web = None,
    pacs: Dimse = None,
    aet: Aet = None,
    our_aet: OurAet = "CORDTRACK",
    listen: Listen = None,
    credentials: CredentialsFile = None,
    patience: Patience = 60.0,
    connections: Connections = 2,
    rules: Annotated[Path | None, typer.Option(help="TOML rules for series that are not sure.")] = None,
    shift_dates: Annotated[bool, typer.Option("--shift-dates", help="As for import-dicom.")] = False,
    private: Private = None,
    tls: Tls = False,
    ca: Ca = None,
    certificate: Certificate = None,
    key: Key = None,
) -> None:
    """Fetch patients' scans from a PACS and import them; run it again to go on or to fetch what is new."""
    _need("pynetdicom", "dicomweb_client", "requests", "pydicom", "skimage")
    from pipeline.hospital.archive import archive_address, transfer  # noqa: PLC0415  # keeps --help quick
    from pipeline.hospital.importing import importing  # noqa: PLC0415  # keeps --help quick
    from pipeline.hospital.private import pseudonyms  # noqa: PLC0415  # keeps --help quick

    folder = private or pseudonyms.default_private_folder(bids_dir)
    pseudonyms.open_private(folder, bids_dir)
    ids, names_pseudonyms = transfer.read_patients(patients)
    secure = _secure(tls, ca, certificate, key)
    address = archive_address.ArchiveAddress(
        dicomweb, pacs, aet, our_aet, listen, _text(credentials), patience, connections, *secure
    )
    archive = archive_address.open_archive(address, os.environ)
    spool, unknown = transfer.Spool(folder / "spool"), list[str]()
    with transfer.audited(folder / "audit.jsonl", "pull", str(address), _now) as counts:
        archive.greet()
        fetched, failed = transfer.pull(archive, ids, spool, _report, unknown=unknown)
        counts.update(patients=len(ids), objects=fetched, not_whole=failed, unknown=len(unknown))
    out.print(f"fetched {fetched} objects of {len(ids)} patients; {failed} patients not whole", markup=False)
    _keep_unknown(folder / "unknown_patients.json", unknown)
    mapping = patients if names_pseudonyms else None
    _import_fetched(spool, importing.ImportSettings(spool.whole, bids_dir, mapping, rules, folder, shift_dates))
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: cordtrack push to_pacs --dicomweb https://pacs.local/dicom-web")
def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that cordtrack export-dicom wrote.")],
    dicomweb: Web = None,
    pacs: Dimse = None,
    aet: Aet = None,
    our_aet: OurAet = "CORDTRACK",
    credentials: CredentialsFile = None,
    patience: Patience = 60.0,
    tls: Tls = False,
    ca: Ca = None,
    certificate: Certificate = None,
    key: Key = None,
) -> None:
    """Send DICOM files to a PACS; what it has taken is not sent again."""
    _need("pynetdicom", "dicomweb_client", "requests")
    from pipeline.hospital.archive import archive_address, transfer  # noqa: PLC0415

    secure = _secure(tls, ca, certificate, key)
    address = archive_address.ArchiveAddress(
        dicomweb, pacs, aet, our_aet, None, _text(credentials), patience, 1, *secure
    )
    archive = archive_address.open_archive(address, os.environ)
    with transfer.audited(folder / ".audit.jsonl", "push", str(address), _now) as counts:
        archive.greet()
        sent, before = transfer.push(archive, folder, str(address), _report)
        counts.update(sent=sent, before=before)
    out.print(f"sent {sent} files; {before} had been sent before", markup=False)


def _import_fetched(spool: Spool, settings: ImportSettings) -> None:
    """Import what came whole, and remove it from the spool."""
    from pipeline.hospital.importing import importing  # noqa: PLC0415

    if spool.whole.is_dir():
        done = importing.import_dicom(settings, lambda *_: None)
        _print_import(done, settings.bids_dir, is_trial=False)
        spool.remove(done.settled)


def _secure(
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
) -> tuple[bool, str | None, str | None, str | None]:
    return tls, _text(ca), _text(certificate), _text(key)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _now() -> str:
    from datetime import datetime  # noqa: PLC0415

    return datetime.now().astimezone().isoformat(timespec="seconds")


def _keep_unknown(path: Path, unknown: list[str]) -> None:
    """Name the patients that an archive does not know where only the owner of the private folder reads it."""
    if unknown:
        from pipeline.hospital.private import pseudonyms  # noqa: PLC0415

        pseudonyms.write_private(path, {"dicom_id": unknown})
        out.print(f"{len(unknown)} patients the archive does not know; {path} names them", markup=False)


def _report(sentence: str) -> None:
    err.print(sentence, markup=False)


def _need(*modules: str) -> None:
    """Refuse with the remedy when the libraries for hospitals are not installed.

    Raises
    ------
    SettingsError
        The extra ``hospital`` is missing.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SettingsError(
            f"this command needs {' and '.join(missing)}; install it with: pip install 'cordtrack[hospital]'"
        )


def _print_findings(findings: Sequence[Finding]) -> None:
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


def _print_import(done: ImportDone, bids_dir: Path, *, is_trial: bool) -> None:
    """Print what an import did, with every finding."""
    _print_findings(done.findings)
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
    unchanged_count = counts["imported"] - sum(row.file in done.added for row in done.rows)
    there = f", {unchanged_count} series were there" if unchanged_count else ""
    words = f"{verb} {len(done.added)} files{there}; {counts['unsure']} series unsure, {counts['refused']} refused"
    others = f"; {done.other_files} other files were no DICOM" if done.other_files else ""
    out.print(words + others, markup=False)
    if done.other_files and not done.rows:
        hint = (
            "NIfTI is put into a study by name (docs/study-folder.md), or brought on the page Study of cordtrack serve"
        )
        out.print(f"no DICOM was found; {hint}", markup=False)
    if not is_trial and done.rows:
        out.print(f"every decision: {bids_dir / 'sourcedata' / 'dicom' / 'decisions.tsv'}", markup=False)
