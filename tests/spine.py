"""A small artificial spine, scanned with known motion."""

import numpy as np
from scipy import ndimage

from pipeline.core.volume import Volume, voxel_centres_mm


def spine(points_mm):
    """Intensity of an artificial spine: a bright canal with a grey cord, and vertebrae that grow towards the feet."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    from_axis = np.hypot(x, y)
    level = 18.0 * np.log1p((70.0 - z) / 220.0) / np.log1p(18.0 / 220.0) / 18.0
    body = 1 / (1 + np.exp(-8 * (np.cos(2 * np.pi * level) + 0.5)))
    front = 1 / (1 + np.exp(-(y - 9.0))) / (1 + np.exp(y - 30.0))
    behind = np.exp(-(((y + 18.0) / 6.0) ** 2) - (x / 4.0) ** 2) * np.cos(np.pi * level) ** 2
    canal = 1 / (1 + np.exp(2 * (from_axis - 8.0)))
    cord = 1 / (1 + np.exp(2 * (from_axis - 4.5)))
    return 300 * canal - 180 * cord + 120 * body * front + 150 * behind + 0.4 * z + 60


TEXTURE = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(60, 110, 180)), 2.5)
TEXTURE *= 25.0 / TEXTURE.std()


def anatomy(points_mm):
    """The spine with texture of its own, so that no two levels are alike."""
    index = np.moveaxis(points_mm + np.array([30.0, 55.0, 90.0]), -1, 0)
    return spine(points_mm) + ndimage.map_coordinates(TEXTURE, index, order=1, mode="nearest")


def someone_else(points_mm):
    """Another person's spine: taller vertebrae at other heights, a narrower canal, other texture."""
    index = np.moveaxis(points_mm + np.array([30.0, 55.0, 90.0]), -1, 0)
    texture = ndimage.map_coordinates(TEXTURE[::-1, ::-1, ::-1], index, order=1, mode="nearest")
    return spine(points_mm * np.array([1.3, 1.2, 0.75]) - np.array([0.0, 0.0, 7.0])) + texture


def scan(spacing_mm, shape, seed, motion=lambda points: points, person=anatomy):
    """A noisy scan centred on the origin; ``motion`` moves its points to where the anatomy lay at the first visit."""
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -np.array(spacing_mm) * (np.array(shape) - 1) / 2
    empty = Volume(np.zeros(shape), affine)
    noise = np.random.default_rng(seed).normal(scale=8.0, size=shape)
    return empty.with_array(person(motion(voxel_centres_mm(empty))) + noise)
