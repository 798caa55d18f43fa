"""The rigid step of every alignment, by mutual information: the only module that imports ANTs.

Importing it takes seconds of processor time, so it is imported where two scans are really aligned, and once for all
processes of a run (``pipeline.run.workers``). ANTs is called with its own arguments, the samples as files that hold the
very same numbers: its ready recipe takes images as they are, but fixes the step and the stopping rule, and from the
same start ends 0.03 to 9 mm away.

Its figures and its learning are left out until somebody asks for them: they bring matplotlib and scikit-learn, which
take much of the time and memory that importing it costs.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.align.sampling_window import Sample
from pipeline.core.volume import Volume
from pipeline.files.images import flip_points, lps_geometry

# ITK sums in as many parts as it has threads, and the last bits follow; it reads this when it first needs a thread.
os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"

NOT_TO_ALIGN = ("ants.deeplearn", "ants.learn", "ants.plotting")
"""Modules of ANTs that no alignment uses."""


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Let what is imported meanwhile find empty modules under these names; nothing of them stays."""
    empty = {name: ModuleType(name) for name in names if name not in sys.modules}
    sys.modules.update(empty)
    try:
        yield
    finally:
        for name, module in empty.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _completed(package: ModuleType, names: tuple[str, ...]) -> None:
    """Let a package find what was left out of it when somebody first asks for something that it does not have.

    Whoever asks while another thread loads it waits; what the modules themselves ask for while they are loaded is not
    there yet. Where they cannot be loaded, each who asks is told why.
    """
    loading, is_loading = threading.RLock(), False

    def missing(name: str) -> Any:
        nonlocal is_loading
        absent = f"module {package.__name__!r} has no attribute {name!r}"
        if name.startswith("_"):  # asked by whatever looks at modules; nothing that was left out is called so
            raise AttributeError(absent)
        with loading:
            if is_loading:  # by a module that is being loaded
                raise AttributeError(absent)
            if "__getattr__" in package.__dict__:
                is_loading = True
                try:
                    _load(package, names)
                except ImportError as error:
                    raise AttributeError(f"{absent}: what was left out of it cannot be loaded ({error})") from error
                finally:
                    is_loading = False
                del package.__dict__["__getattr__"]
        try:
            return package.__dict__[name]
        except KeyError:
            raise AttributeError(absent) from None

    package.__dict__["__getattr__"] = missing


def _load(package: ModuleType, names: tuple[str, ...]) -> None:
    """Import what was left out of a package, and show in it what they show, whole or not at all."""
    modules = [importlib.import_module(left_out) for left_out in names]
    for module in modules:
        shown = {key: value for key, value in vars(module).items() if not key.startswith("_")}
        vars(package).update({key: value for key, value in shown.items() if key not in vars(package)})


with _without(NOT_TO_ALIGN):
    import ants
_completed(ants, NOT_TO_ALIGN)

TRANSFORM = "Rigid[0.1]"
STOPPING_RULE = "[60,1e-4,8]"
METRIC = "Mattes[{fixed},{moving},1,32,Regular,0.5]"


def rigid_matrix(
    fixed: Sample, counted: NDArray[np.bool_], moving: Sample, centre_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lay one sample of a scan onto another, rigidly, from where they lie.

    Parameters
    ----------
    fixed, moving
        Samples of two scans on regular grids, RAS+ mm.
    counted
        Which voxels of the fixed sample count, of its shape.
    centre_mm
        Point ``(3,)`` around which the matrix is read off.

    Returns
    -------
    ndarray
        Matrix ``(4, 4)``, RAS+ mm, that moves points of the fixed sample to the moving one.
    """
    with TemporaryDirectory() as folder:
        arrays = {
            "fixed": (fixed.values, fixed.affine),
            "moving": (moving.values, moving.affine),
            "fixed_mask": (counted, fixed.affine),
            "moving_mask": (moving.known, moving.affine),
        }
        files = {name: _write(array, affine, Path(folder) / name) for name, (array, affine) in arrays.items()}
        arguments = ["-d", "3", "--float", "1", "--random-seed", "1", "-o", f"{folder}/out"]
        arguments += ["-t", TRANSFORM, "-m", METRIC.format(**files)]
        arguments += ["-x", f"[{files['fixed_mask']},{files['moving_mask']}]"]
        arguments += ["-c", STOPPING_RULE, "-f", "1", "-s", "0"]
        ants.registration(arguments, None)
        moved = ants.read_transform(str(Path(folder) / "out0GenericAffine.mat"))
    probes_mm = centre_mm + np.vstack([np.zeros(3), np.eye(3)])
    reached_lps = [ants.apply_ants_transform_to_point(moved, point.tolist()) for point in flip_points(probes_mm)]
    reached_mm = flip_points(np.array(reached_lps))
    matrix = np.eye(4)
    matrix[:3, :3] = (reached_mm[1:] - reached_mm[0]).T
    matrix[:3, 3] = reached_mm[0] - matrix[:3, :3] @ centre_mm
    return matrix


def _write(array: NDArray, affine: NDArray[np.float64], stem: Path) -> str:
    """Write an array for ANTs: masks as bytes, images as single precision; NRRD keeps all digits of the geometry."""
    origin, spacing_mm, direction = lps_geometry(Volume(array, affine))
    kind = np.uint8 if array.dtype == bool else np.float32
    image = ants.from_numpy(
        array.astype(kind), origin=origin.tolist(), spacing=spacing_mm.tolist(), direction=direction
    )
    file = str(stem.with_suffix(".nrrd"))
    ants.image_write(image, file)
    return file
