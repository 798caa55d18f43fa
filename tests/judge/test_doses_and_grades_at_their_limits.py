"""Doses, grades and thresholds that contradict one another, at the very limit of each rule. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.vocabulary import FunctionGrade, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge import criteria, criteria_files, decline, division, epochs, exposure
from pipeline.judge.criteria import ResponseCriteria
from tests.judge.course_maker import course, on, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")


def steroid(first: int, last: int | None = None, mg: float | None = None) -> TreatmentEvent:
    return TreatmentEvent(TreatmentKind.STEROID, on(first), None if last is None else on(last), dose_mg=mg)


@pytest.mark.parametrize(("mg", "hinders"), [(0.75, False), (0.751, True)])
def test_a_physiologic_dose_of_steroid_allows_a_complete_response(mg: float, hinders: bool) -> None:
    patient = course(treatments=(steroid(-10, None, mg),))
    why = exposure.steroids_hinder(patient, on(0), on(200), DEFAULT.steroids, complete=True)
    assert (why is not None) == hinders


@pytest.mark.parametrize(("day", "is_given"), [(9, False), (10, True), (50, True), (51, False)])
def test_a_treatment_is_given_from_its_first_to_its_last_day(day: int, is_given: bool) -> None:
    assert exposure.is_running(steroid(10, 50), on(day)) == is_given


@pytest.mark.parametrize(("day", "dose_mg"), [(10, 0.0), (11, 4.0), (50, 4.0), (51, 0.0)])
def test_a_scan_of_the_first_day_shows_the_tumour_before_the_steroid(day: int, dose_mg: float) -> None:
    assert exposure.dose_mg(course(treatments=(steroid(10, 50, 4.0),)), on(day)) == dose_mg


def test_of_two_steroids_given_at_once_the_later_tells_the_dose() -> None:
    both = (steroid(0, None, 8.0), steroid(50, None, 2.0))
    assert exposure.dose_mg(course(treatments=both), on(60)) == 2.0
    assert exposure.dose_mg(course(treatments=both[::-1]), on(60)) == 2.0
    assert exposure.dose_mg(course(treatments=(steroid(0),)), on(60)) is None


@pytest.mark.parametrize(
    ("first", "last", "is_named"),
    [
        (-1, None, False), (0, None, True), (1, None, True), (199, None, True), (200, None, False), (1, 199, False),
        (1, 200, True),
    ],
)  # fmt: skip
def test_what_began_from_the_baseline_on_and_is_given_at_the_scan_is_named(
    first: int, last: int | None, is_named: bool
) -> None:
    named = exposure.named_beside(course(treatments=(steroid(first, last),)), on(0), on(200))
    assert bool(list(named)) == is_named


@pytest.mark.parametrize(("first", "is_named"), [(-100, True), (0, True), (199, True), (200, False)])
def test_a_drug_against_the_tumour_is_named_whenever_it_began(first: int, is_named: bool) -> None:
    drug = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(first), None)
    assert bool(list(exposure.named_beside(course(treatments=(drug,)), on(0), on(200)))) == is_named


@pytest.mark.parametrize(("first", "hinders"), [(-1, False), (0, True), (100, True), (200, False)])
def test_a_steroid_begun_on_the_day_of_the_baseline_is_none_of_the_baseline(first: int, hinders: bool) -> None:
    patient = course(treatments=(steroid(first),))
    why = exposure.steroids_hinder(patient, on(0), on(200), RANO.steroids, complete=False)
    assert (why is not None) == hinders


@pytest.mark.parametrize(("last", "is_named"), [(99, False), (100, True), (199, True), (200, False)])
def test_what_ended_from_the_nadir_on_and_before_the_scan_is_named_beside_growth(last: int, is_named: bool) -> None:
    assert bool(list(exposure.stopped_between(course(treatments=(steroid(0, last),)), on(100), on(200)))) == is_named


@pytest.mark.parametrize(("day", "is_known"), [(100, False), (101, True)])
def test_a_treatment_that_nobody_understands_counts_after_its_day(day: int, is_known: bool) -> None:
    unknown = (TreatmentEvent(TreatmentKind.UNKNOWN, on(100)), TreatmentEvent(TreatmentKind.UNKNOWN, on(99)))
    assert (exposure.not_understood(course(treatments=unknown[:1]), on(day)) is not None) == is_known
    first = exposure.not_understood(course(treatments=unknown), on(101))
    assert first is unknown[1]


def grades(*days_and_grades: tuple[int, float], related: bool = True) -> tuple[FunctionGrade, ...]:
    return tuple(FunctionGrade(on(day), "mmccormick", grade, related) for day, grade in days_and_grades)


def losses(*scores: FunctionGrade, rules: ResponseCriteria = DEFAULT, **more: Any) -> list[int]:
    patient = course(function_scores=scores, **more)
    proven = decline.proven(patient, division.divided(patient, rules), rules.clinical)
    return [(day - on(0)).days for day, _ in proven]


@pytest.mark.parametrize(
    ("scores", "proven"),
    [
        (((0, 1.0), (10, 2.0), (20, 2.0)), [20]),  # a grade worse, twice
        (((0, 1.0), (10, 1.9), (20, 1.9)), []),  # by less than a grade
        (((0, 1.0), (10, 2.0)), []),  # once
        (((0, 1.0), (10, 2.0), (20, 1.0), (30, 2.0)), []),  # not in a row
        (((0, 1.0), (10, 2.0), (20, 2.0), (30, 3.0)), [20, 30]),
        (((0, 3.0), (10, 1.0), (20, 2.0), (30, 2.0)), [30]),  # against the best
    ],
)
def test_function_is_lost_by_a_whole_grade_at_two_assessments_in_a_row(scores: Any, proven: list[int]) -> None:
    assert losses(*grades(*scores)) == proven


def test_function_lost_by_another_cause_or_on_another_scale_proves_nothing() -> None:
    assert losses(*grades((0, 1.0), (10, 3.0), (20, 3.0), related=False)) == []
    other = tuple(replace(score, scale_id="kps") for score in grades((0, 1.0), (10, 3.0), (20, 3.0)))
    assert losses(*other) == []
    mixed = (*grades((0, 1.0), (10, 2.0)), replace(grades((20, 2.0))[0], scale_id="modified_mccormick"))
    assert losses(*mixed) == []
    spelt = tuple(replace(score, scale_id="MMcCormick") for score in grades((0, 1.0), (10, 3.0), (20, 3.0)))
    assert losses(*spelt) == [20]


@pytest.mark.parametrize(("best_on", "proven"), [(100, []), (101, [250])])
def test_the_best_function_is_looked_for_after_the_day_of_the_last_surgery(best_on: int, proven: list[int]) -> None:
    scores = grades((best_on, 1.0), (200, 2.0), (250, 2.0))
    assert losses(*scores, treatments=(surgery(100),)) == proven


def test_a_loss_proven_in_one_course_is_where_the_next_one_starts_from() -> None:
    line = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(30))
    scores = grades((0, 1.0), (10, 2.0), (20, 2.0), (40, 2.0), (50, 2.0))
    assert losses(*scores, treatments=(line,)) == [20]
    further = grades((0, 1.0), (10, 2.0), (20, 2.0), (40, 3.0), (50, 3.0))
    assert losses(*further, treatments=(line,)) == [20, 50]


def test_a_loss_stands_from_its_day_until_it_is_over() -> None:
    patient = course(function_scores=grades((0, 1.0), (10, 2.0), (20, 2.0), (30, 1.0)))
    changes = decline.declines(patient, division.divided(patient, DEFAULT)[0], DEFAULT.clinical)
    stands = [bool(decline.decline_at(changes, on(day))) for day in (19, 20, 29, 30)]
    assert stands == [False, True, True, False]


# Criteria that contradict themselves ---------------------------------------------------------------------------------


def changed(section: str, **values: Any) -> ResponseCriteria:
    return replace(RANO, **{section: replace(getattr(RANO, section), **values)})


@pytest.mark.parametrize(
    ("section", "field", "value", "is_possible"),
    [
        ("progression", "ratio", 1.0, False), ("progression", "ratio", 1.001, True),
        ("response", "ratio", 0.0, False), ("response", "ratio", 0.001, True),
        ("response", "ratio", 1.0, False),
        ("minor_response", "ratio", 1.0, False), ("minor_response", "ratio", 0.999, True),
        ("minor_response", "ratio", 0.35, False), ("minor_response", "ratio", 0.351, True),
        ("confirmation", "days", -1, False), ("confirmation", "days", 0, True),
        ("progression", "min_change", float("inf"), False), ("progression", "min_change", 0.0, True),
    ],
)  # fmt: skip
def test_a_threshold_lies_between_its_bounds(section: str, field: str, value: float, is_possible: bool) -> None:
    assert (criteria.problems(changed(section, **{field: value})) == ()) == is_possible


@pytest.mark.parametrize(
    ("section", "field", "value", "is_possible"),
    [
        ("clinical", "assessments", 0, False), ("clinical", "assessments", 1, True),
        ("sequences", "mandatory", (), False), ("sequences", "mandatory", ("T2w", " "), False),
        ("sequences", "mandatory", ("T2w",), True),
        ("reappearance", "min_volume_mm3", 0.0, False), ("reappearance", "min_longest_mm", 0.0, False),
        ("reappearance", "min_volume_mm3", 1.0, True),
    ],
)  # fmt: skip
def test_a_rule_that_would_mean_nothing_is_refused(section: str, field: str, value: Any, is_possible: bool) -> None:
    rules = replace(DEFAULT, **{section: replace(getattr(DEFAULT, section), **{field: value})})
    assert (criteria.problems(rules) == ()) == is_possible


def test_a_visit_needs_every_mandatory_sequence_where_its_sequences_are_known() -> None:
    rule = criteria.Sequences("x", criteria.Mark.PROPOSAL, ("T2w", "T1w_ce"))

    def missing(*names: str) -> str | None:
        return epochs.missing_sequence(visit(0, 9.0, contrasts=frozenset(names)), rule)

    assert missing("T2w", "T1w_ce", "T1w") is None
    assert missing("T1w") == "these criteria need a T2w and a T1w_ce scan and this visit has only T1w"
    assert (missing() or "").endswith("only none that can be read")
    assert epochs.missing_sequence(VisitMeasure("a", on(0), 9.0), rule) is None


def test_what_a_set_of_rules_does_not_say_is_the_mildest_reading() -> None:
    growth = criteria.Progression("x", criteria.Mark.PROPOSAL, 1.4)
    assert (growth.reference, growth.min_change, growth.beyond_error) == (criteria.Reference.NADIR, 0.0, False)
    assert criteria.Reappearance("x", criteria.Mark.PROPOSAL, 100.0, 5.0).min_slices == 2
    assert criteria.Response("x", criteria.Mark.PROPOSAL, 0.35).applies_to == ""
