"""Every part of every verdict is true of the numbers printed in it: hand-worked series and random courses (30 s)."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.vocabulary import Category, PatientCourse, VisitJudgement, VisitMeasure
from pipeline.judge import clauses, criteria_files
from pipeline.judge.clauses import Clause, ClauseKind
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge
from pipeline.judge.stated_response import confirm_stated
from tests.judge.course_maker import course, judged, surgery, visit, written_course
from tests.judge.test_cases import CASES

ADAPTED = "imsct_adapted_v1"
CRITERIA = ("imsct_adapted_v1", "rano2_vol", "rano2_2d", "recist_1_1")
NUMBER = r"(-?\+?[\d.]+)"
CHANGED = re.compile(
    rf"{NUMBER} (mL|mm|mm²) on [\d-]+ is {NUMBER} %"
    rf"(?: (?:\(95 % CI|by the two readings \(true change) by all scans {NUMBER} to {NUMBER} %(?:, 95 % CI)?\))?"
    rf" against the (?:baseline|nadir) {NUMBER} (?:mL|mm|mm²) of"
)
OTHER_DAYS = ("can be the baseline from", "a day that is not known")
"""Sentences with these words name days between the scans, too."""
LIMIT = re.compile(rf"(beyond|within) measurement error \(limit {NUMBER} %\)")
RULE = re.compile(rf"(below|beyond|reaches) the {NUMBER} % rule")


def numbers_agree(clause: Clause) -> None:
    """The change is that of the printed sizes; below, beyond and within are true of it."""
    parts = CHANGED.search(clause.words)
    assert parts, clause.words
    now, _, change, low, high, then = parts.groups()
    from_sizes = 100 * (float(now) / float(then) - 1)
    assert abs(from_sizes - float(change)) <= max(2.5, 0.06 * abs(float(change))), clause.text
    if low:  # of the true change, by all scans: what two of them read may lie outside
        assert float(low) <= float(high), clause.text
    for place, limit in LIMIT.findall(clause.ruling):
        assert (float(limit) < 0) == (float(change) < 0 or float(change) == 0 > float(limit)), clause.text
        assert (abs(float(change)) > abs(float(limit))) == (place == "beyond"), clause.text
    for place, rule in RULE.findall(clause.ruling):
        is_below = float(change) > float(rule) if float(rule) < 0 else float(change) < float(rule)
        assert is_below == (place == "below"), clause.text
        assert place != "beyond" or float(change) > float(rule), clause.text


def holds(found: VisitJudgement, visits: tuple[VisitMeasure, ...]) -> None:
    parts = clauses.from_json(found.clauses)
    assert clauses.sentence(parts) == found.reason
    assert clauses.from_json(clauses.to_json(parts)) == parts
    texts = [part.text for part in parts]
    assert len(set(texts)) == len(texts), found.reason
    days = {one.acquired_on for one in visits}
    assert {day for part in parts for day in (part.on, part.reference_on) if day} <= days
    assert not re.search(r"[+-]{2}\d|-0(?:\.0*)? %|-100 %.*mL on|\bNone\b|\bnan\b", found.reason), found.reason
    assert not re.search(r"\b1 days\b", found.reason)
    for part in parts:
        if part.kind == ClauseKind.CHANGE:
            numbers_agree(part)
    falls = [(part, re.search(rf"not a {NUMBER} % response", part.text)) for part in parts]
    for part, limit in falls:
        change = re.match(rf"{NUMBER} % against", part.text) or re.search(rf"is {NUMBER} %", parts[0].words)
        if limit and change:
            assert float(change[1]) > float(limit[1]), found.reason


@pytest.mark.parametrize("case", CASES)
def test_every_clause_of_a_hand_worked_series_is_true_of_its_numbers(case) -> None:
    patient = written_course(case)
    dates = {one.acquired_on for one in patient.visits} | {
        day for t in patient.treatments for day in (t.started_on, t.ended_on) if day
    }
    for found in judged(case):
        holds(found, patient.visits)
        told = {date.fromisoformat(day) for day in re.findall(r"(?<!about )\d{4}-\d\d-\d\d", found.reason)}
        scores = {score.assessed_on for score in patient.function_scores}
        assert {day for day in told if not any(words in found.reason for words in OTHER_DAYS)} <= dates | scores, (
            found.reason
        )


SIZES = st.one_of(st.none(), st.just(0.0), st.floats(1.0, 60_000.0), st.sampled_from([999.0, 1000.0, 1399.0, 1400.0]))


@st.composite
def histories(draw: st.DrawFn) -> PatientCourse:
    days = sorted(draw(st.lists(st.integers(1, 3000), min_size=2, max_size=6, unique=True)))
    visits = []
    for day in days:
        size = draw(SIZES)
        sizes = {} if size is None else {"product_mm2": size**0.67, "longest_mm": size**0.33}
        cv = draw(st.sampled_from([0.03, 0.1, 0.2, 0.6])) if size else None
        new, slices = draw(st.booleans()) and draw(st.booleans()), draw(st.sampled_from([None, 1, 5]))
        visits.append(visit(day, size, volume_cv=cv, new_lesion=new, slices_spanned=slices, **sizes))
    treated = draw(st.lists(st.integers(1, 3000), max_size=1))
    return course(*visits, treatments=tuple(surgery(day) for day in treated))


def rules(name: str) -> ResponseCriteria:
    return criteria_files.load(name)


@settings(max_examples=120, deadline=None)
@given(histories(), st.sampled_from(CRITERIA))
def test_every_clause_of_a_random_course_is_true_of_its_numbers(patient: PatientCourse, name: str) -> None:
    for found in judge(patient, rules(name)):
        holds(found, patient.visits)


def last(*visits: VisitMeasure) -> str:
    return judge(course(*visits), rules(ADAPTED))[-1].reason


def test_tumour_seen_again_is_told_what_of_the_rule_it_does_not_reach() -> None:
    gone = (visit(0, 1000), visit(200, 0))
    assert "on one scan only; preliminary" in last(*gone, visit(400, 5000, slices_spanned=1))
    assert "does not reach the sizes of the rule" in last(*gone, visit(400, 20, slices_spanned=3))
    assert "below" not in last(*gone, visit(400, 5000, slices_spanned=1))


def test_a_fall_is_held_against_the_limit_for_falls_and_says_why_it_is_no_response() -> None:
    text = last(visit(0, 1000, volume_cv=0.4), visit(200, 280, volume_cv=0.4))
    assert "reaches the -65 % rule" in text
    assert "within measurement error (limit -81 %)" in text
    small = last(visit(0, 50, volume_cv=0.1), visit(200, 8.5, volume_cv=0.1))
    assert "-83 %" in small
    assert "no response: the baseline of 0.050 mL is too small to measure one by" in small


def test_nearly_the_rule_is_printed_so_that_its_side_can_be_seen() -> None:
    text = last(visit(0, 1000, volume_cv=0.05), visit(200, 1398, volume_cv=0.05))
    assert "is +39.8 % " in text
    assert "below the +40 % rule" in text


def test_one_day_is_one_day() -> None:
    patient = course(visit(0, 900), visit(141, 800), treatments=(surgery(100),))
    assert "1 day too soon" in " ".join(found.reason for found in judge(patient, rules(ADAPTED)))


def test_a_reader_who_could_not_evaluate_is_not_told_that_a_table_lacks_a_volume() -> None:
    why = "the table gives no volume of solid tumour for this visit"
    seen = visit(0, None, missing_reason=why)
    found = confirm_stated(course(seen), {seen.session_id: Category.NE}, rules(ADAPTED)).judgements[0]
    assert found.reason == "Not evaluable on 2020-01-01: as the reader says."


def test_names_with_signs_of_a_sentence_stay_whole() -> None:
    patient = course(visit(0, 1200), pinned_baselines=("ses-0000",), pinned_by={"ses-0000": "Dr Smith; Dr Jones: both"})
    found = judge(patient, rules(ADAPTED))[0]
    main, *others = clauses.from_json(found.clauses)
    assert any(one.words.endswith("pinned by Dr Smith; Dr Jones: both") for one in others), found.reason
    assert main.ruling.startswith("solid tumour 1.2 mL")


def test_growth_since_the_nadir_says_that_the_tumour_is_smaller_than_before() -> None:
    grown = (visit(0, 600, volume_cv=0.08), visit(365, 3000, volume_cv=0.08))
    text = last(*grown, visit(730, 1500, volume_cv=0.08))
    assert "yet smaller than on the scan before, -50 % against 3.0 mL of 2020-12-31" in text
    assert "smaller" not in last(*grown, visit(730, 2900, volume_cv=0.08))
    assert "smaller" not in last(*grown, visit(730, 3100, volume_cv=0.08))
