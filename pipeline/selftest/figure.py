"""The figure of a self-test: true against measured volumes, and the detection limit by volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.measure import measurement_error
from pipeline.selftest.detection import Pair, Performance, Way
from pipeline.selftest.report import SYNTHETIC, WORDS

COLOURS = {Way.GIVEN: "#5b6770", Way.FOUND: "#b3430f"}
MARKERS = {Way.GIVEN: "o", Way.FOUND: "D"}
SMALL = 8.0

rcParams["svg.hashsalt"] = "cordtrack"  # the same drawing is the same file


def draw(where: str, pairs: Sequence[Pair], summary: Sequence[Performance], stem: Path) -> None:
    """Write ``<stem>.png`` and ``<stem>.svg``."""
    figure = Figure(figsize=(10.5, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(f"{SYNTHETIC}: {where}", fontsize=10)
    _volumes(left, pairs)
    _limits(right, summary)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=SMALL)
    figure.savefig(stem.with_suffix(".png"), dpi=150, metadata={"Software": None})
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def _volumes(axes: Axes, pairs: Sequence[Pair]) -> None:
    """Draw measured on true later volumes with their stated intervals; what failed stands at the bottom."""
    true = np.array([pair.later_true_mm3 for pair in pairs]) / 1000
    low, high = true.min() / 1.8, true.max() * 1.8
    axes.plot([low, high], [low, high], color="black", lw=0.8)
    for way in Way:
        way_pairs = [pair for pair in pairs if pair.way == way]
        shift = 0.97 if way == Way.GIVEN else 1.03  # beside one another
        for pair in (pair for pair in way_pairs if pair.is_assessable):
            assert pair.later.volume_mm3 is not None  # is_assessable
            assert pair.later.cv is not None
            interval = measurement_error.volume_interval(pair.later.volume_mm3 / 1000, pair.later.cv)
            place = pair.later_true_mm3 / 1000 * shift
            axes.plot([place, place], [interval.low, interval.high], color=COLOURS[way], lw=0.8, alpha=0.6)
            axes.plot(place, pair.later.volume_mm3 / 1000, MARKERS[way], color=COLOURS[way], ms=4)
        axes.plot([], [], MARKERS[way], color=COLOURS[way], ms=4, label=f"{WORDS[way]}, with stated 95 % interval")
        failed = [pair.later_true_mm3 / 1000 * shift for pair in way_pairs if not pair.is_assessable]
        if failed:
            label = f"{WORDS[way]}: no answer ({len(failed)})"
            axes.plot(failed, np.full(len(failed), low * 1.1), "x", color=COLOURS[way], ms=6, label=label)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    _plain_ticks(axes, "x")
    _plain_ticks(axes, "y")
    axes.set_xlabel("true volume of the later visit, mL", fontsize=SMALL)
    axes.set_ylabel("measured volume, mL", fontsize=SMALL)
    axes.legend(fontsize=SMALL - 1, frameon=False, loc="upper left")


def _limits(axes: Axes, summary: Sequence[Performance]) -> None:
    """Draw by volume the growth beyond the stated error, and the growth that four of five scans would show."""
    for way in Way:
        of_way = [one for one in summary if one.way == way]
        stated = [(one.volume_ml, one.stated_limit_percent) for one in of_way if one.stated_limit_percent is not None]
        found_from = [(one.volume_ml, one.found_from_percent) for one in of_way if one.found_from_percent is not None]
        if stated:
            axes.plot(*zip(*stated, strict=True), "--_", color=COLOURS[way], lw=1, label=f"{WORDS[way]}: stated limit")
        if found_from:
            label = f"{WORDS[way]}: told in four of five scans"
            axes.plot(*zip(*found_from, strict=True), f"-{MARKERS[way]}", color=COLOURS[way], ms=4, lw=1.4, label=label)
        for one in (one for one in of_way if one.found_from_percent is None):
            axes.annotate(
                "?", (one.volume_ml, 0.97), xycoords=("data", "axes fraction"), color=COLOURS[way], ha="center",
                va="top", fontsize=11,
            )  # fmt: skip
    volumes = sorted({one.volume_ml for one in summary})
    axes.set(xscale="log", xlim=(volumes[0] / 1.6, volumes[-1] * 1.6))
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
    axes.set_xticks(volumes)
    axes.set_xticklabels([f"{volume:g}" for volume in volumes])
    axes.minorticks_off()
    axes.set_xlabel("true volume of the first visit, mL", fontsize=SMALL)
    axes.set_ylabel("growth, %", fontsize=SMALL)
    axes.set_title("detection limit (?: none could be computed within what was tried)", fontsize=SMALL)
    axes.legend(fontsize=SMALL - 1, frameon=False)


def _plain_ticks(axes: Axes, which: str) -> None:
    low, high = axes.get_xlim()
    values = [value for value in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if low <= value <= high]
    place, name = (axes.set_xticks, axes.set_xticklabels) if which == "x" else (axes.set_yticks, axes.set_yticklabels)
    place(values)
    name([f"{value:g}" for value in values])
    axes.minorticks_off()
