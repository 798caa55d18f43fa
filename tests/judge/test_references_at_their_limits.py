"""What a size is compared with, what is led by which lesion, and what was known on the day. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core import records
from pipeline.core.vocabulary import (
    Category,
    CourseKind,
    DisplayState,
    FunctionGrade,
    MaskOrigin,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import clauses, criteria_files, epochs, knowledge, lesion_courses, own_smallest, series_numbers
from pipeline.judge.clauses import Clause, ClauseKind
from pipeline.judge.criteria import Metric
from pipeline.judge.lesion_courses import LesionVerdict, severity, summed
from pipeline.judge.response import judge, judge_whole
from pipeline.judge.series_numbers import References
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")

# The smallest and the largest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "earlier"), [(900.0, ()), (900.0, (0.0, None)), (0.0, (500.0,)), (None, (500.0,))])
def test_a_change_needs_a_volume_above_nothing_now_and_before(now: float | None, earlier: Any) -> None:
    before = [visit(n, volume) for n, volume in enumerate(earlier)]
    assert own_smallest.since_smallest(visit(99, now), before) is None
    assert own_smallest.since_largest(visit(99, now), before) is None


def test_of_equal_ones_the_first_is_the_smallest_and_the_latest_the_largest() -> None:
    before = [visit(day, volume) for day, volume in ((0, 500.0), (10, 500.0), (20, 700.0), (30, 700.0), (40, 600.0))]
    smallest, largest = (
        find(visit(99, 900.0), before) for find in (own_smallest.since_smallest, own_smallest.since_largest)
    )
    assert smallest is not None
    assert largest is not None
    assert (smallest.reference.session_id, largest.reference.session_id) == ("ses-0000", "ses-0030")


@pytest.mark.parametrize(
    ("now", "grown", "shrunk"),
    [(5000.0, True, False), (500.0, False, False), (501.0, False, False), (50.0, False, True)],
)
def test_a_change_counts_on_its_own_side_and_beyond_the_error(now: float, grown: bool, shrunk: bool) -> None:
    found = own_smallest.since_smallest(visit(400, now), [visit(0, 500.0)])
    assert (own_smallest.has_grown(found), own_smallest.has_shrunk(found)) == (grown, shrunk)
    assert not own_smallest.has_grown(None)
    assert not own_smallest.has_shrunk(None)


def numbers(visit_now: VisitMeasure, **references: VisitMeasure) -> Any:
    return series_numbers.numbers_of(visit_now, References(**references), list(references.values()))


def test_a_change_has_an_interval_only_against_another_scan_with_a_volume() -> None:
    now, before, empty = visit(400, 900.0), visit(0, 500.0), visit(200, 0.0)
    found = numbers(now, baseline=before, nadir=empty, previous=now, smallest=before)
    assert found.baseline is not None
    assert found.baseline == found.smallest
    assert (found.nadir, found.previous) == (None, None)
    assert found.smallest_session_id == "ses-0000"
    assert found.low_mm3 < found.volume_mm3 < found.high_mm3
    assert numbers(visit(400, None), baseline=before).volume_mm3 is None
    assert numbers(now, baseline=visit(0, None)).volume_mm3 is None


def test_the_volume_at_a_scan_is_told_where_only_one_reference_has_a_volume() -> None:
    found = numbers(visit(400, 900.0), baseline=visit(0, None), nadir=visit(100, 800.0))
    assert (found.baseline, found.nadir is not None, found.volume_mm3 is not None) == (None, True, True)


def cyst(day: int, **more: Any) -> records.Measurement:
    sizes = {0: 700.0, 100: 500.0, 200: 400.0, 300: 450.0, 400: 800.0, 500: 9000.0}
    return records.Measurement(
        "sub-01", f"ses-{day:04d}", more.get("compartment", "cyst"), "-", sizes[day], 0.1, more.get("source", "table"),
        None, None, None, None, None, None, None, bound_reason=more.get("bound_reason"),
    )  # fmt: skip


def estimates(*rows: records.Measurement, nadir: str | None = "ses-0200") -> list[records.SeriesEstimate]:
    judged = judge(course(*(visit(day, 900.0) for day in (0, 100, 200, 300, 400, 500))), DEFAULT)
    here = replace(
        judged[4], baseline_session_id="ses-0100", nadir_session_id=nadir, previous_session_id="ses-0300", series=None
    )
    others = [replace(one, nadir_session_id=None, series=None) for one in judged if one is not judged[4]]
    return list(series_numbers.of_compartments("sub-01", [*others, here], rows))


DAYS = (0, 100, 200, 300, 400, 500)


def test_a_compartment_is_followed_from_the_baseline_of_the_tumour_to_the_scan_itself() -> None:
    (found,) = estimates(*map(cyst, DAYS))
    at = {day: visit(day, cyst(day).volume_mm3, volume_cv=0.1) for day in DAYS}
    expected = series_numbers.numbers_of(
        at[400], References(at[100], at[200], at[300]), [at[100], at[200], at[300], at[400]]
    )
    assert (found.baseline_low_ratio, found.baseline_high_ratio) == expected.baseline
    assert (found.nadir_low_ratio, found.nadir_high_ratio) == expected.nadir
    assert (found.previous_low_ratio, found.previous_high_ratio) == expected.previous
    assert (found.volume_mm3, found.low_mm3, found.high_mm3) == (
        expected.volume_mm3, expected.low_mm3, expected.high_mm3,
    )  # fmt: skip
    assert (found.smallest_low_ratio, found.smallest_high_ratio) == (None, None)


def test_a_reading_that_is_a_lower_bound_and_an_assumed_error_count_as_such_beside_the_tumour() -> None:
    whole = estimates(*map(cyst, DAYS))
    cut = estimates(*(cyst(day, bound_reason="cut off" if day == 300 else None) for day in DAYS))
    assert cut[0].baseline_high_ratio != whole[0].baseline_high_ratio
    assumed = estimates(*(cyst(day, source="geometric_model") for day in DAYS))
    assert assumed[0].baseline_high_ratio != whole[0].baseline_high_ratio


def test_nothing_is_estimated_of_what_was_not_compared_or_is_the_tumour_itself() -> None:
    assert estimates(*map(cyst, DAYS), nadir=None) == []
    assert estimates(*(cyst(day, compartment="tumour") for day in DAYS)) == []
    assert estimates(*map(cyst, DAYS[:4])) == [], "not measured on the scan"
    (alone,) = estimates(*(cyst(day) for day in (200, 400)))
    assert (alone.baseline_low_ratio, alone.nadir_low_ratio is not None) == (None, True)


def test_a_leading_verdict_needs_a_lesion_that_is_worse() -> None:
    order = [
        severity(State.DISTANT), severity(State.STABLE, DisplayState.GROWTH),
        severity(State.STABLE, DisplayState.POSSIBLE_GROWTH), severity(State.STABLE, DisplayState.NO_CHANGE),
    ]  # fmt: skip
    assert order == [3, 2, 1, 0]
    assert severity(State.SEEN_AGAIN) == 1


# One of several lesions ----------------------------------------------------------------------------------------------


def verdict(lesion: str, display: str = "no_change", **more: Any) -> LesionVerdict:
    state = {"growth": State.PROGRESSION, "possible_growth": State.STABLE}.get(display, State.STABLE)
    (_, last) = judge(course(visit(0, 900.0), visit(200, 900.0)), DEFAULT)
    with_lesions, counted = more.pop("with_lesions", ()), more.pop("counted_then", True)
    volume_mm3 = more.pop("volume_mm3", 900.0)
    given = {"state": state, "display_state": DisplayState(display), "confirmed": True, **more}
    return LesionVerdict(lesion, replace(last, **given), visit(200, volume_mm3), with_lesions, counted)


def total(**more: Any) -> VisitJudgement:
    return replace(judge(course(visit(0, 900.0), visit(200, 900.0)), DEFAULT)[-1], **more)


def test_among_equal_lesions_the_surer_and_then_the_larger_change_leads() -> None:
    open_one = verdict("L1", "growth", confirmed=False, change_ratio=9.0)
    small, large = (verdict(name, "growth", change_ratio=ratio) for name, ratio in (("L2", 1.5), ("L3", 1.6)))
    assert lesion_courses.worst([open_one, small, large]) is large
    assert lesion_courses.worst([open_one, verdict("L9")]) is open_one
    assert lesion_courses.worst([verdict("L9"), verdict("L8")]) is None
    unknown = verdict("L4", "growth", change_ratio=None)
    assert lesion_courses.worst([unknown, small]) is small


def test_a_lesion_that_is_only_as_bad_as_the_total_is_named_and_leads_nothing() -> None:
    grown = total(state=State.PROGRESSION, display_state=DisplayState.GROWTH)
    both = [verdict("L1", "growth"), verdict("L2")]
    led = lesion_courses.led_by_lesions(grown, both, "by total of L1 and L2")
    kinds = [part.kind for part in clauses.from_json(led.clauses)]
    assert kinds[:3] == [ClauseKind.CHANGE, ClauseKind.LESION_SET, ClauseKind.LESION]
    only = lesion_courses.led_by_lesions(grown, both[:1])
    assert only.clauses == grown.clauses, "the total says the same"


def test_a_worse_lesion_leads_the_state_and_is_said_first() -> None:
    led = lesion_courses.led_by_lesions(total(), [verdict("L1", "growth"), verdict("L2")], "by total of L1")
    assert (led.state, led.display_state, led.category) == (State.PROGRESSION, DisplayState.GROWTH, Category.SD)
    first, second, third = clauses.from_json(led.clauses)[:3]
    assert (first.kind, second.kind, third.kind) == (ClauseKind.LESION, ClauseKind.CHANGE, ClauseKind.LESION_SET)
    assert first.words.startswith("Lesion L1 by itself: s")
    assert first.lesion == "L1"


def test_where_no_lesion_is_worse_the_total_only_says_what_it_adds_up() -> None:
    quiet = [verdict("L1"), verdict("L2")]
    said = lesion_courses.led_by_lesions(total(), quiet, "by total of L1 and L2")
    assert [part.kind for part in clauses.from_json(said.clauses)] == [ClauseKind.CHANGE, ClauseKind.LESION_SET]
    assert lesion_courses.led_by_lesions(total(), quiet) == total()


def test_a_lesion_that_had_progressed_on_the_day_leads_what_was_judged_then() -> None:
    then = {"state_then": State.PROGRESSION, "reason_then": "It grew."}
    sure = verdict("L2", confirmed_then=True, change_ratio=1.5, **then)
    larger = verdict("L3", confirmed_then=True, change_ratio=1.6, **then)
    unsure = verdict("L1", confirmed_then=False, change_ratio=9.0, **then)
    led = lesion_courses.led_by_lesions(total(), [unsure, sure, larger])
    assert led.state_then == State.PROGRESSION
    assert led.reason_then.endswith("Lesion L3 by itself: it grew.")
    speck = verdict("L1", counted_then=False, **then)
    assert lesion_courses.led_by_lesions(total(), [speck]).state_then == State.STABLE
    already = total(state_then=State.RECURRENCE)
    assert lesion_courses.led_by_lesions(already, [sure]).reason_then == already.reason_then


def test_a_total_says_which_lesions_it_adds_up_leaves_out_and_cannot_see() -> None:
    three = [verdict("L1"), verdict("L2"), verdict("L3", volume_mm3=None), verdict("L4", volume_mm3=None)]
    assert lesion_courses.set_in_words(three[:1], ()) == ""
    assert lesion_courses.set_in_words(three[:2], ()) == "by total of L1 and L2"
    assert lesion_courses.set_in_words(three, ("L2", "L4")) == "by total of L1, without L2 and L4, L3 not assessable"
    assert lesion_courses.set_in_words(three[:2], ("L1", "L2")) == "by total of no lesion, without L1 and L2"
    assert lesion_courses.set_in_words(three[2:], ()) == "L3 and L4 not assessable by themselves"
    several = [verdict(name) for name in ("L1", "L2", "L3", "L4")]
    assert lesion_courses.set_in_words(several, ()) == "by total of L1, L2, L3 and L4"


def test_a_lesion_is_named_with_those_that_have_grown_together_with_it() -> None:
    assert verdict("L1").name == "L1"
    assert verdict("L1", with_lesions=("L2", "L3")).name == "L1 (grown together with L2 and L3)"


@pytest.mark.parametrize(
    ("syndrome", "lesions", "apart"),
    [
        (None, ["L1"], False),
        ("VHL", ["L1"], True),
        ("VHL", [], False),
        (None, ["L1", "L1"], False),
        ("NF1", ["L1"], False),
    ],
)
def test_lesions_are_judged_apart_where_there_are_several_or_a_syndrome_makes_them(
    syndrome: str | None, lesions: list[str], apart: bool
) -> None:
    assert lesion_courses.are_judged_apart(syndrome, lesions) == apart


def test_sizes_of_lesions_grown_together_add_up_and_their_errors_in_quadrature() -> None:
    one = visit(0, 300.0, volume_cv=0.1, product_mm2=40.0, longest_mm=9.0, slices_spanned=3)
    other = visit(0, 400.0, volume_cv=0.1, product_mm2=50.0, longest_mm=8.0, slices_spanned=5, bound_reason="cut off")
    both = summed({"L1": one, "L2": other, "L3": None})
    assert both is not None
    assert both.volume_cv == pytest.approx(50.0 / 700.0)
    assert (both.volume_mm3, both.product_mm2, both.longest_mm, both.slices_spanned) == (700.0, 90.0, 17.0, 5)
    assert both.bound_reason == "cut off"
    unknown = summed({"L1": one, "L2": replace(other, product_mm2=None, slices_spanned=None)})
    assert unknown is not None
    assert (unknown.product_mm2, unknown.longest_mm, unknown.slices_spanned) == (None, 17.0, 3)
    lost = visit(0, None)
    assert summed({"L1": one, "L2": lost}) is lost
    assert summed({"L1": None}) is None
    empty = summed({"L1": visit(0, 0.0), "L2": visit(0, 0.0)})
    assert empty is not None
    assert (empty.volume_mm3, empty.volume_cv, empty.slices_spanned) == (0.0, None, None)
    sure = summed({"L1": visit(0, 5.0, volume_cv=None), "L2": visit(0, 5.0, volume_cv=None)})
    assert sure is not None
    assert sure.volume_cv is None, "an error that nobody knows is not 0"


# What was known on the day -------------------------------------------------------------------------------------------


def grade(day: int) -> FunctionGrade:
    return FunctionGrade(on(day), "mmccormick", 1.0, tumour_related=True)


def test_what_happened_on_the_day_was_known_then_and_what_came_a_day_later_was_not() -> None:
    patient = course(
        visit(0, 900.0), visit(200, 900.0), visit(400, 900.0),
        treatments=(radiotherapy(200, 240), surgery(201)), function_scores=(grade(200), grade(201)),
        pinned_baselines=("ses-0200", "ses-0400"), died_on=on(500), last_contact_on=on(500),
    )  # fmt: skip
    then = knowledge.known_by(patient, patient.visits[1])
    assert [one.session_id for one in then.visits] == ["ses-0000", "ses-0200"]
    assert [one.started_on for one in then.treatments] == [on(200)]
    assert [one.assessed_on for one in then.function_scores] == [on(200)]
    assert then.pinned_baselines == ("ses-0200",)
    assert (then.died_on, then.last_contact_on) == (None, None)


@pytest.mark.parametrize(("ended", "known"), [(200, 200), (201, 200), (199, 199)])
def test_a_treatment_that_went_on_had_no_later_end_yet(ended: int, known: int) -> None:
    patient = course(visit(0, 900.0), visit(200, 900.0), treatments=(radiotherapy(150, ended),))
    (given,) = knowledge.known_by(patient, patient.visits[1]).treatments
    assert given.ended_on == on(known)
    (open_one,) = knowledge.known_by(replace(patient, treatments=(radiotherapy(150),)), patient.visits[1]).treatments
    assert open_one.ended_on is None


@pytest.mark.parametrize(("withdrawn", "is_lesion"), [(300, False), (301, True)])
def test_a_new_lesion_is_one_until_the_day_somebody_withdrew_it(withdrawn: int, is_lesion: bool) -> None:
    marked = visit(200, 900.0, new_lesion=True, withdrawn_on=on(withdrawn), withdrawn_words="withdrawn by R: necrosis")
    (then,) = knowledge.without_withdrawn(course(marked), on(300)).visits
    assert then.new_lesion == is_lesion
    assert (then.withdrawn_words is None) == is_lesion


def test_a_withdrawn_lesion_is_progression_as_judged_then_and_none_as_known_now() -> None:
    marked = visit(200, 900.0, new_lesion=True, withdrawn_on=on(300), withdrawn_words="withdrawn by R: necrosis")
    found = judge(course(visit(0, 900.0), marked), DEFAULT)[-1]
    assert (found.category_then, found.category) == (Category.PD, Category.SD)
    assert "withdrawn by R: necrosis, a size measured here may hold it until that is corrected" in found.reason


# Which verdict is by whom --------------------------------------------------------------------------------------------


def unsigned(day: int, volume_mm3: float, **more: Any) -> VisitMeasure:
    return visit(day, volume_mm3, mask_origin=MaskOrigin.AUTOMATIC, **more)


def test_signed_scans_are_judged_by_signed_scans_and_name_what_was_passed_over() -> None:
    found = judge(course(visit(0, 1000.0), unsigned(200, 600.0), visit(400, 1000.0)), DEFAULT)
    assert [one.provisional for one in found] == [False, True, False]
    assert (found[2].category, found[2].nadir_session_id) == (Category.SD, "ses-0000")
    larger = judge(course(visit(0, 1000.0), unsigned(200, 1100.0), visit(400, 1000.0)), DEFAULT)
    assert "nobody signed" not in larger[2].reason


def test_a_new_lesion_on_an_unsigned_scan_stays_marked_for_signed_ones() -> None:
    epoch = epochs.Epoch(0, "", on(0), on(999), on(0), None, (visit(0, 900.0),), visit(0, 900.0))
    for mark in ({"new_lesion": True}, {"leptomeningeal": True}):
        alone = epochs.signed_alone(replace(epoch, visits=(visit(0, 900.0), unsigned(9, 5.0, **mark))))
        assert alone is not None
        assert [one.volume_mm3 for one in alone.visits] == [900.0, None]
    silent = epochs.signed_alone(replace(epoch, visits=(visit(0, 900.0), unsigned(9, 5.0))))
    assert silent is not None
    assert len(silent.visits) == 1
    assert epochs.signed_alone(epoch) is None, "nothing unsigned to leave out"


@pytest.mark.parametrize(
    ("certificate", "signed", "is_usable"), [("C", False, False), ("B", False, True), ("C", True, True)]
)
def test_an_unsigned_mask_on_an_alignment_of_grade_c_is_not_used(
    certificate: str, signed: bool, is_usable: bool
) -> None:
    seen = unsigned(0, 900.0, certificate=certificate, signed_off=signed)
    assert (epochs.why_not_usable(seen, Metric.VOLUME) is None) == is_usable


def test_an_earlier_courses_smaller_size_is_remembered_until_the_next_surgery() -> None:
    def smallest(*treatments: TreatmentEvent) -> bool:
        seen = (visit(0, 1000.0), visit(100, 400.0), visit(205, 900.0), visit(400, 950.0))
        return "the smallest ever seen" in judge(course(*seen, treatments=treatments), RANO)[-1].reason

    line = TreatmentEvent(TreatmentKind.TARGETED, on(210))
    assert smallest(line)
    assert not smallest(surgery(150), line)


@pytest.mark.parametrize(("before_mm3", "is_said"), [(899.0, True), (900.0, False)])
def test_an_earlier_size_is_named_only_where_it_is_below_all_of_this_course(before_mm3: float, is_said: bool) -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(210))
    seen = (visit(0, 1000.0), visit(100, before_mm3), visit(205, 950.0), visit(400, 900.0))
    assert ("smallest ever seen" in judge(course(*seen, treatments=(line,)), RANO)[-1].reason) == is_said


def test_tumour_after_none_in_an_earlier_course_of_the_same_surgery_is_recurrence() -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(510))
    seen = (visit(95, 0.0), visit(500, 150.0, slices_spanned=1), visit(900, 900.0, slices_spanned=4))
    assert judge(course(*seen, treatments=(surgery(0), line)), RANO)[-1].state == State.RECURRENCE
    again = judge(course(*seen, visit(1100, 2000.0), treatments=(surgery(0), line, surgery(950))), RANO)[-1]
    assert again.state == State.BASELINE


def test_a_lower_bound_is_no_smallest_size() -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(210))
    cut = visit(100, 400.0, bound_reason="its mask reaches the edge")
    found = judge(course(visit(0, 1000.0), cut, visit(205, 900.0), visit(400, 950.0), treatments=(line,)), RANO)[-1]
    assert "smallest ever seen" not in found.reason


def test_an_open_baseline_of_a_pinned_course_is_said_where_its_own_course_says_nothing() -> None:
    early = visit(10, 900.0)
    found = judge(course(early, visit(300, 900.0), treatments=(surgery(0),), pinned_baselines=("ses-0010",)), DEFAULT)
    assert (found[0].state, found[0].course) == (State.BASELINE, CourseKind.PINNED)
    assert found[1].baseline_session_id == "ses-0010"


@pytest.mark.parametrize(("numbers_then", "expected"), [((1000.0, 1500.0), 1.5), ((1000.0, 500.0), 0.5)])
def test_the_detection_limit_is_a_factor_above_one_either_way(numbers_then: Any, expected: float) -> None:
    found = judge(course(*(visit(400 * n, size) for n, size in enumerate(numbers_then))), RANO)[-1]
    assert found.change_ratio == pytest.approx(expected)
    assert (found.detection_limit_ratio or 0) > 1


def test_a_probability_is_that_of_the_word_that_is_shown() -> None:
    response = judge(course(visit(0, 1000.0), visit(200, 300.0)), DEFAULT)[-1]
    shrunk = judge(course(visit(0, 1000.0), visit(200, 600.0)), DEFAULT)[-1]
    grown = judge(course(visit(0, 1000.0), visit(200, 1500.0)), DEFAULT)[-1]
    lesion = judge(course(visit(0, 1000.0), visit(200, 1000.0, new_lesion=True)), DEFAULT)[-1]
    assert response.category == Category.PR
    assert shrunk.display_state == DisplayState.SHRINKAGE
    assert all((one.probability or 0) > 0.5 for one in (response, shrunk, grown))
    assert (lesion.category, lesion.probability) == (Category.PD, None), "no size decided"


def test_no_course_no_best_response_and_one_judgement_a_visit() -> None:
    whole = judge_whole(course(visit(0, 900.0), visit(200, 900.0)), DEFAULT)
    assert (len(whole.judgements), len(whole.best_responses)) == (2, 2)
    assert clauses.of_total((Clause(ClauseKind.LESION, "L"), Clause(ClauseKind.CHANGE, "T"))) == Clause(
        ClauseKind.CHANGE, "T"
    )
