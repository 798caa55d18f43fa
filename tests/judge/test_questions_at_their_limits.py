"""What is open about a patient, where each question begins and ends to be asked. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipeline.core import records
from pipeline.core.context_records import Neuraxis, NewSignal
from pipeline.judge import clauses, standing, urgency
from pipeline.judge.clauses import Clause, ClauseKind
from pipeline.judge.questions import FIRST_SEEN, NO_DECISION, PERHAPS_SEEN, RANKS, Question
from tests.factories import ADAPTED, RANO, accepted, judged, lesion_verdict, measured
from tests.judge.test_urgency import P, asked, beside, criteria, cyst, lesion, patient, score, words


def treated(day: str, kind: str = "surgery") -> records.Treatment:
    return records.Treatment(P, date.fromisoformat(day), kind)


def called(category: str, state: str, display: str, *parts: Clause, **more: Any) -> records.Assessment:
    return replace(judged(P, "ses-03", category, state, display), clauses=clauses.to_json(parts), **more)


def test_questions_are_ranked_as_they_are_listed_and_numbered_from_one() -> None:
    rows = [*cyst(100.0, 100.0, 900.0), score("2020-01-01", 1), score("2022-01-01", 2)]
    found = [one for one in urgency.open_questions(patient(*rows)) if one.criteria_id == ADAPTED]
    assert [(one.number, one.question, one.needs_decision) for one in found] == [
        (1, "function", True),
        (2, "cyst", True),
    ]
    assert [one.rank for one in found] == [5, 6]
    assert [RANKS[one] for one in (Question.NEW_LESION, Question.NONE)] == [1, 14]
    assert set(NO_DECISION) == {Question.OVERDUE, Question.LEFT_OUT, Question.NONE}


# Lesions ------------------------------------------------------------------------------------------------------------


QUIET = [lesion(f"ses-0{n}", "L1", 250.0) for n in (1, 2, 3)]


@pytest.mark.parametrize(("now_mm3", "is_asked"), [(140.0, True), (139.99, False)])
def test_one_of_several_lesions_is_worth_a_look_from_forty_percent_on(now_mm3: float, is_asked: bool) -> None:
    rows = [*QUIET, lesion("ses-02", "L2", 100.0), lesion("ses-03", "L2", now_mm3)]
    assert (Question.LESION_GROWTH in asked(*rows)) == is_asked
    alone = [lesion("ses-02", "L2", 100.0), lesion("ses-03", "L2", now_mm3)]
    assert asked(*alone) == [Question.NONE], "the only lesion is the total"


def test_a_lesion_is_held_against_its_smallest_since_surgery() -> None:
    rows = [*QUIET, lesion("ses-01", "L2", 100.0), lesion("ses-02", "L2", 150.0), lesion("ses-03", "L2", 160.0)]
    assert "from 0.10 mL on 2020-01-01" in words(*rows)
    assert asked(*rows, treated("2020-06-01")) == [Question.NONE]


@pytest.mark.parametrize(("operated", "is_held"), [("2019-12-31", True), ("2020-01-01", False)])
def test_a_scan_of_the_day_of_surgery_is_before_it(operated: str, is_held: bool) -> None:
    rows = cyst(100.0, 500.0, 520.0)
    assert (asked(*rows, treated(operated)) == [Question.CYST]) == is_held


def test_all_scans_count_where_none_came_after_the_last_surgery() -> None:
    assert asked(*cyst(100.0, 500.0, 520.0), treated("2022-06-01")) == [Question.CYST]


def test_the_last_of_several_surgeries_counts() -> None:
    both = [treated("2020-06-01"), treated("2019-06-01")]
    assert asked(*cyst(100.0, 500.0, 520.0), *both) == [Question.NONE]


def test_a_lesion_on_the_very_first_scan_is_no_new_one() -> None:
    first = [lesion("ses-01", "L2", 100.0, "new"), lesion("ses-01", "L1", 250.0)]
    assert asked(*first) == [Question.NONE]
    assert asked(*QUIET, lesion("ses-03", "L2", 100.0, "new")) == [Question.NEW_LESION]
    assert asked(*QUIET, lesion("ses-02", "L2", 100.0, "new")) == [Question.NONE], "not seen on the latest scan"


def test_a_new_lesion_that_a_person_withdrew_is_none() -> None:
    new = replace(lesion("ses-03", "L2", 100.0, "new"), component_sha256="piece")
    act = replace(accepted(P, "ses-03"), act="withdraw_lesion", lesion_id="L2")
    bound = replace(act, component_sha256="piece", lesion_id="L7")
    assert asked(*QUIET, new, act) == asked(*QUIET, new, bound) == [Question.NONE]
    assert asked(*QUIET, new, replace(act, status="undone")) == [Question.NEW_LESION]
    assert asked(*QUIET, new, replace(bound, component_sha256="another")) == [Question.NEW_LESION]


# A lesion's own verdict ----------------------------------------------------------------------------------------------


GREW = clauses.to_json([
    Clause(ClauseKind.CHANGE, "Solid tumour 0.20 mL", "beyond the +40 % rule", unit="mm³", value=200.0,
           reference_value=100.0, on=date(2022, 1, 1), reference_on=date(2021, 1, 1), change="+100 %")
])  # fmt: skip


def of_lesion(name: str, state: str, display: str, volume_mm3: float | None = 200.0, **more: Any) -> Any:
    return lesion_verdict(P, "ses-03", name, ("SD", state, display), (volume_mm3, 2.0), **more)


def test_a_lesion_that_grew_by_its_own_verdict_is_said_with_its_sizes() -> None:
    grown, quiet = of_lesion("L2", "progression", "growth", clauses=GREW), of_lesion("L1", "stable", "no_change")
    assert asked(grown, quiet) == [Question.LESION_GROWTH]
    assert "lesion L2 grew from 0.10 mL on 2021-01-01 to 0.20 mL on 2022-01-01 (+100 %): beyond the" in words(
        grown, quiet
    )
    possible = of_lesion("L2", "stable", "possible_growth")
    briefs = [one.brief for one in urgency.open_questions(patient(possible, quiet)) if one.criteria_id == ADAPTED]
    assert briefs == ["possible growth of lesion L2"]
    assert asked(of_lesion("L1", "stable", "no_change"), of_lesion("L2", "not_evaluable", "not_evaluable", None)) == [
        Question.NOT_JUDGED
    ]


def test_a_verdict_on_a_lesion_without_sizes_is_said_in_its_own_words() -> None:
    again = clauses.to_json([Clause(ClauseKind.SEEN_AGAIN, "Tumour seen", "too small")])
    quiet = of_lesion("L1", "stable", "no_change")
    assert "lesion L2 by itself: tumour seen: too small" in words(
        of_lesion("L2", "seen_again", "no_change", clauses=again), quiet
    )
    assert "lesion L2 by itself: Lesion L2 by itself on" in words(of_lesion("L2", "seen_again", "no_change"), quiet)


def test_the_only_lesion_is_the_total_unless_it_leads() -> None:
    only = of_lesion("L1", "progression", "growth", clauses=GREW)
    grown = called("PD", "progression", "growth", Clause(ClauseKind.CHANGE, "T", "beyond"))
    assert asked(grown, only) == [Question.GROWTH]
    led = called("SD", "progression", "growth", Clause(ClauseKind.LESION, "L1"), Clause(ClauseKind.CHANGE, "T"))
    assert asked(led, replace(only, is_worst=True)) == [Question.LESION_GROWTH]


@pytest.mark.parametrize(
    ("total", "questions"),
    [
        ({"ratio": 1.4, "rule_ratio": 1.4}, ["growth", "lesion_growth"]),
        ({"ratio": 1.39, "rule_ratio": 1.4}, ["lesion_growth"]),
        ({"ratio": 0.3, "rule_ratio": 0.35}, ["lesion_growth"]),
        ({}, ["lesion_growth"]),
    ],
)
def test_a_total_that_reaches_the_rule_itself_is_asked_beside_the_lesion_that_leads(
    total: dict[str, float], questions: list[str]
) -> None:
    led = called(
        "SD", "progression", "growth", Clause(ClauseKind.LESION, "L2"), Clause(ClauseKind.CHANGE, "T", **total)
    )
    lesions = [of_lesion("L2", "progression", "growth", is_worst=True), of_lesion("L1", "stable", "no_change")]
    assert asked(led, *lesions) == questions


def test_a_total_seen_again_is_asked_beside_the_lesion_that_leads() -> None:
    led = called("SD", "progression", "growth", Clause(ClauseKind.LESION, "L2"), Clause(ClauseKind.SEEN_AGAIN, "T"))
    lesions = [of_lesion("L2", "progression", "growth", is_worst=True), of_lesion("L1", "stable", "no_change")]
    assert asked(led, *lesions) == ["growth", "lesion_growth"]


def test_a_lesion_that_has_a_verdict_of_its_own_is_not_held_against_its_sizes_too() -> None:
    rows = [*QUIET, lesion("ses-02", "L2", 100.0), lesion("ses-03", "L2", 160.0)]
    own = [of_lesion("L2", "stable", "no_change"), of_lesion("L1", "stable", "no_change")]
    assert asked(*rows) == [Question.LESION_GROWTH]
    assert asked(*rows, *own) == [Question.NONE]
    earlier = [replace(one, session_id="ses-02") for one in own]
    assert asked(*rows, *earlier) == [Question.LESION_GROWTH], "only verdicts on the latest judged scan count"


# What the latest verdict calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "question", "brief"),
    [
        (called("PD", "recurrence", "growth"), "new_lesion", "tumour seen again"),
        (
            called("PD", "progression", "growth", Clause(ClauseKind.NEW_TUMOUR, "n", "r")),
            "new_lesion",
            "tumour where none was seen before",
        ),
        (
            called("PD", "progression", "growth", Clause(ClauseKind.PERHAPS_AGAIN, "n", "r")),
            "new_lesion",
            "tumour perhaps seen before",
        ),
        (
            called("SD", "seen_again", "possible_growth", Clause(ClauseKind.NEW_TUMOUR, "n")),
            "possible_growth",
            "possible growth",
        ),
        (called("PD", "distant", "no_change"), "new_lesion", "new lesion"),
        (called("SD", "stable", "possible_growth"), "possible_growth", "possible growth"),
        (called("SD", "stable", "growth"), "growth", "growth"),
        (called("PD", "progression", "growth"), "growth", "progression"),
        (called("PD", "progression", "no_change", Clause(ClauseKind.CLINICAL, "c")), "growth", "clinical progression"),
        (called("PD", "progression", "growth", Clause(ClauseKind.CLINICAL, "c")), "growth", "progression"),
        (called("NE", "not_evaluable", "not_evaluable"), "not_judged", "latest scan not judged"),
        (called("SD", "stable", "no_change", is_provisional=True), "unsigned", "unsigned mask"),
        (called("SD", "stable", "no_change", Clause(ClauseKind.ELSEWHERE, "e")), "new_lesion", "new tumour elsewhere"),
        (called("SD", "stable", "no_change", Clause(ClauseKind.UNJUDGED_LESION, "u")), "new_lesion", "new lesion"),
    ],
)
def test_the_latest_verdict_asks_in_a_few_words(verdict: records.Assessment, question: str, brief: str) -> None:
    found = [one for one in urgency.open_questions(patient(verdict)) if one.criteria_id == ADAPTED]
    assert [(one.question, one.brief) for one in found] == [(question, brief)]


def test_a_scan_that_is_only_shown_or_is_progression_without_a_size_is_judged() -> None:
    assert asked(called("NE", "context", "not_evaluable")) == [Question.NONE]
    assert asked(called("PD", "progression", "not_evaluable")) == [Question.GROWTH]


def test_a_newer_scan_without_a_verdict_could_not_be_judged() -> None:
    newer = records.Visit(P, "ses-04", date(2023, 1, 1), False, "failed")
    assert words(newer).startswith("the scan of 2023-01-01 could not be judged")
    assert words(replace(newer, acquired_on=None)) == "no open question recorded"


def test_no_verdict_at_all_is_said() -> None:
    rows = [row for row in patient() if not isinstance(row, records.Assessment)]
    assert [one.words for one in urgency.open_questions(rows)] == ["no scan could be judged"]


@pytest.mark.parametrize(
    ("severity", "question"), [("error", Question.LEFT_OUT), ("warning", Question.NONE), ("note", Question.NONE)]
)
def test_only_errors_left_something_out(severity: str, question: Question) -> None:
    assert asked(records.Finding("code", severity, "step", None, P, None, "message", "remedy")) == [question]


def form(session: str, leptomeningeal: str, present: str | None) -> Neuraxis:
    return Neuraxis(P, session, *(None,) * 12, leptomeningeal, present, None)


def test_the_latest_form_of_the_whole_neuraxis_is_asked_of() -> None:
    assert asked(form("ses-02", "no", "a nodule")) == [Question.NEW_SIGNAL]
    assert asked(form("ses-02", "yes", "a nodule")) == [Question.NEW_LESION]
    assert asked(form("ses-03", "no", None), form("ses-02", "yes", "a nodule")) == [Question.NONE]
    assert asked(form("ses-99", "yes", "a nodule")) == [Question.NONE], "a visit without a day"


@pytest.mark.parametrize(("session", "question"), [("ses-03", Question.NEW_SIGNAL), ("ses-02", Question.NONE)])
def test_new_signal_is_asked_of_on_the_scan_of_the_latest_verdict(session: str, question: Question) -> None:
    assert asked(NewSignal(P, session, 1, "ses-01", 9.0, *(0.0,) * 6)) == [question]


# Cysts, function and what was called before --------------------------------------------------------------------------


@pytest.mark.parametrize(("now_mm3", "is_asked"), [(140.1, True), (140.0, False), (139.9, False)])
def test_a_cyst_of_unknown_error_is_worth_a_look_above_forty_percent(now_mm3: float, is_asked: bool) -> None:
    assert (asked(*cyst(100.0, 100.0, now_mm3, cv=None)) == [Question.CYST]) == is_asked


def test_a_new_cyst_is_one_where_none_was_seen_and_one_reading_is_no_growth() -> None:
    assert "where none was seen on 2020-01-01" in words(*cyst(0.0, 50.0, 60.0))
    assert asked(*cyst(None, None, 900.0)) == [Question.NONE]
    assert asked(*cyst(None, 100.0, 900.0)) == [Question.CYST]
    assert asked(*cyst(500.0, 400.0, 300.0)) == [Question.NONE], "the smallest is the latest"


def test_syrinx_is_followed_as_cysts_are_and_oedema_is_not() -> None:
    def grown(compartment: str) -> list[Any]:
        return [
            row
            for n, v in enumerate((100.0, 100.0, 900.0), start=1)
            for row in measured(P, f"ses-0{n}", compartment, v, cv=0.1)
        ]

    assert asked(*grown("syrinx")) == [Question.CYST]
    assert asked(*grown("oedema")) == [Question.NONE]


def test_a_cyst_cut_off_by_the_scan_counts_only_as_the_latest() -> None:
    rows = [row for row in cyst(100.0, 100.0, 130.0, cv=0.02) if isinstance(row, records.Measurement)]
    assert asked(*rows) == [Question.CYST]
    assert asked(*(replace(row, bound_reason="cut off") for row in rows[:2]), rows[2]) == [Question.NONE]
    assert asked(*rows[:2], replace(rows[2], bound_reason="cut off")) == [Question.CYST]


@pytest.mark.parametrize(
    ("grades", "operated", "expected"),
    [
        ([("2020-01-01", 2), ("2021-01-01", 3)], "2019-12-31", Question.FUNCTION),
        ([("2020-01-01", 1), ("2021-01-01", 2), ("2022-01-01", 2)], "2020-01-01", Question.NONE),
        ([("2020-01-01", 1), ("2022-01-01", 2)], "2020-06-01", Question.FUNCTION),  # nothing since: the grade before it
    ],
)
def test_function_is_held_against_its_best_since_surgery_else_the_last_before(
    grades: Any, operated: str, expected: Question
) -> None:
    assert asked(*(score(day, grade) for day, grade in grades), treated(operated)) == [expected]


def test_the_best_function_is_the_latest_of_equal_ones_and_the_loss_counts_from_the_next() -> None:
    rows = [score("2020-01-01", 1), score("2020-06-01", 1), score("2021-01-01", 2), score("2021-06-01", 3)]
    assert "grade 1 on 2020-06-01, 3 on 2021-06-01" in words(*rows)
    assert beside(*rows)[ADAPTED] == "clinically worse since 2021-01-01"


@pytest.mark.parametrize(
    ("treated_on", "is_open"), [("2020-12-31", True), ("2021-01-01", False), ("2021-06-01", False)]
)
def test_an_earlier_progression_is_open_until_something_was_done_from_its_day_on(
    treated_on: str, is_open: bool
) -> None:
    grown = judged(P, "ses-02", "PD", "progression", "growth")
    found = asked(grown, treated(treated_on, "radiotherapy"))
    assert (found == [Question.EARLIER_PROGRESSION]) == is_open


def test_steroids_and_other_things_do_not_answer_a_progression() -> None:
    grown = judged(P, "ses-02", "PD", "progression", "growth")
    for kind in ("steroid", "other"):
        assert asked(grown, treated("2021-06-01", kind)) == [Question.EARLIER_PROGRESSION]


def test_the_last_three_earlier_progressions_are_named() -> None:
    def of(count: int) -> str:
        days = [date(2010 + n, 1, 1) for n in range(count)]
        visits = [records.Visit(P, f"ses-a{n}", day, False, "usable") for n, day in enumerate(days)]
        grown = [judged(P, f"ses-a{n}", "PD", "progression", "growth") for n in range(count)]
        return words(*visits, *grown)

    assert of(3) == "earlier: progression on 2010-01-01, 2011-01-01, 2012-01-01"
    assert of(4) == "earlier: progression on 2011-01-01, 2012-01-01, 2013-01-01 and 1 more scan"
    assert of(5).endswith("and 2 more scans")


# Disagreement --------------------------------------------------------------------------------------------------------


def test_how_criteria_disagree_is_counted_without_those_that_cannot_judge() -> None:
    rows = [criteria(RANO), criteria("third"), judged(P, "ses-03", "PD", "progression", "growth", RANO)]
    mute = judged(P, "ses-03", "NE", "not_evaluable", "not_evaluable", "third")
    said = [one.words for one in urgency.open_questions(patient(*rows, mute)) if one.question == "disagreement"]
    assert set(said) == {"criteria disagree: 1 SD, 1 PD (1 not evaluable)"}
    without = [one.words for one in urgency.open_questions(patient(*rows)) if one.question == "disagreement"]
    assert set(without) == {"criteria disagree: 1 SD, 1 PD"}
    older = judged(P, "ses-02", "PD", "progression", "growth", RANO)
    assert "disagreement" not in asked(criteria(RANO), older), "another scan"


def test_readers_disagree_on_one_mask_of_one_compartment() -> None:
    yes = replace(accepted(P, "ses-03"), who="A")
    no = replace(yes, entry_id="2", act="exclude_mask", who="B")
    assert asked(yes, no) == [Question.DISAGREEMENT]
    for other in ({"compartment": "cyst"}, {"session_id": "ses-02"}, {"mask_sha256": None}, {"status": "stale"}):
        assert asked(yes, replace(no, **other)) == [Question.NONE]
    assert "the tumour mask of" in words(replace(yes, compartment=None), no)
    changed = [yes, replace(yes, entry_id="3", act="exclude_mask"), replace(no, act="accept_mask")]
    assert asked(*changed) == [Question.DISAGREEMENT], "two who accepted, one of whom excluded"


# What stands beside the volume ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "display", "question", "is_said"),
    [
        ("distant", "no_change", "new_lesion", False), ("recurrence", "growth", "new_lesion", False),
        ("stable", "growth", "new_lesion", True), ("stable", "growth", "lesion_growth", False),
        ("stable", "possible_growth", "growth", False), ("stable", "no_change", "growth", True),
        ("stable", "growth", "function", True),
    ],
)  # fmt: skip
def test_only_what_the_state_by_volume_does_not_say_stands_beside_it(
    state: str, display: str, question: str, is_said: bool
) -> None:
    open_one = records.OpenQuestion(P, ADAPTED, 1, question, 1, True, "in words", "brief")
    last = judged(P, "ses-03", "SD", state, display)
    assert standing.beside(last, [open_one]) == ("brief" if is_said else "")
    assert standing.beside(None, [open_one]) == "brief"


def test_the_first_tumour_has_one_word_and_a_lesion_elsewhere_another() -> None:
    last = judged(P, "ses-03", "PD", "progression", "growth")
    first, other = (
        records.OpenQuestion(P, ADAPTED, 1, "new_lesion", 1, True, "in words", brief)
        for brief in (FIRST_SEEN, "new tumour elsewhere")
    )
    assert standing.beside(last, [first]) == ""
    assert standing.beside(last, [replace(first, brief=PERHAPS_SEEN)]) == ""
    assert standing.beside(last, [first, other]) == "new tumour elsewhere"
    assert standing.beside(None, [first]) == "tumour where none was seen before"


def test_what_is_worse_is_said_in_order_each_once_and_growth_not_beside_function() -> None:
    def question(kind: str, brief: str) -> records.OpenQuestion:
        return records.OpenQuestion(P, ADAPTED, 1, kind, 1, True, "-", brief)

    rows = [
        question("function", "f"),
        question("lesion_growth", "l"),
        question("new_lesion", "n"),
        question("growth", "g"),
    ]
    assert standing.beside(None, rows) == "n; l; f"
    assert standing.beside(None, [*rows[1:], question("lesion_growth", "l")]) == "n; l; g"
    assert standing.beside(None, [question("cyst", "c")]) == ""


def test_the_latest_verdict_by_day_and_then_by_name_tells_the_standing() -> None:
    open_one = records.OpenQuestion(P, ADAPTED, 1, "growth", 1, True, "w", "g")
    rows = [row for row in patient() if not isinstance(row, records.Assessment)]
    early, late = judged(P, "ses-02", "SD", "stable", "no_change"), judged(P, "ses-03", "SD", "stable", "growth")
    assert standing.standings([*rows, late, early], [open_one]) == []
    assert len(standing.standings([*rows, replace(late, session_id="ses-01"), early], [open_one])) == 1
    undated = replace(late, session_id="ses-99")
    assert len(standing.standings([*rows, undated, early], [open_one])) == 1
