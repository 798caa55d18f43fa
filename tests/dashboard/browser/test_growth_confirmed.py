"""Growth found and confirmed, from the Board to a final call, on a study that the pipeline really ran (about 90 s).

One patient of the sample study with two visits; the mask of the later one stands in a folder that no person drew.
"""

import shutil
import subprocess
import sys

import pypdf
import pytest

from tests.dashboard.browser.driving import ROOT, saved, serve

SAMPLE = ROOT / "sample_data" / "study"
PATIENT, EARLIER, LATER, LATER_DAY = "sub-demo02", "ses-01", "ses-05", "2023-04-11"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two visits of one patient; the later mask is a program's."""
    study = tmp_path_factory.mktemp("growing") / "study"
    for session in (EARLIER, LATER):
        shutil.copytree(SAMPLE / PATIENT / session, study / PATIENT / session)
        source = "reader" if session == EARLIER else "program"
        shutil.copytree(
            SAMPLE / "derivatives" / "reader" / PATIENT / session, study / "derivatives" / source / PATIENT / session
        )
        shutil.copy(SAMPLE / "derivatives" / "reader" / "dseg.tsv", study / "derivatives" / source)
    for sidecar in (study / "derivatives" / "program").rglob("*.json"):
        sidecar.unlink()
    described = '{"Name": "masks of a program", "GeneratedBy": [{"Name": "a program"}]}'
    (study / "derivatives" / "program" / "dataset_description.json").write_text(described, encoding="utf-8")
    shutil.copy(SAMPLE / "derivatives" / "reader" / "dataset_description.json", study / "derivatives" / "reader")
    shutil.copy(SAMPLE / "dataset_description.json", study)
    for table in ("participants.tsv", "treatments.tsv", f"{PATIENT}/{PATIENT}_sessions.tsv"):
        head, *rows = (SAMPLE / table).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if row.startswith((PATIENT, EARLIER, LATER))]
        (study / table).write_text("".join([head, *kept]), encoding="utf-8")
    return study


@pytest.fixture(scope="module")
def out(study):
    out = study.parent / "out"
    command = [sys.executable, "-m", "pipeline", "run", str(study), str(out), "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture
def own_server(out):
    yield from serve(out)


def test_possible_growth_is_seen_checked_accepted_and_becomes_final(own_server, page, tmp_path):
    page.set_default_timeout(240_000)  # the update runs the pipeline
    page.goto(own_server)
    page.get_by_text("1 of 1 patient needs a decision.").wait_for()
    page.get_by_text("△ possible growth").first.wait_for()
    page.get_by_text("provisional", exact=True).wait_for()

    page.get_by_role("link", name=PATIENT).click()
    page.locator(".ct-badge", has_text="possible growth").wait_for()
    page.get_by_text("Provisional, on automatic masks that nobody signed").wait_for()
    page.locator("[data-ready=true], .slices:not([hidden])").first.wait_for()
    mark = page.locator(".js-plotly-plot .scatterlayer .point").last
    mark.wait_for()
    assert page.get_by_role("combobox", name="Later").input_value() == LATER_DAY
    page.locator(".ct-numbers summary").nth(3).click()
    page.get_by_text("mask automatic: derivatives/program").wait_for()

    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("1 decision waits for the next run").wait_for()
    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Done: the page shows the new results.").wait_for()
    page.get_by_text("Provisional, on automatic masks that nobody signed").wait_for(state="detached")
    assert page.locator(".ct-standing", has_text="provisional").count() == 0
    page.locator(".ct-badge", has_text="possible growth").wait_for()

    packet = saved(page, page.get_by_role("button", name="Packet (PDF)").click, tmp_path / "packet.pdf")
    text = " ".join(pypdf.PdfReader(packet).pages[0].extract_text().split())
    assert "Rita Reader, accept mask" in text
    assert "rovisional" not in text
