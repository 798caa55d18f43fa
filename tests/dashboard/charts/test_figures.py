"""Figures as dicts: what is drawn where, and that labels keep clear of each other (about two seconds)."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.charts import lanes, sparkline, theme, timeline
from dashboard.charts import volume_lines as drawn
from dashboard.words import labels

DAYS = ["2020-01-10", "2020-05-01", "2021-05-01", "2022-05-01"]


def volumes(tumour, cyst=(None,) * 4, cv=0.1):
    rows = [
        {
            "session_id": f"ses-{i}",
            "acquired_on": pd.Timestamp(day),
            "compartment": name,
            "volume_mm3": value,
            "volume_low_mm3": value * math.exp(-1.96 * cv) if value else None,
            "volume_high_mm3": value * math.exp(1.96 * cv) if value else None,
            "mask_origin": "manual",
        }
        for name, series in (("tumour", tumour), ("cyst", cyst))
        for i, (day, value) in enumerate(zip(DAYS, series, strict=True), start=1)
    ]
    numbers = ["volume_mm3", "volume_low_mm3", "volume_high_mm3"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))


def judged(*states):
    return pd.DataFrame(
        [
            {
                "session_id": f"ses-{i}",
                "acquired_on": pd.Timestamp(day),
                "state": state,
                "display_state": shown,
                "reason": "why <b>",
            }
            for i, (day, (state, shown)) in enumerate(zip(DAYS, states, strict=False), start=1)
        ],
        columns=["session_id", "acquired_on", "state", "display_state", "reason"],
    )


def treatments(*rows):
    columns = ["kind", "started_on", "ended_on", "extent", "dose_gy", "agent"]
    found = pd.DataFrame([{**dict.fromkeys(columns), **row} for row in rows], columns=columns)
    return found.assign(started_on=pd.to_datetime(found["started_on"]), ended_on=pd.to_datetime(found["ended_on"]))


def scores(*grades, scale="modified_mccormick"):
    rows = [
        {"assessed_on": pd.Timestamp(day), "scale_id": scale, "grade": g} for day, g in zip(DAYS, grades, strict=False)
    ]
    return pd.DataFrame(rows, columns=["assessed_on", "scale_id", "grade"])


SURGERY = {"kind": "surgery", "started_on": "2020-02-01", "ended_on": "2020-02-01", "extent": "STR"}
STATES = (
    ("context", "not_evaluable"),
    ("baseline", "no_change"),
    ("not_evaluable", "not_evaluable"),
    ("progression", "growth"),
)


def course(tumour=(3000.0, 1000.0, None, 1500.0), states=STATES, **parts):
    made = {
        "volumes": volumes(tumour),
        "judged": judged(*states),
        "treatments": treatments(SURGERY),
        "scores": scores(2, 2, 3),
    }
    return timeline.CourseFigure(**{**made, **parts})


def named(fig, name):
    return [trace for trace in fig.to_dict()["data"] if trace.get("name") == name]


def test_the_line_is_broken_by_surgery_and_by_a_missing_volume():
    lines = [list(trace.y) for trace in timeline.timeline(course(), is_log=True).data if trace.name == "tumour"]
    assert lines == [[3.0], [1.0], [1.5]]


def test_a_surgery_stands_as_a_line_over_the_whole_height():
    shapes = timeline.timeline(course(), is_log=True).to_dict()["layout"]["shapes"]
    upright = [shape for shape in shapes if shape.get("x0") == shape.get("x1") and shape["line"]["color"] == labels.INK]
    assert [pd.Timestamp(shape["x0"]) for shape in upright] == [pd.Timestamp(SURGERY["started_on"])]


def test_one_visit_stands_in_half_a_year_and_no_month_is_named_twice():
    alone = volumes((1000.0, None, None, None)).iloc[:1]
    found = course(volumes=alone, judged=judged(STATES[1]), treatments=treatments(), scores=scores())
    axis = timeline.timeline(found, is_log=True).to_dict()["layout"]["xaxis"]
    first, last = axis["range"]
    assert (last - first).days == 180
    assert axis["dtick"] == "M2"


def test_years_of_a_long_course_stand_upright_and_are_few():
    axis = timeline.timeline(course(), is_log=True).to_dict()["layout"]["xaxis"]
    first, last = axis["range"]
    assert (last - first).days > 2 * 365
    assert (axis["tickformat"], axis["tickangle"], axis["dtick"]) == ("%Y", 0, "M12")
    assert axis["minor"]["dtick"] == "M12", "each year has its line"
    longer = timeline._ticks(pd.Timestamp("2019-01-01"), pd.Timestamp("2024-01-01"))
    assert longer["dtick"] == "M24", "five years would run into each other on half of a small screen"
    decades = timeline._ticks(pd.Timestamp("1990-01-01"), pd.Timestamp("2020-01-01"))
    assert decades["dtick"] == "M120"


def test_bold_names_have_the_room_they_need_in_the_margin():
    assert timeline._width("<b>tumour 0.61 mL</b>, 2022-07-10") > timeline._width("tumour 0.61 mL, 2022-07-10")


def test_no_line_leads_over_a_visit_where_nothing_was_seen():
    found = course(volumes=volumes((3000.0, 1000.0, 0.0, 1500.0)), treatments=treatments())
    lines = [list(trace.y) for trace in timeline.timeline(found, is_log=True).data if trace.name == "tumour"]
    assert lines == [[3.0, 1.0], [1.5]]


def test_a_visit_without_a_volume_is_an_open_ring_at_the_lower_edge_and_never_zero():
    fig = timeline.timeline(course(), is_log=True).to_dict()
    ring = [trace for trace in fig["data"] if trace.get("customdata") == ["ses-3"] and trace["mode"] == "markers"]
    assert [trace["marker"]["symbol"] for trace in ring] == ["circle-open-dot"]
    bottom = 10 ** fig["layout"]["yaxis"]["range"][0]
    assert bottom < ring[0]["y"][0] < 1.2 * bottom


def test_each_state_has_its_own_mark_and_colour():
    (mark,) = named(timeline.timeline(course(), is_log=True), "growing")
    assert mark["marker"]["symbol"] == "triangle-up"
    assert mark["marker"]["color"] == labels.DISPLAY_STATES["growth"].colour


def test_text_of_the_data_cannot_become_markup_in_a_figure():
    (mark,) = named(timeline.timeline(course(), is_log=True), "growing")
    assert "why &lt;b&gt;" in mark["hovertext"]


def test_zero_is_named_in_words_on_a_linear_axis():
    found = course(tumour=(3000.0, 0.0, 0.0, 150.0))
    assert drawn.has_no_tumour(found.volumes)
    axis = timeline.timeline(found, is_log=False).to_dict()["layout"]["yaxis"]
    assert axis["ticktext"][0] == "none seen"
    assert axis["tickvals"][0] == 0


def test_on_a_logarithmic_axis_a_tissue_that_is_gone_is_a_ring_and_one_never_seen_is_left_out():
    found = volumes((3000.0, 1000.0, 900.0, 1500.0), cyst=(500.0, 0.0, 0.0, 0.0))
    fig = timeline.timeline(course(volumes=found), is_log=True)
    rings = [trace for trace in fig.data if trace.marker.symbol == "circle-open" and trace.marker.size == 6]
    assert [ring.customdata[0] for ring in rings] == ["ses-2", "ses-3", "ses-4"]
    assert not drawn.has_no_tumour(found)
    never = volumes((3000.0,) * 4, cyst=(0.0, 0.0, None, 0.0))
    assert set(drawn.ever_seen(never)["compartment"]) == {"tumour"}


def test_labels_in_the_right_margin_never_cover_each_other():
    levels = [timeline.VolumeLevel(f"line {i}", 1000.0 + i, labels.GREY) for i in range(4)]
    fig = timeline.timeline(course(levels=levels), is_log=True).to_dict()
    notes = [note for note in fig["layout"]["annotations"] if note.get("ax") == timeline.LEADER_PX]
    heights = sorted(note["y"] * timeline.VOLUME_PX - note["ay"] for note in notes)
    assert len(heights) == 5
    assert min(np.diff(heights)) >= timeline.LABEL_PX


def test_the_early_window_is_shaded_and_named():
    day = pd.Timestamp("2020-02-01")
    fig = timeline.timeline(
        course(windows=[timeline.TreatmentSpan(day, day + pd.Timedelta(days=42), "early after surgery")]), is_log=True
    )
    (window,) = [shape for shape in fig.to_dict()["layout"]["shapes"] if shape["type"] == "rect"]
    assert str(window["x1"]).startswith("2020-03-14")
    assert "early after surgery" in [note["text"] for note in fig.to_dict()["layout"]["annotations"]]


def test_one_visit_without_therapy_or_scores_can_be_drawn():
    alone = volumes((400.0, None, None, None)).iloc[:1]
    fig = timeline.timeline(
        course(volumes=alone, judged=judged(STATES[1]), treatments=treatments(), scores=scores()), is_log=True
    )
    assert [trace["mode"] for trace in fig.to_dict()["data"]] == ["lines", "lines+markers", "markers"]


def test_only_undrawable_visits_still_give_a_figure():
    fig = timeline.timeline(course(volumes=volumes((None,) * 4), judged=judged(STATES[2])), is_log=True)
    assert not named(fig, "tumour")


def test_treatments_that_overlap_get_lanes_of_their_own():
    rows = treatments(
        SURGERY,
        {"kind": "radiotherapy", "started_on": "2020-02-20", "ended_on": "2020-04-01", "dose_gy": 50.4},
        {"kind": "steroid", "started_on": "2020-02-01", "agent": "dexamethasone"},
        {"kind": "chemotherapy", "started_on": "2023-06-01", "ended_on": "2023-09-01", "agent": "temozolomide"},
    )
    bars = lanes.pack(rows, pd.Timestamp("2020-01-01"), pd.Timestamp("2024-01-01"))
    found = {bar.text: bar.lane for bar in bars}
    assert found["surgery, subtotal"] != found["radiotherapy, 50.4\u202fGy"] != found["dexamethasone"]
    assert found["temozolomide"] == 0, "far from the others, it may share a lane"
    assert [bar.is_ongoing for bar in bars if bar.kind == "steroid"] == [True]


def test_better_function_is_up_and_scales_are_never_mixed():
    both = pd.concat([scores(2, 3), scores(15, 12, scale="mjoa")])
    layout = timeline.timeline(course(scores=both), is_log=True).to_dict()["layout"]
    low, high = layout["yaxis4"]["range"]
    assert low > high
    assert layout["yaxis4"]["ticktext"] == ["I", "II", "III", "IV", "V"]
    assert {"mjoa", "modified McCormick"} <= {note["text"] for note in layout["annotations"]}


@given(some.lists(some.floats(0, 300), max_size=9), some.floats(1, 30))
def test_spreading_keeps_order_and_distance(wanted, gap):
    placed = theme.spread(wanted, gap, 0, 300)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(placed[order]) >= gap - 1e-6).all()


def test_labels_that_are_clear_stay_where_they_are():
    assert theme.spread([10, 200, 100], 15, 0, 300).tolist() == [10, 200, 100]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.4, 1.6, [0.5, 0.7, 1.0, 1.5]), (0.09, 6, [0.1, 0.2, 0.5, 1, 2, 5]), (0.001, 20, [0.001, 0.01, 0.1, 1, 10])],
)
def test_logarithmic_ticks_are_round(low, high, ticks):
    assert theme.log_ticks(low, high) == pytest.approx(ticks)


def test_a_flat_course_does_not_look_like_a_mountain_range():
    low, high = theme.volume_axis([1000.0, 1010.0], is_log=True)["range"]
    assert 10 ** (high - low) >= 5.999


def test_no_figure_offers_to_send_data_anywhere():
    assert theme.CONFIG["showSendToCloud"] is False
    assert theme.CONFIG["displaylogo"] is False


def test_equal_relative_growth_is_equally_steep_in_every_sparkline():
    scale = sparkline.Scale(pd.Timestamp("2020-01-01"), pd.Timestamp("2022-01-01"))
    days = [scale.first, scale.last]

    def rise(small, large):
        svg = sparkline.sparkline(days, [small, large], scale, "tumour")
        (first, second) = svg.split('points="')[1].split('"')[0].split()
        return float(first.split(",")[1]) - float(second.split(",")[1])

    assert rise(100.0, 200.0) == pytest.approx(rise(4000.0, 8000.0), abs=0.2)


def test_a_sparkline_is_of_what_its_line_is_of_and_draws_the_rest_dashed():
    scale = sparkline.Scale(pd.Timestamp("2020-01-01"), pd.Timestamp("2022-01-01"))
    days = [scale.first, scale.last]
    svg = sparkline.sparkline(days, [250.0, 250.0], scale, "tumour", 340.0, [250.0, 420.0])
    solid, dashed = [[float(pair.split(",")[1]) for pair in part.split('"')[0].split()]
                     for part in svg.split('points="')[1:]]  # fmt: skip
    line = float(svg.split('y1="')[1].split('"')[0])
    assert solid[0] == solid[1] > line > dashed[1], "what is judged stays below the line that all tumour crosses"
    assert svg.count("<polyline") == 2
    assert svg.count("<circle") == 2, "marks stand on what is judged alone"
    assert sparkline.sparkline(days, [250.0, 250.0], scale, "tumour", 340.0).count("<polyline") == 1


def test_none_seen_is_an_open_ring_in_a_sparkline():
    scale = sparkline.Scale(pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01"))
    assert 'fill="#ffffff"' in sparkline.sparkline([scale.first], [0.0], scale, "tumour")


@pytest.mark.parametrize(
    ("most_px", "missing"),
    [(None, []), (400, []), (240, ["modified McCormick"]), (100, ["treatments", "modified McCormick"])],
)
def test_a_low_screen_leaves_out_what_it_has_no_room_for_and_says_so(most_px, missing):
    room = timeline.Room(180, most_px)
    fig = timeline.timeline(course(), is_log=True, room=room)
    drawn = {trace.name for trace in fig.data}
    assert timeline.not_drawn(course(), room) == missing
    assert ("surgery" in drawn, "modified McCormick" in drawn) == ("treatments" not in missing, len(missing) == 0)
    assert {"tumour", "growing"} <= drawn, "volumes and states are always drawn"
    if most_px:
        least = theme.BUTTONS_PX + timeline.LEAST_VOLUME_PX + timeline.AXIS_PX
        assert fig.layout.height <= max(most_px, least)
