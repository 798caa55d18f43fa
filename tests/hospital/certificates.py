"""Certificates for tests: an authority of their own, and what it signs, valid or expired; made by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIG = """[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, PEM."""

    file: Path
    key: Path

    def serving(self, ca: Path | None = None) -> ssl.SSLContext:
        """Return what a server uses; with ``ca`` it asks whoever calls for a certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
        context.load_cert_chain(self.file, self.key)
        context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
        return context


class Authority:
    """An authority of certificates in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        folder.mkdir()
        self.folder, self.ca = folder, folder / "ca.pem"
        (folder / "own.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("01\n")
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority of a test",
                  "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip

    def sign(self, name: str, host: str = "127.0.0.1", until: str = "20491231235959Z") -> Certificate:
        """Return a certificate for a host, an address."""
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                  "-addext", f"subjectAltName=IP:{host}", "-out", f"{name}.csr")  # fmt: skip
        self._run("ca", "-batch", "-notext", "-config", "own.cnf", "-startdate", "20200101000000Z", "-enddate", until,
                  "-in", f"{name}.csr", "-out", f"{name}.pem")  # fmt: skip
        return Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)
