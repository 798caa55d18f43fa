"""The drawings of a packet, as SVG: the course of the volumes, and the scans that the verdict rests on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import FixedLocator, NullLocator

from dashboard.charts import lanes, theme
from dashboard.charts.timeline import CourseFigure
from dashboard.charts.volume_lines import pieces
from dashboard.viewer import Pane, crop_to
from dashboard.viewer.colours import COMPARTMENT_COLOURS
from dashboard.viewer.opening import largest_section
from dashboard.viewer.panes import is_inside, voxel_at
from dashboard.viewer.payload import SOLID
from dashboard.viewer.spots import Spot
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

WIDTH_INCH = 7.3
POINT = 8.0
MARGIN_MM = 22.0
DEEP_MM = {"sagittal": 24.0, "axial": 18.0}
"""A slice is drawn this far in front of and behind the middle of its largest section, mm: a cord slants, and the box
around a whole lesion is then much deeper than any one slice needs."""
RING_GAP_MM = 1.0
"""A ring stays this far away from what it marks, mm."""
HALO = ((2.2, "#000000"), (1.6, "#F4F6F8"))
"""Points and colour of what lies beneath an outline: one of the two is seen on any grey, on any printer."""
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
MARKERS: dict[str, tuple[Any, bool]] = {
    "triangle-up": ("^", True), "triangle-up-open": ("^", False), "triangle-down": ("v", True),
    "triangle-down-open": ("v", False), "circle": ("o", True), "circle-open": ("o", False),
    "circle-open-dot": ("o", False), "diamond": ("D", True), "triangle-ne": ((3, 0, -45), True),
    "triangle-se": ((3, 0, -135), True), "circle-x-open": ("X", False),
}  # fmt: skip
"""Matplotlib marker of each Plotly marker of the states, and whether it is filled."""

rcParams["svg.hashsalt"] = "cordtrack"  # the same drawing is the same file


def timeline(course: CourseFigure) -> str:
    """Draw volumes with 95 % bands over treatments and function, on a logarithmic axis unless none was seen once."""
    volumes = course.volumes
    is_log = not bool((volumes.loc[volumes["compartment"] == "tumour", "volume_mm3"] == 0).any())
    scales = lanes.scales(course.scores)
    heights = [5.0, *([0.3 + 0.45 * len(course.treatments)] if len(course.treatments) else []), *(1.7 for _ in scales)]
    figure = Figure(figsize=(WIDTH_INCH, 0.42 * sum(heights)), layout="constrained")
    grid = figure.subplots(len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    _volumes(grid[0], course, is_log)
    row = 1
    if len(course.treatments):
        _treatments(grid[row], course.treatments, _last_day(course))
        row += 1
    for axes, scale in zip(grid[row:], scales, strict=True):
        _function(axes, course.scores[course.scores["scale_id"] == scale])
    for axes in grid:
        _quiet(axes)
    grid[-1].xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    grid[-1].xaxis.set_major_formatter(DateFormatter("%Y-%m"))
    return _svg(figure)


def slices(panes: Sequence[Pane], spots: Sequence[Spot] = ()) -> str:
    """Draw each visit at the largest sagittal and axial section of the tumour, or at the first spot; outlined."""
    present = {int(value) for pane in panes if pane.labels is not None for value in np.unique(pane.labels)} - {0}
    solid = {value for value in present if COMPARTMENT_COLOURS[value][0] in SOLID} or present
    spots = in_view(panes, spots)
    near = crop_to(panes, MARGIN_MM, [spot.place for spot in spots])
    figure = Figure(figsize=(WIDTH_INCH, 2.6), layout="constrained", facecolor="white")
    grid = figure.subplots(1, 2 * len(near), squeeze=False, gridspec_kw={"width_ratios": [1.0, 0.9] * len(near)})[0]
    for plane, offset in (("sagittal", 0), ("axial", 1)):
        place = voxel_at(near[0], spots[0].place) if spots else largest_section(near, solid, plane)
        for number, pane in enumerate(near):
            axes = grid[2 * number + offset]
            _section(axes, pane, plane, place)
            if spots:
                _ring(axes, pane, plane, spots[0])
            axes.set_title(pane.title if plane == "sagittal" else "", fontsize=POINT, loc="left", pad=2)
    shown = [COMPARTMENT_COLOURS[value] for value in sorted(present) if COMPARTMENT_COLOURS[value][0] != "cord"]
    lines = [Line2D([], [], color=colour, lw=1.2, label=name) for name, colour in shown]
    if lines:
        figure.legend(
            handles=lines, loc="outside upper right", ncols=len(lines), fontsize=POINT, frameon=False,
            handlelength=1.4, borderaxespad=0.1,
        )  # fmt: skip
    return _svg(figure, bbox_inches="tight", pad_inches=0.02)


def in_view(panes: Sequence[Pane], spots: Sequence[Spot]) -> list[Spot]:
    """Return the spots that the panes' grid reaches."""
    return [spot for spot in spots if is_inside(panes[0], voxel_at(panes[0], spot.place))]


def _section(axes: Axes, pane: Pane, plane: str, place: tuple[int, int, int]) -> None:
    """Draw one slice: head up and anterior to the left, or patient's right on the left and anterior up."""
    i, j, k = place
    right, front, up = pane.spacing_mm
    size_mm = (front, up) if plane == "sagittal" else (right, front)

    def cut(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return array[i, ::-1, :].T if plane == "sagittal" else array[::-1, :, k].T

    shown = cut(pane.image)
    extent = (0.0, shown.shape[1] * size_mm[0], 0.0, shown.shape[0] * size_mm[1])
    axes.imshow(shown, cmap="gray", vmin=1, vmax=255, origin="lower", extent=extent, interpolation="bilinear")
    axes.set_axis_off()
    depth_mm = pane.image.shape[1] * front
    at_mm = depth_mm - (j + 0.5) * front if plane == "sagittal" else (j + 0.5) * front
    limits = max(0.0, at_mm - DEEP_MM[plane]), min(depth_mm, at_mm + DEEP_MM[plane])
    (axes.set_xlim if plane == "sagittal" else axes.set_ylim)(*limits)
    if pane.labels is None:
        axes.text(0.5, 0.02, "no mask", transform=axes.transAxes, color="white", fontsize=POINT, ha="center")
        return
    marked = cut(pane.labels)
    across = (np.arange(marked.shape[1]) + 0.5) * size_mm[0]
    along = (np.arange(marked.shape[0]) + 0.5) * size_mm[1]
    for value, (name, colour) in COMPARTMENT_COLOURS.items():
        if name != "cord" and (marked == value).any():
            outlined = (across, along, (marked == value).astype(float))
            for width, shade in (*HALO, (1.0, colour)):
                axes.contour(*outlined, levels=[0.5], colors=shade, linewidths=width)


def _ring(axes: Axes, pane: Pane, plane: str, spot: Spot) -> None:
    """Draw a dashed ring around a spot, in the coordinates of :func:`_section`."""
    at_mm = np.array(spot.place) - (pane.origin_mm or 0.0) + np.array(pane.spacing_mm) / 2
    whole_mm = np.array(pane.image.shape) * pane.spacing_mm
    middle = (whole_mm[1] - at_mm[1], at_mm[2]) if plane == "sagittal" else (whole_mm[0] - at_mm[0], at_mm[1])
    for colour, width in (("black", 1.6), ("white", 0.9)):
        axes.add_patch(
            Circle(middle, spot.radius_mm + RING_GAP_MM, fill=False, ec=colour, lw=width, ls=(0, (4, 3)), gid="ring")
        )


def _volumes(axes: Axes, course: CourseFigure, is_log: bool) -> None:
    operated = [
        pd.Timestamp(day) for day in course.treatments.loc[course.treatments["kind"] == "surgery", "started_on"]
    ]
    shown = course.volumes[["volume_mm3", "volume_low_mm3", "volume_high_mm3"]].to_numpy(dtype=float).ravel()
    axis = theme.volume_axis([*shown[~np.isnan(shown)], *(level.volume_mm3 for level in course.levels)], is_log)
    for window in course.windows:
        axes.axvspan(_at(window.starts_on), _at(window.ends_on), color=labels.SHADE, lw=0)
    for day in operated:
        axes.axvline(_at(day), color=labels.INK, lw=0.6)
    for name in labels.COMPARTMENTS:
        compartment_volumes = course.volumes[course.volumes["compartment"] == name].sort_values("acquired_on")
        if is_log:
            compartment_volumes = compartment_volumes.assign(
                volume_mm3=compartment_volumes["volume_mm3"].where(compartment_volumes["volume_mm3"] != 0)
            )
        for part in pieces(compartment_volumes, operated) if len(compartment_volumes) else ():
            _line(axes, part, labels.compartment(name))
    if len(course.all_tumour):
        everything = course.all_tumour[course.all_tumour["volume_mm3"] > 0].sort_values("acquired_on")
        colour = labels.compartment("tumour").colour
        axes.plot(
            pd.to_datetime(everything["acquired_on"]), everything["volume_mm3"] / 1000, color=colour, ls="--", lw=0.8
        )
    axes.set_yscale("log" if is_log else "linear")
    low, high = axis["range"]
    axes.set_ylim(*((10**low, 10**high) if is_log else (low, high)))
    axes.yaxis.set_major_locator(FixedLocator(axis["tickvals"]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels(axis["ticktext"])
    axes.set_ylabel("volume, mL", fontsize=POINT, color=labels.GREY)
    _states(axes, course, axis)
    _margin(axes, course, axis)


def _line(axes: Axes, part: pd.DataFrame, style: labels.CompartmentLook) -> None:
    days, bounded = pd.to_datetime(part["acquired_on"]), part.dropna(subset=["volume_low_mm3", "volume_high_mm3"])
    when = pd.to_datetime(bounded["acquired_on"])
    low, high = bounded["volume_low_mm3"] / 1000, bounded["volume_high_mm3"] / 1000
    if len(bounded) == 1:
        axes.vlines(when, low, high, color=style.colour, alpha=0.25, lw=4)
    elif len(bounded):
        axes.fill_between(when, low, high, color=style.colour, alpha=0.12, lw=0)
    axes.plot(
        days, part["volume_mm3"] / 1000, color=style.colour, ls=DASHES[style.dash], lw=style.width * 0.6, marker=".",
        ms=4,
    )  # fmt: skip


def _states(axes: Axes, course: CourseFigure, axis: dict[str, Any]) -> None:
    tumour = course.volumes[course.volumes["compartment"] == "tumour"].set_index("session_id")["volume_mm3"].dropna()
    floor = 10 ** axis["range"][0] * 1.05 if axis["type"] == "log" else axis["range"][0]
    for row in course.judged.pipe(as_rows):
        volume = tumour.get(row["session_id"])
        height = volume / 1000 if volume is not None and (volume > 0 or axis["type"] == "linear") else floor
        look = labels.look_of(row)
        marker, is_filled = MARKERS[look.marker]
        sureness = 0.45 if row["is_provisional"] else 1.0  # pale on a mask that nobody signed
        axes.plot(
            [_at(row["acquired_on"])], [height], marker=marker, ms=6, mec=look.colour, mew=1.2, ls="", alpha=sureness,
            mfc=look.colour if is_filled else "white", clip_on=False, zorder=5,
        )  # fmt: skip


def _margin(axes: Axes, course: CourseFigure, axis: dict[str, Any]) -> None:
    """Name levels and last volumes beside the axes, kept apart."""
    notes = [(level.volume_mm3, level.text, level.colour, "normal") for level in course.levels]
    for level in course.levels:
        axes.axhline(level.volume_mm3 / 1000, color=level.colour, lw=0.7, ls=(0, (5, 4)), zorder=0)
    for name, compartment_volumes in course.volumes.dropna(subset=["volume_mm3"]).groupby("compartment"):
        last = compartment_volumes.sort_values("acquired_on").iloc[-1]
        if last["volume_mm3"] > 0 or axis["type"] == "linear":
            style = labels.compartment(str(name))
            notes.append((last["volume_mm3"], f"{style.word} {labels.ml(last['volume_mm3'])}", style.ink, "bold"))
    wanted = [theme.axis_fraction(axis, volume / 1000) for volume, *_ in notes]
    for (_, text, colour, weight), height in zip(notes, theme.spread(wanted, 0.075, 0.0, 1.0), strict=True):
        axes.annotate(
            text, (1.0, float(height)), (6, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            color=colour, fontsize=POINT, fontweight=weight,
        )  # fmt: skip


def _treatments(axes: Axes, treatments: pd.DataFrame, last_on: pd.Timestamp) -> None:
    for lane, row in enumerate(treatments.sort_values("started_on").pipe(as_rows)):
        _, colour = labels.TREATMENTS[row["kind"]]
        begins = pd.Timestamp(row["started_on"])
        if row["kind"] == "surgery":
            ends = begins
            axes.plot([_at(begins)], [lane], marker="D", ms=4.5, color=colour, ls="")
        else:
            ends = pd.Timestamp(row["ended_on"]) if labels.is_known(row["ended_on"]) else max(last_on, begins)
            axes.plot([_at(begins), _at(ends)], [lane, lane], color=colour, lw=5, solid_capstyle="butt")
        when = labels.day(begins) if ends == begins else f"{labels.day(begins)} to {labels.day(ends)}"
        words = f"{lanes.describe(row)}, {when}"
        axes.annotate(
            words, (ends, lane), (6, 0), textcoords="offset points", va="center", fontsize=POINT, color=colour
        )
    axes.set_ylim(len(treatments) - 0.4, -0.6)
    axes.set_yticks([])


def _function(axes: Axes, scores: pd.DataFrame) -> None:
    scores = scores.sort_values("assessed_on")
    scale = str(scores["scale_id"].iloc[0])
    name, grades = labels.scale_name(scale), labels.SCALES.get(scale.lower(), ("", ()))[1]
    axes.step(
        pd.to_datetime(scores["assessed_on"]), scores["grade"], where="post", color=labels.INK, lw=0.9, marker=".", ms=4
    )
    if grades:
        given = [place for place in range(1, len(grades) + 1) if (scores["grade"] == place).any()]
        axes.set_yticks(given, [grades[place - 1] for place in given])  # all would stand on each other
        axes.set_ylim(len(grades) + 0.5, 0.5)
    axes.annotate(
        name, (1.0, 0.5), (6, 0), xycoords="axes fraction", textcoords="offset points", va="center", fontsize=POINT,
        color=labels.GREY,
    )  # fmt: skip


def _last_day(course: CourseFigure) -> pd.Timestamp:
    days = [*course.volumes["acquired_on"].dropna(), *course.scores["assessed_on"].dropna()]
    return max((pd.Timestamp(day) for day in days), default=pd.Timestamp(course.treatments["started_on"].max()))


def _at(day: Any) -> Any:
    """Return a day as matplotlib takes it; its type hints know of numbers only."""
    return pd.Timestamp(day).to_pydatetime()


def _quiet(axes: Axes) -> None:
    axes.tick_params(labelsize=POINT, length=0, labelcolor=labels.GREY)
    axes.grid(True, color=labels.GRID, lw=0.5)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _svg(figure: Figure, **settings: Any) -> str:
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, dpi=200, **settings)
    return target.getvalue()
