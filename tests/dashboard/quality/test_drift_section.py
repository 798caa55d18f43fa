"""Drift on the Quality page, and the remark on the Patient page (about 20 s)."""

import pandas as pd
import pytest

from dashboard.data import queries
from dashboard.quality import drift_words
from pipeline.acquisition.protocol import Facts
from pipeline.acquisition.scanner_drift import Spread
from pipeline.core import records
from pipeline.store import publish as store
from tests.dashboard.app_pages.test_pages import opened, text_of, words_of
from tests.factories import ADAPTED, tiny_store
from tests.scanner_rows import made_rows

KINDS = records.Acquisition | records.ProtocolChange


def publish(folder, rows):
    store.publish(folder, [*(row for row in tiny_store() if not isinstance(row, KINDS)), *rows])


def test_the_quality_page_says_what_changed_with_the_change_across_it(tiny):
    at = opened("quality")
    words = words_of(at)
    assert "2 of 7 follow-up visits differ from the visit before: scanner at 1, protocol at 1." in words
    assert "1 of them reads as growth: look whether the change explains it." in words
    assert "At 2 nobody can tell whether the scanner changed" in words
    assert "scanner from Siemens Avanto 1.5 T to Siemens Skyra 3 T" in words
    assert "+56\u202f%" in words
    assert "echo time from 100 to 130 ms" in words
    assert 'href="patient?patient=sub-01&amp;now=ses-05"' in text_of(at)
    labels = [button.proto.label for button in at.get("download_button")]
    assert {"All changes of scanner or protocol (CSV)", "All scanners (CSV)"} <= set(labels)


def test_each_scanner_is_listed_and_few_pairs_are_withheld(tiny):
    words = words_of(opened("quality"))
    assert "not recorded" in words
    assert "2019-12 to 2022-04" in words
    assert "cannot be told yet. Same scanner: 2 pairs of visits, withheld below 10." in words
    assert "Scanner changed: 1 pair of visits, withheld below 10." in words


def test_a_study_without_sidecars_is_told_so_and_never_the_same(tmp_path, monkeypatch):
    publish(tmp_path, made_rows({"sub-02": [Facts()] * 3}))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    words = words_of(opened("quality"))
    assert "No change of scanner or protocol is known at 2 follow-up visits." in words
    assert "At 2 nobody can tell whether the scanner changed: too little is recorded." in words
    assert "Measured otherwise" not in words_of(opened("patient", patient="sub-02"))


def test_a_study_without_any_follow_up_has_nothing_to_compare(tmp_path, monkeypatch):
    publish(tmp_path, [])
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    words = words_of(opened("quality"))
    assert "No visit follows another one" in words
    assert "Same scanner: no pair of visits. Scanner changed: no pair of visits." in words


def test_a_name_in_a_sidecar_is_never_markup(tmp_path, monkeypatch):
    evil = Facts("Siemens", "<img src=x onerror=alert(1)>", 3.0, "s-1")
    publish(tmp_path, made_rows({"sub-03": [Facts("Siemens", "Avanto", 1.5, "s-2"), evil]}))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    for page in ("quality", "patient"):
        text = text_of(opened(page, patient="sub-03"))
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text


def test_the_patient_page_says_that_the_last_scan_was_made_otherwise(tiny):
    words = words_of(opened("patient", patient="sub-01"))
    assert (
        "Measured otherwise than its baseline of 2020-04-10 and nadir of 2021-04-10: scanner from Siemens Avanto 1.5 T "
        "to Siemens Skyra 3 T. This informs and does not change the verdict."
    ) in words
    assert "progression" in words, "the verdict stands"
    assert "Measured otherwise" not in words_of(opened("patient", patient="sub-02")), "nothing is recorded there"
    told = words_of(opened("patient", patient="sub-03"))
    assert "Measured otherwise than its baseline and nadir of 2021-03-01: echo time from 100 to 130 ms." in told


def test_the_board_tells_whose_last_scan_was_made_otherwise_than_what_it_is_judged_against(tiny):
    rows = queries.query("board_reasons", criteria_id=ADAPTED)
    assert list(rows.loc[rows["is_made_otherwise"], "patient_id"]) == ["sub-01", "sub-03"]
    assert words_of(opened("board")).count("scanner or protocol changed") == 2


def test_a_scanner_recorded_at_one_of_two_visits_only_is_said_on_the_patient_page(tmp_path, monkeypatch):
    publish(tmp_path, made_rows({"sub-03": [Facts(), Facts("GE", "Signa", 3.0, "s-1", None, 90.0, 3000.0, 150.0)]}))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    words = words_of(opened("patient", patient="sub-03"))
    assert "Whether the scanner is that of its baseline and nadir of 2021-03-01 cannot be told: scanner not" in words


def test_the_methods_page_says_the_tolerances(tiny):
    words = words_of(opened("methods"))
    assert "echo time by more than 20\u202f%" in words
    assert "such a comparison cannot tell" in words


@pytest.mark.parametrize(
    ("same", "changed", "words"),
    [
        (Spread(20, 0.7, 0.5, 0.9), Spread(12, 2.0, 1.2, 3.1), "Volumes repeat worse across a change of scanner than"),
        (Spread(20, 0.7, 0.5, 0.9), Spread(12, 0.8, 0.6, 3.1), "is not shown"),
        (Spread(20, 0.7, 0.5, 0.9), Spread(9), "cannot be told yet"),
    ],
)
def test_the_sentence_of_repeatability_follows_the_intervals(same, changed, words):
    main, further = drift_words.repeatability({"same": same, "changed": changed, "cannot tell": Spread(3)})
    assert words in main
    assert "0.7 (0.5 to 0.9), 20 pairs of visits" in main
    assert "3 pairs left out, scanner not recorded." in main
    assert "0.67 where nothing grew" in further


@pytest.mark.parametrize(
    ("then", "now", "percent", "words"),
    [
        (None, 1.0, None, "not measured before"),
        (1.0, None, None, "not measured now"),
        (None, None, None, "not measured at either"),
        (0.0, 0.0, None, "none seen at either"),
        (0.0, 150.0, None, "0.15\u202fmL, none seen before"),
        (100.0, 0.0, -100.0, "−100\u202f%"),
    ],
)
def test_a_change_that_cannot_be_counted_says_why(then, now, percent, words):
    row = {
        "compared_volume_mm3": then,
        "volume_mm3": now,
        "change_percent": percent,
        "change_low_percent": pd.NA,
        "change_high_percent": None,
    }
    assert words in drift_words.tumour_change(row)


def test_a_scan_without_a_day_is_called_that_and_never_no_date() -> None:
    change = {
        "compared_session_id": "ses-01", "compared_on": pd.NaT, "changes": "plane sagittal, then axial",
        "unknown": "", "scanner": "same",
    }  # fmt: skip
    lines = drift_words.differently_made({"baseline": "ses-01", "nadir": "ses-01"}, pd.DataFrame([change]))
    assert lines[0] == ("Measured otherwise than its baseline and nadir (day not known): plane sagittal, then axial.")
    dated = pd.DataFrame([change | {"compared_on": pd.Timestamp("2020-01-02")}])
    assert "baseline of 2020-01-02" in drift_words.differently_made({"baseline": "ses-01"}, dated)[0]
