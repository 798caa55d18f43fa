"""Sentences on lesions, on patients whose lesions lead, and on best responses, of random courses (20 s)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.vocabulary import PatientCourse, VisitJudgement, VisitMeasure
from pipeline.judge import clauses, lesion_courses
from pipeline.judge.clauses import ClauseKind
from pipeline.judge.lesion_courses import LesionVerdict
from pipeline.judge.response import judge, judge_whole
from tests.judge.course_maker import course, surgery, visit
from tests.judge.test_clauses import CHANGED, CRITERIA, SIZES, histories, holds, numbers_agree, rules

DAY = re.compile(r"\d{4}-\d\d-\d\d")
SPAN = re.compile(r"(\d+) days?")


@st.composite
def two_lesions(draw: st.DrawFn) -> tuple[PatientCourse, dict[str, list[VisitMeasure]]]:
    """Draw two lesions and their total on the same days; a lesion that was not seen leaves the total unknown."""
    days = sorted(draw(st.lists(st.integers(1, 3000), min_size=2, max_size=5, unique=True)))
    sizes = {name: [draw(SIZES) for _ in days] for name in ("C3", "Th5")}
    cv = draw(st.sampled_from([0.05, 0.15, 0.3]))
    lesions = {
        name: [_sized(day, size, cv) for day, size in zip(days, own, strict=True)] for name, own in sizes.items()
    }
    totals = [None if None in pair else sum(pair) for pair in zip(*sizes.values(), strict=True)]
    treated = tuple(surgery(day) for day in draw(st.lists(st.integers(1, 3000), max_size=1)))
    total = [_sized(day, size, cv) for day, size in zip(days, totals, strict=True)]
    return replace(course(*total, treatments=treated), syndrome="VHL"), lesions


def _sized(day: int, size: float | None, cv: float) -> VisitMeasure:
    sizes = {} if size is None else {"product_mm2": size**0.67, "longest_mm": size**0.33}
    return visit(day, size, volume_cv=cv if size else None, slices_spanned=5, **sizes)


def led_of(patient: PatientCourse, lesions: dict[str, list[VisitMeasure]], criteria: str) -> list[VisitJudgement]:
    verdicts: dict[str, list[LesionVerdict]] = {}
    for name, measures in lesions.items():
        by_session = {one.session_id: one for one in measures}
        for found in lesion_courses.judge_lesion(patient, measures, rules(criteria)):
            holds(found, patient.visits)
            verdicts.setdefault(found.session_id, []).append(LesionVerdict(name, found, by_session[found.session_id]))
    led = []
    for total in judge(patient, rules(criteria)):
        of_visit = verdicts[total.session_id]
        led.append(lesion_courses.led_by_lesions(total, of_visit, lesion_courses.set_in_words(of_visit, ())))
        _leads_truly(led[-1], total, of_visit)
    return led


def _leads_truly(led: VisitJudgement, total: VisitJudgement, verdicts: list[LesionVerdict]) -> None:
    """The category is the total's; a state that is not the total's is that of the worst lesion, which is named."""
    assert led.category == total.category
    chosen = lesion_courses.worst(verdicts)
    if led.state != total.state:
        assert chosen is not None
        assert led.state == chosen.judgement.state
        assert led.reason.startswith(f"Lesion {chosen.name} by itself")
    grades = [lesion_courses.severity(one.judgement.state, one.judgement.display_state) for one in verdicts]
    assert lesion_courses.severity(led.state, led.display_state) == max(
        [*grades, lesion_courses.severity(total.state, total.display_state)]
    )


@settings(max_examples=60, deadline=None)
@given(two_lesions(), st.sampled_from(CRITERIA))
def test_every_clause_on_lesions_is_true_of_its_numbers(drawn, name: str) -> None:
    patient, lesions = drawn
    for led in led_of(patient, lesions, name):
        parts = clauses.from_json(led.clauses)
        assert clauses.sentence(parts) == led.reason
        assert len({part.text for part in parts}) == len(parts), led.reason
        days = {str(one.acquired_on) for one in patient.visits}
        days |= {str(day) for t in patient.treatments for day in (t.started_on, t.ended_on)}
        if "can be the baseline from" not in led.reason:
            assert set(DAY.findall(led.reason)) <= days, led.reason
        for part in parts:
            if part.kind in (ClauseKind.CHANGE, ClauseKind.LESION) and part.change and CHANGED.search(part.words):
                numbers_agree(part)


@settings(max_examples=80, deadline=None)
@given(histories(), st.sampled_from(CRITERIA))
def test_every_best_response_is_true_of_its_days(patient: PatientCourse, name: str) -> None:
    judged = judge_whole(patient, rules(name))
    days = {one.acquired_on for one in patient.visits} | {t.started_on for t in patient.treatments}
    shown = {str(one.category) for one in judged.judgements} | {"NON-CR/NON-PD", "NE"}
    for response in judged.best_responses:
        assert str(response.best) in shown | {"SD"}, response.reason  # a response that waits is stable until then
        told = {date.fromisoformat(day) for day in DAY.findall(response.reason)}
        assert told <= days, response.reason
        spans = {int(number) for number in SPAN.findall(response.reason)}
        ends = [response.time_zero_on, response.best_on, response.lasts_from_on, response.ended_on]
        known = [day for day in ends if day is not None]
        allowed = {(later - earlier).days for earlier in known for later in known}
        assert spans <= allowed | {28, 56, 84}, (response.reason, allowed)
        assert not re.search(r"\bNone\b|\bnan\b|\b1 days\b", response.reason)
