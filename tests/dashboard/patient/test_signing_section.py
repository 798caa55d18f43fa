"""Signing off on the pages: what lands in the journal, what is refused, and that it shows (about 15 s)."""

from dataclasses import replace

import pytest

from dashboard.patient import act_preview, masks_waiting, signing_section
from dashboard.shell import drafts
from pipeline.core import records
from pipeline.journal import act_file
from pipeline.store import publish
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.factories import copy_tiny, tiny_store

EVIL = "<img src=x onerror=alert(1)> *bold* \u202egnorw"


@pytest.fixture
def out(tmp_path, monkeypatch):
    """An output folder of its own, since signing writes into it."""
    copy_tiny(tmp_path)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def written(out_dir):
    return [
        (entry.act, entry.patient_id, entry.session_id, entry.who, entry.reason)
        for entry in act_file.read(out_dir).entries
    ]


def named(at, name="Rita Reader"):
    return at.text_input(key="who").set_value(name).run()


def press(at, key):
    at.button(key=key).click().run()
    assert not at.exception, at.exception
    return at


def test_a_provisional_call_says_so_and_accepting_its_mask_is_put_on_record(out):
    at = opened("patient", patient="sub-06")
    assert "Provisional: the call rests on an automatic mask that nobody signed." in text_of(at)
    at = press(named(at), "accept-sub-06-ses-02")
    assert written(out) == [("accept_mask", "sub-06", "ses-02", "Rita Reader", None)]
    text = text_of(at)
    assert "1 decision waits for the next run" in text
    assert "On record, not yet in the verdict: tumour mask of 2023-02-01 accepted by Rita Reader" in text
    assert "Rita Reader, accepted the mask (ses-02 tumour)" in text
    assert "accepted the mask (tumour), Rita Reader" in at.success[0].value.replace("\\", "")


def test_acts_stand_at_the_pictures_before_what_is_described(out):
    text = text_of(opened("patient", patient="sub-01"))
    assert 0 < text.index("ct-at-sign-off") < text.index("ct-at-what-the-mri-says")


def test_an_undo_is_a_further_entry_and_nothing_is_erased(out):
    at = press(named(opened("patient", patient="sub-06")), "accept-sub-06-ses-02")
    entry = act_file.read(out).entries[0]
    at = press(at, f"undo-{entry.entry_id}")
    assert [row[0] for row in written(out)] == ["accept_mask", "undo"]
    assert act_file.read(out).entries[1].undoes == entry.entry_id
    assert "undone" in text_of(at)
    assert f"undo-{entry.entry_id}" not in [button.key for button in at.button]


def test_without_a_name_nothing_is_written_and_the_page_says_what_is_missing(out):
    at = press(opened("patient", patient="sub-06"), "accept-sub-06-ses-02")
    assert written(out) == []
    assert "Your name, please" in at.error[0].value


def test_a_name_typed_just_before_the_click_counts(out):
    at = opened("patient", patient="sub-06")
    at.text_input(key="who").set_value("Rita Reader")
    press(at, "accept-sub-06-ses-02")
    assert written(out) == [("accept_mask", "sub-06", "ses-02", "Rita Reader", None)]


def unfolded(at, *forms):
    """Open forms of the sign-off, which are made only then."""
    for form in forms:
        at.session_state[f"{form}-sub-01-ses-05"] = True
    return at.run()


def test_what_an_act_would_change_is_judged_when_its_form_is_opened(out, monkeypatch):
    asked = []
    monkeypatch.setattr(signing_section, "preview", lambda *act: asked.append(act[2]) or "")
    at = opened("patient", patient="sub-01")
    assert asked == ["accept_mask"]
    at = unfolded(at, "Exclude visit")
    assert set(asked) == {"accept_mask", "exclude_visit"}
    at.session_state["Exclude visit-sub-01-ses-05"] = False
    at.run()
    assert at.text_area(key=drafts.plain("why-Exclude this visit-sub-01-ses-05")), (
        "what is typed outlives a look at the scan"
    )


def test_an_exclusion_needs_its_reason_and_text_stays_text(out):
    at = unfolded(named(opened("patient", patient="sub-01"), EVIL), "Exclude visit")
    send = next(button for button in at.button if button.label == "Exclude this visit")
    at = send.click().run()
    assert "A reason, please" in at.error[0].value
    at.text_area(key=drafts.plain("why-Exclude this visit-sub-01-ses-05")).set_value(EVIL)
    at = next(button for button in at.button if button.label == "Exclude this visit").click().run()
    assert written(out) == [("exclude_visit", "sub-01", "ses-05", EVIL, EVIL)]
    assert "<img src=x" not in text_of(at)
    assert "&lt;img src=x" in text_of(at)


def test_a_baseline_can_be_pinned_and_a_lesion_corrected(out):
    at = unfolded(named(opened("patient", patient="sub-01")), "Pin baseline", "Correct lesion")
    at = next(button for button in at.button if button.label == "Pin this visit").click().run()
    assert written(out) == []
    assert "A reason, please" in at.error[0].value
    at.text_area(key=drafts.plain("why-Pin this visit-sub-01-ses-05")).set_value("the better scan")
    at = next(button for button in at.button if button.label == "Pin this visit").click().run()
    at.text_input(key="same-sub-01-ses-05-lesion-1").set_value("L7")
    at = at.selectbox(key="lesion-sub-01-ses-05").set_value("lesion-2").run()
    assert not at.text_input(key="same-sub-01-ses-05-lesion-2").value, "said of the other lesion"
    at = at.text_input(key="same-sub-01-ses-05-lesion-2").set_value("L1").run()
    assert act_preview.NOT_KNOWN in text_of(at), "what it would change is said before it is put on record"
    at = press(at, "correct-sub-01-ses-05")
    assert [row[:3] for row in written(out)] == [
        ("pin_baseline", "sub-01", "ses-05"),
        ("correct_lesion", "sub-01", "ses-05"),
    ]
    corrected = act_file.read(out).entries[1]
    assert (corrected.component_sha256, corrected.component_at_mm) == ("ses-05-2", "1.0 2.0 60.0")


def test_a_new_lesion_is_withdrawn_on_the_page_and_the_act_lapses_when_it_is_drawn_otherwise(out):
    at = unfolded(named(opened("patient", patient="sub-01")), "Not tumour")
    at.selectbox(key="withdrawn-sub-01-ses-05").set_value("lesion-2")
    at.text_area(key=drafts.plain("why-Withdraw the new lesion-sub-01-ses-05-lesion-2")).set_value(
        "necrosis by histology"
    )
    at = next(button for button in at.button if button.label == "Withdraw the new lesion").click().run()
    assert written(out) == [("withdraw_lesion", "sub-01", "ses-05", "Rita Reader", "necrosis by histology")]
    (entry,) = act_file.read(out).entries
    assert (entry.lesion_id, entry.component_sha256) == ("lesion-2", "ses-05-2")
    otherwise = [
        replace(row, component_sha256="other") if getattr(row, "component_sha256", None) == "ses-05-2" else row
        for row in tiny_store()
    ]
    publish.publish(out, otherwise)
    assert "lapsed: lesion lesion-2 at 1.0 2.0 60.0 mm of this scan is drawn otherwise since" in text_of(
        opened("patient", patient="sub-01")
    )


def test_an_acceptance_lapses_on_the_page_when_the_mask_is_another_one(out):
    press(named(opened("patient", patient="sub-06")), "accept-sub-06-ses-02")
    rows = [
        replace(row, sha256="1" * 64) if isinstance(row, records.Segmentation) and row.patient_id == "sub-06" else row
        for row in tiny_store()
    ]
    publish.publish(out, rows)
    assert "lapsed: the mask has changed since" in text_of(opened("patient", patient="sub-06"))


def test_the_queue_of_the_quality_page_leads_to_the_scan_and_shows_at_once_what_was_decided(out):
    at = opened("quality")
    assert not [button for button in at.button if button.label == "Accept"]
    before = text_of(at)
    assert before.count("unsigned automatic mask: open the scan to sign") == 2
    press(named(opened("patient", patient="sub-06")), "accept-sub-06-ses-02")
    after = opened("quality")
    text = text_of(after)
    assert "accepted by Rita Reader on" in text
    assert "waits for the next run" in text
    assert text.count("unsigned automatic mask: open the scan to sign") == 1, "who accepted stands beside no other word"
    assert "1 × unsigned automatic mask" in text
    assert "2 × unsigned automatic mask" in before
    assert "1 decision waits for the next run" in text_of(opened("board"))


def test_what_an_act_changes_is_said_before_it_counts(out):
    text = text_of(unfolded(opened("patient", patient="sub-01"), "Exclude visit"))
    assert "The latest verdict changes: ▲ growing, +75" in text
    assert "◌ not evaluable on 2023-04-10" in text


def test_a_mask_whose_scan_is_not_in_sight_cannot_be_accepted(out, monkeypatch):
    monkeypatch.setattr("dashboard.data.queries.aligned_scan", lambda *_: out / "scan.nii.gz")
    monkeypatch.setattr("dashboard.patient.scan_section.aligned", lambda _: {})
    at = opened("patient", patient="sub-06")
    assert at.button(key="accept-sub-06-ses-02").disabled


def test_who_reads_is_kept_from_page_to_page(out):
    at = named(opened("present"), "Rita Reader")
    at.switch_page("app_pages/patient.py").run()
    assert at.text_input(key="who").value == "Rita Reader"


def test_a_visit_without_a_measured_mask_is_said_to_have_none(monkeypatch):
    monkeypatch.setattr(masks_waiting, "measured_masks", lambda *_: {})
    assert masks_waiting.signed_by_accepting("sub-01", "ses-05") == "This visit has no measured mask to accept."
