"""Time-to-event outcomes: when the clock starts, what stops it. Runs in about a second."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.core.vocabulary import ANY_DAY, MaskOrigin, PatientCourse, TreatmentEvent, TreatmentKind
from pipeline.judge import criteria_files
from pipeline.judge.endpoint_rules import RULES as OUTCOMES
from pipeline.judge.endpoint_rules import Role
from pipeline.judge.endpoints import TimeToEvent, interval_days, of_course
from pipeline.judge.response import judge
from tests.judge.course_maker import course, on, radiotherapy, surgery, visit

RULES = criteria_files.load("imsct_adapted_v1")


def ends(patient: PatientCourse) -> dict[str, TimeToEvent]:
    return {found.endpoint_id: found for found in of_course(patient, judge(patient, RULES))}


def test_progression_ends_the_time_from_the_first_surgery():
    patient = course(visit(95, 800.0), visit(400, 820.0), visit(800, 1300.0), treatments=(surgery(0),))
    found = ends(patient)["ttp"]
    assert (found.time_zero_on, found.ended_on, found.is_event) == (on(0), on(800), True)
    assert found.duration_days == 800
    assert found.reason == ("From the first surgery on 2020-01-01 to progression on 2022-03-11 (ses-0800).")


def test_a_watched_tumour_counts_from_its_first_scan():
    found = ends(course(visit(10, 800.0), visit(400, 1300.0)))["ttp"]
    assert (found.time_zero_on, found.ended_on, found.is_event) == (on(10), on(400), True)


def test_without_progression_time_stops_at_the_last_adequate_assessment():
    patient = course(visit(95, 800.0), visit(400, 820.0), visit(900, None), treatments=(surgery(0),))
    found = ends(patient)["ttp"]
    assert (found.ended_on, found.is_event) == (on(400), False)
    assert "last adequate assessment on 2021-02-04" in found.reason


def test_nothing_judged_since_surgery_is_censored_at_once():
    found = ends(course(visit(2, 300.0), treatments=(surgery(0),)))["ttp"]
    assert (found.ended_on, found.is_event) == (on(0), False)


def test_no_scans_have_no_endpoint():
    assert [one.endpoint_id for one in of_course(course(treatments=(surgery(0),)), ())] == ["os"]
    assert set(ends(course(visit(0, 4000.0), treatments=(surgery(100),)))) == {"os"}


def test_a_clock_that_a_treatment_of_any_day_starts_has_no_time():
    first, last = ANY_DAY
    scans = visit(95, 800.0), visit(800, 1300.0)
    operated = replace(surgery(0), started_on=first, ended_on=None, started_by=last)
    judged = judge(course(*scans, treatments=(surgery(0),)), RULES)
    assert of_course(course(*scans, treatments=(operated, surgery(0))), judged) == ()
    irradiated = replace(radiotherapy(0, 40), started_on=first, ended_on=None, started_by=last)
    outcomes = {one.endpoint_id for one in of_course(course(*scans, treatments=(irradiated,)), judged)}
    assert "local_control" not in outcomes
    assert "ttp" in outcomes, "it starts with the first scan"


def test_confirmed_progression_is_dated_back_and_preliminary_is_no_event():
    seen = (visit(65, 1000.0), visit(100, 1500.0))
    pending = course(*seen, treatments=(radiotherapy(0, 40),))
    confirmed = course(*seen, visit(140, 1600.0), treatments=(radiotherapy(0, 40),))
    assert (ends(confirmed)["ttp"].ended_on, ends(confirmed)["ttp"].is_event) == (on(100), True)
    assert (ends(pending)["ttp"].ended_on, ends(pending)["ttp"].is_event) == (on(100), False)
    assert "awaits confirmation" in ends(pending)["ttp"].reason


def test_another_surgery_for_growth_is_an_event():
    # +44 % of a small residual: only possible growth, then somebody operated
    patient = course(
        visit(95, 250.0, volume_cv=0.2), visit(400, 370.0, volume_cv=0.2), treatments=(surgery(0), surgery(430))
    )
    found = ends(patient)["ttp"]
    assert (found.ended_on, found.is_event) == (on(430), True)
    assert "another surgery for growth" in found.reason


@pytest.mark.parametrize("extent", ["GTR", "biopsy"])
def test_another_surgery_without_growth_censors_before_it(extent):
    patient = course(
        visit(95, 800.0), visit(400, 820.0), visit(900, 100.0), treatments=(surgery(0), surgery(430, extent))
    )
    found = ends(patient)["ttp"]
    assert (found.ended_on, found.is_event) == (on(400), False)
    assert "before surgery began on 2021-03-06 without progression" in found.reason


def test_a_biopsy_is_not_a_surgery_for_growth():
    patient = course(
        visit(95, 250.0, volume_cv=0.2),
        visit(400, 370.0, volume_cv=0.2),
        treatments=(surgery(0), surgery(430, "biopsy")),
    )
    assert not ends(patient)["ttp"].is_event


def test_new_therapy_without_progression_censors_before_it():
    patient = course(
        visit(95, 800.0), visit(400, 820.0), visit(600, 2000.0), treatments=(surgery(0), radiotherapy(450, 490))
    )
    found = ends(patient)["ttp"]
    assert (found.ended_on, found.is_event) == (on(400), False)


def test_radiotherapy_soon_after_surgery_is_part_of_the_first_treatment():
    patient = course(
        visit(95, 800.0), visit(200, 780.0), visit(600, 2000.0), treatments=(surgery(0), radiotherapy(120, 160))
    )
    found = ends(patient)["ttp"]
    assert (found.ended_on, found.is_event) == (on(600), True)


def test_steroids_change_nothing():
    steroid = TreatmentEvent(TreatmentKind.STEROID, on(300), on(340))
    patient = course(visit(95, 800.0), visit(400, 1300.0), treatments=(surgery(0), steroid))
    assert ends(patient)["ttp"].is_event


def test_recurrence_free_time_belongs_to_those_without_tumour_at_baseline():
    clear = course(visit(95, 0.0), visit(400, 0.0), visit(800, 300.0, slices_spanned=3), treatments=(surgery(0),))
    residual = course(visit(95, 800.0), visit(800, 1300.0), treatments=(surgery(0),))
    assert ends(clear)["rfs"] == TimeToEvent(
        "rfs",
        on(0),
        date(2022, 3, 11),
        True,
        "From the first surgery on 2020-01-01 to progression on 2022-03-11 (ses-0800); no date of death is known.",
    )
    assert set(ends(residual)) == {"ttp", "pfs", "local_control", "os"}


STABLE = (visit(95, 800.0), visit(400, 820.0), visit(800, 810.0))


def test_death_ends_survival_and_only_stops_the_time_to_progression():
    found = ends(course(*STABLE, treatments=(surgery(0),), died_on=on(1000)))
    assert (found["pfs"].ended_on, found["pfs"].is_event) == (on(1000), True)
    assert found["pfs"].reason == "From the first surgery on 2020-01-01 to death on 2022-09-27."
    assert (found["ttp"].ended_on, found["ttp"].is_event, found["ttp"].is_competing) == (on(800), False, False)
    assert found["ttp"].reason.endswith("(ses-0800), before death on 2022-09-27 without progression.")


def test_progression_before_death_is_the_event():
    found = ends(course(visit(95, 800.0), visit(400, 1300.0), treatments=(surgery(0),), died_on=on(450)))
    assert (found["pfs"].ended_on, found["ttp"].ended_on) == (on(400), on(400))
    assert found["pfs"].is_event


@pytest.mark.parametrize(("day", "is_event"), [(800 + 730, True), (800 + 731, False)])
def test_death_after_two_missed_visits_censors_at_the_last_one(day, is_event):
    found = ends(course(*STABLE, treatments=(surgery(0),), died_on=on(day)))["pfs"]
    assert (found.is_event, found.ended_on) == (is_event, on(day if is_event else 800))
    assert ("two missed visits" in found.reason) == (not is_event)


def test_death_soon_after_surgery_is_an_event_without_any_later_scan():
    found = ends(course(visit(0, 4000.0), treatments=(surgery(100),), died_on=on(120)))
    assert set(found) == {"pfs", "local_control", "os"}
    assert (found["pfs"].is_event, found["pfs"].duration_days) == (True, 20)
    assert found["local_control"].is_competing


def test_survival_without_a_date_of_death_says_so():
    found = ends(course(*STABLE, treatments=(surgery(0),)))
    assert found["pfs"].reason.endswith("(ses-0800); no date of death is known.")
    assert "death" not in found["ttp"].reason


def test_survival_of_a_patient_known_to_be_alive_says_until_when():
    found = ends(course(*STABLE, treatments=(surgery(0),), last_contact_on=on(1200)))
    assert found["pfs"].reason.endswith(f"(ses-0800); alive at the last contact on {on(1200)}.")
    assert (found["pfs"].ended_on, found["pfs"].is_event) == (on(800), False)


def test_a_verdict_nobody_signed_neither_ends_nor_prolongs_an_observation():
    unsigned = {"mask_origin": MaskOrigin.AUTOMATIC}
    grown = visit(800, 1300.0, **unsigned)
    found = ends(course(*STABLE[:-1], grown, treatments=(surgery(0),)))["ttp"]
    assert (found.ended_on, found.is_event) == (STABLE[-2].acquired_on, False)
    assert found.reason.endswith(f"; not counted until signed: 1 provisional, the first of progression on {on(800)}.")
    signed = ends(course(*STABLE[:-1], replace(grown, signed_off=True), treatments=(surgery(0),)))["ttp"]
    assert (signed.ended_on, signed.is_event) == (on(800), True)
    assert "provisional" not in signed.reason


def test_surgery_after_growth_that_nobody_signed_is_an_event():
    grown = visit(800, 1300.0, mask_origin=MaskOrigin.AUTOMATIC)
    found = ends(course(*STABLE[:-1], grown, treatments=(surgery(0), surgery(830))))["ttp"]
    assert (found.ended_on, found.is_event) == (on(830), True)
    assert "another surgery for growth" in found.reason


def test_a_new_lesion_elsewhere_competes_with_local_control():
    found = ends(course(visit(95, 800.0), visit(400, 820.0, new_lesion=True), treatments=(surgery(0),)))
    assert found["pfs"].is_event
    local = found["local_control"]
    assert (local.ended_on, local.is_event, local.is_competing) == (on(400), False, True)
    assert "a new lesion elsewhere" in local.reason


def test_growth_in_the_bed_ends_local_control():
    local = ends(course(visit(95, 800.0), visit(400, 1300.0), treatments=(surgery(0),)))["local_control"]
    assert (local.ended_on, local.is_event, local.is_competing) == (on(400), True, False)


def test_local_control_after_radiotherapy_alone_counts_from_its_end():
    seen = (visit(0, 800.0), visit(200, 800.0), visit(600, 1300.0))
    found = ends(course(*seen, treatments=(radiotherapy(10, 50),)))["local_control"]
    assert (found.time_zero_on, found.reason.split(" on ")[0]) == (on(50), "From the end of radiotherapy")
    open_end = ends(course(*seen, treatments=(radiotherapy(10),)))["local_control"]
    assert (open_end.time_zero_on, open_end.reason.split(" on ")[0]) == (on(10), "From the start of radiotherapy")
    assert "local_control" not in ends(course(*seen))


def test_a_new_therapy_can_be_counted_as_the_event():
    patient = course(visit(95, 800.0), visit(400, 820.0), treatments=(surgery(0), radiotherapy(450, 490)))
    (found,) = of_course(patient, judge(patient, RULES), (replace(OUTCOMES[0], new_therapy=Role.EVENT),))
    assert (found.ended_on, found.is_event) == (on(450), True)
    assert found.reason.endswith("to radiotherapy began on 2021-03-26 without progression.")


def test_every_outcome_has_its_own_name_and_a_source():
    assert len({rule.endpoint_id for rule in OUTCOMES}) == len(OUTCOMES)
    assert all(rule.source and rule.title for rule in OUTCOMES)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((visit(95, 800.0), visit(400, 820.0), visit(800, 1300.0)), (400.0, 800.0)),
        ((visit(95, 800.0), visit(400, None), visit(800, 1300.0)), (95.0, 800.0)),
        ((visit(95, 800.0), visit(400, 820.0), visit(800, None)), (400.0, float("inf"))),
    ],
)
def test_the_true_time_lies_between_two_adequate_scans(seen, expected):
    patient = course(*seen, treatments=(surgery(0),))
    assert interval_days(ends(patient)["ttp"], judge(patient, RULES)) == expected


def test_progression_that_the_error_of_all_scans_may_explain_is_no_event_under_any_criteria():
    published = criteria_files.load("rano2_vol")
    noisy = [visit(day, volume, volume_cv=0.2) for day, volume in ((0, 1000.0), (365, 1010.0), (730, 1430.0))]
    judged = judge(course(*noisy), published)
    assert (judged[-1].category, judged[-1].display_state) == ("PD", "possible_growth")
    found = {one.endpoint_id: one for one in of_course(course(*noisy), judged)}["ttp"]
    assert (found.is_event, found.ended_on) == (False, on(730))
    assert (
        "possible progression on 2021-12-31 is less than its series can call a change; censored there" in found.reason
    )
    grown = course(*noisy, visit(1095, 3000.0, volume_cv=0.2))
    later = {one.endpoint_id: one for one in of_course(grown, judge(grown, published))}["ttp"]
    assert (later.is_event, later.ended_on) == (True, on(1095))
    assert interval_days(later, judge(grown, published)) == (365.0, 1095.0)


def test_where_no_error_is_known_the_published_rule_counts_and_says_so():
    published = criteria_files.load("recist_1_1")
    sizes = [visit(day, None, longest_mm=mm) for day, mm in ((0, 40.0), (365, 41.0), (730, 60.0))]
    found = {one.endpoint_id: one for one in of_course(course(*sizes), judge(course(*sizes), published))}["ttp"]
    assert (found.is_event, found.ended_on) == (True, on(730))
    assert "its measurement error not known" in found.reason
