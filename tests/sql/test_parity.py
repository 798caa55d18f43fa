"""What judgement computed and what the views show are the same numbers, on random courses. About 3 s alone."""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.core import records, wording
from pipeline.core.vocabulary import PatientCourse, TreatmentEvent, TreatmentKind, VisitMeasure
from pipeline.judge import criteria_files
from pipeline.judge.clauses import from_json
from pipeline.judge.criteria import Metric, Reference
from pipeline.measure import measurement_error
from pipeline.run.steps.judge_course import judge_course
from pipeline.store import publish, reader, sql_files

PATIENTS = 40
RULES = [rule for rule in criteria_files.load_all() if rule.metric == Metric.VOLUME]


def random_course(source: random.Random, patient_id: str) -> PatientCourse:
    """Visits half a year apart or so; tumour grows, shrinks, vanishes and is not measured now and then."""
    day, volume, visits = date(2010, 1, 1), source.uniform(150, 4000), []
    for number in range(1, source.randint(3, 9)):
        day += timedelta(days=source.randint(100, 400))
        volume *= source.choice([0.3, 0.6, 0.9, 1.0, 1.1, 1.5, 2.0])
        shown = source.choices([volume, 0.0, None], weights=[8, 1, 1])[0]
        visits.append(
            VisitMeasure(
                f"ses-{number:02d}",
                day,
                shown,
                volume_cv=source.choice([0.05, 0.15, None]) if shown else None,
                slices_spanned=6,
                longest_mm=12.0 if shown else None,
                missing_reason="not covered" if shown is None else None,
            )
        )
    surgery = TreatmentEvent(TreatmentKind.SURGERY, day - timedelta(days=600), day - timedelta(days=600))
    return PatientCourse(patient_id, tuple(visits), (surgery,) if source.random() < 0.5 else ())


def records_of(course: PatientCourse) -> list[Any]:
    p = course.patient_id
    found: list[Any] = [records.Patient(p)]
    for visit in course.visits:
        source = "geometric_model" if visit.volume_cv is not None else None
        found += [
            records.Visit(p, visit.session_id, visit.acquired_on, False, "usable"),
            records.Measurement(
                p, visit.session_id, "tumour", "reader1", visit.volume_mm3, visit.volume_cv, source, None,
                visit.slices_spanned, None, None, None, None, visit.missing_reason,
            ),
        ]  # fmt: skip
    return [
        *found,
        *judge_course(course, RULES, measurements=[row for row in found if isinstance(row, records.Measurement)]),
    ]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, folder = random.Random(20), tmp_path_factory.mktemp("parity")
    found: list[Any] = [records.Study("random", True, RULES[0].criteria_id, "0"), *(rule.record() for rule in RULES)]
    for number in range(PATIENTS):
        found += records_of(random_course(source, f"sub-{number:02d}"))
    publish.publish(folder, found)
    return reader.database_path(folder)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.criteria_id)
def test_ratios_and_detection_limits_of_judgement_are_those_shown(
    database: Path, rule: criteria_files.ResponseCriteria
) -> None:
    verdicts = reader.table(database, "assessment").query("criteria_id == @rule.criteria_id")
    shown = reader.table(database, "trajectory").query("criteria_id == @rule.criteria_id")
    both = verdicts.merge(shown, on=["patient_id", "session_id"], suffixes=("", "_shown"), validate="one_to_one")
    assert len(both) == len(verdicts) > 100
    against_baseline = both["category"].isin(["CR", "PR", "MR"])
    if rule.progression.reference == Reference.BASELINE:
        against_baseline |= True
    percent = both["change_from_nadir_percent"].where(~against_baseline, both["change_from_baseline_percent"])
    judged = both["change_ratio"].notna()
    assert judged.sum() > 40
    assert (percent[judged] / 100 + 1).tolist() == pytest.approx(both["change_ratio"][judged].tolist())
    compared = both[~judged & (both["state"] != "baseline")]
    assert percent[compared.index].isna().all()
    limited = both[both["detection_limit_ratio"].notna() & ~against_baseline]
    assert (limited["detection_limit_percent"] / 100 + 1).tolist() == pytest.approx(
        limited["detection_limit_ratio"].tolist()
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.criteria_id)
def test_the_interval_of_a_sentence_is_the_one_of_the_table_and_of_the_board(
    database: Path, rule: criteria_files.ResponseCriteria
) -> None:
    verdicts = reader.table(database, "assessment").query("criteria_id == @rule.criteria_id")
    shown = reader.table(database, "trajectory").query("criteria_id == @rule.criteria_id")
    both = verdicts.merge(shown, on=["patient_id", "session_id"], suffixes=("", "_shown"), validate="one_to_one")
    compared = 0
    for row in both.to_dict("records"):
        main = next((part for part in from_json(row["clauses"]) if part.change), None)
        if main is None or main.low_ratio is None:
            continue
        compared += 1
        ends = [100 * (main.low_ratio - 1), 100 * (main.high_ratio - 1)]
        name = f"change_from_{main.reference}"
        assert [row[f"{name}_low_percent"], row[f"{name}_high_percent"]] == pytest.approx(ends)
        assert [row["judged_change_low_percent"], row["judged_change_high_percent"]] == pytest.approx(ends)
        words = wording.change_interval(*ends)
        assert f"95 % CI by all scans {words}" in row["reason"]
    assert compared > 30
    board = reader.query(database, "board_change", criteria_id=rule.criteria_id).set_index("patient_id")
    by_day = verdicts.sort_values(["acquired_on", "session_id"])
    last = by_day.drop_duplicates("patient_id", keep="last").set_index("patient_id")["judged_change_low_percent"]
    assert board["change_low_percent"].dropna().to_dict() == pytest.approx(last.dropna().to_dict())


CVS = [0.0, 1e-9, 0.02, 0.1, 0.15, 0.7, 2.0]


@pytest.mark.parametrize("cv", CVS)
def test_intervals_of_the_store_are_those_that_judgement_computes_with(cv: float) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute(sql_files.formulas())
        low_mm3, high_mm3 = connection.execute(
            "select volume_low_mm3(1500, $cv), volume_high_mm3(1500, $cv)", {"cv": cv}
        ).fetchall()[0]
    alone = measurement_error.volume_interval(1500.0, cv)
    assert (low_mm3, high_mm3) == pytest.approx((alone.low, alone.high), rel=1e-12)


def test_the_panel_marks_exactly_the_visits_that_the_domain_finds_in_dispute(database: Path) -> None:
    rows = reader.query(database, "cohort_agreement")
    by_visit = rows[rows["category"] != "NE"].groupby(["patient_id", "session_id"])["category"].nunique()
    disputed = {key for key, words in by_visit.items() if words > 1}
    assert disputed
    found, marked = set(), 0
    for patient_id in sorted(rows["patient_id"].unique()):
        shown = reader.query(database, "patient_panel", patient_id=patient_id)
        found |= {(patient_id, session_id) for session_id in shown[shown["is_disputed"]]["session_id"]}
        marked += int(shown["differs_from_default"].sum())
        assert not shown[shown["criteria_id"] == RULES[0].criteria_id]["differs_from_default"].any()
    assert found == disputed
    assert marked > 0
    cohort = reader.query(database, "cohort_panel")
    counts = cohort.drop_duplicates("patient_id").set_index("patient_id")["disputed_visit_count"]
    expected = dict.fromkeys(counts.index, 0)
    for patient_id, _ in disputed:
        expected[patient_id] += 1
    assert counts.to_dict() == expected
    assert len(cohort) == len(counts) * len(RULES)
