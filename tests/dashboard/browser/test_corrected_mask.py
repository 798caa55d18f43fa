"""A mask is taken away, edited, brought back, measured, and the correction undone (about 40 s)."""

import pytest

from pipeline.files import images
from pipeline.store import reader
from tests.dashboard.browser.driving import look, saved
from tests.journal.test_drawn_masks import run_again, study_of_one_visit


@pytest.fixture
def out(tmp_path):
    """The results of a study of one visit with an automatic tumour of 192 mm³."""
    folder = tmp_path / "out"
    run_again(study_of_one_visit(tmp_path / "study"), folder)
    return folder


@pytest.fixture
def own_server(shown, out):
    return shown(out)


def measured_mm3(out):
    rows = reader.table(reader.database_path(out), "measurement").set_index(["session_id", "compartment"])
    return rows.loc[("ses-01", "tumour"), "volume_mm3"]


def test_a_mask_is_taken_away_brought_back_measured_and_undone(page, own_server, out, tmp_path):
    page.goto(f"{own_server}/patient?patient=sub-01")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_text("Correct a mask").click()
    edit = saved(page, page.get_by_role("button", name="Mask to edit").click, tmp_path / "edit.nii.gz")
    taken = images.load(edit)
    assert taken.array.sum() == 64
    grown = taken.array.copy()
    grown[2] = grown[3]
    images.save(taken.with_array(grown), tmp_path / "mine.nii.gz")

    page.locator("input[type=file]").set_input_files(tmp_path / "mine.nii.gz")
    page.get_by_text("0.24\u202fmL, was 0.19\u202fmL").wait_for()
    page.get_by_text("Dice 0.89").wait_for()
    page.locator("canvas").first.wait_for()
    look(page, tmp_path, "correction")
    page.get_by_role("textbox", name="Reason").last.fill("the left margin was left out")
    page.get_by_role("button", name="Measure this mask").click()
    page.get_by_text("Rita Reader, corrected the mask (ses-01 tumour): the left margin was left out").wait_for()

    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Done: the page shows the new results.").wait_for()
    page.get_by_text("Measured masks: cyst (automatic), tumour (edited by hand).").wait_for()
    assert measured_mm3(out) == pytest.approx(240)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Measured masks: cyst (automatic), tumour (automatic).").wait_for()
    assert measured_mm3(out) == pytest.approx(192)
