"""Responses that a reader put into words, and best responses where days are open, at the limit of each rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.vocabulary import Category, DisplayState, State, TreatmentEvent, TreatmentKind, VisitJudgement
from pipeline.judge import criteria_files
from pipeline.judge.best_response import of_readings
from pipeline.judge.response import JudgedCourse, judge_whole
from pipeline.judge.stated_response import MEANING, confirm_stated
from pipeline.measure.imported_sizes import NO_VOLUME
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

RANO = criteria_files.load("rano2_vol")
DEFAULT = criteria_files.load("imsct_adapted_v1")


def stated(words: str, *treatments: TreatmentEvent, **more: Any) -> JudgedCourse:
    """Judge words such as ``0 SD, 100 PR``."""
    pairs = [one.split() for one in words.split(",")]
    visits = [visit(int(day), None, missing_reason=more.get("missing", NO_VOLUME)) for day, _ in pairs]
    by_session = {one.session_id: Category(word) for one, (_, word) in zip(visits, pairs, strict=True)}
    return confirm_stated(course(*visits, treatments=treatments), by_session, RANO)


def shown(judged: JudgedCourse) -> list[str]:
    return [one.category_shown for one in judged.judgements]


@pytest.mark.parametrize("word", list(Category))
def test_a_readers_word_has_its_state_and_its_look(word: Category) -> None:
    (found,) = stated(f"0 {word}").judgements
    state, display = MEANING[word]
    assert (found.category, found.state, found.display_state) == (word, state, display)
    assert (found.change_ratio, found.baseline_session_id, found.probability) == (None, None, None)


@pytest.mark.parametrize(("days", "expected"), [(28, "PR"), (27, "PR?")])
def test_a_stated_response_is_confirmed_four_weeks_later(days: int, expected: str) -> None:
    assert shown(stated(f"0 SD,100 PR,{100 + days} PR"))[1] == expected
    assert shown(stated(f"0 SD,100 PR,{100 + days} CR"))[1] == expected
    assert shown(stated(f"0 SD,100 PR,110 SD,{100 + days} PR"))[1] == "PR?"


def test_surgery_or_radiotherapy_in_between_confirms_no_response() -> None:
    assert shown(stated("0 SD,100 PR,200 PR", surgery(150)))[1] == "PR?"
    assert shown(stated("0 SD,100 PR,200 PR", radiotherapy(110, 150)))[1] == "PR?"


@pytest.mark.parametrize(
    ("day", "second", "expected"),
    [(124, "SD", ["PD?"]), (125, "SD", ["PD"]), (124, "152 PD", ["PD", "PD"]), (124, "151 PD", ["PD?", "PD"])],
)
def test_a_stated_progression_in_the_window_waits_for_a_second_scan(day: int, second: str, expected: list[str]) -> None:
    words = f"70 SD,{day} PD" + (f",{second}" if second != "SD" else "")
    assert shown(stated(words, radiotherapy(0, 40)))[1:] == expected


def test_a_stated_progression_that_nothing_confirms_is_stable_disease() -> None:
    found = stated("70 SD,100 PD,200 SD", radiotherapy(0, 40)).judgements[1]
    assert (found.category_shown, found.state, found.category_then_shown) == ("SD", State.STABLE, "PD?")
    assert found.reason.startswith(f"Read as PD on {on(100)}, size not known here; within 84 days")
    assert f"not confirmed by the scan of {on(200)}" in found.reason


@pytest.mark.parametrize(
    ("missing", "words"), [(NO_VOLUME, "as the reader says"), (None, "as the reader says"), ("it moved", "it moved")]
)
def test_a_scan_that_a_reader_could_not_judge_says_why(missing: str | None, words: str) -> None:
    assert stated("0 NE", missing=missing).judgements[0].reason == f"Not evaluable on {on(0)}: {words}."


def test_nothing_after_a_treatment_that_nobody_understands_is_taken_from_a_reader() -> None:
    unknown = TreatmentEvent(TreatmentKind.UNKNOWN, on(100), written="prayer")
    found = stated("0 SD,100 PR,101 PR", unknown).judgements
    assert [one.category for one in found] == ["SD", "PR", "NE"]
    assert ("'prayer'" in found[2].reason, found[2].is_undecided) == (True, True)


def test_a_readers_words_have_a_best_response() -> None:
    best = stated("0 SD,100 PR,200 PR").best_responses
    assert [one.best for one in best[-2:]] == ["PR", "PR"]


# Best responses where a day is open ----------------------------------------------------------------------------------


def some(kind: TreatmentKind, first: int, last: int) -> TreatmentEvent:
    return TreatmentEvent(kind, on(first), started_by=on(last))


def last_of(*visits: Any, treatments: tuple[TreatmentEvent, ...] = ()) -> Any:
    return judge_whole(course(*visits, treatments=treatments), DEFAULT).best_responses[-2]


def test_no_way_to_place_the_days_leaves_no_answer_and_one_way_its_own() -> None:
    assert of_readings((), DEFAULT) == ()
    sure = judge_whole(course(visit(0, 1000.0), visit(200, 900.0)), DEFAULT).best_responses
    assert [one.best for one in sure] == ["SD", "SD"]


def test_a_day_that_moves_only_time_zero_leaves_what_cannot_be_evaluated_as_it_is() -> None:
    none = last_of(visit(0, 1000.0), treatments=(some(TreatmentKind.CHEMOTHERAPY, 20, 40),))
    assert (none.best, none.time_zero_on, none.best_on) == ("NE", None, None)
    assert none.reason == f"Not evaluable: no scan was made after the baseline of {on(0)}."


def test_a_day_that_moves_only_time_zero_leaves_what_does_not_depend_on_it() -> None:
    line = some(TreatmentKind.CHEMOTHERAPY, 20, 40)
    held = last_of(visit(0, 1000.0), visit(200, 300.0), visit(400, 300.0), treatments=(line,))
    assert (held.best, held.best_on, held.lasts_from_on, held.ended_on) == ("PR", on(200), on(200), on(400))
    assert (held.is_event, held.baseline_session_id, held.time_zero_on) == (False, "ses-0000", None)
    assert held.reason.startswith("Partial response for every day that may be meant by the chemotherapy")
    stable = last_of(visit(0, 1000.0), visit(200, 900.0), treatments=(line,))
    assert (stable.best, stable.lasts_from_on, stable.ended_on) == ("SD", None, on(200))


def test_of_several_responses_that_nothing_confirmed_the_first_is_named() -> None:
    sizes = ((0, 1000.0), (200, 300.0), (210, 900.0), (400, 300.0))
    best = last_of(*(visit(day, size) for day, size in sizes))
    assert best.reason.count("not confirmed") == 1
    assert f"partial response of {on(200)} not confirmed" in best.reason


def test_what_nobody_watched_before_the_first_treatment_is_no_course() -> None:
    watched = judge_whole(course(visit(-50, 1000.0), visit(95, 900.0), treatments=(surgery(0),)), DEFAULT)
    assert [one.epoch for one in watched.best_responses] == [0, 0, 1, 1]
    treated = judge_whole(course(visit(95, 900.0), treatments=(surgery(0), surgery(500))), DEFAULT)
    assert [one.epoch for one in treated.best_responses] == [1, 1, 2, 2]


def test_judgement_of_words_has_no_numbers_of_a_series() -> None:
    found: VisitJudgement = stated("0 SD").judgements[0]
    assert (found.series, found.display_state, found.is_undecided) == (None, DisplayState.NO_CHANGE, False)
    assert replace(found, reason="").reason_then == found.reason


def test_the_end_of_a_radiotherapy_that_nobody_recorded_is_never_named_as_a_day() -> None:
    given = some(TreatmentKind.RADIOTHERAPY, 20, 40)
    held = last_of(visit(0, 1000.0), visit(400, 900.0), visit(600, 900.0), treatments=(given,))
    assert "radiotherapy that ended within" in held.cause
    assert "days of" in held.cause
