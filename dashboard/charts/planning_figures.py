"""The cord laid straight with a ruler, tissues and levels, and lesion and cord as bodies that turn.

Positions count from the upper end of the lesion towards the feet, mm. What this module refuses: a curve where no
distance is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.charts import theme
from dashboard.charts.theme import Sheet
from dashboard.words import labels

PX_PER_MM = 5.0
GREYS = [[0.0, "rgb(0,0,0)"], [1.0, "rgb(255,255,255)"]]
UNSCANNED = "rgb(88,96,112)"
SHARES = ((0.08, 0.35), (0.38, 0.65), (0.74, 1.0))
"""Where the two sections and the curve stand, as shares of the width."""

OTHER = "other tumour"
"""Tumour of the lesions that were not chosen: outlined as tumour, broken."""

DORSAL, RIM = "to the dorsal surface", "thinnest rim"
BODY_OPACITY = {"cord": 0.16, "oedema": 0.25, "syrinx": 0.6, "cyst": 0.6, "tumour": 1.0}
PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True, eq=False)
class StraightSection:
    """One section along the cord; ``signal`` and each mask have shape ``(N, M)``, head first.

    ``beside_mm`` has shape ``(M,)``: where the points of a row lie beside the line, from the picture's left.
    """

    signal: NDArray[np.float32]
    masks: Mapping[str, NDArray[np.float32]]
    beside_mm: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StraightView:
    """What the figure shows.

    Attributes
    ----------
    below_mm
        Shape ``(N,)``; of each row below the upper end of the lesion, mm.
    curves
        By name: mm below the upper end and mm to the surface; empty where none is known.
    marks
        Least of each curve: its name, mm below the upper end, mm to the surface.
    levels
        Name of each disc with its place, mm below the upper end.
    """

    below_mm: NDArray[np.float64]
    sagittal: StraightSection
    coronal: StraightSection
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    marks: tuple[tuple[str, float, float], ...]
    levels: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Body:
    """A tissue on an upright grid of equal steps: values 0 to 1, shape ``(I, J, K)``, and where its axes lie, mm."""

    name: str
    values: NDArray[np.float32]
    axes_mm: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def straight_figure(view: StraightView) -> go.Figure:
    """Draw both sections and the distances beside them on one ruler."""
    length_mm = float(view.below_mm[-1] - view.below_mm[0])
    fig = Sheet(round(PX_PER_MM * length_mm) + 110, {"l": 56, "r": 16, "t": 56, "b": 46})
    span = [float(view.below_mm[-1]), float(view.below_mm[0])]
    fig.axis(
        "yaxis",
        range=span,
        title_text="mm along the cord below the lesion's upper end",
        dtick=10,
        domain=[0, 1],
        showgrid=False,
    )
    _section(fig, view.sagittal, view.below_mm, "", SHARES[0], "sagittal: front left")
    _section(fig, view.coronal, view.below_mm, "2", SHARES[1], "coronal: right left")
    _levels(fig, view, span)
    _curves(fig, view)
    fig.layout["showlegend"] = True
    fig.layout["legend"] = {"orientation": "h", "y": 0.995, "yanchor": "top", "x": 0.0, "yref": "container"}
    return fig.done()


def _section(
    fig: Sheet, shown: StraightSection, below_mm: NDArray[np.float64], axis: str, share: tuple[float, float], title: str
) -> None:
    fig.axis(
        f"xaxis{axis}", domain=list(share), title_text=title, showgrid=False, anchor="y", dtick=10,
        range=[float(shown.beside_mm[0]), float(shown.beside_mm[-1])], scaleanchor="y", constrain="domain", ticks="",
        tickfont={"color": labels.GREY},
    )  # fmt: skip
    fig.add_shape(
        type="rect", xref=f"x{axis} domain", yref="y domain", x0=0, x1=1, y0=0, y1=1, line={"width": 0},
        fillcolor=UNSCANNED, layer="below",
    )  # fmt: skip
    scanned = shown.signal[np.isfinite(shown.signal)]
    black, white = np.percentile(scanned, PERCENTILES) if scanned.size else (0.0, 1.0)
    where: dict[str, Any] = {"x": shown.beside_mm, "y": below_mm, "xaxis": f"x{axis}", "showlegend": False}
    fig.add(
        "heatmap", z=shown.signal, colorscale=GREYS, zmin=float(black), zmax=float(white), showscale=False,
        hoverinfo="skip", **where,
    )  # fmt: skip
    for name, mask in shown.masks.items():
        if (mask >= 0.5).any():
            fig.add(
                "contour", z=mask, showscale=False, hoverinfo="skip", autocontour=False,
                contours={"coloring": "none", "start": 0.5, "end": 0.5, "size": 1.0},
                line=_line_of(name), **where,
            )  # fmt: skip
    if not axis:
        for name, mask in shown.masks.items():
            if (mask >= 0.5).any():
                fig.add_scatter(x=[None], y=[None], mode="lines", name=_word(name), line=_line_of(name))


def _line_of(name: str) -> dict[str, Any]:
    tissue = "tumour" if name == OTHER else name
    width = 1.2 if name == "cord" else 1.8
    return {"color": labels.compartment(tissue).colour, "width": width, "dash": "dot" if name == OTHER else "solid"}


def _word(name: str) -> str:
    return "other lesions" if name == OTHER else labels.compartment(name).word


def _levels(fig: Sheet, view: StraightView, span: list[float]) -> None:
    for name, at_mm in view.levels:
        if span[1] <= at_mm <= span[0]:
            fig.add_shape(
                type="line", xref="x domain", x0=0, x1=1, yref="y", y0=at_mm, y1=at_mm,
                line={"color": "rgb(255,255,255)", "width": 1, "dash": "dot"},
            )  # fmt: skip
            fig.add_annotation(
                xref="x2 domain", x=1, y=at_mm, text=theme.plain(name), showarrow=False, xanchor="left", xshift=4,
                font={"size": 12, "color": labels.INK},
            )  # fmt: skip


def _curves(fig: Sheet, view: StraightView) -> None:
    """Draw the distances; where none is known the words stand on the page, and no empty axis."""
    if not view.curves:
        return
    most = max(float(np.nanmax(distance)) for _, distance in view.curves.values())
    fig.axis(
        "xaxis3", domain=list(SHARES[2]), title_text="mm of cord", anchor="y", range=[-0.2, most * 1.25 + 1],
        showgrid=True, gridcolor=labels.GRID, tickfont={"color": labels.GREY},
    )  # fmt: skip
    styles = {DORSAL: {"color": labels.INK, "width": 2}, RIM: {"color": labels.GREY, "width": 1.6, "dash": "dot"}}
    for name, (below_mm, distance_mm) in view.curves.items():
        fig.add_scatter(
            x=distance_mm, y=below_mm, xaxis="x3", mode="lines", name=name, line=styles[name], connectgaps=False,
            hovertemplate="%{x:.1f} mm, %{y:.0f} mm below<extra>" + name + "</extra>",
        )  # fmt: skip
    for name, at_mm, least_mm in view.marks:
        fig.add_scatter(
            x=[least_mm], y=[at_mm], xaxis="x3", mode="markers+text", text=[f"{least_mm:.1f} mm"],
            textposition="middle right" if name == DORSAL else "bottom right", showlegend=False,
            marker={"color": styles[name]["color"], "size": 8}, hoverinfo="skip",
        )  # fmt: skip


def turning_figure(bodies: list[Body]) -> go.Figure:
    """Draw tissues as surfaces at half of their masks, seen from behind; a pointer turns them."""
    axis = {"showbackground": False, "showspikes": False, "gridcolor": labels.GRID, "color": labels.GREY}
    titles = {"xaxis": "right", "yaxis": "front", "zaxis": "head"}
    fig = go.Figure(
        layout={
            "height": 560, "margin": {"l": 0, "r": 0, "t": 0, "b": 30}, "paper_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": theme.FONT, "size": 12, "color": labels.INK}, "showlegend": True,
            "legend": {"orientation": "h", "y": 1.0},
            "scene": {
                "aspectmode": "data", "camera": {"eye": {"x": 0.9, "y": -2.7, "z": 0.35}},
                **{name: {**axis, "title": {"text": f"{word}, mm"}} for name, word in titles.items()},
            },
        }
    )  # fmt: skip
    for body in bodies:
        x, y, z = (at.ravel().astype(np.float32) for at in np.meshgrid(*body.axes_mm, indexing="ij"))
        colour = _line_of(body.name)["color"]
        fig.add_trace(
            go.Isosurface(
                x=x, y=y, z=z, value=body.values.ravel().astype(np.float32), isomin=0.5, isomax=1.5,
                surface={"count": 2}, caps={side: {"show": False} for side in "xyz"}, showscale=False,
                colorscale=[[0, colour], [1, colour]], opacity=BODY_OPACITY.get(body.name, 0.5),
                name=_word(body.name), showlegend=True, hoverinfo="name",
            )
        )  # fmt: skip
    return fig
