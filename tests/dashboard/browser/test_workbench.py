"""From an empty study to a judged patient without a terminal, and who is let in to do it. 120 s."""

import json
import os
import subprocess
import sys
import time

import pytest

from tests.dashboard.browser.driving import PATIENCE_MS, look, settled
from tests.page_visit import free_port, wait_until_healthy
from tests.places import ROOT
from tests.small_sample import two_visits

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOW = int(time.time())
PEOPLE = {
    "other": {"name": "O. Ther", "groups": ["ward"], "aud": ["another client"]},
    "party": {"name": "P. Arty", "groups": ["ward"], "aud": ["another client"], "azp": "cordtrack"},
    "expired": {"name": "E. Xpired", "groups": ["ward"], "exp": NOW - 600},
    "old": {"name": "O. Ld", "groups": ["ward"], "iat": NOW - 11 * 3600},
    "ed": {"name": "E. Ditor", "groups": ["office", "board"]},
    "reader": {"name": "R. Eader", "groups": ["ward"]},
    "nobody": {"name": "N. Obody", "groups": ["kitchen"]},
}
SIGN_IN = """[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a secret of the pages that is long enough"
client_id = "cordtrack"
client_secret = "x"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
[roles]
claim = "groups"
reader = ["ward"]
signer = ["board"]
editor = ["office"]
revoked = []
"""


@pytest.fixture(scope="module")
def provider():
    """A provider of OpenID Connect on this machine."""
    mock = pytest.importorskip("oidc_provider_mock")
    users = [mock.User(sub=sub, claims=claims) for sub, claims in PEOPLE.items()]
    with mock.run_server_in_thread(port=0, user_claims=users) as server:
        yield server.server_port


@pytest.fixture(scope="module")
def workbench(provider, tmp_path_factory):
    """An empty study, served: its folders and its address."""
    place, port = tmp_path_factory.mktemp("workbench"), free_port()
    (place / "sign_in.toml").write_text(SIGN_IN.format(port=port, provider=provider), encoding="utf-8")
    study, out = place / "study", place / "out"
    command = [sys.executable, "-P", "-m", "pipeline", "serve", str(study), str(out), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--sign-in", str(place / "sign_in.toml")], env=environment, stdout=log, stderr=log
        )
    wait_until_healthy(f"http://127.0.0.1:{port}", server, place / "log")
    yield study, out, f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=60)


def signed_in(page, address, who):
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()
    page.wait_for_url(f"{address}/**")


def test_whoever_has_no_role_sees_nothing_and_a_reader_changes_nothing(chromium, workbench):
    study, _, address = workbench
    for who, words in (("nobody", "N. Obody has no role here"), ("reader", "This study is empty")):
        page = chromium.new_context().new_page()
        page.set_default_timeout(PATIENCE_MS)
        signed_in(page, address, who)
        page.get_by_text(words).wait_for()
        if who == "reader":
            page.get_by_role("button", name="Use the sample study").click()
            page.get_by_text("R. Eader may not change the study's tables and scans").wait_for()
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
    page = chromium.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    signed_in(page, workbench[2], who)
    page.get_by_text(words).wait_for()
    assert page.get_by_role("link", name="Board").count() == 0
    page.context.close()


def test_a_role_taken_away_ends_the_session_and_what_was_typed_comes_back(chromium, workbench):
    study, _, address = workbench
    file = study.with_name("sign_in.toml")
    rules = file.read_text(encoding="utf-8")
    page = chromium.new_context(viewport={"width": 1480, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    signed_in(page, address, "ed")
    page.get_by_text("This study is empty").wait_for()
    settled(page)
    _add_row(page, "sub-typed")
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
    context = chromium.new_context(viewport={"width": 1480, "height": 1000})
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


def test_from_an_empty_study_to_a_judged_patient(chromium, workbench, tmp_path):
    study, out, address = workbench
    page = chromium.new_context(viewport={"width": 1480, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    signed_in(page, address, "ed")
    page.get_by_text("This study is empty").wait_for()
    settled(page)
    assert page.get_by_label("Your name").count() == 0
    _add_row(page, "sub-demo01")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("participants.tsv is saved").wait_for()
    (change,) = map(json.loads, (out / "journal" / "tables.jsonl").read_text(encoding="utf-8").splitlines())
    assert (change["who"], change["table"]) == ("E. Ditor", "participants.tsv")
    assert change["identity"].endswith(" ed")
    _deliver(two_visits(tmp_path / "delivered"), study)
    page.reload()
    page.get_by_text("1 patient; visits: 2 with a mask").wait_for()
    look(page, tmp_path, "before")
    run = page.get_by_role("button", name="Run", exact=True)
    run.click()
    page.get_by_text("The run is asked for").wait_for()
    run.click()
    page.get_by_text("was asked for already, by E. Ditor").wait_for()
    page.get_by_text("1 patient computed, results published").first.wait_for(timeout=3 * PATIENCE_MS)
    assert len(list((out / "queue" / "jobs").iterdir())) == 1
    look(page, tmp_path, "after")
    page.get_by_role("link", name="Board").click()
    page.get_by_role("link", name="sub-demo01").first.wait_for()
    page.goto(f"{address}/patient?patient=sub-demo01")
    page.get_by_text("Sign-off").first.wait_for()
    opened = next((out / "access").glob("*.jsonl")).read_text(encoding="utf-8")
    assert '"who": "E. Ditor"' in opened
    assert '"patient_id": "sub-demo01"' in opened


def _add_row(page, text):
    """Type the first cell of a new row of the first form."""
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    before = grid.bounding_box()
    place = before["x"] + 90, before["y"] + 52  # the first cell below the header: first the row that adds one
    page.mouse.click(*place)
    page.wait_for_function(
        "height => document.querySelector('[data-testid=stDataFrame]').getBoundingClientRect().height > height + 10",
        arg=before["height"],
    )
    settled(page)
    editor = page.locator("#portal textarea, #portal input").first
    page.mouse.dblclick(*place)
    editor.wait_for()
    editor.fill(text)
    editor.press("Enter")
    grid.get_by_text(text).first.wait_for(state="attached")  # the words of the canvas, for who cannot see it
    settled(page)


def _deliver(delivered, study):
    """Put scans and masks into the study, as somebody does who copies a folder."""
    for path in sorted(delivered.rglob("*")):
        if path.is_file():
            target = study / path.relative_to(delivered)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
