"""A cell of the study's table of people: as editor, as reader, loaded anew, and with the role taken away. 90 s."""

from playwright.sync_api import expect

from tests.dashboard.browser.driving import look, settled
from tests.dashboard.browser.served_study import add_row, fill_cell, opened, signed_in

AGE = 2
"""Number of the column."""


def form_of_people(page, address):
    """Open the form, and return it with its grid and the place of its first cell."""
    page.goto(f"{address}/study")
    form = page.get_by_role("tabpanel", name="People", exact=True)
    grid = form.get_by_test_id("stDataFrame")
    grid.wait_for()
    settled(page)
    grid.evaluate("each => each.scrollIntoView({block: 'center'})")
    box = grid.bounding_box()
    return form, grid, (box["x"] + 90, box["y"] + 52)


def with_age(page, address, text):
    """Type an age into the first row, and return the button that saves."""
    form, grid, place = form_of_people(page, address)
    fill_cell(page, grid, place, AGE, text)
    return form.get_by_role("button", name="Save")


def test_cells_follow_the_role(chromium, workbench, tmp_path):
    study, _, address = workbench
    table = study / "participants.tsv"
    ed = opened(chromium)
    signed_in(ed, address, "ed")
    ed.get_by_text("This study is empty").wait_for()
    settled(ed)
    add_row(ed, "People", ["sub-01", "F"])
    ed.get_by_role("tabpanel", name="People").get_by_role("button", name="Save").click()
    ed.get_by_text("participants.tsv is saved").wait_for()
    with_age(ed, address, "44").click()
    ed.get_by_text("participants.tsv is saved").wait_for()
    as_edited = table.read_text(encoding="utf-8")
    assert as_edited.splitlines()[1].split("\t")[:3] == ["sub-01", "F", "44"]
    look(ed, tmp_path, "editor")
    a_reader_types_nothing(opened(chromium), address, tmp_path)
    whoever_sees_some_patients_is_shown_no_page_of_the_study(opened(chromium), address, tmp_path)

    with_age(ed, address, "55")
    the_window_loaded_anew_has_what_was_typed(ed, tmp_path)
    save = ed.get_by_role("tabpanel", name="People").get_by_role("button", name="Save")
    file = study.with_name("sign_in.toml")
    rules = file.read_text(encoding="utf-8")
    file.write_text(rules.replace('editor = ["office"]', 'editor = ["elsewhere"]'), encoding="utf-8")
    save.click()
    ed.get_by_text("may not change the study's tables").wait_for()
    settled(ed)
    look(ed, tmp_path, "taken-away")
    expect(ed.get_by_role("tabpanel", name="People").get_by_role("button", name="Save")).to_have_count(0)
    assert table.read_text(encoding="utf-8") == as_edited


def the_window_loaded_anew_has_what_was_typed(page, folder):
    page.reload()
    page.get_by_text("before this page was loaded anew").wait_for()
    settled(page)
    grid = page.get_by_role("tabpanel", name="People", exact=True).get_by_test_id("stDataFrame")
    expect(grid.get_by_text("55", exact=True)).to_have_count(1)
    look(page, folder, "loaded-anew")
    other = page.context.new_page()  # the same person in another window: what is typed here is not theirs there
    other.goto(page.url)
    other.get_by_role("tabpanel", name="People", exact=True).get_by_test_id("stDataFrame").wait_for()
    settled(other)
    expect(other.get_by_text("before this page was loaded anew")).to_have_count(0)
    other.close()


def a_reader_types_nothing(page, address, folder):
    signed_in(page, address, "reader")
    form, grid, place = form_of_people(page, address)
    page.mouse.dblclick(*place)
    page.wait_for_timeout(1000)
    page.keyboard.type("sub-99")  # a cell that is looked at closer opens, and takes nothing
    page.keyboard.press("Enter")
    settled(page)
    expect(grid.get_by_text("sub-99", exact=True)).to_have_count(0)
    look(page, folder, "reader")
    expect(form.get_by_role("button", name="Save")).to_have_count(0)
    expect(grid.get_by_text("sub-01", exact=True)).to_have_count(1)
    page.context.close()


def whoever_sees_some_patients_is_shown_no_page_of_the_study(page, address, folder):
    signed_in(page, address, "guest")
    page.get_by_role("link", name="Board").wait_for()
    page.get_by_text("Whoever may see all patients makes results").wait_for()
    expect(page.get_by_role("link", name="Study", exact=True)).to_have_count(0)
    look(page, folder, "guest")
    page.goto(f"{address}/study")
    page.get_by_text("G. Uest may see some of the patients only").wait_for()
    page.context.close()
