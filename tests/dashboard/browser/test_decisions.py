"""What a person decides on the Patient page: a visit left out and brought back, a baseline pinned (about 20 s)."""

import json
import re


def acts_in(out):
    return [json.loads(line)["act"] for line in (out / "journal" / "acts.jsonl").read_text().splitlines()]


def test_a_visit_is_excluded_and_brought_back_and_a_baseline_pinned(tiny_server, page, tiny_copy):
    page.goto(f"{tiny_server}/patient?patient=sub-06")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_role("button", name="Exclude visit").click()
    page.get_by_role("textbox", name="Reason").fill("moved during the scan")
    page.get_by_role("button", name="Exclude this visit").click()
    page.get_by_text("Rita Reader, excluded the visit (ses-02): moved during the scan").wait_for()
    page.get_by_text("1 decision waits for the next run; the page").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator(".ct-grey", has_text=re.compile(r"^\s*undone$")).wait_for()
    page.get_by_role("button", name="Pin baseline").click()
    page.get_by_role("button", name="Pin this visit").click()
    page.get_by_text("A reason, please").wait_for()
    assert acts_in(tiny_copy) == ["exclude_visit", "undo"]
    page.get_by_role("textbox", name="Reason").fill("the better scan")
    page.get_by_role("button", name="Pin this visit").click()
    page.get_by_text("Rita Reader, pinned the baseline (ses-02): the better scan").wait_for()
    assert acts_in(tiny_copy) == ["exclude_visit", "undo", "pin_baseline"]


def test_a_mask_is_excluded_and_brought_back(tiny_server, page, tiny_copy):
    page.goto(f"{tiny_server}/patient?patient=sub-06")
    page.get_by_role("textbox", name="Your name").fill("Rita Reader")
    page.get_by_role("button", name="Exclude mask").click()
    page.get_by_role("textbox", name="Reason").fill("drawn on the vessel")
    page.get_by_role("button", name="Exclude this mask").click()
    page.get_by_text("Rita Reader, excluded the mask (ses-02 tumour): drawn on the vessel").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator(".ct-grey", has_text=re.compile(r"^\s*undone$")).wait_for()
    assert acts_in(tiny_copy) == ["exclude_mask", "undo"]


def test_an_act_shows_its_effect_before_it_counts_and_stands_beside_the_badge_after(server, page):
    page.goto(f"{server}/patient?patient=sub-01")
    act = page.locator(".ct-act", has_text="tumour mask of 2023-04-10 accepted by A. Reader")
    assert "without it ▲ growing, provisional" in act.inner_text()
    page.get_by_role("button", name="Exclude mask").click()
    page.get_by_text("The latest verdict changes: ▲ growing").first.wait_for()


def test_fields_pictures_and_change_speak_of_the_same_two_visits_in_one_order(server, page):
    page.goto(f"{server}/patient?patient=sub-01&now=ses-03&then=ses-05&plain=1")
    page.locator(".slices:not([hidden]) canvas").first.wait_for()
    fields = [page.get_by_role("combobox", name=name).input_value() for name in ("Earlier", "Later")]
    assert fields == ["2021-04-10", "2023-04-10"]
    captions = page.locator(".slices figure").all_inner_texts()
    assert [caption.split(" ")[0] for caption in captions if caption.strip()][:2] == fields
    pair = page.locator(".ct-pair").inner_text().replace("\u202f", " ")
    assert pair.startswith("2021-04-10 → 2023-04-10: 0.80 mL → 1.4 mL, +75 % (95 % CI ")
