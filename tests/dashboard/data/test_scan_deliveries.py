"""Scans that somebody brings on a page: kept under harmless names, refused where the person or the server may not."""

import json

import pytest

from dashboard.data import door, scan_deliveries
from pipeline.errors import SettingsError
from pipeline.service import archive_fetch, deliveries, scan_places


@pytest.fixture
def study(tmp_path, monkeypatch):
    """An empty study that is served."""
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv(door.STUDY_VARIABLE, str(folder))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    return folder


def test_what_is_dropped_is_kept_under_harmless_names(study):
    names = ["../../evil name.zip", "a.nii.gz", "a.nii.gz", "<img src=x>.dcm", "..", "sub-a+b_T2w.nii"]
    scan_deliveries.bring_files("A", [(name, b"x") for name in names])
    (delivery,) = scan_deliveries.going_on()
    place = deliveries.folder_of(study.with_name("out"), delivery.delivery_id) / deliveries.FILES
    kept = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    assert kept == ["02/a.nii.gz", "_.._evil_name.zip", "_img_src_x_.dcm", "a.nii.gz", "file", "sub-a+b_T2w.nii"]
    assert not any(study.iterdir())
    scan_deliveries.cancel("A", delivery.delivery_id)
    assert scan_deliveries.going_on() == ()
    assert not place.exists()


def test_what_cannot_be_brought_is_refused(study):
    for bring, words in (
        (lambda: scan_deliveries.bring_files("A", []), "found none"),
        (lambda: scan_deliveries.bring_folder("A", "inbox"), "nothing was read"),
        (lambda: scan_deliveries.bring_from_archive("A", "4711"), "knows no archive"),
        (lambda: scan_deliveries.confirm("A", "20240101", {}), "meanwhile"),
    ):
        with pytest.raises(SettingsError, match=words):
            bring()
    assert scan_deliveries.folders() == ()


def test_numbers_of_patients_lie_in_the_private_folder_alone(study, monkeypatch):
    monkeypatch.setenv(archive_fetch.ARCHIVE_VARIABLE, "pacs.toml")
    scan_deliveries.bring_from_archive("A", "4711\n\n4711\n4712\n")
    (delivery,) = scan_deliveries.going_on()
    private = study.with_name("study.private")
    asked = private / "asked" / f"{delivery.delivery_id}.json"
    assert json.loads(asked.read_text(encoding="utf-8")) == {"dicom_id": ["4711", "4712"]}
    assert not any("4711" in path.read_text() for path in study.with_name("out").rglob("*.json"))
    scan_deliveries.cancel("A", delivery.delivery_id)
    assert not asked.exists()
    for numbers in ("", "*", "\n".join(map(str, range(51)))):
        with pytest.raises(SettingsError, match="expected"):
            scan_deliveries.bring_from_archive("A", numbers)


def test_a_folder_is_named_as_it_was_offered(study, monkeypatch):
    inbox = study.with_name("inbox")
    inbox.mkdir()
    monkeypatch.setenv(scan_places.ROOTS_VARIABLE, scan_places.check_roots([inbox], [study]))
    assert scan_deliveries.folders() == ("inbox",)
    with pytest.raises(SettingsError, match="nothing was read"):
        scan_deliveries.bring_folder("A", "inbox/../study")
    scan_deliveries.bring_folder("A", "inbox")
    (delivery,) = scan_deliveries.going_on()
    assert (delivery.kind, delivery.place) == ("folder", "inbox")
