"""Sentences, rules in words and markup: text from the data stays text (under a second)."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from dashboard.methods import criteria_words, further_rules
from dashboard.words import caveats, glossary, labels, markup, sentences, state_words
from pipeline.align import certificate
from pipeline.context import schedule_files
from pipeline.judge import criteria_files
from pipeline.judge.clauses import Clause, ClauseKind, to_json
from pipeline.measure import measurement_error
from pipeline.refind import shrinkage

HOSTILE = '<img src=x onerror="alert(1)">'


def states(*looks):
    return pd.DataFrame(
        [
            {"state": s, "display_state": d, "needs_decision": needs, "category_shown": "SD", "beside": None}
            for s, d, needs in looks
        ]
    )


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        (states(("progression", "growth", True)), "1 of 1 patient has an open question."),
        (
            states(("progression", "growth", True), ("baseline", "no_change", False)),
            "1 of 2 patients has an open question.",
        ),
        (
            states(("baseline", "no_change", False), ("baseline", "no_change", False)),
            "2 patients: no open question recorded.",
        ),
    ],
)
def test_the_board_answers_its_question_first(rows, answer):
    assert sentences.board(rows.assign(is_overdue=None)) == answer


def test_a_board_that_asks_nothing_says_how_many_scans_are_overdue():
    rows = states(("baseline", "no_change", False), ("baseline", "no_change", False), ("baseline", "no_change", False))
    late = [True, None, False]
    assert sentences.board(rows.assign(is_overdue=late)) == "3 patients: no open question recorded; 1 scan overdue."


def test_a_first_scan_is_not_found_as_no_change():
    rows = states(("baseline", "no_change", False), ("residual_stable", "no_change", False))
    assert counted(rows) == {"no change detected": 1, "baseline": 1}


def counted(rows):
    return state_words.counted(rows.assign(state_words=[state_words.shown(row) for _, row in rows.iterrows()]))


def test_what_is_worse_beside_the_volume_is_found_and_said_with_it():
    rows = states(("residual_stable", "no_change", True), ("residual_stable", "no_change", False))
    rows.loc[0, "beside"] = "new lesion B; clinically worse since 2023-03-14"
    assert list(counted(rows).items()) == [
        ("clinically worse", 1), ("new lesion", 1), ("no change detected", 1), ("by volume stable", 1),
    ]  # fmt: skip
    assert [state_words.symbol(word) for word in ("recurrence", "growing", "by volume stable")] == ["◆", "▲", "◆"]
    rows.loc[0, "beside"] = "clinically worse since 2023-03-14"
    assert labels.standing(rows.iloc[0]).word == "by volume stable; clinically worse since 2023-03-14"
    assert labels.standing(rows.iloc[1]) == labels.look("residual_stable", "no_change")
    grown = rows.iloc[0].replace({"no_change": "growth"})
    assert labels.standing(grown).word == "growing; clinically worse since 2023-03-14"


def test_leading_questions_are_few_and_say_how_many_more():
    row = pd.Series({"open_briefs": "growth; new lesion; cyst growing", "question_kinds": "x", "is_overdue": False})
    assert sentences.leading_questions(row) == "growth; new lesion; 1 more"
    assert sentences.leading_questions(row.replace({"growth; new lesion; cyst growing": "growth"})) == "growth"
    late = pd.Series({"open_briefs": "no open question recorded", "question_kinds": "none", "is_overdue": True})
    assert sentences.leading_questions(late) == "scan overdue"


NOTHING = {
    "change_percent": None,
    "change_low_percent": None,
    "change_high_percent": None,
    "against": None,
    "clauses": "[]",
}
LED_BY_L2 = to_json([
    Clause(ClauseKind.LESION, "Lesion L2", ratio=1.75, low_ratio=0.74, high_ratio=2.53, change="+75.2 %", lesion="L2"),
    Clause(ClauseKind.CHANGE, "Total", ratio=1.07, low_ratio=0.95, high_ratio=1.2, change="+7 %"),
])  # fmt: skip
GROWN = {
    "change_percent": 75.0,
    "change_low_percent": 33.0,
    "change_high_percent": 131.0,
    "against": "nadir",
    "clauses": "[]",
}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {**NOTHING, "state": "baseline", "change_percent": 0.0, "tumour_volume_mm3": 400.0},
            ("first to compare with", ""),
        ),
        (
            {**GROWN, "state": "progression", "tumour_volume_mm3": 1400.0},
            ("+75\u202f% since nadir", "+33 to +130\u202f%"),
        ),
        (
            {**GROWN, "state": "stable", "tumour_volume_mm3": 420.0, "against": "lesion", "lesion_id": "L2"}
            | {"change_low_percent": None, "change_high_percent": None, "clauses": LED_BY_L2},
            ("+75.2\u202f% of lesion L2", "−26 to +150\u202f%"),
        ),
        ({**NOTHING, "state": "recurrence", "tumour_volume_mm3": 150.0}, ("0.15\u202fmL, none before", "")),
        ({**NOTHING, "state": "no_evidence_of_disease", "tumour_volume_mm3": 0.0}, ("none seen", "")),
        ({**NOTHING, "state": "not_evaluable", "tumour_volume_mm3": None}, ("cannot be judged", "")),
    ],
)
def test_a_change_is_said_against_its_reference_and_a_missing_one_in_words(row, words):
    assert sentences.change(pd.Series(row)) == words


@pytest.mark.parametrize(
    ("due_on", "is_overdue", "words"),
    [
        (pd.Timestamp("2024-06-20"), True, "due 2024-06-20"),
        (pd.Timestamp("2024-06-20"), False, "due 2024-06-20"),
        (None, False, ""),
        (None, float("nan"), ""),
    ],
)
def test_the_next_scan_is_said_only_where_a_schedule_has_one(due_on, is_overdue, words):
    assert sentences.due(pd.Series({"due_on": due_on, "is_overdue": is_overdue})) == words


def test_an_unconfirmed_verdict_says_so_and_how_many_criteria_agree():
    row = pd.Series({"probability": 0.53, "category": "PD", "category_shown": "PD?"})
    found = caveats.under_verdict(row, "imsct_adapted_v1 1, adapted", pd.DataFrame({"category": ["PD", "SD"]}))
    assert found == (
        "imsct_adapted_v1 1, adapted · probability of a change beyond the threshold 53\u202f% · "
        "1 of 2 criteria agree · awaits a confirming scan"
    )


@pytest.mark.parametrize(
    ("categories", "words"),
    [(["NE", "NE"], "none of 2 criteria could judge"), (["NE", "PD"], "1 of 2 criteria could judge")],
)
def test_criteria_that_cannot_judge_agree_on_nothing(categories, words):
    row = pd.Series({"probability": None, "category": "NE", "category_shown": "NE"})
    assert caveats.under_verdict(row, "rule", pd.DataFrame({"category": categories})) == f"rule · {words}"


def test_the_number_of_the_cohort_stands_behind_the_stated_one_and_says_of_whom_it_is():
    row = pd.Series(
        {
            "probability": 0.53, "probability_in_cohort": 0.214, "cohort_people": 26.0, "cohort_growing_share": 0.124,
            "cohort_growing_low_share": 0.03, "cohort_growing_high_share": 0.3, "category": "PD",
            "category_shown": "PD",
        }
    )  # fmt: skip
    verdicts = pd.DataFrame({"category": ["PD"]})
    assert caveats.under_verdict(row, "rule", verdicts) == (
        "rule · probability of a change beyond the threshold 53\u202f% · "
        "in this cohort 21\u202f% (26 people, growing 12\u202f%, 3 to 30\u202f%; decides nothing)"
    )
    for missing in ("probability", "probability_in_cohort"):
        silent = row.where(row.index != missing, None)
        assert "in this cohort" not in caveats.under_verdict(silent, "rule", verdicts)


def test_a_probability_says_between_which_numbers_it_lies_where_few_or_most_people_grow():
    row = {"probability": 0.53, "category": "PD", "category_shown": "PD"}
    verdicts = pd.DataFrame({"category": ["PD"]})
    told = "rule · probability of a change beyond the threshold 53\u202f%"
    with_range = pd.Series({**row, "probability_low": 0.271, "probability_high": 0.68})
    words = f"{told}, 27\u202f% to 68\u202f% where one in ten to nine in ten people grow"
    assert caveats.under_verdict(with_range, "rule", verdicts) == words
    unsure = pd.Series({**row, "display_state": "no_change", "shown_state": "too_uncertain"})
    people = ", more by how tumours grow in people than by these scans"
    assert caveats.under_verdict(unsure, "rule", verdicts) == f"{told}{people}"
    alike = pd.Series({**row, "probability_low": 0.531, "probability_high": 0.533})
    assert caveats.under_verdict(alike, "rule", verdicts) == told


def test_a_verdict_is_read_from_its_clauses_and_never_taken_apart():
    pinned = Clause(ClauseKind.BASELINE, "Baseline, pinned by Dr Smith; Dr Jones: both", "solid tumour 1.2 mL")
    row = {"clauses": to_json((pinned, Clause(ClauseKind.UNSIGNED, "provisional: automatic"))), "reason": "unused"}
    assert sentences.verdict(row) == (
        "Baseline, pinned by Dr Smith; Dr Jones: both: solid tumour 1.2 mL.",
        "Provisional: automatic.",
    )
    assert sentences.short_reason(row) == "Solid tumour 1.2 mL."
    none = {"clauses": "[]", "reason": "no visit; could be: judged"}
    assert sentences.verdict(none) == ("No visit; could be: judged.", "")
    fell = Clause(ClauseKind.CHANGE, "fell", "a fall, within measurement error (limit -80 %)", change="-72 %")
    assert sentences.short_reason({"clauses": to_json((fell,)), "reason": ""}) == (
        "−72\u202f%: a fall, within measurement error (limit −80\u202f%)."
    )
    since = replace(fell, reference_on=date(2021, 4, 13))
    assert sentences.reason_since({"clauses": to_json((since,)), "reason": ""}) == (
        "−72\u202f% since 2021-04-13: a fall, within measurement error (limit −80\u202f%)."
    )
    assert sentences.reason_since(row) == sentences.short_reason(row)


@pytest.mark.parametrize(
    ("kinds", "is_overdue", "words"),
    [
        ("none", False, "no open question recorded"),
        ("none", True, "scan overdue"),
        ("growth", True, "no open question recorded; scan overdue"),
        ("growth", None, "no open question recorded"),
    ],
)
def test_open_questions_end_with_an_overdue_scan(kinds, is_overdue, words):
    row = pd.Series({"open_questions": "no open question recorded", "question_kinds": kinds, "is_overdue": is_overdue})
    assert sentences.open_questions(row) == words


def test_rules_are_said_with_the_numbers_that_judge():
    found = {name: words for name, words, _, _ in criteria_words.in_words(criteria_files.load("imsct_adapted_v1"))}
    assert "by 40\u202f% or more against its smallest" in found["Progression"]
    assert "at least 0.10\u202fmL" in found["Progression"]
    assert "by 65\u202f% or more against the baseline" in found["Partial response"]
    assert "nearest to 91 days after surgery, from day 42 on" in found["Baseline"]


@pytest.mark.parametrize("name", criteria_files.names())
def test_every_packaged_criteria_file_can_be_said_in_words_with_its_sources(name):
    found = criteria_words.in_words(criteria_files.load(name))
    assert {"Progression", "Partial response", "Baseline"} <= {title for title, _, _, _ in found}
    assert all(words.endswith(".") and source and mark for _, words, source, mark in found)


def test_limits_errors_and_schedules_are_said_with_the_numbers_that_decide(monkeypatch):
    monkeypatch.setattr(certificate, "COVERAGE_A", 0.83)
    monkeypatch.setitem(measurement_error.FOUND_AGAIN_ERROR_MM, "oedema", 0.77)
    assert (
        "Lesion covered",
        "A from 83\u202f%, C below 25\u202f%.",
        further_rules.ADDED,
    ) in further_rules.certificate_words()
    assert "oedema 0.77\u202fmm" in {name: words for name, words, _ in further_rules.errors()}["Found again"]
    due = {name: words for name, words, _ in further_rules.next_scans(schedule_files.load())}
    assert len(due) == len(schedule_files.load().schedules) + len(schedule_files.load().closer)
    assert (
        due["Sooner: MYCN amplified"]
        == "First about 42 days after treatment, then every 3 months until 36 months after it, then every 6 months."
    )
    assert due["Haemangioblastoma, sporadic, totally resected"] == (
        "First about 6 months after treatment, then every 12 months until 60 months after it."
    )


@pytest.mark.parametrize(("name", "rule"), [
    ("SHRINKAGE_SHARE", "Found smaller"), ("HIDING", "Found smaller"), ("HIDDEN_CV", "Found smaller"),
    ("HALF_HIDDEN_CV", "Found again after a treatment"), ("THIRD_HIDDEN_CV", "Found again after a treatment"),
    ("NOT_LARGER", "Found again after a treatment"), ("WORTH_SAYING", "Found again after a treatment"),
    ("NOT_SMALLER", "Found again, no size told"), ("RETURNED", "Found again, no size told"),
    ("FADING", "Found again, no size told"), ("FADING_SURE", "Found again, no size told"),
])  # fmt: skip
def test_what_may_hide_a_shrinkage_is_said_with_the_numbers_of_its_error(name, rule, monkeypatch):
    monkeypatch.setattr(shrinkage, name, 0.77)
    words = {title: sentence for title, sentence, _ in further_rules.errors()}[rule]
    assert "0.77" in words or "77\u202f%" in words


def test_every_category_and_every_term_is_explained_on_hover():
    assert set(labels.CATEGORIES) <= set(glossary.TERMS)
    assert glossary.category("SD") == "stable disease, a category of response criteria"
    assert all(len(meaning) > 20 for meaning in glossary.TERMS.values())


def test_nothing_in_the_data_turns_the_direction_of_the_words_after_it():
    assert markup.tag("p", "\u202egnorw", title="\u2067x") == '<p title="\ufffdx">\ufffdgnorw</p>'
    assert markup.as_label("\u202ex") == "\ufffdx"
    assert markup.tag("p", "\u05e9\u05dc\u05d5\u05dd") == "<p>\u05e9\u05dc\u05d5\u05dd</p>", "letters stay as they are"


def test_text_is_escaped_wherever_it_is_put():
    built = markup.tag("p", HOSTILE, markup.tag("b", HOSTILE), title=HOSTILE)
    assert "<img" not in built
    assert built.count("&lt;img") == 3
    assert "<img" not in markup.table(["a"], [[HOSTILE]])
    assert "<img" not in markup.join([HOSTILE, HOSTILE], "<img>")


def test_only_what_was_built_as_markup_is_markup():
    assert markup.join([markup.tag("b", "x"), "<b>y</b>"]) == "<b>x</b>&lt;b&gt;y&lt;/b&gt;"


def test_labels_of_widgets_are_not_read_as_markdown():
    assert markup.as_label("**sub**[x](http://y)") == r"\*\*sub\*\*\[x\]\(http\:\/\/y\)".replace(r"\/", "/")


def places(*levels, reason="why"):
    return pd.DataFrame(
        [
            {"acquired_on": pd.Timestamp(f"202{n}-01-01"), "levels": level, "level_reason": None if level else reason}
            for n, level in enumerate(levels)
        ]
    )


@pytest.mark.parametrize(
    ("levels", "origin", "expected"),
    [
        (["C4", "C5", "C6"], "manual", "C4 on 2020-01-01, C6 on 2022-01-01 (disc labels of 2021-05-01). "),
        (["C4"], "automatic", "C4 on 2020-01-01 (disc labels of 2021-05-01, by a program or unstated). "),
        (["C4", None], "manual", "C4 on 2020-01-01 (disc labels of 2021-05-01). On 2021-01-01 no level: why. "),
        ([None], "manual", "No vertebral level: why. "),
        ([], "manual", ""),
    ],
)  # fmt: skip
def test_levels_are_told_with_whose_labels_and_where_there_are_none(levels, origin, expected):
    discs = pd.DataFrame([{"acquired_on": pd.Timestamp("2021-05-01"), "label_origin": origin}])
    assert sentences.levels(places(*levels), discs) == expected


def test_without_labels_the_reason_stands_in_place_of_a_level():
    assert sentences.levels(places(None, reason="no visit has disc labels"), pd.DataFrame()) == (
        "No vertebral level: no visit has disc labels. "
    )


def test_a_day_is_kept_whole_wherever_it_stands_and_nothing_else_is():
    day = '<span class="ct-day">2023-08-15</span>'
    assert markup.tag("p", "worse since 2023-08-15; <b>", title="on 2023-08-15") == (
        f'<p title="on 2023-08-15">worse since {day}; &lt;b&gt;</p>'
    )
    assert markup.tag("p", markup.tag("b", "2023-08-15")) == f"<p><b>{day}</b></p>", "once, however deep"
    assert markup.join(["sub-2023-08-15-1 and 12023-08-15"]) == "sub-2023-08-15-1 and 12023-08-15"
