"""The same slice at all visits: nothing before it is opened, then a picture or the reason in words. 20 s."""

from datetime import date

import numpy as np
import pytest

from dashboard.data import queries
from dashboard.patient import same_slices
from dashboard.viewer.slice_picture import UNSCANNED, slice_picture
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.conftest import scanned_person

KEY = "multiples-sub-01-lesion-1"


@pytest.fixture
def out(tmp_path, monkeypatch):
    scanned_person(tmp_path, 4)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def pictures(at):
    return at.get("image")


def buttons(at):
    return [one for one in at.button if str(one.key).startswith("seen-multiple-")]


def test_nothing_is_drawn_before_it_is_opened_then_each_visit_has_a_picture_or_a_reason(out):
    at = opened("patient", patient="sub-01")
    assert not buttons(at)
    at.session_state[KEY] = True
    at.run()
    assert not at.exception, at.exception
    assert len(buttons(at)) == len(pictures(at)) > 0
    text = text_of(at)
    assert "white 2.5 times the signal of this person&#x27;s healthy cord" in text
    days = {one.label for one in buttons(at)}
    told = text.count('class="ct-small ct-untold"')
    visits = len(queries.query("patient_visits", patient_id="sub-01"))
    assert visits > 4
    assert (len(buttons(at)) + told) % visits == 0, "every visit stands in every line"
    assert told, "not every visit has an aligned copy here"
    first = min(days)
    next(one for one in buttons(at) if one.label == first).click().run()
    assert not at.exception, at.exception
    assert at.query_params["place"].startswith("sagittal_")


def scan_row(part, *, is_anchor):
    return {
        "session_id": "ses-01", "path": part, "contrast": "T2w", "is_anchor": is_anchor, "unreadable_reason": None,
        "is_reference": True, "grade": "A", "grade_reasons": None, "transform_path": "way.h5",
    }  # fmt: skip


@pytest.mark.parametrize("unsigned", [(), ("ses-01",)])
def test_of_two_scans_of_a_sequence_the_one_that_shows_the_place_is_drawn_and_the_other_is_named(monkeypatch, unsigned):
    pictures = {"upper": (None, "the scan does not reach this place"), "lower": (np.zeros((4, 4, 3), np.uint8), "")}
    monkeypatch.setattr(same_slices, "_picture", lambda scan, *_: pictures[scan["path"]])
    visit = {"session_id": "ses-01", "acquired_on": date(2020, 1, 1), "status_reason": None}
    scans = [scan_row("upper", is_anchor=True), scan_row("lower", is_anchor=False)]
    drawn_by = same_slices._DrawnBy(None, {"lower": "T2w lower"}, unsigned)
    cell = same_slices._cell(visit, scans, "T2w", None, drawn_by)
    assert cell.picture is not None
    assert cell.sequence == "T2w lower"
    assert cell.words.endswith("1 more T2w of this visit not drawn")
    assert ("automatic outline, nobody signed it" in cell.words) == bool(unsigned)
    pictures["lower"] = (None, "torn")
    cell = same_slices._cell(visit, scans, "T2w", None, drawn_by)
    assert cell.picture is None
    assert cell.words.startswith("the scan does not reach this place")


def test_greys_stand_for_signals_of_the_cord_and_what_nobody_scanned_is_no_grey():
    signal = np.full((80, 80), 100.0, dtype=np.float32)
    signal[:, 40:] = 200.0
    signal[0] = np.nan
    twice = slice_picture(2 * signal, 200.0, None, 0.25)
    np.testing.assert_array_equal(slice_picture(signal, 100.0, None, 0.25), twice)
    assert tuple(twice[0, 0]) == UNSCANNED
    assert tuple(twice[5, 5]) == (102, 102, 102), "healthy cord is 1 of 2.5"
    assert tuple(twice[5, 60]) == (204, 204, 204)
    labels = np.zeros((80, 80), dtype=np.uint8)
    labels[20:40, 20:40] = 1
    marked = slice_picture(signal, 100.0, labels, 0.25)
    assert tuple(marked[20, 25]) != (102, 102, 102), "the edge is drawn"
    assert tuple(marked[30, 30]) == (102, 102, 102), "what lies within stays to be seen"
    np.testing.assert_array_equal(
        slice_picture(signal, 100.0, labels, 0.25, excluded=[1]), slice_picture(signal, 100.0, None, 0.25)
    )
    bar = np.all(marked == 255, axis=2)
    assert bar.any(axis=0).sum() == 40, "10 mm of 0.25 mm"
