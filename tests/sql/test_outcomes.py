"""Queries of outcomes, growth and agreement hold what the domain computes from the same course. About four seconds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.cohort.agreement import Rating, panel
from pipeline.cohort.cohort_growth import GrowthScan, by_histology
from pipeline.cohort.interval_censoring import turnbull
from pipeline.core import records
from pipeline.core.vocabulary import PatientCourse
from pipeline.judge import criteria_files, endpoints
from pipeline.judge.response import judge
from pipeline.run.steps.judge_course import judge_course
from pipeline.store import publish, reader
from tests.factories import SHA, measured
from tests.judge.course_maker import course, on, surgery, visit

RULES = (criteria_files.load("imsct_adapted_v1"), criteria_files.load("rano2_vol"))
ADAPTED = RULES[0].criteria_id
BY_ID = {
    "sub-01": course(visit(95, 800.0), visit(400, 820.0), visit(800, 1300.0), treatments=(surgery(0),)),
    "sub-02": course(visit(95, 800.0), visit(400, None), visit(700, 1300.0), treatments=(surgery(0),)),
    "sub-03": course(visit(95, 800.0), visit(400, 820.0), visit(900, None), treatments=(surgery(0),)),
    "sub-04": course(visit(95, 800.0), visit(500, 820.0, new_lesion=True), treatments=(surgery(0),)),
    "sub-05": course(visit(95, 800.0), visit(500, 820.0), treatments=(surgery(0),), died_on=on(600)),
    "sub-06": course(visit(95, 500.0), visit(500, 540.0), visit(900, 590.0), treatments=(surgery(0),)),
    "sub-07": course(visit(95, 500.0), visit(500, 500.0), visit(900, 510.0), treatments=(surgery(0),)),
    "sub-08": course(visit(95, 90.0, volume_cv=0.3), visit(500, 130.0, volume_cv=0.3), visit(900, 128.0)),
}


def of_patient(patient_id: str, patient: PatientCourse) -> list[object]:
    named = PatientCourse(patient_id, patient.visits, patient.treatments, died_on=patient.died_on)
    rows: list[object] = [records.Patient(patient_id, histology="ependymoma", centre="North")]
    for seen in patient.visits:
        rows.append(records.Visit(patient_id, seen.session_id, seen.acquired_on, False, "usable"))
        rows += measured(patient_id, seen.session_id, "tumour", seen.volume_mm3, cv=seen.volume_cv)
    return [*rows, *judge_course(named, RULES)]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows: list[object] = [records.Study("judged", True, ADAPTED, SHA)]
    rows += [records.Criteria(r.criteria_id, r.version, r.title, True, "volume", "x", SHA, 1.4, 0.35) for r in RULES]
    for patient_id, patient in BY_ID.items():
        rows += of_patient(patient_id, patient)
    folder = tmp_path_factory.mktemp("judged")
    publish.publish(folder, rows)
    return reader.database_path(folder)


def test_intervals_of_the_store_are_those_of_the_domain(database: Path) -> None:
    frame = reader.query(database, "cohort_interval", criteria_id=ADAPTED, endpoint_id="ttp").set_index("patient_id")
    for patient_id, patient in BY_ID.items():
        assessments = judge(patient, RULES[0])
        (found,) = (e for e in endpoints.of_course(patient, assessments) if e.endpoint_id == "ttp")
        low, high = endpoints.interval_days(found, assessments)
        assert frame.loc[patient_id, "after_days"] == low
        assert frame["until_days"].fillna(float("inf"))[patient_id] == high
    assert turnbull(frame["after_days"], frame["until_days"].fillna(float("inf"))).event_count == 3


def test_competing_events_of_the_store_are_those_of_the_domain(database: Path) -> None:
    parameters = {"criteria_id": ADAPTED, "endpoint_id": "local_control"}
    frame = reader.query(database, "cohort_outcome", **parameters).set_index("patient_id")
    for patient_id, patient in BY_ID.items():
        found = [e for e in endpoints.of_course(patient, judge(patient, RULES[0])) if e.endpoint_id == "local_control"]
        assert [(e.is_event, e.is_competing) for e in found] == [
            (bool(row["is_event"]), bool(row["is_competing"])) for _, row in frame[frame.index == patient_id].iterrows()
        ]
    assert frame.index[frame["is_competing"]].tolist() == ["sub-04", "sub-05"]


def test_death_competes_with_progression_where_it_only_censors_the_time_to_it(database: Path) -> None:
    frames = {
        name: reader.query(database, "cohort_outcome", criteria_id=ADAPTED, endpoint_id=name).set_index("patient_id")
        for name in ("ttp", "progression", "pfs")
    }
    both, censoring = frames["progression"], frames["ttp"]
    assert both["is_event"].equals(censoring["is_event"])
    assert not censoring["is_competing"].any()
    assert both.index[both["is_competing"]].tolist() == ["sub-05"]
    assert (both.loc["sub-05", "duration_days"], censoring.loc["sub-05", "duration_days"]) == (600, 500)
    assert (both["duration_days"] >= censoring["duration_days"]).all()
    assert both["duration_days"].equals(frames["pfs"]["duration_days"])


def test_who_is_compared_with_a_baseline_enters_on_its_day(database: Path) -> None:
    frame = reader.query(database, "cohort_outcome", criteria_id=ADAPTED, endpoint_id="ttp").set_index("patient_id")
    operated = frame.drop(index="sub-08")
    assert set(operated["entry_days"]) == {95}, "the baseline about three months after surgery, which is time zero"
    assert (operated["entered_on"] == operated["time_zero_on"] + pd.Timedelta(days=95)).all()
    assert frame.loc["sub-08", "entry_days"] == 0, "only watched: its first scan is time zero and baseline"


def test_growth_of_a_cohort_from_the_store(database: Path) -> None:
    frame = reader.query(database, "cohort_growth", criteria_id=ADAPTED)
    scans = [
        GrowthScan(
            row.patient_id, row.histology, row.epoch, row.acquired_on.date(),
            None if pd.isna(row.volume_mm3) else row.volume_mm3, None if pd.isna(row.volume_cv) else row.volume_cv,
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    assert len(scans) == 20
    more = [
        GrowthScan(f"{s.patient_id}-b", s.histology, s.epoch, s.acquired_on, s.volume_mm3, s.volume_cv) for s in scans
    ]
    (found,) = by_histology([*scans, *more]).histologies
    assert (found.patient_count, found.scan_count) == (8, 24)


def test_agreement_of_criteria_from_the_store(database: Path) -> None:
    frame = reader.query(database, "cohort_agreement")
    assert frame["session_id"].eq("ses-0095").sum() == 0
    found = panel(Rating(row.patient_id, row.session_id, row.criteria_id, row.category) for row in frame.itertuples())
    assert found.overall.raters == ("imsct_adapted_v1", "rano2_vol")
    assert found.not_evaluable_count == 2
    assert {d.patient_id for d in found.disagreements} <= set(BY_ID)
