"""Pictures of the follow-ups whose tumour volume was found worst: scan, what the fit explains, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.align import registration
from pipeline.core.volume import Volume
from pipeline.refind.lesion_fit import fit_lesion, fitted_ends
from pipeline.refind.refinding import DonorVisit
from pipeline.refind.scene import Scene, scene_of
from pipeline.refind.template import template_of
from tests.benchmark import series
from tests.places import ROOT

FIGURES = ROOT / "docs" / "figures"
COLOURS = {"tumour": "#d6185c", "cyst": "#1f8ad6", "oedema": "#c99a00"}
ROWS = ("scan", "explained", "left over")


def draw(cases: list[tuple[str, DonorVisit, Volume, Volume, dict[str, Volume]]], name: str) -> str:
    """Draw cases beside one another and return the picture's path below docs.

    Parameters
    ----------
    cases
        Title, masked visit, its lesion (boolean), follow-up, and the true masks on the follow-up's grid.
    """
    figure = Figure(figsize=(2.2 * len(cases), 8.4), layout="constrained")
    axes = figure.subplots(len(ROWS), len(cases), squeeze=False)
    for column, (title, masked, lesion, follow_up, true) in zip(axes.T, cases, strict=True):
        aligned = registration.align(masked.image, follow_up, region=lesion, exclude=lesion)
        template = template_of(masked.image, masked.masks)
        scene = scene_of(template, follow_up, aligned.to_reference)
        assert scene is not None  # it was measured, so it is in view
        fit = fit_lesion(template, scene)
        seen = follow_up.array[scene.crop].astype(np.float64)
        outlines = {n: (mask.array[scene.crop] > 0.5).astype(float) for n, mask in true.items()}
        ends = [end.occupancy for end in fitted_ends(template, scene)]
        found = dict(zip(template.names, np.mean(ends, axis=0), strict=True))
        place = round(float(np.argwhere(outlines["tumour"] > 0).mean(axis=0)[0]))
        low, high = np.percentile(seen, [1, 99])
        for axis, array, limits in zip(
            column, (seen, seen - fit.left, fit.left), ((low, high), (low, high), ((low - high) / 4, (high - low) / 4)),
            strict=True,
        ):  # fmt: skip
            _picture(axis, array[place], scene, limits)
            for n, colour in COLOURS.items():
                _outline(axis, outlines.get(n), place, colour, "solid")
                _outline(axis, found.get(n), place, colour, "dashed")
        column[0].set_title(title, fontsize=8)
    for axis, words in zip(axes[:, 0], ROWS, strict=True):
        axis.set_ylabel(words, fontsize=8)
    FIGURES.mkdir(exist_ok=True)
    figure.savefig(FIGURES / f"{name}.png", dpi=90, metadata={"Software": None})
    return f"{FIGURES.name}/{name}.png"


def _picture(axis: Axes, plane: np.ndarray, scene: Scene, limits: tuple[float, float]) -> None:
    aspect = scene.spacing_mm[2] / scene.spacing_mm[1]
    axis.imshow(plane.T, cmap="gray", origin="lower", vmin=limits[0], vmax=limits[1], aspect=aspect)
    axis.set_xticks([])
    axis.set_yticks([])


def _outline(axis: Axes, mask: np.ndarray | None, place: int, colour: str, style: str) -> None:
    if mask is not None and (mask[place] > 0.5).any():
        axis.contour(mask[place].T, [0.5], colors=colour, linewidths=1, linestyles=style)


def first_and_later(
    folder: Path, patient: str, session: str, values: dict[int, str]
) -> tuple[DonorVisit, Volume, Volume, dict[str, Volume]]:
    """Read the masked first visit of a patient, its lesion, a later scan and its true masks."""
    first = series.sessions(folder, patient)[0]
    drawn, true = series.drawn(folder, patient, first), series.true(folder, patient, session)
    given = {
        n: drawn.with_array(drawn.array.round() == v) for v, n in values.items() if (drawn.array.round() == v).any()
    }
    masked = DonorVisit(series.scan(folder, patient, first), given)
    masks = {n: true.with_array(true.array.round() == v) for v, n in values.items()}
    return masked, drawn.with_array(drawn.array > 0), series.scan(folder, patient, session), masks
