"""The richer viewer: NiiVue with three planes and 3D per visit; the plain slice viewer where it cannot run.

NiiVue (BSD 2-Clause, https://niivue.com) is not part of the project: ``make setup`` fetches it. Its script travels
to the browser over the session's own connection like the scans, so no folder has to be served without sign-in.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from dashboard.viewer import assets, link_keeper, slice_viewer
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import ViewLink
from dashboard.viewer.panes import Pane
from dashboard.viewer.payload import Colours, one_cell, payload
from dashboard.viewer.spots import Spot

_volumes = st.components.v2.component(
    "cordtrack_volumes",
    html=assets.text("niivue.html", "slices.html"),
    css=assets.text("slices.css"),
    js=assets.script(
        "showVolumes", *assets.SLICES, *(f"niivue_{part}.js" for part in ("file", "marks", "acts", "panes"))
    ),
)


def is_installed() -> bool:
    """Say whether NiiVue was fetched into the package."""
    return assets.NIIVUE.is_file()


def volume_viewer(
    panes: Sequence[Pane],
    *,
    colours: Colours = COMPARTMENT_COLOURS,
    link: ViewLink | None = None,
    spots: Sequence[Spot] = (),
    key: str,
    height: int | None = 640,
) -> None:
    """Show one to four visits in NiiVue, crosshair, pan, zoom, window and 3D view linked.

    Without NiiVue, or without WebGL2 in the browser, the slice viewer appears in its place and a line says why.

    Parameters
    ----------
    panes
        Visits on one grid, the oldest first.
    colours
        Label value to compartment name and CSS colour.
    link
        Where to open, and what to do with a link that is asked for; without, on the largest tumour section.
    spots
        Places that are marked with a ring; the viewer opens on the first unless a link says otherwise.
    key
        Name of this viewer on its page.
    height
        Of the whole viewer, CSS pixels; None for as high as fits on the screen.

    Raises
    ------
    ValueError
        Panes on different grids, or a mask label without a colour.
    """
    if not is_installed():
        st.caption("Plain slice viewer, because NiiVue is not installed: `make setup` with a network fetches it.")
        slice_viewer(panes, colours=colours, link=link, spots=spots, key=key, height=height)
        return
    data = payload(panes, colours, link, height, spots) | {"library": one_cell(_library())}
    _volumes(key=key, data=data, height="content", on_linked_change=link_keeper(key, link))


@lru_cache(maxsize=1)
def _library() -> bytes:
    return gzip.compress(assets.NIIVUE.read_bytes(), mtime=0)
