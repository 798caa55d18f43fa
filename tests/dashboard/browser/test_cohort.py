"""The cohort by hand: filters beside the figures, Back, a mark that leads to its patient, what is taken away (20 s)."""

from playwright.sync_api import TimeoutError as NotInTime

from tests.dashboard.browser.driving import PATIENCE_MS, saved, settled


def pointed_at(page, mark):
    """Bring the pointer to a mark as a hand does, over some way."""
    mark.scroll_into_view_if_needed()
    settled(page)
    box = mark.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 20, middle[1] + 30)
    page.mouse.move(*middle, steps=5)
    page.locator(".hoverlayer .hovertext").first.wait_for()


def test_a_mark_lights_its_line_and_leads_to_its_patient_and_back(page, server):
    page.goto(f"{server}/cohort?sex=F&sex=M")
    settled(page)
    figure = page.locator(".st-key-figure-course .js-plotly-plot")
    pointed_at(page, figure.locator(".scatterlayer .points path").last)
    pales = figure.locator(".scatterlayer .trace").evaluate_all("lines => lines.map(line => line.style.opacity)")
    assert sorted(set(pales)) == ["", "0.15"], "one line stands out"
    assert pales.count("") == 1
    page.mouse.down()
    page.mouse.up()
    try:
        page.wait_for_url("**/patient?patient=sub-*", timeout=PATIENCE_MS / 4)
    except NotInTime:  # the figure was drawn anew under the pointer: a second click, as a hand would
        pointed_at(page, figure.locator(".scatterlayer .points path").last)
        page.mouse.down()
        page.mouse.up()
        page.wait_for_url("**/patient?patient=sub-*")
    page.locator(".ct-name").wait_for()
    page.go_back()
    page.wait_for_url("**/cohort?sex=F&sex=M")
    page.get_by_text("F or M: n = 6 of 7").wait_for()


def test_filters_stand_beside_the_figures_and_a_slider_follows_back(page, server):
    page.goto(f"{server}/cohort")
    settled(page)
    page.locator("label", has_text="choose patients").click()
    page.get_by_text("n = 7 of 7").wait_for()
    oldest = page.get_by_role("slider").nth(1)
    oldest.focus()
    page.keyboard.press("Home")  # as young as the youngest
    page.get_by_text("8 to 8 years: n = 1 of 7").wait_for()
    page.get_by_text("n = 1 of 7", exact=True).wait_for()
    page.go_back()
    page.get_by_text("All patients: n = 7").wait_for()
    page.get_by_text("n = 7 of 7", exact=True).wait_for()


def test_back_takes_one_choice_after_the_other_away(page, server):
    page.goto(f"{server}/cohort")
    settled(page)
    page.locator("label", has_text="for sharing").click()
    page.wait_for_url("**/cohort?share=true", wait_until="commit")
    page.get_by_text("smaller groups left out").wait_for()
    page.locator("label", has_text="choose patients").click()
    page.wait_for_url("**/cohort?share=true&choose=true", wait_until="commit")
    page.get_by_text("Compared with").wait_for()
    page.go_back(wait_until="commit")
    page.get_by_text("Compared with").wait_for(state="hidden")
    assert page.url.endswith("/cohort?share=true")
    assert page.locator("label", has_text="for sharing").locator("input").is_checked()
    page.go_back(wait_until="commit")
    page.get_by_text("smaller groups left out").wait_for(state="hidden")
    assert page.url.endswith("/cohort")


def test_a_figure_is_taken_away_as_drawing_rows_and_sentence(page, server, tmp_path):
    page.goto(f"{server}/cohort")
    settled(page)
    menu = page.locator(".st-key-take-best_change button").first
    for kind, begins in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", b"patient_id,"), ("Parquet", b"PAR1")):
        of_rows = page.locator(f".st-key-data-best_change-{kind.lower()} button")
        button = of_rows if kind in ("CSV", "Parquet") else page.get_by_role("button", name=kind, exact=True)
        if not button.is_visible():
            menu.click()
            page.get_by_text("The sentence for the methods").wait_for()
        path = saved(page, button.click, tmp_path / f"best_change.{kind.lower()}")
        assert path.read_bytes().lstrip(b"\xef\xbb\xbf").startswith(begins), kind
