"""The voxels of a mask on an image's own grid, refused with a finding when they cannot be what the name says.

A mask is never resampled here: volumes are counted where they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.entities import Compartment
from pipeline.domain.grid import Volume, same_grid
from pipeline.domain.records import Finding
from pipeline.errors import InputError
from pipeline.findings import finding
from pipeline.images import load
from pipeline.masks import MaskFile

PROBABILITY_TOLERANCE = 1e-3
"""Rounding by which a probability map may leave 0..1; it is clipped, anything beyond is refused."""

INTEGER_TOLERANCE = 1e-3
"""Rounding by which a label stored as a scaled number may miss a whole number."""


class MaskReading(NamedTuple):
    """One compartment as one file draws it, on the image's grid: boolean, or float32 probabilities from 0 to 1."""

    compartment: Compartment
    volume: Volume
    file: MaskFile


def read_mask(file: MaskFile, image: Volume) -> tuple[tuple[MaskReading, ...], tuple[Finding, ...]]:
    """Read one mask onto an image's grid; only findings come back when it cannot be trusted.

    Parameters
    ----------
    file
        From ``pipeline.masks.find_masks``.
    image
        The scan it was drawn on; shape and place must agree.

    Returns
    -------
    tuple of MaskReading
        One per compartment; for a label map also those that its table lists and no voxel carries: they are empty,
        not unknown.
    tuple of Finding
        Why something was left out, or that the whole mask is empty.
    """
    try:
        volume = load(file.path)
    except InputError as error:
        return (), (_problem("mask_unreadable", file, str(error)),)
    if not same_grid(volume, image):
        message = f"expected the image's grid of {_grid_words(image)}, found {_grid_words(volume)}"
        return (), (_problem("mask_grid", file, message),)
    findings: list[Finding] = []
    arrays = READERS[file.kind](volume.array, file, findings)
    if arrays and not volume.array.any():
        findings.append(_problem("mask_empty", file, "expected a drawn region, found none"))
    readings = (MaskReading(compartment, image.with_array(array), file) for compartment, array in arrays.items())
    return tuple(readings), tuple(findings)


def _label_map(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    labels = _whole_numbers(array)
    if labels is None:
        findings.append(_problem("mask_values", file, f"expected whole-number labels, found {_range_words(array)}"))
        return {}
    values, counts = np.unique(labels, return_counts=True)
    known = {0, *file.labels, *file.unmeasured}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        if value not in known:
            message = f"expected the labels {sorted(file.labels)}, found {value} in {count} voxels"
            findings.append(_problem("mask_label_unlisted", file, message))
    return {
        compartment: np.isin(labels, [index for index, meaning in file.labels.items() if meaning == compartment])
        for compartment in file.compartments
    }


def _binary(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    values = np.unique(array)
    inside = values[values != 0]
    if file.compartment is not None and len(inside) <= 1 and (inside > 0).all():
        return {file.compartment: array > 0}
    findings.append(_problem("mask_values", file, f"expected 0 and 1, found values from {_range_words(array)}"))
    return {}


def _probability(array: NDArray, file: MaskFile, findings: list[Finding]) -> dict[Compartment, NDArray]:
    low, high = float(array.min()), float(array.max())
    if file.compartment is not None and low >= -PROBABILITY_TOLERANCE and high <= 1 + PROBABILITY_TOLERANCE:
        return {file.compartment: np.clip(array, 0, 1).astype(np.float32)}
    findings.append(_problem("mask_values", file, f"expected probabilities from 0 to 1, found {_range_words(array)}"))
    return {}


READERS: dict[str, Callable[[NDArray, MaskFile, list[Finding]], dict[Compartment, NDArray]]] = {
    "dseg": _label_map,
    "mask": _binary,
    "probseg": _probability,
}


def _whole_numbers(array: NDArray) -> NDArray | None:
    if np.issubdtype(array.dtype, np.integer):
        return array
    rounded = np.rint(array)
    return rounded.astype(np.int64) if np.abs(array - rounded).max() <= INTEGER_TOLERANCE else None


def _range_words(array: NDArray) -> str:
    return f"{float(array.min()):g} to {float(array.max()):g}"


def _grid_words(volume: Volume) -> str:
    size = "x".join(map(str, volume.shape))
    spacing = "x".join(f"{length:.2f}" for length in volume.spacing_mm)
    corner = ", ".join(f"{round(coordinate, 1) + 0.0:.1f}" for coordinate in volume.affine[:3, 3])
    axes = "".join(_axis_letter(volume.affine[:3, axis]) for axis in range(3))
    return f"{size} voxels of {spacing} mm, first voxel at ({corner}) mm, axes {axes}"


def _axis_letter(direction: NDArray[np.float64]) -> str:
    world_axis = int(np.argmax(np.abs(direction)))
    return ("LR", "PA", "IS")[world_axis][int(direction[world_axis] > 0)]


def _problem(code: str, file: MaskFile, message: str) -> Finding:
    return finding(
        code, f"{file.relative}: {message}", file.relative, patient_id=file.patient_id, session_id=file.session_id
    )
