"""What a verdict's sentence says, and what it leaves out, where each clause begins and ends. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
from pipeline.judge import circumstances, clauses, criteria_files, display_state, lesion_courses
from pipeline.judge.circumstances import known_seeding, uncounted
from pipeline.judge.comparison import compare
from pipeline.judge.criteria import Metric, ResponseCriteria
from pipeline.judge.epochs import Epoch
from pipeline.judge.response import judge
from pipeline.judge.verdict import Evidence, Verdict
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
RANO = criteria_files.load("rano2_vol")
KINDS = TreatmentKind


def reason(*visits: Any, rules: ResponseCriteria = DEFAULT, **more: Any) -> str:
    return judge(course(*visits, **more), rules)[-1].reason


def verdict(
    state: State = State.STABLE, evidence: Evidence | None = None, category: str = "SD", **more: Any
) -> Verdict:
    here = more.pop("visit", visit(100, 900.0))
    judged = Evidence(nadir=compare(here, visit(0, 900.0), Metric.VOLUME)) if evidence is None else evidence
    return Verdict(here, Category(category), state, more.pop("display", DisplayState.NO_CHANGE), judged, **more)


JUDGED = Evidence(nadir=compare(visit(100, 900.0), visit(0, 900.0), Metric.VOLUME))


# Beside the verdict --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "state", "is_new", "is_judged", "is_said"),
    [
        (True, State.STABLE, False, True, True), (True, State.STABLE, True, True, False),
        (True, State.BASELINE, False, True, False), (True, State.CONTEXT, False, True, False),
        (True, State.STABLE, False, False, False), (False, State.STABLE, False, True, False),
        (None, State.STABLE, False, True, False),
    ],
)  # fmt: skip
def test_seeding_seen_before_is_said_on_judged_scans_alone(
    seen: bool | None, state: State, is_new: bool, is_judged: bool, is_said: bool
) -> None:
    evidence = replace(JUDGED if is_judged else Evidence(), seeding=is_new)
    assert bool(known_seeding(verdict(state, evidence, visit=visit(100, 900.0, leptomeningeal=seen)))) == is_said


def test_seeding_seen_at_the_baseline_is_nothing_new_and_one_that_comes_back_is() -> None:
    seen = [visit(day, 900.0, leptomeningeal=mark) for day, mark in ((0, True), (100, True), (200, False), (300, True))]
    found = judge(course(*seen), DEFAULT)
    assert [one.category for one in found] == ["SD", "SD", "SD", "PD"]
    assert "seen before is seen still" in found[1].reason
    assert "seeding along the meninges seen on" in found[3].reason
    unlooked = judge(course(*seen[:1], visit(150, 900.0, leptomeningeal=None), seen[3]), DEFAULT)
    assert unlooked[-1].category == "SD", "nobody looked in between"


@pytest.mark.parametrize(
    ("marks", "state", "evidence", "words"),
    [
        ({"new_lesion": True}, State.BASELINE, JUDGED, "a new lesion is marked"),
        ({"new_lesion": True}, State.CONTEXT, JUDGED, "a new lesion is marked"),
        ({"leptomeningeal": True}, State.NOT_EVALUABLE, Evidence(), "seeding is marked"),
        ({"new_lesion": True}, State.NOT_EVALUABLE, Evidence(new_lesion=visit(100, 9.0)), ""),
        ({"new_lesion": True}, State.STABLE, JUDGED, ""), ({}, State.BASELINE, JUDGED, ""),
        ({"leptomeningeal": False}, State.BASELINE, JUDGED, ""),
    ],
)  # fmt: skip
def test_a_mark_on_a_scan_that_is_not_judged_is_not_overlooked(
    marks: dict[str, bool], state: State, evidence: Evidence, words: str
) -> None:
    said = uncounted(verdict(state, evidence, visit=visit(100, 900.0, **marks)))
    assert said.startswith(words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("state", "evidence", "is_said"),
    [(State.STABLE, JUDGED, True), (State.BASELINE, Evidence(), True), (State.NOT_EVALUABLE, Evidence(), False)],
)
def test_a_pinned_scan_says_by_whom_where_it_is_judged_or_a_baseline(
    state: State, evidence: Evidence, is_said: bool
) -> None:
    patient = course(visit(100, 900.0), pinned_baselines=("ses-0100",), pinned_by={"ses-0100": "R on 2020-05-06"})
    epoch = Epoch(0, "", on(0), on(900), on(0), None)
    said = circumstances.opens_pinned(verdict(state, evidence), patient, epoch)
    assert said == ("also the baseline from here on, pinned by R on 2020-05-06" if is_said else "")
    assert circumstances.opens_pinned(verdict(state, evidence), course(visit(100, 900.0)), epoch) == ""


def drug(first: int, last: int | None = None, kind: TreatmentKind = KINDS.BEVACIZUMAB) -> TreatmentEvent:
    return TreatmentEvent(kind, on(first), None if last is None else on(last))


@pytest.mark.parametrize(
    ("sizes", "is_said"),
    [
        ((1000.0, 600.0), True), ((1000.0, 300.0), True), ((1000.0, 0.0), True), ((1000.0, 990.0), False),
        ((0.0, 0.0), False), ((1000.0, 1500.0), False),
    ],
)  # fmt: skip
def test_what_may_explain_a_shrinkage_is_named_beside_one(sizes: tuple[float, float], is_said: bool) -> None:
    words = reason(visit(0, sizes[0]), visit(200, sizes[1]), treatments=(drug(20, None, KINDS.STEROID),))
    assert ("begun 2020-01-21 may explain it" in words) == is_said


def test_a_steroid_that_left_no_response_is_said_once() -> None:
    words = reason(visit(0, 1000.0), visit(200, 300.0), treatments=(drug(20, None, KINDS.STEROID),))
    assert words.count("steroid begun 2020-01-21") == 1
    assert "no response: steroid begun 2020-01-21 may explain it" in words


@pytest.mark.parametrize(("now_mm3", "is_said"), [(1500.0, True), (1000.0, False)])
@pytest.mark.parametrize(
    ("kind", "is_held_down"),
    [(KINDS.BEVACIZUMAB, True), (KINDS.STEROID, True), (KINDS.CHEMOTHERAPY, True), (KINDS.DRAINAGE, False)],
)
def test_what_was_stopped_is_named_beside_growth(
    kind: TreatmentKind, is_held_down: bool, now_mm3: float, is_said: bool
) -> None:
    words = reason(visit(0, 1000.0), visit(200, now_mm3), treatments=(drug(-300, 100, kind),), rules=RANO)
    assert (f"{kind} stopped {on(100)}" in words) == (is_said and is_held_down)


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        (radiotherapy(0, 40), "within 84 days of the end of radiotherapy"),
        (
            replace(drug(0, kind=KINDS.IMMUNOTHERAPY), agent="nivolumab"),
            f"within 183 days of nivolumab (immunotherapy) begun {on(0)}",
        ),
        (drug(0, 0, KINDS.RADIOSURGERY), f"within 1096 days of radiosurgery begun {on(0)}"),
    ],
)  # fmt: skip
def test_possible_growth_names_the_window_that_it_lies_in(treatment: TreatmentEvent, words: str) -> None:
    grown = (visit(-30, 250.0, volume_cv=0.2), visit(62, 250.0, volume_cv=0.2), visit(100, 370.0, volume_cv=0.2))
    said = reason(*grown, treatments=(treatment,))
    assert f"{words}, where swelling is usual" in said
    assert "swelling is usual" not in reason(*grown)


def test_a_new_lesion_in_a_window_says_what_it_waits_for_and_what_settled_it() -> None:
    seen = (visit(65, 1000.0), visit(100, 1000.0, new_lesion=True))
    waits = reason(*seen, treatments=(radiotherapy(0, 40),))
    assert "until a scan 28 days later or more shows the new lesion again" in waits
    again = judge(course(*seen, visit(128, 1000.0, new_lesion=True), treatments=(radiotherapy(0, 40),)), DEFAULT)
    assert f"marked again on {on(128)}" in again[1].reason
    too_soon = judge(course(*seen, visit(127, 1000.0, new_lesion=True), treatments=(radiotherapy(0, 40),)), DEFAULT)
    assert [one.confirmed for one in too_soon] == [True, False, False]
    assert "shows the new lesion again" not in reason(visit(0, 1000.0), visit(100, 1000.0, new_lesion=True))


@pytest.mark.parametrize(
    ("kind", "superseded", "words"),
    [
        (CourseKind.WATCHED, (), "first usable scan of a tumour that was only watched"),
        (CourseKind.PINNED, (), "pinned by R"),
        (CourseKind.LINE, (), "first usable scan after C, none before it"),
        (CourseKind.AFTER_RADIOSURGERY, (), "first usable scan after C, none before it"),
        (CourseKind.AFTER_SURGERY, (), "first usable scan late enough after C"),
        (CourseKind.AFTER_SURGERY, (visit(50, 9.0),), f"nearest to 91 days after C, in place of that of {on(50)}"),
    ],
)
def test_a_baseline_says_why_it_is_one(kind: CourseKind, superseded: Any, words: str) -> None:
    baseline = visit(95, 900.0)
    epoch = Epoch(1, "C", on(1), on(999), on(42), on(0), (baseline,), baseline, kind, superseded=superseded)
    assert words in circumstances.why_baseline(epoch, baseline, "R", DEFAULT)
    if superseded:
        assert circumstances.why_baseline(epoch, superseded[0], "R", DEFAULT).startswith(f"until the scan of {on(95)}")


# The main clause -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "words"), [(41, "1 day too soon after"), (40, "2 days too soon after")])
def test_a_scan_too_early_says_by_how_many_days(day: int, words: str) -> None:
    said = reason(visit(day, 900.0), treatments=(surgery(0),))
    assert f"{words} the surgery of {on(0)}, a scan can be the baseline from {on(42)} on" in said


@pytest.mark.parametrize(
    ("now_mm3", "words"),
    [
        (1400.0, "reaches the +40 % rule and beyond measurement error"),
        (1410.0, "beyond the +40 % rule and beyond measurement error"),
        (1399.9, "below the +40 % rule"), (1390.0, "below the +40 % rule"), (900.0, "a fall, within measurement error"),
    ],
)  # fmt: skip
def test_a_change_says_on_which_side_of_the_rule_it_lies(now_mm3: float, words: str) -> None:
    assert words in reason(visit(0, 1000.0, volume_cv=0.05), visit(400, now_mm3, volume_cv=0.05))


def test_growth_that_misses_two_floors_names_both() -> None:
    both = reason(visit(0, 150.0, volume_cv=0.2), visit(400, 225.0, volume_cv=0.2))
    assert "beyond the +40 % rule but by less than 0.10 mL and within measurement error" in both
    size_alone = reason(visit(0, 150.0, volume_cv=0.03), visit(400, 225.0, volume_cv=0.03))
    assert "by less than 0.10 mL, confirm on the next scan" in size_alone
    error_alone = reason(visit(0, 1000.0, volume_cv=0.2), visit(400, 1500.0, volume_cv=0.2))
    assert "but within measurement error" in error_alone
    published = reason(visit(0, 1000.0, volume_cv=0.2), visit(400, 1500.0, volume_cv=0.2), rules=RANO)
    assert "beyond the +40 % rule but within measurement error" in published
    unknown = reason(visit(0, 1000.0, volume_cv=None), visit(400, 1500.0, volume_cv=None))
    assert "but of unknown measurement error, confirm on the next scan" in unknown


def minor(applies_to: str) -> ResponseCriteria:
    assert RANO.minor_response is not None
    return replace(RANO, minor_response=replace(RANO.minor_response, applies_to=applies_to))


def test_a_response_names_its_rule_and_for_whom_a_minor_one_is_meant() -> None:
    seen = (visit(0, 1000.0), visit(200, 550.0))
    meant = reason(*seen, rules=minor("non-enhancing tumour"), is_enhancing=False)
    assert "rule of a minor response (meant for non-enhancing tumour)" in meant
    anyone = reason(*seen, rules=minor(""))
    assert "rule of a minor response, beyond measurement error" in anyone
    partial = reason(visit(0, 1000.0), visit(200, 300.0), rules=RANO)
    assert "reaches the -65 % rule of a partial response" in partial


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((1000.0, 600.0), "not a -65 % response"),
        ((90.0, 30.0), "the baseline of 0.090 mL is too small to measure one by (from 0.10 mL on)"),
        ((1000.0, 1000.0), ""),
    ],
)
def test_a_shrinkage_that_is_no_response_says_why(sizes: tuple[float, ...], words: str) -> None:
    found = judge(course(*(visit(200 * n, size) for n, size in enumerate(sizes))), DEFAULT)[-1]
    assert words in found.reason
    assert ("response" in found.reason or "too small" in found.reason) == bool(words)


def test_a_second_look_says_how_it_stands() -> None:
    assert "partial response, unconfirmed until a scan 28 days apart shows it too" in reason(
        visit(0, 1000.0), visit(200, 300.0)
    )
    complete = judge(course(visit(0, 1000.0), visit(200, 0.0), visit(300, 0.0)), DEFAULT)
    assert f"complete response, confirmed by the scan of {on(300)}" in complete[1].reason
    window = (visit(65, 1000.0), visit(100, 2000.0))
    open_one = reason(*window, treatments=(radiotherapy(0, 40),))
    assert (
        "preliminary, within 84 days of the end of radiotherapy, until a scan 28 days later or more confirms it"
        in open_one
    )
    settled = judge(course(*window, visit(200, 2000.0), treatments=(radiotherapy(0, 40),)), DEFAULT)
    assert f"within 84 days of the end of radiotherapy, confirmed by the scan of {on(200)}" in settled[1].reason
    refuted = judge(course(*window, visit(200, 1000.0), treatments=(radiotherapy(0, 40),)), DEFAULT)
    assert f"and not confirmed by the scan of {on(200)}, so stable disease" in refuted[1].reason


def test_tumour_seen_again_on_one_scan_waits_for_any_other_one() -> None:
    again = reason(visit(0, 1000.0), visit(200, 0.0), visit(400, 150.0, slices_spanned=1))
    assert (
        "reaches the rule for tumour seen again (0.10 mL or 5 mm, on 2 slices or on two scans), on one scan only"
        in again
    )
    assert "preliminary, tumour seen again, until a scan confirms it" in again
    confirmed = judge(
        course(
            visit(0, 1000.0), visit(200, 0.0), visit(400, 150.0, slices_spanned=1), visit(401, 150.0, slices_spanned=1)
        ),
        DEFAULT,
    )
    assert [one.category_shown for one in confirmed[2:]] == ["PD", "PD"]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            {"volume_mm3": 50.0},
            "does not reach the sizes of the rule for tumour seen again (0.10 mL or 5 mm), confirm on",
        ),
        ({"volume_mm3": 150.0, "slices_spanned": 2}, "reaches the rule for tumour seen again"),
    ],
)
def test_tumour_seen_again_says_where_it_lies_to_its_rule(now: dict[str, Any], words: str) -> None:
    assert words in reason(visit(0, 1000.0), visit(200, 0.0), replace(visit(400, 1.0), **now))


def test_the_first_tumour_of_a_person_is_new_and_not_seen_again() -> None:
    none = (visit(0, 0.0), visit(365, 0.0))
    first = reason(*none, visit(730, 300.0, slices_spanned=5))
    assert (
        "reaches the rule for tumour where none was seen before (0.10 mL or 5 mm, on 2 slices or on two scans)" in first
    )
    once = reason(*none, visit(730, 150.0, slices_spanned=1))
    assert "preliminary, tumour where none was seen before, until a scan confirms it" in once
    small = reason(*none, visit(730, 50.0))
    assert (
        "does not reach the sizes of the rule for tumour where none was seen before (0.10 mL or 5 mm), confirm on"
        in small
    )
    assert not any("seen again" in words for words in (first, once, small))
    operated = reason(*none, visit(730, 300.0, slices_spanned=5), treatments=(surgery(-100),))
    assert "the rule for tumour seen again" in operated
    since = (TreatmentEvent(TreatmentKind.OTHER, on(400)),)
    treated = reason(*none, visit(730, 300.0, slices_spanned=5), treatments=since)
    assert "the rule for tumour seen again" in treated


def test_a_scan_that_could_not_say_makes_a_tumour_neither_the_first_nor_one_seen_again() -> None:
    unread = (visit(0, 0.0), visit(200, None), visit(365, 0.0))
    perhaps = reason(*unread, visit(730, 300.0, slices_spanned=5))
    assert "reaches the rule for tumour perhaps seen before (0.10 mL or 5 mm" in perhaps
    assert f"not known whether tumour was seen before, the scan of {on(200)} cannot say" in perhaps
    two = reason(visit(0, None), *unread, visit(730, 50.0))
    assert f"2 scans from {on(0)} on cannot say" in two
    assert not any("again" in words or "none was seen before" in words for words in (perhaps, two))
    marked = reason(visit(0, 0.0), visit(200, None, new_lesion=True), visit(365, 0.0), visit(730, 50.0))
    assert "the rule for tumour seen again" in marked, "a lesion that was marked was there"


def test_what_an_unknown_day_decides_is_not_called_the_first_nor_unchanged() -> None:
    some_year = TreatmentEvent(TreatmentKind.OTHER, on(366), started_by=on(1460))
    seen = (visit(0, 0.0), visit(365, 0.0), visit(730, 300.0, slices_spanned=5))
    (*_, found) = judge(course(*seen, treatments=(some_year,)), DEFAULT)
    assert (found.category, found.state) == ("PD", "progression")
    assert "tumour perhaps seen before" in found.reason
    assert "seen again" not in found.reason
    assert "unchanged by what is not known" not in found.reason
    by_then = replace(some_year, started_by=on(700))
    (*_, settled) = judge(course(*seen, treatments=(by_then,)), DEFAULT)
    assert "unchanged by what is not known" in settled.reason


def test_a_change_outside_the_interval_beside_it_says_whose_each_is() -> None:
    two_days_apart = reason(visit(0, 1000.0), visit(2, 1100.0))
    assert "is +10 % by the two readings (true change by all scans " in two_days_apart
    assert "is +5 % (95 % CI by all scans " in reason(visit(0, 1000.0), visit(366, 1050.0))


def test_a_small_tumour_seen_again_twice_is_asked_for_once() -> None:
    twice = reason(visit(0, 1000.0), visit(200, 0.0), visit(400, 50.0), visit(600, 50.0))
    assert f"as on {on(400)}, not decidable below 0.10 mL" in twice
    gone = reason(visit(0, 1000.0), visit(200, 0.0), visit(400, 50.0), visit(600, 0.0))
    assert f"the possible growth of {on(400)} is not confirmed" in gone


def test_a_scan_without_tumour_says_against_what_it_is_none() -> None:
    gone = reason(visit(0, 1000.0), visit(200, 0.0))
    assert f"No solid tumour seen on {on(200)}, though seen at the baseline of {on(0)}" in gone
    still = reason(visit(0, 0.0), visit(200, 0.0))
    assert f"No solid tumour seen on {on(200)}, as on {on(0)}" in still


def test_a_new_lesion_says_since_when_and_a_syndromes_own_how_much_is_left_out() -> None:
    later = reason(visit(0, 900.0), visit(100, 900.0, new_lesion=True), visit(200, 900.0))
    assert f"new lesion first seen on {on(100)}: progression by the new-lesion rule" in later
    here = reason(visit(0, 900.0), visit(100, 900.0, new_lesion=True))
    assert f"new lesion seen on {on(100)}" in here
    own = reason(visit(0, 900.0), visit(100, 1500.0, new_lesion=True, new_tumour_mm3=600.0), syndrome="VHL")
    assert "new tumour elsewhere (0.60 mL, left out of the volume), not progression in VHL" in own
    unmeasured = reason(visit(0, 900.0), visit(100, 900.0, new_lesion=True), syndrome="VHL")
    assert "new tumour elsewhere, not progression in VHL" in unmeasured
    assert "elsewhere" not in reason(visit(0, 900.0), visit(100, 900.0), syndrome="VHL")


def test_a_loss_of_function_and_an_unsigned_mask_are_said() -> None:
    scores = tuple(FunctionGrade(on(day), "mmccormick", grade, True) for day, grade in ((1, 1.0), (50, 2.0), (90, 2.0)))
    lost = judge(course(visit(0, 900.0), visit(100, 900.0), function_scores=scores), DEFAULT)[-1]
    assert (lost.category, lost.state) == ("PD", State.PROGRESSION)
    assert "clinical progression: modified McCormick grade 2" in lost.reason
    unsigned = reason(visit(0, 900.0), visit(100, 900.0, mask_origin=MaskOrigin.AUTOMATIC))
    assert "provisional: rests on an automatic mask nobody signed" in unsigned


# What the eye is told ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now_mm3", "cv", "grown", "display"),
    [
        (1400.0, 0.01, True, DisplayState.GROWTH), (1400.0, 0.01, False, DisplayState.POSSIBLE_GROWTH),
        (1400.0, 0.9, True, DisplayState.POSSIBLE_GROWTH), (1399.9, 0.01, False, DisplayState.NO_CHANGE),
        (1000.0 / 1.4, 0.01, False, DisplayState.SHRINKAGE), (715.0, 0.01, False, DisplayState.NO_CHANGE),
        (0.0, 0.01, False, DisplayState.NONE_SEEN),
    ],
)  # fmt: skip
def test_a_change_is_shown_as_sure_beyond_rule_and_error(
    now_mm3: float, cv: float, grown: bool, display: DisplayState
) -> None:
    here, before = visit(400, now_mm3, volume_cv=cv), visit(0, 1000.0, volume_cv=cv)
    compared = compare(here, before, Metric.VOLUME)
    evidence = Evidence(baseline=compared, nadir=compared)
    assert display_state.display_of(evidence, DEFAULT, grown=grown) == display


def test_a_new_lesion_is_growth_and_tumour_after_none_is_growth_where_proven() -> None:
    none_before = compare(visit(400, 150.0), visit(200, 0.0), Metric.VOLUME)
    since = compare(visit(400, 150.0), visit(0, 1000.0), Metric.VOLUME)
    evidence = Evidence(baseline=since, nadir=none_before)
    assert display_state.display_of(evidence, DEFAULT, grown=True) == DisplayState.GROWTH
    assert display_state.display_of(evidence, DEFAULT, grown=False) == DisplayState.POSSIBLE_GROWTH
    assert display_state.display_of(Evidence(new_lesion=visit(1, 9.0)), DEFAULT, grown=False) == DisplayState.GROWTH
    assert display_state.display_of(Evidence(), DEFAULT, grown=False) == DisplayState.NOT_EVALUABLE


def test_a_lesions_verdict_counts_on_its_day_unless_it_is_said_otherwise() -> None:
    then = replace(judge(course(visit(0, 900.0), visit(9, 900.0)), DEFAULT)[-1], state_then=State.PROGRESSION)
    plain = lesion_courses.LesionVerdict("L1", then, visit(9, 900.0))
    assert plain.counted_then
    led = lesion_courses.led_by_lesions(replace(then, state_then=State.STABLE), [plain])
    assert led.state_then == State.PROGRESSION


def test_clauses_are_said_once_and_kept_without_what_is_not_known() -> None:
    twice = clauses.distinct([clauses.Clause(clauses.ClauseKind.REMARK, word) for word in ("a", "b", "a")])
    assert [one.words for one in twice] == ["a", "b"]
    written = clauses.to_json([clauses.Clause(clauses.ClauseKind.REMARK, "a", ratio=None, value=0.0)])
    assert written == '[{"kind": "remark", "words": "a", "value": 0.0}]'
    assert clauses.from_json(written)[0].value == 0.0
    assert clauses.of_total([clauses.Clause(clauses.ClauseKind.LESION, "l")]) is None
