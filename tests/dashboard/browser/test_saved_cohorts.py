"""A cohort is saved under a name, found again and opened (about 15 s)."""

from pipeline.journal import cohort_file as cohorts


def test_cohorts_are_saved_listed_and_opened(tiny_server, page, tiny_copy):
    for parameters, name in (("centre=South", "Southern"), ("radiotherapy=no", "Unirradiated")):
        page.goto(f"{tiny_server}/cohort?{parameters}")
        page.get_by_role("button", name="Saved cohorts").click()
        page.get_by_placeholder("your name").fill("A. Reader")
        page.get_by_placeholder("a name for:").fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text(f"Saved: {name}").wait_for()
    page.get_by_role("link", name="Southern").click()
    page.get_by_text("South: n = 3 of 7").wait_for()
    assert [one.patient_count for one in cohorts.read(tiny_copy).cohorts] == [3, 5]
