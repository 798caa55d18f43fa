"""What an act would change, said before it counts: the words against the verdicts of the course with the act done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd
import pytest

from dashboard.data import queries
from dashboard.patient import act_preview
from pipeline.core.vocabulary import MaskOrigin, PartSize, PatientCourse
from pipeline.judge import course_text, criteria_files, what_if
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge
from tests.judge.course_maker import course, visit

RULES = criteria_files.load("imsct_adapted_v1")
GROWING = "▲ growing, +65\u202f% on 2021-12-31"
GROWN = course(visit(0, 1000.0), visit(365, 1600.0), visit(730, 1650.0))
CYSTIC = course(visit(0, 1000.0, cyst=PartSize(1000.0, 0.05)), visit(365, 1050.0, cyst=PartSize(4000.0, 0.05)))


def table(columns: str, *lines: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=columns.split())


NOTHING_COPIED = {
    "patient_findings": table("session_id code"),
    "patient_scans": table("session_id is_anchor sha256"),
    "patient_journal": table("session_id act status"),
    "patient_masks": table("session_id compartment sha256 is_primary"),
    "patient_measurements": table("session_id compartment is_excluded"),
}


def said(
    monkeypatch: pytest.MonkeyPatch,
    patient: PatientCourse | None,
    kind: str,
    session_id: str,
    compartment: str = "tumour",
    *,
    answers: Mapping[str, pd.DataFrame] | None = None,
    others: tuple[ResponseCriteria, ...] = (),
) -> str:
    stored = [] if patient is None else [course_text.to_text(patient)]
    tables = {**NOTHING_COPIED, "patient_judged_course": pd.DataFrame({"course": stored}), **(answers or {})}
    monkeypatch.setattr(queries, "query", lambda name, **_: tables[name])
    monkeypatch.setattr(queries, "criteria_of", {one.criteria_id: one for one in (RULES, *others)}.get)
    monkeypatch.setattr(queries, "packaged_criteria", lambda: (RULES, *others))
    monkeypatch.setattr(queries, "derived", lambda compute, *arguments: compute(*arguments))
    return act_preview.preview("sub-01", RULES.criteria_id, kind, session_id, compartment)


@pytest.mark.parametrize(
    ("kind", "session_id", "words"),
    [
        ("pin_baseline", "ses-0365", f"changes: {GROWING} → ● no change detected, +3\u202f% on 2021-12-31."),
        ("pin_baseline", "ses-0000", f"stays: {GROWING}."),
        ("exclude_visit", "ses-0730", f"changes: {GROWING} → ◌ not evaluable on 2021-12-31."),
        ("exclude_mask", "ses-0730", f"changes: {GROWING} → ◌ not evaluable on 2021-12-31."),
        ("volume:1000.0", "ses-0730", f"changes: {GROWING} → ● no change detected, 0\u202f% on 2021-12-31."),
        ("accept_mask", "ses-0730", f"stays: {GROWING}."),
    ],
)  # fmt: skip
def test_an_act_about_the_tumour_is_told_by_the_latest_verdict(
    monkeypatch: pytest.MonkeyPatch, kind: str, session_id: str, words: str
) -> None:
    assert said(monkeypatch, GROWN, kind, session_id) == f"The latest verdict {words}"


def test_other_criteria_are_told_where_an_act_changes_them_and_counted_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = tuple(map(criteria_files.load, ("recist_1_1", "mrano")))
    words = said(monkeypatch, GROWN, "pin_baseline", "ses-0365", others=others)
    pinned = what_if.with_baseline(GROWN, "ses-0365", "you")
    now, then = (act_preview._told(judge(each, others[1])[-1]) for each in (GROWN, pinned))
    assert now != then
    assert f" {others[1].title}: {now} → {then}. By 1 other set of criteria nothing changes." in words
    assert "the same" not in words, "others that do not change say not what these come to"
    same = said(monkeypatch, GROWN, "accept_mask", "ses-0730", others=others)
    assert same.endswith("By 2 other sets of criteria nothing changes.")
    drawn = said(monkeypatch, GROWN, "volume:1000.0", "ses-0730", others=others)
    assert others[0].title not in drawn, "no diameter of a drawing is known yet"
    assert act_preview.BY_OTHER_SIZES in drawn


def test_a_cyst_is_told_by_the_reading_that_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(monkeypatch, CYSTIC, "volume:1000.0", "ses-0365", "cyst")
    assert words.startswith("The latest verdict stays: ")
    assert "yst" in words.partition(". ")[2]
    assert "→" in words
    excluded = said(monkeypatch, CYSTIC, "exclude_mask", "ses-0365", "cyst")
    assert excluded.startswith("The latest verdict stays: "), "the solid tumour keeps its size"


def test_of_other_compartments_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not said(monkeypatch, GROWN, "exclude_mask", "ses-0730", "syrinx")


def test_what_no_course_tells_is_known_after_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    carried = replace(GROWN, visits=(*GROWN.visits, visit(900, None, mask_origin=MaskOrigin.AUTOMATIC)))
    assert said(monkeypatch, None, "exclude_visit", "ses-0730") == act_preview.NOT_KNOWN
    assert said(monkeypatch, GROWN, "exclude_visit", "ses-9999") == act_preview.NOT_KNOWN
    assert said(monkeypatch, carried, "accept_mask", "ses-0900") == act_preview.NOT_KNOWN


OWN = table(
    "session_id compartment sha256 is_primary",
    ("ses-0365", "tumour", "a", True),
    ("ses-0730", "tumour", "a", True),
    ("ses-0365", "cyst", "c", True),
)
COPIED = table("session_id code", ("ses-0365", "scan_copied"), ("ses-0730", "scan_copied"))
SCANS = table("session_id is_anchor sha256", ("ses-0000", True, "x"), ("ses-0365", True, "y"), ("ses-0730", True, "y"))
ALIKE = {"patient_findings": COPIED, "patient_scans": SCANS, "patient_masks": OWN}
THIRD = {
    "patient_scans": pd.concat([SCANS, table("session_id is_anchor sha256", ("ses-0900", True, "y"))]),
    "patient_findings": pd.concat([COPIED, table("session_id code", ("ses-0900", "scan_copied"))]),
}

UNDONE = table("session_id act status", ("ses-0900", "exclude_visit", "undone"))


def excluding_one(monkeypatch: pytest.MonkeyPatch, kind: str = "exclude_visit", **answers: pd.DataFrame) -> str:
    """What is said before the visit of the last day is excluded, whose scan is also that of the one before it."""
    twin = replace(GROWN, visits=(GROWN.visits[0], visit(365, None), GROWN.visits[2]))
    return said(monkeypatch, twin, kind, "ses-0730", answers={**ALIKE, **answers})


def test_excluding_one_of_two_copies_says_that_the_other_comes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert excluding_one(monkeypatch).endswith(f" {act_preview.COMES_FREE.format('ses-0365')}")
    out = table("session_id act status", ("ses-0900", "exclude_visit", "in_force"))
    words = excluding_one(monkeypatch, **THIRD, patient_journal=out)
    assert words.endswith(f" {act_preview.COMES_FREE.format('ses-0365')}"), "the third is out of use already"


@pytest.mark.parametrize(
    "answers",
    [
        {"patient_masks": OWN[OWN["compartment"] != "tumour"]},
        {"patient_masks": pd.concat([OWN, OWN.head(1).assign(sha256="b", is_primary=False)])},
        {"patient_masks": OWN.assign(is_primary=False)},
        {"patient_masks": pd.concat([OWN, OWN.head(1).assign(session_id="ses-0000")])},
        {"patient_measurements": table("session_id compartment is_excluded", ("ses-0365", "tumour", True))},
    ],
    ids=["no mask", "readers", "none in use", "a third visit's mask", "excluded"],
)
def test_a_size_with_more_in_doubt_is_not_promised(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, pd.DataFrame]
) -> None:
    words = excluding_one(monkeypatch, **answers)
    assert words.endswith(f" {act_preview.MAY_COME_FREE.format('ses-0365')}")


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("exclude_visit", THIRD),
        (
            "exclude_visit",
            {**THIRD, "patient_journal": table("session_id act status", ("ses-0900", "exclude_visit", "undone"))},
        ),
        ("exclude_visit", {"patient_findings": COPIED.assign(code="scan_alike")}),
        ("exclude_visit", {"patient_scans": SCANS.assign(sha256=["x", "y", "z"])}),
        ("exclude_visit", {"patient_scans": SCANS.assign(is_anchor=False)}),
        ("exclude_mask", {}),
    ],
    ids=[
        "two are left",
        "the third is back",
        "it keeps its size",
        "scans of their own",
        "another sequence",
        "the mask alone",
    ],
)
def test_nothing_comes_free_where_no_copy_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, kind: str, answers: dict[str, pd.DataFrame]
) -> None:
    words = excluding_one(monkeypatch, kind, **answers)
    assert "holds the same scan" not in words


def test_what_stands_is_judged_once_for_all_acts_and_criteria(monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, GROWN, "pin_baseline", "ses-0365", others=(criteria_files.load("reins_2013"),))
    kept: dict[tuple[object, ...], object] = {}
    judged: list[PatientCourse] = []

    def derived(compute: Callable[..., object], *arguments: object) -> object:
        if (key := (compute, *arguments)) not in kept:
            kept[key] = compute(*arguments)
        return kept[key]

    monkeypatch.setattr(queries, "derived", derived)
    monkeypatch.setattr(what_if, "judge", lambda patient, rules: judged.append(patient) or judge(patient, rules))
    acts = ("pin_baseline", "exclude_mask", "exclude_visit")
    first = [act_preview.preview("sub-01", RULES.criteria_id, act, "ses-0365") for act in acts]
    assert len(judged) == 2 + 2 * len(acts), "by two criteria: what stands, and what each act makes of it"
    assert [act_preview.preview("sub-01", RULES.criteria_id, act, "ses-0365") for act in acts] == first
    assert act_preview.preview("sub-01", "reins_2013", acts[0], "ses-0365")
    assert len(judged) == 2 + 2 * len(acts)
    assert len(kept) == 1 + len(acts), "pages keep a few dozen answers for everybody"
