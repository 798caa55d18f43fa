"""Hand-worked series: each visit's expected verdict, its rule and source, in ``cases/*.toml``. About two seconds.

``best`` holds a line for each course: what opened it, then the best response by confirmed and by single scans, each as
``PR@200 200-400 event``: the day of the first scan with it, from when to when it lasted, and how that ended.
``readings`` holds a line for each reading beside solid tumour: day, reading, and the verdict as written of a visit.
"""

from __future__ import annotations

import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.vocabulary import VisitJudgement
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.parallel_readings import readings
from pipeline.judge.response import judge, judge_whole
from tests.judge.course_maker import START, judged, rules_of, written_course

CASES = [
    pytest.param(case, id=f"{path.stem}-{case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


def _written(found: VisitJudgement) -> str:
    words = [
        f"{found.category}{'' if found.confirmed else '?'}",
        str(found.state),
        str(found.display_state),
    ]
    return " ".join([*words, *(["provisional"] if found.provisional else [])])


@pytest.mark.parametrize("case", CASES)
def test_a_hand_worked_series_is_judged_as_written(case: dict[str, Any]):
    found = judged(case)
    expected = [line.partition("->")[2].strip() for line in case["visits"]]
    assert [_written(one) for one in found] == expected, "\n".join(one.reason for one in found)


def _best(response: CourseResponse) -> str:
    if response.best_on is None:
        return response.best
    words = f"{response.best}@{(response.best_on - START).days}"
    if response.lasts_from_on is None or response.ended_on is None:
        return words
    ends = "-".join(str((day - START).days) for day in (response.lasts_from_on, response.ended_on))
    return f"{words} {ends} {'event' if response.is_event else 'censored'}"


@pytest.mark.parametrize("case", [case for case in CASES if "best" in case.values[0]])
def test_the_best_response_of_a_hand_worked_series_is_as_written(case: dict[str, Any]):
    responses = judge_whole(written_course(case), rules_of(case)).best_responses
    lines = [
        f"{course}: {'; '.join(_best(response) for response in looks)}"
        for (_, course), looks in groupby(responses, key=lambda one: (one.epoch, one.course))
    ]
    assert lines == case["best"], "\n".join(one.reason for one in responses)


@pytest.mark.parametrize("case", [case for case in CASES if "readings" in case.values[0]])
def test_the_readings_of_a_hand_worked_series_are_as_written(case: dict[str, Any]):
    verdicts = readings(written_course(case), judged(case), rules_of(case))
    lines = [f"{(one.judgement.acquired_on - START).days} {one.reading} {_written(one.judgement)}" for one in verdicts]
    assert lines == case["readings"], "\n".join(one.judgement.reason for one in verdicts)


@pytest.mark.parametrize("case", CASES)
def test_every_verdict_has_a_reason_and_every_comparison_its_visits(case: dict[str, Any]):
    names = {f"ses-{int(line.split()[0]):04d}" for line in case["visits"]}
    for found in judged(case):
        assert found.reason.endswith(".")
        assert "None" not in found.reason
        assert {found.baseline_session_id, found.nadir_session_id, found.previous_session_id} - {None} <= names
        if found.change_ratio is not None:
            assert found.baseline_session_id
            assert found.nadir_session_id


@pytest.mark.parametrize("case", CASES)
def test_a_case_names_its_rule_and_source(case: dict[str, Any]):
    assert case["rule"]
    assert case["source"]


def test_the_order_of_visits_and_treatments_does_not_matter():
    for parameter in CASES:
        case = parameter.values[0]
        backward = written_course({**case, "visits": case["visits"][::-1], "surgery": case.get("surgery", [])[::-1]})
        assert judged(case) == judge(backward, rules_of(case)), case["name"]
