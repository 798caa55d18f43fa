"""How panes travel to the browser: voxels as Arrow, over the session's own connection.

Never as static or media files: Streamlit serves those without sign-in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dashboard.viewer.grid_links import Table
from dashboard.viewer.opening import AXES, Opening, ViewLink, largest_place
from dashboard.viewer.panes import Pane, linkable
from dashboard.viewer.spots import Spot
from dashboard.viewer.windows import presets

SOLID = frozenset({"tumour", "enhancing"})
"""The viewer opens where one of these is largest ..."""

NOT_LESION = frozenset({"cord"})
"""... else where anything but these is."""

FILLED = frozenset({"enhancing"})
"""Drawn with a light filling as well, since enhancing tumour shares the tumour's colour."""

Colours = Mapping[int, tuple[str, str]]
"""Label value to compartment name and CSS colour, in drawing and legend order."""


def payload(
    panes: Sequence[Pane], colours: Colours, link: ViewLink | None, height: int | None, spots: Sequence[Spot] = ()
) -> dict[str, object]:
    """Build what the component receives.

    Parameters
    ----------
    panes
        One to four, on one grid or each linked to the reference space.
    colours
        Only labels named here are outlined; the legend lists those present in any pane.
    link
        Where to open, and that links can be asked for; without, on the first spot, else on the largest section of the
        lesion.
    height
        Of the whole viewer, CSS pixels; None for as high as fits on the screen.
    spots
        Places that are marked with a ring.

    Returns
    -------
    dict
        ``v0``, ``l0``, ...: one-cell Arrow tables with the bytes of images and masks in C order (no ``l`` without a
        mask), and ``t0``, ``f0``, ... with the tables to and from the reference space (float32, own grids only); the
        rest is plain JSON, places in mm of the reference space. ``signature`` changes when anything shown changes, but
        not with the place to open on: whoever asks for a link goes on looking.

    Raises
    ------
    ValueError
        Panes on different grids, or a mask label without a colour.
    """
    linkable(panes)
    present = _present(panes)
    _refuse_unnamed(panes, present, colours)
    lesion = _lesion(present, colours)
    largest = {plane: largest_place(panes, lesion, plane) for plane in AXES}
    windows = presets(panes)
    plain: dict[str, object] = {
        "titles": [pane.title for pane in panes],
        "sequences": [pane.sequence for pane in panes],
        "grids": [_grid(pane) for pane in panes],
        "largest": {plane: list(place) for plane, place in largest.items()},
        "colours": [[v, *colours[v], colours[v][0] in FILLED] for v in colours if v in present],
        "presets": [[it.name, [list(window) for window in it.windows], it.explained] for it in windows],
        "excluded": [sorted(pane.excluded) for pane in panes],
        "height": height,
        "is_linkable": link is not None,
        "page_keys": dict(link.page_keys) if link else {},
        "spots": [{"place": list(it.place), "radius_mm": it.radius_mm, "words": it.words} for it in spots],
    }
    matters = spots[0].place if spots else largest["sagittal"]
    opening = link.opening if link and link.opening else Opening("sagittal", matters)
    arrays = _voxels(panes) | _tables(panes)
    return {
        **plain,
        **{key: one_cell(array.tobytes()) for key, array in arrays.items()},
        "signature": _digest(plain, arrays),
        "view": opening.view,
        "start": list(opening.place),
        "mode": opening.mode,
        "zoom": opening.zoom,
        "levels": [list(pair) for pair in opening.levels] if len(opening.levels) == len(panes) else None,
        "preset": next((n for n, it in enumerate(windows) if it.name == opening.window), 0),
    }


def one_cell(content: bytes) -> pa.Table:
    """Wrap bytes as the single cell of an Arrow table, the form in which Streamlit carries them unchanged."""
    return pa.table({"bytes": pa.array([content], pa.binary())})


def _grid(pane: Pane) -> dict[str, object]:
    link = pane.link
    return {
        "shape": [int(n) for n in pane.image.shape],
        "spacing_mm": [float(mm) for mm in pane.spacing_mm],
        "origin_mm": pane.origin_mm and [float(mm) for mm in pane.origin_mm],
        "to": _geometry(link.to_reference) if link else None,
        "from": _geometry(link.from_reference) if link else None,
    }


def _geometry(table: Table) -> dict[str, list[float]]:
    return {
        "first": [float(at) for at in table.first],
        "step": [float(length) for length in table.step],
        "shape": [int(n) for n in table.values.shape[:3]],
    }


def _tables(panes: Sequence[Pane]) -> dict[str, NDArray[Any]]:
    links = [(n, pane.link) for n, pane in enumerate(panes) if pane.link]
    out = {f"t{n}": link.to_reference.values for n, link in links}
    return out | {f"f{n}": link.from_reference.values for n, link in links}


def _voxels(panes: Sequence[Pane]) -> dict[str, NDArray[Any]]:
    voxels: dict[str, NDArray[Any]] = {f"v{n}": pane.image for n, pane in enumerate(panes)}
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


def _digest(plain: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.blake2b(json.dumps(plain).encode(), digest_size=16)
    for key, array in arrays.items():
        digest.update(key.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
