"""The cord's section by level on the Patient page: tables from made profiles (2 s)."""

import numpy as np
import pandas as pd

from dashboard.patient import cord_levels
from pipeline.core import records
from pipeline.store import publish
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.factories import tiny_store

DISCS = pd.DataFrame([(4, 60.0), (5, 42.0), (6, 24.0), (7, 6.0)], columns=["number", "position_mm"])
NO_DISCS = DISCS.iloc[:0]
SAME = pd.DataFrame(
    [("ses-02", "ses-01", "same", "same")], columns=["session_id", "compared_session_id", "scanner", "protocol"]
)


def profile(**factor: float) -> pd.DataFrame:
    """Two visits two years apart, sections of 75 mm2 at C4, 74 at C5 and 66 at C6; the second's C5 times a factor."""
    lines = []
    for session, day in (("ses-01", "2021-01-01"), ("ses-02", "2023-01-01")):
        for place in np.arange(-10.0, 70.0):
            area = 75.0 if place >= 42 else 74.0 if place >= 24 else 66.0
            area *= factor["c5"] if session == "ses-02" and 24 <= place < 42 else 1.0
            lines.append((session, pd.Timestamp(day), "cord", place, area))
    return pd.DataFrame(lines, columns=["session_id", "acquired_on", "compartment", "position_mm", "area_mm2"])


def test_an_expanded_level_is_named_and_the_others_are_within_the_band():
    sections = cord_levels.cord_levels(profile(c5=1.6), DISCS, SAME)
    text = str(cord_levels.shown(sections))
    assert text.index("C4") < text.index("C5") < text.index("C6"), "head first"
    assert '118 (+4.0)<br><span class="ct-small"><b>expanded</b></span>' in text
    assert text.count("<b>") == 1
    assert '+61\u202f%</span><br><span class="ct-small">wider' in text
    assert text.count("no change beyond error") == 2
    assert "Scanner or protocol differ" not in cord_levels.remark_of(sections)


def test_where_the_protocol_is_another_or_not_known_a_change_is_perhaps_one():
    for protocol in (SAME.assign(scanner="changed"), SAME.iloc[:0], SAME.assign(protocol="cannot tell")):
        sections = cord_levels.cord_levels(profile(c5=1.6), DISCS, protocol)
        assert "perhaps wider" in str(cord_levels.shown(sections))
        assert "Scanner or protocol differ" in cord_levels.remark_of(sections)


def test_without_discs_places_stand_in_for_levels_and_nothing_is_held_against_healthy_people():
    sections = cord_levels.cord_levels(profile(c5=1.6), NO_DISCS, SAME)
    text = str(cord_levels.shown(sections))
    assert "healthy" not in text
    assert "expanded" not in text
    assert "40 to 60 mm" in text
    assert "wider" in text
    assert "Without labelled discs" in cord_levels.remark_of(sections)


def publish_with_cord(out_dir):
    """The tiny store with masks of the cord at two visits of sub-01, whose C5 is wide and becomes wider."""
    of_first, of_last = (" ".join([f"{c5:.1f}"] * 18 + ["75.0"] * 18) for c5 in (95.0, 130.0))
    publish.publish(
        out_dir,
        [
            *tiny_store(),
            records.CordProfile("sub-01", "ses-01", "cord", "cord mask", "ses-01", -27.0, of_first),
            records.CordProfile("sub-01", "ses-05", "cord", "cord mask", "ses-01", -27.0, of_last),
        ],
    )


def test_the_patient_page_shows_the_table_where_the_cord_is_chosen(tmp_path, monkeypatch):
    publish_with_cord(tmp_path)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    text = text_of(opened("patient", patient="sub-01", along="cord"))
    assert "130 (+5.4)" in text
    assert "expanded" in text
    assert ">healthy<" not in text_of(opened("patient", patient="sub-01", along="tumour"))


def test_nothing_is_shown_without_a_cord_mask_and_one_visit_alone_has_no_change():
    no_cord = profile(c5=1.0).assign(compartment="tumour")
    assert cord_levels.cord_levels(no_cord, DISCS, SAME) is None
    assert cord_levels.cord_levels(no_cord, NO_DISCS, SAME) is None
    alone = profile(c5=1.0).query("session_id == 'ses-01'")
    assert "change" not in str(cord_levels.shown(cord_levels.cord_levels(alone, DISCS, SAME)))
