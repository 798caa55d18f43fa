"""What comes later, dated or not, changes nothing that was said on the day and only settles what was open (60 s)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.vocabulary import (
    FunctionGrade,
    PatientCourse,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
    VisitMeasure,
)
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, visit

RULES = [criteria_files.load(name) for name in ("imsct_adapted_v1", "rano2_vol", "recist_1_1")]
KINDS = (
    TreatmentKind.SURGERY, TreatmentKind.RADIOTHERAPY, TreatmentKind.CHEMOTHERAPY, TreatmentKind.STEROID,
    TreatmentKind.RADIOSURGERY, TreatmentKind.UNKNOWN,
)  # fmt: skip
LAST = 1500
"""Last day of a history; what is added comes after it, wherever in its month or year it lies."""

SPANS = (0, 0, 0, 30, 364)
"""Days of which one is meant: a whole date, a month, a year."""


@st.composite
def scans(draw: st.DrawFn, first: int, last: int) -> VisitMeasure:
    day, span = draw(st.integers(first, last)), draw(st.sampled_from(SPANS))
    size = draw(st.sampled_from([None, 0.0, 60.0, 400.0, 1000.0, 1500.0, 2600.0]))
    sizes = {} if size is None else {"longest_mm": size**0.33}
    one = visit(day, size, volume_cv=0.1 if size else None, slices_spanned=3, **sizes)
    one = replace(one, new_lesion=draw(st.integers(0, 9)) == 0, session_id=f"{one.session_id}-{span}")
    return replace(one, acquired_by=on(day + span) if span else None)


@st.composite
def treatments(draw: st.DrawFn, first: int, last: int) -> TreatmentEvent:
    day, span = draw(st.integers(first, last)), draw(st.sampled_from(SPANS))
    kind = draw(st.sampled_from(KINDS))
    return TreatmentEvent(
        kind,
        on(day),
        on(day) if kind == TreatmentKind.SURGERY and not span else None,
        started_by=on(day + span) if span else None,
        dose_mg=4.0 if kind == TreatmentKind.STEROID else None,
    )


@st.composite
def grades(draw: st.DrawFn, first: int, last: int) -> FunctionGrade:
    grade = float(draw(st.integers(1, 4)))
    return FunctionGrade(on(draw(st.integers(first, last))), "mmccormick", grade, tumour_related=draw(st.booleans()))


@st.composite
def histories(draw: st.DrawFn) -> PatientCourse:
    drawn = draw(st.lists(scans(0, LAST - 364), min_size=2, max_size=5, unique_by=lambda one: one.acquired_on))
    return course(
        *sorted(drawn, key=lambda one: one.acquired_on),
        treatments=tuple(draw(st.lists(treatments(0, LAST - 364), max_size=2))),
        function_scores=tuple(draw(st.lists(grades(0, LAST), max_size=3))),
        pinned_baselines=tuple(one.session_id for one in drawn if draw(st.integers(0, 9)) == 0),
    )


@st.composite
def grown(draw: st.DrawFn, patient: PatientCourse) -> PatientCourse:
    """Draw the same history with up to three things added that surely lie after all of it."""
    further = draw(st.lists(scans(LAST + 1, LAST + 900), max_size=2, unique_by=lambda one: one.session_id))
    added = draw(st.lists(treatments(LAST + 1, LAST + 900), max_size=2))
    scored = draw(st.lists(grades(LAST + 1, LAST + 900), max_size=2))
    pins = tuple(one.session_id for one in further if draw(st.booleans()))
    return replace(
        patient,
        visits=(*patient.visits, *further),
        treatments=(*patient.treatments, *added),
        function_scores=(*patient.function_scores, *scored),
        pinned_baselines=(*patient.pinned_baselines, *pins),
    )


def then_of(one: VisitJudgement) -> tuple[object, ...]:
    return one.category_then, one.confirmed_then, one.state_then, one.reason_then


def now_of(one: VisitJudgement) -> tuple[object, ...]:
    return one.category, one.confirmed, one.state, one.display_state


@settings(max_examples=60, deadline=None)
@given(histories().flatmap(lambda patient: st.tuples(st.just(patient), grown(patient))), st.sampled_from(RULES))
def test_what_comes_later_with_or_without_a_day_settles_and_never_unsays(histories_of_one, rules) -> None:
    patient, later = histories_of_one
    after = {one.session_id: one for one in judge(later, rules)}
    for old in judge(patient, rules):
        new = after[old.session_id]
        assert then_of(new) == then_of(old)
        is_open = not old.confirmed or old.is_undecided  # which a later scan may settle by every day that is possible
        assert now_of(new) == now_of(old) or is_open, (old.reason, new.reason)


@settings(max_examples=40, deadline=None)
@given(histories(), st.sampled_from(RULES), st.data())
def test_a_later_scan_that_is_taken_out_changes_nothing_said_before_it(patient, rules, data) -> None:
    place = data.draw(st.integers(1, len(patient.visits) - 1))
    out = patient.visits[place]
    gone = replace(out, volume_mm3=None, volume_cv=None, longest_mm=None, new_lesion=False, missing_reason="excluded")
    visits = tuple(gone if one is out else one for one in patient.visits)
    after = {one.session_id: one for one in judge(replace(patient, visits=visits), rules)}
    for old, one in zip(judge(patient, rules), sorted(patient.visits, key=lambda v: v.acquired_on), strict=True):
        if (one.acquired_by or one.acquired_on) < out.acquired_on:
            assert then_of(after[old.session_id]) == then_of(old)


def test_a_treatment_of_some_day_after_a_scan_leaves_its_verdict() -> None:
    """A scan of some day of a year and a treatment of some day of its August are too much, but not for June."""
    some_day = replace(visit(0, 5638.0, volume_cv=0.1, new_lesion=True), acquired_by=on(364), session_id="ses-year")
    scanned = (visit(171, 6339.0, volume_cv=0.1), visit(261, 6300.0, volume_cv=0.1), some_day)
    proton = TreatmentEvent(TreatmentKind.RADIOTHERAPY, on(212), None, started_by=on(242))
    without = {one.session_id: one for one in judge(course(*scanned), RULES[0])}
    with_it = {one.session_id: one for one in judge(course(*scanned, treatments=(proton,)), RULES[0])}
    june = with_it["ses-0171"]
    assert (june.category, june.state) == ("SD", "stable")
    assert now_of(june) == now_of(without["ses-0171"])
    assert "too many treatments, scans or grades" in with_it["ses-0261"].reason
    assert with_it["ses-year"].state == "not_evaluable", "its own day may lie after the treatment"


def test_too_much_that_comes_after_a_scan_of_some_day_leaves_what_the_year_said() -> None:
    """A scan of some day of a year and one on its second day: what surely comes after both takes neither back."""
    some_day = replace(visit(0, 0.0, longest_mm=0.0), acquired_by=on(364), session_id="ses-year")
    unread = visit(1, None)
    later = [replace(visit(1841 + n, 2600.0), acquired_by=on(2205 + n), session_id=f"ses-{n}") for n in (0, 120)]
    proton = TreatmentEvent(TreatmentKind.RADIOTHERAPY, on(1501), None)
    for rules in RULES:
        before = {one.session_id: one for one in judge(course(some_day, unread), rules)}
        after = judge(course(some_day, unread, *later, treatments=(proton,)), rules)
        assert any("too many treatments" in one.reason for one in after)
        assert all(now_of(one) == now_of(before[one.session_id]) for one in after if one.session_id in before)
