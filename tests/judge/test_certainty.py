"""What is said of a change below the rule agrees with its interval, on made-up courses (the sample: end to end)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pipeline.judge import certainty, criteria_files
from pipeline.judge.clauses import Clause, ClauseKind
from pipeline.judge.response import judge
from tests.judge.course_maker import course, radiotherapy, surgery, visit
from tests.statements import words_true_of_numbers

RULE = criteria_files.load("imsct_adapted_v1")


def told(ratio: float, low: float | None, high: float | None, limit: float | None = 1.3) -> str:
    clause = Clause(
        ClauseKind.CHANGE, "", ratio=ratio, low_ratio=low, high_ratio=high, limit_ratio=limit, rule_ratio=1.4
    )
    return certainty.finer("no_change", clause)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "limit", "word"),
    [
        (1.35, 1.08, 1.68, 1.25, certainty.GROWTH_BELOW_RULE),
        (0.85, 0.75, 0.96, 0.88, certainty.FALL_BELOW_RULE),
        (1.07, 0.53, 2.2, 2.1, certainty.TOO_UNCERTAIN),
        (1.02, 0.9, 1.16, 1.2, "no_change"),
        (1.02, 0.8, 1.41, 1.35, "no_change"),  # growth by the rule would have been told from error
        (1.02, 0.8, 1.78, 1.19, certainty.TOO_UNCERTAIN),  # the scan before showed sure growth, this one none
        (0.8, 0.6, 1.1, 0.6, "no_change"),  # whatever the error, growth by the rule is excluded
        (1.1, None, None, None, "no_change"),  # nobody knows the error, and nothing is made up
    ],
)
def test_the_word_follows_the_interval(
    ratio: float, low: float | None, high: float | None, limit: float | None, word: str
) -> None:
    assert told(ratio, low, high, limit) == word


def test_other_states_and_other_clauses_stay_as_they_are() -> None:
    grown = Clause(ClauseKind.CHANGE, "", ratio=1.5, low_ratio=1.1, high_ratio=2.0, limit_ratio=1.3, rule_ratio=1.4)
    assert certainty.finer("possible_growth", grown) == "possible_growth"
    assert certainty.finer("no_change", Clause(ClauseKind.BASELINE, "", low_ratio=1.1, high_ratio=2.0)) == "no_change"
    assert certainty.finer("no_change", None) == "no_change"


def awkward_verdicts(patients: int) -> Iterator[tuple[str, str]]:
    """Display states and clauses of made-up patients: few scans, large errors, none seen, treatments in between."""
    dice = random.Random(26)
    for _ in range(patients):
        size = dice.choice([0.0, 60.0, 400.0, 3000.0])
        days = sorted(dice.sample(range(20, 3000), dice.randint(1, 5)))
        visits = []
        for day in days:
            size = dice.choice(
                [size * dice.uniform(0.5, 1.8), size * dice.uniform(0.9, 1.1), 0.0 if day > 2000 else size]
            )
            visits.append(visit(day, size, volume_cv=dice.choice([0.05, 0.15, 0.4]) if size else None))
        treatments = dice.choice([(), (surgery(0),), (surgery(0), radiotherapy(600, 640))])
        for verdict in judge(course(*visits, treatments=treatments), RULE):
            yield str(verdict.display_state), verdict.clauses


def test_no_verdict_says_of_an_interval_what_it_does_not_show() -> None:
    assert len(words_true_of_numbers(awkward_verdicts(150))) > 1
