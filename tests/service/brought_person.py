"""One person as a hospital delivers them: two scans a year apart with a lesion that grew, as DICOM."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from pipeline.core.volume import Volume
from tests import dicom_files as dicom
from tests.draft.implant import with_lesion
from tests.service import brought

FIRST, SECOND = date(2020, 2, 17), date(2021, 3, 1)
GROWN = 1.8
"""Length of the second scan's lesion beside the first one's."""


def as_zip(folder: Path) -> tuple[dict[str, object], Volume]:
    """Return the first scan as a zip archive for a browser, and the lesion's outline on it."""
    paths, truth = written(folder, FIRST, 1.0)
    content = brought.zipped({f"DICOM/Büro/{path.name}": path.read_bytes() for path in paths})
    return {"name": "CD Müller.zip", "mimeType": "application/zip", "buffer": content}, truth


def as_files(folder: Path) -> tuple[list[Path], Volume]:
    """Return the second scan as files without endings, and the lesion's outline on it."""
    return written(folder, SECOND, GROWN)


def written(folder: Path, day: date, size: float) -> tuple[list[Path], Volume]:
    """Write sagittal slices of the packaged phantom with a lesion."""
    scan, truth, _ = with_lesion(3, size=size)
    across = int(np.argmax(np.abs(scan.affine[0, :3])))
    axes = [axis for axis in range(3) if axis != across] + [across]
    stack = Volume(np.moveaxis(scan.array, across, 2).astype(np.uint16), scan.affine[:, [*axes, 3]])
    return dicom.save_all(dicom.slices(stack, day, uids=dicom.new_uids()), folder), truth
