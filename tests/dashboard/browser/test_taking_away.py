"""What is taken away: the packet, figures and the rows behind them, the link to a view (about 40 s)."""

import re

import pandas as pd
import pypdf

from tests.dashboard.browser.driving import HERE, saved, settled, tab_to


def test_the_packet_is_downloaded_and_read_back(page, server, tmp_path):
    page.goto(f"{server}/patient?patient=sub-01&plain=1")
    packet = saved(page, page.get_by_role("button", name="Packet (PDF)").click, tmp_path / "packet.pdf")
    pages = pypdf.PdfReader(packet).pages
    text = " ".join(pages[0].extract_text().split())
    assert len(pages) in (2, 3)
    assert "Ses-05: progression by imsct_adapted_v1" in text
    assert "Synthetic data · Research use, not for treatment decisions" in text
    assert "/patient?patient=sub-01&plain=1" in text, "the page leads back to this view"


def test_the_packet_as_a_web_page_stands_alone(page, server, chromium, tmp_path):
    page.goto(f"{server}/patient?patient=sub-01&plain=1")
    packet = saved(page, page.get_by_role("button", name="Packet (HTML)").click, tmp_path / "packet.html")
    alone = chromium.new_page(offline=True)
    asked = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(packet.as_uri())
    alone.get_by_text("Ses-05: progression by imsct_adapted_v1").first.wait_for()
    drawings = "[...document.images].map(image => image.naturalWidth > 0)"
    assert alone.evaluate(drawings) == [True, True]
    alone.close()
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    assert HERE[0] not in re.sub("This view: .*", "", packet.read_text(encoding="utf-8"))


def test_from_a_question_about_a_cohort_to_the_data_of_its_figure(page, server, tmp_path):
    page.goto(f"{server}/cohort?histology=ependymoma")
    page.get_by_text("Ependymoma: n = 3 of 7").wait_for()
    settled(page)
    page.locator(".st-key-take-time_to_progression button").first.click()
    rows_of_it = page.locator(".st-key-data-time_to_progression-csv button")
    table = saved(page, rows_of_it.click, tmp_path / "figure.csv")
    assert set(pd.read_csv(table)["patient_id"]) == {"sub-01", "sub-03"}, "whoever has a time to progression"


def test_a_figure_is_saved_as_a_picture_for_print(page, server, tmp_path):
    page.goto(f"{server}/cohort?png=true")
    figure = page.locator(".st-key-figure-time_to_progression .js-plotly-plot")
    figure.locator(".main-svg").first.wait_for()
    figure.hover()
    with page.expect_download() as started:
        figure.locator("[data-title*='Download']").click()
    assert started.value.suggested_filename == "figure-time_to_progression.png"
    started.value.save_as(tmp_path / "figure.png")
    content = (tmp_path / "figure.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20]) > 1500, "pixels across, three for each on screen"
    page.goto(f"{server}/cohort")
    figure.locator(".main-svg").first.wait_for()
    figure.hover()
    with page.expect_download() as started:
        figure.locator("[data-title*='Download']").click()
    assert started.value.suggested_filename == "figure-time_to_progression.svg"


def test_the_address_restores_what_was_seen(page, server):
    page.goto(f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04&axis=linear&tab=All+volumes")
    for _ in range(2):
        page.locator("canvas").first.wait_for()
        assert page.get_by_role("combobox", name="Earlier").input_value() == "2020-04-10"
        assert page.get_by_role("combobox", name="Later").input_value() == "2022-04-10"
        assert page.get_by_role("radio", name="linear").get_attribute("aria-checked") == "true"
        page.get_by_role("tab", name="All volumes", selected=True).wait_for()
        page.locator(".ct-all").first.wait_for()
        page.reload()
    page.get_by_role("button", name="Link to this view").click()
    page.get_by_text("/patient?patient=sub-01&then=ses-02&now=ses-04&axis=linear").wait_for()


def test_a_click_on_a_mark_shows_its_scan(page, server):
    page.goto(f"{server}/patient?patient=sub-01&then=ses-02&now=ses-04")
    mark = page.locator(".js-plotly-plot .scatterlayer .point").nth(2)
    mark.wait_for()
    mark.click(force=True)
    page.wait_for_url(re.compile("now=ses-0[1235]"), wait_until="commit")


def test_everything_is_reached_without_a_mouse(page, server):
    page.goto(f"{server}/?search=sub-01")
    page.get_by_role("link", name="sub-01").wait_for()
    tab_to(page, "element => element.tagName === 'A' && element.innerText.includes('sub-01')")
    page.keyboard.press("Enter")
    page.get_by_text("Ses-05: progression by imsct_adapted_v1").first.wait_for()
    page.locator("[data-ready=true], .slices:not([hidden])").first.wait_for()
    tab_to(page, "element => element.tagName === 'SUMMARY'")
    page.keyboard.press("Enter")
    page.get_by_text("mask drawn by hand: derivatives/reader1/").first.wait_for()
    tab_to(page, "element => element.tagName === 'CANVAS'")
    page.keyboard.press("a")
