"""Times to an event where a day is known only as a month or a year. About a second."""

from __future__ import annotations

from datetime import date

from pipeline.core.vocabulary import PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge import criteria_files
from pipeline.judge.endpoint_readings import OutcomeReading, of_any_lesion, of_readings
from pipeline.judge.endpoints import TimeToEvent, of_course
from pipeline.judge.lesion_courses import LesionVerdict, judge_lesion
from pipeline.judge.response import judge_whole

RULES = criteria_files.load("imsct_adapted_v1")


def seen(on: date, volume_mm3: float, by: date | None = None) -> VisitMeasure:
    return VisitMeasure(f"ses-{on}", on, volume_mm3, volume_cv=0.05, acquired_by=by)


def surgery(on: date, by: date | None = None) -> TreatmentEvent:
    return TreatmentEvent(TreatmentKind.SURGERY, on, ended_on=on, extent="STR", started_by=by)


def ttp(*visits: VisitMeasure, treatments: tuple[TreatmentEvent, ...] = ()) -> TimeToEvent:
    patient = PatientCourse("sub-01", visits, treatments)
    judged = judge_whole(patient, RULES)
    ways = [(one.course, one.judgements) for one in judged.readings] or [(patient, judged.judgements)]
    return next(one for one in of_readings([OutcomeReading(*way) for way in ways]) if one.endpoint_id == "ttp")


def test_a_progression_of_a_year_lies_between_its_first_and_last_day() -> None:
    outcome = ttp(seen(date(2012, 1, 1), 1000.0), seen(date(2014, 1, 1), 1600.0, date(2014, 12, 31)))
    assert outcome.is_event
    assert (outcome.shortest_days, outcome.longest_days) == (731, 1095)
    assert outcome.reason.endswith(
        "to progression on 2014 (ses-2014-01-01); 731 to 1095 days, by days that are not known."
    )


def test_a_surgery_of_a_month_starts_the_clock_somewhere_in_it() -> None:
    operated = surgery(date(2012, 2, 1), date(2012, 2, 29))
    outcome = ttp(seen(date(2012, 6, 1), 1000.0), seen(date(2013, 6, 1), 1600.0), treatments=(operated,))
    assert outcome.is_event
    assert (outcome.shortest_days, outcome.longest_days) == (458, 486)


def test_an_event_that_a_day_decides_is_no_event() -> None:
    line = TreatmentEvent(TreatmentKind.CHEMOTHERAPY, date(2013, 1, 1), started_by=date(2013, 12, 31))
    outcome = ttp(
        seen(date(2012, 1, 1), 1000.0),
        seen(date(2013, 6, 1), 1600.0),
        seen(date(2014, 6, 1), 1600.0),
        treatments=(line,),
    )
    assert not outcome.is_event
    assert not outcome.is_competing
    assert outcome.ended_on == date(2012, 1, 1)
    assert outcome.reason.startswith("Not decided, it depends on days that are not known: from the first scan on")
    assert "to progression on 2013-06-01" in outcome.reason
    assert "chemotherapy began on 2013 without progression" in outcome.reason


def test_where_every_day_is_known_nothing_changes() -> None:
    patient = PatientCourse("sub-01", (seen(date(2012, 1, 1), 1000.0), seen(date(2014, 1, 1), 1600.0)), ())
    judged = judge_whole(patient, RULES)
    assert judged.readings == ()
    assert of_readings([OutcomeReading(patient, judged.judgements)]) == of_course(patient, judged.judgements)


def any_lesion(*sizes: tuple[date, float, float]) -> TimeToEvent | None:
    """Judge two lesions and their total; each visit is a day and the sizes of both, mm³."""
    patient = PatientCourse("sub-01", tuple(seen(day, one + two) for day, one, two in sizes), ())
    whole = OutcomeReading(patient, judge_whole(patient, RULES).judgements)
    lesions: dict[str, list[LesionVerdict]] = {}
    for name, own in (("L1", [(day, one) for day, one, _ in sizes]), ("L2", [(day, two) for day, _, two in sizes])):
        measures = [seen(day, volume_mm3) for day, volume_mm3 in own]
        for judged, measure in zip(judge_lesion(patient, measures, RULES), measures, strict=True):
            lesions.setdefault(judged.session_id, []).append(LesionVerdict(name, judged, measure))
    return of_any_lesion(whole, lesions, of_readings([whole]))


def test_a_lesion_that_its_total_hides_ends_the_time_of_any_lesion() -> None:
    outcome = any_lesion((date(2020, 1, 1), 2000.0, 300.0), (date(2021, 1, 1), 2000.0, 600.0))
    assert outcome is not None
    assert (outcome.endpoint_id, outcome.is_event, outcome.ended_on) == ("any_lesion", True, date(2021, 1, 1))
    assert outcome.reason.endswith("to progression on 2021-01-01 (ses-2021-01-01), of lesion L2 by itself.")


def test_quiet_lesions_have_no_event() -> None:
    outcome = any_lesion((date(2020, 1, 1), 2000.0, 300.0), (date(2021, 1, 1), 2000.0, 310.0))
    assert outcome is not None
    assert not outcome.is_event


def test_without_lesions_of_their_own_the_time_is_that_of_the_whole_tumour() -> None:
    patient = PatientCourse("sub-01", (seen(date(2012, 1, 1), 1000.0), seen(date(2014, 1, 1), 1600.0)), ())
    whole = OutcomeReading(patient, judge_whole(patient, RULES).judgements)
    total = of_readings([whole])
    outcome = of_any_lesion(whole, {}, total)
    assert outcome is not None
    assert (outcome.ended_on, outcome.reason) == (total[0].ended_on, total[0].reason)
