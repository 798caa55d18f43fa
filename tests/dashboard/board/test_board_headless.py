"""The board as a meeting uses it: search, reasons, picks, projector, notes and minutes (about 20 s)."""

import io
import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pypdf
import pytest

from dashboard.board import meeting
from dashboard.board.board_rows import board_rows
from dashboard.data import acts
from dashboard.packet import minutes
from dashboard.shell import page as frame
from pipeline.core import records
from pipeline.journal import act_file
from pipeline.store import publish
from tests.dashboard.app_pages.test_pages import listed, opened, text_of
from tests.dashboard.pdf_print import smallest_print
from tests.factories import ADAPTED, copy_tiny, tiny_store

DAY = date(2024, 2, 1)


@pytest.fixture
def out(tmp_path, monkeypatch):
    copy_tiny(tmp_path)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def test_the_board_is_searched_and_the_search_comes_from_the_address(tiny):
    at = opened("board")
    at = at.text_input(key="search").set_value("haemangio").run()
    assert listed(at) == ["sub-02"]
    assert listed(opened("board", search="T8")) == ["sub-05"]


@pytest.mark.parametrize(
    ("why", "expected"),
    [("overdue", ["sub-01"]), ("unsigned", ["sub-06"]), ("function", ["sub-01"]), ("failed", ["sub-07", "sub-05"])],
)
def test_patients_are_found_by_what_speaks_for_them(tiny, why, expected):
    assert listed(opened("board", why=why, on="2024-02-01")) == expected


def test_further_reasons_are_said_beside_the_first(tiny):
    text = text_of(opened("board", on="2024-02-01"))
    assert "new lesion lesion-2; progression; " in text
    told = "lesion lesion-2 first seen on 2023-04-10 (0.15\u202fmL)".replace("\u202f", " ")
    assert f"{told}; progression; lesion" not in text
    assert told in text
    assert "function worse: modified McCormick grade 2 on 2020-01-05, 3 on 2023-04-10" in text
    assert "scan overdue" in text
    assert "scan overdue" not in text_of(opened("board", on="2023-11-01"))


def test_a_change_that_is_not_of_the_whole_volume_is_explained(tiny, tmp_path, monkeypatch):
    assert "as judged" not in text_of(opened("board"))
    rows = (
        replace(row, change_ratio=1.5) if isinstance(row, records.Assessment) and row.patient_id == "sub-01" else row
        for row in tiny_store()
    )
    publish.publish(tmp_path, list(rows))
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    assert '+50\u202f% <abbr title="the change that the rule compared, where that is not' in text_of(opened("board"))


def test_picks_are_kept_in_the_address_and_lead_the_projector(out):
    at = opened("board")
    at = at.checkbox(key="pick-sub-03").check().run()
    at = at.checkbox(key="pick-sub-04").check().run()
    assert at.query_params["pick"] == ["sub-03", "sub-04"]
    at = opened("present", pick=["sub-03", "sub-04"], on="2024-02-01")
    text = text_of(at)
    assert "sub-03" in text
    assert "1 of 2" in text
    at = at.button(key="present-Right").click().run()
    assert at.query_params["at"] == "sub-04"
    assert "2 of 2" in text_of(at)
    assert at.button(key="present-Right").disabled


def test_without_picks_the_projector_shows_who_needs_a_decision(tiny):
    assert "1 of 6" in text_of(opened("present"))


def test_a_note_goes_into_the_journal_and_the_minutes(out):
    at = opened("present", pick="sub-03", on="2024-02-01")
    at.text_input(key="who").set_value("Rita").run()
    field = next(box for box in at.text_input if box.label == "Note")
    field.set_value("=wait, <b>scan</b> in 3 months")
    at = next(button for button in at.button if button.label == "Keep").click().run()
    assert not at.exception
    entry = act_file.read(out).entries[0]
    assert (entry.act, entry.patient_id, entry.who) == ("note", "sub-03", "Rita")
    assert (entry.reason, entry.meeting_on) == ("=wait, <b>scan</b> in 3 months", DAY)
    assert acts.pending("sub-03", (entry,)) == 0
    comment = replace(entry, entry_id="other", act="comment", meeting_on=None)
    assert acts.pending("sub-03", (comment,)) == 0
    assert acts.pending("sub-03", (comment, replace(comment, entry_id="third", act="exclude_visit"))) == 1
    assert "=wait, &lt;b&gt;scan&lt;/b&gt; in 3 months (Rita)" in text_of(at)

    rows = board_rows(ADAPTED, DAY)
    table = meeting.rows(rows[rows["patient_id"] == "sub-03"], DAY)
    assert table.loc[0, "notes"] == "=wait, <b>scan</b> in 3 months (Rita)"
    assert meeting.rows(rows, date(2024, 2, 2))[["notes", "decisions"]].eq("").all(axis=None)


def test_a_note_without_a_name_is_not_lost(out):
    at = opened("present", pick="sub-03", on="2024-02-01")
    next(box for box in at.text_input if box.label == "Note").set_value("wait")
    at = next(button for button in at.button if button.label == "Keep").click().run()
    assert "Your name, please" in at.error[0].value
    assert next(box for box in at.text_input if box.label == "Note").value == "wait"
    at.text_input(key="who").set_value("Rita").run()
    at = next(button for button in at.button if button.label == "Keep").click().run()
    assert [entry.reason for entry in act_file.read(out).entries] == ["wait"]
    assert next(box for box in at.text_input if box.label == "Note").value == ""


def test_paper_says_as_much_as_the_table(tiny):
    table = meeting.rows(board_rows(ADAPTED, DAY), DAY)
    long = "growth of lesion L2; " * 40
    for _, row in table.assign(**{"why discussed": long}).iterrows():
        printed = dict(zip(meeting.PRINTED, meeting._printed(row.to_dict()), strict=True))
        assert printed["why discussed"] == long, "no reason is cut off"
        assert printed["sentence"] == row["sentence"]
        assert str(row["diagnosis"]).split(", ")[0] in printed["patient"]


def test_the_minutes_are_read_back_from_the_pdf(tiny):
    table = meeting.rows(board_rows(ADAPTED, DAY), DAY).map(str)
    around = minutes.Meeting(
        "Tumour board of 2024-02-01", "Dr Alder, Dr Birch", frame.provenance(frame.study()), "2024-02-02"
    )
    pages = pypdf.PdfReader(io.BytesIO(minutes.pdf(around, list(table.columns), table.to_numpy().tolist()))).pages
    assert smallest_print(pages) >= 8.0, "readable at arm's length"
    text = " ".join(page.extract_text() for page in pages)
    for words in (
        "44 ependymoma, grade 2",
        "2023-10-10",
        "attendees Dr Alder, Dr Birch",
        "chair, signature",
        "printed 2024-02-02",
        "Tumour board of 2024-02-01",
        "sub-07",
        "▲ growing",
        "△ possible growth, provisional",
        "Synthetic data",
    ):
        assert words in " ".join(text.split()), words


def test_a_word_longer_than_its_column_is_printed_over_nothing():
    around = minutes.Meeting("Tumour board of 2024-02-01", "", "", "2024-02-02")
    cells = dict.fromkeys(meeting.PRINTED, "words") | {"notes": "n" * 300, "decisions": "d" * 300}
    (page,) = pypdf.PdfReader(io.BytesIO(minutes.pdf(around, meeting.PRINTED, [list(cells.values())]))).pages
    text = page.extract_text().replace("\u200b", "")
    longest = max(len(line) for letter in "nd" for line in re.findall(f"{letter}{{4,}}", text))
    assert longest < 40, "it goes on in the next line"
    assert (text.count("n" * 10), text.count("d" * 10)) > (10, 10), "and nothing of it is missing"


def test_formulas_in_notes_do_nothing_in_a_spreadsheet(out):
    from dashboard.data import queries  # noqa: PLC0415  # the module under test

    table = pd.DataFrame([["sub-01", "=1+1"]], columns=["patient", "notes"])
    assert "\n=1" not in queries.csv(table).decode()
    assert ",=1" not in queries.csv(table).decode()
