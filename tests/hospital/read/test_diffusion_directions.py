"""Directions of diffusion: along the image's axes, as dcm2niix tells them, from each maker's elements; or none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from pipeline.core.volume import Volume
from pipeline.hospital.importing.importing import ImportDone, ImportSettings, import_dicom
from pipeline.hospital.read import diffusion
from tests import dicom_files as dicom

DIRECTION = (0.6, 0.64, 0.48)
SIEMENS, GE = ("SIEMENS", "siemens"), ("GE MEDICAL SYSTEMS", "ge")
AXIAL = np.diag([-1.0, -1.0, 1.0])
SAGITTAL = np.array([[0.0, 0, -1], [-1, 0, 0], [0, -1, 0]])
TILTED = Rotation.from_euler("xyz", [12, -7, 20], degrees=True).as_matrix() @ AXIAL
EPI = {
    "ScanningSequence": "EP", "EchoTime": 80.0, "RepetitionTime": 4000.0, "FlipAngle": 90.0, "MRAcquisitionType": "2D",
    "SeriesDescription": "ep2d_diff", "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"],
    "InPlanePhaseEncodingDirection": "COL",
}  # fmt: skip


def own(dataset: Dataset, group: int, creator: str, offset: int, kind: str, value: Any) -> None:
    dataset.private_block(group, creator, create=True).add_new(offset, kind, value)


def of_siemens(dataset: Dataset, direction: tuple[float, ...] | None) -> None:
    own(dataset, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "0" if direction is None else "800")
    if direction is not None:
        own(dataset, 0x0019, "SIEMENS MR HEADER", 0x0E, "FD", list(direction))


def of_ge(dataset: Dataset, direction: tuple[float, ...] | None, scale: float = 1.0) -> None:
    own(dataset, 0x0043, "GEMS_PARM_01", 0x39, "IS", [0 if direction is None else 1000000800, 8, 0, 0])
    for offset, value in zip((0xBB, 0xBC, 0xBD), direction or (0.0, 0.0, 0.0), strict=True):
        own(dataset, 0x0019, "GEMS_ACQU_01", offset, "DS", f"{scale * value:.8f}")


def scanned(folder: Path, axes: np.ndarray, maker: tuple[str, str], fill: Callable[..., None], **extra: Any) -> None:
    """Write an unweighted and a weighted volume of one series."""
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array([1.2, 1.2, 4.0])
    uids = dicom.new_uids()
    for number, direction in enumerate((None, DIRECTION)):
        array = np.random.default_rng(number).integers(100, 900, (16, 14, 5)).astype(np.int16)
        made = {**EPI, **extra}
        slices = dicom.slices(
            Volume(array, affine), vendor=maker[1], made=made, uids=uids, AcquisitionNumber=number + 1
        )
        for dataset in slices:
            dataset.InstanceNumber = int(dataset.InstanceNumber) + 5 * number
            fill(dataset, direction)
        dicom.save_all(slices, folder / str(number))


def imported(source: Path, study: Path) -> ImportDone:
    return import_dicom(ImportSettings(source, study, jobs=1), lambda *_: None)


def in_world(vector: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return a direction of a bvec file in the world (RAS), by FSL's convention: x is turned in right-handed axes."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    turned = vector * np.array([-1.0 if np.linalg.det(axes) > 0 else 1.0, 1.0, 1.0])
    return np.asarray(axes @ turned)


def written(stem: Path) -> tuple[np.ndarray, np.ndarray]:
    import nibabel as nib  # noqa: PLC0415

    image = nib.load(f"{stem}.nii.gz" if Path(f"{stem}.nii.gz").exists() else f"{stem}.nii")
    table = np.loadtxt(f"{stem}.bvec").reshape(3, -1)
    return in_world(table[:, -1], image.affine), table


@pytest.mark.parametrize(
    ("axes", "maker", "fill"),
    [(AXIAL, SIEMENS, of_siemens), (SAGITTAL, SIEMENS, of_siemens), (TILTED, SIEMENS, of_siemens),
     (AXIAL, GE, of_ge), (TILTED, GE, of_ge)],
    ids=["siemens axial", "siemens sagittal", "siemens tilted", "ge axial", "ge tilted"],
)  # fmt: skip
def test_a_direction_is_the_one_that_dcm2niix_tells(
    axes: np.ndarray, maker: tuple[str, str], fill: Callable[..., None], tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("dcm2niix")
    if not program.exists():
        pytest.skip("dcm2niix is not installed")
    scanned(tmp_path / "in", axes, maker, fill)
    (tmp_path / "theirs").mkdir()
    command = [str(program), "-f", "dwi", "-z", "n", "-o", str(tmp_path / "theirs"), str(tmp_path / "in")]
    subprocess.run(command, check=True, capture_output=True)
    theirs, _ = written(tmp_path / "theirs" / "dwi")
    done = imported(tmp_path / "in", tmp_path / "study")
    (file,) = (file for file in done.added if "b800" in file)
    mine, _ = written(tmp_path / "study" / file.removesuffix(".nii.gz"))
    sign = np.sign(mine @ theirs)  # a direction and its opposite weight the same
    np.testing.assert_allclose(mine, sign * theirs, atol=2e-3)


def test_ge_scales_its_b_value_by_the_length_of_the_direction(tmp_path: Path) -> None:
    scanned(tmp_path / "in", AXIAL, GE, lambda dataset, direction: of_ge(dataset, direction, scale=0.5))
    assert sorted(Path(file).name.split("acq-")[1] for file in imported(tmp_path / "in", tmp_path / "s").added) == [
        "axb0_dwi.nii.gz", "axb200_dwi.nii.gz",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("axes", "extra"),
    [(SAGITTAL, {}), (AXIAL, {"InPlanePhaseEncodingDirection": "ROW"}), (AXIAL, {"PatientPosition": "FFS"}),
     (AXIAL, {"InPlanePhaseEncodingDirection": None})],
    ids=["sagittal", "rows", "feet first", "not told"],
)  # fmt: skip
def test_a_ge_direction_in_axes_that_nobody_checked_is_none_and_the_image_is_asked_about(
    axes: np.ndarray, extra: dict[str, Any], tmp_path: Path
) -> None:
    scanned(tmp_path / "in", axes, GE, of_ge, **extra)
    done = imported(tmp_path / "in", tmp_path / "study")
    assert [Path(file).name.rpartition("_acq-")[2][2:] for file in done.added] in (
        ["b0_dwi.nii.gz"],
        ["gb0_dwi.nii.gz"],
    )
    assert any("the direction of its diffusion is not in the header" in one.message for one in done.findings)


def test_united_imaging_tells_it_along_the_images_axes() -> None:
    header = Dataset()
    header.ImageOrientationPatient = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
    own(header, 0x0065, "Image Private Header", 0x37, "FD", [1.0, 0.0, 0.0])
    assert diffusion.direction_of(header) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(("word", "expected"), [("I", "ISOTROPIC"), ("D", ""), (b"I ", "ISOTROPIC"), ("", "")])
def test_philips_says_isotropic_in_its_own_element(word: Any, expected: str) -> None:
    header = Dataset()
    own(header, 0x2001, "Philips Imaging DD 001", 0x04, "UN" if isinstance(word, bytes) else "CS", word)
    assert diffusion.directionality_of(header) == expected
