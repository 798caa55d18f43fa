"""Best response of a course beyond what a table of scans says: death, unsigned masks, open days, no confirmation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.vocabulary import FunctionGrade, MaskOrigin, PatientCourse, TreatmentEvent, TreatmentKind
from pipeline.judge import criteria_files
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.criteria import ResponseCriteria
from pipeline.judge.response import judge, judge_whole
from tests.judge.course_maker import course, on, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
HELD = (visit(0, 1000.0), visit(200, 300.0), visit(400, 300.0))


def confirmed(patient: PatientCourse, criteria: ResponseCriteria = DEFAULT) -> CourseResponse:
    return judge_whole(patient, criteria).best_responses[-2]


@pytest.mark.parametrize(("days", "is_event"), [(730, True), (731, False)])
def test_death_ends_a_response_unless_two_visits_were_missed(days: int, is_event: bool) -> None:
    response = confirmed(course(*HELD, died_on=on(400 + days)))
    assert (response.best, response.is_event) == ("PR", is_event)
    assert response.ended_on == on(400 + days if is_event else 400)
    assert "death on" in response.reason


def test_a_clinical_loss_after_the_last_scan_ends_a_response_on_its_day() -> None:
    scores = [FunctionGrade(on(day), "modified_mccormick", grade, True) for day, grade in ((5, 1), (410, 2), (420, 2))]
    response = confirmed(course(*HELD, function_scores=tuple(scores)))
    assert (response.best, response.ended_on, response.is_event) == ("PR", on(420), True)


def test_a_clinical_loss_without_a_later_scan_is_progression() -> None:
    scores = [FunctionGrade(on(day), "modified_mccormick", grade, True) for day, grade in ((1, 1), (30, 2), (60, 2))]
    response = confirmed(course(visit(0, 1000.0), function_scores=tuple(scores)))
    assert (response.best, response.best_on) == ("PD", on(60))


def test_an_unsigned_mask_makes_it_provisional() -> None:
    unsigned = replace(HELD[1], mask_origin=MaskOrigin.AUTOMATIC)
    assert not confirmed(course(*HELD)).is_provisional
    assert confirmed(course(HELD[0], unsigned, HELD[2])).is_provisional


def test_criteria_without_confirmation_count_a_response_at_once() -> None:
    at_once = replace(DEFAULT, confirmation=replace(DEFAULT.confirmation, days=0))
    patient = course(*HELD[:2])
    assert [one.best for one in judge_whole(patient, at_once).best_responses] == ["PR", "PR"]
    last = judge(patient, at_once)[-1]
    assert last.category_shown == "PR"
    assert "ask for no second scan" in last.reason
    assert judge(patient, DEFAULT)[-1].category_shown == "PR?"


def test_an_open_day_that_decides_the_response_leaves_it_not_evaluable() -> None:
    steroid = TreatmentEvent(TreatmentKind.STEROID, on(150), started_by=on(450))
    response = confirmed(course(*HELD, treatments=(steroid,)))
    assert response.best == "NE"
    assert "depends on a day that is not known" in response.reason
    assert "PR or SD" in response.reason


def test_an_open_day_that_decides_nothing_leaves_the_response_and_names_itself() -> None:
    drain = TreatmentEvent(TreatmentKind.DRAINAGE, on(150), started_by=on(450))
    response = confirmed(course(*HELD, treatments=(drain,)))
    assert (response.best, response.best_on) == ("PR", on(200))


def test_an_open_day_that_moves_time_zero_leaves_the_time_to_response_unknown() -> None:
    chemotherapy = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(20), started_by=on(40))
    response = confirmed(course(*HELD, treatments=(chemotherapy,)))
    assert (response.best, response.best_on, response.time_zero_on) == ("PR", on(200), None)
    assert "every day" in response.reason


def test_an_open_day_that_moves_the_end_leaves_how_long_it_lasted_unknown() -> None:
    chemotherapy = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(150), started_by=on(450))
    looks = judge_whole(
        course(*(visit(day, 1000.0) for day in (0, 100, 200, 400)), treatments=(chemotherapy,)), DEFAULT
    )
    watched = looks.best_responses[0]
    assert (watched.best, watched.lasts_from_on, watched.ended_on) == (
        "SD",
        None,
        None,
    )  # its last scan is that of day 100, 200 or 400
    assert "every day" in watched.reason


def test_which_course_a_scan_belongs_to_may_be_open() -> None:
    first = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(210), on(210), started_by=on(290))
    second = TreatmentEvent(TreatmentKind.RADIOSURGERY, on(250))
    looks = judge_whole(course(*HELD, treatments=(first, second)), DEFAULT).best_responses
    assert {one.best for one in looks if one.epoch} == {"NE"}
    assert all("not known" in one.reason for one in looks)


def test_every_course_has_one_answer_by_each_look() -> None:
    patient = course(*HELD, treatments=(surgery(300), TreatmentEvent(TreatmentKind.BEVACIZUMAB, on(500))))
    answers = [(one.epoch, str(one.look)) for one in judge_whole(patient, DEFAULT).best_responses]
    assert answers == [(epoch, look) for epoch in (0, 1, 2) for look in ("confirmed", "unconfirmed")]
