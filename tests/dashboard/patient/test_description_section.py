"""Lines of the description on the page: each shows where it is seen, and a correction stands beside it. 20 s."""

from datetime import datetime

import pytest
import streamlit as st

from dashboard.patient import description_section, finding_places
from pipeline.errors import SettingsError
from pipeline.journal import act_file, sign_off
from pipeline.journal.decisions import Act, ActKind
from pipeline.store import publish, reader
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.dashboard.conftest import scanned_person
from tests.factories import tiny_store

WHERE = "sub-01-ses-05-lesion-1"


@pytest.fixture
def out(tmp_path, monkeypatch):
    """An output folder of its own, with scans of one person, since signing writes into it."""
    scanned_person(tmp_path, 5)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def test_a_reader_s_correction_stands_beside_what_was_measured_on_page_table_and_paper(out):
    at = opened("patient", patient="sub-01")
    at.text_input(key="who").set_value("Rita Reader").run()
    at.selectbox(key=f"finding-name-{WHERE}").set_value("enhancement").run()
    at.selectbox(key=f"finding-term-{WHERE}-enhancement").set_value("faint")
    at.button(key=f"finding-put-{WHERE}").click().run()
    assert "A reason, please" in at.error[0].value
    at.text_area(key=f"finding-why-{WHERE}-enhancement").set_value("vessels only")
    at.button(key=f"finding-put-{WHERE}").click().run()
    assert not at.exception, at.exception
    (entry,) = act_file.read(out).entries
    assert (entry.act, entry.lesion_id, entry.finding, entry.corrected_to) == (
        "correct_finding", "lesion-1", "enhancement", "faint",
    )  # fmt: skip
    text = text_of(at)
    assert "enhancement, as read: </b>faint (Rita Reader, " in text
    assert "vessels only); measured: vivid" in text
    assert "Vivid enhancement" in text, "what was measured stays"
    assert "read as faint" in text
    paper = dict(description_section.printed("sub-01", "ses-05"))
    assert "vessels only); measured: vivid" in paper["enhancement, as read"]
    publish.publish(out, [*tiny_store(), entry])
    table = reader.table(reader.database_path(out), "description")
    row = table[(table["session_id"] == "ses-05") & (table["finding"] == "enhancement")].iloc[0]
    assert (row["value"], row["corrected_to"], row["corrected_by"], row["corrected_reason"]) == (
        "vivid", "faint", "Rita Reader", "vessels only",
    )  # fmt: skip


def test_a_line_shows_the_slice_where_it_is_seen(out):
    at = opened("patient", patient="sub-01")
    buttons = [one for one in at.button if str(one.key).startswith("seen-sub-01-ses-05-lesion-1-")]
    assert "contrast agent" in [one.label for one in buttons]
    at.button(key="seen-sub-01-ses-05-lesion-1-contrast agent").click().run()
    assert not at.exception, at.exception
    assert at.query_params["now"] == "ses-05"
    place = at.query_params["place"]
    assert place.startswith("sagittal_")
    assert place.endswith("_side_lesion")


def test_a_correction_of_what_was_not_described_is_refused(out):
    act = Act(
        ActKind.CORRECT_FINDING, "sub-01", "ses-05", lesion_id="L9", finding="enhancement", corrected_to="faint",
        reason="why",
    )  # fmt: skip
    with pytest.raises(SettingsError, match="expected one of its described lesions lesion-1, found L9"):
        sign_off.put_on_record(out, [act], "Rita", datetime(2024, 1, 1))  # noqa: DTZ001
    assert not act_file.read(out).entries


def test_nothing_untold_is_to_be_seen_anywhere(out):
    st.cache_data.clear()
    silent = {"finding": "blood_cap", "sureness": None, "value": None, "scans": None, "reason": "no T2w"}
    assert finding_places.seen_at("sub-01", "ses-05", "lesion-1", "blood", [silent]) is None
