"""Scans of patients fetched from an archive for a page: asked for by number, looked through, added, forgotten. 15 s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.hospital.archive import archive_address
from pipeline.hospital.private.pseudonyms import default_private_folder
from pipeline.journal.roles import Visitor
from pipeline.service import archive_fetch, deliveries, delivery_worker, jobs
from pipeline.service.deliveries import Delivery, DeliveryKind, DeliveryState
from tests.hospital.archive.test_pacs import series
from tests.hospital.pacs_server import Server
from tests.service.test_deliveries import AT, Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A study whose server knows an archive."""
    running = Server(store=[*series(), *series("4712")]).start()
    address = tmp_path / "pacs.toml"
    address.write_text(f'pacs = "127.0.0.1:{running.port}"\naet = "ARCHIVE"\n', encoding="utf-8")
    monkeypatch.setenv(archive_fetch.ARCHIVE_VARIABLE, str(address))
    yield Desk(tmp_path)
    running.stop()


def test_a_patient_is_fetched_looked_through_and_added(desk: Desk) -> None:
    delivery = Delivery(jobs.fresh_id(), DeliveryKind.ARCHIVE, "", "A", "", AT)
    archive_fetch.ask_for(desk.study, delivery.delivery_id, ["4711", "nobody"])
    deliveries.begin(desk.out, delivery)
    assert delivery_worker.do_next(desk.study, desk.out)
    looked = desk.stands(delivery)
    assert looked.state == DeliveryState.LOOKED, looked.message
    content = deliveries.decisions_of(desk.out, delivery.delivery_id)
    (one,) = content["series"]
    assert (one["outcome"], one["contrast"]) == ("imported", "T2w")
    assert content["odd"] == ["the archive does not know 1 of 2 patients; look at the numbers"]
    assert not any(desk.study.iterdir())
    deliveries.confirm(desk.out, delivery.delivery_id, Visitor("A"), {})
    assert delivery_worker.do_next(desk.study, desk.out)
    assert desk.stands(delivery).state == DeliveryState.ADDED, desk.stands(delivery).message
    assert len(desk.images()) == 1
    private = default_private_folder(desk.study)
    assert not list((private / "asked").iterdir())
    assert not list((private / "spool").rglob("*.dcm"))
    out_text = "".join(path.read_text() for path in desk.out.rglob("*.json*"))
    assert "4711" not in out_text


def test_an_archive_that_is_not_there_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "pacs.toml").write_text('pacs = "127.0.0.1:1"\naet = "X"\n', encoding="utf-8")
    delivery = Delivery(jobs.fresh_id(), DeliveryKind.ARCHIVE, "", "A", "", AT)
    archive_fetch.ask_for(desk.study, delivery.delivery_id, ["4711"])
    deliveries.begin(desk.out, delivery)
    delivery_worker.do_next(desk.study, desk.out)
    ended = desk.stands(delivery)
    assert ended.state == DeliveryState.FAILED
    assert "expected an archive that answers" in ended.message


def test_a_file_that_names_no_archive_is_refused(tmp_path: Path) -> None:
    for text, words in (
        ("", "one of dicomweb"),
        ('pacs = "a:1"\ndicomweb = "http://b"', "one of dicomweb"),
        ('pax = "a:1"', "pax"),
    ):
        file = tmp_path / "pacs.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=words):
            archive_address.read_address(file)
