"""The other contrast of a visit lies where the latest alignment puts it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.data import queries, scan_files
from pipeline.core.transform import identity
from pipeline.core.volume import Volume
from pipeline.files import images

SHAPE = (12, 10, 8)


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """A visit with a T2w to draw on and a T1w of one bright voxel, and the file of the way between them."""
    array = np.zeros(SHAPE, dtype=np.float32)
    array[4, 4, 4] = 100.0
    images.save(Volume(array, np.eye(4)), tmp_path / "t1.nii.gz")
    images.save(Volume(np.zeros(SHAPE, dtype=np.float32), np.eye(4)), tmp_path / "t2.nii.gz")
    rows = pd.DataFrame(
        {
            "session_id": "ses-01", "unreadable_reason": None, "is_anchor": [True, False], "contrast": ["T2w", "T1w"],
            "path": ["t2.nii.gz", "t1.nii.gz"], "transform_path": [None, "way.h5"], "grade": ["A", "A"],
        }
    )  # fmt: skip
    monkeypatch.setattr(queries, "query", lambda *_, **__: rows)
    monkeypatch.setattr(queries, "out_dir", lambda: tmp_path)
    monkeypatch.setattr(scan_files, "_study_dir", lambda: tmp_path)
    return tmp_path / "way.h5"


def aligned(way, shift_mm):
    matrix = np.eye(4)
    matrix[0, 3] = shift_mm
    way.unlink(missing_ok=True)
    images.save_transform(replace(identity("ses-01", "t1.nii.gz"), matrix=matrix), way)
    volume, name = scan_files.second_contrast("sub-01", "ses-01")
    assert name
    return int(np.nanargmax(volume.array.max(axis=(1, 2))))


def test_a_new_alignment_moves_what_is_drawn_on(visit):
    assert aligned(visit, 1.0) == 3
    assert aligned(visit, 3.0) == 1
