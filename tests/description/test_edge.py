"""A tumour in oedema has its edge against the oedema, not against the cord further out. About 20 s."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import special

from pipeline.core.finding_terms import Described
from pipeline.description import lesion_edge, limit_file
from tests.description.scenes import CORD, X, Y, Z, described, scan, scene

CORE = (np.hypot(X, Y) < 4.0) & (abs(Z) < 12)
WET = (np.hypot(X, Y) < 5.6) & (abs(Z) < 22) & ~CORE


def _margin(deviation_mm: float, oedema: float, *, is_drawn: bool = True) -> Described:
    """The edge of a tumour of 2.0 in oedema, blurred, seen at its sides and poles."""
    away_mm = np.maximum(np.hypot(X, Y) - 4.0, abs(Z) - 12)
    inner = 0.5 * (1 - special.erf(away_mm / (np.sqrt(2) * deviation_mm)))
    around = np.where(WET | CORE, oedema, 1.0)
    shown = np.where(CORD, around + (2.0 - around) * inner, 1.0)
    plain = scan("T2w", 1.0)
    seen = replace(plain, image=plain.image.with_array(plain.image.array * shown))
    masks = {"oedema": WET} if is_drawn else {}
    drawn = scene(CORE, cord=CORD & ~CORE & ~WET, **masks)
    return described([seen], drawn)["margin"]


@pytest.mark.parametrize(("deviation_mm", "term"), [(0.3, "sharp"), (1.9, "infiltrating")])
def test_an_edge_against_oedema_that_was_drawn_is_told_from_one_that_infiltrates(deviation_mm, term) -> None:
    row = _margin(deviation_mm, 1.45)
    assert row.value == term
    assert row.number == pytest.approx(2.563 * deviation_mm, abs=1.0)
    assert row.reason is not None
    assert "against oedema that was drawn" in row.reason


def test_the_part_of_the_edge_beside_oedema_is_not_read_as_one_towards_cord() -> None:
    wet = (np.hypot(X, Y) < 5.6) & (abs(Z) < 22) & (Z > 0)
    away_mm = np.maximum(np.hypot(X, Y) - 4.0, abs(Z) - 12)
    inner = 0.5 * (1 - special.erf(away_mm / (np.sqrt(2) * 0.3)))
    around = np.where(wet, 1.45, 1.0)
    plain = scan("T2w", 1.0)
    shown = plain.image.array * np.where(CORD, around + (2.0 - around) * inner, 1.0)
    seen = replace(plain, image=plain.image.with_array(shown))
    drawn = scene(CORE, cord=CORD & ~CORE & ~wet, oedema=wet & ~CORE)
    fits = lesion_edge._edges_on(seen, drawn, limit_file.packaged())
    widths_mm = {fit.borders_on: fit.width_mm for fit in fits if isinstance(fit, lesion_edge.EdgeFit)}
    assert widths_mm == pytest.approx({"cord": 2.563 * 0.3, "oedema": 2.563 * 0.3}, abs=0.35)


@pytest.mark.parametrize(("towards_oedema_mm", "sureness"), [(0.6, "unsure"), (2.9, "sure")])
def test_an_edge_that_is_sharp_on_one_side_and_wide_on_the_other_is_not_sure(
    monkeypatch, towards_oedema_mm, sureness
) -> None:
    fits = [
        lesion_edge.EdgeFit(3.1, 0.2, scan("T2w", 1.0)),
        lesion_edge.EdgeFit(towards_oedema_mm, 0.4, scan("T1w", 1.0), borders_on="oedema"),
    ]
    monkeypatch.setattr(lesion_edge, "_edges_on", lambda *_: fits)
    row = lesion_edge.margin_finding([fits[0].scan], scene(), limit_file.packaged())
    assert (row.value, row.sureness) == ("infiltrating", sureness)
    assert row.reason is not None
    assert ("towards cord 3.1 mm, towards oedema 0.6 mm" in row.reason) == (sureness == "unsure")


def test_an_edge_that_is_told_towards_oedema_alone_is_not_sure() -> None:
    wet = (np.hypot(X, Y) < 5.6) & (abs(Z) < 22) & (Z > 0)
    around = np.where(wet & ~CORE, 1.6, 1.0)  # the tumour looks as cord does
    plain = scan("T2w", 1.0)
    seen = replace(plain, image=plain.image.with_array(plain.image.array * np.where(CORD, around, 1.0)))
    drawn = scene(CORE, cord=CORD & ~CORE & ~wet, oedema=wet & ~CORE)
    row = lesion_edge.margin_finding([seen], drawn, limit_file.packaged())
    assert (row.value, row.sureness) == ("sharp", "unsure")
    assert row.reason is not None
    assert "towards cord not told: too alike" in row.reason
    both = lesion_edge.EdgeFit(0.7, 0.2, seen)
    assert lesion_edge._told_on_one_side([both], [lesion_edge.UntoldEdge(lesion_edge.ALIKE, "cord")]) is None


def test_a_tumour_as_bright_as_the_oedema_around_it_has_no_edge() -> None:
    row = _margin(0.3, 1.95)
    assert (row.value, row.number) == (None, None)
    assert row.reason is not None
    assert "too alike" in row.reason or "borders on cord" in row.reason


@pytest.mark.parametrize("part", ["nodule", "ring"])
def test_the_edge_of_a_part_that_takes_up_contrast_agent_is_not_that_of_the_tumour(part) -> None:
    away_mm = np.maximum(np.hypot(X, Y) - 4.0, abs(Z) - 12)
    whole = 0.5 * (1 - special.erf(away_mm / (np.sqrt(2) * 1.7)))  # infiltrates, on this scan hardly unlike cord
    bright = X**2 + Y**2 + (Z - 6) ** 2 < 3.5**2 if part == "nodule" else (away_mm > -2.0) & (away_mm < 0)
    plain = scan("T1w_ce", 1.0)
    shown = plain.image.array * np.where(CORD, 1.0 + 0.2 * whole + 1.0 * (bright & CORE), 1.0)
    seen = replace(plain, image=plain.image.with_array(shown))
    row = lesion_edge.margin_finding([seen], scene(CORE, cord=CORD & ~CORE), limit_file.packaged())
    assert (row.value, row.reason) == (None, lesion_edge.UNEVEN)


def test_a_sharp_edge_is_not_sure_where_what_lies_beyond_it_is_not_as_the_cord(monkeypatch) -> None:
    fits = [lesion_edge.EdgeFit(0.4, 0.2, scan("T2w", 1.0), has_halo=has_halo) for has_halo in (False, True)]
    rows = []
    for fit in fits:
        monkeypatch.setattr(lesion_edge, "_edges_on", lambda *_, fit=fit: [fit])
        rows.append(lesion_edge.margin_finding([fit.scan], scene(), limit_file.packaged()))
    assert [(row.value, row.sureness) for row in rows] == [("sharp", "sure"), ("sharp", "unsure")]
    assert rows[1].reason is not None
    assert lesion_edge.BEYOND in rows[1].reason


def test_tumour_of_which_nothing_is_deep_is_not_called_uneven() -> None:
    """As on slices so thick that what they hold of it whole lies at its outline."""
    voxels: Any = SimpleNamespace(solid=np.ones(20), position_mm=np.linspace(-5.0, 5.0, 20))
    at_edge_mm = np.full(20, 0.1)
    assert lesion_edge._is_even(np.ones(20), voxels, at_edge_mm, limit_file.packaged())
