"""Image and transform files: what is read is what other programs read, and what is odd is refused in words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pipeline.core.volume import Volume, same_grid
from pipeline.errors import InputError, StoreError
from pipeline.files import images

SHAPE = (5, 6, 7)
RANDOM = np.random.default_rng(20260131)


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """Rotation about the three axes, degrees."""
    a, b, c = np.radians([x, y, z])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine_of(matrix: np.ndarray, origin: tuple[float, float, float] = (-12.5, 30.25, 7.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, origin
    return affine


SPACING = np.diag([0.7, 0.8, 3.3])
ORIENTATIONS = {
    "RAS": affine_of(SPACING),
    "LAS": affine_of(np.diag([-1.0, 1, 1]) @ SPACING),
    "LPS": affine_of(np.diag([-1.0, -1, 1]) @ SPACING),
    "PIR": affine_of(np.array([[0.0, 0, 3.3], [-0.7, 0, 0], [0, -0.8, 0]])),
    "oblique": affine_of(rotation(17, -8, 33) @ SPACING),
    "oblique, left-handed": affine_of(rotation(-5, 12, 4) @ np.diag([-1.0, 1, 1]) @ SPACING),
}
oriented = pytest.mark.parametrize("affine", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())


def numbers(dtype: type = np.float32, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return (RANDOM.random(shape) * 100).astype(dtype)


# ---------------------------------------------------------------- reading and writing


@oriented
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_image_is_read_as_nibabel_wrote_it(tmp_path: Path, affine: np.ndarray, name: str) -> None:
    array = numbers(np.int16)
    nib.save(nib.Nifti1Image(array, affine), tmp_path / name)
    volume = images.load(tmp_path / name)
    assert np.array_equal(volume.array, array)
    assert volume.array.dtype == np.int16
    assert volume.affine == pytest.approx(affine, abs=1e-5)  # the header stores 32 bits


@oriented
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_image_is_written_as_nibabel_reads_it(tmp_path: Path, affine: np.ndarray, name: str) -> None:
    volume = Volume(numbers(), affine)
    images.save(volume, tmp_path / "new" / name)
    read = nib.load(tmp_path / "new" / name)
    assert np.array_equal(np.asarray(read.dataobj), volume.array)
    assert read.affine == pytest.approx(affine, abs=1e-5)
    assert read.get_qform() == pytest.approx(affine, abs=1e-4)  # a quaternion of 32-bit numbers
    assert (read.header["sform_code"] > 0, read.header["qform_code"] > 0) == (True, True)
    assert same_grid(images.load(tmp_path / "new" / name), volume)


@oriented
def test_saving_what_was_loaded_changes_nothing(tmp_path: Path, affine: np.ndarray) -> None:
    images.save(Volume(numbers(), affine), tmp_path / "a.nii.gz")
    once = images.load(tmp_path / "a.nii.gz")
    images.save(once, tmp_path / "b.nii.gz")
    again = images.load(tmp_path / "b.nii.gz")
    assert np.array_equal(once.array, again.array)
    assert again.affine == pytest.approx(once.affine, abs=1e-6)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("is_swapped", [False, True])
def test_every_scalar_type_is_read_in_both_byte_orders(tmp_path: Path, dtype: str, is_swapped: bool) -> None:
    array = numbers(np.dtype(dtype))
    header = nib.Nifti1Header(endianness=">" if is_swapped else "<")
    header.set_data_dtype(dtype)
    nib.save(nib.Nifti1Image(array, ORIENTATIONS["oblique"], header), tmp_path / "a.nii")
    volume = images.load(tmp_path / "a.nii")
    assert np.array_equal(volume.array, array)
    assert volume.array.dtype == np.dtype(dtype)
    assert volume.affine == pytest.approx(ORIENTATIONS["oblique"], abs=1e-5)


def test_a_boolean_mask_is_stored_as_0_and_1(tmp_path: Path) -> None:
    array = numbers() > 50
    images.save(Volume(array, np.eye(4)), tmp_path / "mask.nii.gz")
    volume = images.load(tmp_path / "mask.nii.gz")
    assert volume.array.dtype == np.uint8
    assert np.array_equal(volume.array, array)


def test_stored_values_are_scaled_when_the_header_asks_for_it(tmp_path: Path) -> None:
    image = nib.Nifti1Image(numbers(np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, -3.0)
    nib.save(image, tmp_path / "a.nii.gz")
    expected = nib.load(tmp_path / "a.nii.gz").get_fdata()
    volume = images.load(tmp_path / "a.nii.gz")
    assert volume.array == pytest.approx(expected)
    assert volume.array.dtype == np.float32


def test_a_fourth_dimension_of_one_is_no_dimension(tmp_path: Path) -> None:
    array = numbers(np.int16)
    nib.save(nib.Nifti1Image(array[..., None], np.eye(4)), tmp_path / "a.nii.gz")
    assert np.array_equal(images.load(tmp_path / "a.nii.gz").array, array)


def image_with_codes(path: Path, sform: int, qform: int) -> None:
    image = nib.Nifti1Image(numbers(np.int16), np.eye(4))
    image.set_qform(ORIENTATIONS["oblique"], code=qform)
    image.set_sform(ORIENTATIONS["LPS"], code=sform)
    nib.save(image, path)


@pytest.mark.parametrize(("sform", "qform", "name"), [(1, 0, "LPS"), (2, 1, "LPS"), (0, 1, "oblique")])
def test_the_sform_places_an_image_before_the_qform(tmp_path: Path, sform: int, qform: int, name: str) -> None:
    image_with_codes(tmp_path / "a.nii.gz", sform, qform)
    volume = images.load(tmp_path / "a.nii.gz")
    assert volume.affine == pytest.approx(ORIENTATIONS[name], abs=1e-4)
    assert volume.affine == pytest.approx(nib.load(tmp_path / "a.nii.gz").affine, abs=1e-5)


@oriented
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_a_position_by_quaternion_keeps_the_hand_of_its_axes(
    tmp_path: Path, affine: np.ndarray, kind: type[nib.Nifti1Image]
) -> None:
    """Half of these orientations are left-handed: only the sign of the first spacing (qfac) tells."""
    image = kind(numbers(np.int16), affine)
    image.set_sform(None, code=0)
    image.set_qform(affine, code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    assert images.load(tmp_path / "a.nii.gz").affine == pytest.approx(affine, abs=1e-4)


@oriented
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nifti_2_is_read(tmp_path: Path, affine: np.ndarray, name: str) -> None:
    array = numbers(np.int16)
    nib.save(nib.Nifti2Image(array, affine), tmp_path / name)
    volume = images.load(tmp_path / name)
    assert np.array_equal(volume.array, array)
    assert volume.affine == pytest.approx(affine, abs=1e-5)


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("name", ["a.hdr", "a.img", "a.hdr.gz", "a.img.gz"])
def test_a_pair_of_header_and_voxels_is_read_by_either_name(
    tmp_path: Path, kind: type[nib.Nifti1Pair], name: str
) -> None:
    array = numbers(np.int16)
    nib.save(kind(array, ORIENTATIONS["PIR"]), tmp_path / name)
    volume = images.load(tmp_path / name)
    assert np.array_equal(volume.array, array)
    assert volume.affine == pytest.approx(ORIENTATIONS["PIR"], abs=1e-5)


@pytest.mark.parametrize(("degrees", "differs"), [(0.0, False), (0.01, False), (13.0, True)])
def test_two_positions_of_one_header_are_told_apart_from_rounding(
    tmp_path: Path, degrees: float, differs: bool
) -> None:
    image = nib.Nifti1Image(numbers(np.int16), ORIENTATIONS["oblique"])
    turned = affine_of(rotation(degrees, 0, 0), (0, 0, 0)) @ ORIENTATIONS["oblique"]
    image.set_qform(turned, code=1)
    nib.save(image, tmp_path / "a.nii.gz")
    other = images.other_grid(tmp_path / "a.nii.gz")
    assert (other is not None) == differs
    assert other is None or other.affine == pytest.approx(turned, abs=1e-3)


def test_voxels_without_a_number_count_as_no_signal_where_a_scan_may_have_gaps(tmp_path: Path) -> None:
    array = numbers()
    array[0], array[1, 0, 0] = np.nan, np.inf
    of_nibabel(array, np.eye(4))(tmp_path / "a.nii.gz")
    volume, lost_count = images.load_with_gaps(tmp_path / "a.nii.gz")
    assert lost_count == array[0].size + 1
    assert np.array_equal(volume.array, np.where(np.isfinite(array), array, 0))
    of_nibabel(np.full(SHAPE, np.nan, np.float32), np.eye(4))(tmp_path / "b.nii.gz")
    with pytest.raises(InputError, match="NaN or infinite"):
        images.load_with_gaps(tmp_path / "b.nii.gz")


@oriented
def test_the_grid_alone_is_that_of_the_whole_image(tmp_path: Path, affine: np.ndarray) -> None:
    images.save(Volume(numbers(np.int16), affine), tmp_path / "a.nii.gz")
    grid, volume = images.load_grid(tmp_path / "a.nii.gz"), images.load(tmp_path / "a.nii.gz")
    assert same_grid(grid, volume)
    assert grid.array.dtype == volume.array.dtype
    assert not grid.array.any()


def test_equal_images_are_equal_files(tmp_path: Path) -> None:
    volume = Volume(numbers(), ORIENTATIONS["oblique"])
    images.save(volume, tmp_path / "a.nii.gz")
    images.save(volume, tmp_path / "sub" / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "sub" / "b.nii.gz").read_bytes()


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images.save(Volume(numbers(), np.eye(4)), tmp_path / "a.nii.gz")
    before = (tmp_path / "a.nii.gz").read_bytes()

    def no_space(*_: object, **__: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gzip, "compress", no_space)
    with pytest.raises(StoreError, match=r"No space left on device.*free some space"):
        images.save(Volume(numbers(), np.eye(4)), tmp_path / "a.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]
    assert (tmp_path / "a.nii.gz").read_bytes() == before


# ---------------------------------------------------------------- refusing


def good(path: Path) -> bytes:
    images.save(Volume(numbers(np.int16), np.eye(4)), path)
    return path.read_bytes()


def edited(offset: int, content: bytes) -> Callable[[Path], None]:
    """Write an uncompressed image and overwrite some bytes of its header."""

    def write(path: Path) -> None:
        data = bytearray(good(path))
        data[offset : offset + len(content)] = content
        path.write_bytes(bytes(data))

    return write


def shortened(share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        data = good(path)
        path.write_bytes(data[: int(len(data) * share)])

    return write


def flipped_bit(path: Path) -> None:
    data = bytearray(good(path))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def test_no_damaged_byte_of_a_compressed_file_gives_other_voxels(tmp_path: Path) -> None:
    """Also where the damage lets more come out than was packed, so that the checksum lies beyond the voxels."""
    path = tmp_path / "a.nii.gz"
    whole, array = good(path), images.load(path).array
    for place in range(10, len(whole), max(1, len(whole) // 150)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(bytes(damaged))
        try:
            assert np.array_equal(images.load(path).array, array), place
        except InputError:
            continue


def of_nibabel(array: np.ndarray, affine: np.ndarray | None = None) -> Callable[[Path], None]:
    """Write an image with nibabel; without an affine its header has neither sform nor qform."""
    return lambda path: nib.save(nib.Nifti1Image(array, affine), path)


def of_text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def sheared(degrees: float) -> np.ndarray:
    affine = np.eye(4)
    affine[0, 1] = np.tan(np.radians(degrees))
    return affine


def with_value(value: float, dtype: type = np.float32) -> np.ndarray:
    array = np.zeros(SHAPE, dtype)
    array[1, 2, 3] = value
    return array


def pair_header(path: Path) -> bytes:
    nib.save(nib.Nifti1Pair(numbers(), np.eye(4)), path)
    content = path.read_bytes()
    path.with_suffix(".img").unlink()
    return content


def packed_header(size: int) -> Callable[[Path], None]:
    """Write a header that announces ``size`` voxels each way, and no voxels."""

    def write(path: Path) -> None:
        header = bytearray(good(path.with_name("b.nii"))[:352])
        header[42:48] = np.array([size] * 3, np.int16).tobytes()
        path.write_bytes(gzip.compress(bytes(header)))

    return write


COLOUR = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
REFUSED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("a.nii.gz", lambda _: None, "found none; restore it"),
    "a folder": ("a.nii.gz", lambda path: path.mkdir(), "expected an image file"),
    "empty": ("a.nii.gz", lambda path: path.write_bytes(b""), r"empty file \(0 bytes\)"),
    "text": ("a.nii", lambda path: path.write_text("hello" * 200), "another kind of file"),
    "short text": ("a.nii", lambda path: path.write_text("hello"), "another kind of file"),
    "not gzip": ("a.nii.gz", lambda path: path.write_bytes(b"\0" * 400), "expected gzip data"),
    "gzipped text": ("a.nii.gz", lambda path: path.write_bytes(gzip.compress(b"x" * 999)), "another kind of file"),
    "truncated gzip": ("a.nii.gz", shortened(0.5), "truncated or damaged"),
    "gzip without its end": ("a.nii.gz", shortened(0.99), "truncated or damaged"),
    "truncated": ("a.nii", shortened(0.7), "bytes of voxels, found .* truncated"),
    "damaged gzip": ("a.nii.gz", flipped_bit, "damaged"),
    "DICOM": ("a.nii", lambda path: path.write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 400), "another kind of file"),
    "half of a pair": ("a.nii", edited(344, b"ni1\0"), "another kind of file"),
    "a header alone": ("a.hdr", lambda path: path.write_bytes(pair_header(path)), "expected a.img beside it"),
    "voxels alone": ("a.img", lambda path: path.write_bytes(b"\0" * 900), "expected a.hdr beside it"),
    "Analyze": ("a.hdr", lambda path: nib.save(nib.Spm2AnalyzeImage(numbers(), np.eye(4)), path), "another kind"),
    "no rotation": ("a.nii", edited(254, np.int16(0).tobytes() + np.float32(2).tobytes()), "expected a rotation"),
    "more voxels than there can be": ("a.nii.gz", packed_header(30000), "bytes of voxels, found a file of"),
    "git-annex": ("a.nii.gz", lambda path: path.write_bytes(b"/annex/objects/MD5E-s3--90.nii.gz"), "git-annex pointer"),
    "git-annex link": ("a.nii", of_text("../.git/annex/objects/x/y/k"), "git-annex pointer"),
    "git-annex link of Windows": ("a.nii.gz", of_text(r"..\.git\annex\objects\k"), "git-annex pointer"),
    "git-annex link elsewhere": ("a.nii", of_text("/my data/.git/annex/objects/k"), "git-annex pointer"),
    "link as text": ("a.nii", of_text("../raw/a.nii"), "path of a link, not its content.*cp -rL"),
    "Git LFS": ("a.nii.gz", of_text("version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
    "2D": ("a.nii.gz", of_nibabel(np.zeros((5, 6), np.int16), np.eye(4)), r"expected a 3D image, found 2D \(5x6\)"),
    "4D": ("a.nii.gz", of_nibabel(np.zeros((5, 6, 7, 3), np.int16), np.eye(4)), r"found 4D \(5x6x7x3\)"),
    "no size": ("a.nii", edited(42, np.int16(0).tobytes()), "expected an image size"),
    "negative size": ("a.nii", edited(42, np.int16(-5).tobytes()), "expected an image size"),
    "no dimensions": ("a.nii", edited(40, np.int16(99).tobytes()), "expected an image size"),
    "voxels in the header": ("a.nii", edited(108, np.float32(0).tobytes()), "found them at byte 0"),
    "voxels nowhere": ("a.nii", edited(108, np.float32(np.nan).tobytes()), "found them at byte nan"),
    "colour": ("a.nii.gz", of_nibabel(COLOUR, np.eye(4)), "expected one number per voxel, found datatype 128"),
    "complex": ("a.nii.gz", of_nibabel(numbers(np.complex64), np.eye(4)), "found datatype 32"),
    "NaN": ("a.nii.gz", of_nibabel(with_value(np.nan), np.eye(4)), "found 1 NaN or infinite"),
    "infinite": ("a.nii", of_nibabel(with_value(-np.inf, np.float64), np.eye(4)), "found 1 NaN or infinite"),
    "no position": ("a.nii.gz", of_nibabel(numbers(np.int16)), "left and right are unknown"),
    "singular": ("a.nii", edited(320, np.float32(0).tobytes()), "found a singular one"),
    "NaN affine": ("a.nii", edited(280, np.float32(np.nan).tobytes()), "found a singular one"),
    "no thickness": ("a.nii.gz", of_nibabel(numbers(np.int16), sheared(89.99)), "found a singular one"),
    "sheared": ("a.nii.gz", of_nibabel(numbers(np.int16), sheared(3)), "found a shear of 3.0 degrees"),
    "unsaid metres": ("a.nii.gz", of_nibabel(numbers(np.int16), np.diag([7e-4, 7e-4, 3e-3, 1])), "found 0.0007 x"),
    "huge voxels": ("a.nii.gz", of_nibabel(numbers(np.int16), np.diag([1.0, 1, 300, 1])), "found 1 x 1 x 300"),
    "metres": ("a.nii", edited(123, b"\x01"), "expected lengths in mm, found metre"),
    "micrometres": ("a.nii", edited(123, b"\x03"), "expected lengths in mm, found micrometre"),
}


@pytest.mark.parametrize(("name", "write", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_image_is_refused_in_words(
    tmp_path: Path, name: str, write: Callable[[Path], object], message: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(InputError, match=message) as refusal:
        images.load(tmp_path / name)
    assert str(refusal.value).startswith(f"{name}: expected ")
    assert ";" in str(refusal.value)  # what to do comes after it


def test_a_shear_within_rounding_is_accepted_and_written_back(tmp_path: Path) -> None:
    affine = sheared(0.03)
    of_nibabel(numbers(np.int16), affine)(tmp_path / "a.nii.gz")
    volume = images.load(tmp_path / "a.nii.gz")
    images.save(volume, tmp_path / "b.nii.gz")
    assert same_grid(images.load(tmp_path / "b.nii.gz"), volume)


@pytest.mark.parametrize(
    ("edges_mm", "is_refused"), [((0.33, 0.07, 0.07), True), ((0.1, 0.1, 0.1), True), ((0.35, 0.35, 3), False)]
)
def test_voxels_of_a_person_in_cm_are_refused(
    tmp_path: Path, edges_mm: tuple[float, float, float], is_refused: bool
) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 4, 5), np.int16), np.diag([*edges_mm, 1.0])), path)
    if not is_refused:
        assert images.load(path).spacing_mm == pytest.approx(edges_mm)
        return
    with pytest.raises(InputError, match="as in cm; export it in mm"):
        images.load(path)
