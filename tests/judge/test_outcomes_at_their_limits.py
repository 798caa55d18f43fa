"""Time-to-event outcomes and best responses on the very days at which a rule turns. Milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.vocabulary import (
    Category,
    CourseKind,
    DisplayState,
    FunctionGrade,
    PatientCourse,
    State,
    TreatmentEvent,
    TreatmentKind,
    VisitJudgement,
)
from pipeline.judge import criteria_files
from pipeline.judge.best_response import CourseResponse
from pipeline.judge.criteria import Response
from pipeline.judge.endpoints import TimeToEvent, interval_days, of_course
from pipeline.judge.response import judge_whole
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

DEFAULT = criteria_files.load("imsct_adapted_v1")
SHOWN = {
    Category.SD: (State.STABLE, DisplayState.NO_CHANGE),
    Category.PD: (State.PROGRESSION, DisplayState.GROWTH),
    Category.NE: (State.NOT_EVALUABLE, DisplayState.NOT_EVALUABLE),
}


def read(day: int, category: str = "SD", **more: Any) -> VisitJudgement:
    state, display = SHOWN[Category(category)]
    given = {"state": state, "display_state": display, "confirmed": True, "provisional": False, "epoch": 1, **more}
    return VisitJudgement(
        f"ses-{day:04d}", on(day), "c", "1", Category(category), given.pop("state"), given.pop("display_state"),
        given.pop("confirmed"), given.pop("provisional"), given.pop("epoch"), None, None, None, None,
        given.pop("detection_limit_ratio", None), None, "", **given,
    )  # fmt: skip


def ends(
    assessments: list[VisitJudgement], *treatments: TreatmentEvent, losses: Any = (), **more: Any
) -> dict[str, TimeToEvent]:
    patient = course(treatments=treatments, **more)
    return {one.endpoint_id: one for one in of_course(patient, assessments, losses=losses)}


def outcome(endpoint: TimeToEvent) -> tuple[int, str]:
    kind = "event" if endpoint.is_event else "competing" if endpoint.is_competing else "censored"
    return endpoint.duration_days, kind


STABLE = [read(95), read(400), read(800)]


@pytest.mark.parametrize(("begun", "expected"), [(183, (800, "censored")), (184, (95, "censored"))])
@pytest.mark.parametrize("kind", [TreatmentKind.RADIOTHERAPY, TreatmentKind.RADIOSURGERY, TreatmentKind.TARGETED])
def test_therapy_begun_within_half_a_year_belongs_to_the_first_treatment(
    kind: TreatmentKind, begun: int, expected: tuple[int, str]
) -> None:
    assert outcome(ends(STABLE, surgery(0), TreatmentEvent(kind, on(begun)))["ttp"]) == expected


def test_the_first_of_several_new_therapies_censors() -> None:
    later = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(700))
    sooner = TreatmentEvent(TreatmentKind.TARGETED, on(450))
    assert outcome(ends(STABLE, surgery(0), later, sooner)["ttp"]) == (400, "censored")


@pytest.mark.parametrize(("scanned", "expected"), [(0, None), (1, (1, "event"))])
def test_a_scan_of_the_day_of_surgery_shows_the_tumour_before_it(
    scanned: int, expected: tuple[int, str] | None
) -> None:
    found = ends([read(scanned, "PD")], surgery(0))
    assert (outcome(found["ttp"]) if "ttp" in found else None) == expected


def test_without_surgery_the_first_scan_itself_is_after_time_zero() -> None:
    assert outcome(ends([read(0), read(100)], radiotherapy(0, 40))["ttp"]) == (100, "censored")


@pytest.mark.parametrize(("lost", "expected"), [(0, (800, "censored")), (1, (1, "event"))])
def test_a_loss_of_function_counts_after_time_zero(lost: int, expected: tuple[int, str]) -> None:
    assert outcome(ends(STABLE, surgery(0), losses=[(on(lost), "grade 3")])["ttp"]) == expected


def test_the_earliest_surgery_is_time_zero_and_the_earliest_radiotherapy_where_there_is_none() -> None:
    assert outcome(ends(STABLE, surgery(50), surgery(10))["ttp"])[0] == 790
    both = ends(STABLE, radiotherapy(50, 60), radiotherapy(5, 10))["local_control"]
    assert (both.time_zero_on, outcome(both)) == (on(10), (790, "censored"))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("SD", "PD", (400, "event")),
        ("PD", "PD", (95, "event")),
    ],
)
def test_the_first_progression_ends_the_time(first: str, second: str, expected: tuple[int, str]) -> None:
    assert outcome(ends([read(95, first), read(400, second)], surgery(0))["ttp"]) == expected


@pytest.mark.parametrize(
    "why",
    [
        {"confirmed": False},
        {"provisional": True},
        {"display_state": DisplayState.POSSIBLE_GROWTH, "detection_limit_ratio": 1.5},
    ],
)
def test_progression_that_is_not_proven_is_no_event(why: dict[str, Any]) -> None:
    assert not ends([read(95), read(400, "PD", **why)], surgery(0))["ttp"].is_event


@pytest.mark.parametrize("day", [800, 801])
def test_progression_on_the_day_of_another_therapy_or_death_comes_first(day: int) -> None:
    grown = [*STABLE[:2], read(800, "PD")]
    therapy = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(day))
    found = ends(grown, surgery(0), therapy, died_on=on(day))
    assert (outcome(found["ttp"]), outcome(found["pfs"])) == ((800, "event"), (800, "event"))
    assert "progression on" in found["pfs"].reason


@pytest.mark.parametrize("day", [400, 430])
@pytest.mark.parametrize(
    ("seen", "is_event"),
    [
        ({"display_state": DisplayState.POSSIBLE_GROWTH}, True),
        ({"display_state": DisplayState.GROWTH}, True),
        ({"display_state": DisplayState.NO_CHANGE}, False),
    ],
)
def test_another_surgery_on_or_after_a_scan_that_showed_growth_is_an_event(
    seen: dict[str, Any], is_event: bool, day: int
) -> None:
    found = ends([read(95), read(400, **seen)], surgery(0), surgery(day))["ttp"]
    assert outcome(found) == ((day, "event") if is_event else (400, "censored"))


def test_another_surgery_looks_at_the_last_scan_that_could_be_judged() -> None:
    possible = read(300, display_state=DisplayState.POSSIBLE_GROWTH)
    blind = [read(350, "NE"), read(360, "NE", state=State.CONTEXT)]
    assert outcome(ends([read(95), possible, *blind], surgery(0), surgery(400))["ttp"]) == (400, "event")
    quiet = read(350)
    assert outcome(ends([read(95), possible, quiet], surgery(0), surgery(400))["ttp"]) == (350, "censored")
    assert outcome(ends([read(95), read(500, "SD")], surgery(0), surgery(400, "biopsy"))["ttp"]) == (95, "censored")


@pytest.mark.parametrize("kind", [TreatmentKind.STEROID, TreatmentKind.DRAINAGE, TreatmentKind.OTHER])
def test_what_is_no_therapy_of_the_tumour_changes_no_clock(kind: TreatmentKind) -> None:
    assert outcome(ends(STABLE, surgery(0), TreatmentEvent(kind, on(500)))["ttp"]) == (800, "censored")


@pytest.mark.parametrize(("died", "expected"), [(0, (0, "event")), (-1, None)])
def test_death_counts_from_time_zero_on(died: int, expected: tuple[int, str] | None) -> None:
    found = ends([], surgery(0), died_on=on(died))
    assert (outcome(found["pfs"]) if found else None) == expected
    assert "ttp" not in found, "time to progression needs a scan"


@pytest.mark.parametrize(("died", "expected"), [(1530, (1530, "competing")), (1531, (800, "censored"))])
def test_death_competes_with_local_control_unless_two_visits_were_missed(died: int, expected: tuple[int, str]) -> None:
    found = ends(STABLE, surgery(0), died_on=on(died))["local_control"]
    assert outcome(found) == expected
    assert ("after two missed visits" in found.reason) == (died == 1531)


def test_the_last_scan_before_death_is_looked_for_among_adequate_ones_up_to_that_day() -> None:
    unsigned = read(800, provisional=True)
    found = ends([*STABLE[:2], unsigned], surgery(0), died_on=on(1131))["pfs"]
    assert outcome(found) == (400, "censored")
    same_day = ends(STABLE, surgery(0), died_on=on(800))["pfs"]
    assert outcome(same_day) == (800, "event")


def test_death_before_any_adequate_scan_counts_its_two_missed_visits_from_time_zero() -> None:
    assert outcome(ends([], surgery(0), died_on=on(730))["pfs"]) == (730, "event")
    assert outcome(ends([], surgery(0), died_on=on(731))["pfs"]) == (0, "censored")


@pytest.mark.parametrize(
    ("display", "day", "epoch", "is_there"),
    [
        (DisplayState.NONE_SEEN, 95, 1, True),
        (DisplayState.NO_CHANGE, 95, 1, False),
        (DisplayState.NONE_SEEN, 0, 1, False),  # of the day of the operation: before it
    ],
)
def test_recurrence_free_time_is_for_those_without_tumour_at_the_baseline_after_surgery(
    display: DisplayState, day: int, epoch: int, is_there: bool
) -> None:
    baseline = read(day, state=State.BASELINE, display_state=display, epoch=epoch)
    found = ends([baseline, read(400)], surgery(0))
    assert ("rfs" in found) == is_there


def test_the_baseline_that_took_the_place_of_another_of_its_course_decides_whether_tumour_was_left() -> None:
    early, late = (
        read(day, state=State.BASELINE, display_state=display)
        for day, display in ((50, DisplayState.NO_CHANGE), (95, DisplayState.NONE_SEEN))
    )
    assert "rfs" in ends([early, late, read(400)], surgery(0))
    next_course = read(300, state=State.BASELINE, display_state=DisplayState.NONE_SEEN, epoch=2)
    assert "rfs" not in ends([early, next_course], surgery(0))


def test_a_new_lesion_elsewhere_is_an_event_and_competes_with_local_control() -> None:
    found = ends([read(95), read(400, "PD", state=State.DISTANT)], surgery(0))
    assert (outcome(found["ttp"]), outcome(found["local_control"])) == ((400, "event"), (400, "competing"))
    assert "elsewhere" not in found["ttp"].reason
    assert "a new lesion elsewhere on" in found["local_control"].reason


def test_the_interval_of_an_event_begins_at_the_last_scan_without_progression_since_time_zero() -> None:
    scans = [read(-50), read(95), read(300, "PD", confirmed=False), read(350, "NE"), read(400, "PD")]
    found = ends(scans, surgery(0))["ttp"]
    assert outcome(found) == (400, "event")
    assert interval_days(found, scans) == (95.0, 400.0)
    assert interval_days(found, [read(0), read(400, "PD")]) == (0.0, 400.0)
    assert interval_days(found, [read(-50), read(400, "PD")]) == (0.0, 400.0)


def test_what_stops_the_clock_without_progression_says_what_the_last_scan_showed() -> None:
    def why(last: VisitJudgement) -> str:
        return ends([read(95), last], surgery(0))["ttp"].reason

    assert "awaits confirmation; censored there" in why(read(400, "PD", confirmed=False))
    possible = read(400, "PD", display_state=DisplayState.POSSIBLE_GROWTH, detection_limit_ratio=1.5)
    assert "possible progression on 2021-02-04 is less than its series can call a change; censored there" in why(
        possible
    )
    assert "no progression up to the last adequate assessment on" in why(read(400))


# Best response ------------------------------------------------------------------------------------------------------


def best(*visits: Any, look: int = -2, rules: Any = DEFAULT, **more: Any) -> CourseResponse:
    return judge_whole(course(*visits, **more), rules).best_responses[look]


def test_a_minor_response_counts_from_its_first_scan_and_better_ones_do_not_count_a_minor_one() -> None:
    minor = replace(DEFAULT, minor_response=Response(DEFAULT.source, DEFAULT.mark, ratio=0.6))
    visits = (visit(0, 1000.0), visit(100, 580.0), visit(200, 560.0))
    least = best(*visits, rules=minor)
    assert (least.best, least.best_on, least.lasts_from_on, least.ended_on) == ("MR", on(100), on(100), on(200))
    better = best(*visits, visit(300, 300.0), visit(400, 300.0), rules=minor)
    assert (better.best, better.best_on, better.lasts_from_on, better.ended_on) == ("PR", on(300), on(300), on(400))
    assert "partial response" in better.reason.lower()


@pytest.mark.parametrize(("baseline_mm3", "expected"), [(100.0, "SD"), (99.999, "NON-CR/NON-PD")])
def test_disease_below_the_measurable_size_has_no_stable_disease(baseline_mm3: float, expected: str) -> None:
    assert best(visit(0, baseline_mm3), visit(200, baseline_mm3)).best == expected


def test_a_course_that_starts_without_tumour_has_no_best_response_and_says_what_was_seen_since() -> None:
    none = best(visit(0, 0.0), visit(200, 0.0))
    assert (none.best, none.reason.split("; ")[-1]) == ("NE", f"none seen on {on(200)}.")
    again = best(visit(0, 0.0), visit(200, 20.0, slices_spanned=2))
    assert again.reason.endswith(f"tumour where none was seen before on {on(200)}.")
    operated = best(visit(95, 0.0), visit(200, 20.0, slices_spanned=2), treatments=(surgery(0),))
    assert operated.reason.endswith(f"tumour seen again on {on(200)}.")
    assert best(visit(0, 0.0), visit(200, 400.0, slices_spanned=3)).best == "PD"


@pytest.mark.parametrize(
    ("extent", "now_mm3", "is_event"), [(None, 480.0, True), ("biopsy", 480.0, False), (None, 300.0, False)]
)
def test_another_surgery_for_growth_ends_a_response(extent: str | None, now_mm3: float, is_event: bool) -> None:
    seen = (visit(0, 1000.0), visit(200, 300.0), visit(300, 300.0), visit(400, now_mm3, volume_cv=0.2))
    answers = judge_whole(course(*seen, treatments=(surgery(430, extent),)), DEFAULT).best_responses
    first = next(one for one in answers if one.epoch == 0)
    assert (first.best, first.is_event) == ("PR", is_event)
    assert first.ended_on == on(430 if is_event else 400)


def test_progression_at_best_says_whether_it_awaits_a_second_scan() -> None:
    proven = best(visit(0, 1000.0), visit(200, 2000.0))
    assert (proven.best, proven.best_on, proven.is_event) == ("PD", on(200), None)
    assert proven.reason == f"Progression at best, on {on(200)}."
    waits = best(visit(65, 1000.0), visit(100, 2000.0), look=-1, treatments=(radiotherapy(0, 40),))
    assert waits.reason == f"Progression at best, on {on(100)}, which awaits confirmation."
    open_one = best(visit(65, 1000.0), visit(100, 2000.0), treatments=(radiotherapy(0, 40),))
    assert open_one.best == "NE"
    assert f"progression on {on(100)} awaits confirmation and nothing else was seen" in open_one.reason


def test_nothing_after_the_first_progression_betters_a_response() -> None:
    response = best(visit(0, 1000.0), visit(200, 2000.0), visit(400, 100.0), visit(500, 100.0))
    assert (response.best, response.best_on) == ("PD", on(200))


def test_why_there_is_no_best_response_is_said() -> None:
    alone = best(visit(0, 1000.0))
    assert alone.reason == f"Not evaluable: no scan was made after the baseline of {on(0)}."
    blind = best(visit(0, 1000.0), visit(100, None))
    assert blind.reason.endswith(f"no scan after the baseline of {on(0)} could be judged (the scan moved).")
    early = judge_whole(course(visit(10, 900.0), treatments=(surgery(0),)), DEFAULT).best_responses[-2]
    assert f"none was made from {on(42)} on, the first day for one" in early.reason
    empty = judge_whole(course(visit(-5, 900.0), treatments=(surgery(0),)), DEFAULT).best_responses[-2]
    assert "no scan was made in this course" in empty.reason


def test_a_treated_patient_whom_nobody_watched_before_has_no_course_of_watching() -> None:
    answers = judge_whole(course(visit(95, 900.0), visit(300, 900.0), treatments=(surgery(0),)), DEFAULT)
    assert [one.course for one in answers.best_responses] == [CourseKind.AFTER_SURGERY] * 2


def lost(*days_and_grades: tuple[int, float]) -> tuple[FunctionGrade, ...]:
    return tuple(FunctionGrade(on(day), "mmccormick", grade, tumour_related=True) for day, grade in days_and_grades)


def held(**more: Any) -> PatientCourse:
    return course(visit(0, 1000.0), visit(200, 300.0), visit(400, 300.0), **more)


def test_the_earlier_of_two_progressions_by_size_and_by_function_ends_a_response() -> None:
    scores = lost((1, 1.0), (410, 2.0), (420, 2.0))
    grown = judge_whole(course(*held().visits, visit(500, 900.0), function_scores=scores), DEFAULT).best_responses[-2]
    assert (grown.ended_on, grown.is_event) == (on(420), True)
    sooner = judge_whole(course(*held().visits, visit(415, 900.0), function_scores=scores), DEFAULT).best_responses[-2]
    assert (sooner.ended_on, sooner.is_event) == (on(415), True)


def test_death_on_the_day_of_the_last_scan_ends_a_response_and_one_before_another_course_does_not() -> None:
    same = judge_whole(held(died_on=on(400)), DEFAULT).best_responses[-2]
    assert (same.ended_on, same.is_event) == (on(400), True)
    line = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, on(450))
    first = judge_whole(held(died_on=on(500), treatments=(line,)), DEFAULT).best_responses[0]
    assert (first.ended_on, first.is_event) == (on(400), False)
    assert first.reason.endswith(f"(before the chemotherapy begun {on(450)}).")


def test_days_of_a_response_are_counted_from_time_zero_and_from_its_first_scan() -> None:
    reason = judge_whole(held(), DEFAULT).best_responses[-2].reason
    assert f"from {on(200)}, 200 days after the baseline of {on(0)}; lasted 200 days without progression" in reason
    complete = judge_whole(course(*held().visits, visit(500, 0.0), visit(600, 0.0)), DEFAULT).best_responses[-2]
    assert f"lasted 400 days from the first response on {on(200)} without" in complete.reason


def test_stable_disease_counts_from_time_zero_and_names_a_response_that_nothing_confirmed() -> None:
    line = TreatmentEvent(TreatmentKind.TARGETED, on(10), agent="belzutifan")
    answers = judge_whole(course(visit(0, 1000.0), visit(200, 300.0), treatments=(line,)), DEFAULT).best_responses
    by_confirmed, by_single = answers[-2:]
    assert (by_confirmed.best, by_confirmed.lasts_from_on, by_confirmed.ended_on) == ("SD", on(10), on(200))
    assert f"belzutifan began on {on(10)}" in by_confirmed.reason
    assert f"; partial response of {on(200)} not confirmed." in by_confirmed.reason
    assert (by_single.best, "not confirmed" in by_single.reason) == ("PR", False)
