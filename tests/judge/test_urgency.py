"""What is open about a patient, and what comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipeline.core import records
from pipeline.judge import standing, urgency
from pipeline.judge.clauses import Clause, ClauseKind, to_json
from pipeline.judge.questions import BRIEFS, NONE_RECORDED, Question
from tests.factories import ADAPTED, RANO, accepted, judged, measured, reading_verdict, tiny_store, usable

P = "sub-01"


def criteria(name: str) -> records.Criteria:
    return records.Criteria(name, "1", name, True, "volume", "source", "0" * 64, 1.4, 0.35)


def patient(*rows: Any) -> list[Any]:
    visits = [
        *usable(P, "ses-01", "2020-01-01"),
        *usable(P, "ses-02", "2021-01-01"),
        *usable(P, "ses-03", "2022-01-01"),
    ]
    stable = [judged(P, f"ses-0{n}", "SD", "residual_stable", "no_change") for n in (1, 2, 3)]
    own = {row.session_id for row in rows if isinstance(row, records.Assessment) and row.criteria_id == ADAPTED}
    return [records.Patient(P), criteria(ADAPTED), *visits, *(s for s in stable if s.session_id not in own), *rows]


def asked(*rows: Any) -> list[str]:
    return [one.question for one in urgency.open_questions(patient(*rows)) if one.criteria_id == ADAPTED]


def words(*rows: Any) -> str:
    return "; ".join(one.words for one in urgency.open_questions(patient(*rows)))


def lesion(session: str, name: str, volume_mm3: float, status: str = "persistent") -> records.LesionComponent:
    return records.LesionComponent(P, session, name, 1, status, volume_mm3, 0.0, 0.0, 0.0)


def score(day: str, grade: float, scale: str = "mccormick") -> records.FunctionScore:
    return records.FunctionScore(P, date.fromisoformat(day), scale, grade)


def cyst(*volumes: float | None, cv: float | None = 0.1) -> list[Any]:
    return [row for n, v in enumerate(volumes, start=1) for row in measured(P, f"ses-0{n}", "cyst", v, cv=cv)]


def test_nothing_recorded_is_said_so() -> None:
    assert words() == NONE_RECORDED
    row = urgency.open_questions(patient())[0]
    assert (row.number, row.needs_decision) == (1, False)


def test_one_of_several_lesions_that_grew_is_named() -> None:
    rows = [lesion(f"ses-0{n}", "L1", 250.0) for n in (1, 2, 3)]
    rows += [lesion("ses-02", "L2", 104.96, "new"), lesion("ses-03", "L2", 163.84)]
    assert asked(*rows) == [Question.LESION_GROWTH]
    assert words(*rows) == "lesion L2 grew from 0.105 mL on 2021-01-01 to 0.164 mL on 2022-01-01 (+56 %)"
    assert asked(*rows[:-2], lesion("ses-03", "L2", 104.96, "new")) == [Question.NEW_LESION]


def test_pieces_of_a_split_lesion_count_together() -> None:
    whole = [lesion("ses-02", "L1", 200.0), lesion("ses-02", "L2", 90.0)]
    parts = [replace(lesion("ses-03", "L1", 100.0, "split"), component_id=n) for n in (1, 2)]
    assert asked(*whole, *parts, lesion("ses-03", "L2", 90.0)) == [Question.NONE]


@pytest.mark.parametrize(
    ("grades", "question"),
    [
        ([("2020-01-01", 2), ("2021-01-01", 3)], Question.FUNCTION),
        ([("2020-01-01", 2), ("2021-01-01", 3), ("2022-01-01", 3)], Question.FUNCTION),  # worse and stayed worse
        ([("2020-01-01", 2), ("2021-01-01", 3), ("2022-01-01", 2)], Question.NONE),
        ([("2020-01-01", 3)], Question.NONE),
    ],
)
def test_function_is_held_against_its_best(grades: list[tuple[str, float]], question: Question) -> None:
    assert asked(*(score(day, grade) for day, grade in grades)) == [question]
    other = [score(day, grade, "kps") for day, grade in grades]  # nobody said which way this scale runs
    assert asked(*other) == [Question.NONE]


@pytest.mark.parametrize(
    ("volumes", "question"),
    [
        ((300.0, 400.0, 500.0), Question.CYST),  # never beyond its error from one scan to the next
        ((500.0, 200.0, 600.0), Question.CYST),
        ((500.0, 500.0, 520.0), Question.NONE),
        ((0.0, None, 200.0), Question.CYST),
        ((300.0, None, None), Question.NONE),
        ((300.0, 900.0, 0.0), Question.NONE),
    ],
)
def test_a_cyst_is_held_against_its_smallest(volumes: tuple[float | None, ...], question: Question) -> None:
    assert asked(*cyst(*volumes)) == [question]


def test_a_cyst_is_held_against_its_smallest_since_surgery() -> None:
    surgery = records.Treatment(P, date(2020, 6, 1), "surgery")
    assert asked(*cyst(100.0, 500.0, 500.0), surgery) == [Question.NONE]
    both = words(*cyst(300.0, 400.0, 900.0), score("2020-01-01", 1), score("2022-01-01", 2))
    assert "(+200 %), with worse function" in both


def test_earlier_progression_stays_open_until_it_is_treated() -> None:
    grown = judged(P, "ses-02", "PD", "progression", "growth")
    lost = judged(P, "ses-03", "NE", "not_evaluable", "not_evaluable")
    assert asked(grown) == [Question.EARLIER_PROGRESSION]
    assert asked(grown, lost) == [Question.EARLIER_PROGRESSION, Question.NOT_JUDGED]
    assert "earlier: progression on 2021-01-01" in words(grown)
    assert asked(grown, records.Treatment(P, date(2021, 2, 1), "surgery")) == [Question.NONE]
    assert asked(grown, records.Treatment(P, date(2021, 2, 1), "steroid")) == [Question.EARLIER_PROGRESSION]


def test_criteria_that_cannot_judge_do_not_disagree() -> None:
    other = criteria(RANO)
    mute = judged(P, "ses-03", "NE", "not_evaluable", "not_evaluable", RANO)
    worse = judged(P, "ses-03", "PD", "progression", "growth", RANO)
    assert asked(other, mute) == [Question.NONE]
    assert asked(other, worse) == [Question.DISAGREEMENT]


def test_the_order_of_rows_is_irrelevant_and_each_patient_has_a_first_question() -> None:
    rows = [row for row in tiny_store() if not isinstance(row, records.OpenQuestion)]
    found = urgency.open_questions(rows)
    assert urgency.open_questions(rows[::-1]) == found
    first = {(one.patient_id, one.criteria_id) for one in found if one.number == 1}
    assert len(first) == 14
    assert all(one.words and "nothing to decide" not in one.words for one in found)


def beside(*rows: Any) -> dict[str, str]:
    everything = patient(*rows)
    found = standing.standings(everything, urgency.open_questions(everything))
    return {row.criteria_id: row.beside for row in found}


def test_worse_function_stands_beside_a_quiet_volume_with_the_day_since_when() -> None:
    grades = [score("2020-01-01", 2), score("2021-03-14", 3), score("2022-01-01", 3)]
    assert beside(*grades)[ADAPTED] == "clinically worse since 2021-03-14"
    assert beside(*grades, score("2022-02-01", 2)) == {}


def test_a_new_and_a_growing_lesion_stand_beside_the_volume_and_a_cyst_does_not() -> None:
    lesions = [lesion(f"ses-0{n}", "L1", 250.0) for n in (1, 2, 3)] + [lesion("ses-02", "L2", 100.0)]
    assert beside(*lesions, lesion("ses-03", "L2", 160.0))[ADAPTED] == "possible growth of lesion L2"
    assert beside(*lesions[:3], lesion("ses-03", "L2", 160.0, "new"))[ADAPTED] == "new lesion L2"
    assert beside(*cyst(100.0, 100.0, 300.0)) == {}


def test_what_the_state_by_volume_says_itself_is_not_said_twice() -> None:
    grown = judged(P, "ses-03", "PD", "progression", "growth")
    assert beside(grown) == {}
    assert beside(grown, score("2020-01-01", 2), score("2021-03-14", 3)) == {
        ADAPTED: "clinically worse since 2021-03-14"
    }
    clinical = judged(P, "ses-03", "PD", "progression", "no_change")
    assert beside(clinical)[ADAPTED] == "progression"


def test_a_scale_is_called_by_its_name_and_every_question_has_a_few_words() -> None:
    rows = [score("2020-01-01", 2, "mmccormick"), score("2021-01-01", 3, "mmccormick")]
    assert "modified McCormick grade 2 on 2020-01-01" in words(*rows)
    assert set(BRIEFS) == set(Question)


def test_progression_within_the_error_of_all_scans_is_no_earlier_progression() -> None:
    possible = replace(judged(P, "ses-02", "PD", "progression", "possible_growth"), detection_limit_ratio=1.5)
    assert asked(possible) == [Question.NONE]
    assert asked(replace(possible, detection_limit_ratio=None)) == [Question.EARLIER_PROGRESSION]


def test_a_mask_that_one_reader_accepted_and_another_excluded_is_an_open_question() -> None:
    yes = replace(accepted(P, "ses-03", "replaced"), who="A")
    no = replace(yes, entry_id="2", act="exclude_mask", who="B", status="in_force")
    assert asked(yes, no) == [Question.DISAGREEMENT]
    assert words(yes, no) == "readers disagree on the tumour mask of 2022-01-01: accepted by A, excluded by B"
    assert asked(yes, replace(no, who="A")) == [Question.NONE]  # one who changed their mind
    assert asked(yes, replace(no, mask_sha256="1" * 64)) == [Question.NONE]  # another mask
    assert asked(replace(yes, status="undone"), no) == [Question.NONE]


def test_a_state_that_shows_growth_does_not_say_the_growing_lesion_again() -> None:
    rows = [lesion(f"ses-0{n}", "L1", 250.0) for n in (1, 2, 3)]
    rows += [lesion("ses-02", "L2", 100.0), lesion("ses-03", "L2", 160.0)]
    assert beside(*rows, judged(P, "ses-03", "SD", "stable", "possible_growth")) == {}


def reading(
    name: str, called: tuple[str, str, str], change: str = "-75 %", session: str = "ses-03"
) -> records.ReadingAssessment:
    kind = ClauseKind.MIXED if name == "mixed" else ClauseKind.CHANGE
    clause = Clause(kind, "Both parts together", "by the rule", change=change, reference_on=date(2020, 1, 1))
    return reading_verdict(P, session, name, called, (1000.0, 0.25), to_json((clause,)))


def test_with_the_cyst_counted_another_category_is_a_disagreement() -> None:
    row = reading("solid_and_cyst", ("PR", "response", "shrinkage"))
    assert asked(row) == [Question.DISAGREEMENT]
    assert words(row) == ("with the cyst counted: PR (-75 % since 2020-01-01); solid tumour alone, which decides: SD")


def test_the_same_category_and_an_earlier_scan_ask_nothing() -> None:
    assert asked(reading("solid_and_cyst", ("SD", "stable", "shrinkage"))) == [Question.NONE]
    earlier = reading("solid_and_cyst", ("PR", "response", "shrinkage"), session="ses-02")
    assert asked(earlier) == [Question.NONE]
    quiet = replace(reading("solid_and_cyst", ("PR", "response", "shrinkage")), is_different=False)
    assert asked(quiet) == [Question.NONE]


@pytest.mark.parametrize(
    ("called", "confirmed", "question"),
    [
        (("PD", "progression", "growth"), True, Question.GROWTH),
        (("PD", "progression", "growth"), False, Question.POSSIBLE_GROWTH),
        (("SD", "stable", "possible_growth"), True, Question.POSSIBLE_GROWTH),
        (("PR", "response", "shrinkage"), True, Question.DISAGREEMENT),
    ],
)
def test_a_part_that_grew_is_asked_about_as_growth(called, confirmed, question) -> None:
    parts = [reading("enhancing", called, "+70 %"), reading("mixed", called, "")]
    assert asked(parts[0], replace(parts[1], is_confirmed=confirmed)) == [question]


def test_a_growing_enhancing_part_stands_beside_the_state_by_volume() -> None:
    called = ("PD", "progression", "growth")
    rows = patient(reading("enhancing", called, "+70 %"), reading("mixed", called, ""))
    (worse,) = standing.standings(rows, urgency.open_questions(rows))
    assert worse.beside == "enhancing part growing"
