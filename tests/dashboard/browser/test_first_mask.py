"""A visit without any mask gets one from a click: proposed, corrected, put on record, measured (about a minute)."""

import json
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from pipeline.journal import act_file
from pipeline.store import reader
from tests.dashboard.browser.driving import PATIENCE_MS, look, settled
from tests.draft.implant import with_lesion
from tests.journal.test_drawn_masks import run_again
from tests.study_folder import ONE_VISIT, T2W, write_files

T1W = "sub-01/ses-01/anat/sub-01_ses-01_ce-gadolinium_T1w.nii.gz"


@pytest.fixture(scope="module")
def lesion():
    return with_lesion(3)


@pytest.fixture
def out(tmp_path, lesion):
    """The results of a study of one visit, on thick slices, that nobody drew on."""
    sessions = "session_id\tacq_date\nses-01\t2020-02-17\n"
    scan = lesion[0].with_array(lesion[0].array.astype(np.int16))
    enhanced = scan.array.max() - scan.array + scan.array.max() // 2 * lesion[1].array
    t1w = scan.with_array(enhanced.astype(np.int16))
    files = {name: content for name, content in ONE_VISIT.items() if "derivatives" not in name}
    study = write_files(tmp_path / "study", {**files, T2W: scan, T1W: t1w, "sub-01/sub-01_sessions.tsv": sessions})
    run_again(study, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def own_server(shown, out):
    return shown(out)


def click_at(page, canvas, aside=0):
    """Click where the crosshair is, or so many CSS pixels beside it."""
    box = canvas.bounding_box()
    x, y = map(int, canvas.get_attribute("data-crosshair").split(","))
    page.mouse.click(box["x"] + x + aside, box["y"] + y)


def brush_and_erase(page, sketch, sagittal, proposed):
    """Brush and erase a voxel or more, and take each back."""
    sagittal.focus()
    page.keyboard.press("b")
    click_at(page, sagittal, aside=40)
    assert int(sketch.get_attribute("data-voxels")) > proposed
    page.keyboard.press("u")
    expect(sketch).to_have_attribute("data-voxels", str(proposed))
    page.keyboard.press("e")
    click_at(page, sagittal, aside=-40)  # the crosshair went with the brush
    assert int(sketch.get_attribute("data-voxels")) < proposed
    page.keyboard.press("u")


def look_at_the_second(page, sketch, folder):
    """Look at the visit's other scan, have an outline proposed from both, and take that back."""
    page.keyboard.press("t")
    expect(sketch).to_have_attribute("data-shown", "1")
    expect(sketch.get_by_role("button", name="T1w + contrast")).to_be_visible()
    page.keyboard.press("Space")
    expect(sketch.locator(".words")).to_contain_text("from this scan and T1w + contrast", timeout=PATIENCE_MS)
    look(page, folder, "second")
    page.keyboard.press("u")
    expect(sketch.locator(".words")).not_to_contain_text("from this scan and")  # what is said is of what is shown
    expect(sketch.locator(".words")).to_contain_text("Least sure near")
    page.keyboard.press("t")


def smooth_and_go_by_keys(page, sketch, proposed):
    """Smooth the outline, brush without a mouse, and take each back."""
    page.keyboard.press("m")
    expect(sketch).to_have_attribute("data-answered", "3", timeout=PATIENCE_MS)
    assert int(sketch.get_attribute("data-voxels")) == pytest.approx(proposed, rel=0.02)
    page.keyboard.press("u")
    expect(sketch).to_have_attribute("data-voxels", str(proposed))
    page.keyboard.press("b")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")  # without a mouse
    assert int(sketch.get_attribute("data-voxels")) >= proposed
    page.keyboard.press("u")


def on_record_is_how_it_was_drawn(out):
    """One click inside, by which version of the algorithm, no brush, no second scan, nothing before."""
    (entry,) = act_file.read(out).entries
    how = json.loads(entry.drawn_how)
    assert len(how["inside_mm"]) == 1
    assert how["algorithm_version"] == 1
    assert how["brushed_voxels"] == 0
    assert how["shaped"] == []
    assert how["second_contrast"] is None, "no click was made on the other scan"
    assert how["began_with"] is None, "nobody drew here before"


def open_sketch(page):
    """Open the drawing of the visit shown; return it and its sagittal picture."""
    page.get_by_text("Draw or correct a mask").click()
    settled(page)
    page.get_by_text("Draw on the scan").click()
    sketch = page.locator(".sketch")
    expect(sketch).to_have_attribute("data-ready", "true", timeout=PATIENCE_MS)
    sagittal = sketch.locator("canvas").first
    sagittal.scroll_into_view_if_needed()
    return sketch, sagittal


def test_a_visit_without_a_mask_is_drawn_from_a_click_and_measured(
    page, own_server, out, lesion, tmp_path, record_property
):
    _, truth, _ = lesion
    begun = time.monotonic()
    page.goto(f"{own_server}/patient?patient=sub-01")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_text("This visit has no mask that is measured.").wait_for()
    sketch, sagittal = open_sketch(page)
    look(page, tmp_path, "before")

    click_at(page, sagittal)  # it opens on the middle of the cord, where the lesion is
    expect(sketch).to_have_attribute("data-answered", "1", timeout=PATIENCE_MS)
    proposed = int(sketch.get_attribute("data-voxels"))
    assert proposed == pytest.approx(int(truth.array.sum()), rel=0.4)
    expect(sketch.locator(".size-words")).to_contain_text("mL ·")
    look(page, tmp_path, "proposed")

    look_at_the_second(page, sketch, tmp_path)
    brush_and_erase(page, sketch, sagittal, proposed)
    smooth_and_go_by_keys(page, sketch, proposed)
    page.keyboard.press("Enter")
    page.get_by_text("It fits the scan.").wait_for()
    page.get_by_role("textbox", name="Reason").last.fill("first mask")
    look(page, tmp_path, "used")
    page.get_by_role("button", name="Measure this mask").click()
    page.get_by_text("Rita Reader, corrected the mask (ses-01 tumour): first mask").wait_for()
    record_property("seconds_to_signed", round(time.monotonic() - begun))  # told by --junit-xml, never asserted
    on_record_is_how_it_was_drawn(out)

    page.get_by_role("button", name="Update the results now").click()
    page.get_by_text("Measured masks: tumour (edited by hand).").wait_for()
    rows = reader.table(reader.database_path(out), "measurement").set_index("compartment")
    assert rows.loc["tumour", "volume_mm3"] == pytest.approx(proposed * truth.voxel_mm3, rel=1e-3)
