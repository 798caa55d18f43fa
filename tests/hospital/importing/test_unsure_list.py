"""Series that a person must decide on: listed with number, description and picture, and each rule does what it says."""

from __future__ import annotations

import base64
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.hospital.importing.thumbnails import png
from pipeline.hospital.importing.unsure_list import page_of
from tests import dicom_files as dicom

SAGITTAL = np.array([[0.0, 0, -3.0, 9.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])
HALF = np.sqrt(0.5)
OBLIQUE = SAGITTAL.copy()
OBLIQUE[:3, :3] = np.array([[HALF, -HALF, 0], [HALF, HALF, 0], [0, 0, 1]]) @ SAGITTAL[:3, :3]


def volume(affine: np.ndarray = SAGITTAL) -> Volume:
    i, j, k = np.indices((24, 30, 9))
    return Volume((100 + 10 * i + 3 * j + k).astype(np.int16), affine)


def imported(source: Path, study: Path, **more: Any) -> ImportDone:
    return import_dicom(ImportSettings(source, study, jobs=1, **more), lambda *_: None)


def listed(study: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((study.with_name(f"{study.name}.private") / "unsure_series.json").read_text())
    return content


def unsure_cases(folder: Path) -> None:
    nothing = {"ScanningSequence": "SE", "MRAcquisitionType": "2D", "SeriesDescription": "<b>wirbel & säule</b>"}
    named = {**nothing, "SeriesDescription": "t2 sagittal"}
    dicom.save_all(dicom.slices(volume(), made=nothing, SeriesNumber=3), folder / "nothing")
    dicom.save_all(dicom.slices(volume(), made=named, SeriesNumber=4), folder / "named")
    dicom.save_all(dicom.slices(volume(OBLIQUE), SeriesNumber=5), folder / "oblique")
    dicom.save_all(dicom.slices(volume(), SeriesNumber=6, ImagesInAcquisition=12), folder / "part")
    dicom.save_all(dicom.slices(volume(), SeriesNumber=7, BurnedInAnnotation="YES"), folder / "text")


def test_each_is_listed_with_a_picture_and_its_rule_lets_it_in(tmp_path: Path) -> None:
    unsure_cases(tmp_path / "in")
    trial = imported(tmp_path / "in", tmp_path / "study", is_trial=True)
    assert not trial.added
    entries = listed(tmp_path / "study")
    assert {entry["number"] for entry in entries.values()} == {3, 4, 5, 6, 7}
    for entry in entries.values():
        picture = Image.open(io.BytesIO(base64.b64decode(entry["picture"])))
        assert picture.size == (3 * 24, 30)
        assert np.ptp(np.asarray(picture)) == 255
    rules = tmp_path / "rules.toml"
    rules.write_text("".join(entry["rule"] for entry in entries.values()))
    done = imported(tmp_path / "in", tmp_path / "study", rules=rules)
    assert len(done.added) == 4, "the one of which nothing is known is left out by its rule until somebody says more"
    assert {row.series for row in done.rows} == set(entries)
    assert not listed(tmp_path / "study")


def test_the_page_asks_nothing_of_a_network_and_takes_no_text_for_markup(tmp_path: Path) -> None:
    unsure_cases(tmp_path / "in")
    imported(tmp_path / "in", tmp_path / "study")
    path = tmp_path / "study.private" / "unsure_series.html"
    assert path.stat().st_mode & 0o077 == 0
    page = path.read_text(encoding="utf-8")
    assert "&lt;b&gt;wirbel &amp; säule&lt;/b&gt;" in page
    assert page.count('src="data:image/png;base64,') == 5
    assert not [word for word in ("http:", "https", "<script", "<b>wirbel") if word in page]


def test_a_stack_that_is_no_grid_has_no_picture() -> None:
    entry = {"where": "here", "description": "", "reasons": [], "rule": "", "picture": ""}
    assert "<img" not in page_of({"abc": entry})
    assert "no description" in page_of({"abc": entry})


@pytest.mark.parametrize("shape", [(1, 1), (5, 7)])
def test_a_png_is_what_it_was_made_of(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(grey)))), grey)


def test_the_day_of_the_study_stays_out_of_the_list(tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(volume(), date(2019, 3, 4), made={"ScanningSequence": "SE"}), tmp_path / "in")
    imported(tmp_path / "in", tmp_path / "study", shifts_dates=True)
    assert "20190304" not in (tmp_path / "study.private" / "unsure_series.html").read_text(encoding="utf-8")
