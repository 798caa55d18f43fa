"""What people did, in words: who, when, why, and the verdict without it."""

import pandas as pd
import pytest

from dashboard.words import acts_beside
from pipeline.judge.clauses import Clause, ClauseKind, to_json

GROWN = to_json((Clause(ClauseKind.CHANGE, "grew", change="+72 %", ratio=1.72),))


def effect(act, **more):
    row = {
        "act": act, "who": "Dr. X", "written_at": pd.Timestamp("2026-11-28"), "reason": "thin slices",
        "session_id": "ses-04", "acquired_on": pd.Timestamp("2022-04-05"), "compartment": "tumour", "lesion_id": None,
        "same_as": None, "without_state": "progression", "without_display_state": "growth", "without_clauses": GROWN,
        "without_is_provisional": False, "is_same": False,
    }  # fmt: skip
    return row | more


def test_a_pin_says_who_when_why_and_what_it_hides():
    (line,) = acts_beside.lines(pd.DataFrame([effect("pin_baseline")]))
    assert line.text.replace("\u202f", " ") == (
        "baseline pinned to 2022-04-05 by Dr. X on 2026-11-28: thin slices; without it ▲ growing, +72 %"
    )


@pytest.mark.parametrize("act", list(acts_beside.SAID))
def test_every_act_that_bears_on_a_verdict_has_its_words(act):
    (line,) = acts_beside.lines(pd.DataFrame([effect(act, lesion_id="L2", same_as="L1", reason=None)]))
    assert "2022-04-05" in line.what
    assert "no reason given" in line.by


def test_what_changes_the_verdict_comes_first_and_idle_acceptances_are_one_line():
    idle = [effect("accept_mask", is_same=True, acquired_on=pd.Timestamp(day)) for day in ("2020-01-02", "2021-01-02")]
    told = acts_beside.lines(pd.DataFrame([*idle, effect("exclude_mask", is_same=True), effect("pin_baseline")]))
    assert [line.what for line in told] == [
        "baseline pinned to 2022-04-05",
        "tumour mask of 2022-04-05 excluded",
        "tumour masks of 2020-01-02, 2021-01-02 accepted",
    ]
    assert [line.without for line in told][1:] == ["without it the same", "without any one of them the same"]


def test_names_and_reasons_are_only_text():
    (line,) = acts_beside.lines(pd.DataFrame([effect("pin_baseline", who="<b>X</b>", reason="<script>")]))
    for markup in (acts_beside.marked([line]), acts_beside.in_short([line])):
        assert "<script>" not in markup
        assert "&lt;b&gt;X" in markup


def test_the_last_verdict_is_said_only_where_the_latest_scan_has_none():
    row = {
        "last_judged_on": pd.Timestamp("2023-04-11"), "last_judged_state": "progression",
        "last_judged_display_state": "growth", "last_judged_clauses": GROWN,
    }  # fmt: skip
    assert acts_beside.last_judged(row).replace("\u202f", " ") == "last judged 2023-04-11: ▲ growing, +72 %"
    assert acts_beside.last_judged(row | {"last_judged_on": pd.NaT}) == ""


def test_an_act_about_a_cyst_says_that_the_cyst_is_counted() -> None:
    (line,) = acts_beside.lines(pd.DataFrame([effect("exclude_mask", compartment="cyst", reading="solid_and_cyst")]))
    assert line.without.startswith("with the cyst counted, without it ")
    (alone,) = acts_beside.lines(pd.DataFrame([effect("exclude_mask", reading=None)]))
    assert alone.without.startswith("without it ")


def test_an_act_about_an_enhancing_mask_is_one_line_with_the_readings_it_bears_on() -> None:
    of_act = {"act": "exclude_mask", "compartment": "enhancing", "entry_id": "e1"}
    rows = [
        effect(**of_act, reading="mixed"),
        effect(**of_act, reading=None, is_same=True),
        effect(**of_act, reading="enhancing"),
    ]
    (line,) = acts_beside.lines(pd.DataFrame(rows))
    assert line.without.replace("\u202f", " ") == (
        "without it the same; enhancing part alone, without it ▲ growing, +72 %; "
        "enhancing and T2 together, without it ▲ growing, +72 %"
    )
    signed = [effect("accept_mask", entry_id="e2", is_same=True, reading=one) for one in (None, "enhancing")]
    kept = acts_beside.changes_verdict(pd.DataFrame([*rows, *signed]))
    assert set(kept["entry_id"]) == {"e1"}


@pytest.mark.parametrize(("answer", "words"), list(acts_beside.OF_NAMES.items()))
def test_every_answer_about_names_has_its_words(answer, words):
    (line,) = acts_beside.lines(
        pd.DataFrame([effect("name_lesions", lesion_id="L1", same_as="L2", corrected_to=answer)])
    )
    assert line.what == words.format(day="2022-04-05", lesion="L1", same_as="L2")
