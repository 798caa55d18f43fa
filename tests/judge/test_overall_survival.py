"""Overall survival: death of any cause, else the last day known alive. Under a second.

Expected values: FDA 2018 (section II.A and appendix 2): time from zero until death from any cause; the living are
censored on the last day on which they were known to be alive.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.core.vocabulary import FunctionGrade, PatientCourse
from pipeline.core.written_day import WrittenDay
from pipeline.judge import criteria_files
from pipeline.judge.endpoint_readings import OutcomeReading, of_readings
from pipeline.judge.endpoints import TimeToEvent
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

RULES = criteria_files.load("imsct_adapted_v1")
GROWN = course(visit(95, 800.0), visit(400, 1300.0), treatments=(surgery(0),))
NOT_KNOWN = "; vital status is not known since: neither a date of death nor a last contact is known)."


def outcomes(patient: PatientCourse) -> dict[str, TimeToEvent]:
    reading = OutcomeReading(patient, judge(patient, RULES))
    return {one.endpoint_id: one for one in of_readings([reading])}


def survival(patient: PatientCourse) -> TimeToEvent:
    return outcomes(patient)["os"]


def test_death_is_the_event_whatever_came_before_and_however_long_after_the_last_scan() -> None:
    for died in (on(500), on(400 + 731), on(5000)):
        found = survival(replace(GROWN, died_on=died))
        assert (found.is_event, found.ended_on, found.is_competing) == (True, died, False)
        assert found.reason == f"From the first surgery on 2020-01-01 to death on {died}."


def test_progression_ends_one_and_not_the_other() -> None:
    found = outcomes(replace(GROWN, last_contact_on=on(900)))
    assert (found["pfs"].is_event, found["pfs"].ended_on) == (True, on(400))
    assert (found["os"].is_event, found["os"].ended_on) == (False, on(900))
    assert found["os"].reason == (f"From the first surgery on 2020-01-01, alive on {on(900)} (the last contact).")


def test_unknown_vital_status_is_censored_at_the_last_day_seen_and_says_so() -> None:
    found = survival(GROWN)
    assert (found.is_event, found.ended_on) == (False, on(400))
    assert found.reason.endswith(f"alive on {on(400)} (a scan{NOT_KNOWN}")


@pytest.mark.parametrize(
    ("later", "ended_on", "seen"),
    [
        ({"treatments": (surgery(0), radiotherapy(500, 540))}, on(540), "a treatment"),
        ({"function_scores": (FunctionGrade(on(700), "mmccormick", 2.0),)}, on(700), "an examination"),
        ({"last_contact_on": on(100)}, on(400), "a scan"),
    ],
)
def test_whatever_shows_the_patient_alive_last_counts(later: dict, ended_on: date, seen: str) -> None:
    found = survival(replace(GROWN, **later))
    assert (found.is_event, found.ended_on) == (False, ended_on)
    assert f"({seen}" in found.reason


def test_a_patient_without_scans_lives_from_the_operation_on() -> None:
    found = survival(course(treatments=(surgery(0),), died_on=on(9)))
    assert (found.duration_days, found.is_event) == (9, True)


def test_without_a_time_zero_there_is_no_time() -> None:
    assert "os" not in outcomes(course())


def test_a_death_of_a_month_lies_between_its_first_and_last_day() -> None:
    found = survival(replace(GROWN, died_on=WrittenDay(2021, 8, 1, "2021-08", date(2021, 8, 31))))
    assert (found.is_event, found.shortest_days, found.longest_days) == (True, 578, 608)
    assert found.reason.endswith("to death on 2021-08; 578 to 608 days, by days that are not known.")


def test_a_death_of_a_year_that_may_come_after_two_missed_visits_decides_nothing() -> None:
    """Last adequate scan on day 400 (2021-02-04): by 2023-02-04 it is an event of progression-free survival."""
    stable = course(visit(95, 800.0), visit(400, 820.0), treatments=(surgery(0),))
    died = replace(stable, died_on=WrittenDay(2023, 1, 1, "2023", date(2023, 12, 31)))
    found = outcomes(died)
    assert found["os"].is_event
    assert not found["pfs"].is_event
    assert found["pfs"].reason.startswith("Not decided, it depends on days that are not known")
    assert (found["ttp"].is_event, found["ttp"].ended_on) == (False, on(400))


@pytest.mark.parametrize(
    ("contact", "days", "words"),
    [
        (WrittenDay(2023, 5, 1, "2023-05", date(2023, 5, 31)), (1216, 1246), "alive on 2023-05 (the last contact)"),
        (WrittenDay(2021, 1, 1, "2021", date(2021, 12, 31)), (400, 730), f"alive on {on(400)} (a scan)"),
        (WrittenDay(2020, 1, 1, "2020", date(2020, 12, 31)), (400, 400), f"alive on {on(400)} (a scan)"),
    ],
)
def test_a_last_contact_of_a_month_or_a_year_censors_between_its_first_and_last_day(
    contact: WrittenDay, days: tuple[int, int], words: str
) -> None:
    """Whoever was in contact in May 2023 was alive on its first day, if not later; nothing is made up between."""
    found = outcomes(replace(GROWN, last_contact_on=contact))
    survival_time = found["os"]
    assert (survival_time.is_event, survival_time.duration_days) == (False, days[0])
    assert (survival_time.shortest_days, survival_time.longest_days) == days
    assert words in survival_time.reason
    assert "vital status is not known" not in survival_time.reason
    assert (f"{days[0]} to {days[1]} days" in survival_time.reason) == (days[0] != days[1])
    assert (found["pfs"].is_event, found["pfs"].ended_on) == (True, on(400))


def test_a_death_and_a_last_contact_of_a_month_are_tried_together() -> None:
    found = survival(
        replace(
            GROWN,
            died_on=WrittenDay(2021, 8, 1, "2021-08", date(2021, 8, 31)),
            last_contact_on=WrittenDay(2021, 7, 1, "2021-07", date(2021, 7, 31)),
        )
    )
    assert (found.is_event, found.shortest_days, found.longest_days) == (True, 578, 608)
