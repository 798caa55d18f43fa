"""Each lesion a course of its own by the rules of the total; the worst leads the state, never the category (10 s)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core import records
from pipeline.core.vocabulary import Category, DisplayState, MaskOrigin, PatientCourse, State, VisitMeasure
from pipeline.journal.lesion_acts import LesionWithdrawal
from pipeline.judge import criteria_files, lesion_courses
from pipeline.judge.clauses import ClauseKind, from_json
from pipeline.judge.response import judge
from pipeline.lesions.matching import OUT_OF_VIEW, UNPLACED
from pipeline.run.steps import judge_course, judge_lesions
from pipeline.run.steps.patient_work import FollowedLesions, PieceSize

P = "sub-01"
RULES = criteria_files.load(criteria_files.DEFAULT_CRITERIA_ID)
BY_VOLUME = criteria_files.load("rano2_vol")
DAYS = tuple(date(2020 + year, 1, 1) for year in range(5))

Sizes = dict[str, tuple[float | None, ...]]
"""Of each lesion its volume at each visit, mm³; None before it was first seen."""


def names(count: int) -> list[str]:
    return [f"ses-{n:02}" for n in range(1, count + 1)]


def course(sizes: Sizes, syndrome: str | None = None, new: str = "", cv: float = 0.05) -> PatientCourse:
    """Return the course of the total; ``new`` names lesions that the syndrome explains."""
    count = len(next(iter(sizes.values())))
    visits = [
        VisitMeasure(
            session,
            DAYS[n],
            sum(own[n] or 0.0 for own in sizes.values()),
            cv,
            slices_spanned=6,
            mask_origin=MaskOrigin.MANUAL,
            new_tumour_mm3=sum(own[n] or 0.0 for name, own in sizes.items() if name in new.split()),
        )
        for n, session in enumerate(names(count))
    ]
    return PatientCourse(P, tuple(visits), syndrome=syndrome)


def followed(sizes: Sizes, statuses: dict[tuple[str, str], tuple[str, str | None]] | None = None) -> FollowedLesions:
    rows, pieces = [], {}
    for number, (name, own) in enumerate(sizes.items(), start=1):
        seen = False
        for session, size in zip(names(len(own)), own, strict=True):
            status, reason = (statuses or {}).get((name, session), ("persistent", None))
            seen = seen or size is not None
            if seen:
                given = None if reason else size
                rows.append(
                    records.LesionComponent(P, session, name, number if given else 0, status, given, 0.0, 0.0, 0.0,
                                            missing_reason=reason)
                )  # fmt: skip
                pieces[session, number] = PieceSize(6, 100.0, 12.0, None, 0.05)
    sessions = frozenset(names(len(next(iter(sizes.values())))))
    return FollowedLesions(tuple(rows), sizes=pieces, by_hand=sessions)


def rows_of(sizes: Sizes, syndrome: str | None = None, **more: object) -> list[records.LesionAssessment]:
    lesions = followed(sizes, **more)  # type: ignore[arg-type]
    found = judge_course.judge_course(course(sizes, syndrome), [RULES], lesions)
    return [row for row in found if isinstance(row, records.LesionAssessment)]


def totals_of(sizes: Sizes, syndrome: str | None = None, new: str = "") -> list[records.Assessment]:
    lesions = replace(followed(sizes), new_tumours=frozenset(new.split()))
    found = judge_course.judge_course(course(sizes, syndrome, new), [RULES], lesions)
    return [row for row in found if isinstance(row, records.Assessment)]


TWO: Sizes = {"L1": (1000.0, 1000.0, 1000.0), "L2": (None, 400.0, 800.0)}


def test_each_lesion_has_its_own_baseline_nadir_and_verdict() -> None:
    rows = {(row.lesion_id, row.session_id): row for row in rows_of(TWO)}
    assert ("L2", "ses-01") not in rows, "nothing is said of a lesion before it was first seen"
    assert rows["L2", "ses-02"].state == State.BASELINE
    grown = rows["L2", "ses-03"]
    assert (grown.category, grown.baseline_session_id, grown.change_ratio) == ("PD", "ses-02", 2.0)
    assert [row.session_id for row in rows.values() if row.is_worst] == ["ses-03"]
    assert rows["L1", "ses-03"].category == Category.SD


def test_a_growing_lesion_leads_the_state_and_leaves_the_category_of_the_total() -> None:
    last = totals_of(TWO, "VHL", new="L2")[-1]
    assert (last.category, last.state, last.display_state) == ("SD", "progression", "growth")
    first, second = from_json(last.clauses)[:2]
    assert first.kind == ClauseKind.LESION
    assert first.words.startswith("Lesion L2 by itself: solid tumour 0.80 mL")
    assert second.words.startswith("Solid tumour 1.0 mL")
    assert "by total of L1, without L2" in last.reason
    alone = judge(course(TWO, "VHL", "L2"), RULES)[-1]
    assert last.category == alone.category


def test_a_new_tumour_that_grew_within_its_error_is_never_no_change() -> None:
    sizes: Sizes = {"L1": (246.0, 250.0, 252.0), "L2": (None, 105.0, 164.0)}
    last = totals_of(sizes, "VHL", new="L2")[-1]
    assert last.display_state == DisplayState.POSSIBLE_GROWTH
    assert last.reason.startswith("Lesion L2 by itself")


def test_the_only_lesion_of_a_person_without_a_syndrome_is_the_total() -> None:
    assert rows_of({"L1": (1000.0, 1500.0, 3000.0)}) == []
    assert len(rows_of({"L1": (1000.0, 1500.0, 3000.0)}, "NF2")) == 3
    last = totals_of({"L1": (1000.0, 1500.0, 3000.0)}, "NF2")[-1]
    assert last.category == Category.PD
    assert "by itself" not in last.reason, "the total says the same"


@given(st.lists(st.floats(120.0, 5000.0), min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_one_lesion_by_itself_has_the_verdict_of_the_total(volumes: list[float]) -> None:
    """There is no second rulebook: the same numbers say the same on either way."""
    sizes: Sizes = {"L1": tuple(volumes)}
    whole = judge(course(sizes, "NF2"), RULES)
    apart = rows_of(sizes, "NF2")
    assert [(str(one.category), str(one.state), one.reason) for one in whole] == [
        (row.category, row.state, row.reason) for row in apart
    ]


@given(st.integers(1, 4), st.lists(st.floats(50.0, 4000.0), min_size=5, max_size=5), st.floats(50.0, 4000.0))
@settings(max_examples=40, deadline=None)
def test_a_later_visit_changes_nothing_that_was_said_of_a_lesion_on_the_day(
    count: int, first: list[float], second: float
) -> None:
    sizes: Sizes = {"L1": tuple(first), "L2": (None, *[second * n for n in range(1, 5)])}
    whole = {(row.lesion_id, row.session_id): row.reason_then for row in rows_of(sizes)}
    until = {name: own[: count + 1] for name, own in sizes.items()}
    for row in rows_of(until):
        assert whole[row.lesion_id, row.session_id] == row.reason_then


def test_a_lesion_out_of_view_is_not_assessable_and_makes_the_total_a_lower_bound() -> None:
    unseen = {("L2", "ses-03"): ("not_assessable", OUT_OF_VIEW)}
    rows = {(row.lesion_id, row.session_id): row for row in rows_of(TWO, statuses=unseen)}
    assert rows["L2", "ses-03"].category == Category.NE
    assert rows["L2", "ses-03"].missing_reason == OUT_OF_VIEW
    lesions = followed(TWO, unseen)
    assert judge_course.out_of_view(lesions, None) == {"ses-03": f"L2 of earlier scans lies {OUT_OF_VIEW}"}
    apart = replace(lesions, new_tumours=frozenset({"L2"}))
    assert judge_course.out_of_view(apart, "VHL") == {}, "a new tumour of the syndrome is no part of the total"


def test_two_lesions_grown_together_are_compared_with_both_of_before() -> None:
    sizes: Sizes = {"L1": (1000.0, 1000.0, 1850.0), "L2": (800.0, 800.0, None)}
    merged = {("L1", "ses-03"): ("merged", None), ("L2", "ses-03"): ("merged", "grown together with L1")}
    lesions = followed(sizes, merged)
    joined = replace(
        lesions,
        components=tuple(
            replace(row, component_id=1) if row.session_id == "ses-03" else row for row in lesions.components
        ),
    )
    found = judge_course.judge_course(course(sizes), [RULES], joined)
    rows = {(r.lesion_id, r.session_id): r for r in found if isinstance(r, records.LesionAssessment)}
    assert rows["L1", "ses-03"].category == Category.SD, "1.85 mL against 1.0 and 0.8 of before is no growth"
    assert rows["L1", "ses-03"].change_ratio == pytest.approx(1850 / 1800)
    assert rows["L2", "ses-03"].category == Category.NE


def test_what_was_a_speck_on_the_day_says_nothing_of_that_day_when_it_grows_later() -> None:
    sizes: Sizes = {"L1": (1000.0, 1000.0, 1000.0, 1000.0), "L2": (4.0, 8.0, 13.0, 900.0)}
    lesions = followed(sizes)
    rows = judge_course.judge_course(course(sizes), [BY_VOLUME], lesions)
    states = {row.session_id: row.state_then for row in rows if isinstance(row, records.Assessment)}
    alone = {one.session_id: str(one.state_then) for one in judge(course(sizes), BY_VOLUME)}
    assert {name: states[name] for name in names(3)} == {name: alone[name] for name in names(3)}
    assert states["ses-04"] == State.PROGRESSION


def test_specks_are_no_lesions_of_their_own() -> None:
    sizes: Sizes = {"L1": (1000.0, 1000.0), "L2": (14.0, 14.0)}
    assert rows_of(sizes) == []
    automatic = replace(followed({"L1": (1000.0, 1000.0), "L2": (60.0, 60.0)}), by_hand=frozenset())
    assert len(judge_lesions.sizes_of(course(sizes), automatic).measures) == 1
    unplaced = replace(automatic, components=(*automatic.components, replace(
        automatic.components[0], lesion_id=UNPLACED)))  # fmt: skip
    assert len(judge_lesions.sizes_of(course(sizes), unplaced).measures) == 1


def test_a_lesion_that_is_no_tumour_leads_nothing_and_keeps_what_was_said_on_the_day() -> None:
    gone = LesionWithdrawal("ses-02", "L2", None, date(2026, 1, 1), "new lesion withdrawn by R. Reader: necrosis")
    lesions = replace(followed(TWO), withdrawn_lesions={"L2": gone})
    found = judge_course.judge_course(course(TWO), [BY_VOLUME], lesions)
    rows = [r for r in found if isinstance(r, records.LesionAssessment) and r.lesion_id == "L2"]
    assert {(row.category, row.is_worst) for row in rows} == {("NE", False)}
    assert rows[-1].state_then == State.PROGRESSION
    assert "necrosis" in rows[-1].reason


def test_worst_is_progression_before_growth_before_possible_growth() -> None:
    order = [
        lesion_courses.severity(State.PROGRESSION, DisplayState.POSSIBLE_GROWTH),
        lesion_courses.severity(State.STABLE, DisplayState.GROWTH),
        lesion_courses.severity(State.SEEN_AGAIN, DisplayState.NO_CHANGE),
        lesion_courses.severity(State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE),
    ]
    assert order == sorted(set(order), reverse=True)
