"""Volumes from and to NIfTI files: the only place that imports SimpleITK and the only one that knows LPS.

The project's world is RAS+ mm (see ``pipeline.domain.grid``); ITK's is LPS+ mm. The two differ by the signs of x
and y, and that flip happens here and nowhere else. What this module refuses: images that are not 3D, hold no
finite numbers, or whose geometry is singular or sheared.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.domain.grid import ORTHOGONALITY_TOLERANCE, Volume
from pipeline.domain.transforms import Transform
from pipeline.errors import InputError

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS+ to LPS+ and back."""

sitk.ProcessObject.SetGlobalWarningDisplay(False)


def load(path: Path) -> Volume:
    """Read a NIfTI image.

    Parameters
    ----------
    path
        A ``.nii`` or ``.nii.gz`` file.

    Returns
    -------
    Volume
        Array as stored (scaled when the header asks for it), indexed ``[i, j, k]``.

    Raises
    ------
    InputError
        Missing, empty, truncated or not NIfTI; not 3D; NaN or infinite voxels; singular or sheared geometry.
    """
    _refuse_bad_file(path)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path.name}: expected a readable NIfTI image, but reading stopped "
            f"(truncated or damaged file); export or copy it again"
        ) from error
    array = sitk.GetArrayFromImage(image)
    if array.ndim != 3:
        raise InputError(f"{path.name}: expected a 3D scalar image, found {array.ndim} dimensions; split it first")
    array = np.ascontiguousarray(array.transpose(2, 1, 0))
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        bad = int(np.size(array) - np.isfinite(array).sum())
        raise InputError(
            f"{path.name}: expected finite voxels, found {bad} NaN or infinite ones; repair or re-export the image"
        )
    return Volume(array, _affine_of(image))


def load_grid(path: Path) -> Volume:
    """Read where a NIfTI image lies without reading its voxels; the array is zeros that take no memory.

    Raises
    ------
    InputError
        As :func:`load`, as far as the header tells.
    """
    _refuse_bad_file(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{path.name}: expected a NIfTI header, found damage; export or copy it again") from error
    matrix = np.array(reader.GetDirection()).reshape(3, 3) * np.array(reader.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, reader.GetOrigin()
    return Volume(np.broadcast_to(np.uint8(0), reader.GetSize()), LPS @ affine)


def save(volume: Volume, path: Path) -> None:
    """Write a NIfTI image, whole or not at all, the same bytes for the same content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.{path.name.removesuffix('.gz').removesuffix('.nii')}.nii")
    try:
        sitk.WriteImage(to_sitk(volume), str(partial))
        if path.name.endswith(".gz"):
            packed = gzip.compress(partial.read_bytes(), compresslevel=5, mtime=0)
            partial.write_bytes(packed)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def to_sitk(volume: Volume) -> sitk.Image:
    """Convert to a SimpleITK image in LPS; booleans become ``uint8``."""
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    origin, spacing, direction = lps_geometry(volume)
    image.SetOrigin(tuple(origin))
    image.SetSpacing(tuple(spacing))
    image.SetDirection(tuple(direction.ravel()))
    return image


def from_sitk(image: sitk.Image) -> Volume:
    """Convert a 3D SimpleITK image (LPS) to a Volume (RAS+)."""
    return Volume(np.ascontiguousarray(sitk.GetArrayFromImage(image).transpose(2, 1, 0)), _affine_of(image))


def lps_geometry(volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return origin ``(3,)`` mm, spacing ``(3,)`` mm and direction ``(3, 3)`` in LPS+, as ITK and ANTs want them."""
    affine = LPS @ volume.affine
    spacing_mm = volume.spacing_mm
    return affine[:3, 3].copy(), spacing_mm, affine[:3, :3] / spacing_mm


def flip_points(points_mm: NDArray) -> NDArray[np.float64]:
    """Convert points ``(..., 3)`` from RAS+ to LPS+ mm or back; the conversion is its own inverse."""
    return np.asarray(points_mm, dtype=np.float64) * np.array([-1.0, -1.0, 1.0])


def save_transform(transform: Transform, path: Path) -> None:
    """Write a transform as an ITK composite (``.h5``) that ANTs, Slicer and SimpleITK apply as they are.

    The file moves **points** source to target, so handed to a resampler it pulls the *target image* onto the
    source grid: BIDS calls that ``from-<target>_to-<source>_mode-image``.
    """
    matrix = LPS @ transform.matrix @ LPS
    linear = sitk.AffineTransform(3)
    linear.SetMatrix(matrix[:3, :3].ravel().tolist())
    linear.SetTranslation(matrix[:3, 3].tolist())
    composite = sitk.CompositeTransform(3)
    composite.AddTransform(linear)
    if transform.bend_mm is not None and transform.bend_affine is not None:
        field = sitk.GetImageFromArray(flip_points(transform.bend_mm).transpose(2, 1, 0, 3), isVector=True)
        origin, spacing, direction = lps_geometry(Volume(transform.bend_mm[..., 0], transform.bend_affine))
        field.SetOrigin(tuple(origin))
        field.SetSpacing(tuple(spacing))
        field.SetDirection(tuple(direction.ravel()))
        composite.AddTransform(sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64)))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        sitk.WriteTransform(composite, str(partial))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_transform(path: Path, source: str, target: str) -> Transform:
    """Read a transform written by :func:`save_transform`; ``source`` and ``target`` name its spaces."""
    composite = sitk.CompositeTransform(sitk.ReadTransform(str(path)))
    linear = sitk.AffineTransform(composite.GetNthTransform(0))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(linear.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = linear.TransformPoint((0.0, 0.0, 0.0))
    matrix = LPS @ matrix @ LPS
    if composite.GetNumberOfTransforms() == 1:
        return Transform(source, target, matrix)
    field = sitk.DisplacementFieldTransform(composite.GetNthTransform(1)).GetDisplacementField()
    bend_mm = flip_points(sitk.GetArrayFromImage(field).transpose(2, 1, 0, 3))
    return Transform(source, target, matrix, bend_mm, _affine_of(field))


def _affine_of(image: sitk.Image) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


def _refuse_bad_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path.name}: expected an image file, found none; restore it or remove the visit")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: expected an image, found an empty file (0 bytes); export or copy it again")
    _refuse_bad_header(path)


def _refuse_bad_header(path: Path) -> None:
    """Look at the NIfTI header before ITK does, because ITK's words about it help nobody."""
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            header = stream.read(348)
    except (OSError, EOFError) as error:
        raise InputError(f"{path.name}: expected gzip data, found something else; export or copy it again") from error
    if len(header) < 348 or header[344:347] not in (b"n+1", b"ni1"):
        raise InputError(f"{path.name}: expected a NIfTI image, found another kind of file; convert it to NIfTI")
    order = "<" if int.from_bytes(header[0:4], "little") == 348 else ">"
    dimensions = np.frombuffer(header[40:56], dtype=f"{order}i2")
    if dimensions[0] != 3 and any(n > 1 for n in dimensions[4 : dimensions[0] + 1]):
        size = "x".join(str(n) for n in dimensions[1 : dimensions[0] + 1])
        raise InputError(f"{path.name}: expected a 3D image, found {dimensions[0]}D ({size}); split it first")
    if np.frombuffer(header[254:256], dtype=f"{order}i2")[0] > 0:
        matrix = np.frombuffer(header[280:328], dtype=f"{order}f4").reshape(3, 4)[:, :3].astype(np.float64)
        _refuse_bad_geometry(matrix, path.name)


def _refuse_bad_geometry(matrix: NDArray[np.float64], name: str) -> None:
    lengths = np.linalg.norm(matrix, axis=0)
    if not np.isfinite(matrix).all() or lengths.min() <= 0 or abs(np.linalg.det(matrix)) < 1e-9:
        raise InputError(f"{name}: expected an invertible affine, found a singular one; export the image again")
    axes = matrix / lengths
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if cosines.max() > ORTHOGONALITY_TOLERANCE:
        angle = np.degrees(np.arcsin(min(1.0, float(cosines.max()))))
        raise InputError(
            f"{name}: expected perpendicular voxel axes, found a shear of {angle:.1f} degrees; "
            f"resample the image onto a straight grid"
        )
