"""From the ward to the board without a terminal: two discs of one person, treatment, a run, an outline, the packet."""

import json
import re

import pypdf
import pytest
from playwright.sync_api import expect

from tests.dashboard.browser.driving import PATIENCE_MS, look, saved, settled
from tests.dashboard.browser.served_study import add_row, opened, signed_in
from tests.dashboard.browser.test_first_mask import click_at, open_sketch
from tests.service import brought_person


def lines_of(path):
    """The entries of a file of the journal."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def dropped(page, files, folder, name):
    """Drop files, have them looked through and added, and return the person they are of."""
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)
    settled(page)
    page.get_by_role("button", name="Look through them").click()
    add = page.get_by_role("button", name="Add 1 series")
    add.wait_for(timeout=4 * PATIENCE_MS)  # a worker starts, and reads what was brought
    settled(page)
    look(page, folder, f"looked-{name}")
    person = page.locator("tr", has_text="T2w").locator("td").nth(1).inner_text()
    add.click()
    page.get_by_text(f"1 file is added to the study: {person} ses-{name.replace('-', '')}.").wait_for()
    settled(page)
    return person


def run_until(page, button, words):
    """Ask for a run, and wait for what is then said."""
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_text(words).first.wait_for(timeout=4 * PATIENCE_MS)
    settled(page)


def sketch_that_a_link_opened(page):
    """Return the drawing that is open already, and its sagittal picture."""
    sketch = page.locator(".sketch")
    expect(sketch).to_have_attribute("data-ready", "true", timeout=PATIENCE_MS)
    assert "draw=" not in page.url, "a reload or Back does not open it again"
    sagittal = sketch.locator("canvas").first
    sagittal.scroll_into_view_if_needed()
    return sketch, sagittal


def outline(page, folder, name, open_one=open_sketch):
    """Draw the tumour of the scan shown from one click, and put it on record; return its voxels."""
    sketch, sagittal = open_one(page)
    click_at(page, sagittal)  # it opens on the middle of the cord, where the lesion is
    expect(sketch).to_have_attribute("data-answered", "1", timeout=PATIENCE_MS)
    voxels = int(sketch.get_attribute("data-voxels"))
    look(page, folder, f"outlined-{name}")
    page.keyboard.press("Enter")
    page.get_by_text("It fits the scan.").wait_for()
    page.get_by_role("textbox", name="Reason").last.fill(f"outline of the {name} scan")
    page.get_by_role("button", name="Measure this mask").click()
    page.get_by_text(f"outline of the {name} scan").last.wait_for()
    return voxels


def everything_on_record_bears_the_name_of_who_signed_in(out):
    """Hold acts, tables and deliveries against the verified identity."""
    on_record = lines_of(out / "journal" / "acts.jsonl")
    assert [entry["act"] for entry in on_record] == ["correct_mask", "correct_mask", "accept_mask"]
    (table,) = lines_of(out / "journal" / "tables.jsonl")
    everything = [*on_record, table, *lines_of(out / "journal" / "deliveries.jsonl")]
    assert {entry["who"] for entry in everything} == {"E. Ditor"}
    assert all(entry["identity"].endswith(" ed") for entry in everything)


def test_from_two_discs_to_the_packet(chromium, workbench, tmp_path):
    _, out, address = workbench
    page = opened(chromium)
    signed_in(page, address, "ed")
    page.get_by_text("This study is empty").wait_for()
    settled(page)
    look(page, tmp_path, "empty")
    first, truth = brought_person.as_zip(tmp_path / "first")
    second, grown = brought_person.as_files(tmp_path / "second")
    person = dropped(page, first, tmp_path, "2020-02-17")
    assert dropped(page, second, tmp_path, "2021-03-01") == person, "one person, two discs"
    add_row(page, "Treatments", [person, "2020-03-20", "", "surgery", "STR"])
    page.get_by_role("tabpanel", name="Treatments").get_by_role("button", name="Save").click()
    page.get_by_text("treatments.tsv is saved").wait_for()
    settled(page)
    look(page, tmp_path, "treated")
    run_until(page, "Run", "1 patient computed, results published")
    look(page, tmp_path, "ran")

    page.get_by_role("link", name=f"Draw the tumour of {person}").first.click()
    page.get_by_text("This visit has no mask that is measured.").wait_for()
    settled(page)
    first_voxels = outline(page, tmp_path, "first", sketch_that_a_link_opened)
    assert first_voxels == pytest.approx(int(truth.array.sum()), rel=0.4)
    page.goto(f"{address}/patient?patient={person}&now=ses-20210301")
    page.get_by_text("1 decision not yet in the results shown.").wait_for()
    settled(page)
    assert outline(page, tmp_path, "second") == pytest.approx(int(grown.array.sum()), rel=0.4)
    run_until(page, "Update now", "Measured masks: tumour (edited by hand)")
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("E. Ditor, accepted the mask").wait_for()
    run_until(page, "Update now", re.compile("^all masks signed$"))
    page.get_by_text("not yet in the results shown").wait_for(state="detached", timeout=4 * PATIENCE_MS)
    settled(page)
    look(page, tmp_path, "signed")
    packet = saved(page, page.get_by_role("button", name="Packet (PDF)").click, tmp_path / "packet.pdf")
    words = " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(packet).pages)
    assert person in words
    assert "outline of the second scan" in words
    page.get_by_role("link", name="Board").click()
    page.get_by_role("link", name=person).first.wait_for()
    settled(page)
    look(page, tmp_path, "board")
    page.context.close()
    everything_on_record_bears_the_name_of_who_signed_in(out)
