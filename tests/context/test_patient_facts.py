"""Grades and names of tumours as people write them. One second."""

from __future__ import annotations

import pytest

from pipeline.context.patient_facts import PatientFacts, grades_in


@pytest.mark.parametrize(
    ("text", "grades"),
    [("1", {1}), (" II ", {2}), ("who grade iii", {3}), ("CNS WHO grade 4", {4}), ("G2", {2}), ("2 (2021)", {2}),
     ("II, WHO 2016", {2}), ("III-IV", {3, 4}), ("II/III", {2, 3}), ("2 or 3", {2, 3}), ("G1 bis G3", {1, 2, 3}),
     ("2 \u2013 3", {2, 3}), ("2 -> 4", {2, 3, 4}), ("5", set()), ("22", set()), ("", set()), ("n/a", set()),
     ("low", set()), ("2?", set()), ("? 2", set()), (None, set())],
)  # fmt: skip
def test_a_grade_is_read_in_the_usual_ways_and_never_guessed(text: str | None, grades: set[int]) -> None:
    assert grades_in(text) == grades


@pytest.mark.parametrize(
    ("histology", "written", "grades"),
    [("anaplastic ependymoma", None, {3}), ("Glioblastom", None, {4}), ("anaplastic ependymoma", "2", {2}),
     ("anaplastic ependymoma", "unclear", set()), ("anaplastic ependymoma?", None, set()), ("ependymoma", None, set()),
     (None, None, set())],
)  # fmt: skip
def test_a_name_that_says_its_grade_counts_only_where_none_is_written(
    histology: str | None, written: str | None, grades: set[int]
) -> None:
    assert PatientFacts(histology, written).grades == grades
