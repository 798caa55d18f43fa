"""Scans that somebody brings: the import decides, nothing is added before it is confirmed. About 10 s."""

import io
import json
import zipfile

import numpy as np
import pytest

from dashboard.data import door, scan_deliveries
from pipeline.core.volume import Volume
from pipeline.errors import SettingsError
from tests import dicom_files as dicom

UNSURE = {"SeriesDescription": "series", "SequenceName": "x", "EchoTime": None, "RepetitionTime": None}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """An empty study that is served."""
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv(door.STUDY_VARIABLE, str(folder))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    return folder


def zipped(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return content.getvalue()


@pytest.fixture
def delivery(tmp_path):
    """A zip archive with one series that is sure and one that is not."""
    grid = np.diag([0.9, 0.9, 3.3, 1.0])[:, [2, 1, 0, 3]]
    array = np.random.default_rng(0).integers(50, 400, (32, 40, 9)).astype(np.uint16)
    uids = dicom.new_uids()
    dicom.save_all(dicom.slices(Volume(array, grid), uids=uids), tmp_path / "disc" / "a")
    other = dicom.new_uids(uids["study"])
    dicom.save_all(dicom.slices(Volume(array, grid), uids=other, **UNSURE), tmp_path / "disc" / "b")
    return zipped(tmp_path / "disc")


def test_a_delivery_is_looked_through_decided_and_added_once_confirmed(study, delivery):
    folder = scan_deliveries.lay_aside("A", [("../../evil name.zip", delivery)])
    assert folder.parent == study.with_name("out") / "queue" / "deliveries"
    assert [path.name for path in folder.iterdir()] == ["0000__.._evil_name.zip"]
    series, _ = scan_deliveries.look_through(folder)
    assert not any(study.iterdir())
    (sure,) = (one for one in series if one.outcome == "imported")
    (unsure,) = (one for one in series if one.is_open)
    assert (sure.contrast, sure.session_id) == ("T2w", "ses-20200217")
    assert unsure.picture.startswith(b"\x89PNG")
    words = scan_deliveries.add("A. Dder", folder, {unsure.token: "T1w"})
    assert words == "2 files are added to the study."
    assert not folder.exists()
    images = sorted(path.name for path in study.rglob("*.nii.gz"))
    assert len(images) == 2
    assert any("T1w" in name for name in images)
    line = json.loads((study.with_name("out") / "journal" / "deliveries.jsonl").read_text(encoding="utf-8"))
    assert (line["who"], len(line["added"]), line["decided"]) == ("A. Dder", 2, {unsure.token: "T1w"})


def test_what_is_no_delivery_ends_in_a_sentence(study):
    with pytest.raises(SettingsError, match="found none"):
        scan_deliveries.lay_aside("A", [])
    folder = scan_deliveries.lay_aside("A", [("a.zip", b"PK\x03\x04 torn")])
    series, odd = scan_deliveries.look_through(folder)
    assert series == ()
    assert odd
    assert not any(study.iterdir())
