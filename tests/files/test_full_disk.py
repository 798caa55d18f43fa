"""A file that the disk did not take whole never takes the place of one (a full disk: a limit of the file size)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.files import images
from tests.places import ROOT

resource = pytest.importorskip("resource", reason="limits of a process are set as POSIX does")

ON_A_FULL_DISK = """
import resource, sys
import numpy as np
from pathlib import Path
from pipeline.core.transform import Transform
from pipeline.core.volume import Volume
from pipeline.errors import StoreError
from pipeline.files import images
kind, path, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
noise = np.random.default_rng(1).integers(0, 200, (40, 40, 40)).astype(np.int16)
bend = np.random.default_rng(2).normal(size=(20, 20, 20, 3))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    if kind == 'image':
        images.save(Volume(noise, np.eye(4)), path)
    else:
        images.save_transform(Transform('a', 'b', np.eye(4), bend, np.eye(4)), path)
except StoreError as error:
    sys.exit(str(error))
"""


def written(kind: str, path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ON_A_FULL_DISK, kind, str(path), str(limit)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("kind", "name"), [("image", "scan.nii"), ("image", "scan.nii.gz"), ("transform", "from-a_to-b_xfm.h5")]
)
@pytest.mark.parametrize("limit", [200, 60_000, 100_000])
def test_what_was_there_stays_and_nothing_half_written_beside_it(
    tmp_path: Path, kind: str, name: str, limit: int
) -> None:
    path = tmp_path / name
    path.write_bytes(b"as it was")
    done = written(kind, path, limit)
    assert done.returncode == 1, done.stderr
    assert f"{name}: could not be written whole in" in done.stderr
    assert "free some space" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"as it was"


@pytest.mark.parametrize(("kind", "name"), [("image", "scan.nii.gz"), ("transform", "from-a_to-b_xfm.h5")])
def test_with_space_again_the_same_is_written(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    assert written(kind, path, 100_000_000).returncode == 0
    if kind == "image":
        assert images.load(path).array.shape == (40, 40, 40)
    else:
        assert images.load_transform(path, "a", "b").bend_mm is not None


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_a_whole_image_of_any_kind_is_no_fault(tmp_path: Path, dtype: type) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    images.save(Volume(array, np.diag([2.0, -1.0, 3.0, 1.0])), tmp_path / "a.nii.gz")
    assert np.array_equal(images.load(tmp_path / "a.nii.gz").array, array)


def test_a_transform_without_a_bend_is_no_fault(tmp_path: Path) -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = (1.1, -2.2, 3.3)
    images.save_transform(Transform("a", "b", matrix), tmp_path / "a.h5")
    assert np.allclose(images.load_transform(tmp_path / "a.h5", "a", "b").matrix, matrix)
