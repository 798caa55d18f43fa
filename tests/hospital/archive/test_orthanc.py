"""Fetching and sending with a real PACS, where Orthanc is installed: both ways, killed, slow, and refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.errors import RemoteError, SettingsError
from pipeline.hospital.archive.dicomweb import DicomWeb
from pipeline.hospital.archive.dimse import Pacs
from pipeline.hospital.archive.transfer import Credentials, Spool, pull, push
from tests import dicom_files as dicom
from tests.hospital.archive.test_pacs import QUICK, fetched, series
from tests.hospital.pacs_server import with_meta
from tests.page_visit import free_port

ORTHANC = shutil.which("Orthanc") or ("/usr/sbin/Orthanc" if Path("/usr/sbin/Orthanc").exists() else None)
WEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass
class Orthanc:
    """A real Orthanc on loopback with its DICOMweb plugin; it can be killed and started again."""

    folder: Path
    dicom_port: int
    web_port: int
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "Name": "test", "DicomAet": "ORTHANC", "DicomPort": self.dicom_port, "HttpPort": self.web_port,
            "StorageDirectory": str(self.folder / "db"), "IndexDirectory": str(self.folder / "db"),
            "RemoteAccessAllowed": False, "AuthenticationEnabled": True, "RegisteredUsers": {"me": "s3cret"},
            "DicomCheckCalledAet": True, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowStore": True, "Plugins": [str(WEB_PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }  # fmt: skip
        (self.folder / "orthanc.json").write_text(json.dumps(settings))
        with (self.folder / "log").open("ab") as log:
            command = [str(ORTHANC), str(self.folder / "orthanc.json")]
            self.running = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.web_port)

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait(20)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if ORTHANC is None or not WEB_PLUGIN.exists():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed")
    made = Orthanc(tmp_path_factory.mktemp("orthanc"), free_port(), free_port())
    made.start()
    yield made
    made.kill()


def wait_for(port: int) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/system", timeout=1)
        except urllib.error.HTTPError:
            return  # it wants a password: it is there
        except OSError:
            time.sleep(0.1)
    pytest.skip("Orthanc did not start")


def web(server: Orthanc) -> DicomWeb:
    return DicomWeb(f"http://127.0.0.1:{server.web_port}/dicom-web", Credentials("me", "s3cret"), patience_s=20)


def test_orthanc_takes_and_gives_by_both_ways(orthanc: Orthanc, tmp_path: Path) -> None:
    dimse = Pacs("127.0.0.1", orthanc.dicom_port, "ORTHANC", patience_s=20)
    for number, dataset in enumerate(series("O-1")):
        dicom.save(dataset, tmp_path / "a" / f"{number}.dcm")
    for number, dataset in enumerate(series("O-2")):
        dicom.save(dataset, tmp_path / "b" / f"{number}.dcm")
    assert push(dimse, tmp_path / "a", "x", print, QUICK) == (5, 0)
    assert push(web(orthanc), tmp_path / "b", "x", print, QUICK) == (5, 0)
    for name, archive in (("get", dimse), ("web", web(orthanc))):
        spool = Spool(tmp_path / name)
        assert pull(archive, ["O-1", "O-2"], spool, print, QUICK) == (10, 0)
        for path in (*(tmp_path / "a").glob("*.dcm"), *(tmp_path / "b").glob("*.dcm")):
            original = dicom.read(path)
            back = dicom.read(next(spool.folder.rglob(f"{original.SOPInstanceUID}.dcm")))
            assert np.array_equal(back.pixel_array, original.pixel_array)
            assert list(back.ImagePositionPatient) == list(original.ImagePositionPatient)


def once_it_answers(archive: Pacs) -> None:
    """Ask an archive that may be too busy to answer at once, four times at most."""
    for _ in range(3):
        try:
            archive.find("O-1")
        except RemoteError:
            continue
    archive.find("O-1")


def test_orthanc_refuses_a_wrong_title_and_a_wrong_password(orthanc: Orthanc, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="called by its own title"):
        once_it_answers(Pacs("127.0.0.1", orthanc.dicom_port, "WRONG", patience_s=60))
    wrong = DicomWeb(web(orthanc).url, Credentials("me", "wrong"), patience_s=10)
    with pytest.raises(SettingsError, match="refused \\(401\\)"):
        wrong.find("O-1")


def test_orthanc_that_is_killed_half_way_is_taken_up_again(tmp_path: Path, orthanc: Orthanc) -> None:
    """A series of which a part was fetched before the server went away: only the rest is fetched afterwards."""
    for number, dataset in enumerate(series("O-3", slices=8)):
        dicom.save(dataset, tmp_path / "c" / f"{number}.dcm")
    push(web(orthanc), tmp_path / "c", "x", print, QUICK)
    spool = Spool(tmp_path / "spool")
    found = web(orthanc).find("O-3")
    web(orthanc).fetch(found[:3], spool)
    times = {path: path.stat().st_mtime_ns for path in spool.folder.rglob("*.dcm")}
    orthanc.kill()
    assert pull(web(orthanc), ["O-3"], spool, print, (0.01,)) == (0, 1)
    orthanc.start()
    assert pull(web(orthanc), ["O-3"], spool, print, QUICK) == (5, 0)
    assert len(fetched(spool)) == 8
    now = {path.name: path.stat().st_mtime_ns for path in spool.folder.rglob("*.dcm")}
    assert {path.name: now[path.name] for path in times} == {path.name: time for path, time in times.items()}


def test_exported_results_go_into_orthanc(orthanc: Orthanc, tmp_path: Path) -> None:
    dataset = with_meta(series("O-4")[0])
    dicom.save(dataset, tmp_path / "to" / "x.dcm")
    command = ["push", str(tmp_path / "to"), "--dicomweb", web(orthanc).url]
    done = CliRunner().invoke(app, command, env={**os.environ, "CORDTRACK_USER": "me", "CORDTRACK_PASSWORD": "s3cret"})
    assert done.exit_code == 0, done.output
    assert "s3cret" not in done.output
    assert [remote.sop_uid for remote in web(orthanc).find("O-4")] == [str(dataset.SOPInstanceUID)]


@contextmanager
def slow_line(port: int, wait_s: float) -> Iterator[int]:
    """Relay connections to a port, and let every piece of an answer wait; gives the port to call instead."""
    listener = socket.create_server(("127.0.0.1", 0))

    def relay(source: socket.socket, target: socket.socket, wait: float) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                time.sleep(wait)
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                called = socket.create_connection(("127.0.0.1", port))
                for line in ((caller, called, 0.0), (called, caller, wait_s)):
                    threading.Thread(target=relay, args=line, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_orthanc_on_a_slow_line_is_waited_for(orthanc: Orthanc, tmp_path: Path) -> None:
    for number, dataset in enumerate(series("O-5")):
        dicom.save(dataset, tmp_path / "d" / f"{number}.dcm")
    push(web(orthanc), tmp_path / "d", "x", print, QUICK)
    with slow_line(orthanc.web_port, 0.2) as port:
        slow = DicomWeb(f"http://127.0.0.1:{port}/dicom-web", Credentials("me", "s3cret"), patience_s=20)
        assert pull(slow, ["O-5"], Spool(tmp_path / "web"), print, QUICK) == (5, 0)
    with slow_line(orthanc.dicom_port, 0.1) as port:
        slow_pacs = Pacs("127.0.0.1", port, "ORTHANC", patience_s=20)
        assert pull(slow_pacs, ["O-5"], Spool(tmp_path / "get"), print, QUICK) == (5, 0)


def test_orthanc_that_answers_slower_than_patience_is_given_up_and_said(orthanc: Orthanc, tmp_path: Path) -> None:
    said: list[str] = []
    with slow_line(orthanc.web_port, 3.0) as port:
        slow = DicomWeb(f"http://127.0.0.1:{port}/dicom-web", Credentials("me", "s3cret"), patience_s=1)
        assert pull(slow, ["O-5"], Spool(tmp_path / "web"), said.append, (0.01,)) == (0, 1)
    assert any("patient 1 of the list: expected a server that answers" in line for line in said)
    assert not any("O-5" in line for line in said), "an identifier may name a person"


def test_a_study_that_grows_in_orthanc_comes_whole(orthanc: Orthanc, tmp_path: Path) -> None:
    datasets = series("O-6", slices=7)
    for number, dataset in enumerate(datasets):
        dicom.save(dataset, tmp_path / ("first" if number < 4 else "later") / f"{number}.dcm")
    push(web(orthanc), tmp_path / "first", "x", print, QUICK)
    spool = Spool(tmp_path / "spool")
    assert pull(web(orthanc), ["O-6"], spool, print, QUICK) == (4, 0)
    push(web(orthanc), tmp_path / "later", "x", print, QUICK)
    assert pull(web(orthanc), ["O-6"], spool, print, QUICK) == (3, 0)
    assert len(fetched(spool)) == 7
