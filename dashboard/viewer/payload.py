"""How panes travel to the browser: voxels as Arrow, over the session's own connection.

Never as static or media files: Streamlit serves those without sign-in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dashboard.viewer.panes import AXES, Pane, largest_section, narrow_window, same_grid

SOLID = frozenset({"tumour", "enhancing"})
"""The viewer opens where one of these is largest ..."""

NOT_LESION = frozenset({"cord"})
"""... else where anything but these is."""

FILLED = frozenset({"enhancing"})
"""Drawn with a light filling as well, since enhancing tumour shares the tumour's colour."""

Colours = Mapping[int, tuple[str, str]]
"""Label value to compartment name and CSS colour, in drawing and legend order."""


def payload(
    panes: Sequence[Pane], colours: Colours, start: tuple[int, int, int] | None, height: int
) -> dict[str, object]:
    """Build what the component receives.

    Parameters
    ----------
    panes
        One to four, on one grid.
    colours
        Only labels named here are outlined; the legend lists those present in any pane.
    start
        Voxel (i, j, k) to open on; None for the largest section of the lesion.
    height
        Of the whole viewer, CSS pixels.

    Returns
    -------
    dict
        ``v0``, ``l0``, ...: one-cell Arrow tables with the bytes of images and masks in C order (no ``l`` without a
        mask); the rest is plain JSON. ``signature`` changes when anything shown changes.

    Raises
    ------
    ValueError
        Panes on different grids, a mask label without a colour, or a start outside the grid.
    """
    same_grid(panes)
    present = _present(panes)
    _refuse_unnamed(panes, present, colours)
    lesion = _lesion(present, colours)
    largest = {plane: largest_section(panes, lesion, plane) for plane in AXES}
    opening = start or largest["sagittal"]
    shape = panes[0].image.shape
    if not all(0 <= at < size for at, size in zip(opening, shape, strict=True)):
        msg = f"start {opening} lies outside the grid {shape}"
        raise ValueError(msg)
    plain: dict[str, object] = {
        "titles": [pane.title for pane in panes],
        "shape": [int(n) for n in shape],
        "spacing_mm": [float(mm) for mm in panes[0].spacing_mm],
        "origin_mm": panes[0].origin_mm and [float(mm) for mm in panes[0].origin_mm],
        "start": [int(at) for at in opening],
        "largest": {plane: list(place) for plane, place in largest.items()},
        "colours": [[v, *colours[v], colours[v][0] in FILLED] for v in colours if v in present],
        "presets": [["full", 1, 255], ["lesion", *narrow_window(panes)]],
        "height": height,
    }
    voxels = _voxels(panes)
    return {
        **plain,
        **{key: one_cell(array.tobytes()) for key, array in voxels.items()},
        "signature": _digest(plain, voxels),
    }


def one_cell(content: bytes) -> pa.Table:
    """Wrap bytes as the single cell of an Arrow table, the form in which Streamlit carries them unchanged."""
    return pa.table({"bytes": pa.array([content], pa.binary())})


def _voxels(panes: Sequence[Pane]) -> dict[str, NDArray[np.uint8]]:
    voxels = {f"v{n}": pane.image for n, pane in enumerate(panes)}
    return voxels | {f"l{n}": pane.labels for n, pane in enumerate(panes) if pane.labels is not None}


def _present(panes: Sequence[Pane]) -> set[int]:
    return {int(v) for pane in panes if pane.labels is not None for v in np.unique(pane.labels)} - {0}


def _refuse_unnamed(panes: Sequence[Pane], present: set[int], colours: Colours) -> None:
    unnamed = sorted(present - set(colours))
    if unnamed:
        titles = ", ".join(pane.title for pane in panes)
        msg = f"{titles}: the masks hold labels {unnamed} that no colour names; add them to colours"
        raise ValueError(msg)


def _lesion(present: set[int], colours: Colours) -> set[int]:
    solid = {value for value in present if colours[value][0] in SOLID}
    return solid or {value for value in present if colours[value][0] not in NOT_LESION}


def _digest(plain: Mapping[str, object], voxels: Mapping[str, NDArray[np.uint8]]) -> str:
    digest = hashlib.blake2b(json.dumps(plain).encode(), digest_size=16)
    for key, array in voxels.items():
        digest.update(key.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
