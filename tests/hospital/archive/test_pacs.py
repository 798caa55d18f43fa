"""Fetching from a PACS and sending to it: whole, resumed, bounded, retried, refused in words and without secrets."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pynetdicom.sop_class import MRImageStorage
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.core.volume import Volume
from pipeline.errors import InputError, RemoteError, SettingsError
from pipeline.hospital.archive.dicomweb import DicomWeb
from pipeline.hospital.archive.dimse import Pacs
from pipeline.hospital.archive.encryption import Encryption
from pipeline.hospital.archive.transfer import Credentials, Remote, Spool, pull, push, read_credentials
from tests import dicom_files as dicom
from tests.hospital.pacs_server import Server
from tests.page_visit import free_port

DAY = date(2020, 2, 17)
QUICK = (0.01, 0.01)


def series(patient: str = "4711", day: date = DAY, slices: int = 5) -> list[Dataset]:
    rng = np.random.default_rng(slices)
    volume = Volume(rng.integers(0, 900, (16, 12, slices)).astype(np.int16), np.diag([0.7, 0.7, 3.3, 1.0]))
    return dicom.slices(volume, day, PatientID=patient, PatientName=f"Doe^{patient}")


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(store=[*series(), *series("4712"), *series("4711", date(2021, 3, 1))]).start()
    yield running
    running.stop()


def pacs(server: Server, **more: object) -> Pacs:
    return Pacs("127.0.0.1", server.port, "ARCHIVE", patience_s=10, **more)  # type: ignore[arg-type]


def fetched(spool: Spool) -> set[str]:
    return {path.stem for path in spool.folder.rglob("*.dcm")}


def test_a_patients_images_are_fetched_once(server: Server, tmp_path: Path) -> None:
    spool, said = Spool(tmp_path / "spool"), []
    assert pull(pacs(server), ["4711"], spool, said.append, QUICK) == (10, 0)
    assert fetched(spool) == {str(d.SOPInstanceUID) for d in server.store if d.PatientID == "4711"}
    assert pull(pacs(server), ["4711"], spool, said.append, QUICK) == (0, 0)
    assert (server.sent, said) == (10, [])
    assert oct(spool.folder.stat().st_mode)[-3:] == "700"


def test_images_come_by_c_move_too(server: Server, tmp_path: Path) -> None:
    port = free_port()
    server.destination = ("127.0.0.1", port)
    spool = Spool(tmp_path / "spool")
    assert pull(pacs(server, listen_port=port), ["4712"], spool, print, QUICK) == (5, 0)
    assert len(fetched(spool)) == 5


def test_a_server_that_dies_half_way_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.dies_after = 3
    said: list[str] = []
    spool = Spool(tmp_path / "spool")
    assert pull(pacs(server), ["4711"], spool, said.append, QUICK) == (10, 0)
    assert len(said) == 1
    assert "trying again" in said[0]
    assert "4711" not in said[0]


def test_a_pull_that_was_killed_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    first = next(d for d in server.store if d.PatientID == "4711")
    done = [d for d in server.store if d.SeriesInstanceUID == first.SeriesInstanceUID]
    for dataset in done:
        path = spool.path(str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID))
        dicom.save(dataset, path)
    assert pull(pacs(server), ["4711"], spool, print, QUICK) == (5, 0)
    assert server.sent == 5


def test_a_study_that_grows_while_it_is_fetched_comes_whole(server: Server, tmp_path: Path) -> None:
    more = series(day=DAY)
    for dataset in more:
        dataset.StudyInstanceUID = server.store[0].StudyInstanceUID
    server.grows_by = more
    assert pull(pacs(server), ["4711"], Spool(tmp_path / "spool"), print, QUICK) == (15, 0)


def test_slow_answers_are_waited_for(server: Server, tmp_path: Path) -> None:
    server.delay_s = 0.05
    assert pull(pacs(server), ["4712"], Spool(tmp_path / "spool"), print, QUICK) == (5, 0)


def test_one_connection_at_a_time(server: Server, tmp_path: Path) -> None:
    pull(pacs(server), ["4711"], Spool(tmp_path / "spool"), print, QUICK)
    assert server.associations == 4  # asked, two series, asked again


def test_a_refused_association_says_what_to_set(tmp_path: Path) -> None:
    running = Server(only_from="KNOWN").start()
    try:
        with pytest.raises(SettingsError, match="must know CORDTRACK as a partner"):
            pull(pacs(running), ["4711"], Spool(tmp_path / "spool"), print, QUICK)
    finally:
        running.stop()


def test_an_archive_that_is_gone_is_said_once_and_not_for_each_patient(tmp_path: Path) -> None:
    port = free_port()
    said: list[str] = []
    gone = Pacs("127.0.0.1", port, "ARCHIVE", patience_s=1)
    assert pull(gone, ["a-1", "b-2"], Spool(tmp_path / "spool"), said.append, (0.01,)) == (0, 2)
    assert len(said) == 3
    assert "found none or a busy one" in said[1]
    assert said[2] == "the archive does not answer any more; 1 patients were not asked for"
    assert not any("a-1" in sentence or "b-2" in sentence for sentence in said)


def test_identifiers_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for uid in ("../../escaped", "/etc/x", "..", "1.2;rm", ""):
        with pytest.raises(RemoteError, match="expected unique identifiers"):
            spool.keep(b"x", "1.2", "1.3", uid)
        with pytest.raises(RemoteError, match="expected unique identifiers"):
            spool.has(Remote(uid, "1.3", "1.4"))
    assert not list(tmp_path.rglob("*"))


def test_sending_is_resumed_and_never_repeated(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "to"
    for number, dataset in enumerate(series("99")):
        dicom.save(dataset, folder / f"{number}.dcm")
    server.dies_after = 2
    said: list[str] = []
    assert push(pacs(server), folder, "here", said.append, QUICK) == (5, 0)
    assert [str(d.SOPInstanceUID) for d in server.received] == [
        str(dicom.read(folder / f"{number}.dcm").SOPInstanceUID) for number in range(5)
    ]
    assert len(said) == 1
    assert push(pacs(server), folder, "here", said.append, QUICK) == (0, 5)
    assert push(pacs(server), folder, "elsewhere", said.append, QUICK) == (5, 0)
    with pytest.raises(InputError, match="expected DICOM files"):
        push(pacs(server), tmp_path / "none", "here", print, QUICK)


def test_credentials_come_from_the_environment_or_a_private_file_and_are_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = read_credentials(None, {"CORDTRACK_USER": "me", "CORDTRACK_PASSWORD": "s3cret"})
    assert given == Credentials("me", "s3cret")
    assert "s3cret" not in repr(given)
    file = tmp_path / "c.toml"
    file.write_text('user = "me"\npassword = "s3cret"\n')
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="only you can read"):
        read_credentials(file, {})
    file.chmod(0o600)
    assert read_credentials(file, {}) == given
    file.write_text('pass = "s3cret"\n')
    with pytest.raises(SettingsError, match="expected only user") as refused:
        read_credentials(file, {})
    assert "s3cret" not in str(refused.value)
    with pytest.raises(SettingsError, match="without user and password"):
        DicomWeb("http://me:s3cret@localhost/x").find("1")
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RemoteError, match="expected a server that answers") as gone:
        DicomWeb("http://127.0.0.1:9/dicom-web", given, patience_s=1).find("4711-secret-id")
    assert "s3cret" not in caplog.text + str(gone.value)
    assert "4711-secret-id" not in str(gone.value)


def test_the_commands_fetch_import_and_send(server: Server, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("dicom_id,participant_id\n4711,P01\n")
    at = ["--pacs", f"127.0.0.1:{server.port}", "--aet", "ARCHIVE"]
    pull = ["pull", str(tmp_path / "study"), *at, "--patients", str(listed)]
    done = CliRunner().invoke(app, pull)
    assert done.exit_code == 0, done.output
    assert "fetched 10 objects of 1 patients" in done.output
    assert "added 2 files" in done.output
    assert sorted(path.name for path in (tmp_path / "study").glob("sub-P01/ses-*")) == ["ses-20200217", "ses-20210301"]
    assert not list(tmp_path.rglob("*.dcm")), "what was imported is removed from the spool"
    again = CliRunner().invoke(app, pull)
    assert "fetched 0 objects of 1 patients" in again.output, again.output
    lines = (tmp_path / "study.private" / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["objects"] for line in lines] == [10, 0]
    assert not any("4711" in line for line in lines)
    dicom.save(series("5")[0], tmp_path / "to" / "a.dcm")
    dicom.save(series("5")[1], tmp_path / "to" / "IM000001")  # as a CD names them
    (tmp_path / "to" / "read_me.txt").write_text("no image")
    sent = CliRunner().invoke(app, ["push", str(tmp_path / "to"), *at])
    assert "sent 2 files" in sent.output, "by what they are, not by their ending"
    assert "not sent: 1 files that are no DICOM files" in sent.output
    both = CliRunner().invoke(app, ["push", str(tmp_path / "to"), *at, "--dicomweb", "http://x"])
    assert isinstance(both.exception, SettingsError)


def test_an_unknown_patient_is_counted_and_named_in_the_private_folder(server: Server, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("dicom_id\n4712\n9999\n")
    at = ["--pacs", f"127.0.0.1:{server.port}", "--aet", "ARCHIVE"]
    done = CliRunner().invoke(app, ["pull", str(tmp_path / "study"), *at, "--patients", str(listed)])
    assert done.exit_code == 0, done.output
    assert "patient 2 of the list: expected a patient of the archive, found none of this ID" in done.output
    assert json.loads((tmp_path / "study.private" / "unknown_patients.json").read_text()) == {"dicom_id": ["9999"]}


def test_a_series_of_which_a_part_came_is_not_imported(server: Server, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    wanted = pacs(server).find("4712")
    pacs(server).fetch(wanted[:3], spool)
    assert not spool.whole.is_dir()
    assert pull(pacs(server), ["4712"], spool, print, QUICK) == (2, 0)
    assert len(list(spool.whole.rglob("*.dcm"))) == 5


def test_the_listener_takes_nothing_from_others_and_nothing_that_was_not_asked_for(
    server: Server, tmp_path: Path
) -> None:
    port = free_port()
    server.destination = ("127.0.0.1", port)
    spool = Spool(tmp_path / "spool")
    server.title = "ARCHIVE"
    other = pacs(server, listen_port=port).find("4711")
    asked = [Remote(r.study_uid, r.series_uid, "1.2.3") for r in other[:1]]
    pacs_of = pacs(server, listen_port=port)
    with pytest.raises(RemoteError):
        pacs_of.fetch(asked, spool)
    assert not list(spool.folder.rglob("*.dcm")), "the images of the series were not those that were asked for"


def test_a_busy_port_and_a_dead_server_are_one_sentence(server: Server, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = pacs(server, listen_port=busy.getsockname()[1])
        with pytest.raises(SettingsError, match="expected a free port"):
            taken.fetch(taken.find("4712"), Spool(tmp_path / "spool"))
    listed = tmp_path / "list.csv"
    listed.write_text("dicom_id\n4711\n4712\n")
    at = ["--pacs", f"127.0.0.1:{free_port()}", "--aet", "ARCHIVE"]
    done = CliRunner().invoke(app, ["pull", str(tmp_path / "study"), *at, "--patients", str(listed)])
    assert isinstance(done.exception, RemoteError)
    assert done.output == ""


def test_a_server_without_tls_or_with_a_foreign_certificate_is_one_sentence(server: Server) -> None:
    secure = pacs(server, encryption=Encryption())
    with pytest.raises((SettingsError, RemoteError), match=r"certificate that we trust|archive that answers"):
        secure.greet()


def test_what_the_archive_has_is_not_sent_again_from_another_folder(server: Server, tmp_path: Path) -> None:
    for name in ("one", "two"):
        dicom.save(server.store[0], tmp_path / name / "a.dcm")
    assert push(pacs(server), tmp_path / "two", "here", print, QUICK) == (0, 1)
    assert server.received == []


def test_each_syntax_has_a_context_of_its_own(server: Server) -> None:
    contexts = pacs(server)._entity([MRImageStorage]).requested_contexts
    assert len(contexts) == 6
    assert all(len(context.transfer_syntax) == 1 for context in contexts)
