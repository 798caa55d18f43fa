"""Where one of several decides, and where all have to; what stands beside a number that is not there. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from pipeline.core import records
from pipeline.core.context_records import NewSignal
from pipeline.core.vocabulary import (
    Category,
    CourseKind,
    DisplayState,
    FunctionGrade,
    MaskOrigin,
    State,
    TreatmentEvent,
    TreatmentKind,
)
from pipeline.judge import clauses, criteria_files, division, epochs, knowledge, lesion_courses, series_numbers
from pipeline.judge.clauses import Clause, ClauseKind
from pipeline.judge.comparison import compare
from pipeline.judge.criteria import Metric, Reference, problems
from pipeline.judge.endpoints import of_course
from pipeline.judge.lesion_courses import LesionVerdict
from pipeline.judge.questions import Question
from pipeline.judge.response import judge, judge_whole
from pipeline.judge.series_numbers import References
from pipeline.judge.verdict import Evidence, Verdict
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit
from tests.judge.test_urgency import P, asked

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")
UNSIGNED: dict[str, Any] = {"mask_origin": MaskOrigin.AUTOMATIC}


def test_a_scan_of_the_day_of_surgery_is_before_it_whatever_else_was_given() -> None:
    patient = course(visit(0, 1000.0), visit(300, 2000.0), treatments=(surgery(300), radiotherapy(400, 440)))
    assert [one.endpoint_id for one in of_course(patient, judge(patient, DEFAULT))] == ["os"]
    later = course(visit(300, 1000.0), visit(500, 2000.0), treatments=(radiotherapy(300, 340),))
    first = of_course(later, judge(later, DEFAULT))[0]
    assert first.time_zero_on == on(300)


@pytest.mark.parametrize(
    "unsigned",
    [("visit",), ("baseline",), ("nadir",), ("visit", "baseline", "nadir")],
    ids="-".join,
)
def test_one_unsigned_mask_that_a_call_rests_on_makes_it_provisional(unsigned: tuple[str, ...]) -> None:
    scans = {
        name: visit(n, 900.0, **(UNSIGNED if name in unsigned else {}))
        for n, name in enumerate(("baseline", "nadir", "visit"))
    }
    evidence = Evidence(
        baseline=compare(scans["visit"], scans["baseline"], Metric.VOLUME),
        nadir=compare(scans["visit"], scans["nadir"], Metric.VOLUME),
    )
    made = Verdict(scans["visit"], Category.SD, State.STABLE, DisplayState.NO_CHANGE, evidence)
    assert made.is_provisional
    assert not replace(made, state=State.NOT_EVALUABLE).is_provisional
    assert not replace(made, state=State.CONTEXT).is_provisional


@pytest.mark.parametrize(
    ("category", "against", "ratio"),
    [
        ("CR", "baseline", 0.35),
        ("PR", "baseline", 0.35),
        ("MR", "baseline", 0.6),
        ("SD", "nadir", 1.4),
        ("PD", "nadir", 1.4),
    ],
)
def test_each_category_has_its_own_reference_and_threshold(category: str, against: str, ratio: float) -> None:
    here = visit(200, 900.0)
    evidence = Evidence(compare(here, visit(0, 1000.0), Metric.VOLUME), compare(here, visit(100, 800.0), Metric.VOLUME))
    made = Verdict(here, Category(category), State.STABLE, DisplayState.NO_CHANGE, evidence)
    assert made.compared_with(RANO) is getattr(evidence, against)
    assert made.threshold_ratio(RANO) == ratio
    assert made.reference_visit(against) is getattr(evidence, against).reference
    assert (
        Verdict(here, Category.NE, State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE, Evidence()).reference_visit("nadir")
        is None
    )
    by_baseline = replace(RANO, progression=replace(RANO.progression, reference=Reference.BASELINE))
    assert made.compared_with(by_baseline) is evidence.baseline


@pytest.mark.parametrize(("now_mm3", "is_next"), [(799.0, True), (800.0, False), (801.0, False)])
def test_the_next_scan_is_held_against_the_smaller_of_two_and_the_first_of_equal_ones(
    now_mm3: float, is_next: bool
) -> None:
    here, nadir = visit(200, now_mm3), visit(100, 800.0)
    evidence = Evidence(nadir=compare(here, nadir, Metric.VOLUME))
    assert evidence.next_nadir(here) is (here if is_next else nadir)
    assert Evidence().next_nadir(here) is None


def test_a_minor_response_names_its_own_threshold() -> None:
    found = judge(course(visit(0, 1000.0), visit(200, 550.0), is_enhancing=False), RANO)[-1]
    assert found.category == Category.MR
    assert "reaches the -40 % rule of a minor response" in found.reason


def test_the_numbers_of_a_verdict_are_those_of_its_own_references() -> None:
    scans = [visit(day, size) for day, size in ((0, 1000.0), (200, 700.0), (400, 900.0), (600, 1200.0))]
    last = judge(course(*scans), RANO)[-1]
    expected = series_numbers.numbers_of(
        scans[3], References(scans[0], scans[1], scans[2], scans[1]), [scans[0], scans[1], scans[2]]
    )
    assert last.series == expected
    assert (last.baseline_session_id, last.nadir_session_id, last.previous_session_id) == (
        "ses-0000",
        "ses-0200",
        "ses-0400",
    )
    assert last.series is not None
    assert len({last.series.baseline, last.series.nadir, last.series.previous}) == 3
    first = judge(course(*scans), RANO)[0]
    assert first.series is None


def test_the_smallest_of_an_earlier_course_has_an_interval_of_its_own() -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(210))
    scans = [visit(day, size) for day, size in ((0, 1000.0), (100, 400.0), (205, 900.0), (400, 950.0))]
    last = judge(course(*scans, treatments=(line,)), RANO)[-1]
    assert last.series is not None
    assert last.series.smallest_session_id == "ses-0100"
    assert last.series.smallest != last.series.nadir


def test_what_a_total_says_stays_behind_what_its_lesions_say() -> None:
    total = judge(course(visit(0, 900.0), visit(200, 900.0)), DEFAULT)[-1]
    beside = [
        Clause(ClauseKind.CHANGE, "total"),
        Clause(ClauseKind.TREATMENT, "drug"),
        Clause(ClauseKind.REMARK, "note"),
    ]
    total = replace(total, clauses=clauses.to_json(beside))
    grown = replace(total, state=State.PROGRESSION, display_state=DisplayState.GROWTH)

    def words(of: Any, *verdicts: LesionVerdict, set_words: str = "set") -> list[str]:
        led = lesion_courses.led_by_lesions(of, verdicts, set_words)
        return [one.words.split(":")[0] for one in clauses.from_json(led.clauses)]

    quiet, worse = (LesionVerdict(name, of, visit(200, 9.0)) for name, of in (("L1", total), ("L2", grown)))
    assert words(total, quiet, quiet) == ["total", "set", "drug", "note"]
    assert words(grown, quiet, worse) == ["total", "set", "lesion L2 by itself", "drug", "note"]
    assert words(total, quiet, worse) == ["Lesion L2 by itself", "total", "set", "drug", "note"]
    assert words(grown, worse, set_words="") == ["total", "drug", "note"], "the only lesion says the same"
    possible = replace(grown, state=State.STABLE, display_state=DisplayState.POSSIBLE_GROWTH)
    assert words(possible, worse, set_words="")[0] == "Lesion L2 by itself", "the only lesion, worse than the total"


def test_a_lesion_without_clauses_is_said_in_its_sentence() -> None:
    total = judge(course(visit(0, 900.0), visit(200, 900.0)), DEFAULT)[-1]
    bare = replace(total, state=State.PROGRESSION, clauses="[]", reason="It grew")
    led = lesion_courses.led_by_lesions(
        total, [LesionVerdict("L2", bare, visit(200, 9.0)), LesionVerdict("L1", total, visit(200, 9.0))]
    )
    assert led.reason.startswith("Lesion L2 by itself: it grew; ")


def test_a_withdrawn_lesion_says_why_and_nothing_else() -> None:
    total = replace(judge(course(visit(0, 900.0), visit(200, 2000.0)), DEFAULT)[-1], confirmed=False)
    gone = lesion_courses.withdrawn(total, "withdrawn by R: necrosis")
    assert (gone.category, gone.state, gone.confirmed, gone.reason) == (
        "NE", State.NOT_EVALUABLE, True, "Withdrawn by R: necrosis.",
    )  # fmt: skip
    assert (gone.change_ratio, gone.probability, gone.detection_limit_ratio) == (None, None, None)
    assert gone.state_then == total.state_then


def test_an_end_that_had_come_by_the_day_stays_as_it_was_written() -> None:
    some_day = TreatmentEvent(TreatmentKind.STEROID, on(0), on(200), ended_by=on(230))
    patient = course(visit(200, 900.0), treatments=(some_day,))
    assert knowledge.known_by(patient, patient.visits[0]).treatments == (some_day,)
    sooner = replace(some_day, ended_on=on(201))
    (cut,) = knowledge.known_by(replace(patient, treatments=(sooner,)), patient.visits[0]).treatments
    assert (cut.ended_on, cut.ended_by) == (on(200), None)


@pytest.mark.parametrize(("severities", "is_asked"), [(["warning", "error"], True), (["note", "warning"], False)])
def test_one_error_among_findings_left_something_out(severities: list[str], is_asked: bool) -> None:
    rows = [records.Finding("code", one, "step", None, P, None, "message", "remedy") for one in severities]
    assert (asked(*rows) == [Question.LEFT_OUT]) == is_asked


def test_new_signal_on_the_latest_scan_is_asked_of_whatever_was_seen_before() -> None:
    signals = [NewSignal(P, session, 1, "ses-01", 9.0, *(0.0,) * 6) for session in ("ses-02", "ses-03")]
    assert asked(*signals) == [Question.NEW_SIGNAL]


def test_all_mandatory_sequences_have_a_name_and_one_blank_is_refused() -> None:
    assert DEFAULT.sequences is not None
    for names, is_possible in ((("T2w", "T1w"), True), (("T2w", ""), False), (("", "T2w"), False)):
        rules = replace(DEFAULT, sequences=replace(DEFAULT.sequences, mandatory=names))
        assert (problems(rules) == ()) == is_possible


def test_a_rule_without_a_source_and_a_name_without_text_are_refused() -> None:
    assert (
        "progression: expected a source"
        in problems(replace(DEFAULT, progression=replace(DEFAULT.progression, source=" ")))[0]
    )
    assert "the file: expected a source" in problems(replace(DEFAULT, source=""))[0]
    assert problems(replace(DEFAULT, title=" ")) == ("title: expected some text, found none",)
    assert DEFAULT.record().source.endswith("[proposal]")


@pytest.mark.parametrize(
    ("sizes", "metric", "why"),
    [
        ({"volume_mm3": 900.0}, Metric.PRODUCT, "the diameters that these criteria compare were not measured"),
        ({"longest_mm": 9.0}, Metric.PRODUCT, "the diameters that these criteria compare were not measured"),
        ({"longest_mm": 9.0}, Metric.VOLUME, "blurred"), ({}, Metric.LONGEST, "blurred"),
        ({"volume_mm3": 0.0}, Metric.PRODUCT, None), ({"product_mm2": 9.0}, Metric.PRODUCT, None),
    ],
)  # fmt: skip
def test_a_size_that_criteria_do_not_compare_is_no_size_to_them(
    sizes: dict[str, float], metric: Metric, why: str | None
) -> None:
    seen = replace(visit(0, None, missing_reason="blurred"), **sizes)
    assert epochs.why_not_usable(seen, metric) == why
    nobody_said = epochs.why_not_usable(replace(visit(0, None), missing_reason=None), Metric.VOLUME)
    assert nobody_said == "the tumour was not measured and nobody said why"


def test_scans_of_one_day_are_in_order_of_their_times_and_then_of_their_names() -> None:
    seen = [
        replace(visit(0, 9.0), session_id=name, acquired_at=at)
        for name, at in (("c", time(9)), ("b", None), ("a", time(8)), ("d", None))
    ]
    assert [one.session_id for one in epochs.in_order(seen)] == ["b", "d", "a", "c"]


def test_a_lower_bound_proves_growth_and_nothing_else() -> None:
    cut = {"bound_reason": "its mask reaches the edge"}
    grown = judge(course(visit(0, 1000.0), visit(200, 2000.0, **cut), visit(400, 2100.0)), DEFAULT)
    assert [one.category for one in grown] == ["SD", "PD", "PD"]
    unsure = judge(course(visit(0, 1000.0), visit(200, 900.0, **cut), visit(400, 1000.0)), DEFAULT)
    assert [one.category for one in unsure] == ["SD", "NE", "SD"]
    assert "only a lower bound: its mask reaches the edge" in unsure[1].reason
    assert unsure[2].nadir_session_id == "ses-0000"
    marked = judge(course(visit(0, 1000.0), visit(200, 900.0, new_lesion=True, **cut)), DEFAULT)[-1]
    assert (marked.category, marked.state) == ("PD", State.DISTANT)


def test_which_state_progression_has() -> None:
    def last(*visits: Any, **more: Any) -> State:
        return judge(course(*visits, **more), DEFAULT)[-1].state

    base = visit(0, 1000.0)
    assert last(base, visit(200, 1000.0, new_lesion=True)) == State.DISTANT
    assert last(base, visit(200, 2000.0, new_lesion=True)) == State.PROGRESSION
    scores = tuple(FunctionGrade(on(day), "mmccormick", grade, True) for day, grade in ((1, 1.0), (50, 2.0), (90, 2.0)))
    assert last(base, visit(200, 1000.0, new_lesion=True), function_scores=scores) == State.PROGRESSION
    assert last(base, visit(100, 0.0), visit(200, 500.0, slices_spanned=3)) == State.RECURRENCE
    assert last(base, visit(100, 0.0), visit(150, 0.0), visit(200, 0.0, new_lesion=True)) == State.DISTANT


def test_which_state_a_scan_without_progression_has() -> None:
    def last(*visits: Any, operated: bool = False) -> State:
        return judge(course(*visits, treatments=(surgery(-100),) if operated else ()), DEFAULT)[-1].state

    base = visit(0, 1000.0)
    assert last(base, visit(200, 1000.0)) == State.STABLE
    assert last(base, visit(200, 1000.0), operated=True) == State.RESIDUAL_STABLE
    assert last(base, visit(100, 0.0), visit(200, 20.0), operated=True) == State.SEEN_AGAIN
    assert (
        last(base, visit(100, 0.0), visit(200, 400.0, slices_spanned=3), visit(300, 390.0), operated=True)
        == State.RECURRENCE
    )
    assert last(base, visit(200, 0.0)) == State.NO_EVIDENCE
    assert last(base, visit(200, 300.0)) == State.RESPONSE
    assert last(visit(0, 0.0), visit(200, 0.0)) == State.NO_EVIDENCE


def test_a_small_tumour_seen_on_two_scans_in_a_row_is_seen_again() -> None:
    thin = {"slices_spanned": 1}
    found = judge(course(visit(0, 1000.0), visit(100, 0.0), visit(200, 20.0), visit(300, 150.0, **thin)), DEFAULT)
    assert [one.category_shown for one in found[2:]] == ["SD", "PD"]
    apart = judge(course(visit(0, 1000.0), visit(100, 0.0), visit(300, 150.0, **thin)), DEFAULT)
    assert apart[-1].category_shown == "PD?"


def test_a_course_that_treatment_opens_belongs_to_its_kind() -> None:
    kinds = {
        TreatmentKind.SURGERY: CourseKind.AFTER_SURGERY, TreatmentKind.RADIOTHERAPY: CourseKind.AFTER_RADIOTHERAPY,
        TreatmentKind.RADIOSURGERY: CourseKind.AFTER_RADIOSURGERY, TreatmentKind.CHEMOTHERAPY: CourseKind.LINE,
        TreatmentKind.IMMUNOTHERAPY: CourseKind.LINE,
    }  # fmt: skip
    for kind, opened in kinds.items():
        epoch = division.divided(course(treatments=(TreatmentEvent(kind, on(10), on(10)),)), DEFAULT)[-1]
        assert (epoch.kind, epoch.starts_on, epoch.after_surgery_on) == (
            opened, on(11), on(10) if kind == TreatmentKind.SURGERY else None,
        )  # fmt: skip
    for kind in (TreatmentKind.STEROID, TreatmentKind.DRAINAGE, TreatmentKind.OTHER, TreatmentKind.UNKNOWN):
        assert len(division.divided(course(treatments=(TreatmentEvent(kind, on(10)),)), DEFAULT)) == 1


def test_courses_are_numbered_in_order_and_each_ends_where_the_next_begins() -> None:
    given = (surgery(100), TreatmentEvent(TreatmentKind.TARGETED, on(300)))
    courses = division.divided(
        course(visit(50, 9.0), visit(200, 9.0), visit(400, 9.0), treatments=given[::-1]), DEFAULT
    )
    assert [(one.number, [v.session_id for v in one.visits]) for one in courses] == [
        (0, ["ses-0050"]), (1, ["ses-0200"]), (2, ["ses-0400"]),
    ]  # fmt: skip
    assert [one.ends_before for one in courses[:2]] == [courses[1].starts_on, courses[2].starts_on]
    assert courses[2].baseline is courses[1].visits[0]


def test_a_pinned_scan_opens_a_course_that_no_treatment_opened() -> None:
    patient = course(
        visit(50, 9.0), visit(200, 9.0), visit(300, 9.0), treatments=(surgery(100),), pinned_baselines=("ses-0200",)
    )
    courses = division.divided(patient, DEFAULT)
    pinned = courses[-1]
    assert (pinned.kind, pinned.opened_by, pinned.line, pinned.eligible_on) == (CourseKind.PINNED, None, 0, on(200))
    assert (pinned.after_surgery_on, pinned.starts_on, pinned.is_pinned) == (on(100), on(201), True)
    assert not courses[0].is_pinned
    assert [one.session_id for one in pinned.visits] == ["ses-0300"]


def test_a_history_without_scans_has_no_answers() -> None:
    assert judge_whole(course(treatments=(surgery(0),)), DEFAULT).judgements == ()


def test_clauses_are_kept_as_a_person_reads_them() -> None:
    assert '"mm³"' in clauses.to_json([Clause(ClauseKind.CHANGE, "grew", unit="mm³")])


@pytest.mark.parametrize(("slices", "expected"), [(1, "PD?"), (2, "PD")])
def test_tumour_on_one_slice_after_a_clear_baseline_waits_for_a_second_scan(slices: int, expected: str) -> None:
    found = judge(course(visit(0, 0.0), visit(200, 150.0, slices_spanned=slices)), DEFAULT)[-1]
    assert found.category_shown == expected
