"""What the viewer shows: scans and masks on one grid, as bytes, cropped and windowed for the eye.

Nothing is ever measured on these copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dashboard.viewer.grid_links import Link
from pipeline.core.volume import Volume

NOT_SCANNED = 0
"""Grey value of places a scan does not reach; scanned tissue is 1 to 255, however dark."""


@dataclass(frozen=True, eq=False)
class Pane:
    """One scan as the viewer shows it, on the reference grid that all share or in its own grid with a link.

    Attributes
    ----------
    title
        Short text above the scan, such as ``2023-12 now · aligned A``.
    image
        Shape ``(I, J, K)``: i grows towards the patient's right, j towards anterior, k towards superior;
        0 where the scan does not reach, else 1 to 255.
    labels
        Shape ``(I, J, K)``, 0 for nothing marked; None when the visit has no mask, which is not the same.
    spacing_mm
        Distance between voxel centres along i, j, k, mm.
    origin_mm
        Position of the first voxel along the right, anterior and superior axes of the grid, mm; None when unknown.
    sequence
        What the scan shows, such as ``T2w``; only panes of one sequence share a window or are subtracted.
    excluded
        Labels of masks that a person excluded or that have no size for other reasons: drawn hatched, they do not count.
    link
        The way to the reference space, for a pane in its own grid; None for the reference grid itself.
    """

    title: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float] | None = None
    sequence: str = ""
    link: Link | None = None
    excluded: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what could be drawn in the wrong place."""
        if self.image.ndim != 3 or self.image.dtype != np.uint8:
            msg = f"{self.title}: expected a 3D uint8 image, got {self.image.ndim}D {self.image.dtype}"
            raise ValueError(msg)
        if self.labels is not None and (self.labels.shape != self.image.shape or self.labels.dtype != np.uint8):
            msg = (
                f"{self.title}: the mask is {self.labels.shape} {self.labels.dtype} but the image is "
                f"{self.image.shape}; bring both to the reference grid as uint8"
            )
            raise ValueError(msg)


def pane_of(title: str, scan: Volume, mask: Volume | None) -> Pane:
    """Make a pane of a scan and a mask on the same grid, whatever way its axes run.

    Axes are permuted and flipped, never interpolated, to the nearest right, anterior and superior order. NaN voxels
    of the scan count as not scanned.

    Parameters
    ----------
    title
        Text above the scan.
    scan
        Intensities in any unit, shape ``(I, J, K)``.
    mask
        Labels on the same grid; None when there is no mask.

    Raises
    ------
    ValueError
        Scan and mask differ in shape.
    """
    upright = to_ras(scan)
    labels = None if mask is None else np.ascontiguousarray(to_ras(mask).array, dtype=np.uint8)
    right, anterior, superior = (float(x) for x in upright.spacing_mm)
    axes = upright.affine[:3, :3] / upright.spacing_mm
    origin = axes.T @ upright.affine[:3, 3]
    return Pane(
        title,
        window_to_uint8(upright.array),
        labels,
        (right, anterior, superior),
        (float(origin[0]), float(origin[1]), float(origin[2])),
    )


def to_ras(volume: Volume) -> Volume:
    """Permute and flip axes so that i, j, k grow most nearly towards right, anterior and superior.

    Examples
    --------
    >>> flipped = Volume(np.arange(8).reshape(2, 2, 2), np.diag([-1.0, -1.0, 1.0, 1.0]))
    >>> to_ras(flipped).array[0, 0].tolist(), float(to_ras(flipped).affine[0, 3])
    ([6, 7], -1.0)
    """
    cosines = np.abs(volume.affine[:3, :3] / volume.spacing_mm)
    axes = linear_sum_assignment(cosines, maximize=True)[1]
    array, affine = volume.array.transpose(axes), volume.affine.copy()
    affine[:, :3] = affine[:, axes]
    for axis in range(3):
        if affine[axis, axis] < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return Volume(array, affine)


def window_to_uint8(array: NDArray, low: float = 0.5, high: float = 99.7) -> NDArray[np.uint8]:
    """Map intensities to grey values 1 to 255 between two percentiles; NaN becomes 0, "not scanned".

    MR intensities have no unit, so visits of a patient share the percentiles, not the intensities: the same tissue
    then looks alike although each scan has its own gain.

    Parameters
    ----------
    array
        Intensities, shape ``(I, J, K)``; NaN where the scan does not reach.
    low, high
        Percentiles (0 to 100) of the scanned voxels shown black and white.

    Examples
    --------
    >>> window_to_uint8(np.array([[[np.nan, 0.0, 50.0, 100.0]]]), 0.0, 100.0).tolist()
    [[[0, 1, 128, 255]]]
    """
    scanned = np.isfinite(array)
    if not scanned.any():
        return np.full(array.shape, NOT_SCANNED, dtype=np.uint8)
    black, white = np.percentile(array[scanned], [low, high])
    share = (np.nan_to_num(array, nan=black) - black) / (float(white - black) or 1.0)
    return np.where(scanned, np.rint(1 + 254 * np.clip(share, 0, 1)), NOT_SCANNED).astype(np.uint8)


def crop_to(
    panes: Sequence[Pane], margin_mm: float, places: Sequence[tuple[float, float, float]] = ()
) -> tuple[Pane, ...]:
    """Cut all panes to the box around everything marked in any of them; panes without marks stay whole.

    For the whole scan, do not crop.

    Parameters
    ----------
    panes
        On one grid.
    margin_mm
        Kept around the box on every side as far as the scan goes, mm.
    places
        Places in mm along the axes of the grid that the box takes in, too; those beyond the scan do not count.
    """
    same_grid(panes)
    marked = [pane.labels > 0 for pane in panes if pane.labels is not None]
    region = np.any(marked, axis=0) if marked else np.zeros(panes[0].image.shape, dtype=bool)
    for place in places:
        voxel = voxel_at(panes[0], place)
        if is_inside(panes[0], voxel):
            region[voxel] = True
    if not region.any():
        return tuple(panes)
    return tuple(_cut(pane, _box(region, pane.spacing_mm, margin_mm)) for pane in panes)


def voxel_at(pane: Pane, place: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return the voxel nearest to a place in mm along the axes of the pane's grid; it may lie outside the pane."""
    i, j, k = np.rint((np.array(place) - (pane.origin_mm or 0.0)) / pane.spacing_mm).astype(int)
    return int(i), int(j), int(k)


def is_inside(pane: Pane, voxel: tuple[int, int, int]) -> bool:
    """Say whether a pane has a voxel."""
    return all(0 <= at < count for at, count in zip(voxel, pane.image.shape, strict=True))


def linkable(panes: Sequence[Pane]) -> None:
    """Refuse panes that a linked view would put in different places.

    Raises
    ------
    ValueError
        Number of panes outside 1 to 4, some with a link and some without, or no links and different grids.
    """
    if not 1 <= len(panes) <= 4:
        msg = f"the viewer shows one to four scans, got {len(panes)}; choose which visits to compare"
        raise ValueError(msg)
    apart = [pane.title for pane in panes if pane.link is None]
    if not apart:
        return
    if len(apart) < len(panes):
        msg = f"{', '.join(apart)}: expected the way from their own grids to the reference space, as the others have it"
        raise ValueError(msg)
    same_grid(panes)


def same_grid(panes: Sequence[Pane]) -> None:
    """Refuse panes on different grids.

    Raises
    ------
    ValueError
        A shape, spacing or origin that differs from the first pane's.
    """
    first = panes[0]
    for pane in panes[1:]:
        if pane.image.shape != first.image.shape or not np.allclose(pane.spacing_mm, first.spacing_mm):
            msg = (
                f"{pane.title} is {pane.image.shape} voxels of {pane.spacing_mm} mm but {first.title} is "
                f"{first.image.shape} of {first.spacing_mm} mm; resample both onto the reference grid"
            )
            raise ValueError(msg)
        if pane.origin_mm and first.origin_mm and not np.allclose(pane.origin_mm, first.origin_mm, atol=0.01):
            msg = f"{pane.title} starts at {pane.origin_mm} mm but {first.title} at {first.origin_mm} mm; align them"
            raise ValueError(msg)


def _box(region: NDArray[np.bool_], spacing_mm: tuple[float, float, float], margin_mm: float) -> tuple[slice, ...]:
    box = []
    for axis, (places, size_mm) in enumerate(zip(np.nonzero(region), spacing_mm, strict=True)):
        margin = int(np.ceil(margin_mm / size_mm))
        box.append(slice(max(0, int(places.min()) - margin), min(region.shape[axis], int(places.max()) + margin + 1)))
    return tuple(box)


def _cut(pane: Pane, box: tuple[slice, ...]) -> Pane:
    origin = pane.origin_mm
    if origin is not None:
        x, y, z = (o + s.start * mm for o, s, mm in zip(origin, box, pane.spacing_mm, strict=True))
        origin = (x, y, z)
    labels = None if pane.labels is None else pane.labels[box]
    return replace(pane, image=pane.image[box], labels=labels, origin_mm=origin)
