"""Diffusion-weighted scans: which weighting each volume of a file has, as the ``.bval`` file beside it says.

BIDS: one number for each volume, s/mm². What this module refuses: a file of several volumes whose weighting cannot be
told; which one is unweighted is never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.files import fingerprints, nifti

IMAGE_ENDINGS = (".nii.gz", ".nii")
SUFFIX = "_dwi"
MOST_BYTES = 100_000
PER_MS_UM2 = 1000.0
"""s/mm² in one ms/µm², which some programs write."""

LARGEST_IN_MS_UM2 = 10.0
"""b-values that are all up to this are in ms/µm²: nobody weights a scan by 10 s/mm² at the most."""

LARGEST = 20_000.0
"""No scanner for people weights more, s/mm²."""


@dataclass(frozen=True, eq=False)
class WeightedVolumes:
    """The volumes of one diffusion scan.

    Attributes
    ----------
    array
        Shape ``(I, J, K, N)``, in the scanner's own unit.
    affine
        Shape ``(4, 4)``, voxel index to RAS+ mm.
    b_values
        Shape ``(N,)``, s/mm².
    """

    name: str
    array: NDArray
    affine: NDArray[np.float64]
    b_values: NDArray[np.float64]


def is_diffusion(path: Path) -> bool:
    """Say whether a file's name is that of a diffusion-weighted scan.

    Examples
    --------
    >>> is_diffusion(Path("sub-01_dwi.nii.gz")), is_diffusion(Path("sub-01_ADC.nii.gz"))
    (True, False)
    """
    return _stem(path).endswith(SUFFIX)


def bval_file(path: Path) -> Path:
    """Return where the b-values of a diffusion scan are expected."""
    return path.with_name(f"{_stem(path)}.bval")


def digest_of_weights(path: Path) -> str:
    """Return a hash of the b-values beside a scan; empty where there are none or the scan is no diffusion scan."""
    file = bval_file(path)
    return fingerprints.of_file(file) if is_diffusion(path) and file.is_file() else ""


def least_b(path: Path) -> float:
    """Return the least b-value of a scan, s/mm²; infinite where it cannot be told."""
    try:
        return float(b_values(path, nifti.read_header(path, is_series=True).count).min())
    except InputError:
        return float("inf")


def b_values(path: Path, count: int) -> NDArray[np.float64]:
    """Read the b-value of each of a scan's volumes, shape ``(count,)``, s/mm².

    Raises
    ------
    InputError
        No file of b-values beside the scan; not a number, 0 or more, for each volume; larger than any scanner's.
    """
    file = bval_file(path)
    if not file.is_file():
        raise InputError(
            f"{path.name}: expected {file.name} with the b-values beside it, found none; add it (dcm2niix writes it)"
        )
    words = file.read_bytes()[:MOST_BYTES].decode("utf-8", errors="replace").split()
    try:
        weights = np.array([float(word) for word in words])
    except ValueError:
        weights = np.array([np.nan])
    if not np.isfinite(weights).all() or (weights < 0).any() or (len(weights) and weights.max() > LARGEST):
        raise InputError(
            f"{file.name}: expected b-values in s/mm², 0 to {LARGEST:g}, found '{' '.join(words[:6])}'; correct them"
        )
    if len(weights) != count:
        raise InputError(
            f"{file.name}: expected a b-value for each of the {count} volumes of {path.name}, found {len(weights)}; "
            f"export both again"
        )
    return weights * PER_MS_UM2 if 0 < weights.max() <= LARGEST_IN_MS_UM2 else weights


def read(path: Path) -> WeightedVolumes:
    """Read all volumes of a diffusion scan with their b-values.

    Raises
    ------
    InputError
        As :func:`b_values`, and as every scan (``pipeline.files.nifti``).
    """
    header = nifti.read_header(path, is_series=True)
    weights = b_values(path, header.count)
    array = nifti.read_voxels(path, header)
    return WeightedVolumes(path.name, array.reshape(*header.shape, header.count), header.affine, weights)


def _stem(path: Path) -> str:
    ending = next((end for end in IMAGE_ENDINGS if path.name.endswith(end)), "")
    return path.name.removesuffix(ending)
