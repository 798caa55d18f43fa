"""The cord profile as a dict: lines of all visits, gaps, vertebrae (about a second)."""

import math

import numpy as np
import pandas as pd

from dashboard.charts import profile_figure

NO_DISCS = pd.DataFrame({"number": [], "name": [], "position_mm": []})


def along_the_cord():
    """Two visits of a tumour at 0 to 4 mm that doubles, the second scan ending at 3 mm."""
    rows = [
        (f"ses-0{n}", pd.Timestamp(f"202{n}-01-01"), "tumour", float(place), 10.0 * n if 0 <= place <= 4 else 0.0)
        for n in (1, 2)
        for place in range(-5, 10)
    ]
    frame = pd.DataFrame(rows, columns=["session_id", "acquired_on", "compartment", "position_mm", "area_mm2"])
    frame.loc[(frame["session_id"] == "ses-02") & (frame["position_mm"] > 3), "area_mm2"] = None
    return frame


def test_the_cord_profile_draws_later_visits_heavier_and_leaves_gaps_where_no_scan_reaches():
    fig = profile_figure.profile(along_the_cord(), "tumour", NO_DISCS)
    first, second, heat = fig.data
    assert first.line.width < second.line.width
    assert np.nanmax(np.asarray(first.x, dtype=float)) == 10.0
    assert np.isnan(first.x[0]), "far from the tumour there is no line"
    assert first.x[4] == 0.0, "beside it the line comes down to nothing"
    assert list(first.y) == [float(place) for place in range(-5, 10)]
    assert all(math.isnan(value) for place, value in zip(second.y, second.x, strict=True) if place > 3)
    assert second.connectgaps is False
    z = np.asarray(heat.z)
    assert z.shape == (15, 2)
    assert math.isnan(z[-1, 1])
    assert z[6].tolist() == [10.0, 20.0]
    assert fig.layout.yaxis.range == fig.layout.yaxis2.range == (-6.0, 10.0)


def test_days_of_two_visits_lean_so_that_they_do_not_run_into_each_other_on_a_low_screen():
    axis = profile_figure.profile(along_the_cord(), "tumour", NO_DISCS).layout.xaxis2
    assert list(axis.ticktext) == ["2021-01-01", "2022-01-01"]
    assert axis.tickangle == -40


def test_a_profile_of_nothing_but_zeros_is_still_drawn():
    rows = along_the_cord().assign(area_mm2=0.0)
    assert len(profile_figure.profile(rows, "tumour", NO_DISCS).data) == 3


def test_vertebrae_stand_beside_the_profile_where_both_their_discs_are_labelled():
    discs = pd.DataFrame(
        [(4, "C3/C4", 40.0), (5, "C4/C5", 6.0), (6, "C5/C6", -1.0), (8, "C7/T1", -30.0)],
        columns=["number", "name", "position_mm"],
    )
    fig = profile_figure.profile(along_the_cord(), "tumour", discs)
    low, high = fig.layout.yaxis2.range
    assert list(fig.layout.yaxis2.ticktext) == ["C4", "C5"], "C6 and C7 have no disc between them"
    assert list(fig.layout.yaxis2.tickvals) == [(high + 6.0) / 2, 2.5]
    assert fig.layout.yaxis.ticktext is None, "the other axis stays in millimetres"
    assert {(shape.yref, shape.y0) for shape in fig.layout.shapes} == {
        (axis, place) for axis in ("y", "y2") for place in (6.0, -1.0)
    }
    assert all(low <= shape.y0 <= high for shape in fig.layout.shapes)


def test_without_labels_the_profile_has_millimetres_alone():
    fig = profile_figure.profile(along_the_cord(), "tumour", NO_DISCS)
    assert fig.layout.yaxis2.ticktext is None
    assert not fig.layout.shapes
