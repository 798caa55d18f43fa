"""Sizes, waits and windows at the very limit of each rule, just below and just above. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from pipeline.core.vocabulary import (
    Category,
    CourseKind,
    DisplayState,
    State,
    TreatmentEvent,
    TreatmentKind,
)
from pipeline.judge import comparison, criteria_files, division, epochs, exposure
from pipeline.judge.comparison import Comparison
from pipeline.judge.confirmation import confirmed
from pipeline.judge.criteria import Metric
from pipeline.judge.response import judge
from pipeline.judge.verdict import Evidence, Verdict
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")
EPSILON = 1e-10
"""Far below the rounding of voxel counts (1e-9): such a difference is none."""


# Sizes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "reaches"), [(1.0, True), (1 - EPSILON, True), (1 - 1e-8, False)])
def test_a_size_reaches_a_limit_within_the_rounding_of_voxel_counts(share: float, reaches: bool) -> None:
    assert comparison.at_least(200.0 * share, 200.0) == reaches
    assert comparison.at_most(200.0 / share, 200.0) == reaches


def sizes(value: float, reference: float) -> Comparison:
    return Comparison(visit(0, reference), value, reference, value / reference if reference else None, None)


def test_no_ratio_is_reached_from_nothing() -> None:
    assert not comparison.grew_by(sizes(100.0, 0.0), 1.4)
    assert not comparison.shrank_to(sizes(0.0, 0.0), 0.35)
    assert comparison.grew_by(sizes(140.0, 100.0), 1.4)
    assert comparison.shrank_to(sizes(35.0, 100.0), 0.35)


@pytest.mark.parametrize(
    ("volume_mm3", "longest_mm", "expected"),
    [
        (100.0, None, True), (99.999, None, False), (99.999, 4.999, False), (99.999, 5.0, True), (None, 5.0, True),
        (None, 4.999, False), (None, None, False),
    ],
)  # fmt: skip
def test_tumour_is_seen_again_from_a_tenth_of_a_millilitre_or_five_millimetres_on(
    volume_mm3: float | None, longest_mm: float | None, expected: bool
) -> None:
    assert comparison.reappears(visit(0, volume_mm3, longest_mm=longest_mm), DEFAULT) == expected


@pytest.mark.parametrize(("slices", "expected"), [(2, True), (1, False)])
def test_one_scan_alone_needs_two_slices(slices: int, expected: bool) -> None:
    assert comparison.on_enough_slices(visit(0, 150.0, slices_spanned=slices), DEFAULT) == expected
    any_size = replace(DEFAULT, reappearance=None)
    assert comparison.on_enough_slices(visit(0, 150.0, slices_spanned=slices), any_size)


def test_criteria_without_a_limit_take_any_tumour_seen_again() -> None:
    any_size = replace(DEFAULT, reappearance=None)
    assert comparison.reappears(visit(0, 0.001), any_size)
    assert not comparison.reappears(visit(0, 0.0), any_size)


@pytest.mark.parametrize(
    ("reference", "level"), [(250.0, 350.0), (249.0, 349.0), (251.0, 1.4 * 251.0), (0.0, None), (-1.0, None)]
)
def test_the_level_of_progression_is_the_larger_of_forty_percent_and_a_tenth_of_a_millilitre_more(
    reference: float, level: float | None
) -> None:
    found = comparison.progression_level(reference, DEFAULT)
    assert found == (None if level is None else pytest.approx(level))


@pytest.mark.parametrize(
    ("one", "other", "compares"),
    [
        ({"plane": "sagittal"}, {"plane": "axial"}, False),
        ({"plane": "sagittal"}, {"plane": "isotropic"}, True),
        ({"plane": "sagittal"}, {"plane": None}, True),
        ({"plane": "sagittal"}, {"plane": "sagittal"}, True),
        ({"contrast": "T2w"}, {"contrast": "T1w_ce"}, False),
        ({"contrast": "T2w"}, {"contrast": None}, True),
        ({"contrast": "T2w"}, {"contrast": "T2w"}, True),
    ],
)
def test_scans_of_another_sequence_or_plane_do_not_compare(one: Any, other: Any, compares: bool) -> None:
    break_ = comparison.series_break(visit(100, 900.0, **one), visit(0, 900.0, **other))
    assert (break_ is None) == compares
    assert break_ is None or f"the baseline of {on(0)}" in break_


def test_a_comparison_needs_a_size_of_both() -> None:
    for pair in ((visit(0, None), visit(9, 5.0)), (visit(0, 5.0), visit(9, None))):
        with pytest.raises(ValueError, match="both need a size to be compared"):
            comparison.compare(*pair, Metric.VOLUME)
    assert comparison.compare(visit(9, 5.0), visit(0, 0.0), Metric.VOLUME).ratio is None


@pytest.mark.parametrize("cv", [None, 0.1])
@pytest.mark.parametrize("reference_cv", [None, 0.1])
def test_a_change_has_an_error_only_where_both_scans_have_one(cv: float | None, reference_cv: float | None) -> None:
    found = comparison.compare(visit(100, 5000.0, volume_cv=cv), visit(0, 100.0, volume_cv=reference_cv), Metric.VOLUME)
    assert (found.change is not None) == (cv is not None and reference_cv is not None)
    assert comparison.beyond_error(found) == (found.change is not None)
    assert (comparison.probability(found, 1.4) is None) == (found.change is None)


@pytest.mark.parametrize(
    ("metric", "size", "dimensions"), [(Metric.PRODUCT, "product_mm2", 2), (Metric.LONGEST, "longest_mm", 1)]
)
def test_an_area_carries_two_thirds_and_a_length_a_third_of_the_error_of_the_volume(
    metric: Metric, size: str, dimensions: int
) -> None:
    one, other = (visit(day, 1000.0, volume_cv=0.3, **{size: value}) for day, value in ((0, 10.0), (400, 11.0)))
    found = comparison.compare(other, one, metric)
    assert found.change is not None
    assert found.change.series.errors == pytest.approx((0.3 * dimensions / 3,) * 2)
    assert found.change.series.share == pytest.approx(dimensions / 3)


def test_readings_of_nothing_or_of_unknown_error_say_nothing_of_the_course() -> None:
    since = (visit(10, 0.0), visit(20, 900.0, volume_cv=None), visit(30, 900.0))
    found = comparison.compare(visit(100, 900.0), visit(0, 900.0), Metric.VOLUME, since)
    assert found.change is not None
    assert len(found.change.series.days) == 3


def test_one_assumed_error_makes_the_errors_of_a_course_assumed() -> None:
    pair = visit(0, 900.0), visit(100, 900.0, cv_is_assumed=True)
    for one, other in (pair, pair[::-1]):
        change = comparison.compare(other, one, Metric.VOLUME).change
        assert change is not None
        assert change.series.is_assumed
    stated = comparison.compare(visit(100, 900.0), visit(0, 900.0), Metric.VOLUME).change
    assert stated is not None
    assert not stated.series.is_assumed


@pytest.mark.parametrize(
    ("volume_mm3", "new_mm3", "left_mm3"),
    [(1000.0, 400.0, 600.0), (400.0, 400.0, 0.0), (400.0, 400.0 - 1e-7, 0.0), (400.0, 500.0, 0.0), (400.0, 399.9, 0.1)],
)
def test_a_syndromes_new_tumours_are_left_out_of_the_size_to_the_last_voxel(
    volume_mm3: float, new_mm3: float, left_mm3: float
) -> None:
    patient = course(visit(0, volume_mm3, new_tumour_mm3=new_mm3, product_mm2=9.0, longest_mm=3.0), syndrome="VHL")
    (left,) = epochs.followed_tumours(patient, DEFAULT).visits
    assert left.volume_mm3 == (0.0 if left_mm3 == 0.0 else pytest.approx(left_mm3))
    assert (left.product_mm2, left.longest_mm) == (None, None)
    assert (left.volume_cv is None) == (left_mm3 == 0.0)


@pytest.mark.parametrize(("value", "is_usable"), [(0.0, True), (-0.001, False), (float("inf"), False), (1e9, True)])
def test_a_size_is_a_number_of_nothing_or_more(value: float, is_usable: bool) -> None:
    assert (epochs.why_not_usable(visit(0, value), Metric.VOLUME) is None) == is_usable


# Waits and windows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "category"), [(28, "PR"), (27, "PR?")])
def test_a_response_is_confirmed_four_weeks_later(days: int, category: str) -> None:
    found = judge(course(visit(0, 1000.0), visit(100, 300.0), visit(100 + days, 300.0)), DEFAULT)
    assert [one.category_shown for one in found[1:]] == [category, category]


@pytest.mark.parametrize(
    ("kind", "window", "wait"),
    [
        (TreatmentKind.RADIOTHERAPY, 84, 28),
        (TreatmentKind.IMMUNOTHERAPY, 183, 89),
        (TreatmentKind.RADIOSURGERY, 1096, 365),
    ],
)
def test_growth_up_to_the_last_day_of_a_window_waits_for_its_second_scan(
    kind: TreatmentKind, window: int, wait: int
) -> None:
    given = TreatmentEvent(kind, on(0), on(0))
    seen = (visit(-20, 1000.0), visit(22, 1000.0), visit(window, 2000.0))
    late = (*seen[:2], visit(window + 1, 2000.0))
    assert judge(course(*late, treatments=(given,)), DEFAULT)[-1].category_shown == "PD"
    for days, expected in ((wait, "PD"), (wait - 1, "PD?")):
        found = judge(course(*seen, visit(window + days, 2100.0), treatments=(given,)), DEFAULT)
        assert found[2].category_shown == expected


def test_a_window_opens_the_day_after_its_treatment_began() -> None:
    given = TreatmentEvent(TreatmentKind.RADIOSURGERY, on(100), on(100))
    assert exposure.growth_window(course(treatments=(given,)), on(100), DEFAULT) is None
    found = exposure.growth_window(course(treatments=(given,)), on(101), DEFAULT)
    assert found == (DEFAULT.radiosurgery_window, given)


def test_a_window_is_counted_from_the_last_day_of_radiotherapy_and_the_first_of_radiosurgery() -> None:
    fractions = radiotherapy(0, 40)
    assert exposure.growth_window(course(treatments=(fractions,)), on(40 + 84), DEFAULT) is not None
    assert exposure.growth_window(course(treatments=(fractions,)), on(40 + 85), DEFAULT) is None
    once = TreatmentEvent(TreatmentKind.RADIOSURGERY, on(0), on(40))
    assert exposure.growth_window(course(treatments=(once,)), on(1096), DEFAULT) is not None
    assert exposure.growth_window(course(treatments=(once,)), on(1097), DEFAULT) is None


def test_of_two_treatments_of_a_kind_the_later_opens_the_window() -> None:
    first, second = radiotherapy(0, 40), radiotherapy(60, 100)
    found = exposure.growth_window(course(treatments=(first, second)), on(120), DEFAULT)
    assert found is not None
    assert found[1] is second
    between = exposure.growth_window(course(treatments=(first, second)), on(60), DEFAULT)
    assert between is not None
    assert between[1] is first


@pytest.mark.parametrize(
    ("day", "state"), [(41, State.CONTEXT), (42, State.BASELINE), (0, State.BASELINE), (1, State.CONTEXT)]
)
def test_a_scan_is_the_baseline_from_forty_two_days_after_surgery_on(day: int, state: State) -> None:
    assert judge(course(visit(day, 900.0), treatments=(surgery(0),)), DEFAULT)[0].state == state


@pytest.mark.parametrize(("day", "state"), [(60, State.CONTEXT), (61, State.BASELINE)])
def test_a_scan_is_the_baseline_from_three_weeks_after_radiotherapy_on(day: int, state: State) -> None:
    assert judge(course(visit(day, 900.0), treatments=(radiotherapy(0, 40),)), DEFAULT)[0].state == state


def test_a_longest_course_of_radiotherapy_is_taken_where_its_end_is_not_recorded() -> None:
    assert division.last_day(radiotherapy(0), DEFAULT.baseline) == on(49)
    assert division.last_day(radiotherapy(0, 40), DEFAULT.baseline) == on(40)


@pytest.mark.parametrize(
    ("second", "baseline"),
    [
        (131, "ses-0131"),  # 40 days after day 91, nearer than 49 before it
        (139, "ses-0139"),
        (140, "ses-0042"),  # as far: the first stays
    ],
)
def test_the_scan_nearest_to_three_months_after_surgery_is_the_baseline(second: int, baseline: str) -> None:
    patient = course(visit(42, 900.0), visit(second, 900.0), visit(400, 900.0), treatments=(surgery(0),))
    assert judge(patient, DEFAULT)[-1].baseline_session_id == baseline


@pytest.mark.parametrize(
    ("nearer", "takes_place"),
    [
        ({}, True),
        ({"volume_mm3": 1399.0}, True),
        ({"volume_mm3": 1400.0}, False),  # growth by the rule, which it would hide
        ({"new_lesion": True}, False),
        ({"leptomeningeal": True}, False),
        ({"plane": "axial"}, False),
        ({"volume_mm3": None}, False),
    ],
)
def test_a_nearer_scan_hides_no_growth(nearer: dict[str, Any], takes_place: bool) -> None:
    close = replace(visit(91, 1000.0, plane="sagittal"), **nearer)
    patient = course(visit(50, 1000.0, plane="sagittal"), close, treatments=(surgery(0),))
    (_, after) = division.divided(patient, DEFAULT)
    assert after.baseline is not None
    assert (after.baseline.session_id == "ses-0091") == takes_place
    assert len(after.superseded) == takes_place


@pytest.mark.parametrize(("first_mm3", "now_mm3", "takes_place"), [(0.0, 0.0, True), (0.0, 5.0, False)])
def test_after_none_was_seen_only_a_scan_without_tumour_takes_the_place_of_the_baseline(
    first_mm3: float, now_mm3: float, takes_place: bool
) -> None:
    patient = course(visit(50, first_mm3), visit(91, now_mm3), treatments=(surgery(0),))
    (_, after) = division.divided(patient, DEFAULT)
    assert bool(after.superseded) == takes_place


@pytest.mark.parametrize(("days_before", "is_said"), [(42, False), (43, True)])
def test_a_line_judged_from_a_scan_more_than_six_weeks_old_says_so(days_before: int, is_said: bool) -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(days_before), agent="belzutifan")
    reason = judge(course(visit(0, 900.0), visit(300, 900.0), treatments=(line,)), DEFAULT)[-1].reason
    assert (f"{days_before} days before" in reason) == is_said


@pytest.mark.parametrize(
    ("scan_at", "begun_at", "is_after"),
    [
        (None, None, False), (time(9), time(8), True), (time(8), time(8), False), (time(9), None, False),
        (None, time(8), False),
    ],
)  # fmt: skip
def test_a_scan_on_the_day_of_surgery_is_after_it_only_by_the_times_of_both(
    scan_at: time | None, begun_at: time | None, is_after: bool
) -> None:
    operated = replace(surgery(10), started_at=begun_at)
    before, after = division.divided(course(visit(10, 900.0, acquired_at=scan_at), treatments=(operated,)), DEFAULT)
    assert (len(before.visits), len(after.visits)) == ((0, 1) if is_after else (1, 0))


def test_chemotherapy_begun_before_the_baseline_after_radiotherapy_can_be_made_is_part_of_it() -> None:
    def kinds(day: int) -> list[CourseKind]:
        given = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(day))
        return [one.kind for one in division.divided(course(treatments=(radiotherapy(0, 40), given)), DEFAULT)]

    assert kinds(60) == [CourseKind.WATCHED, CourseKind.AFTER_RADIOTHERAPY]
    assert kinds(61) == [CourseKind.WATCHED, CourseKind.AFTER_RADIOTHERAPY, CourseKind.LINE]


def test_lines_are_counted_and_nothing_else_is_a_line() -> None:
    given = [TreatmentEvent(TreatmentKind.TARGETED, on(100)), radiotherapy(300, 340), surgery(600)]
    given.append(TreatmentEvent(TreatmentKind.BEVACIZUMAB, on(900)))
    assert [one.line for one in division.divided(course(treatments=tuple(given)), DEFAULT)] == [0, 1, 0, 0, 2]


def second_look(day: int, category: Category, **more: Any) -> Verdict:
    seen = visit(day, 900.0)
    judged = Evidence(nadir=sizes(900.0, 1000.0))
    return Verdict(seen, category, State.STABLE, DisplayState.NO_CHANGE, judged, **more)


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (["CR", "PR"], ["CR?", "PR?"]),  # a lesser response holds no better one, and confirms nothing after it
        (["PR", "CR"], ["PR", "CR?"]),  # a better one holds the lesser
        (["PR", "SD", "PR"], ["PR?", "SD", "PR?"]),
        (["CR", "CR"], ["CR", "CR"]),
        (["PR", "NE", "PR"], ["PR", "NE", "PR"]),
    ],
)
def test_a_response_is_confirmed_by_one_at_least_as_good_with_no_lesser_between(
    categories: list[str], expected: list[str]
) -> None:
    verdicts = [second_look(100 * n, Category(word)) for n, word in enumerate(categories)]
    verdicts = [replace(v, evidence=Evidence()) if v.category == Category.NE else v for v in verdicts]
    shown = [f"{v.category}{'' if v.confirmed else '?'}" for v in confirmed(verdicts, DEFAULT)]
    assert shown == expected
