"""A series of which one image is damaged is no whole series: nothing of it is measured before a person says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from tests import dicom_files as dicom

AFFINE = np.array([[0.0, 0, -3.0, 9.0], [-0.7, 0.0, 0.0, 30.0], [0.0, -0.7, 0.0, 60.0], [0, 0, 0, 1.0]])


def series(folder: Path, **extra: object) -> list[Path]:
    array = np.random.default_rng(3).integers(0, 900, (12, 10, 8)).astype(np.int16)
    slices = dicom.slices(Volume(array, AFFINE), date(2020, 2, 17), **extra)
    return dicom.save_all(sorted(slices, key=lambda one: int(one.InstanceNumber)), folder)


def imported(source: Path, study: Path, rules: Path | None = None) -> ImportDone:
    return import_dicom(ImportSettings(source, study, rules=rules, jobs=1), lambda *_: None)


def with_other(**elements: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        for name, value in elements.items():
            setattr(dataset, name, value)
        dataset.save_as(path)

    return change


def without_place(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    del dataset.ImagePositionPatient
    dataset.save_as(path)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "cut in the pixels": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "empty": lambda path: path.write_bytes(b""),
    "its first block lost": lambda path: path.write_bytes(bytes(512) + path.read_bytes()[512:]),
    "no place": without_place,
    "other spacing": with_other(PixelSpacing=["0.7", "0.9"]),
    "other direction": with_other(ImageOrientationPatient=["0", "1", "0", "0", "0.6", "-0.8"]),
    "other echo time": with_other(EchoTime=15.0),
    "other series": with_other(SeriesInstanceUID="1.2.3.4.5.6"),
    "other patient": with_other(PatientID="47119"),
    "other kind": with_other(SOPClassUID="1.2.840.10008.5.1.4.1.9.9"),
}


@pytest.mark.parametrize("end", [0, 7])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_series_that_lost_an_image_at_its_end_is_asked_about_and_not_imported(
    kind: str, end: int, tmp_path: Path
) -> None:
    files = series(tmp_path / "in")
    DAMAGE[kind](files[end])
    done = imported(tmp_path / "in", tmp_path / "study")
    assert not done.added
    assert "series_incomplete" in {finding.code for finding in done.findings}


def test_the_advised_rule_takes_it_as_it_is(tmp_path: Path) -> None:
    files = series(tmp_path / "in")
    DAMAGE["empty"](files[7])
    (row,) = imported(tmp_path / "in", tmp_path / "study").rows
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rule]]\nseries = "{row.series}"\naccept_incomplete = true\n')
    assert len(imported(tmp_path / "in", tmp_path / "study", rules).added) == 1


def test_a_file_sent_again_completes_it(tmp_path: Path) -> None:
    files = series(tmp_path / "in")
    whole = files[7].read_bytes()
    DAMAGE["cut in the pixels"](files[7])
    assert not imported(tmp_path / "in", tmp_path / "study").added
    (tmp_path / "in" / "again").mkdir()
    (tmp_path / "in" / "again" / "IM00007").write_bytes(whole)
    assert len(imported(tmp_path / "in", tmp_path / "study").added) == 1


def test_other_series_of_the_folder_and_other_files_are_no_concern(tmp_path: Path) -> None:
    series(tmp_path / "in" / "a")
    damaged = series(tmp_path / "in" / "b", SeriesNumber=5, EchoTime=11.0, RepetitionTime=600.0)
    DAMAGE["cut in the header"](damaged[2])
    (tmp_path / "in" / "a" / "IM_readme").write_text("a letter, no image")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert len(done.added) == 1
    assert done.other_files == 1


def test_a_series_of_which_every_second_image_came_is_no_volume_until_the_rest_comes(tmp_path: Path) -> None:
    files = series(tmp_path / "in", SliceThickness="3")
    lost = {path: path.read_bytes() for path in files[1::2]}
    for path in lost:
        path.unlink()
    done = imported(tmp_path / "in", tmp_path / "study")
    assert [one.code for one in done.findings] == ["series_incomplete"]
    assert "found one in 2 by number" in done.findings[0].message
    assert not list((tmp_path / "study").rglob("*.nii.gz"))
    for path, content in lost.items():
        path.write_bytes(content)
    assert len(imported(tmp_path / "in", tmp_path / "study").added) == 1


@pytest.mark.parametrize(("step", "thickness"), [(2, "3"), (1, "1.5")], ids=["two echoes share numbers", "wide gaps"])
def test_numbers_that_go_on_by_two_or_wide_gaps_alone_are_no_loss(tmp_path: Path, step: int, thickness: str) -> None:
    for path in series(tmp_path / "in", SliceThickness=thickness):
        with_other(InstanceNumber=int(pydicom.dcmread(path).InstanceNumber) * step)(path)
    done = imported(tmp_path / "in", tmp_path / "study")
    assert (len(done.added), [one.code for one in done.findings]) == (1, [])
