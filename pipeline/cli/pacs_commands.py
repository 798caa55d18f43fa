"""The commands that fetch from a PACS and send to it: ``cordtrack pull`` and ``cordtrack push``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.hospital_commands import Private, need, print_import
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.hospital.archive.transfer import Archive

app = typer.Typer()
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

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
    need("pynetdicom")
    from pipeline.hospital.archive import transfer  # noqa: PLC0415  # keeps --help quick
    from pipeline.hospital.importing import importing  # noqa: PLC0415  # keeps --help quick
    from pipeline.hospital.private import pseudonyms  # noqa: PLC0415  # keeps --help quick

    folder = private or pseudonyms.default_private_folder(bids_dir)
    pseudonyms.open_private(folder, bids_dir)
    ids, names_pseudonyms = transfer.read_patients(patients)
    encryption = (tls, ca, certificate, key)
    archive = _archive(dicomweb, pacs, aet, our_aet, listen, credentials, patience, connections, encryption)
    archive.greet()
    spool, unknown = transfer.Spool(folder / "spool"), list[str]()
    fetched, failed = transfer.pull(archive, ids, spool, _say, unknown=unknown)
    counts = {"patients": len(ids), "objects": fetched, "not_whole": failed, "unknown": len(unknown)}
    transfer.audit(folder / "audit.jsonl", _now(), "pull", str(dicomweb or pacs), counts)
    out.print(f"fetched {fetched} objects of {len(ids)} patients; {failed} patients not whole", markup=False)
    if unknown:
        pseudonyms.write_private(folder / "unknown_patients.json", {"dicom_id": unknown})
        where = folder / "unknown_patients.json"
        out.print(f"{len(unknown)} patients the archive does not know; {where} names them", markup=False)
    if spool.whole.is_dir():
        mapping = patients if names_pseudonyms else None
        settings = importing.ImportSettings(spool.whole, bids_dir, mapping, rules, folder, shift_dates)
        done = importing.import_dicom(settings, lambda *_: None)
        print_import(done, bids_dir, is_trial=False)
        spool.remove(done.settled)
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
    need("pynetdicom")
    from pipeline.hospital.archive import transfer  # noqa: PLC0415

    archive = _archive(dicomweb, pacs, aet, our_aet, None, credentials, patience, 1, (tls, ca, certificate, key))
    archive.greet()
    sent, before = transfer.push(archive, folder, str(dicomweb or pacs), _say)
    transfer.audit(folder / ".audit.jsonl", _now(), "push", str(dicomweb or pacs), {"sent": sent, "before": before})
    out.print(f"sent {sent} files; {before} had been sent before", markup=False)


Secure = tuple[bool, Path | None, Path | None, Path | None]


def _archive(
    dicomweb: str | None,
    pacs: str | None,
    aet: str | None,
    our_aet: str,
    listen: str | None,
    credentials: Path | None,
    patience: float,
    connections: int,
    secure: Secure,
) -> Archive:
    if (dicomweb is None) == (pacs is None):
        raise SettingsError("expected one of --dicomweb URL and --pacs HOST:PORT; give one of them")
    from pipeline.hospital.archive import transfer  # noqa: PLC0415
    from pipeline.hospital.archive.encryption import Encryption  # noqa: PLC0415

    is_encrypted, *files = secure
    encryption = Encryption(*files)
    if dicomweb is not None:
        from pipeline.hospital.archive.dicomweb import DicomWeb  # noqa: PLC0415

        allowed = transfer.read_credentials(credentials, os.environ)
        return DicomWeb(dicomweb, allowed, connections, patience, encryption)
    from pipeline.hospital.archive.dimse import Pacs  # noqa: PLC0415

    host, _, port = str(pacs).rpartition(":")
    if not host or not port.isdigit() or aet is None:
        raise SettingsError("expected --pacs HOST:PORT with the PACS's own title as --aet; correct them")
    if any(files) and not is_encrypted:
        raise SettingsError("expected --tls with --ca, --tls-certificate or --tls-key; add it")
    ours, _, listen_port = (listen or "").rpartition(":")
    if listen and not listen_port.isdigit():
        raise SettingsError(f"expected --listen PORT or HOST:PORT, found {listen!r}; correct it")
    return Pacs(
        host, int(port), aet, our_aet, int(listen_port) if listen else None, patience, ours or None,
        encryption if is_encrypted else None,
    )  # fmt: skip


def _now() -> str:
    from datetime import datetime  # noqa: PLC0415

    return datetime.now().astimezone().isoformat(timespec="seconds")


def _say(sentence: str) -> None:
    err.print(sentence, markup=False)
