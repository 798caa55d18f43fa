"""Slices that fall apart, distances that disagree, and stored values that are not those measured. About 15 s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.hospital.read import pixels
from pipeline.hospital.read.instances import Pixels
from tests import dicom_files as dicom
from tests.hospital.importing.test_import import codes, run
from tests.hospital.importing.test_series_as_a_whole import names, volume


def at_one_place(series: list[Dataset]) -> None:
    for image in series:
        image.ImagePositionPatient = series[0].ImagePositionPatient


def each_another_inversion(series: list[Dataset]) -> None:
    for number, image in enumerate(series):
        image.ScanningSequence, image.InversionTime = ["SE", "IR"], 200.0 + 5 * number


def turned_in_plane(series: list[Dataset]) -> None:
    for image in series:
        angle = 0.004 * int(image.InstanceNumber)
        c, s = np.cos(angle), np.sin(angle)
        image.ImageOrientationPatient = [f"{v:.8f}" for v in (0, c, s, 0, s, -c)]


SCATTERED = {
    "one place": (at_one_place, "their position is one and the same"),
    "each made otherwise": (each_another_inversion, "they differ in making, size or direction"),
    "each turned": (turned_in_plane, "they differ in making, size or direction"),
}


@pytest.mark.parametrize(("spoil", "words"), SCATTERED.values(), ids=SCATTERED)
def test_a_series_that_falls_apart_is_said_once(
    spoil: Callable[[list[Dataset]], None], words: str, tmp_path: Path
) -> None:
    series = dicom.slices(volume())
    spoil(series)
    dicom.save_all(series, tmp_path / "disc")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert (codes(done), done.added) == (["series_refused"], ())
    assert words in done.findings[0].message


def test_an_echo_time_written_anew_for_each_slice_is_one(tmp_path: Path) -> None:
    series = dicom.slices(volume())
    for number, image in enumerate(series):
        image.EchoTime = 105 + 0.001 * number
    dicom.save_all(series, tmp_path / "disc")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert (codes(done), names(done)) == ([], ["acq-sag_T2w"])


@pytest.mark.parametrize(
    ("apart_mm", "stated", "thickness", "is_asked"),
    [(33.0, "3.3", "3", True), (1.0, "3.3", "3", True), (3.3, "3.3", "3", False), (3.3, "0.3", "3", False),
     (1.0, "1.0", "2", False), (3.3, None, "3", False), (33.0, "33", "3", False)],
)  # fmt: skip
def test_a_stated_distance_that_positions_contradict_is_asked_about(
    apart_mm: float, stated: str | None, thickness: str, is_asked: bool, tmp_path: Path
) -> None:
    grid = volume()
    grid.affine[0, 2] = apart_mm
    dicom.save_all(dicom.slices(grid, SpacingBetweenSlices=stated, SliceThickness=thickness), tmp_path / "disc")
    done = run(tmp_path / "disc", tmp_path / "study")
    assert codes(done) == (["series_unsure"] if is_asked else [])
    assert ("by their positions lie" in str(done.findings)) is is_asked


def signal(folder: Path, source: Path) -> np.ndarray:
    (file,) = run(source, folder).added
    return images.load(folder / file).array


def philips(gains: np.ndarray, scales: np.ndarray) -> list[Dataset]:
    """A series of signal 100 everywhere, stored with its own two scales in each slice; 0 in one corner."""
    series = dicom.slices(volume(), vendor="philips")
    for image, gain, scale in zip(series, gains, scales, strict=True):
        plane = np.full((20, 24), round(100 * scale), np.int16)
        plane[0, 0] = 0
        dicom.set_pixels(image, plane)
        image.RescaleSlope = str(round(float(gain / scale), 8))
        block = image.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
        block.add_new(0x0E, "FL", float(scale))
    return series


def test_slices_that_philips_displays_with_other_gains_are_read_as_measured(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    dicom.save_all(philips(rng.uniform(0.5, 2, 12), rng.uniform(100, 200, 12)), tmp_path / "other")
    array = signal(tmp_path / "study", tmp_path / "other")
    medians = np.array([np.median(array[..., k]) for k in range(12)])
    assert medians.max() / medians.min() < 1.01
    assert array.min() == 0


def test_one_gain_of_all_slices_leaves_what_is_displayed(tmp_path: Path) -> None:
    scales = np.random.default_rng(3).uniform(100, 200, 12)
    dicom.save_all(philips(np.full(12, 3.0), scales), tmp_path / "same")
    array = signal(tmp_path / "study", tmp_path / "same")
    assert np.allclose([np.median(array[..., k]) for k in range(12)], 300, rtol=0.005)


def test_frames_of_an_enhanced_object_have_gains_of_their_own(tmp_path: Path) -> None:
    grid = Volume(np.full((24, 20, 12), 100, np.int16), volume().affine)
    grid.array[0, 0] = 0
    whole = dicom.enhanced(grid)
    for number, frame in enumerate(whole.PerFrameFunctionalGroupsSequence):
        values, private = Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = 1.0 + number % 3, 0.0
        frame.PixelValueTransformationSequence = Sequence([values])
        private.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", 1.0)
        frame.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
        frame.add_new(0x2005140F, "SQ", Sequence([private]))
    dicom.save_all([whole], tmp_path / "disc")
    array = signal(tmp_path / "study", tmp_path / "disc")
    assert len({float(np.median(array[..., k])) for k in range(12)}) == 1


def test_values_stored_in_the_upper_bits_are_read(tmp_path: Path) -> None:
    grid = volume()
    series = dicom.slices(grid)
    for image in series:
        plane = np.frombuffer(image.PixelData, np.int16).reshape(20, 24).astype(np.uint16) << 4
        dicom.set_pixels(image, plane)
        image.BitsStored, image.HighBit = 12, 15
    dicom.save_all(series, tmp_path / "disc")
    assert np.array_equal(np.sort(signal(tmp_path / "study", tmp_path / "disc"), None), np.sort(grid.array, None))


@pytest.mark.parametrize("high_bit", [3, 16])
def test_a_highest_bit_outside_of_the_value_is_refused(high_bit: int) -> None:
    described: dict[str, Any] = {"syntax": "", "rows": 2, "columns": 2, "frames": 1, "samples": 1, "offset": 0}
    stored = Pixels(
        **described, bits_allocated=16, bits_stored=12, is_signed=False, is_big_endian=False, length=8,
        high_bit=high_bit,
    )  # fmt: skip
    with pytest.raises(InputError, match=f"found it at bit {high_bit}"):
        pixels._cut(np.zeros((1, 2, 2), np.uint16), stored)
