"""The voxels of a stack, read straight from its files; compressed ones are unpacked after their own size is checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels import pixel_array
from pydicom.uid import RLELossless

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files.images import read_dicom_file
from pipeline.hospital.read.bounded_reading import quietly, read_dataset
from pipeline.hospital.read.codestreams import refuse_other_size
from pipeline.hospital.read.geometry import Grid
from pipeline.hospital.read.instances import Pixels, Plane
from pipeline.hospital.read.stacks import stored_bytes

NATIVE = frozenset({
    "", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
})  # fmt: skip
"""Transfer syntaxes whose pixels lie uncompressed in the file."""

JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
"""Unpacked by ITK's GDCM; the other codings by pydicom, Pillow and CharLS."""

MOST_VOXELS = 512 * 1024**2
"""Voxels of one stack; a whole spine at 0.5 mm has a tenth of it."""


def read_volume(grid: Grid) -> Volume:
    """Read a stack's voxels.

    Returns
    -------
    Volume
        Indexed ``[column, row, slice]``; as stored when the scanner asks for no scaling, else scaled as it asks:
        whole numbers where scaling leaves them whole, float32 otherwise.

    Raises
    ------
    InputError
        Damaged, too large, or in a coding that cannot be read.
    """
    column_count, row_count, count = grid.shape
    if column_count * row_count * count > MOST_VOXELS:
        raise InputError(f"expected up to {MOST_VOXELS} voxels in a stack, found {column_count * row_count * count}")
    scales = _scales(grid)
    slopes = set(scales)
    stored = _dtype(grid.planes[0].pixels)
    array = np.empty((count, row_count, column_count), stored if slopes == {(1.0, 0.0)} else np.float64)
    unpacked: dict[Path, NDArray] = {}
    for index, plane in enumerate(grid.planes):
        if plane.path not in unpacked:
            unpacked = {plane.path: _read_file(plane)}  # of a multi-frame file all frames, of others one
        frames = unpacked[plane.path]
        plane_pixels = frames[plane.frame] if plane.pixels.frames > 1 else frames.reshape(row_count, column_count)
        slope, intercept = scales[index]
        array[index] = plane_pixels if slopes == {(1.0, 0.0)} else plane_pixels * slope + intercept
    return Volume(_narrowest(array).transpose(2, 1, 0), grid.affine)


ONE_GAIN = 1.001
"""Gains of one series that differ by less are one: they are written with six digits."""


def _scales(grid: Grid) -> list[tuple[float, float]]:
    """Return slope and intercept of each slice: as displayed, or as measured where the display differs between slices.

    Of the latter the first slice keeps its displayed values.
    """
    gains = [plane.gain for plane in grid.planes]
    stated = [gain for gain in gains if gain is not None]
    if len(stated) < len(gains) or max(stated) <= ONE_GAIN * min(stated):
        return [(plane.slope, plane.intercept) for plane in grid.planes]
    factors = [stated[0] / gain for gain in stated]
    return [(p.slope * factor, p.intercept * factor) for p, factor in zip(grid.planes, factors, strict=True)]


def _narrowest(array: NDArray) -> NDArray:
    """Return scaled voxels as int16 where they are whole numbers that fit, else as float32."""
    if array.dtype != np.float64:
        return array
    whole = np.rint(array)
    if np.array_equal(whole, array) and array.min() >= -(2**15) and array.max() < 2**15:
        return whole.astype(np.int16)
    return array.astype(np.float32)


def _dtype(pixels: Pixels) -> np.dtype:
    if pixels.samples != 1 or pixels.bits_allocated not in (8, 16, 32):
        raise InputError(
            f"expected one value of 8, 16 or 32 bits a pixel, found {pixels.samples} of {pixels.bits_allocated}"
        )
    return np.dtype(f"{'i' if pixels.is_signed else 'u'}{pixels.bits_allocated // 8}")


def _read_file(plane: Plane) -> NDArray:
    pixels = plane.pixels
    if pixels.syntax in NATIVE:
        content = _native(plane)
        claimed = pixels.frames * pixels.rows * pixels.columns * pixels.bits_allocated // 8
        if len(content) < claimed:
            raise InputError("expected the pixels of the header, found fewer; the file has changed since it was read")
        stored = _dtype(pixels).newbyteorder(">" if pixels.is_big_endian else "<")
        frames = np.frombuffer(content[:claimed], stored).reshape(pixels.frames, pixels.rows, pixels.columns)
        return _cut(frames.astype(stored.newbyteorder("="), copy=False), pixels)
    return _cut(_unpack(plane).reshape(pixels.frames, pixels.rows, pixels.columns), pixels)


def _native(plane: Plane) -> bytes:
    """Return uncompressed pixels: from their place in the file, or out of a deflated data set."""
    if plane.pixels.length is None:
        return bytes(read_dataset(plane.path, with_pixels=True)[0].PixelData)
    return stored_bytes(plane)


def _cut(frames: NDArray, pixels: Pixels) -> NDArray:
    """Take the bits of the values: old scanners keep overlays above or below them."""
    spare = pixels.bits_allocated - pixels.bits_stored
    if spare <= 0 or pixels.bits_stored <= 0:
        return frames
    above = pixels.bits_allocated - 1 - (pixels.bits_stored - 1 if pixels.high_bit is None else pixels.high_bit)
    if not 0 <= above <= spare:
        raise InputError(
            f"expected the highest of {pixels.bits_stored} bits within {pixels.bits_allocated}, found it at bit "
            f"{pixels.high_bit}; export the series again"
        )
    return np.right_shift(np.left_shift(frames, above), spare)


def _unpack(plane: Plane) -> NDArray:
    dataset, _ = read_dataset(plane.path, with_pixels=True)
    try:
        with quietly():
            if plane.pixels.syntax != RLELossless and plane.pixels.syntax not in NATIVE:
                refuse_other_size(dataset, plane.pixels)
            if plane.pixels.syntax in JPEG_LOSSLESS:
                scaled = read_dicom_file(plane.path)
                return np.rint((scaled - plane.intercept) / plane.slope).astype(_dtype(plane.pixels))
            return np.asarray(pixel_array(dataset, raw=True))
    except InputError:
        raise
    except Exception as error:  # codecs raise many kinds for damaged data
        raise InputError(
            f"expected pixels that can be unpacked, found damaged ones or an unknown coding "
            f"({type(error).__name__}); export the series uncompressed"
        ) from error
