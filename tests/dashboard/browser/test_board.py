"""The tumour board: from the list to a patient and on, a meeting with its minutes, the projector (about 60 s)."""

import csv
import io
import re
import unicodedata

import numpy as np
import pypdf

from tests.dashboard.browser.driving import look, saved, settled
from tests.dashboard.pdf_print import filled


def on_paper(page):
    """The sheets that the browser prints."""
    settled(page)
    return pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages


def test_from_the_board_to_a_patient_to_the_cohort(page, server, tmp_path):
    page.goto(server)
    page.get_by_text("6 of 7 patients have an open question.").wait_for()
    look(page, tmp_path, "board")
    sheets = [sheet.extract_text() for sheet in on_paper(page)]
    assert all("last scan" in sheet for sheet in sheets if "sub-0" in sheet), "the head stands on each sheet with rows"
    words = unicodedata.normalize("NFKC", " ".join(sheets))
    for number in range(1, 8):
        assert f"sub-0{number}" in words, "every row is printed, its name whole"
    assert "function worse: modified McCormick grade 2 on 2020-01-05, 3 on 2023-04-10" in " ".join(words.split())
    assert "unsigned mask" not in words.split("state")[0], "nothing to press"

    page.get_by_role("link", name="sub-01").click()
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").first.wait_for()
    page.locator(".ct-badge", has_text="▲ growing").wait_for()
    assert page.url.endswith("/patient?patient=sub-01")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    page.locator("canvas").first.wait_for()
    assert page.get_by_text("progression from 1.1").count() == 1
    look(page, tmp_path, "patient")
    page.locator("[data-ready=true], .slices:not([hidden])").first.wait_for()
    sheets = on_paper(page)
    first = unicodedata.normalize("NFKC", sheets[0].extract_text())
    assert filled(sheets[0]) > 0.6, "the first sheet is not half empty: words fill it"
    assert "Course" not in first, "the course follows"
    pictures = [np.asarray(image.image.convert("RGB"), int) for sheet in sheets for image in sheet.images]
    scans = [picture for picture in pictures if picture[..., 0].std() > 10]
    outlined = [scan for scan in scans if ((scan[..., 0] - scan[..., 1]) > 90).sum() > 20]
    assert len(outlined) >= 2, (
        "scans are printed, not in black, with their outlines in the same picture: none covers them"
    )

    page.get_by_role("link", name="Cohort").click()
    page.get_by_text("All patients: n = 7").wait_for()
    page.locator(".js-plotly-plot").nth(3).wait_for()
    look(page, tmp_path, "cohort")
    assert page.locator("[data-title*='loud']").count() == 0, "no button that sends a figure away"


def test_filters_and_search_stay_in_the_address(page, server):
    page.goto(server)
    page.get_by_role("button", name="unsigned mask").click()
    page.get_by_role("link", name="sub-01").wait_for(state="detached")
    assert "why=unsigned" in page.url
    page.reload()
    page.get_by_role("link", name="sub-06").wait_for()
    assert page.get_by_role("link", name="sub-01").count() == 0


def test_the_board_is_walked_by_keys_sorted_by_its_heads_and_opened_by_a_click_on_a_row(page, server):
    page.goto(server)
    rows = page.locator(".ct-board.ct-rule")
    rows.nth(6).wait_for()
    settled(page)
    for _ in range(20):  # keys are listened to a moment after the rows are drawn
        page.keyboard.press("/")
        if page.evaluate("document.activeElement.placeholder") == "search":
            break
        page.wait_for_timeout(250)
    assert page.evaluate("document.activeElement.placeholder") == "search"
    page.keyboard.press("Escape")
    page.locator("[data-sort=volume]").click()
    page.wait_for_url(re.compile("sort=volume"), wait_until="commit")
    page.locator("[data-sort=volume]", has_text="↓").wait_for()
    settled(page)
    sizes = [
        float(text.split()[0]) for text in rows.locator("> div:nth-child(2)").all_inner_texts() if text[0].isdigit()
    ]
    assert sizes == sorted(sizes, reverse=True)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".ct-marked").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/patient\?patient="), wait_until="commit")

    page.goto(server)
    settled(page)
    rows.first.locator("> div").nth(1).click()
    page.wait_for_url(re.compile(r"/patient\?patient=sub-02"), wait_until="commit")


def test_keys_walk_through_the_board_and_back_returns(page, server):
    page.goto(f"{server}/patient?patient=sub-01")
    page.locator("canvas").first.wait_for()
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"\?patient=sub-03$"), wait_until="commit")
    page.get_by_text("sub-03").first.wait_for()
    page.go_back(wait_until="commit")
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").first.wait_for()
    assert page.url.endswith("?patient=sub-01")


def test_a_meeting_is_prepared_held_and_minuted(tiny_server, page, tmp_path):
    page.goto(f"{tiny_server}/?on=2024-02-01")
    for patient in ("sub-03", "sub-04"):
        page.locator(f".st-key-pick-{patient} label").click()
        page.wait_for_url(re.compile(f"pick={patient}"), wait_until="commit")
        settled(page)
    page.get_by_text("2 patients picked").wait_for()
    page.get_by_role("link", name="Present").click()
    page.get_by_text("1 of 2", exact=True).wait_for()
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("textbox", name="Note", exact=True).fill("the cyst grew, not the tumour")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("the cyst grew, not the tumour (Rita Reader)").wait_for()
    page.get_by_text("decision", exact=True).click()
    page.get_by_role("textbox", name="Note", exact=True).fill("see again in six months")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("decided: see again in six months (Rita Reader)").wait_for()

    page.get_by_role("link", name="End").click()
    page.get_by_text("2 patients picked").wait_for()
    minutes = saved(page, page.get_by_role("button", name="Minutes (CSV)").click, tmp_path / "minutes.csv")
    first, second = csv.DictReader(minutes.read_text(encoding="utf-8-sig").splitlines())
    assert (first["patient"], second["patient"]) == ("sub-03", "sub-04")
    assert first["notes"] == "the cyst grew, not the tumour (Rita Reader)"
    assert first["decisions"] == "see again in six months (Rita Reader)"
    assert (second["notes"], second["decisions"]) == ("", "")


def test_the_projector_walks_by_keys_and_clicker_wherever_the_focus_is(page, server):
    page.goto(f"{server}/present?pick=sub-03&pick=sub-04")
    page.get_by_text("1 of 2", exact=True).wait_for()
    page.get_by_role("button", name="Keep").wait_for()  # the last part of the page: then the keys are listened to
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.get_by_text("Ses-01: baseline by imsct_adapted_v1").wait_for()
    settled(page)
    page.keyboard.press("b")
    page.locator(".ct-black").wait_for()
    page.keyboard.press("Escape")
    page.locator(".ct-black").wait_for(state="detached")

    note = page.get_by_placeholder("said or decided")
    note.click()
    page.keyboard.type("b")
    assert note.input_value() == "b", "a letter belongs to the field that is written in"
    page.keyboard.press("PageUp")
    page.get_by_text("1 of 2", exact=True).wait_for()
    page.get_by_role("radio", name="decision").or_(page.get_by_role("button", name="decision")).first.click()
    page.keyboard.press("ArrowRight")
    page.get_by_text("2 of 2", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "/present" not in url)
