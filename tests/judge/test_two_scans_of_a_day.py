"""No tumour grows within hours: what one of two scans of a day shows and the other does not. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest

from pipeline.core.vocabulary import Category, VisitMeasure
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, visit

RULES = criteria_files.load("imsct_adapted_v1")


def scan(name: str, day: int, volume_mm3: float, bound_reason: str | None = None) -> VisitMeasure:
    return replace(visit(day, volume_mm3, volume_cv=0.08, bound_reason=bound_reason), session_id=name)


def test_a_lower_bound_whose_growth_the_other_scan_does_not_show_proves_nothing_and_is_no_response() -> None:
    before = (visit(0, 3000.0, volume_cv=0.08), visit(100, 500.0, volume_cv=0.08))
    whole = judge(course(*before, scan("ses-a", 200, 510.0), scan("ses-b", 200, 900.0)), RULES)
    cut_off = judge(course(*before, scan("ses-a", 200, 510.0), scan("ses-b", 200, 900.0, "it is cut off")), RULES)
    assert [one.category for one in (whole[-1], cut_off[-1])] == [Category.PR, Category.NE]
    alone = judge(course(*before, scan("ses-b", 200, 900.0, "it is cut off")), RULES)
    assert alone[-1].category == Category.PD, "a lower bound beyond the rule is growth where nothing speaks against it"


@pytest.mark.parametrize("are_timed", [True, False])
def test_which_scan_of_a_day_came_first_is_said_only_where_it_is_known(are_timed: bool) -> None:
    times = (time(8), time(16)) if are_timed else (None, None)
    two = (scan("ses-a", 200, 1010.0), scan("ses-b", 200, 1600.0))
    timed = (replace(one, acquired_at=at) for one, at in zip(two, times, strict=True))
    last = judge(course(visit(0, 1000.0, volume_cv=0.08), *timed), RULES)[-1]
    words = "the scan before it on that day" if are_timed else "another scan of that day"
    assert f"but {words} shows 1.0 mL, confirm on the next scan" in last.reason
