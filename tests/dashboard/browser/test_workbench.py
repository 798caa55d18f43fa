"""Who is let in to a study that is served, and what becomes of a session whose role or token ends. 60 s."""

import pytest

from tests.dashboard.browser.driving import PATIENCE_MS, STILL, settled
from tests.dashboard.browser.served_study import add_row, opened, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_whoever_has_no_role_sees_nothing_and_a_reader_changes_nothing(chromium, workbench):
    study, _, address = workbench
    for who, words in (("nobody", "N. Obody has no role here"), ("reader", "This study is empty")):
        page = opened(chromium)
        signed_in(page, address, who)
        page.get_by_text(words).wait_for()
        if who == "reader":
            page.get_by_text("Taking the sample study needs the role editor").wait_for()
            settled(page)
            assert page.get_by_role("button", name="Use the sample study").count() == 0
            page.get_by_role("button", name="sign out").click()
            page.wait_for_url("**/end_session**")  # the provider ends its session too
            page.goto(address)
            page.get_by_text("Please sign in").wait_for()
        else:
            assert page.get_by_role("link", name="Board").count() == 0
        page.context.close()
    assert not any(study.iterdir())


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("other", "Please sign in"), ("expired", "Please sign in"),  # refused as the token comes
        ("party", "over or was taken away"), ("old", "over or was taken away"),
    ],
)  # fmt: skip
def test_a_token_for_others_or_of_before_lets_nobody_in(chromium, workbench, who, words):
    page = opened(chromium)
    signed_in(page, workbench[2], who)
    page.get_by_text(words).wait_for()
    assert page.get_by_role("link", name="Board").count() == 0
    page.context.close()


def test_a_role_taken_away_ends_the_session_and_what_was_typed_comes_back(chromium, workbench):
    study, _, address = workbench
    file = study.with_name("sign_in.toml")
    rules = file.read_text(encoding="utf-8")
    page = opened(chromium)
    signed_in(page, address, "ed")
    page.get_by_text("This study is empty").wait_for()
    settled(page)
    add_row(page, "People", ["sub-typed"])
    file.write_text(rules.replace("revoked = []", 'revoked = ["ed"]'), encoding="utf-8")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("over or was taken away").wait_for()
    assert not (study / "participants.tsv").exists()
    file.write_text(rules, encoding="utf-8")
    page.goto(address)
    page.get_by_text("What you had typed").wait_for()
    page.get_by_test_id("stDataFrame").first.get_by_text("sub-typed").first.wait_for(state="attached")
    assert not (study / "participants.tsv").exists()
    page.context.close()


def test_who_signs_out_in_one_tab_is_out_in_the_other(chromium, workbench):
    _, _, address = workbench
    context = chromium.new_context(viewport={"width": 1480, "height": 1000}, reduced_motion=STILL)
    one, other = context.new_page(), context.new_page()
    for page in (one, other):
        page.set_default_timeout(PATIENCE_MS)
    signed_in(one, address, "ed")
    one.get_by_text("This study is empty").wait_for()
    other.goto(address)
    other.get_by_text("This study is empty").wait_for()
    settled(other)
    one.get_by_role("button", name="sign out").click()
    one.wait_for_url("**/end_session**")
    other.get_by_role("button", name="Use the sample study").click()
    other.get_by_role("button", name="Sign in").wait_for()
    assert not any(workbench[0].iterdir())
    context.close()
