"""From the PACS to a patient's page by clicks: a real Orthanc is asked, scans are added, run and opened. 40 s."""

import pytest

from pipeline.hospital.archive.transfer import push
from tests import dicom_files as dicom
from tests.dashboard.browser.driving import PATIENCE_MS, look, settled
from tests.dashboard.browser.served_study import opened, serve_study
from tests.hospital.archive.test_orthanc import QUICK, orthanc, web
from tests.service import brought_person

__all__ = ["orthanc"]
NOBODY = "no such number"


@pytest.fixture
def served(orthanc, tmp_path):
    """An empty study whose server knows an archive with two scans of one person; and that person's number."""
    for name, day, size in (("a", brought_person.FIRST, 1.0), ("b", brought_person.SECOND, brought_person.GROWN)):
        paths = brought_person.written(tmp_path / name, day, size)[0]
        assert push(web(orthanc), tmp_path / name, "x", print, QUICK) == (len(paths), 0)
    secret = tmp_path / "credentials.toml"
    secret.write_text('user = "me"\npassword = "s3cret"\n', encoding="utf-8")
    secret.chmod(0o600)
    archive = tmp_path / "pacs.toml"
    archive.write_text(f'dicomweb = "{web(orthanc).url}"\ncredentials = "{secret.name}"\n', encoding="utf-8")
    for *_, address in serve_study(tmp_path, options=("--archive", str(archive))):
        yield address, str(dicom.read(paths[0]).PatientID)


def test_a_person_of_the_pacs_is_one_click_from_the_run_and_one_more_from_the_outline(chromium, served, tmp_path):
    address, number = served
    page = opened(chromium)
    page.goto(address)
    page.get_by_text("This study is empty").wait_for()
    page.get_by_placeholder("your name").fill("Dr. Ward")
    page.get_by_role("tab", name="The PACS").click()
    settled(page)
    page.get_by_label("Patient numbers").fill(f"{number}\n{NOBODY}")
    page.get_by_role("button", name="Fetch their scans").click()
    page.get_by_text("asked for by Dr. Ward").first.wait_for()
    add = page.get_by_role("button", name="Add 2 series")
    add.wait_for(timeout=4 * PATIENCE_MS)
    page.get_by_text("does not know 1 of 2 patients: look at number 2 of the list").wait_for()
    settled(page)
    look(page, tmp_path, "fetched")
    add.click()
    run = page.get_by_role("button", name="Run sub-")
    run.wait_for(timeout=4 * PATIENCE_MS)
    page.get_by_text("Next: aligned, measured and judged (never worked on).").wait_for()
    settled(page)
    look(page, tmp_path, "added")
    person = run.inner_text().removeprefix("Run ")
    assert page.get_by_text(NOBODY).count() == 0
    run.click()
    page.get_by_text(f"{person} waits for or is worked on by a run").wait_for()
    look(page, tmp_path, "running")
    page.get_by_role("link", name=f"Draw the tumour of {person}").first.wait_for(timeout=4 * PATIENCE_MS)
    settled(page)
    look(page, tmp_path, "ran")
    page.get_by_role("link", name=f"Draw the tumour of {person}").first.click()
    page.get_by_text("This visit has no mask that is measured.").wait_for()
    page.context.close()
