"""Where each patient stands: state, cohort, board and what waits for a person. About 6 s alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.core import records
from pipeline.store import reader
from tests.factories import ADAPTED, accepted, judged, measured, usable
from tests.sql.shown import numbers, published, row_of


@pytest.mark.parametrize(
    ("patient_id", "shown", "state", "display", "volume", "change", "session_id"),
    [
        ("sub-01", "PD", "progression", "growth", 1400.0, 75.0, "ses-05"),
        ("sub-02", "PD?", "recurrence", "growth", 150.0, None, "ses-03"),
        ("sub-03", "SD", "residual_stable", "no_change", 820.0, 2.5, "ses-02"),
        ("sub-04", "SD", "baseline", "no_change", 400.0, 0.0, "ses-01"),
        ("sub-05", "NE", "not_evaluable", "not_evaluable", None, None, "ses-03"),
        ("sub-06", "PD?", "progression", "possible_growth", 720.0, 44.0, "ses-02"),
        ("sub-07", "NE", "not_evaluable", "not_evaluable", None, None, None),
    ],
)
def test_patient_state_is_that_of_the_last_judged_visit(  # noqa: PLR0917  # a table of cases
    tiny: Path,
    patient_id: str,
    shown: str,
    state: str,
    display: str,
    volume: float | None,
    change: float | None,
    session_id: str | None,
) -> None:
    row = row_of(reader.table(tiny, "patient_state"), patient_id=patient_id, criteria_id=ADAPTED)
    assert (row["category_shown"], row["state"], row["display_state"]) == (shown, state, display)
    assert (row["tumour_volume_mm3"], row["change_percent"], row["session_id"]) == (volume, change, session_id)


def test_a_patient_nobody_could_judge_is_listed_with_a_reason(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "patient_state"), patient_id="sub-07", criteria_id=ADAPTED)
    assert row["reason"] == "no visit of this patient could be judged"
    assert (row["is_confirmed"], row["last_scan_on"], row["error_count"]) == (False, None, 1)


def test_cohort_joins_covariates_treatment_volumes_and_outcome(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "cohort"), patient_id="sub-01", criteria_id=ADAPTED)
    expected = {
        "histology": "ependymoma",
        "first_surgery_extent": "STR",
        "had_radiotherapy": True,
        "baseline_volume_mm3": 1000.0,
        "last_volume_mm3": 1400.0,
        "last_change_percent": 40.0,
        "best_change_percent": -20.0,
        "state": "progression",
        "duration_days": 1186,  # 2020-01-10 to 2023-04-10: 3 * 365 + 90 + 1 for 29 February 2020
        "is_event": True,
    }
    assert numbers(row, expected) == expected


def test_cohort_leaves_empty_what_nobody_knows(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "cohort"), patient_id="sub-04", criteria_id=ADAPTED)
    names = ("best_change_percent", "first_surgery_on", "duration_days", "is_event", "endpoint_reason")
    assert [row[name] for name in names] == [None] * 5
    assert row["had_radiotherapy"] is False or not row["had_radiotherapy"]


def test_cohort_keeps_the_baseline_when_the_last_visit_is_not_evaluable(tiny: Path) -> None:
    row = row_of(reader.table(tiny, "cohort"), patient_id="sub-05", criteria_id=ADAPTED)
    assert (row["baseline_volume_mm3"], row["last_volume_mm3"]) == (600, None)
    assert row["best_change_percent"] == pytest.approx(100 / 60)


def test_a_new_baseline_after_surgery_starts_a_new_period(tmp_path: Path) -> None:
    p = "sub-01"
    volumes = {"ses-01": 1000.0, "ses-02": 300.0, "ses-03": 200.0, "ses-04": 220.0}
    rows: list[Any] = [
        row for n, s in enumerate(volumes, 2018) for row in usable(p, s, f"{n}-01-01", is_reference=n == 2018)
    ]
    for session, volume in volumes.items():
        rows += measured(p, session, "tumour", volume, cv=0.1)
    database = published(
        tmp_path,
        *rows,
        judged(p, "ses-01", "SD", "baseline", "no_change", against="ses-01 ses-01 -"),
        judged(p, "ses-02", "PR", "response", "shrinkage", against="ses-01 ses-01 ses-01", ratio=0.3),
        judged(p, "ses-03", "SD", "baseline", "no_change", against="ses-03 ses-03 -", epoch=2),
        judged(p, "ses-04", "SD", "residual_stable", "no_change", against="ses-03 ses-03 ses-03", ratio=1.1, epoch=2),
    )
    row = row_of(reader.table(database, "cohort"), patient_id=p, criteria_id=ADAPTED)
    assert row["baseline_volume_mm3"] == 200
    assert row["best_change_percent"] == pytest.approx(10)


@pytest.mark.parametrize(
    ("category", "is_confirmed", "shown"),
    [("PD", True, "PD"), ("PD", False, "PD?"), ("CR", False, "CR?"), ("SD", False, "SD"), ("NE", False, "NE")],
)
def test_a_question_mark_says_that_a_confirming_scan_is_awaited(
    tmp_path: Path, category: str, is_confirmed: bool, shown: str
) -> None:
    verdict = judged("sub-01", "ses-01", category, "progression", "growth")
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        replace(verdict, is_confirmed=is_confirmed),
    )
    assert reader.table(database, "assessment")["category_shown"].tolist() == [shown]


def test_the_worst_alignment_speaks_for_a_visit(tmp_path: Path) -> None:
    visit = usable("sub-01", "ses-02", "2020-01-01")
    aligned = visit[-1]
    assert isinstance(aligned, records.Registration)
    database = published(
        tmp_path,
        *visit,
        replace(aligned, moving_path="second.nii.gz", grade="C"),
        replace(aligned, moving_path="third.nii.gz", grade="B"),
    )
    assert reader.table(database, "visit")["certificate_grade"].tolist() == ["C"]


def test_visits_count_what_lies_behind_them(tiny: Path) -> None:
    frame = reader.table(tiny, "visit")
    failed = row_of(frame, patient_id="sub-05", session_id="ses-03")
    assert (failed["scan_count"], failed["has_manual_mask"], failed["certificate_grade"]) == (1, False, None)
    drawn = row_of(frame, patient_id="sub-05", session_id="ses-02")
    assert (drawn["scan_count"], drawn["has_manual_mask"], drawn["certificate_grade"]) == (1, True, "C")
    automatic = row_of(frame, patient_id="sub-06", session_id="ses-02")
    assert automatic["has_manual_mask"] == False  # noqa: E712  # numpy's False is not Python's


def test_review_lists_what_waits_for_a_person(tiny: Path) -> None:
    frame = reader.table(tiny, "review")
    assert sorted(zip(frame["patient_id"], frame["session_id"], frame["kind"], strict=True)) == [
        ("sub-05", "ses-02", "alignment grade C"),
        ("sub-05", "ses-03", "failed visit"),
        ("sub-06", "ses-01", "unsigned automatic mask"),
        ("sub-06", "ses-02", "unsigned automatic mask"),
        ("sub-06", "ses-03", "undated visit"),
        ("sub-07", "ses-01", "failed visit"),
    ]


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (None, ["unsigned automatic mask"]),
        ("in_force", []),
        ("undone", ["unsigned automatic mask"]),
        ("lapsed", ["decision lapsed", "unsigned automatic mask"]),
    ],
)
def test_an_automatic_mask_waits_until_a_person_accepts_it(
    tmp_path: Path, status: str | None, kinds: list[str]
) -> None:
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        *measured("sub-01", "ses-01", "tumour", 500.0, cv=0.2, origin="automatic"),
        *([accepted("sub-01", "ses-01", status)] if status else []),
    )
    assert sorted(reader.table(database, "review")["kind"]) == kinds


@pytest.mark.parametrize(
    ("patient_id", "rank", "needs_decision"),
    [
        ("sub-02", 1, True),
        ("sub-01", 1, True),
        ("sub-06", 8, True),
        ("sub-05", 10, True),
        ("sub-07", 10, True),
        ("sub-03", 6, True),
        ("sub-04", 14, False),
    ],
)
def test_board_ranks_by_what_is_open(tiny: Path, patient_id: str, rank: int, needs_decision: bool) -> None:
    row = row_of(reader.table(tiny, "board"), patient_id=patient_id, criteria_id=ADAPTED)
    assert (row["urgency_rank"], bool(row["needs_decision"])) == (rank, needs_decision)


@pytest.mark.parametrize(
    ("verdict", "severity", "rank"),
    [
        (judged("sub-01", "ses-01", "PD", "distant", "no_change"), "note", 1),
        (judged("sub-01", "ses-01", "PD", "progression", "no_change"), "note", 2),
        (judged("sub-01", "ses-01", "NE", "context", "not_evaluable"), "note", 14),
        (judged("sub-01", "ses-01", "NE", "not_evaluable", "not_evaluable"), "note", 10),
        (replace(judged("sub-01", "ses-01", "SD", "baseline", "no_change"), is_provisional=True), "error", 12),
        (judged("sub-01", "ses-01", "SD", "residual_stable", "no_change"), "error", 13),
        (judged("sub-01", "ses-01", "CR", "no_evidence_of_disease", "none_seen"), "warning", 14),
    ],
)
def test_board_rank_of_each_kind_of_verdict(
    tmp_path: Path, verdict: records.Assessment, severity: str, rank: int
) -> None:
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        verdict,
        records.Finding("x", severity, "read", None, "sub-01", None, "what", "do"),
    )
    assert reader.table(database, "board")["urgency_rank"].tolist() == [rank]


def test_new_signal_waits_for_a_person_until_the_mask_is_drawn(tmp_path: Path) -> None:
    flag = records.Finding("new_signal", "warning", "run", None, "sub-01", "ses-02", "about 200 mm³", "look")
    place = records.NewSignal("sub-01", "ses-02", 1, "ses-01", 200.0, -2.0, 30.0, 4.0, -1.0, 31.0, 5.0)
    unjudged = judged("sub-01", "ses-02", "NE", "not_evaluable", "not_evaluable")
    database = published(
        tmp_path,
        *usable("sub-01", "ses-01", "2020-01-01", is_reference=True),
        *usable("sub-01", "ses-02", "2021-01-01"),
        unjudged,
        flag,
        place,
    )
    assert reader.table(database, "board")["urgency_rank"].tolist() == [4]
    waiting = reader.table(database, "review").query("kind == 'new signal'")
    assert waiting["detail"].tolist() == ["about 200 mm³"]
    assert str(waiting["acquired_on"].iloc[0])[:10] == "2021-01-01"
    shown = reader.query(database, "patient_new_signal", patient_id="sub-01").iloc[0]
    assert (shown["session_id"], shown["approximate_mm3"], shown["reference_superior_mm"]) == ("ses-02", 200.0, 5.0)
