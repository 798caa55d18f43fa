"""Images and transforms as ITK and ANTs get them: the same values at the same points, in LPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.core.transform import Transform, move_points
from pipeline.core.volume import Volume, to_world
from pipeline.errors import StoreError
from pipeline.files import images
from tests.files.test_images import RANDOM, affine_of, numbers, oriented, rotation


@oriented
def test_itk_places_each_voxel_at_the_same_point_in_lps(affine: np.ndarray) -> None:
    image = images.to_sitk(Volume(numbers(), affine))
    for index in [(0, 0, 0), (4, 0, 2), (1, 5, 6)]:
        expected = images.flip_points(to_world(affine, np.array(index)))
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(expected, abs=1e-9)


@oriented
def test_itk_gets_the_same_values_at_the_same_indices(affine: np.ndarray) -> None:
    volume = Volume(numbers(), affine)
    image = images.to_sitk(volume)
    assert all(image.GetPixel(index) == volume.array[index] for index in [(0, 0, 0), (4, 0, 2), (1, 5, 6)])


def bent(affine: np.ndarray) -> Transform:
    """A rotation and shift after a smooth bend of up to 2 mm on a grid with the given orientation."""
    matrix = affine_of(rotation(4, -3, 2), (1.5, -7.0, 4.0))
    grid = np.moveaxis(np.indices((6, 7, 8)), 0, -1)
    bend_mm = 2.0 * np.sin(grid * np.array([0.5, 0.4, 0.3]))
    return Transform("ses-01", "ses-02", matrix, bend_mm, affine)


@oriented
def test_a_saved_transform_is_loaded_as_it_was(tmp_path: Path, affine: np.ndarray) -> None:
    transform = bent(affine)
    images.save_transform(transform, tmp_path / "a.h5")
    loaded = images.load_transform(tmp_path / "a.h5", "ses-01", "ses-02")
    assert (loaded.source, loaded.target) == ("ses-01", "ses-02")
    points = to_world(affine, RANDOM.random((50, 3)) * [5, 6, 7])
    assert move_points(loaded, points) == pytest.approx(move_points(transform, points), abs=1e-6)


@oriented
def test_itk_moves_points_as_we_do(tmp_path: Path, affine: np.ndarray) -> None:
    transform = bent(affine)
    images.save_transform(transform, tmp_path / "a.h5")
    itk = sitk.ReadTransform(str(tmp_path / "a.h5"))
    points = to_world(affine, 0.2 + RANDOM.random((20, 3)) * [4.5, 5.5, 6.5])
    moved = [images.flip_points(np.array(itk.TransformPoint(p.tolist()))) for p in images.flip_points(points)]
    assert np.array(moved) == pytest.approx(move_points(transform, points), abs=1e-4)


def test_a_rigid_transform_needs_no_bend(tmp_path: Path) -> None:
    transform = Transform("a", "b", affine_of(rotation(10, 20, 30), (1, 2, 3)))
    images.save_transform(transform, tmp_path / "deep" / "a.h5")
    loaded = images.load_transform(tmp_path / "deep" / "a.h5", "a", "b")
    assert loaded.bend_mm is None
    assert loaded.matrix == pytest.approx(transform.matrix, abs=1e-12)


@pytest.mark.parametrize("content", [None, b"", b"not a transform"])
def test_a_damaged_transform_is_refused_in_words(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.h5: expected a transform .* run again"):
        images.load_transform(tmp_path / "a.h5", "a", "b")
