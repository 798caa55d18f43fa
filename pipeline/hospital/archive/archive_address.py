"""Which archive is meant and how it is spoken to: from the options of a command, or from a file of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.files import toml_rules
from pipeline.hospital.archive import transfer
from pipeline.hospital.archive.encryption import Encryption
from pipeline.hospital.archive.transfer import Archive


@dataclass(frozen=True)
class ArchiveAddress:
    """An archive as somebody names it, by ``pacs`` (HOST:PORT, with ``aet``) or by ``dicomweb`` (URL).

    Attributes
    ----------
    aet, our_aet
        Titles of the PACS and of this program.
    listen
        ``[HOST:]PORT`` where C-MOVE sends to; without it images come by C-GET.
    credentials
        TOML file with user and password, or token.
    tls, ca, tls_certificate, tls_key
        Encrypted, with the authority's certificate and ours (PEM files).
    """

    dicomweb: str | None = None
    pacs: str | None = None
    aet: str | None = None
    our_aet: str = "CORDTRACK"
    listen: str | None = None
    credentials: str | None = None
    patience_s: float = 60.0
    connections: int = 2
    tls: bool = False
    ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None

    def __str__(self) -> str:
        """Return what the archive is called in a record of transfers."""
        return str(self.dicomweb or self.pacs)


def read_address(file: Path) -> ArchiveAddress:
    """Read a TOML file with the keys of :class:`ArchiveAddress`; paths in it are relative to its folder.

    Raises
    ------
    SettingsError
        It cannot be read, or names no archive.
    """
    try:
        table = toml_rules.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise SettingsError(f"{file}: expected a TOML file that names an archive, found none ({error})") from error
    for name in ("credentials", "ca", "tls_certificate", "tls_key"):
        if isinstance(table.get(name), str):
            table[name] = str(file.resolve().parent / table[name])
    address: ArchiveAddress = toml_rules.fill(ArchiveAddress, table, str(file))
    if (address.dicomweb is None) == (address.pacs is None):
        raise SettingsError(f"{file}: expected one of dicomweb = URL and pacs = HOST:PORT; give one of them")
    return address


def open_archive(address: ArchiveAddress, environment: Mapping[str, str]) -> Archive:
    """Return the archive, not asked anything yet.

    Parameters
    ----------
    environment
        May hold user and password, or token (``transfer.read_credentials``).

    Raises
    ------
    SettingsError
        The address says too little.
    """
    if (address.dicomweb is None) == (address.pacs is None):
        raise SettingsError("expected one of --dicomweb URL and --pacs HOST:PORT; give one of them")
    named = (address.ca, address.tls_certificate, address.tls_key)
    files = tuple(None if name is None else Path(name) for name in named)
    if address.dicomweb is not None:
        from pipeline.hospital.archive.dicomweb import DicomWeb  # noqa: PLC0415  # its library is an extra

        file = None if address.credentials is None else Path(address.credentials)
        allowed = transfer.read_credentials(file, environment)
        return DicomWeb(address.dicomweb, allowed, address.connections, address.patience_s, Encryption(*files))
    from pipeline.hospital.archive.dimse import Pacs  # noqa: PLC0415  # its library is an extra

    host, _, port = str(address.pacs).rpartition(":")
    if not host or not port.isdigit() or address.aet is None:
        raise SettingsError("expected --pacs HOST:PORT with the PACS's own title as --aet; correct them")
    if any(files) and not address.tls:
        raise SettingsError("expected --tls with --ca, --tls-certificate or --tls-key; add it")
    ours, _, listen_port = (address.listen or "").rpartition(":")
    if address.listen and not listen_port.isdigit():
        raise SettingsError(f"expected --listen PORT or HOST:PORT, found {address.listen!r}; correct it")
    return Pacs(
        host, int(port), address.aet, address.our_aet, int(listen_port) if address.listen else None,
        address.patience_s, ours or None, Encryption(*files) if address.tls else None,
    )  # fmt: skip
