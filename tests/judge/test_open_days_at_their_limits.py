"""Days known only as a month or a year: which days are tried, how many, and how they are named. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipeline.core.vocabulary import (
    ANY_DAY,
    Category,
    DisplayState,
    FunctionGrade,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitMeasure,
)
from pipeline.judge import criteria_files, critical_days, exposure, unplaced
from pipeline.judge.response import judge
from pipeline.judge.unplaced import PossibleHistory, possible_histories
from pipeline.judge.verdict import Evidence, Verdict
from tests.judge.course_maker import START, course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
KINDS = TreatmentKind


def number(day: date) -> int:
    return (day - START).days


def some(kind: TreatmentKind, first: int, last: int, ended: int | None = None) -> TreatmentEvent:
    return TreatmentEvent(kind, on(first), None if ended is None else on(ended), started_by=on(last))


def scan(first: int, last: int, volume_mm3: float = 900.0) -> VisitMeasure:
    return replace(visit(first, volume_mm3), acquired_by=on(last))


def days_of(patient: PatientCourse, at: int = 0) -> list[int]:
    """Return the days on which the one thing that is not known is tried."""
    return sorted({number(list(one.days.values())[at]) for one in possible_histories(patient, DEFAULT)})


# Which days are tried -----------------------------------------------------------------------------------------------


def test_a_span_without_any_change_is_tried_at_its_ends_and_the_day_after_it_begins() -> None:
    patient = course(visit(5000, 900.0), treatments=(some(KINDS.CHEMOTHERAPY, 0, 1000),))
    assert days_of(patient) == [0, 1, 1000]


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (KINDS.CHEMOTHERAPY, [0]),
        (KINDS.SURGERY, [0, 42]),
        (KINDS.IMMUNOTHERAPY, [0, 183]),
        (KINDS.RADIOSURGERY, [0, 1096]),
    ],
)
def test_the_start_of_a_treatment_is_tried_around_each_wait_before_a_scan(
    kind: TreatmentKind, waits: list[int]
) -> None:
    tried = days_of(course(visit(1500, 900.0), treatments=(some(kind, 0, 2000),)))
    near = [1500 - wait + step for wait in waits for step in (-1, 0, 1)]
    assert tried == sorted({0, 1, 2000, *near})


def test_a_radiotherapy_with_neither_day_ends_around_each_wait_before_a_scan() -> None:
    tried = days_of(course(visit(1500, 900.0), treatments=(some(KINDS.RADIOTHERAPY, 0, 2000),)))
    near = [1500 - wait + step for wait in (0, 21, 49, 84) for step in (-1, 0, 1)]
    assert {0, 2049, *near} <= set(tried)


def test_the_last_day_of_a_radiotherapy_is_tried_up_to_its_longest_course() -> None:
    tried = days_of(course(visit(70, 900.0), treatments=(radiotherapy(0),)))
    assert (tried[0], tried[-1]) == (0, 49)
    assert {48, 49} <= set(tried)  # 21 days before the scan of day 70
    assert {20, 21, 22} <= set(tried)  # 49 days before it


def test_the_last_day_of_any_other_treatment_is_tried_where_only_its_month_is_known() -> None:
    drug = TreatmentEvent(KINDS.STEROID, on(0), on(100), ended_by=on(400))
    tried = days_of(course(visit(300, 900.0), treatments=(drug,)))
    assert tried == [100, 101, 299, 300, 301, 400]
    placed = [
        one.course.treatments[0] for one in possible_histories(course(visit(300, 900.0), treatments=(drug,)), DEFAULT)
    ]
    assert all(one.ended_by is None for one in placed)


def test_a_scan_is_tried_around_treatments_other_scans_and_grades_and_in_the_middle() -> None:
    patient = course(scan(0, 1000), visit(600, 900.0), treatments=(surgery(100),))
    target = 100 + 91
    waits = (0, 28)
    near = {100, 142, *(600 + sign * wait for wait in waits for sign in (-1, 1)), target - (600 - target)}
    assert days_of(patient) == sorted(
        {0, 1000, 500, *(day + step for day in near if day > 0 for step in (-1, 0, 1)), 499, 501}
    )


def test_a_scan_is_tried_around_the_wait_for_a_second_scan_in_a_window() -> None:
    patient = course(scan(1500, 2500), visit(2000, 900.0), treatments=(some(KINDS.RADIOSURGERY, 10, 10, 10),))
    tried = days_of(replace(patient, treatments=(TreatmentEvent(KINDS.RADIOSURGERY, on(10), on(10)),)))
    assert {2000 - 365, 2000 + 365, 2000 - 28, 2000 + 28} <= set(tried)


def grade(first: int, last: int | None = None, scale: str = "mmccormick") -> FunctionGrade:
    return FunctionGrade(on(first), scale, 2.0, True, None if last is None else on(last))


def test_a_grade_is_tried_around_scans_treatments_and_other_grades_alone() -> None:
    patient = course(visit(300, 900.0), treatments=(surgery(500),), function_scores=(grade(0, 1000), grade(700)))
    near = [day + step for day in (300, 500, 700) for step in (-1, 0, 1)]
    assert days_of(patient) == sorted({0, 1000, *near})


@pytest.mark.parametrize(("scale", "waits"), [("MMcCormick", True), ("nurick", False)])
def test_a_grade_waits_for_its_day_only_on_a_scale_that_proves_something(scale: str, waits: bool) -> None:
    histories = possible_histories(course(function_scores=(grade(0, 90, scale),)), DEFAULT)
    assert bool(histories[0].days) == waits
    unruled = replace(DEFAULT, clinical=None)
    assert not possible_histories(course(function_scores=(grade(0, 90),)), unruled)[0].days


def test_halves_of_the_way_between_scans_decide_the_baseline_after_surgery() -> None:
    tried = days_of(course(visit(400, 900.0), visit(500, 900.0), treatments=(some(KINDS.SURGERY, 0, 1000),)))
    assert {450 - 91 - 1, 450 - 91, 450 - 91 + 1} <= set(tried)
    other = days_of(course(visit(400, 900.0), visit(500, 900.0), treatments=(some(KINDS.CHEMOTHERAPY, 0, 1000),)))
    assert 450 - 91 not in other


@pytest.mark.parametrize("day", [date.min, date.max])
def test_no_day_lies_before_or_after_all_days(day: date) -> None:
    assert critical_days._after(day, -5 if day == date.min else 5) == day
    assert critical_days._after(on(0), 5) == on(5)


# How many, and from when -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "is_tried"), [(8, True), (9, False)])
def test_up_to_three_hundred_ways_are_tried(count: int, is_tried: bool) -> None:
    far = tuple(some(KINDS.DRAINAGE, 10_000 + 100 * n, 10_000 + 100 * n + 1) for n in range(count))
    assert len(possible_histories(course(treatments=far), DEFAULT)) == (2**count if is_tried else 0)


def test_exactly_three_hundred_ways_are_tried() -> None:
    exact = replace(DEFAULT)
    three = course(visit(100, 900.0), treatments=(some(KINDS.DRAINAGE, 0, 99), some(KINDS.DRAINAGE, 5000, 5001)))
    ways = [len(possible_histories(three, exact))]
    assert ways == [6]
    assert unplaced.MOST_READINGS == 300


@pytest.mark.parametrize(
    ("patient", "first"),
    [
        (course(treatments=(some(KINDS.SURGERY, 50, 90), surgery(10))), 50),
        (course(treatments=(radiotherapy(60), radiotherapy(5, 20))), 60),
        (course(treatments=(TreatmentEvent(KINDS.STEROID, on(1), on(70), ended_by=on(90)),)), 70),
        (course(visit(3, 9.0), scan(80, 99)), 80),
        (course(function_scores=(grade(4), grade(85, 99))), 85),
        (course(scan(80, 99), treatments=(some(KINDS.SURGERY, 50, 90),)), 50),
    ],
)
def test_the_first_possible_day_is_that_of_the_first_thing_that_cannot_be_placed(
    patient: PatientCourse, first: int
) -> None:
    assert unplaced.first_possible(patient) == on(first)


def test_what_lies_before_too_much_is_judged_by_what_is_known_then() -> None:
    far = tuple(some(KINDS.SURGERY, 500 + n, 2000 + n) for n in range(9))
    patient = course(
        visit(0, 1000.0), visit(300, 2000.0), visit(500, 900.0), visit(600, 900.0),
        treatments=(*far, surgery(100)), function_scores=(grade(0), grade(600)),
    )  # fmt: skip
    found = judge(patient, DEFAULT)
    assert [one.is_undecided for one in found] == [False, False, False, True]
    assert found[1].state == State.BASELINE, "after the surgery of day 100, which is known"
    assert found[2].state == State.RESIDUAL_STABLE, "of all nine, one may have been on its very day, which is after it"
    assert f"too many treatments, scans or grades from {on(500)} on have no day" in found[3].reason


# How they are placed and named ---------------------------------------------------------------------------------------


def placed(treatment: TreatmentEvent) -> set[tuple[int, int | None]]:
    histories = possible_histories(course(visit(300, 900.0), treatments=(treatment,)), DEFAULT)
    given = [one.course.treatments[0] for one in histories]
    assert all(one.started_by is None and one.ended_by is None for one in given)
    return {(number(one.started_on), None if one.ended_on is None else number(one.ended_on)) for one in given}


def test_a_surgery_ends_on_the_day_it_began_and_a_radiotherapy_on_any_of_its_longest_course() -> None:
    assert all(first == last for first, last in placed(some(KINDS.SURGERY, 0, 200)))
    lasting = placed(some(KINDS.RADIOTHERAPY, 0, 200))
    assert {last - first for first, last in lasting if last is not None} >= {0, 49}
    assert all(last is not None and 0 <= last - first <= 49 and 0 <= first <= 200 for first, last in lasting)
    assert {(0, 0), (0, 49), (200, 200), (200, 249)} <= lasting
    assert all(last is None for _, last in placed(some(KINDS.CHEMOTHERAPY, 0, 200)))


def test_an_end_that_is_known_stays_unless_it_lies_before_the_start() -> None:
    ends = dict(placed(some(KINDS.CHEMOTHERAPY, 0, 200, 100)))
    assert (ends[0], ends[200]) == (100, 200)
    both = replace(some(KINDS.CHEMOTHERAPY, 0, 200, 50), ended_by=on(150))
    assert dict(placed(both))[0] == 150, "the last day that may be meant"


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        (replace(some(KINDS.CHEMOTHERAPY, 0, 30), agent="temozolomide"), "the temozolomide of 2020-01"),
        (some(KINDS.CHEMOTHERAPY, 0, 30), "the chemotherapy of 2020-01"),
        (TreatmentEvent(KINDS.SURGERY, *ANY_DAY[:1], started_by=ANY_DAY[1]), "the surgery without a readable date"),
        (radiotherapy(0), "the last day of the radiotherapy begun 2020-01-01"),
        (TreatmentEvent(KINDS.STEROID, on(-9), on(0), ended_by=on(30)), "the last day of the steroid of 2020-01"),
        (replace(some(KINDS.UNKNOWN, 0, 30), written="prayer"), "the prayer of 2020-01"),
        (replace(some(KINDS.SURGERY, 0, 30), written="Op"), "the surgery of 2020-01"),
    ],
)
def test_what_has_no_day_is_named_by_what_was_written(treatment: TreatmentEvent, words: str) -> None:
    (first, *_) = possible_histories(course(treatments=(treatment,)), DEFAULT)
    assert list(first.days) == [words]


def test_two_of_one_name_are_numbered() -> None:
    twice = (some(KINDS.SURGERY, 0, 30), some(KINDS.STEROID, 0, 30), some(KINDS.SURGERY, 0, 30))
    (first, *_) = possible_histories(course(treatments=twice), DEFAULT)
    assert list(first.days) == [
        "the surgery of 2020-01 (number 1)", "the steroid of 2020-01", "the surgery of 2020-01 (number 2)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "is_named"),
    [
        (visit(-1, 9.0), False), (visit(0, 9.0), True), (visit(30, 9.0), True), (visit(31, 9.0), False),
        (scan(-9, 0), True), (scan(-9, -1), False), (scan(30, 40), True),
    ],
)  # fmt: skip
def test_the_order_of_two_scans_is_open_where_their_days_overlap(other: VisitMeasure, is_named: bool) -> None:
    patient = course(replace(scan(0, 30), session_id="ses-some"), other)
    words = next(iter(name for name in possible_histories(patient, DEFAULT)[0].days if "2020-01" in name.split(",")[0]))
    assert (", before or after that of" in words) == is_named


def test_a_treatment_without_any_day_is_not_said_to_be_of_one() -> None:
    anywhere = TreatmentEvent(KINDS.UNKNOWN, ANY_DAY[0], started_by=ANY_DAY[1], written="prayer")
    assert exposure.unknown_words(anywhere) == "nobody here knows what 'prayer' was; say which kind it is"
    assert f"'prayer' of {on(3)} was" in exposure.unknown_words(replace(anywhere, started_on=on(3)))
    assert exposure.unknown_words(replace(anywhere, written=None)).startswith(
        "nobody here knows what the treatment was"
    )


# What all of them agree on -------------------------------------------------------------------------------------------


def reading(
    category: str, days: dict[str, int], *, is_sure: bool = True, **more: Any
) -> tuple[Verdict, PossibleHistory]:
    given = {"state": State.STABLE, "at": 100, **more}
    verdict = Verdict(
        visit(given["at"], 900.0),
        Category(category),
        given["state"],
        DisplayState.NO_CHANGE,
        Evidence(),
        confirmed=is_sure,
    )
    return verdict, PossibleHistory(course(), {name: on(day) for name, day in days.items()})


def test_days_that_decide_are_said_with_what_they_lead_to() -> None:
    rows = [reading("SD", {"A": 0}), reading("SD", {"A": 5}), reading("PD", {"A": 9}, is_sure=False)]
    found, history = unplaced.agreed(rows)
    assert (found.category, found.evidence.undecided, history) == (Category.NE, True, rows[0][1])
    assert found.evidence.unusable == f"it depends on a day that is not known (A: SD up to {on(5)}, then PD?)"
    many = [reading(word, {"A": n}) for n, word in enumerate(["SD", "PD", "SD", "PD", "SD", "PD"])]
    words = unplaced.agreed(many)[0].evidence.unusable or ""
    assert words.endswith(f"(A: SD up to {on(0)}, PD up to {on(1)}, SD up to {on(2)}, then PD)")


def test_only_a_day_that_decides_is_named_with_its_categories() -> None:
    rows = [reading(word, {"A": a, "B": b}) for word, a, b in (("SD", 0, 0), ("SD", 0, 9), ("PD", 5, 0), ("PD", 5, 9))]
    assert "B:" not in (unplaced.agreed(rows)[0].evidence.unusable or "")
    mixed = [*rows[:3], reading("SD", {"A": 5, "B": 9})]
    assert "A: SD up to 2020-01-01, then PD/SD; B: PD/SD up to" in (unplaced.agreed(mixed)[0].evidence.unusable or "")


def test_an_unconfirmed_and_a_confirmed_answer_differ() -> None:
    rows = [reading("PR", {"A": 0}), reading("PR", {"A": 9}, is_sure=False)]
    assert unplaced.agreed(rows)[0].category == Category.NE


def test_a_scan_that_is_a_baseline_in_some_ways_is_told_as_what_it_is_in_the_others() -> None:
    rows = [reading("SD", {"A": 0}, state=State.BASELINE), reading("SD", {"A": 9})]
    found, history = unplaced.agreed(rows)
    assert (found.state, history) == (State.STABLE, rows[1][1])
    assert unplaced.agreed(rows[:1])[0].state == State.BASELINE


@pytest.mark.parametrize(("earliest", "is_named"), [(100, True), (101, False)])
def test_what_may_lie_on_or_before_the_scan_is_named_as_changing_nothing(earliest: int, is_named: bool) -> None:
    rows = [reading("SD", {"A": earliest}), reading("SD", {"A": 900})]
    assert unplaced.agreed(rows)[0].days_that_decide == ("A" if is_named else "")


@pytest.mark.parametrize(
    ("count", "words"), [(3, "A and B and C"), (4, "A and B and C and 1 more"), (5, "A and B and C and 2 more")]
)
def test_the_first_three_days_that_change_nothing_are_named(count: int, words: str) -> None:
    days = dict.fromkeys("ABCDE"[:count], 0)
    assert unplaced.agreed([reading("SD", days), reading("SD", days)])[0].days_that_decide == words
