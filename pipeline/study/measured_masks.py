"""The masks that a published store measured, read again from the files that it names.

A file that has changed since the run is refused, so that numbers and masks belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import fingerprints, images
from pipeline.study.mask_voxels import read_mask
from pipeline.study.masks import MaskFile


def read_measured(
    row: Mapping[str, Any], image: Volume, out_dir: Path, bids_dir: Path, files: Mapping[str, MaskFile]
) -> Volume | None:
    """Read one measured mask onto its scan's grid.

    Parameters
    ----------
    row
        Of the query ``patient_masks``.
    image
        The scan that it lies on.
    files
        The study's masks by their path in it.

    Returns
    -------
    Volume or None
        Booleans, or float32 probabilities from 0 to 1; None when the study's file no longer draws the compartment.

    Raises
    ------
    InputError
        The file is gone or was changed after the run.
    """
    path = (bids_dir if row["folder"] == "study" else out_dir) / str(row["path"])
    if not path.is_file() or fingerprints.of_file(path) != row["sha256"]:
        raise InputError(f"{row['path']}: expected the mask that was measured, found it gone or changed; run again")
    if row["folder"] != "study":
        volume = images.load(path)
        return volume.with_array(np.clip(volume.array, 0, 1).astype(np.float32))
    file = files.get(str(row["path"]))
    readings = read_mask(file, image)[0] if file else ()
    return next((r.volume for r in readings if r.compartment == row["compartment"]), None)
