"""NIfTI files read by nibabel as they are written: header, place in the world, voxels; or refused in words.

Read here and not by ITK because ITK turns NaN and infinite voxels into 0 without a word, straightens sheared grids
and, of two disagreeing positions in a header, does not always take the one other programs take. The rules are those
of the NIfTI standard (https://nifti.nimh.nih.gov/nifti-1): the sform places the voxels if its code is set, else the
qform; an image with neither has no known place and is refused, as are units other than millimetres. NIfTI-1 and
NIfTI-2 are read, in one file or as a pair (.hdr and .img).
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.quaternions import quat2mat
from nibabel.volumeutils import array_from_file
from numpy.typing import NDArray

from pipeline.core.volume import ORTHOGONALITY_TOLERANCE
from pipeline.errors import InputError
from pipeline.files import content_pointers

HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
"""Size of a header, which is its first number, to nibabel's reader of it."""

MAGIC = re.compile(rb"(n\+|ni)[12]")
"""How a NIfTI header is marked; ``ni`` announces voxels in a file of their own."""

VOXEL_TYPES = frozenset({2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280})
"""NIfTI datatype codes of scalar images."""

LENGTH_UNITS = {0: "mm", 2: "mm", 1: "metre", 3: "micrometre"}
"""Codes of ``xyzt_units``; 0 (unknown) is written by many programs that mean millimetres."""

FARTHEST_VOXELS = 2**26
"""Bytes that header extensions may take; more betrays a damaged header, and would be read for nothing."""

MOST_PACKED = 1100
"""How many times larger than a gzip file its content can be, at most (deflate packs 1032 to 1)."""

PIECE = 2**20
"""Bytes that are copied at once."""

EDGES_MM = (0.02, 50.0)
"""Voxel edges that a scan of a person can have, mm; others betray a wrong unit or a damaged header."""

IN_CM_MM = (0.12, 0.6)
"""A voxel whose shortest edge is below the first and whose longest is below the second of these, mm, is of no scan of a
person: its numbers are cm, and a volume would be a thousandth of itself."""

OTHER_SIZE_SHARE = 0.01
"""Share by which a header's two statements of a voxel's edges may differ: a tenth of what a volume is measured to."""

OTHER_POSITION_SHARE = 0.1
"""Share of a voxel by which a header's two positions may differ at any corner; quaternions are rounded."""


@dataclass(frozen=True, eq=False)
class Header:
    """What a NIfTI header says.

    Attributes
    ----------
    shape
        Voxels along i, j, k.
    affine
        Shape ``(4, 4)``, voxel index to RAS+ mm.
    dtype
        As stored, with its byte order.
    offset
        Bytes before the first voxel.
    slope, inter
        Stored values are multiplied by and added to these; 1 and 0 when the header asks for nothing.
    other_affine
        The qform, where it is set as well as the sform and places a corner elsewhere; None where both agree.
    count
        How many volumes the file holds, one after the other.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    inter: float
    other_affine: NDArray[np.float64] | None = None
    count: int = 1


def read_header(path: Path, *, is_series: bool = False) -> Header:
    """Read a NIfTI header; ``is_series`` says that the file may hold several volumes along a fourth axis.

    Raises
    ------
    InputError
        Missing, empty, a pointer or not NIfTI; not 3D (or of a series not 4D) or not scalar; no place in the world, or
        a singular or sheared one.
    """
    if not path.is_file():
        raise InputError(f"{path.name}: expected an image file, found none; restore it or remove the visit")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: expected an image, found an empty file (0 bytes); export or copy it again")
    _refuse_pointer(path)
    raw = _raw_header(path)
    shape, count = _shape(raw, path.name, is_series)
    dtype = _voxel_type(raw, path.name)
    affine = _affine(raw, path.name)
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    is_scaled = np.isfinite([slope, inter]).all() and slope != 0
    return Header(
        shape=shape,
        affine=affine,
        dtype=dtype,
        offset=_offset(raw, path.name),
        slope=slope if is_scaled else 1.0,
        inter=inter if is_scaled else 0.0,
        other_affine=_other_affine(raw, affine, shape),
        count=count,
    )


def read_box(path: Path) -> NDArray[np.float64]:
    """Read where the one voxel of a NIfTI-MRS file lies: its affine, shape ``(4, 4)``, RAS+ mm, index 0 its middle.

    Only the header is read (Clarke 2022, 10.1002/mrm.29418): spectra are complex numbers and are fitted elsewhere.

    Raises
    ------
    InputError
        Missing, empty, a pointer or not NIfTI; more than one voxel; no place in the world, or a damaged one.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise InputError(f"{path.name}: expected a NIfTI-MRS file, found none or an empty one; copy it again")
    _refuse_pointer(path)
    raw = _raw_header(path)
    sizes = [int(n) for n in raw["dim"][1:4]]
    if any(n != 1 for n in sizes):
        size = "x".join(map(str, sizes))
        raise InputError(
            f"{path.name}: expected the one voxel of a spectrum, found {size}; save the voxel that is meant"
        )
    return _affine(raw, path.name)


def read_voxels(path: Path, header: Header) -> NDArray:
    """Read the voxels that a header announces, scaled when it asks for it; NaN stay NaN.

    Shape ``(I, J, K)``, of a file of several volumes ``(I, J, K, N)``.

    Raises
    ------
    InputError
        Fewer voxels than announced, or damaged compression.
    """
    shape = header.shape if header.count == 1 else (*header.shape, header.count)
    length = prod(shape) * header.dtype.itemsize
    data_path = _with_extension(path, "img")
    if not data_path.is_file():
        raise InputError(f"{path.name}: expected {data_path.name} beside it, found none; copy both files")
    packed = data_path.stat().st_size
    if length > packed * (MOST_PACKED if _is_packed(data_path) else 1):  # never unpacked: there is not so much
        raise InputError(_truncated(path.name, length, f"a file of {packed}"))
    with _opened(data_path) as stream:
        try:
            stored = array_from_file(shape, header.dtype, stream, header.offset, order="F", mmap=False)
        except OSError as error:
            if not str(error).startswith("Expected "):
                raise
            raise InputError(_truncated(path.name, length, str(error).rpartition("got ")[2].split(" ")[0])) from error
        _refuse_more(stream, path.name)
    array = np.ascontiguousarray(stored, dtype=header.dtype.newbyteorder("="))
    if (header.slope, header.inter) != (1.0, 0.0):
        wide = np.result_type(array.dtype, np.float32)
        array = (array.astype(np.float64) * header.slope + header.inter).astype(wide)
    return array


def write_unpacked(path: Path, plain: Path, length: int) -> None:
    """Write the first ``length`` bytes of a file, unpacked, to another one, a piece at a time.

    Raises
    ------
    InputError
        Damaged compression.
    """
    with _opened(path) as stream, plain.open("wb") as copy:
        while length > 0 and (piece := stream.read(min(length, PIECE))):
            copy.write(piece)
            length -= len(piece)


def _refuse_more(stream: gzip.GzipFile | io.BufferedReader, name: str) -> None:
    """Refuse what follows the voxels: a header of a smaller image, or bytes that came in between.

    Zeros count, too: a mask ends in them. Reading to the end also makes gzip test the checksum of a compressed file.
    """
    if stream.read(1):
        raise InputError(
            f"{name}: expected the end of the file after the voxels that its header announces, found more (damaged); "
            f"export or copy it again"
        )


def _truncated(name: str, length: int, there: str) -> str:
    return f"{name}: expected {length} bytes of voxels, found {there} (the file is truncated); export or copy it again"


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile | io.BufferedReader]:
    """Open a file, compressed or not, and say in words what hinders reading."""
    try:
        with gzip.open(path, "rb") if _is_packed(path) else path.open("rb") as stream:
            yield stream
    except gzip.BadGzipFile as error:
        raise InputError(f"{path.name}: expected gzip data, found other or damaged data; export it again") from error
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{path.name}: expected a whole compressed file, found a truncated or damaged one; export or copy it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path.name}: expected a readable file, found: {error.strerror}; check its rights") from error


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _refuse_pointer(path: Path) -> None:
    pointer = content_pointers.pointer_at(path)
    if pointer is not None:
        raise InputError(f"{path.name}: expected an image, found {pointer.what}; {pointer.remedy}")


def _with_extension(path: Path, extension: str) -> Path:
    """Return the header's or the voxels' file of a pair; the file itself where it holds both."""
    if not re.search(r"\.(hdr|img)(\.gz)?$", path.name):
        return path
    return path.with_name(re.sub(r"\.(hdr|img)(?=(\.gz)?$)", f".{extension}", path.name))


def _raw_header(path: Path) -> nib.Nifti1Header:
    """Read the header without nibabel's own checks, which repair some faults and say others in code."""
    header_path = _with_extension(path, "hdr")
    if not header_path.is_file():
        raise InputError(f"{path.name}: expected {header_path.name} beside it, found none; copy both files")
    with _opened(header_path) as stream:
        content = stream.read(max(HEADERS))
    sizes = {int.from_bytes(content[:4], order) for order in ("little", "big")} & HEADERS.keys()
    size = next(iter(sizes), 0)
    if not size or len(content) < size:
        raise InputError(_other_kind(path.name))
    raw = HEADERS[size](content[:size], check=False)
    magic = bytes(raw["magic"].item()[:3])
    is_pair = header_path != _with_extension(path, "img")
    if MAGIC.fullmatch(magic) is None or (magic.startswith(b"ni") != is_pair):
        raise InputError(_other_kind(path.name))
    return raw


def _other_kind(name: str) -> str:
    return f"{name}: expected a NIfTI image, found another kind of file; convert it to NIfTI (.nii.gz)"


def _shape(raw: nib.Nifti1Header, name: str, is_series: bool) -> tuple[tuple[int, int, int], int]:
    """Return voxels along i, j, k, and how many volumes there are."""
    count = int(raw["dim"][0])
    sizes = [int(n) for n in raw["dim"][1 : count + 1]] if 1 <= count <= 7 else []
    if not sizes or min(sizes) < 1:
        raise InputError(f"{name}: expected an image size, found {raw['dim'].tolist()}; export or copy it again")
    if count < 3 or any(n > 1 for n in sizes[4 if is_series else 3 :]):
        size = "x".join(map(str, sizes))
        raise InputError(f"{name}: expected a 3D image, found {count}D ({size}); save the one volume that is meant")
    return (sizes[0], sizes[1], sizes[2]), sizes[3] if len(sizes) > 3 else 1


def _voxel_type(raw: nib.Nifti1Header, name: str) -> np.dtype[Any]:
    code = int(raw["datatype"])
    if code not in VOXEL_TYPES:
        raise InputError(f"{name}: expected one number per voxel, found datatype {code}; save it as plain numbers")
    dtype: np.dtype[Any] = raw.get_data_dtype()
    if int(raw["bitpix"]) != dtype.itemsize * 8:
        stated = f"datatype {code}, which has {dtype.itemsize * 8} bits, and {int(raw['bitpix'])} bits"
        raise InputError(f"{name}: expected one kind of numbers, found {stated} (damaged header); export it again")
    return dtype


def _offset(raw: nib.Nifti1Header, name: str) -> int:
    offset = float(raw["vox_offset"])
    first = 0 if raw["magic"].item().startswith(b"ni") else int(raw["sizeof_hdr"])
    if not first <= offset < FARTHEST_VOXELS:
        raise InputError(f"{name}: expected voxels after the header, found them at byte {offset:g}; export it again")
    return int(offset)


def _affine(raw: nib.Nifti1Header, name: str) -> NDArray[np.float64]:
    unit = LENGTH_UNITS.get(int(raw["xyzt_units"]) & 7, "unknown unit")
    if unit != "mm":
        raise InputError(f"{name}: expected lengths in mm, found {unit}; export the image in mm")
    if raw["sform_code"] > 0:
        affine = np.asarray(raw.get_sform(), dtype=np.float64)
        _refuse_two_sizes(affine, raw, name)
    elif raw["qform_code"] > 0:
        affine = _qform(raw, name)
    else:
        raise InputError(
            f"{name}: expected a position and direction (sform or qform), found none, so left and right are unknown; "
            f"convert the image again from DICOM"
        )
    _refuse_bad_geometry(affine, name)
    return affine + 0.0  # no negative zeros, which other programs print


def _qform(raw: nib.Nifti1Header, name: str) -> NDArray[np.float64]:
    """Return the position by quaternion, spacing and offset (method 2); a negative pixdim[0] turns the third axis."""
    quaternion = np.array([raw["quatern_b"], raw["quatern_c"], raw["quatern_d"]], dtype=np.float64)
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite(quaternion).all() or length > 1 + ORTHOGONALITY_TOLERANCE:
        raise InputError(f"{name}: expected a rotation in the qform, found none; export the image again")
    b, c, d = quaternion / max(1.0, length)
    rotation = quat2mat([np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d)), b, c, d])
    spacing_mm = raw["pixdim"][1:4].astype(np.float64)
    spacing_mm[2] *= -1.0 if raw["pixdim"][0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing_mm
    affine[:3, 3] = [raw["qoffset_x"], raw["qoffset_y"], raw["qoffset_z"]]
    return affine


def _refuse_two_sizes(affine: NDArray[np.float64], raw: nib.Nifti1Header, name: str) -> None:
    """Refuse a header that gives a voxel two sizes, by spacing (pixdim) and by position (sform): two volumes.

    A spacing of 0 says nothing, and a position without extent is refused by whoever reads it.
    """
    placed, stated = np.linalg.norm(affine[:3, :3], axis=0), np.abs(raw["pixdim"][1:4].astype(np.float64))
    if not stated.any() or not placed.all():
        return
    if np.isfinite(placed).all() and not (np.abs(placed - stated) <= OTHER_SIZE_SHARE * stated).all():
        sizes = " and ".join(" x ".join(f"{edge:.4g}" for edge in edges) for edges in (stated, placed))
        raise InputError(
            f"{name}: expected one voxel size, found {sizes} mm (pixdim and sform); convert the image again from DICOM"
        )


def _other_affine(
    raw: nib.Nifti1Header, affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float64] | None:
    """Return the qform where the sform places the image elsewhere; a qform that cannot be used says nothing."""
    if raw["sform_code"] <= 0 or raw["qform_code"] <= 0:
        return None
    try:
        other = _qform(raw, "")
        _refuse_bad_geometry(other, "")
    except InputError:
        return None
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], [1])).reshape(4, -1)
    moved = np.abs(np.linalg.inv(affine) @ other @ corners - corners)
    return other + 0.0 if moved.max() > OTHER_POSITION_SHARE else None


def _refuse_bad_geometry(affine: NDArray[np.float64], name: str) -> None:
    matrix = affine[:3, :3]
    lengths = np.linalg.norm(matrix, axis=0)
    is_usable = np.isfinite(affine).all() and lengths.min() > 0
    if not is_usable or abs(np.linalg.det(matrix / lengths)) < ORTHOGONALITY_TOLERANCE:
        raise InputError(f"{name}: expected an invertible affine, found a singular one; export the image again")
    if lengths.min() < EDGES_MM[0] or lengths.max() > EDGES_MM[1]:
        edges = " x ".join(f"{length:.3g}" for length in lengths)
        raise InputError(
            f"{name}: expected voxel edges of {EDGES_MM[0]:g} to {EDGES_MM[1]:g} mm, found {edges}; "
            f"export the image in mm"
        )
    if lengths.min() < IN_CM_MM[0] and lengths.max() < IN_CM_MM[1]:
        edges = " x ".join(f"{length:.3g}" for length in lengths)
        raise InputError(
            f"{name}: expected the voxels of a person's scan in mm, found {edges}, as in cm; export it in mm"
        )
    axes = matrix / lengths
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > ORTHOGONALITY_TOLERANCE:
        raise InputError(
            f"{name}: expected perpendicular voxel axes, found a shear of {np.degrees(np.arcsin(cosine)):.1f} degrees; "
            f"resample the image onto a straight grid"
        )
