"""The voxels of a mask on an image's own grid, refused with a finding when they cannot be what the name says.

A mask is never resampled here: volumes are counted where they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, same_grid
from pipeline.errors import InputError
from pipeline.files.images import load, load_grid
from pipeline.study.discs import DiscFile
from pipeline.study.masks import MaskFile
from pipeline.study.scans import ScanFile

PROBABILITY_TOLERANCE = 1e-3
"""Rounding by which a probability map may leave 0..1; it is clipped, anything beyond is refused."""

INTEGER_TOLERANCE = 1e-3
"""Rounding by which a label stored as a scaled number may miss a whole number."""


class MaskReading(NamedTuple):
    """One compartment as one file draws it, on the image's grid: boolean, or float32 probabilities from 0 to 1."""

    compartment: Compartment
    volume: Volume
    file: MaskFile


def read_mask(
    file: MaskFile, image: Volume, scans: Sequence[ScanFile] = ()
) -> tuple[tuple[MaskReading, ...], tuple[Finding, ...]]:
    """Read one mask onto an image's grid; only findings come back when it cannot be trusted.

    Parameters
    ----------
    file
        From ``pipeline.masks.find_drawn``.
    image
        The scan it was drawn on; the voxels must be the same ones, be they stored in another order.
    scans
        The visit's scans: when the mask fits another one of them, the finding says so.

    Returns
    -------
    tuple of MaskReading
        One per compartment; for a label map also those that its table lists and no voxel carries: they are empty,
        not unknown.
    tuple of Finding
        Why something was left out, or that the whole mask is empty.
    """
    try:
        stored = load_grid(file.path)
        if not _is_on(stored, image):  # told from the header: a size that is not the image's is never unpacked
            found = _scan_words(stored, scans) or grid_words(stored)
            words = f"expected the image's grid of {grid_words(image)}, found {found}"
            return (), (problem("mask_grid", file, words),)
        volume = in_order_of(load(file.path), image)
    except InputError as error:
        return (), (problem("mask_unreadable", file, str(error)),)
    findings: list[Finding] = []
    arrays = READERS[file.kind](volume.array, file, findings)
    if arrays and not volume.array.any():
        findings.append(problem("mask_empty", file, "expected a drawn region, found none"))
    readings = (MaskReading(compartment, image.with_array(array), file) for compartment, array in arrays.items())
    return tuple(readings), tuple(findings)


def in_order_of(volume: Volume, like: Volume) -> Volume:
    """Store the same voxels in the axis order and directions of another image; no value changes.

    Parameters
    ----------
    volume
        Any image.
    like
        The image whose axes are followed; where they are oblique to the volume's, the closest order is taken.

    Returns
    -------
    Volume
        The volume itself when its axes are in that order already.
    """
    turn = (volume.affine[:3, :3] / volume.spacing_mm).T @ (like.affine[:3, :3] / like.spacing_mm)
    order = np.abs(turn).argmax(axis=0)
    signs = np.sign(turn[order, range(3)])
    if sorted(order) != [0, 1, 2] or (order.tolist() == [0, 1, 2] and (signs > 0).all()):
        return volume
    steps = tuple(slice(None, None, -1) if sign < 0 else slice(None) for sign in signs)
    index_map = np.diag([0.0, 0.0, 0.0, 1.0])  # from the new voxel index to the old one
    for new, (old, sign) in enumerate(zip(order, signs, strict=True)):
        index_map[old, new] = sign
        index_map[old, 3] = volume.shape[old] - 1 if sign < 0 else 0
    return Volume(np.ascontiguousarray(volume.array.transpose(order)[steps]), volume.affine @ index_map)


def _label_map(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    labels = whole_numbers(array)
    if labels is None:
        findings.append(problem("mask_values", file, f"expected whole-number labels, found {range_words(array)}"))
        return {}
    values, counts = np.unique(labels, return_counts=True)
    known = {0, *file.labels, *file.unmeasured}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        if value not in known:
            message = f"expected the labels {sorted(file.labels)}, found {value} in {count} voxels"
            findings.append(problem("mask_label_unlisted", file, message))
    return {
        compartment: np.isin(labels, [index for index, meaning in file.labels.items() if meaning == compartment])
        for compartment in file.compartments
    }


def _binary(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    values = np.unique(array)
    inside = values[values != 0]
    if file.compartment is not None and len(inside) <= 1 and (inside > 0).all():
        return {file.compartment: array > 0}
    findings.append(problem("mask_values", file, f"expected 0 and 1, found values from {range_words(array)}"))
    return {}


def _probability(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    low, high = float(array.min()), float(array.max())
    if file.compartment is not None and low >= -PROBABILITY_TOLERANCE and high <= 1 + PROBABILITY_TOLERANCE:
        return {file.compartment: np.clip(array, 0, 1).astype(np.float32)}
    findings.append(problem("mask_values", file, f"expected probabilities from 0 to 1, found {range_words(array)}"))
    return {}


READERS: dict[str, Callable[[NDArray, MaskFile, list[Finding]], dict[Compartment, NDArray]]] = {
    "dseg": _label_map,
    "mask": _binary,
    "probseg": _probability,
}


def whole_numbers(array: NDArray) -> NDArray | None:
    """Return an array of labels as whole numbers; None when a value misses one by more than rounding."""
    if np.issubdtype(array.dtype, np.integer):
        return array
    rounded = np.rint(array)
    return rounded.astype(np.int64) if np.abs(array - rounded).max() <= INTEGER_TOLERANCE else None


def range_words(array: NDArray) -> str:
    """Say from where to where the values of an array go."""
    return f"{float(array.min()):g} to {float(array.max()):g}"


def _is_on(volume: Volume, image: Volume) -> bool:
    """Say whether a volume has an image's voxels, be they stored in another order."""
    return sorted(volume.shape) == sorted(image.shape) and same_grid(in_order_of(volume, image), image)


def _scan_words(volume: Volume, scans: Sequence[ScanFile]) -> str | None:
    for scan in scans:
        try:
            grid = load_grid(scan.path)
        except InputError:
            continue
        if _is_on(volume, grid):
            return f"that of {scan.path.name}"
    return None


def grid_words(volume: Volume) -> str:
    """Describe a grid for a person: size, spacing, first voxel and axes."""
    size = "x".join(map(str, volume.shape))
    spacing = "x".join(f"{length:.2f}" for length in volume.spacing_mm)
    corner = ", ".join(f"{round(coordinate, 1) + 0.0:.1f}" for coordinate in volume.affine[:3, 3])
    axes = "".join(_axis_letter(volume.affine[:3, axis]) for axis in range(3))
    return f"{size} voxels of {spacing} mm, first voxel at ({corner}) mm, axes {axes}"


def _axis_letter(direction: NDArray[np.float64]) -> str:
    world_axis = int(np.argmax(np.abs(direction)))
    return ("LR", "PA", "IS")[world_axis][int(direction[world_axis] > 0)]


def problem(code: str, file: MaskFile | DiscFile, message: str) -> Finding:
    """Make a finding about a file with masks or labels."""
    return finding(
        code, f"{file.relative}: {message}", file.relative, patient_id=file.patient_id, session_id=file.session_id
    )
