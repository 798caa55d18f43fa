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


def volume(slice_count: int, first: int = 0) -> Volume:
    array = np.random.default_rng(slice_count).integers(0, 900, (12, 10, slice_count)).astype(np.int16)
    affine = AFFINE.copy()
    affine[:3, 3] += first * AFFINE[:3, 2]
    return Volume(array, affine)


def codes_of(done: ImportDone) -> set[str]:
    return {finding.code for finding in done.findings}


@pytest.mark.parametrize(
    ("slice_count", "first", "is_said"), [(6, 0, True), (6, 2, True), (6, 1, False), (8, 0, False)]
)
def test_a_series_that_ends_at_one_side_before_another_one_of_its_study_is_said(
    slice_count: int, first: int, is_said: bool, tmp_path: Path
) -> None:
    uids = dicom.new_uids()
    dicom.save_all(dicom.slices(volume(8), uids=uids), tmp_path / "in" / "t2")
    other = {**uids, "series": "1.2.3.4.5"}
    t1w = dicom.slices(
        volume(slice_count, first), uids=other, made=dicom.T1_SPIN_ECHO, SeriesDescription="t1_tse_sag", SeriesNumber=5
    )
    dicom.save_all(t1w, tmp_path / "in" / "t1")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert len(done.added) == 2
    messages = [finding.message for finding in done.findings if finding.code == "series_shorter"]
    assert len(messages) == is_said
    if is_said:  # the first slice of these lies at the right, the last at the left
        assert f"to the {'right' if first else 'left'}" in messages[0]
        assert "found 2 fewer there" in messages[0]


def test_images_of_one_series_share_their_slices_and_one_that_has_fewer_waits(tmp_path: Path) -> None:
    uids = dicom.new_uids()
    short = dicom.slices(volume(8), uids=uids)[:8]
    late = dicom.slices(volume(6), uids=uids, EchoTime=12.0, SeriesDescription="pd_t2_tse_sag")
    dicom.save_all(short, tmp_path / "in" / "a")
    dicom.save_all(late, tmp_path / "in" / "b")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert len(done.added) <= 1
    said = [
        f.message for f in done.findings if "expected 8 slices as other images of its series have, found 6" in f.message
    ]
    assert said


@pytest.mark.parametrize(("counts", "is_whole"), [((8, 6), False), ((8, 8), True)])
def test_each_acquisition_of_a_series_has_the_images_it_announces(
    counts: tuple[int, int], is_whole: bool, tmp_path: Path
) -> None:
    uids = dicom.new_uids()
    for number, count in enumerate(counts, start=1):
        stack = dicom.slices(
            volume(count, 8 * (number - 1)), uids=uids, AcquisitionNumber=number, ImagesInAcquisition=8
        )
        for one in stack:
            one.InstanceNumber = int(one.InstanceNumber) + 8 * (number - 1)
        dicom.save_all(stack, tmp_path / "in" / str(number))
    done = imported(tmp_path / "in", tmp_path / "study")
    assert ("series_incomplete" not in codes_of(done)) == is_whole


@pytest.mark.parametrize(("announced", "is_whole"), [((8, 7), True), ((8, 8), False), ((15, 15), True)])
def test_acquisitions_that_share_the_slices_of_a_series_announce_each_its_own(
    announced: tuple[int, int], is_whole: bool, tmp_path: Path
) -> None:
    slices = sorted(dicom.slices(volume(15), uids=dicom.new_uids()), key=lambda one: int(one.InstanceNumber))
    for place, one in enumerate(slices):
        one.AcquisitionNumber = 1 + place % 2
        one.ImagesInAcquisition = announced[place % 2]
    dicom.save_all(slices, tmp_path / "in")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert (len(done.added), "series_incomplete" in codes_of(done)) == (int(is_whole), not is_whole)


def test_a_part_of_a_split_object_waits_for_the_others(tmp_path: Path) -> None:
    part = dicom.enhanced(volume(8), InConcatenationNumber=1, InConcatenationTotalNumber=2)
    dicom.save(part, tmp_path / "in" / "one")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert not done.added
    assert any("expected 2 parts of one object as the header announces, found 1" in f.message for f in done.findings)


def test_a_frame_without_a_place_is_missing(tmp_path: Path) -> None:
    whole = dicom.enhanced(volume(8))
    del whole.PerFrameFunctionalGroupsSequence[-1].PlanePositionSequence
    dicom.save(whole, tmp_path / "in" / "one")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert not done.added
    assert any("expected a place for each of 8 frames, found 7" in f.message for f in done.findings)


@pytest.mark.parametrize("shades", ["MONOCHROME1", "PALETTE COLOR"])
def test_pixels_that_are_no_plain_brightness_are_asked_about(shades: str, tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(volume(8), PhotometricInterpretation=shades), tmp_path / "in")
    done = imported(tmp_path / "in", tmp_path / "study")
    assert not done.added
    assert codes_of(done) == {"series_unsure"}
