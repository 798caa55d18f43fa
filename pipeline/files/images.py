"""Volumes from and to NIfTI files: the only place that imports SimpleITK and the only one that knows LPS.

The project's world is RAS+ mm (see ``pipeline.core.volume``); ITK's is LPS+ mm. The two differ by the signs of x
and y, and that flip happens here and nowhere else. ``pipeline.files.nifti`` reads the files and says what is refused.
"""

from __future__ import annotations

import errno
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.errors import InputError, StoreError
from pipeline.files import atomic, diffusion_files, nifti

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS+ to LPS+ and back."""

LARGEST_GAP = 0.5
"""Share of a scan's voxels that may be NaN or infinite; of a scan with more, too little is left."""

MOST_BELOW_ZERO = 0.9
"""Share of a scan's signal that may lie below 0: phase and UNIT1 have some, a negative scale makes all of it so."""

TRANSFORM_MARGIN = 100_000
"""What an ``.h5`` file holds beside the bend, bytes at most."""

sitk.ProcessObject.SetGlobalWarningDisplay(False)


def load(path: Path) -> Volume:
    """Read a NIfTI image.

    Parameters
    ----------
    path
        A ``.nii`` or ``.nii.gz`` file, or either of a pair ``.hdr`` and ``.img``.

    Returns
    -------
    Volume
        Array as stored (scaled when the header asks for it), indexed ``[i, j, k]``.

    Raises
    ------
    InputError
        Missing, empty, truncated or not NIfTI; not 3D; NaN or infinite voxels; unknown, singular or sheared geometry.
    """
    volume, lost_count = _filled(path)
    if lost_count:
        raise InputError(
            f"{path.name}: expected finite voxels, found {lost_count} NaN or infinite ones; "
            f"repair or re-export the image"
        )
    return volume


def load_with_gaps(path: Path) -> tuple[Volume, int]:
    """Read a NIfTI scan whose voxels outside the field of view may be NaN or infinite: those count as no signal, 0.

    Of a diffusion scan that holds several volumes it is the one with the least weighting.

    Returns
    -------
    Volume
        As :func:`load`.
    int
        How many voxels were NaN or infinite.

    Raises
    ------
    InputError
        As :func:`load`, but for such voxels only where they are more than :data:`LARGEST_GAP` of all; a diffusion scan
        of several volumes whose b-values cannot be told; one that shows nothing, or whose signal lies below 0.
    """
    volume, lost_count = _filled(path)
    doubt = _signal_doubt(volume.array)
    if doubt is not None:
        raise InputError(f"{path.name}: {doubt}; export the scan again")
    return volume, lost_count


def _signal_doubt(array: NDArray) -> str | None:
    """Say why an array shows no tissue: one number everywhere or beside 0, or signal below 0; None where it may."""
    least, most = array.min(), array.max()
    if least == most:
        return f"expected signal that differs from place to place, found {least:g} in every voxel"
    is_nothing_beside = 0 in (least, most)
    if is_nothing_beside and np.count_nonzero(array == least) + np.count_nonzero(array == most) == array.size:
        return f"expected signal of tissue, found {least:g} and {most:g} alone, as in a mask"
    share = np.count_nonzero(array < 0) / np.count_nonzero(array) if least < 0 else 0.0
    if share <= MOST_BELOW_ZERO:
        return None
    return f"expected signal above 0, found {share:.0%} of it below (a scl_slope below 0?)"


def _filled(path: Path) -> tuple[Volume, int]:
    """Read an image with 0 in place of voxels that are NaN or infinite, and count those."""
    header = nifti.read_header(path, is_series=diffusion_files.is_diffusion(path))
    array = nifti.read_voxels(path, header)
    if header.count > 1:
        array = np.ascontiguousarray(array[..., int(np.argmin(diffusion_files.b_values(path, header.count)))])
    if not np.issubdtype(array.dtype, np.floating):
        return Volume(array, header.affine), 0
    is_lost = ~np.isfinite(array)
    lost_count = int(np.count_nonzero(is_lost))
    if lost_count > LARGEST_GAP * array.size:
        raise InputError(
            f"{path.name}: expected finite voxels, found {lost_count} of {array.size} NaN or infinite ones; "
            f"repair or re-export the image"
        )
    if lost_count:
        array[is_lost] = 0
    return Volume(array, header.affine), lost_count


def load_scan(path: Path) -> Volume:
    """Read a scan as :func:`load_with_gaps` does, whoever has said already how much of it is missing."""
    return load_with_gaps(path)[0]


def load_shown(path: Path) -> Volume:
    """Read a scan or a mask to be looked at: an empty one is one, and voxels without a number are 0."""
    return _filled(path)[0]


def other_grid(path: Path) -> Volume | None:
    """Read the second position of a NIfTI image, its qform, where the first one is elsewhere; None where it is not.

    Raises
    ------
    InputError
        As :func:`load_grid`.
    """
    header = nifti.read_header(path, is_series=diffusion_files.is_diffusion(path))
    if header.other_affine is None:
        return None
    return Volume(np.broadcast_to(np.zeros(1, header.dtype), header.shape), header.other_affine)


def load_grid(path: Path) -> Volume:
    """Read where a NIfTI image lies without reading its voxels; the array is zeros that take no memory.

    Raises
    ------
    InputError
        As :func:`load`, as far as the header tells.
    """
    header = nifti.read_header(path, is_series=diffusion_files.is_diffusion(path))
    return Volume(np.broadcast_to(np.zeros(1, header.dtype), header.shape), header.affine)


def save(volume: Volume, path: Path) -> None:
    """Write a NIfTI image, whole or not at all, the same bytes for the same content.

    Raises
    ------
    StoreError
        What is on the disk is not what was written, as on a disk that is full: ITK itself says nothing then.
    """
    with _whole(path), atomic.replacing(path, extension=".nii") as partial:
        image = to_sitk(volume)
        sitk.WriteImage(image, str(partial))
        content = partial.read_bytes()
        voxels = sitk.GetArrayViewFromImage(image).tobytes()
        if len(content) <= len(voxels) or not content.endswith(voxels):
            raise OSError(errno.ENOSPC, "the disk did not take all of it")
        if path.name.endswith(".gz"):
            partial.write_bytes(gzip.compress(content, compresslevel=5, mtime=0))


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Say which file could not be written, and what to do."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # ITK raises the latter
        reason = error.strerror if isinstance(error, OSError) else "ITK could not write it"
        raise StoreError(
            f"{path.name}: could not be written whole in {path.parent} ({reason}); "
            "free some space or make the folder writable, then run again"
        ) from error


def read_dicom_file(path: Path) -> NDArray:
    """Read the pixels of one DICOM file with ITK's own GDCM, shape ``(frames, rows, columns)``, scaled as it says.

    For codings that no other library here unpacks (JPEG lossless).

    Raises
    ------
    InputError
        Damaged, or in a coding that GDCM does not know.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        array = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise InputError("expected pixels that can be unpacked, found damaged ones; export it uncompressed") from error
    return array if array.ndim == 3 else array[np.newaxis]


def to_sitk(volume: Volume) -> sitk.Image:
    """Convert to a SimpleITK image in LPS; booleans become ``uint8``."""
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    origin, spacing, direction = lps_geometry(volume)
    image.SetOrigin(tuple(origin))
    image.SetSpacing(tuple(spacing))
    image.SetDirection(tuple(direction.ravel()))
    return image


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
    size = TRANSFORM_MARGIN + (0 if transform.bend_mm is None else 8 * transform.bend_mm.size)
    with _whole(path), atomic.replacing(path, extension=path.suffix) as partial:
        atomic.check_room(partial, size)  # HDF5 ends the whole process where the disk is full
        sitk.WriteTransform(composite, str(partial))
        if not _is_same(sitk.CompositeTransform(sitk.ReadTransform(str(partial))), composite):
            raise OSError(errno.ENOSPC, "the disk did not take all of it")


def _is_same(one: sitk.CompositeTransform, other: sitk.CompositeTransform) -> bool:
    """Say whether two transforms move every point alike."""
    parts = [[whole.GetNthTransform(i) for i in range(whole.GetNumberOfTransforms())] for whole in (one, other)]
    (ours, theirs) = ([(part.GetParameters(), part.GetFixedParameters()) for part in of_one] for of_one in parts)
    return ours == theirs


def load_transform(path: Path, source: str, target: str) -> Transform:
    """Read a transform written by :func:`save_transform`; ``source`` and ``target`` name its spaces.

    Raises
    ------
    StoreError
        Missing or damaged.
    """
    try:
        composite = sitk.CompositeTransform(sitk.ReadTransform(str(path)))
    except RuntimeError as error:
        raise StoreError(
            f"{path.name}: expected a transform written by cordtrack, found none or a damaged one; "
            f"delete the file if it is there and run again"
        ) from error
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


def move_by_file(path: Path, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points by a transform file of ITK, whichever program wrote it (``.h5``, ``.tfm``, ``.txt``, ``.mat``).

    Parameters
    ----------
    path
        As a registration with ITK or ANTs writes it for the fixed image: it moves points fixed to moving.
    points_mm
        Shape ``(N, 3)``, RAS+ mm in the fixed image.

    Returns
    -------
    ndarray
        Shape ``(N, 3)``, RAS+ mm in the moving image.

    Raises
    ------
    InputError
        ITK cannot read it.
    """
    try:
        whole = sitk.ReadTransform(str(path))
        moved = [whole.TransformPoint(tuple(point)) for point in flip_points(points_mm).tolist()]
    except RuntimeError as error:
        raise InputError(
            f"{path.name}: expected a transform that ITK reads, found none or a damaged one; export it again, or give "
            f"the moved points"
        ) from error
    return flip_points(np.array(moved, dtype=np.float64).reshape(-1, 3))


def _affine_of(image: sitk.Image) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine
