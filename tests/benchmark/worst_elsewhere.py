"""Pictures of the worst five alignments and of the worst five outlines from clicks, in a folder that somebody names.

``python -m tests.benchmark.alignment --data DATASET --pictures FOLDER``, and the same of ``first_masks``. They show
real scans, so nothing is drawn without a folder, and a folder inside the project is refused: what is there could be
committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.core.transform import Transform, resample
from pipeline.core.volume import Volume, to_voxel
from tests.places import ROOT

WORST = 5
Case = TypeVar("Case")
Array = NDArray[np.float64]
TRUTH, BEFORE, AFTER = "#d6185c", "#1f8ad6", "#c99a00"


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """Two visits, how points move from the first to the second, and landmarks of the first ``(N, 3)``, RAS+ mm.

    ``errors_mm`` ``(N,)`` is how far each of them lands from where it is.
    """

    name: str
    first: Volume
    second: Volume
    to_second: Transform
    landmarks: Array
    errors_mm: Array


@dataclass(frozen=True, eq=False)
class ClickedLesion:
    """A lesion outlined by clicks: true voxels, outlines and clicks of each step, and Dice after each."""

    name: str
    scan: Volume
    truth: NDArray[np.bool_]
    outlines: tuple[NDArray[np.bool_], ...]
    inside_mm: Array
    outside_mm: Array
    overlaps: tuple[float, ...]


@dataclass(frozen=True)
class Cut:
    """A plane through a scan: the array axis it lies across, the place on it, and the axes shown right and up."""

    across: int
    place: int
    right: int
    up: int

    def of(self, array: NDArray) -> NDArray:
        """Return an array's values in the plane, rows upwards."""
        plane = np.take(array, self.place, axis=self.across)
        return plane.T if self.right < self.up else plane


def asked_for(parser: argparse.ArgumentParser) -> None:
    """Let a section be asked for pictures."""
    parser.add_argument("--pictures", type=_outside, help="folder outside the project for pictures of the worst five")


def _outside(text: str) -> Path:
    folder = Path(text).resolve()
    if folder.is_relative_to(ROOT.resolve()):
        raise argparse.ArgumentTypeError(f"{folder} lies inside the project; pictures of real scans stay outside")
    return folder


def cut(scan: Volume, direction: int, point_mm: Array) -> Cut:
    """Return the plane through a point across the array axis that is nearest to a direction: 0 is right, 2 is up."""
    turned = np.abs(scan.affine[:3, :3]) / scan.spacing_mm
    across = int(np.argmax(turned[direction]))
    others = [axis for axis in range(3) if axis != across]
    up = max(others, key=lambda axis: turned[1 if direction == 2 else 2, axis])
    place = int(np.clip(np.round(to_voxel(scan.affine, point_mm[None])[0, across]), 0, scan.shape[across] - 1))
    return Cut(across, place, next(axis for axis in others if axis != up), up)


def draw_alignments(pairs: Sequence[AlignedPair], folder: Path, name: str) -> Path:
    """Draw the pairs with the largest mean error; return the file.

    For each: the first visit with its landmarks, the second visit laid on it, and the error by height.
    """
    worst = sorted(pairs, key=lambda pair: -float(pair.errors_mm.mean()))[:WORST]

    def column(axes: NDArray, pair: AlignedPair) -> None:
        plane = cut(pair.first, 0, np.median(pair.landmarks, axis=0))
        marks = to_voxel(pair.first.affine, pair.landmarks)
        laid = resample(pair.second, pair.first, pair.to_second, order=1)
        for axis, scan in zip(axes, (pair.first, laid), strict=False):
            _show(axis, scan, plane)
            colours = axis.scatter(
                marks[:, plane.right], marks[:, plane.up], c=pair.errors_mm, s=4, cmap="plasma", vmin=0, vmax=2
            )
        axes[0].set_title(f"{pair.name}\n{pair.errors_mm.mean():.2f} mm", fontsize=8)
        axes[2].scatter(pair.errors_mm, pair.landmarks[:, 2], c=pair.errors_mm, s=4, cmap="plasma", vmin=0, vmax=2)
        axes[2].set_xlim(0, max(2.0, 1.05 * float(pair.errors_mm.max())))
        axes[2].figure.colorbar(colours, ax=axes[2], orientation="horizontal", label="error, mm")

    return _drawn(worst, ("first visit", "second, laid on it", "height, mm"), column, folder / f"{name}.png")


def draw_clicks(lesions: Sequence[ClickedLesion], folder: Path, name: str) -> Path:
    """Draw the lesions whose last outline overlaps least; return the file.

    Solid: truth; dashed: after the first click; dotted: after the last. Clicks in the plane: + inside, x outside.
    """
    worst = sorted(lesions, key=lambda lesion: lesion.overlaps[-1])[:WORST]

    def column(axes: NDArray, lesion: ClickedLesion) -> None:
        middle = lesion.scan.affine @ np.r_[np.argwhere(lesion.truth).mean(axis=0), 1]
        for axis, direction in zip(axes, (0, 2), strict=True):
            plane = cut(lesion.scan, direction, middle[:3])
            _show(axis, lesion.scan, plane)
            looks = ((lesion.truth, TRUTH, "solid"), (lesion.outlines[0], BEFORE, "dashed"))
            for mask, colour, style in (*looks, (lesion.outlines[-1], AFTER, "dotted")):
                if plane.of(mask).any():
                    axis.contour(plane.of(mask).astype(float), [0.5], colors=colour, linewidths=1, linestyles=style)
            for points_mm, mark in ((lesion.inside_mm, "+"), (lesion.outside_mm, "x")):
                index = to_voxel(lesion.scan.affine, points_mm.reshape(-1, 3))
                shown = index[np.abs(index[:, plane.across] - plane.place) <= 0.5]
                axis.scatter(shown[:, plane.right], shown[:, plane.up], marker=mark, s=30, c="white")
            _close_up(axis, plane, lesion)
        axes[0].set_title(f"{lesion.name}\nDice {lesion.overlaps[0]:.2f}, {lesion.overlaps[-1]:.2f}", fontsize=8)

    return _drawn(worst, ("from the side", "from above"), column, folder / f"{name}.png")


def _drawn(cases: Sequence[Case], words: Sequence[str], column: Callable[[NDArray, Case], None], path: Path) -> Path:
    figure = Figure(figsize=(2.6 * max(len(cases), 1), 3.2 * len(words)), layout="constrained")
    axes = figure.subplots(len(words), max(len(cases), 1), squeeze=False)
    for own, case in zip(axes.T, cases, strict=False):
        column(own, case)
    for axis, word in zip(axes[:, 0], words, strict=True):
        axis.set_ylabel(word, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    return path


def _show(axis: Axes, scan: Volume, plane: Cut) -> None:
    values = plane.of(scan.array).astype(np.float64)
    low, high = np.percentile(scan.array, [1, 99])
    aspect = scan.spacing_mm[plane.up] / scan.spacing_mm[plane.right]
    axis.imshow(values, cmap="gray", origin="lower", vmin=low, vmax=high, aspect=aspect)
    axis.set_xticks([])
    axis.set_yticks([])
    for turn, direction in ((axis.invert_xaxis, plane.right), (axis.invert_yaxis, plane.up)):
        if scan.affine[int(np.argmax(np.abs(scan.affine[:3, direction]))), direction] < 0:
            turn()


def _close_up(axis: Axes, plane: Cut, lesion: ClickedLesion) -> None:
    """Show what lies within 12 mm of the true lesion."""
    places = np.argwhere(lesion.truth)
    for limit, direction in ((axis.set_xlim, plane.right), (axis.set_ylim, plane.up)):
        room = 12 / lesion.scan.spacing_mm[direction]
        ends = (places[:, direction].min() - room, places[:, direction].max() + room)
        is_turned = lesion.scan.affine[int(np.argmax(np.abs(lesion.scan.affine[:3, direction]))), direction] < 0
        limit(*(ends[::-1] if is_turned else ends))
