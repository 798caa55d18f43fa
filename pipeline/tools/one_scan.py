"""One mask or one pair of scans, outside any study: what ``cordtrack measure`` and ``cordtrack register`` do."""

from __future__ import annotations

import csv
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.align.certificate import Alignment
from pipeline.core.transform import move_points, resample
from pipeline.core.volume import Volume, plane
from pipeline.errors import InputError
from pipeline.files import images
from pipeline.measure import volumes
from pipeline.study import mask_values
from pipeline.study.grids import in_order_of, lies_on, shift_between
from pipeline.study.mask_values import ValueDoubt

CONTRAST_WORDS = {
    "t1": "T1w", "t1w": "T1w", "t2": "T2w", "t2w": "T2w", "t2star": "T2starw", "t2starw": "T2starw", "t2*": "T2starw",
    "t2*w": "T2starw", "t2s": "T2starw", "pd": "PDw", "pdw": "PDw", "stir": "STIR", "flair": "FLAIR", "unit1": "UNIT1",
}  # fmt: skip
"""Words of a scan's name to the contrast they mean."""

MOST_LABELS_MEASURED = 256
"""Different numbers of a label map, measured one by one; a scan has more."""


def measure_file(mask_path: Path, image_path: Path | None) -> list[dict[str, Any]]:
    """Measure each label of a label map, or the one compartment of a mask or probability map.

    Returns
    -------
    list of dict
        One per compartment: file, label, volume_mm3, slices_spanned, diameters in mm, plane, and the edges of the field
        of view that it reaches (then the sizes are lower bounds).

    Raises
    ------
    InputError
        A file cannot be read, or the mask is not on the image's grid.
    """
    mask = images.load(mask_path)
    image = None
    if image_path is not None:
        image = images.load_scan(image_path)
        mask = _on_image(mask, mask_path, image, image_path)
    return [_row(mask_path, label, part, image) for label, part in _parts(mask, mask_path.name).items()]


def _on_image(mask: Volume, mask_path: Path, image: Volume, image_path: Path) -> Volume:
    """Return a mask on the voxels of its image, in whatever order it stores them, as a study's masks are read."""
    places = [place for place in (image, images.other_grid(image_path)) if place is not None]
    stored = [place for place in (mask, images.other_grid(mask_path)) if place is not None]
    for candidate in stored:
        if any(lies_on(candidate, place) for place in places):
            return image.with_array(in_order_of(Volume(mask.array, candidate.affine), image).array)
    shift = shift_between(mask, image)
    where = f"it lies elsewhere, {shift.words} away" if shift is not None else f"mask is {_size(mask)}"
    raise InputError(
        f"{mask_path.name}: {where} but the image is {_size(image)}; export the mask again on the image's grid"
    )


def _parts(mask: Volume, name: str) -> dict[int | str, Volume]:
    """Return each label of a label map, or the one compartment of a mask or probability map.

    Raises
    ------
    InputError
        The values are no mask's: a scan, a picture drawn all over, or a mask that was scaled to nothing.
    """
    labels = mask_values.labels_of(mask.array)
    parts: dict[int | str, Volume]
    if isinstance(labels, ValueDoubt):
        drawn = mask_values.inside_of(mask.array)
        if not isinstance(drawn, ValueDoubt):
            parts = {"mask": mask.with_array(drawn)}
        else:
            chances = mask_values.probabilities_of(mask.array)
            if isinstance(chances, ValueDoubt):
                raise InputError(f"{name}: {chances.words}; export the mask again")
            parts = {"probability": mask.with_array(chances)}
    else:
        numbers = [int(label) for label in np.unique(labels) if label != 0]
        if len(numbers) > MOST_LABELS_MEASURED:
            raise InputError(f"{name}: {mask_values.scan_doubt(len(numbers), labels).words}; give the mask")
        scaled = mask_values.scaled_shares(numbers)
        if scaled is not None:
            raise InputError(
                f"{name}: {scaled.words}; export the mask again, as labels or as probabilities from 0 to 1"
            )
        parts = {label: mask.with_array(labels == label) for label in numbers}
    for part in parts.values():
        doubt = mask_values.too_much(part.array)
        if doubt is not None:
            raise InputError(f"{name}: {doubt.words}; is it the inverse of a mask, or the outline of the picture?")
    return parts or {1: mask.with_array(np.zeros(mask.shape, dtype=bool))}


def register_files(
    fixed: Path, moving: Path, out_prefix: str, fixed_mask: Path | None, contrasts: tuple[str | None, str | None]
) -> Alignment:
    """Align one pair and write ``<prefix>to_moving.h5``, ``<prefix>to_fixed.h5`` and ``<prefix>aligned.nii.gz``.

    Without a mask the cord that is found on the fixed scan is what they are aligned around. What the scans show comes
    from ``contrasts`` or their names; where neither says so, they count as alike only where they lie on one another
    without a doubt, and are aligned as scans of different contrast too otherwise.
    """
    fixed_image, moving_image = images.load_scan(fixed), images.load_scan(moving)
    lesion = images.load(fixed_mask) if fixed_mask else None
    if lesion is not None:
        assert fixed_mask is not None
        lesion = _on_image(lesion, fixed_mask, fixed_image, fixed)
        lesion = lesion.with_array(lesion.array >= volumes.OBJECT_PROBABILITY)
    shown = [given or contrast_of(path.name) for given, path in zip(contrasts, (fixed, moving), strict=True)]
    is_alike = None if None in shown else _without_agent(shown[0]) == _without_agent(shown[1])
    alignment = _aligned(fixed_image, moving_image, lesion, is_alike=is_alike)
    images.save_transform(alignment.to_follow_up, Path(f"{out_prefix}to_moving.h5"))
    images.save_transform(alignment.to_reference, Path(f"{out_prefix}to_fixed.h5"))
    aligned = resample(moving_image, fixed_image, alignment.to_follow_up, order=1)
    images.save(aligned.with_array(aligned.array.astype(np.float32)), Path(f"{out_prefix}aligned.nii.gz"))
    return alignment


def doubt_about(fixed: Path, moving: Path) -> str | None:
    """Say why an alignment of two scans tells nothing: both hold the same voxels; None where they do not.

    Two scans are never equal, so a grade A of one scan on itself is none of two visits.
    """
    if not np.array_equal(images.load_scan(fixed).array, images.load_scan(moving).array):
        return None
    return f"{fixed.name} and {moving.name} hold the very same voxels: is one of them the wrong file?"


def contrast_of(file_name: str) -> str | None:
    """Return what a scan shows by its name, as BIDS calls it; None where the name does not say.

    Examples
    --------
    >>> contrast_of("sub-01_ses-02_T2w.nii.gz"), contrast_of("spine_T1.nii"), contrast_of("scan12.nii.gz")
    ('T2w', 'T1w', None)
    """
    words = re.split(r"[^0-9a-z*]+", file_name.lower())
    shown = {CONTRAST_WORDS[word] for word in words if word in CONTRAST_WORDS}
    return shown.pop() if len(shown) == 1 else None


def _without_agent(contrast: str | None) -> str:
    """Contrast agent changes a lesion, which is left out, and little else."""
    named = (contrast or "").lower().removesuffix("_ce")
    return CONTRAST_WORDS.get(named, named)


def _aligned(fixed: Volume, moving: Volume, lesion: Volume | None, *, is_alike: bool | None) -> Alignment:
    """Align two scans as alike, as different, or, where nobody knows, as whichever is believed more."""
    from pipeline.align import registration, without_mask  # noqa: PLC0415  # ANTs takes seconds to import

    if lesion is not None and lesion.array.any():
        align = partial(registration.align, fixed, moving, region=lesion, exclude=lesion)
    else:
        align = partial(without_mask.align_around, without_mask.cord_of(fixed), fixed, moving)
    first: Alignment = align(same_contrast=is_alike is not False)
    if is_alike is not None or first.quality.grade == "A":
        return first
    second: Alignment = align(same_contrast=False)
    return min(first, second, key=lambda alignment: alignment.quality.grade)


def read_points(points_path: Path) -> tuple[list[dict[str, str]], NDArray[np.float64]]:
    """Read a CSV with columns x, y, z (RAS+ mm); return its rows and the points, shape ``(N, 3)``.

    Raises
    ------
    InputError
        There is no such file, no such column, or a value that is not a number; the line is named.
    """
    if not points_path.is_file():
        raise InputError(f"{points_path}: expected a CSV with columns x, y, z, found no such file; check the path")
    with points_path.open(newline="", encoding="utf-8-sig") as stream:
        point_rows = list(csv.DictReader(stream))
    points = [_point(row, line, points_path.name) for line, row in enumerate(point_rows, start=2)]
    return point_rows, np.array(points, dtype=np.float64).reshape(-1, 3)


def move_points_file(alignment: Alignment, points_path: Path, out_path: Path) -> None:
    """Move the points of a CSV (columns x, y, z: RAS+ mm in the fixed scan) to the moving scan's world.

    All other columns are kept.

    Raises
    ------
    InputError
        As :func:`read_points`.
    """
    point_rows, points = read_points(points_path)
    moved = move_points(alignment.to_follow_up, points)
    with out_path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(point_rows[0]) if point_rows else ["x", "y", "z"])
        writer.writeheader()
        for row, (x, y, z) in zip(point_rows, moved, strict=True):
            writer.writerow({**row, "x": f"{x:.4f}", "y": f"{y:.4f}", "z": f"{z:.4f}"})


def _point(row: dict[str, str], line: int, name: str) -> list[float]:
    try:
        return [float(row[axis]) for axis in ("x", "y", "z")]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{name} line {line}: expected numbers in columns x, y and z (RAS+ mm), found {dict(row)}; correct the file"
        ) from error


def _row(path: Path, label: int | str, part: Volume, image: Volume | None) -> dict[str, Any]:
    sizes = volumes.measure(part, image)
    return {
        "file": path.name,
        "label": label,
        "volume_mm3": round(sizes.volume_mm3, 3),
        "slices_spanned": sizes.slices_spanned,
        "axial_long_mm": round(sizes.axial_long_mm, 2),
        "axial_perpendicular_mm": round(sizes.axial_perpendicular_mm, 2),
        "length_mm": round(sizes.length_mm, 2),
        "component_count": sizes.component_count,
        "plane": plane(part),
        "edges_reached": " ".join(sizes.edges),
    }


def _size(volume: Volume) -> str:
    return "x".join(str(n) for n in volume.shape)
