"""Loops compiled to machine code give what the plain formulas give."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pipeline.align.control_lattice import (
    COMPONENTS,
    REACH,
    add_normal_matrix,
    elastic,
    gathered,
    lattice_of,
)
from pipeline.core.interpolation import interpolated, voxel_by_voxel
from tests.places import ROOT

SHAPE = (4, 9, 11)

LOOP = """
import numpy as np
from pipeline.core.interpolation import interpolated
assert interpolated(np.ones((8, 1)), (2, 2, 2), np.zeros((1, 3))).tolist() == [[1.0]]
"""
NO_ROOM = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"


def test_interpolation_is_that_of_scipy_also_beyond_the_grid() -> None:
    generator = np.random.default_rng(1)
    images = generator.normal(size=(2, *SHAPE))
    index = generator.uniform(-3, 14, size=(500, 3))
    expected = [ndimage.map_coordinates(image, index.T, order=1, mode="nearest") for image in images]
    given = interpolated(voxel_by_voxel(images), SHAPE, index)
    np.testing.assert_allclose(given.T, expected, atol=1e-12)


def test_a_point_that_is_no_number_has_no_value() -> None:
    assert np.isnan(interpolated(np.ones((8, 1)), (2, 2, 2), np.array([[np.nan, 0.0, 0.0]]))).all()


def test_values_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="8 voxels do not make images of shape"):
        interpolated(np.ones((8, 1)), (2, 2, 3), np.zeros((1, 3)))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 11), (2, 2, 2), SHAPE])
def test_no_sample_touches_control_points_that_are_not_there(shape: tuple[int, int, int]) -> None:
    lattice = lattice_of(shape, np.ones(3), 20.0)
    first, _ = lattice.supports
    assert np.all(first.max(axis=1) + REACH <= lattice.sizes), "a compiled loop would write beyond its array"


@pytest.mark.parametrize("shape", [SHAPE, (1, 9, 11)])
def test_sums_over_voxels_are_those_of_the_whole_spline_matrix(shape: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(2)
    lattice = lattice_of(shape, np.array([3.3, 1.0, 1.0]), 4.0)
    voxels = np.argwhere(generator.random(shape) < 0.6)
    splines = np.einsum("ip,jq,kr->ijkpqr", *lattice.values)[tuple(voxels.T)].reshape(len(voxels), -1)
    pushes, pulls = generator.normal(size=(len(voxels), 3)), generator.normal(size=(len(voxels), 5))
    onto = np.einsum("na,nm,np->apm", pushes, pulls, splines)
    np.testing.assert_allclose(gathered(lattice, voxels, pushes, pulls).reshape(onto.shape), onto, atol=1e-10)
    curvature = generator.normal(size=(len(voxels), 6))
    full = np.empty((len(voxels), 3, 3))
    for c, (a, b) in enumerate(COMPONENTS):
        full[:, a, b] = full[:, b, a] = curvature[:, c]
    expected = np.einsum("nab,np,nq->apbq", full, splines, splines, optimize=True).reshape(elastic(lattice).shape)
    matrix = np.zeros_like(expected)
    add_normal_matrix(lattice, voxels, curvature, matrix)
    np.testing.assert_allclose(matrix, expected, atol=1e-10)


def test_the_order_of_voxels_changes_no_sum() -> None:
    generator = np.random.default_rng(4)
    lattice = lattice_of(SHAPE, np.ones(3), 4.0)
    voxels = np.argwhere(generator.random(SHAPE) < 0.3)
    pushes, pulls = generator.normal(size=(len(voxels), 3)), generator.normal(size=(len(voxels), 6))
    mixed = generator.permutation(len(voxels))
    in_order = gathered(lattice, voxels, pushes, pulls)
    np.testing.assert_allclose(gathered(lattice, voxels[mixed], pushes[mixed], pulls[mixed]), in_order, atol=1e-10)
    matrix, other = np.zeros((2, *elastic(lattice).shape))
    add_normal_matrix(lattice, voxels, pulls, matrix)
    add_normal_matrix(lattice, voxels[mixed], pulls[mixed], other)
    np.testing.assert_allclose(other, matrix, atol=1e-10)


def test_numba_is_imported_only_where_a_loop_runs() -> None:
    program = "import sys\nfrom pipeline.refind import refinding\nassert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_folder_that_a_command_is_started_in_says_nothing_of_what_is_run(tmp_path: Path) -> None:
    pytest.importorskip("yaml")  # numba reads the file where this is installed
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'planted'}\n", encoding="utf-8")
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", LOOP], check=True, cwd=tmp_path, env=surroundings)
    assert not (tmp_path / "planted").exists()


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """Return a folder with a package beside whose source nothing can be kept, by no user, and an empty study."""
    core = tmp_path / "package" / "pipeline" / "core"
    core.mkdir(parents=True)
    (tmp_path / "study").mkdir()
    for name in ("__init__.py", "core/__init__.py", "core/compiled.py", "core/interpolation.py"):
        shutil.copy(ROOT / "pipeline" / name, core.parent / name)
    (core / "__pycache__").write_text("a file where the folder should be", encoding="utf-8")
    return tmp_path


def _run_in_study(folder: Path, program: str, **surroundings: str) -> list[str]:
    """Run a loop in the study with the locked package; return what lies in the study afterwards."""
    cleared = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NUMBA_"))}
    everything = {**cleared, "PYTHONPATH": str(folder / "package"), **surroundings}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=folder / "study", env=everything)
    return sorted(path.name for path in (folder / "study").iterdir())


def test_what_cannot_be_kept_beside_the_source_is_kept_in_the_cache_of_the_user(locked: Path) -> None:
    kept = locked / "cache"
    assert not _run_in_study(locked, LOOP, XDG_CACHE_HOME=str(kept), HOME=str(kept))
    assert list(kept.rglob("*.nbc"))


@pytest.mark.parametrize(
    "surroundings",
    [
        {"XDG_CACHE_HOME": "/dev/null"},
        {"XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": "/dev/null"},
        {"XDG_CACHE_HOME": ""},
        {"XDG_CACHE_HOME": "kept"},
        {"XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": "kept"},
        {"HOME": "."},
    ],
)
def test_a_loop_that_can_be_kept_nowhere_runs_and_writes_nothing_where_it_was_started(
    locked: Path, surroundings: dict[str, str]
) -> None:
    assert not _run_in_study(locked, LOOP, **surroundings)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of this kind")
def test_a_full_disk_stops_no_loop(locked: Path) -> None:
    assert not _run_in_study(locked, NO_ROOM + LOOP, XDG_CACHE_HOME=str(locked / "cache"), HOME=str(locked / "cache"))
    assert not list((locked / "cache").rglob("*.nbc"))
