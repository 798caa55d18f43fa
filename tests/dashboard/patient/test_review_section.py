"""Reviewing automatic masks one after the other: order, what can be accepted, where the viewer opens (about 10 s)."""

import numpy as np
import pytest

from dashboard.patient.review_section import following
from pipeline.core.volume import Volume
from pipeline.draft.least_sure import least_sure, most_divided
from pipeline.journal import act_file
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.conftest import save_scan
from tests.factories import copy_tiny


@pytest.fixture
def out(tmp_path, monkeypatch):
    copy_tiny(tmp_path)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def pressed(at, key):
    at.button(key=key).click().run()
    assert not at.exception, at.exception
    return at


def acts_of(out_dir):
    return [(entry.act, entry.session_id, entry.who) for entry in act_file.read(out_dir).entries]


def test_the_next_is_the_following_one_and_after_the_last_the_first():
    visits = [("sub-01", "ses-02"), ("sub-01", "ses-04"), ("sub-02", "ses-01")]
    assert following(visits, ("sub-01", "ses-02")) == ("sub-01", "ses-04")
    assert following(visits, ("sub-01", "ses-03")) == ("sub-01", "ses-04"), "also from a visit that waits no more"
    assert following(visits, ("sub-02", "ses-01")) == ("sub-01", "ses-02")
    assert following(visits[:1], visits[0]) is None


def test_a_review_goes_from_mask_to_mask_and_counts_what_is_left(out):
    for session in ("ses-01", "ses-02"):
        save_scan(out, "sub-06", session, radius=4)
    at = pressed(opened("patient", patient="sub-06"), "review-sub-06")
    assert (at.query_params["review"], at.query_params["now"]) == ("1", "ses-01")
    assert "Review: 2 unsigned masks left." in text_of(at)
    assert "Opens where its edge is seen least" in text_of(at)
    at.text_input(key="who").set_value("Rita Reader").run()
    at = pressed(at, "review-Accept")
    assert acts_of(out) == [("accept_mask", "ses-01", "Rita Reader")]
    assert at.query_params["now"] == "ses-02", "and on to the next"
    assert "Review: 1 unsigned mask left." in text_of(at)
    at = pressed(at, "review-Accept")
    assert [session for _, session, _ in acts_of(out)] == ["ses-01", "ses-02"]
    assert "No unsigned masks are left" in text_of(at)
    assert at.button(key="review-Accept").disabled
    assert "review" not in pressed(at, "review-End review").query_params


def test_nothing_is_accepted_without_a_name_or_without_its_scan_in_sight(out):
    save_scan(out, "sub-06", "ses-02", radius=4)
    at = opened("patient", patient="sub-06", now="ses-01", review="1")
    assert at.button(key="review-Accept").disabled, "the scan of this visit is not shown"
    at = pressed(at, "review-Next")
    assert at.query_params["now"] == "ses-02"
    at = pressed(at, "review-Accept")
    assert "Your name, please" in at.error[0].value
    assert acts_of(out) == []
    assert at.query_params["now"] == "ses-02", "it stays where nothing was put on record"


def test_while_masks_are_reviewed_the_keys_of_the_page_are_theirs(out):
    def key_of(at, name):
        return at.button(key=name).proto.shortcut

    assert key_of(opened("patient", patient="sub-06"), "step-N") == "n"
    save_scan(out, "sub-06", "ses-02", radius=4)
    at = opened("patient", patient="sub-06", now="ses-02", review="1")
    assert key_of(at, "step-N") == ""
    assert [key_of(at, f"review-{name}") for name in ("Accept", "Edit", "Next")] == ["a", "e", "n"]


def test_edit_opens_the_drawing_of_the_visit(out):
    save_scan(out, "sub-06", "ses-02", radius=4)
    at = opened("patient", patient="sub-06", now="ses-02", review="1")
    at = pressed(at, "review-Edit")
    assert at.toggle(key="here-sub-06-ses-02").value
    assert next(part for part in at.expander if part.label == "Draw or correct a mask").proto.expanded


def test_an_outline_is_least_sure_where_its_ways_differ_or_its_edge_is_faint():
    grid = np.indices((20, 24, 40))
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    ball = ((grid - np.array([10, 12, 20])[:, None, None, None]) ** 2).sum(axis=0) < 36
    signal = np.where(ball, 200.0, np.where(grid[2] > 20, 195.0, 100.0))  # towards the head there is nearly no edge
    place = least_sure(Volume(signal, affine), Volume(ball.astype(np.uint8), affine))
    assert place is not None
    assert place[2] > 20
    share = ball.astype(np.float32)
    share[8:12, 16:19, 18:22] = 0.5
    x, y, z = most_divided(Volume(share, affine)) or (0, 0, 0)
    assert (x, y, z) == pytest.approx((9.5, 17, 19.5), abs=1.5)
    assert most_divided(Volume(ball.astype(np.float32), affine)) is None
    assert least_sure(Volume(signal, affine), Volume(np.zeros(ball.shape), affine)) is None
