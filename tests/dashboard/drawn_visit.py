"""A visit of the tiny store whose scan and mask are files, so that its mask can be taken away and corrected."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core import records
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, images
from pipeline.store import publish
from tests.factories import tiny_store

PATIENT, VISIT = "sub-06", "ses-02"
GRID = np.diag([3.0, 1.0, 1.0, 1.0])
SHAPE = (9, 24, 40)


def block(last: int = 24) -> NDArray[np.uint8]:
    """A block of tumour; 720 mm³ unless another end is given."""
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[3:6, 8:16, 14:last] = 1
    return array


def publish_drawn_visit(out_dir: Path, study: Path) -> None:
    """Publish the tiny store with files for one visit: an automatic tumour mask of 720 mm³ on its scan."""
    signal = np.where(np.abs(np.indices(SHAPE)[1] - 12) < 8, 300, 80) + 200 * block()
    rows: list[Any] = []
    for row in tiny_store():
        is_here = getattr(row, "session_id", "") == VISIT and row.patient_id == PATIENT
        if is_here and isinstance(row, records.Scan):
            images.save(Volume(signal.astype(np.int16), GRID), study / row.path)
            rows.append(replace(row, sha256=fingerprints.of_file(study / row.path)))
        elif is_here and isinstance(row, records.Segmentation):
            images.save(Volume(block(), GRID), out_dir / row.path)
            rows.append(replace(row, sha256=fingerprints.of_file(out_dir / row.path)))
        else:
            rows.append(row)
    publish.publish(out_dir, rows)
    _name_study(out_dir, study)


def copy_drawn_visit(folder: Path) -> Path:
    """Put a copy of the drawn visit into a folder, published in this process once; return its output folder."""
    shutil.copytree(_published(), folder, dirs_exist_ok=True)
    _name_study(folder / "out", folder / "study")
    return folder / "out"


@cache
def _published() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cordtrack-drawn-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    publish_drawn_visit(folder / "out", folder / "study")
    return folder


def _name_study(out_dir: Path, study: Path) -> None:
    (out_dir / "run.toml").write_text(f'bids_dir = "{study}"\n', encoding="utf-8")


def as_file(array: NDArray[Any], folder: Path, affine: NDArray[Any] = GRID) -> bytes:
    """The bytes of a drawing, as a program would save it."""
    images.save(Volume(array, affine), folder / "drawing.nii.gz")
    return (folder / "drawing.nii.gz").read_bytes()
