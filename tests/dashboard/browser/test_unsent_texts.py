"""What is typed or chosen and not sent yet, when its page is loaded anew: the same person gets it back. About 60 s."""

from playwright.sync_api import expect

from pipeline.journal import act_file
from tests.dashboard.browser.driving import look, settled
from tests.dashboard.browser.served_study import opened, signed_in

HELD = "() => Object.keys(JSON.parse(sessionStorage.getItem('cordtrack-texts') || '{}'))"
AGAIN = "What you had typed before this page was loaded anew is in its fields again"


def note_of(page):
    return page.get_by_role("textbox", name="Note", exact=True)


def loaded_anew(page):
    page.reload()
    page.get_by_text("before this page was loaded anew").first.wait_for()
    settled(page)


def test_a_note_still_being_typed_comes_back_once_and_not_after_it_is_kept(page, tiny_server, tiny_copy, tmp_path):
    page.goto(f"{tiny_server}/present")
    note_of(page).wait_for()
    settled(page)
    note_of(page).press_sequentially("MRI in six wee")  # the focus stays in the field: the server knows nothing
    loaded_anew(page)
    assert AGAIN in page.inner_text("body")
    expect(note_of(page)).to_have_value("MRI in six wee")
    look(page, tmp_path, "typed-again")
    assert page.evaluate(HELD) == [], "the server has it"
    note_of(page).focus()
    page.keyboard.press("End")
    page.keyboard.type("ks")
    loaded_anew(page)
    expect(note_of(page)).to_have_value("MRI in six weeks")

    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.keyboard.press("Tab")
    settled(page)
    note_of(page).focus()
    page.keyboard.press("End")
    page.keyboard.type(", after")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Kept: 1").wait_for()
    assert [entry.reason for entry in act_file.read(tiny_copy).entries] == ["MRI in six weeks, after"]
    page.reload()
    note_of(page).wait_for()
    settled(page)
    expect(note_of(page)).to_have_value("")
    assert "loaded anew" not in page.inner_text("body")


def test_a_reason_beside_its_own_button_comes_back_to_its_patient_only(page, tiny_server, tmp_path):
    page.goto(f"{tiny_server}/patient?patient=sub-02")
    settled(page)
    page.get_by_role("button", name="Exclude visit").first.click()
    reason = page.get_by_role("textbox", name="Reason").first
    reason.press_sequentially("moved during the scan")
    page.keyboard.press("Escape")
    settled(page)
    page.goto(f"{tiny_server}/patient?patient=sub-01")
    page.get_by_text(AGAIN).wait_for()
    settled(page)
    page.get_by_role("button", name="Exclude visit").first.click()
    expect(page.get_by_role("textbox", name="Reason").first).to_have_value("")
    page.goto(f"{tiny_server}/patient?patient=sub-02")
    settled(page)
    page.get_by_role("button", name="Exclude visit").first.click()
    expect(page.get_by_role("textbox", name="Reason").first).to_have_value("moved during the scan")
    look(page, tmp_path, "reason-again")


def test_files_chosen_are_warned_of_and_named_after(chromium, workbench, tmp_path):
    _, _, address = workbench
    drop = tmp_path / "disc one.zip"
    drop.write_bytes(b"PK" + b"0" * 100)
    page = opened(chromium)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    signed_in(page, address, "ed")
    page.get_by_test_id("stFileUploaderDropzoneInput").first.wait_for(state="attached")
    settled(page)
    page.get_by_text("Add scans").first.click()  # a browser asks only whoever touched the page
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(drop)
    page.get_by_text("disc one.zip").first.wait_for()
    page.wait_for_function("() => sessionStorage.getItem('cordtrack-window')")  # the server has it
    loaded_anew(page)
    assert asked == ["beforeunload"]
    page.get_by_text("no browser chooses a file again; please choose anew: disc one.zip.").wait_for()
    look(page, tmp_path, "files-again")
    page.reload()
    settled(page)
    assert asked == ["beforeunload"], "nothing stands in the field"
    expect(page.get_by_text("please choose anew")).to_have_count(0)
    page.context.close()


def test_a_sign_in_that_ends_gives_what_was_being_typed_to_the_same_person_only(chromium, workbench, tmp_path):
    _, _, address = workbench
    page = opened(chromium)
    signed_in(page, address, "ed")
    settled(page)
    page.evaluate(
        """() => { const field = document.createElement('textarea');
        const place = document.createElement('div'); place.className = 'st-key-note-sub-01-L1';
        place.append(field); document.body.append(place); field.value = 'grew into the canal';
        field.dispatchEvent(new Event('input', {bubbles: true})); }"""
    )  # an empty study has no field of the kind
    assert page.evaluate(HELD) == ["note-sub-01-L1"]
    page.get_by_role("button", name="sign out").click()
    page.wait_for_url(lambda url: not url.startswith(address))
    signed_in(page, address, "reader")
    settled(page)
    page.wait_for_function("() => !sessionStorage.getItem('cordtrack-texts')")
    look(page, tmp_path, "somebody-else")
    assert AGAIN not in page.inner_text("body")
    page.context.close()
