"""The synthetic scan that ``cordtrack selftest`` implants growth into when no scan is given, with a mask of its cord.

``python -m sample_data.selftest_phantom`` writes both into ``pipeline/phantom``, which the installed package carries.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.files.images import save
from pipeline.selftest.scanner_day import Pose, expose, sample_points
from sample_data import scanner
from sample_data.anatomy import make_person
from sample_data.lesions import Scene, cord_distance
from sample_data.spine import curve_mm

FOLDER = Path(__file__).parent.parent / "pipeline" / "selftest" / "phantom"
SEED = 2718
STILL = Pose(np.eye(3), np.zeros(3), np.zeros((2, 2)))
PROTOCOL = replace(scanner.PROTOCOLS["iso08"], extent_mm=(88.0, 120.0, 40.0))


def generate(folder: Path) -> None:
    """Write the scan and the mask of its cord."""
    rng = np.random.default_rng(SEED)
    person = make_person("cervical", SEED)
    scene = Scene(person.spine.region.cord, None, ())
    grid = scanner.draw_grid(PROTOCOL, STILL, 0.0, rng)
    signal = scanner.acquire(person, scene, STILL, grid, PROTOCOL.samples)
    save(grid.with_array(expose(signal[0], PROTOCOL.noise, 1.0, rng)), folder / "synthetic_T2w.nii.gz")
    x, y, z = next(sample_points(STILL, grid, (1, 1, 1)))
    cord = cord_distance(scene, x, y - curve_mm(person.spine.region, z), z) < 0
    save(grid.with_array(cord.astype(np.uint8)), folder / "synthetic_cord.nii.gz")


if __name__ == "__main__":
    generate(FOLDER)
