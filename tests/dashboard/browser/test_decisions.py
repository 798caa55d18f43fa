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
    page.get_by_text("1 decision waits for the next run").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator(".ct-grey", has_text=re.compile(r"^\s*undone$")).wait_for()
    page.get_by_role("button", name="Pin baseline").click()
    page.get_by_role("button", name="Pin this visit").click()
    page.get_by_text("Rita Reader, pinned the baseline (ses-02)").wait_for()
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
