"""A loss of function that is proven after the last scan is said beside it, and changes nothing of what was judged."""

from __future__ import annotations

import pytest

from pipeline.core.vocabulary import Category, FunctionGrade, PatientCourse
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, visit

RULES = criteria_files.load("imsct_adapted_v1")
SAID = "clinically worse, proven on "


def patient(*scores: tuple[int, int], by_tumour: bool = True) -> PatientCourse:
    grades = (FunctionGrade(on(day), "mmccormick", grade, by_tumour) for day, grade in scores)
    return course(visit(0, 1000.0), visit(365, 1020.0), function_scores=tuple(grades))


def test_it_is_said_of_the_last_scan_alone_and_only_as_known_now() -> None:
    first, last = judge(patient((5, 1), (500, 3), (600, 3)), RULES)
    assert f"{SAID}{on(600)} after this scan, progression from that day: modified McCormick grade 3" in last.reason
    assert SAID not in first.reason + first.reason_then + last.reason_then
    before = judge(patient((5, 1)), RULES)[-1]
    assert (last.category, last.state, last.reason_then) == (before.category, before.state, before.reason_then)


@pytest.mark.parametrize(
    "scores",
    [
        ((5, 1), (500, 3)),  # once is not proven
        ((5, 1), (500, 3), (600, 3), (700, 1)),  # over again
        ((5, 1), (100, 3), (200, 3), (500, 3)),  # proven before the scan, whose verdict says so
    ],
)
def test_it_is_not_said_where_it_is_not_proven_is_over_or_was_known_at_the_scan(
    scores: tuple[tuple[int, int], ...],
) -> None:
    assert SAID not in judge(patient(*scores), RULES)[-1].reason


def test_it_is_not_said_of_a_loss_that_is_not_put_down_to_the_tumour() -> None:
    assert SAID not in judge(patient((5, 1), (500, 3), (600, 3), by_tumour=False), RULES)[-1].reason


def test_the_day_is_that_of_the_loss_which_stands() -> None:
    scores = (5, 1), (400, 3), (450, 3), (500, 1), (600, 3), (700, 3), (800, 4)
    assert f"{SAID}{on(700)} after" in judge(patient(*scores), RULES)[-1].reason


@pytest.mark.parametrize(
    ("scores", "is_said"),
    [
        ([(0, 1), (365, 3)], True),
        ([(0, 1), (300, 3)], True),
        ([(0, 1), (300, 3), (365, 3)], False),
        ([(0, 1), (300, 3), (365, 1)], False),
        ([(0, 1), (365, 3), (500, 1)], False),
        ([(0, 1), (365, 3), (500, 3)], False),
        ([(0, 1), (365, 1)], False),
    ],
)
def test_a_loss_seen_once_does_not_count_and_is_said_until_a_further_assessment(
    scores: list[tuple[int, int]], is_said: bool
) -> None:
    last = judge(patient(*scores), RULES)[-1]
    assert ("function may be worse, to be shown by a further assessment: " in last.reason) == is_said, last.reason
    if is_said:
        assert last.category == Category.SD
