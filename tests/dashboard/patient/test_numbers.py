"""The tables of numbers: which scan they show, and what each number opens (a few seconds)."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from dashboard import packet
from dashboard.data import queries
from dashboard.patient.course import levels
from dashboard.patient.lesion_table import lesions
from dashboard.patient.numbers import LAST_JUDGED, NOW, disturbed, shrunk_unsurely, to_show
from dashboard.shell import page
from dashboard.words import labels, tables
from pipeline.core import records
from pipeline.store import publish
from tests.dashboard.app_pages.test_pages import opened, words_of
from tests.dashboard.packet.test_packet import read
from tests.factories import ADAPTED, tiny_store


def visible(markup):
    """Return what is read of a piece of markup; a day is kept whole by marks of its own."""
    return re.sub("<[^>]*>", " ", re.sub('<span class="ct-day">(.*?)</span>', r"\1", markup)).replace("\u200b", "")


def trajectory(patient_id):
    return queries.query("patient_trajectory", patient_id=patient_id, criteria_id=ADAPTED)


def shown(patient_id, session_id):
    return [(word, set(rows["session_id"])) for word, rows in to_show(trajectory(patient_id), session_id)]


@pytest.mark.parametrize(
    ("patient", "session", "expected"),
    [
        ("sub-01", "ses-05", [(NOW, {"ses-05"})]),
        ("sub-04", "ses-01", [(NOW, {"ses-01"})]),
        ("sub-05", "ses-03", [(LAST_JUDGED, {"ses-02"})]),
        ("sub-07", "ses-01", []),
    ],
)
def test_the_last_scan_is_shown_and_where_it_was_not_compared_the_last_that_was(tiny, patient, session, expected):
    assert shown(patient, session) == expected


def test_a_scan_of_a_later_period_is_not_replaced_by_one_before_the_treatment(tiny):
    rows = trajectory("sub-05")
    rows = rows.assign(epoch=rows["epoch"].where(rows["session_id"] != "ses-03", 2))
    assert to_show(rows, "ses-03") == []


DOUBTS = {
    "scan_disturbed": "signal around the tumour could change its volume by 21%",
    "shrinkage_unsure": "the tumour was found again, -41 % against what is drawn at ses-01",
}


def test_what_makes_a_number_unsure_is_said_beside_it_and_in_the_packet(tmp_path, monkeypatch):
    doubts = [
        records.Finding(
            code, "warning", "mask", None, "sub-01", "ses-05", f"sub-01 ses-05: {words}", "look at the scan"
        )
        for code, words in DOUBTS.items()
    ]
    publish.publish(tmp_path, [*tiny_store(), *doubts])
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    shown_words = words_of(opened("patient", patient="sub-01"))
    text, _ = read(packet.pdf(packet.gather("sub-01", page.study())))
    flat = " ".join(text.split())
    for sentence in (
        f"This scan is disturbed: {DOUBTS['scan_disturbed']}. The interval allows for it.",
        f"The shrinkage is unsure: {DOUBTS['shrinkage_unsure']}. The interval is wider for it.",
    ):
        assert labels.typeset(sentence) in shown_words
        assert " ".join(labels.typeset(sentence).split()) in flat
    assert disturbed("sub-01", "ses-03") == shrunk_unsurely("sub-01", "ses-03") == ""


def numbers_of(patient_id, session_id):
    (word, rows), *_ = to_show(trajectory(patient_id), session_id)
    measured = queries.query("patient_measurements", patient_id=patient_id)
    return tables.numbers(rows, measured, word, "imsct_adapted_v1 1, adapted")


def test_a_cord_without_a_mask_is_not_told_as_not_seen(tiny):
    (word, shown), *_ = to_show(trajectory("sub-01"), "ses-05")
    for compartment in ("syrinx", "cord"):
        absent = shown.iloc[:1].assign(compartment=compartment, **dict.fromkeys(tables.VOLUMES, 0.0))
        text = tables.numbers(
            pd.concat([shown, absent]), queries.query("patient_measurements", patient_id="sub-01"), word, "c"
        )
        note = visible(text).partition("Not seen or not measured at any of these scans:")[2]
        assert (compartment in note) == (compartment == "syrinx")


def test_each_number_opens_scan_mask_maker_error_version_and_rule(tiny):
    opened = visible(numbers_of("sub-01", "ses-05"))
    for words in (
        "mask drawn by hand: derivatives/reader1/sub-01/ses-03/anat/sub-01_ses-03_acq-sag_dseg.nii.gz, sha256 00000000",
        "on scan sub-01/ses-03/anat/sub-01_ses-03_acq-sag_T2w.nii.gz",
        "error from a model of the outline, assumed and not measured, CV 10",
        "nadir by imsct_adapted_v1 1, adapted",
        "1.4\u202fmL on 2023-04-10 over 0.80\u202fmL on 2021-04-10",
        "interval by all scans since the baseline",
    ):
        assert words.replace("'", "&#x27;") in opened, words


def test_the_first_scan_is_not_compared_with_itself(tiny):
    text = numbers_of("sub-04", "ses-01")
    assert "is the baseline" in text
    assert "0\u202f%" not in text


def test_every_visit_is_listed_with_what_was_not_measured(tiny):
    text = tables.measurements(queries.query("patient_measurements", patient_id="sub-06"))
    words = visible(text)
    assert [word in words for word in ("2022-02-01 ses-01", "2023-02-01 ses-02", "no date ses-03")] == [True] * 3
    assert "nobody drew one on this visit" in words


def test_each_volume_of_a_lesion_opens_the_mask_and_scan_it_was_counted_on(tiny):
    text = lesions(
        queries.query("patient_lesions", patient_id="sub-01"),
        queries.query("patient_measurements", patient_id="sub-01"),
    )
    assert text.count("<summary>") == 3
    new = visible(text[text.index("new, ") :])
    for words in (
        "0.15\u202fmL",
        "2023-04-10 ses-05",
        "piece 2 of the tumour",
        "mask drawn by hand: derivatives/reader1/sub-01/ses-05/anat/sub-01_ses-05_acq-sag_dseg.nii.gz, sha256 00000000",
        "on scan sub-01/ses-05/anat/sub-01_ses-05_acq-sag_T2w.nii.gz",
    ):
        assert words in new, words


def test_a_lesion_is_not_called_persistent_at_the_first_scan_that_shows_it(tiny):
    rows = queries.query("patient_lesions", patient_id="sub-01")
    named = rows["lesion_id"].iloc[0]
    own = rows[rows["lesion_id"] == named].assign(status="persistent")
    text = lesions(own, queries.query("patient_measurements", patient_id="sub-01"))
    assert text.count("at first scan") == 1
    assert text.count("persistent") == len(own) - 1
    assert text.index("at first scan") < text.index("persistent")


def test_a_lesion_that_was_not_measured_says_its_status_and_opens_nothing(tiny):
    rows = queries.query("patient_lesions", patient_id="sub-01").assign(status="resolved", volume_mm3=0.0)
    text = lesions(rows, queries.query("patient_measurements", patient_id="sub-01"))
    assert "resolved" in text
    assert "<summary>" not in text


def test_a_last_scan_that_failed_leaves_the_levels_that_the_next_is_held_against(tiny):

    assert [level.text.split(" 0")[0] for level in levels("sub-05", page.study())] == [
        "baseline = nadir",
        "progression from",
    ], "the tiny store holds no detection limit for this visit"


def test_a_last_scan_that_is_the_smallest_is_what_the_next_is_held_against(tmp_path, monkeypatch):
    smaller = {"next_nadir_session_id": "ses-02", "progression_from_mm3": 854.0, "detection_limit_ratio": 1.3}
    rows = [
        replace(row, **smaller)
        if isinstance(row, records.Assessment) and (row.patient_id, row.session_id) == ("sub-05", "ses-02")
        else row
        for row in tiny_store()
    ]
    publish.publish(tmp_path, rows)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    assert [(level.text, level.volume_mm3) for level in levels("sub-05", page.study())] == [
        ("baseline 0.60\u202fmL, 2022-01", 600.0),
        ("nadir 0.61\u202fmL, 2022-07", 610.0),
        ("progression from 0.85\u202fmL", 854.0),
    ], "the detection limit belongs to the nadir of before"


def test_the_packet_of_a_failed_last_scan_dates_the_numbers_it_shows(tiny):

    text, _ = read(packet.pdf(packet.gather("sub-05", page.study())))
    assert "tumour, 2022-07-10 0.60 0.60 0.60 0.61" in text


def test_where_the_verdict_has_no_visit_to_compare_with_nothing_is_called_not_measured_then():
    """Oedema beside an excluded tumour: it was measured at every visit, and no verdict compares them."""
    row = {"compartment": "oedema", "volume_mm3": 150.0, "baseline_volume_mm3": None, "baseline_session_id": None}
    assert "not compared" in tables.changed(row, "baseline")
    assert "not measured then" in tables.changed(row | {"baseline_session_id": "ses-01"}, "baseline")
