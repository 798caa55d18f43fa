"""Growth found, confirmed by a later scan, signed, and final on the Board: on a study that the pipeline really ran.

One patient of the sample study; masks of the two later visits stand in a folder that no person drew (two minutes).
"""

import shutil

import numpy as np
import pytest
from scipy import ndimage

from pipeline.files import images
from tests.command import cordtrack
from tests.dashboard.browser.driving import ROOT, look, settled

SAMPLE = ROOT / "sample_data" / "study"
PATIENT = "sub-demo02"
BASELINE, GROWN, CONFIRMING = "ses-01", "ses-05", "ses-06"
GROWN_DAY, CONFIRMING_DAY = "2023-04-11", "2023-10-17"
SOURCES = {BASELINE: "reader", GROWN: "program", CONFIRMING: "program"}
SAYS_WHO = {"reader": '{"Name": "manual"}', "program": '{"Name": "a program"}'}
PATIENCE_MS = 300_000
"""The page's own update runs the pipeline, perhaps beside other tests."""
UNSIGNED = "Provisional: the call rests on an automatic mask that nobody signed."


def add_visit(study, session):
    """Put a visit's T2w scan and mask into the study, and its day into the table; nothing else changes."""
    anat = study / PATIENT / session / "anat"
    anat.mkdir(parents=True)
    for scan in (SAMPLE / PATIENT / session / "anat").glob("*_T2w.*"):
        shutil.copy(scan, anat)
    source = study / "derivatives" / SOURCES[session]
    drawn = source / PATIENT / session / "anat"
    drawn.mkdir(parents=True)
    for mask in (SAMPLE / "derivatives" / "reader" / PATIENT / session / "anat").glob("*.nii.gz"):
        as_drawn = images.load(mask)
        images.save(grown(as_drawn) if session == CONFIRMING else as_drawn, drawn / mask.name)
    shutil.copy(SAMPLE / "derivatives" / "reader" / "dseg.tsv", source)
    (source / "dataset_description.json").write_text(
        f'{{"Name": "masks", "GeneratedBy": [{SAYS_WHO[source.name]}]}}', encoding="utf-8"
    )
    keep_rows(study, f"{PATIENT}/{PATIENT}_sessions.tsv", lambda row: (study / PATIENT / row.split("\t")[0]).is_dir())


def grown(drawn):
    """Return a mask whose tumour is a voxel wider, so that its growth exceeds the error of a program's mask."""
    tumour = ndimage.binary_dilation(drawn.array == 1, np.ones((3, 3, 1)))
    return drawn.with_array(np.where(tumour, 1, drawn.array).astype(np.uint8))


def keep_rows(study, table, is_kept):
    head, *rows = (SAMPLE / table).read_text(encoding="utf-8").splitlines(keepends=True)
    (study / table).write_text("".join([head, *filter(is_kept, rows)]), encoding="utf-8")


@pytest.fixture
def study(tmp_path):
    """A scan to start from, and one at which the tumour has grown."""
    study = tmp_path / "study"
    for session in (BASELINE, GROWN):
        add_visit(study, session)
    shutil.copy(SAMPLE / "dataset_description.json", study)
    for table in ("participants.tsv", "treatments.tsv"):
        keep_rows(study, table, lambda row: row.startswith(PATIENT))
    return study


@pytest.fixture
def out(study):
    out = study.parent / "out"
    cordtrack("run", study, out, "--jobs", "1")
    return out


@pytest.fixture
def own_server(shown, out):
    return shown(out)


def test_growth_is_found_confirmed_by_the_next_scan_signed_and_final_on_the_board(
    own_server, page, study, out, tmp_path
):
    page.set_default_timeout(PATIENCE_MS)
    row = page.locator(".ct-board", has_text="▲").or_(page.locator(".ct-board", has_text="△")).first
    page.goto(own_server)
    page.get_by_text("1 of 1 patient has an open question.").wait_for()
    assert "possible growth" in row.inner_text()
    assert "provisional" in row.inner_text()

    page.get_by_role("link", name=PATIENT).click()
    page.locator(".ct-badge", has_text="possible growth").wait_for()
    shows_scan_of(page, GROWN_DAY)
    look(page, tmp_path, "found")

    add_visit(study, CONFIRMING)
    cordtrack("run", study, out, "--jobs", "1")
    page.goto(f"{own_server}/patient?patient={PATIENT}")
    page.locator(".ct-badge", has_text="growing").wait_for()
    page.get_by_text(UNSIGNED).wait_for()
    shows_scan_of(page, CONFIRMING_DAY)
    look(page, tmp_path, "confirmed")

    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("for the next run; the page still shows the last one").wait_for()
    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Done: the page shows the new results.").wait_for()
    page.get_by_text(UNSIGNED).wait_for(state="detached")
    look(page, tmp_path, "signed")

    page.get_by_role("link", name="Board").click()
    page.get_by_text("of 1 patient").first.wait_for()
    settled(page)
    signed, acts = row.inner_text(), row.locator(".ct-acts").inner_text()
    assert "growing" in signed
    assert "provisional" not in signed.replace(acts, ""), "what people did stands beside it"
    look(page, tmp_path, "final")


def shows_scan_of(page, day):
    """The later of the two scans is the one at which the tumour has grown, and it is drawn."""
    page.locator(".volumes[data-ready=true], .slices:not([hidden]) canvas").first.wait_for()
    assert page.get_by_role("combobox", name="Later").input_value() == day
