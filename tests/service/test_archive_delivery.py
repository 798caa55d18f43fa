"""Scans of patients fetched from an archive for a page: asked for by number, looked through, added, forgotten. 15 s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.hospital.archive import archive_address
from pipeline.hospital.private.pseudonyms import default_private_folder
from pipeline.journal.roles import Visitor
from pipeline.service import archive_fetch, deliveries, delivery_run, delivery_worker, jobs
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
    assert content["odd"] == ["the archive does not know 1 of 2 patients: look at number 2 of the list"]
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


def asked_for(desk: Desk, *numbers: str) -> Delivery:
    """Fetch and look, without a process of its own."""
    delivery = Delivery(jobs.fresh_id(), DeliveryKind.ARCHIVE, "", "A", "", AT)
    archive_fetch.ask_for(desk.study, delivery.delivery_id, numbers)
    deliveries.begin(desk.out, delivery)
    taken = deliveries.take_next(desk.out)
    assert taken is not None
    delivery_run.look(desk.study, desk.out, taken)
    deliveries.end(desk.out, delivery.delivery_id, DeliveryState.LOOKED, "")
    return desk.stands(delivery)


def people_of(desk: Desk, delivery: Delivery) -> list[str]:
    series = deliveries.decisions_of(desk.out, delivery.delivery_id)["series"]
    return sorted(one["patient_id"] for one in series if one["outcome"] == "imported")


def test_whom_somebody_forgot_does_not_come_along_with_the_next_patient(desk: Desk) -> None:
    first = asked_for(desk, "4711")
    (forgotten,) = people_of(desk, first)
    deliveries.cancel(desk.out, first.delivery_id, "A")
    archive_fetch.forget(desk.study, first.delivery_id)
    assert not list(default_private_folder(desk.study).rglob("*.dcm"))
    second = asked_for(desk, "4712")
    assert len(people_of(desk, second)) == 1
    assert forgotten not in people_of(desk, second)
    assert people_of(desk, asked_for(desk, "4711")) == [forgotten], "asked for again it is fetched again"


def test_two_who_fetch_at_once_have_their_own_patients_each(desk: Desk) -> None:
    first, second = asked_for(desk, "4711"), asked_for(desk, "4712")
    of_second = people_of(desk, second)
    assert not set(people_of(desk, first)) & set(of_second)
    desk.add(second, {})
    assert [name.split("/")[0] for name in desk.images()] == of_second
    desk.add(first, {})
    assert len(desk.images()) == 2


def test_what_was_left_out_can_be_fetched_again(desk: Desk) -> None:
    first = asked_for(desk, "4711")
    (one,) = deliveries.decisions_of(desk.out, first.delivery_id)["series"]
    desk.add(first, {one["token"]: {"contrast": "skip"}})
    archive_fetch.forget(desk.study, first.delivery_id)
    assert not desk.images()
    again = asked_for(desk, "4711")
    desk.add(again, {})
    assert len(desk.images()) == 1


def test_how_many_images_have_come_is_said_and_nobody_named(desk: Desk) -> None:
    delivery = Delivery(jobs.fresh_id(), DeliveryKind.ARCHIVE, "", "A", "", AT)
    archive_fetch.ask_for(desk.study, delivery.delivery_id, ["4711", "nobody"])
    said: list[str] = []
    archive_fetch.fetch(desk.study, delivery.delivery_id, said.append)
    assert said[:3] == ["asking the archive", *(f"fetching from the archive, {n} images so far" for n in (1, 2))]
    assert not any("4711" in words or "nobody" in words for words in said)


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
