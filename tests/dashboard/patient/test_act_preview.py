"""What an act would change, said before it counts: the words against the verdicts of the course with the act done."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from dashboard.data import queries
from dashboard.patient import act_preview
from pipeline.core.vocabulary import MaskOrigin, PartSize, PatientCourse
from pipeline.judge import course_text, criteria_files
from pipeline.run.steps.visit_work import Copies, ReadVisit, VisitWork
from tests.judge.course_maker import course, visit

RULES = criteria_files.load("imsct_adapted_v1")
GROWING = "▲ growing, +65\u202f% on 2021-12-31"
GROWN = course(visit(0, 1000.0), visit(365, 1600.0), visit(730, 1650.0))
CYSTIC = course(visit(0, 1000.0, cyst=PartSize(1000.0, 0.05)), visit(365, 1050.0, cyst=PartSize(4000.0, 0.05)))


def said(
    monkeypatch: pytest.MonkeyPatch,
    patient: PatientCourse | None,
    kind: str,
    session_id: str,
    compartment: str = "tumour",
    *,
    masks: pd.DataFrame | None = None,
    is_excluded: bool = False,
) -> str:
    stored = [] if patient is None else [course_text.to_text(patient)]
    sizes = {"session_id": ["ses-0365"], "compartment": ["tumour"], "is_excluded": [is_excluded]}
    answers = {"patient_masks": masks, "patient_measurements": pd.DataFrame(sizes)}
    monkeypatch.setattr(queries, "query", lambda name, **_: answers.get(name, pd.DataFrame({"course": stored})))
    monkeypatch.setattr(queries, "criteria_of", lambda _: RULES)
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


def masks_of(*of: tuple[str, str, str, bool]) -> pd.DataFrame:
    return pd.DataFrame(of, columns=["session_id", "compartment", "sha256", "is_primary"])


OWN = masks_of(("ses-0365", "tumour", "a", True), ("ses-0730", "tumour", "a", True), ("ses-0365", "cyst", "c", True))


def test_excluding_one_of_two_copies_says_that_the_other_comes_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def reason(*others: str) -> str:
        read = ReadVisit(SimpleNamespace(session_id="ses-0365"), "usable", None, None, None, (), ())  # type: ignore[arg-type]
        return str(VisitWork(read, copies=Copies(scan_of=frozenset(others))).why_scan_is_doubted)

    def copied(*others: str) -> PatientCourse:
        twin = replace(visit(365, None), missing_reason=reason(*others))
        return replace(GROWN, visits=(GROWN.visits[0], twin, GROWN.visits[2]))

    words = said(monkeypatch, copied("ses-0730"), "exclude_visit", "ses-0730", masks=OWN)
    assert words.endswith(f" {act_preview.COMES_FREE.format('ses-0365')}")
    doubtful = {
        "no mask": OWN[OWN["compartment"] != "tumour"],
        "readers": pd.concat([OWN, masks_of(("ses-0365", "tumour", "b", False))]),
        "none in use": OWN.assign(is_primary=False),
        "a third visit's": pd.concat([OWN, masks_of(("ses-0000", "tumour", "a", True))]),
    }
    for why, masks in doubtful.items():
        words = said(monkeypatch, copied("ses-0730"), "exclude_visit", "ses-0730", masks=masks)
        assert words.endswith(f" {act_preview.MAY_COME_FREE.format('ses-0365')}"), why
    words = said(monkeypatch, copied("ses-0730"), "exclude_visit", "ses-0730", masks=OWN, is_excluded=True)
    assert words.endswith(f" {act_preview.MAY_COME_FREE.format('ses-0365')}")
    of_three = said(monkeypatch, copied("ses-0730", "ses-0900"), "exclude_visit", "ses-0730")
    assert "counts again" not in of_three, "two copies are left"
    assert "counts again" not in said(monkeypatch, copied("ses-0730"), "exclude_mask", "ses-0730")
