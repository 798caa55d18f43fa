"""TLS to an archive: with a certificate that our authority signed it works; any other is one sentence at once."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.errors import RemoteError, SettingsError
from pipeline.hospital.archive.dicomweb import DicomWeb
from pipeline.hospital.archive.dimse import Pacs
from pipeline.hospital.archive.encryption import Encryption
from pipeline.hospital.archive.transfer import Credentials, Spool
from tests.hospital.archive.test_pacs import series
from tests.hospital.certificates import Authority, Certificate
from tests.hospital.pacs_server import Server
from tests.page_visit import free_port

EXPIRED = "20210101000000Z"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "foreign")


@pytest.fixture(scope="module")
def certificates(authority: Authority, foreign: Authority) -> dict[str, Certificate]:
    return {
        "good": authority.sign("good"),
        "expired": authority.sign("expired", until=EXPIRED),
        "another host": authority.sign("other", host="10.1.2.3"),
        "another authority": foreign.sign("foreign"),
        "ours": authority.sign("ours"),
    }


def running(certificate: Certificate, ca: Path | None = None, **more: Any) -> Server:
    return Server(store=series(), tls=certificate.serving(ca), **more).start()


def pacs(server: Server, encryption: Encryption | None, **more: Any) -> Pacs:
    return Pacs("127.0.0.1", server.port, "ARCHIVE", patience_s=10, encryption=encryption, **more)


def test_images_come_over_tls_by_both_ways(
    authority: Authority, certificates: dict[str, Certificate], tmp_path: Path
) -> None:
    ours = certificates["ours"]
    calling = ssl.create_default_context(cafile=authority.ca)
    calling.load_cert_chain(certificates["good"].file, certificates["good"].key)
    server = running(certificates["good"], authority.ca, tls_out=calling)
    encryption = Encryption(authority.ca, ours.file, ours.key)
    try:
        for number, port in enumerate((None, free_port())):
            server.destination = ("127.0.0.1", port) if port else None
            archive, spool = pacs(server, encryption, listen_port=port), Spool(tmp_path / str(number))
            archive.fetch(archive.find("4711"), spool)
            assert len(list(spool.folder.rglob("*.dcm"))) == 5
    finally:
        server.stop()


@pytest.mark.parametrize("fault", ["expired", "another host", "another authority"])
def test_a_certificate_that_nobody_vouches_for_is_one_sentence_and_nothing_is_asked(
    fault: str, authority: Authority, certificates: dict[str, Certificate]
) -> None:
    server = running(certificates[fault])
    try:
        with pytest.raises(SettingsError, match="expected a certificate that we trust, found") as refused:
            pacs(server, Encryption(authority.ca)).find("4711")
        assert "\n" not in str(refused.value)
        assert server.associations == 0
    finally:
        server.stop()


def test_an_archive_that_speaks_in_the_clear_gets_no_word_and_one_that_wants_tls_is_named(
    authority: Authority, certificates: dict[str, Certificate]
) -> None:
    clear, secure = Server(store=series()).start(), running(certificates["good"])
    try:
        with pytest.raises((SettingsError, RemoteError), match=r"certificate that we trust|archive that answers"):
            pacs(clear, Encryption(authority.ca)).greet()
        with pytest.raises(RemoteError, match="expected an archive that answers"):
            pacs(secure, None).greet()
    finally:
        clear.stop()
        secure.stop()


@pytest.mark.parametrize(("title", "address", "is_taken"), [
    ("ARCHIVE", "127.0.0.1", True), ("SOMEBODY", "127.0.0.1", False), ("ARCHIVE", "127.0.0.2", False),
])  # fmt: skip
def test_the_listener_takes_only_from_the_archive_by_title_and_address(
    title: str, address: str, is_taken: bool
) -> None:
    port = free_port()
    archive = Pacs("127.0.0.1", 104, "ARCHIVE", listen_port=port, patience_s=5)
    listener = archive.listener([])
    try:
        caller = AE(ae_title=title)
        caller.add_requested_context(MRImageStorage)
        association = caller.associate("127.0.0.1", port, ae_title=archive.calling, bind_address=(address, 0))
        assert association.is_established == is_taken
        association.abort()
    finally:
        listener.shutdown()


class _Web(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(request: pytest.FixtureRequest, certificates: dict[str, Certificate]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Web)
    server.socket = certificates[request.param].serving().wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("web", ["good"], indirect=True)
def test_dicomweb_trusts_the_authority_it_is_given_and_not_the_environments(
    web: str, authority: Authority, foreign: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(foreign.ca))
    assert DicomWeb(web, Credentials(), 1, 5, Encryption(authority.ca)).find("4711") == []


@pytest.mark.parametrize("web", ["expired", "another host", "another authority"], indirect=True)
def test_dicomweb_refuses_any_other_in_one_sentence(web: str, authority: Authority) -> None:
    with pytest.raises(SettingsError, match="expected a certificate that we trust, found another"):
        DicomWeb(web, Credentials(), 1, 5, Encryption(authority.ca)).greet()


def test_every_pull_and_push_leaves_a_line_be_it_in_vain(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("dicom_id\n4711\n")
    at = ["--pacs", f"127.0.0.1:{free_port()}", "--aet", "ARCHIVE"]
    CliRunner().invoke(app, ["pull", str(tmp_path / "study"), *at, "--patients", str(listed)])
    (tmp_path / "to").mkdir()
    CliRunner().invoke(app, ["push", str(tmp_path / "to"), *at])
    pulled = json.loads((tmp_path / "study.private" / "audit.jsonl").read_text())
    pushed = json.loads((tmp_path / "to" / ".audit.jsonl").read_text())
    assert [(line["act"], line["failed"]) for line in (pulled, pushed)] == [("pull", True), ("push", True)]


def test_what_was_sent_or_removed_before_is_not_forgotten_by_a_damaged_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (tmp_path / "removed.json").write_text('["1.2')
    with pytest.raises(SettingsError, match=r"removed\.json: expected a list written by cordtrack"):
        spool.removed()
