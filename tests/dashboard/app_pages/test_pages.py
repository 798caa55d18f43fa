"""Each page run headless on an empty folder, the tiny store and odd addresses (about 25 s)."""

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import queries
from dashboard.packet import content
from dashboard.shell import tour
from dashboard.shell.page import study as shown_study
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import ANY_DAY
from pipeline.errors import StoreError
from pipeline.store import publish
from tests.factories import copy_tiny, tiny_store
from tests.places import ROOT

APP = ROOT / "dashboard" / "app.py"
PAGES = ["board", "patient", "cohort", "quality", "methods"]


def opened(page, **address):
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.switch_page(f"app_pages/{page}.py")
    for name, value in address.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception
    return at


def listed(at):
    """The patients that the board links to, in its order."""
    links = [link.proto.label.replace("\\", "") for link in at.get("page_link")]
    return [label for label in links if label.startswith("sub-")]


def text_of(at):
    """All markup of a page, as one text, without what keeps days unbroken."""
    return re.sub('<span class="ct-day">(.*?)</span>', r"\1", "\n".join(one.proto.body for one in at.get("html")))


def words_of(at):
    """The same without its tags."""
    return re.sub("<[^>]*>", "", text_of(at))


@pytest.mark.parametrize("page", PAGES)
def test_without_results_every_page_says_what_to_do(empty, page):
    text = text_of(opened(page))
    assert "Nothing to show" in text
    assert "cordtrack run" in text
    assert "Research use, not for treatment decisions" in text


def test_without_an_output_folder_the_page_says_how_to_start(monkeypatch):
    monkeypatch.delenv("CORDTRACK_OUT", raising=False)
    assert "cordtrack dashboard OUT_DIR" in text_of(opened("board"))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_research_use_synthetic_criteria_and_run(tiny, page):
    text = text_of(opened(page))
    for words in (
        "Research use, not for treatment decisions",
        "Synthetic data",
        "imsct_adapted_v1 1, adapted",
        "run-1",
    ):
        assert words in text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_counts_the_patients_of_the_study_that_are_on_none(empty, page):
    names = ("sub-90", "sub-91")
    missing = [finding("results_missing", f"{name}: none yet", patient_id=name) for name in names]
    publish.publish(empty, [*tiny_store(), *missing])
    assert "2 of 9 patients without results yet" in text_of(opened(page))


def test_the_board_lists_the_most_urgent_first_with_word_and_symbol(tiny):
    at = opened("board")
    text = text_of(at)
    assert "6 of 7 patients have an open question." in text
    assert text.index("◆\u00a0recurrence") < text.index("▲\u00a0growing") < text.index("△\u00a0possible growth")
    assert listed(at) == ["sub-02", "sub-01", "sub-03", "sub-06", "sub-07", "sub-05", "sub-04"]
    assert "provisional, to be confirmed" in words_of(at)


def test_the_board_restores_its_filters_from_the_address(tiny):
    at = opened("board", state="growing")
    assert listed(at) == ["sub-01"]
    assert "1 of 7 patients shown" in text_of(at)
    assert listed(opened("board", state="recurrence")) == ["sub-02"]
    gone = opened("board", state="grown")
    assert len(listed(gone)) == 7
    assert "No patient is found by state grown; listed without that filter." in text_of(gone)


def test_a_patient_is_told_in_one_sentence_with_rule_and_doubt(tiny):
    at = opened("patient", patient="sub-01")
    text = text_of(at)
    assert "Ses-05: progression by imsct_adapted_v1" in text
    assert '<abbr title="imsct_adapted_v1 1, adapted: a published rule changed to suit' in text
    assert "Adapted volume criteria, version 1</abbr>" in text
    facts = "44\u202fy · F · ependymoma, grade 2 · C4-C6 · surgery 2020-01-10, subtotal"
    assert facts in words_of(at)
    assert "2 of 2 criteria agree" in text
    assert len(at.get("plotly_chart")) == 2, "the course and the cord profile"


def test_a_patients_open_questions_are_those_of_the_board_with_a_scan_that_is_overdue(tiny):
    assert "; scan overdue." in text_of(opened("patient", patient="sub-01"))
    assert "scan overdue" not in text_of(opened("patient", patient="sub-04")), "no schedule, nothing overdue"


def test_the_profile_of_a_patient_says_between_which_vertebrae_it_lies(tiny):
    text = text_of(opened("patient", patient="sub-01"))
    assert "C5 on 2020-04-10 (disc labels of 2020-04-10)." in text


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        ("sub-02", ["recurrence", "awaits a confirming scan", "none seen"]),
        ("sub-04", ["● baseline", "Ses-01: baseline", "ct-badge"]),
        (
            "sub-05",
            [
                "not evaluable",
                "the last that could be, of 2022-07-10",
                ">0.61<",
            ],
        ),
        ("sub-06", ["possible growth", "nobody signed: 2022-02-01, 2023-02-01", "automatic"]),
        ("sub-07", ["not evaluable", "No visit of this patient could be judged", "No visit has a date"]),
    ],
)
def test_odd_courses_are_told_as_they_are(tiny, patient, expected):
    text = text_of(opened("patient", patient=patient))
    for words in expected:
        assert words in text


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("Visits and alignment", "failed: the file is empty (0 bytes); export or copy it again"),
        ("All volumes", "no date"),
        ("Where the numbers come from", "imsct_adapted_v1"),
    ],
)
def test_only_the_open_tab_is_filled(tiny, tab, expected):
    patient = "sub-06" if tab == "All volumes" else "sub-05"
    shut, opened_ = (text_of(opened("patient", patient=patient, **said)) for said in ({}, {"tab": tab}))
    assert shut.count(expected) < opened_.count(expected)


def test_an_unknown_patient_is_named_as_text_and_another_can_be_chosen(tiny):
    at = opened("patient", patient="<b>nobody</b>")
    assert "No patient &lt;b&gt;nobody&lt;/b&gt; in this study." in text_of(at)
    assert at.selectbox[0].value is None
    at.selectbox[0].set_value("sub-03").run()
    assert not at.exception
    assert at.query_params["patient"] == "sub-03"


def test_without_a_patient_in_the_address_the_most_urgent_is_shown(tiny):
    assert opened("patient").query_params["patient"] == "sub-02"


def test_visits_to_compare_are_restored_from_the_address(scans_out, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(scans_out))
    at = opened("patient", patient="sub-01", then="ses-02", now="ses-04")
    chosen = {box.label: box.value for box in at.selectbox}
    assert chosen["Earlier"], chosen["Later"] == ("ses-02", "ses-04")
    assert [one.key.startswith("scans-") for one in at.get("bidi_component")].count(True) == 1


def test_a_damaged_scan_is_said_and_the_rest_of_the_page_stands(tmp_path, monkeypatch):
    copy_tiny(tmp_path)
    folder = tmp_path / "sub-01" / "ses-02" / "anat"
    folder.mkdir(parents=True)
    (folder / "sub-01_ses-02_space-reference_T2w.nii.gz").write_bytes(b"not an image")
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    text = text_of(opened("patient", patient="sub-01"))
    assert "sub-01_ses-02_space-reference_T2w.nii.gz: expected gzip data" in text
    assert "Numbers" in text


def test_the_cohort_page_says_for_whom_and_warns_of_few(tiny):
    at = opened("cohort")
    text = text_of(at)
    assert "All patients: n = 7" in text
    assert "read each course, not the curves" in text
    at = opened("cohort", histology="ependymoma")
    assert "Ependymoma: n = 3 of 7" in text_of(at)


def test_the_quality_page_shows_what_where_and_what_to_do(tiny):
    text = text_of(opened("quality"))
    assert "2 things were left out, 6 things wait for a person." in text
    for words in ("the file is empty (0 bytes)", "copy again", "unsigned automatic mask", "alignment grade C"):
        assert words in text


def test_criteria_are_offered_by_their_titles(tiny):
    offered = opened("methods").get("button_group")[0].options
    assert "RANO 2.0 by volume" in [str(option).replace("\\", "") for option in offered]


def test_the_methods_page_says_the_rules_of_the_chosen_criteria(tiny):
    assert "40\u202f% or more against its smallest" in text_of(opened("methods"))
    assert "20\u202f% or more against the baseline" in text_of(opened("methods", criteria="reins_2013"))


def test_text_from_the_data_is_never_markup(tmp_path, monkeypatch):
    evil = "<img src=x onerror=alert(1)>"
    rows = [
        replace(row, reason=evil)
        if isinstance(row, records.Assessment)
        else replace(row, message=evil, remedy=evil)
        if isinstance(row, records.Finding)
        else replace(row, level=evil)
        if isinstance(row, records.Patient)
        else row
        for row in tiny_store()
    ]
    publish.publish(tmp_path, rows)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    for page in ("board", "patient", "quality"):
        text = text_of(opened(page))
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text


@pytest.mark.parametrize("page", ["board", "patient"])
def test_a_store_of_another_version_is_said_in_words_and_not_as_a_crash(tiny, monkeypatch, page):
    whole = queries.query

    def older(name, **parameters):
        if name in {"next_scans", "patient_levels"}:
            raise StoreError("expected a store of this version, but it cannot be read; run the pipeline again")
        return whole(name, **parameters)

    monkeypatch.setattr(queries, "query", older)
    text = text_of(opened(page, patient="sub-01"))
    assert "expected a store of this version" in text
    assert "Research use, not for treatment decisions" in text


def test_a_new_run_is_shown_without_restarting(tmp_path, monkeypatch):
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    copy_tiny(tmp_path)
    at = opened("board")
    publish.publish(tmp_path, [row for row in tiny_store() if getattr(row, "patient_id", "sub-01") == "sub-01"])
    at.run()
    assert "1 of 1 patient has an open question." in text_of(at)


def test_the_tour_of_a_study_without_patients_has_nobody_to_show(empty):
    publish.publish(empty, [row for row in tiny_store() if not getattr(row, "patient_id", None)])
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.session_state[tour.STEP] = next(n for n, stop in enumerate(tour.STEPS) if stop.page == "patient")
    at.session_state[tour.MOVED] = True
    at.switch_page("app_pages/board.py").run()
    assert not at.exception, at.exception


def test_a_surgery_without_a_date_has_no_place_in_the_course_and_is_said(tmp_path, monkeypatch):
    first, last = ANY_DAY
    undated = records.Treatment("sub-01", first, "surgery", None, extent="STR", started_by=last)
    published = [row for row in tiny_store() if not isinstance(row, records.Treatment)]
    publish.publish(tmp_path, [*published, undated])
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    words = words_of(opened("patient", patient="sub-01"))
    assert "not drawn: surgery, subtotal, on an unknown day" in words
    assert "surgery on an unknown day" in words
    assert f"{first.year}-01" not in words
    for page in ("board", "cohort", "present"):
        assert f"{first.year}-01" not in words_of(opened(page))


def test_a_treatment_without_a_date_is_named_on_paper_and_counted_under_the_figure_of_many(tmp_path, monkeypatch):
    first, last = ANY_DAY
    undated = records.Treatment("sub-01", first, "targeted", None, agent="belzutifan", started_by=last)
    publish.publish(tmp_path, [*tiny_store(), undated])
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    assert "Treatments on an unknown day are not drawn (n = 1)." in words_of(opened("cohort"))
    packet = content.gather("sub-01", shown_study())
    assert [words for head, words in packet.beside if head == "not drawn"] == ["belzutifan, on an unknown day"]


def test_scans_shifted_by_centuries_have_a_course(tmp_path, monkeypatch):
    shifted = [
        replace(row, acquired_on=row.acquired_on.replace(year=row.acquired_on.year - 700))
        if isinstance(row, records.Visit) and row.acquired_on
        else row
        for row in tiny_store()
        if not isinstance(row, records.Treatment)
    ]
    publish.publish(tmp_path, shifted)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    assert "13" in words_of(opened("patient", patient="sub-01"))


def test_the_page_of_a_made_up_study_says_so_before_and_after_its_first_run(tmp_path, monkeypatch):
    study = tmp_path / "study"
    study.mkdir()
    (study / "dataset_description.json").write_text('{"Name": "made up", "Synthetic": true}')
    (study / "participants.tsv").write_text("participant_id\nsub-01\n")
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("CORDTRACK_STUDY", str(study))
    assert "Synthetic data · Research use" in words_of(opened("study"))
    (study / "dataset_description.json").write_text('{"Name": "met"}')
    assert "Synthetic data" not in words_of(opened("study"))
