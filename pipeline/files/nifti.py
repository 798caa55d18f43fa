"""NIfTI-1 files read as they are written: header, place in the world, voxels; or refused in words.

Read here and not by ITK because ITK turns NaN and infinite voxels into 0 without a word, straightens sheared grids
and, of two disagreeing positions in a header, does not always take the one other programs take. The rules are those
of the NIfTI-1 standard (https://nifti.nimh.nih.gov/nifti-1): the sform places the voxels if its code is set, else the
qform; an image with neither has no known place and is refused, as are units other than millimetres.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.volume import ORTHOGONALITY_TOLERANCE
from pipeline.errors import InputError

HEADER_BYTES = 348
FIELDS = {
    "dim": ("8i2", 40),
    "datatype": ("i2", 70),
    "pixdim": ("8f4", 76),
    "vox_offset": ("f4", 108),
    "scl_slope": ("f4", 112),
    "scl_inter": ("f4", 116),
    "xyzt_units": ("u1", 123),
    "qform_code": ("i2", 252),
    "sform_code": ("i2", 254),
    "quatern": ("3f4", 256),
    "qoffset": ("3f4", 268),
    "srow": ("(3,4)f4", 280),
}
"""Type and offset of the fields that are read."""

VOXEL_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
"""NIfTI datatype codes of scalar images."""

LENGTH_UNITS = {0: "mm", 2: "mm", 1: "metre", 3: "micrometre"}
"""Codes of ``xyzt_units``; 0 (unknown) is written by many programs that mean millimetres."""

FARTHEST_VOXELS = 2**26
"""Bytes that header extensions may take; more betrays a damaged header, and would be read for nothing."""

EDGES_MM = (0.02, 50.0)
"""Voxel edges that a scan of a person can have, mm; others betray a wrong unit or a damaged header."""


@dataclass(frozen=True, eq=False)
class Header:
    """What a NIfTI-1 header says.

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
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    inter: float


def read_header(path: Path) -> Header:
    """Read a NIfTI-1 header.

    Raises
    ------
    InputError
        Missing, empty or not NIfTI-1; not 3D or not scalar; no place in the world, or a singular or sheared one.
    """
    if not path.is_file():
        raise InputError(f"{path.name}: expected an image file, found none; restore it or remove the visit")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: expected an image, found an empty file (0 bytes); export or copy it again")
    content = _read(path, HEADER_BYTES)
    order = _byte_order(content, path.name)
    formats, offsets = zip(*FIELDS.values(), strict=True)
    layout = np.dtype({"names": [*FIELDS], "formats": formats, "offsets": offsets, "itemsize": HEADER_BYTES})
    raw = np.frombuffer(content[:HEADER_BYTES], layout.newbyteorder(order))[0]
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    is_scaled = np.isfinite([slope, inter]).all() and slope != 0
    return Header(
        shape=_shape(raw, path.name),
        affine=_affine(raw, path.name),
        dtype=_voxel_type(raw, order, path.name),
        offset=_offset(raw, path.name),
        slope=slope if is_scaled else 1.0,
        inter=inter if is_scaled else 0.0,
    )


def read_voxels(path: Path, header: Header) -> NDArray:
    """Read the voxels that a header announces, shape ``(I, J, K)``, scaled when it asks for it.

    Raises
    ------
    InputError
        Fewer voxels than announced, damaged compression, NaN or infinite voxels.
    """
    length = prod(header.shape) * header.dtype.itemsize
    content = _read(path, header.offset + length)[header.offset :]
    if len(content) < length:
        raise InputError(
            f"{path.name}: expected {length} bytes of voxels, found {len(content)} (the file is truncated); "
            f"export or copy it again"
        )
    stored = np.frombuffer(content[:length], header.dtype).reshape(header.shape, order="F")
    array = np.ascontiguousarray(stored, dtype=header.dtype.newbyteorder("="))
    if (header.slope, header.inter) != (1.0, 0.0):
        wide = np.result_type(array.dtype, np.float32)
        array = (array.astype(np.float64) * header.slope + header.inter).astype(wide)
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        bad = array.size - int(np.isfinite(array).sum())
        raise InputError(
            f"{path.name}: expected finite voxels, found {bad} NaN or infinite ones; repair or re-export the image"
        )
    return array


def _read(path: Path, length: int) -> bytes:
    """Read the beginning of a file; at the end of a compressed one its checksum is tested."""
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
            return stream.read(length) + stream.read(1)
    except gzip.BadGzipFile as error:
        raise InputError(f"{path.name}: expected gzip data, found other or damaged data; export it again") from error
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{path.name}: expected a whole compressed file, found a truncated or damaged one; export or copy it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path.name}: expected a readable file, found: {error.strerror}; check its rights") from error


def _byte_order(content: bytes, name: str) -> Literal["<", ">"]:
    if content[4:7] in (b"n+2", b"ni2"):
        raise InputError(f"{name}: expected NIfTI-1, found NIfTI-2; save it as NIfTI-1")
    little = int.from_bytes(content[:4], "little") == HEADER_BYTES
    big = int.from_bytes(content[:4], "big") == HEADER_BYTES
    if not (little or big) or content[344:347] != b"n+1":
        raise InputError(f"{name}: expected a NIfTI image, found another kind of file; convert it to NIfTI (.nii.gz)")
    return "<" if little else ">"


def _shape(raw: np.void, name: str) -> tuple[int, int, int]:
    count = int(raw["dim"][0])
    sizes = [int(n) for n in raw["dim"][1 : count + 1]] if 1 <= count <= 7 else []
    if not sizes or min(sizes) < 1:
        raise InputError(f"{name}: expected an image size, found {raw['dim'].tolist()}; export or copy it again")
    if count < 3 or any(n > 1 for n in sizes[3:]):
        size = "x".join(map(str, sizes))
        raise InputError(f"{name}: expected a 3D image, found {count}D ({size}); save the one volume that is meant")
    return sizes[0], sizes[1], sizes[2]


def _voxel_type(raw: np.void, order: str, name: str) -> np.dtype[Any]:
    code = int(raw["datatype"])
    if code not in VOXEL_TYPES:
        raise InputError(f"{name}: expected one number per voxel, found datatype {code}; save it as plain numbers")
    return np.dtype(order + VOXEL_TYPES[code])


def _offset(raw: np.void, name: str) -> int:
    offset = float(raw["vox_offset"])
    if not HEADER_BYTES <= offset < FARTHEST_VOXELS:
        raise InputError(f"{name}: expected voxels after the header, found them at byte {offset:g}; export it again")
    return int(offset)


def _affine(raw: np.void, name: str) -> NDArray[np.float64]:
    unit = LENGTH_UNITS.get(int(raw["xyzt_units"]) & 7, "unknown unit")
    if unit != "mm":
        raise InputError(f"{name}: expected lengths in mm, found {unit}; export the image in mm")
    affine = np.eye(4)
    if raw["sform_code"] > 0:
        affine[:3] = raw["srow"]
    elif raw["qform_code"] > 0:
        affine[:3] = _qform(raw)
    else:
        raise InputError(
            f"{name}: expected a position and direction (sform or qform), found none, so left and right are unknown; "
            f"convert the image again from DICOM"
        )
    _refuse_bad_geometry(affine, name)
    return affine + 0.0  # no negative zeros, which other programs print


def _qform(raw: np.void) -> NDArray[np.float64]:
    """Turn the quaternion, spacing and offset into the upper rows of an affine (NIfTI-1, method 2)."""
    b, c, d = raw["quatern"].astype(np.float64)
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    spacing_mm = raw["pixdim"][1:4].astype(np.float64)
    spacing_mm[2] *= -1.0 if raw["pixdim"][0] < 0 else 1.0
    return np.column_stack([rotation * spacing_mm, raw["qoffset"].astype(np.float64)])


def _refuse_bad_geometry(affine: NDArray[np.float64], name: str) -> None:
    matrix = affine[:3, :3]
    lengths = np.linalg.norm(matrix, axis=0)
    is_usable = np.isfinite(affine).all() and lengths.min() > 0
    if not is_usable or abs(np.linalg.det(matrix / lengths)) < ORTHOGONALITY_TOLERANCE:
        raise InputError(f"{name}: expected an invertible affine, found a singular one; export the image again")
    if lengths.min() < EDGES_MM[0] or lengths.max() > EDGES_MM[1]:
        found = " x ".join(f"{length:.3g}" for length in lengths)
        raise InputError(
            f"{name}: expected voxel edges of {EDGES_MM[0]:g} to {EDGES_MM[1]:g} mm, found {found}; "
            f"export the image in mm"
        )
    axes = matrix / lengths
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > ORTHOGONALITY_TOLERANCE:
        raise InputError(
            f"{name}: expected perpendicular voxel axes, found a shear of {np.degrees(np.arcsin(cosine)):.1f} degrees; "
            f"resample the image onto a straight grid"
        )
