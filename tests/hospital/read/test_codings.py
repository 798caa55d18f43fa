"""Every coding gives the same voxels; the small files that pydicom ships are read or refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.hospital.read.headers import read_instance
from pipeline.study.mask_voxels import in_order_of
from tests import dicom_files as dicom

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


def volume() -> Volume:
    rng = np.random.default_rng(7)
    return Volume(rng.integers(0, 900, (24, 20, 5)).astype(np.int16), np.diag([0.7, 0.7, 3.3, 1.0]))


def run(source: Path, study: Path) -> ImportDone:
    return import_dicom(ImportSettings(source, study), lambda *_: None)


def imported(tmp_path: Path) -> np.ndarray:
    done = run(tmp_path / "in", tmp_path / "study")
    assert [finding.message for finding in done.findings] == []
    (file,) = done.added
    return in_order_of(images.load(tmp_path / "study" / file), volume()).array


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless,
        JPEG2000Lossless,
    ],
    ids=lambda syntax: UID(syntax).name.split(",")[0],
)  # fmt: skip
def test_voxels_are_the_same_in_every_coding(syntax: UID, tmp_path: Path) -> None:
    series = dicom.slices(volume())
    if syntax == JPEG2000Lossless:  # no encoder here: GDCM's own, by way of ITK
        _recode(series, tmp_path / "in", "JPEG2000")
    else:
        dicom.save_all(series, tmp_path / "in", syntax)
    assert np.array_equal(imported(tmp_path), volume().array)


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_jpeg_lossless(slope: float, tmp_path: Path) -> None:
    _recode(dicom.slices(volume()), tmp_path / "in", "JPEG")
    for path in (tmp_path / "in").iterdir():
        dataset = pydicom.dcmread(path)
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, 0
        dataset.save_as(path)
    assert np.array_equal(imported(tmp_path), volume().array * int(slope))


def _recode(series: list[pydicom.Dataset], folder: Path, name: str) -> None:
    for path in dicom.save_all(series, folder):
        original = pydicom.dcmread(path)
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(path.with_suffix(".dcm")))
        writer.UseCompressionOn()
        writer.SetCompressor(name)
        writer.Execute(sitk.GetImageFromArray(original.pixel_array[np.newaxis]))
        packed = pydicom.dcmread(path.with_suffix(".dcm"))
        original.PixelData, original.file_meta.TransferSyntaxUID = packed.PixelData, packed.file_meta.TransferSyntaxUID
        original["PixelData"].is_undefined_length = True
        original.save_as(path)
        path.with_suffix(".dcm").unlink()


def test_big_endian_and_a_file_without_preamble(tmp_path: Path) -> None:
    for number, dataset in enumerate(dicom.slices(volume())):
        path = tmp_path / "in" / str(number)
        path.parent.mkdir(exist_ok=True)
        if number % 2:
            pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True)
        else:
            big = dataset["PixelData"].value
            dataset.PixelData = np.frombuffer(big, "<i2").astype(">i2").tobytes()
            dataset["PixelData"].VR = "OW"
            dataset.file_meta = pydicom.dataset.FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    assert np.array_equal(imported(tmp_path), volume().array)


@pytest.mark.parametrize(("slopes", "kind", "factor"), [((2.0, 2.0), np.int16, 2.0), ((0.5, 0.5), np.float32, 0.5)])
def test_scaling_is_applied(slopes: tuple[float, float], kind: type, factor: float, tmp_path: Path) -> None:
    dicom.save_all(dicom.slices(volume(), RescaleSlope=slopes[0], RescaleIntercept=0.0), tmp_path / "in")
    array = imported(tmp_path)
    assert array.dtype == kind
    assert np.array_equal(array, volume().array * factor)


def test_each_slice_has_its_own_scaling(tmp_path: Path) -> None:
    series = dicom.slices(volume())
    for dataset in series:
        dataset.RescaleSlope, dataset.RescaleIntercept = dataset.InstanceNumber * 0.25, 1.0
    dicom.save_all(series, tmp_path / "in")
    expected = volume().array * (np.arange(5) + 1) * 0.25 + 1
    np.testing.assert_allclose(imported(tmp_path), expected)


def test_an_enhanced_object_is_parted_by_echo(tmp_path: Path) -> None:
    dicom.save(
        dicom.enhanced(volume(), echo_times=(105.0, 20.0), SeriesDescription="dual echo"), tmp_path / "in" / "one"
    )
    done = run(tmp_path / "in", tmp_path / "study")
    arrays = {Path(name).name.split("_")[-1]: images.load(tmp_path / "study" / name) for name in done.added}
    assert sorted(arrays) == ["PDw.nii.gz", "T2w.nii.gz"]
    difference = arrays["PDw.nii.gz"].array - arrays["T2w.nii.gz"].array
    assert np.array_equal(np.unique(difference), [1])


def test_a_compressed_frame_larger_than_the_header_says_is_refused(tmp_path: Path) -> None:
    series = dicom.slices(volume())
    for path in dicom.save_all(series, tmp_path / "in", JPEGLSLossless):
        dataset = pydicom.dcmread(path)
        at = dataset.PixelData.index(b"\xff\xf7")
        content = bytearray(dataset.PixelData)
        content[at + 5 : at + 9] = b"\xff\xff\xff\xff"
        dataset.PixelData = bytes(content)
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(path)
    (finding,) = run(tmp_path / "in", tmp_path / "study").findings
    assert "expected compressed frames of 20 x 24 pixels, found 65535 x 65535" in finding.message


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.dcm")), ids=lambda path: path.name)
def test_each_shipped_file_is_read_or_refused_in_words(path: Path) -> None:
    try:
        said = read_instance(path).series_uid
    except InputError as error:
        said = str(error)
    assert said[0].isdigit() or said.startswith("expected")


def test_the_shipped_mr_files_hold_the_pixels_that_pydicom_reads() -> None:
    from pipeline.hospital.read.pixels import _read_file  # noqa: PLC0415

    names = sorted(path for path in SHIPPED.glob("MR_small*.dcm"))
    assert len(names) >= 7
    for path in names:
        (plane,) = read_instance(path).planes
        assert np.array_equal(_read_file(plane)[0], pydicom.dcmread(path).pixel_array), path.name


def test_a_folder_of_shipped_files_harms_nothing(tmp_path: Path) -> None:
    done = run(SHIPPED, tmp_path / "study")
    assert done.added == ()
    assert {finding.code for finding in done.findings} >= {"dicom_damaged"}
