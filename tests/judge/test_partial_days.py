"""Scans and grades of which only a month or a year is known: what every day agrees on stands, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.vocabulary import (
    FunctionGrade,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.core.written_day import WrittenDay, span
from pipeline.judge import criteria_files
from pipeline.judge.response import judge, judge_whole
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")


def some_day(first: date, last: date, volume_mm3: float | None, name: str, **more: object) -> VisitMeasure:
    return VisitMeasure(
        name, first, volume_mm3, volume_cv=0.05 if volume_mm3 else None, acquired_by=last, missing_reason="-", **more
    )


def of_year(year: int, volume_mm3: float | None, **more: object) -> VisitMeasure:
    return some_day(date(year, 1, 1), date(year, 12, 31), volume_mm3, f"ses-{year}", **more)


def by_name(patient: PatientCourse, rules=DEFAULT) -> dict[str, VisitJudgement]:
    return {one.session_id: one for one in judge(patient, rules)}


def test_years_in_order_are_judged_as_days_are() -> None:
    patient = course(of_year(2012, 1000.0), of_year(2014, 1100.0), of_year(2016, 2000.0))
    found = judge(patient, DEFAULT)
    assert [one.category_shown for one in found] == ["SD", "SD", "PD"]
    assert "2.0 mL on 2016 is +100 %" in found[2].reason
    assert "the nadir 1.0 mL of 2012" in found[2].reason
    assert "unchanged by what is not known: the scan of 2012 and the scan of 2014" in found[2].reason
    assert "-01-01" not in found[2].reason + found[2].clauses
    assert [one.acquired_on for one in found] == [date(year, 1, 1) for year in (2012, 2014, 2016)]


def test_the_order_of_two_scans_may_not_be_known() -> None:
    grown = VisitMeasure("ses-day", date(2019, 6, 3), 2000.0, volume_cv=0.05)
    found = by_name(course(of_year(2019, 1000.0), grown))
    assert (found["ses-day"].category, found["ses-day"].is_undecided) == ("NE", True)
    assert "the scan of 2019, before or after that of 2019-06-03" in found["ses-day"].reason
    assert "up to 2019-06-0" in found["ses-day"].reason


def test_a_month_that_holds_no_limit_changes_nothing() -> None:
    march = some_day(date(2020, 3, 15), date(2020, 4, 13), 1000.0, "ses-march")  # days 74 to 103 after surgery
    found = by_name(course(march, visit(400, 1500.0), treatments=(surgery(0),)))
    assert (found["ses-march"].state, found["ses-0400"].category) == (State.BASELINE, "PD")


def test_a_month_that_holds_the_first_day_for_a_baseline_decides() -> None:
    february = some_day(date(2020, 2, 1), date(2020, 2, 29), 1000.0, "ses-feb")  # days 31 to 59 after surgery
    found = by_name(course(february, visit(400, 1500.0), treatments=(surgery(0),)))
    assert (found["ses-0400"].category, found["ses-0400"].is_undecided) == ("NE", True)
    assert "the scan of 2020-02" in found["ses-0400"].reason
    assert "2020-02-11" in found["ses-0400"].reason  # day 41, the last that is too early


@pytest.mark.parametrize(("first", "last", "expected"), [(28, 57, "PR"), (27, 57, "NE")])
def test_the_wait_for_a_second_scan_is_tried_on_every_day(first: int, last: int, expected: str) -> None:
    second = some_day(on(200 + first), on(200 + last), 300.0, "ses-late")
    found = by_name(course(visit(0, 1000.0), visit(200, 300.0), second))
    assert found["ses-0200"].category_shown == expected


@pytest.mark.parametrize(("first", "last", "expected"), [(125, 150, "PD"), (124, 150, "NE")])
def test_the_window_after_radiotherapy_is_tried_on_every_day(first: int, last: int, expected: str) -> None:
    grown = some_day(on(first), on(last), 1500.0, "ses-grown")
    found = by_name(course(visit(65, 1000.0), grown, treatments=(radiotherapy(0, 40),)))
    assert found["ses-grown"].category_shown == expected


def test_as_judged_then_a_scan_does_not_know_which_came_first_either() -> None:
    found = by_name(course(visit(0, 1000.0), some_day(on(200), on(260), 400.0, "ses-some"), visit(230, 560.0)))
    assert found["ses-0230"].category == found["ses-0230"].category_then == "NE"
    assert found["ses-0000"].category_then == "SD"


def test_a_grade_of_which_only_the_year_is_known_counts_where_every_day_agrees() -> None:
    scores = (
        FunctionGrade(on(-400), "modified_mccormick", 1, True),
        FunctionGrade(on(10), "modified_mccormick", 2, True, assessed_by=on(40)),
        FunctionGrade(on(50), "modified_mccormick", 2, True),
    )
    found = by_name(course(visit(0, 1000.0), visit(100, 1000.0), function_scores=scores))
    assert found["ses-0100"].category == "PD"
    late = (*scores[:2], FunctionGrade(on(90), "modified_mccormick", 2, True, assessed_by=on(120)))
    found = by_name(course(visit(0, 1000.0), visit(100, 1000.0), function_scores=late))
    assert found["ses-0100"].category == "NE"
    assert "modified_mccormick grade 2" in found["ses-0100"].reason


def test_a_grade_on_a_scale_that_proves_nothing_asks_for_no_day() -> None:
    score = FunctionGrade(on(10), "nurick", 2, True, assessed_by=on(3000))
    assert by_name(course(visit(0, 1000.0), visit(100, 1500.0), function_scores=(score,)))["ses-0100"].category == "PD"


def test_more_open_scans_than_can_be_tried_leave_what_lies_before_them() -> None:
    open_scans = [some_day(on(100 + k), on(2500 + k), 900.0, f"ses-open{k}") for k in range(9)]
    found = judge(course(visit(0, 900.0), *open_scans), DEFAULT)
    assert [one.category for one in found] == ["SD", *["NE"] * 9]
    assert "too many" in found[-1].reason
    assert all(one.is_undecided for one in found[1:])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_stands_is_what_every_single_day_says(data: st.DataObject) -> None:
    first = data.draw(st.integers(30, 400))
    last = first + data.draw(st.integers(1, 90))
    sizes = st.floats(100, 3000)
    others = [visit(day, data.draw(sizes)) for day in (0, 120, 300, 430)]
    treated = data.draw(st.sampled_from([(), (surgery(20),), (radiotherapy(50, 90),), (surgery(150),)]))
    size = data.draw(sizes)
    patient = course(*others, some_day(on(first), on(last), size, "ses-some"), treatments=treated)
    told = by_name(patient, RANO)
    day = on(first) + timedelta(days=data.draw(st.integers(0, last - first)))
    exact = by_name(course(*others, VisitMeasure("ses-some", day, size, volume_cv=0.05), treatments=treated), RANO)
    for name, one in told.items():
        if not one.is_undecided:
            assert (one.category, one.confirmed) == (exact[name].category, exact[name].confirmed), (name, one.reason)


def test_a_written_day_is_a_date_that_prints_what_was_written() -> None:
    day = WrittenDay(2019, 5, 1, span(date(2019, 5, 1), date(2019, 5, 31)), date(2019, 5, 31))
    assert (f"{day}", str(day), day) == ("2019-05", "2019-05", date(2019, 5, 1))
    assert f"{day + timedelta(days=42)}" == "42 days after 2019-05"
    assert f"{day:%Y}" == "2019"


def test_a_line_of_which_only_months_are_known_names_no_day_that_nobody_wrote() -> None:
    line = TreatmentEvent(
        TreatmentKind.BEVACIZUMAB,
        date(2021, 2, 1),
        ended_on=date(2022, 2, 1),
        started_by=date(2021, 2, 28),
        ended_by=date(2022, 2, 28),
    )
    visits = (
        VisitMeasure(f"ses-{day}", day, volume_mm3, volume_cv=0.08)
        for day, volume_mm3 in (
            (date(2021, 1, 1), 1000.0),
            (date(2021, 7, 1), 200.0),
            (date(2021, 12, 1), 190.0),
            (date(2022, 6, 1), 500.0),
        )
    )
    last = judge(course(*visits, treatments=(line,)), RANO)[-1]
    assert last.category == "PD"
    assert "bevacizumab stopped 2022-02." in last.reason
    assert "2022-02-" not in last.reason + last.reason_then


def test_a_measured_scan_of_an_unknown_day_lets_others_stand_only_where_no_day_changes_them() -> None:
    small, alike = visit(5000, 400.0), visit(5000, 1020.0)
    scans = (visit(0, 1000.0), visit(400, 1050.0), visit(800, 1100.0))
    assert [one.category for one in judge(course(*scans, undated=(small,)), DEFAULT)] == ["NE"] * 3
    kept = judge(course(*scans, undated=(alike,)), DEFAULT)
    assert [one.category for one in kept] == ["SD"] * 3
    assert all("the scan without a readable date" in one.reason for one in kept)
    grown = judge(course(*scans, visit(1200, 3000.0), undated=(alike,)), DEFAULT)[-1]
    assert (grown.category, grown.display_state) == ("PD", "growth"), "no day of a scan of 1.02 mL makes 3 mL smaller"


def test_outcomes_count_no_day_of_an_undated_scan() -> None:
    whole = judge_whole(course(visit(0, 1000.0), visit(400, 1050.0), undated=(visit(5000, 1020.0),)), DEFAULT)
    assert len(whole.readings) > 1
    assert {one.session_id for reading in whole.readings for one in reading.course.visits} == {"ses-0000", "ses-0400"}
