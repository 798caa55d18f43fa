"""A verdict that rests on an error nobody measured says so once, with how large it was taken to be. One second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.vocabulary import VisitJudgement, VisitMeasure
from pipeline.judge import criteria_files
from pipeline.judge.clauses import Clause, ClauseKind, from_json, of_total
from pipeline.judge.lesion_courses import LesionVerdict, judge_lesion, led_by_lesions
from pipeline.judge.response import judge
from tests.judge.course_maker import course, visit

RULES = criteria_files.load("imsct_adapted_v1")


def said(judgement: VisitJudgement) -> list[Clause]:
    return [part for part in from_json(judgement.clauses) if part.kind == ClauseKind.ERROR]


def assumed(day: int, volume: float, cv: float = 0.14, **more: object) -> VisitMeasure:
    return visit(day, volume, volume_cv=cv if volume else None, cv_is_assumed=bool(volume), **more)


def last_of(*visits: VisitMeasure, criteria: str = "imsct_adapted_v1") -> VisitJudgement:
    return judge(course(*visits), criteria_files.load(criteria))[-1]


def test_an_error_that_was_assumed_is_said_once_and_kept_as_a_number() -> None:
    grown = last_of(assumed(0, 1000), assumed(365, 2500))
    assert grown.reason.endswith("; error assumed: 14 %.")
    assert [(part.unit, part.value) for part in said(grown)] == [("%", pytest.approx(14))]
    assert grown.reason.count("error assumed") == 1


def test_of_several_errors_the_least_and_the_largest_are_said() -> None:
    assert "error assumed: 11 to 14 %" in last_of(assumed(0, 1000), assumed(365, 2500, 0.11)).reason
    some = last_of(visit(0, 1000, volume_cv=0.08), assumed(365, 1000), visit(730, 2500, volume_cv=0.08))
    assert "error assumed on 1 of 3 scans: 14 %" in some.reason


def test_nothing_is_said_where_the_error_was_stated_or_decides_nothing() -> None:
    assert not said(last_of(visit(0, 1000), visit(365, 2500)))
    assert not said(last_of(assumed(0, 1000), assumed(365, 0)))
    assert not said(last_of(assumed(0, 1000)))


def test_a_diameter_carries_its_share_of_the_error_of_a_volume() -> None:
    long = last_of(
        assumed(0, 1000, 0.12, longest_mm=20.0), assumed(365, 2500, 0.12, longest_mm=40.0), criteria="recist_1_1"
    )
    assert "error assumed: 4.0 %" in long.reason


def test_the_error_of_a_lesion_that_leads_is_told_apart_from_that_of_the_total() -> None:
    patient = course(assumed(0, 3000, 0.1), assumed(365, 3400, 0.1))
    own = [assumed(0, 200, 0.2), assumed(365, 900, 0.2)]
    (total,) = judge(patient, RULES)[1:]
    alone = judge_lesion(patient, own, RULES)[-1]
    still = judge_lesion(patient, [assumed(0, 2800, 0.1), assumed(365, 2500, 0.1)], RULES)[-1]
    verdicts = [LesionVerdict("L2", alone, own[-1]), LesionVerdict("L1", still, replace(own[-1], volume_mm3=2500.0))]
    led = led_by_lesions(total, verdicts, "by total of L1 and L2")
    assert "error of L2 assumed: 20 %" in led.reason
    assert led.reason.endswith("; error assumed: 10 %.")
    main = of_total(from_json(led.clauses))
    assert main is not None
    assert main.kind == ClauseKind.CHANGE
