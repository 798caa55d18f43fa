"""Hand-worked series: each visit's expected verdict, its rule and source, in ``cases/*.toml``. About two seconds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.vocabulary import VisitJudgement
from pipeline.judge.response import judge
from tests.judge.course_maker import judged, rules_of, written_course

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
