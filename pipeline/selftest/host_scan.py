"""The scan that lesions are implanted in: the user's own with a mask of its cord, or the packaged phantom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core.volume import Volume, plane, same_grid, to_world
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.selftest.implant import course_of
from pipeline.selftest.implant_scan import Host, grid_like, host_of

PHANTOM = Path(__file__).parent / "phantom"
CORD_WORDS = ("_label-SC_seg", "_label-SC_mask", "_label-cord_mask", "_sc_seg", "_cord", "_seg")
"""What follows a scan's name in the name of its cord mask: BIDS, cordtrack, and the Spinal Cord Toolbox."""

HOW_TO_DRAW = (
    "draw the whole cord on some 10 cm around the place (3D Slicer, ITK-SNAP), or let the Spinal Cord Toolbox do it "
    "(sct_deepseg spinalcord -i SCAN), and name the mask with --cord"
)


@dataclass(frozen=True)
class Place:
    """Where implants go: ``at_mm`` above the middle of the cord mask, or where a lesion mask lies."""

    at_mm: float | None = None
    lesion: Path | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """A scan ready for implants.

    Attributes
    ----------
    name
        What it is called in words.
    cord_name
        File of its cord mask.
    host
        The scan.
    grid
        Voxels of the synthetic visits.
    image
        The whole scan.
    """

    name: str
    cord_name: str
    host: Host
    grid: Volume
    image: Volume

    @property
    def protocol(self) -> str:
        """Spacing and plane of the synthetic visits in words."""
        spacing = " x ".join(f"{step:.1f}" for step in self.grid.spacing_mm)
        return f"{spacing} mm, {plane(self.grid)}"


def read_source(like: Path | None, cord: Path | None, place: Place, slice_mm: float | None) -> Source:
    """Read the scan, its cord and where to implant.

    Parameters
    ----------
    like, cord
        Scan and mask of its cord; without a scan the packaged phantom is used. Without a mask the one beside
        the scan is taken whose name says that it is the cord's.
    slice_mm
        Thickness of sagittal slices to scan it with; None for the scan's own grid.

    Raises
    ------
    SettingsError
        Options that do not go together, or slices thinner than the scan's.
    InputError
        A file is missing, unreadable, empty or on another grid.
    """
    if place.at_mm is not None and place.lesion is not None:
        raise SettingsError("--at and --mask both say where to implant; give one of them")
    if like is None:
        if cord is not None or place.lesion is not None:
            raise SettingsError("--cord and --mask belong to a scan; name it with --like")
        like, cord = PHANTOM / "synthetic_T2w.nii.gz", PHANTOM / "synthetic_cord.nii.gz"
        name = "the packaged phantom"
    else:
        name = like.name
    image = images.load(like)
    cord = cord or _beside(like)
    line = _mask(cord, image, like)
    lesion = _mask(place.lesion, image, like) if place.lesion else None
    at_mm = place.at_mm or 0.0
    if lesion is not None:
        heights = to_world(image.affine, np.argwhere(lesion.array))[:, 2]
        at_mm = float(heights.mean() - np.mean(course_of(line).reach_mm))
    host = host_of(image, line, at_mm, lesion)
    across_mm = image.spacing_mm[int(np.argmax(np.abs(image.affine[0, :3]) / image.spacing_mm))]
    if slice_mm is not None and slice_mm < across_mm - 1e-3:
        raise SettingsError(
            f"--slice-mm {slice_mm:g}: {name} has {across_mm:.2g} mm from left to right, and thinner slices cannot be "
            f"made from thicker ones; give at least that"
        )
    return Source(name, cord.name, host, grid_like(image, host, slice_mm), image)


def _mask(path: Path, image: Volume, like: Path) -> Volume:
    mask = images.load(path)
    if not same_grid(mask, image):
        raise InputError(
            f"{path.name}: expected a mask on the grid of {like.name} ({_size(image)}), found {_size(mask)} or "
            f"another place; export the mask again on the scan's grid"
        )
    marked = mask.array >= OBJECT_PROBABILITY
    if not marked.any():
        raise InputError(f"{path.name}: expected a mask, found no marked voxel; {HOW_TO_DRAW}")
    return mask.with_array(marked)


def _beside(like: Path) -> Path:
    """Return the cord mask beside a scan, by its name."""
    stem = like.name.removesuffix(".gz").removesuffix(".nii")
    names = [f"{stem}{word}{end}" for word in CORD_WORDS for end in (".nii.gz", ".nii")]
    cord_mask = next((like.with_name(name) for name in names if like.with_name(name).is_file()), None)
    if cord_mask is None:
        raise SettingsError(
            f"{like.name}: expected a mask of its cord, found none beside it; cordtrack does not find a cord itself: "
            f"{HOW_TO_DRAW}"
        )
    return cord_mask


def _size(volume: Volume) -> str:
    return "x".join(str(n) for n in volume.shape)
