"""Lesion-free cords that lesions are painted into: packaged phantoms by seed, and real T2w scans with a cord mask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.core.volume import Volume, to_voxel, voxel_centres_mm
from pipeline.files import images
from sample_data.anatomy import locate, make_person
from sample_data.lesions import Scene, cord_distance
from sample_data.phantom import signals
from sample_data.spine import curve_mm
from tests.places import ROOT

REAL = ROOT.parent / "shared" / "realcord" / "scans"
REAL_FILES = {
    "bentjunction": ("bentjunction/t2.nii.gz", "bentjunction/cord.nii.gz", None),
    "lowcervical": ("lowcervical/t2.nii.gz", "lowcervical/cord.nii.gz", None),
    "cervical": ("t2_fake_lesion.nii.gz", "t2_fake_lesion_sc_seg.nii.gz", "t2_fake_lesion_lesion_seg.nii.gz"),
}
"""Scan, cord, and a small bright spot that somebody painted in and that is taken out again."""

STEP_MM = 0.8
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HostCord:
    """A lesion-free cord on an upright grid: T2w and T1w signal, share of cord, its middle and half widths by plane."""

    name: str
    t2: Array
    t1: Array
    cord: Array
    affine: Array
    middle_mm: Array
    half_mm: Array


@dataclass(frozen=True)
class TrialSet:
    """Which cords lesions are painted into, by the seeds of the phantoms and the names of the real ones.

    ``lesions`` is the seed of the lesions. What is not there is left out.
    """

    seeds: tuple[int, ...]
    real: tuple[str, ...]
    lesions: int
    regions: tuple[str, ...] = ("cervical", "thoracic")

    @property
    def names(self) -> list[str]:
        """Names of the hosts in their order, which :func:`host_named` takes."""
        phantoms = [f"phantom {region} {seed}" for seed in self.seeds for region in self.regions]
        return phantoms + [f"real {name}" for name in self.real if (REAL / REAL_FILES[name][0]).is_file()]

    def keys(self, count: int, kind: str = "visit") -> list[str]:
        """Name trials: the host, what is done with it, seed of the lesions and number."""
        return [f"{self.names[n % len(self.names)]}, {kind}, {self.lesions}, {n}" for n in range(count)]


def host_named(name: str) -> HostCord:
    """Return the host of a name."""
    kind, *rest = name.split(" ")
    return phantom_host(rest[0], int(rest[1])) if kind == "phantom" else real_host(rest[0])


@cache
def phantom_host(region: str, seed: int) -> HostCord:
    """Paint a phantom without a lesion."""
    person = make_person(region, seed)
    x, y, z = np.meshgrid(
        *(np.arange(low, high, STEP_MM, dtype=np.float32) for low, high in ((-27, 27), (-38, 32), (-64, 64))),
        indexing="ij",
    )
    scene = Scene(person.spine.region.cord, person.spine.region.conus_z, ())
    t2, t1 = signals(person, scene, locate(person, x, y, z))
    u = y - curve_mm(person.spine.region, z)
    cord = np.clip(0.5 - cord_distance(scene, x, u, z) / STEP_MM, 0, 1)
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = (-27, -38, -64)
    return _host(f"phantom {region} {seed}", t2.astype(float), t1.astype(float), cord.astype(float), affine)


@cache
def real_host(name: str) -> HostCord:
    """Read a real T2w with its cord mask, on an upright grid of its own axes; T1w is made of it."""
    scan, cord = images.load_scan(REAL / REAL_FILES[name][0]), images.load(REAL / REAL_FILES[name][1])
    spot = REAL_FILES[name][2]
    if spot is not None:
        painted = ndimage.binary_dilation(images.load(REAL / spot).array > 0.5, iterations=2)
        usual = float(np.median(scan.array[(cord.array > 0.5) & ~painted]))
        scan = scan.with_array(np.where(painted & (cord.array > 0.5), usual, scan.array))
    corners = voxel_centres_mm(scan).reshape(-1, 3)
    middle = np.median(voxel_centres_mm(cord)[cord.array > 0.5], axis=0)
    low = np.maximum(corners.min(axis=0), middle - np.array([25, 35, 62]))
    high = np.minimum(corners.max(axis=0), middle + np.array([25, 30, 62]))
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    shape = tuple(((high - low) / STEP_MM).astype(int))
    grid = Volume(np.zeros(shape, dtype=np.float32), affine)
    at = to_voxel(scan.affine, voxel_centres_mm(grid).reshape(-1, 3)).T
    t2, share = (
        ndimage.map_coordinates(one.array.astype(float), at, order=1, mode="nearest").reshape(shape)
        for one in (scan, cord)
    )
    level = float(np.median(t2[share > 0.9]))
    t1 = level * np.clip(1.5 - 0.5 * t2 / level, 0.25, 2.0)
    return _host(f"real {name}", t2, t1, share, affine)


INNER, INNER_MOST_MM = 0.7, 3.5
"""Share of the cord's radius, and mm, within which its signal is read: further out it mixes with fluid."""


def inner_level(host: HostCord, values: Array) -> float:
    """Return the signal of a host's inner cord, which a tumour takes the place of.

    It holds more grey matter than the whole section: on the phantoms 2 % brighter on T2w, 2 % darker on T1w.
    """
    centres = voxel_centres_mm(Volume(host.cord, host.affine))
    away = np.hypot(*(centres[..., n] - host.middle_mm[None, None, :, n] for n in range(2)))
    radius = np.sqrt(np.prod(host.half_mm, axis=1))[None, None, :]
    inner = (host.cord > 0.9) & (away <= np.minimum(INNER * radius, INNER_MOST_MM))
    return float(np.median(values[inner]))


def _host(name: str, t2: Array, t1: Array, cord: Array, affine: Array) -> HostCord:
    grid = Volume(cord, affine)
    middle, half = np.full((cord.shape[2], 2), np.nan), np.full((cord.shape[2], 2), np.nan)
    centres = voxel_centres_mm(grid)
    for k in range(cord.shape[2]):
        inside = cord[:, :, k] > 0.5
        if inside.sum() > 10:
            points = centres[:, :, k][inside][:, :2]
            middle[k], half[k] = points.mean(axis=0), (np.ptp(points, axis=0) + STEP_MM) / 2
    return HostCord(name, t2, t1, cord, affine, middle, half)
