"""What people did stands with the verdict as it would be without it, by the same steps. About 20 s alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.core.vocabulary import PartSize, VisitMeasure
from pipeline.journal.decisions import Act, ActKind
from pipeline.judge import criteria_files
from pipeline.run.steps import judge_without
from pipeline.store import reader
from tests.judge.course_maker import course, visit
from tests.run.test_acts import imported, put, run_again, verdicts  # noqa: F401  # the fixture

PINNED = Act(ActKind.PIN_BASELINE, "sub-p1", "ses-imported20210101", reason="the better scan")
EXCLUDED = Act(ActKind.EXCLUDE_VISIT, "sub-p1", "ses-imported20220101", reason="moved")


def effects(out: Path) -> pd.DataFrame:
    return reader.query(reader.database_path(out), "act_effects", criteria_id="imsct_adapted_v1")


@pytest.mark.parametrize("act", [PINNED, EXCLUDED], ids=lambda act: act.kind)
def test_without_an_act_the_verdict_is_the_one_from_before_it(act: Act, imported: tuple[Path, Path]) -> None:  # noqa: F811
    study, out = imported
    before = verdicts(out, "sub-p1").iloc[-1]
    put(out, act)
    run_again(study, out)
    after = verdicts(out, "sub-p1").iloc[-1]
    row = effects(out).iloc[0]
    assert (row["patient_id"], row["act"], row["who"], row["reason"]) == (
        "sub-p1", str(act.kind), "A. Reader", act.reason,
    )  # fmt: skip
    for name in ("category", "state", "display_state", "clauses", "reason"):
        assert row[f"without_{name}"] == before[name]
    assert before["display_state"] != after["display_state"]
    assert not row["is_same"]


def test_an_act_without_effect_on_the_latest_verdict_says_so(imported: tuple[Path, Path]) -> None:  # noqa: F811
    study, out = imported
    put(out, Act(ActKind.PIN_BASELINE, "sub-p2", "ses-imported20200101", reason="it is the first"))
    put(out, Act(ActKind.COMMENT, "sub-p2", reason="nothing to be seen"))
    run_again(study, out)
    rows = effects(out)
    assert list(rows["act"]) == ["pin_baseline"]
    assert bool(rows["is_same"].iloc[0])


def test_where_the_latest_scan_is_excluded_the_last_verdict_stays_in_sight(imported: tuple[Path, Path]) -> None:  # noqa: F811
    study, out = imported
    put(out, EXCLUDED)
    run_again(study, out)
    row = reader.query(
        reader.database_path(out), "patient_header", patient_id="sub-p1", criteria_id="imsct_adapted_v1"
    ).iloc[0]
    assert row["display_state"] == "not_evaluable"
    assert (str(row["last_judged_on"])[:10], row["last_judged_display_state"]) == ("2021-01-01", "growth")


@pytest.mark.parametrize(
    ("act", "compartment", "bears"),
    [
        (ActKind.EXCLUDE_MASK, None, True),
        (ActKind.EXCLUDE_MASK, "enhancing", True),
        (ActKind.CORRECT_MASK, "cyst", True),
        (ActKind.EXCLUDE_MASK, "syrinx", False),
        (ActKind.COMMENT, None, False),
    ],
)
def test_an_act_about_a_cyst_bears_on_a_verdict_and_one_about_a_syrinx_on_none(act, compartment, bears: bool) -> None:
    assert judge_without.bears_on_verdict(SimpleNamespace(act=act, compartment=compartment)) == bears


def work_of(*visits: VisitMeasure) -> Any:
    criteria = (criteria_files.load("imsct_adapted_v1"),)
    return SimpleNamespace(course=course(*visits), plan=SimpleNamespace(criteria=criteria))


def entry(compartment: str) -> Any:
    return SimpleNamespace(entry_id="e1", compartment=compartment)


def test_without_an_excluded_cyst_the_reading_with_the_cyst_is_told() -> None:
    cyst = PartSize(2000.0, 0.05)
    work = work_of(visit(0, 1000.0, cyst=cyst), visit(400, 1010.0, cyst=PartSize(6000.0, 0.05)))
    without = judge_without._latest_readings(work)
    (row,) = judge_without._effects_on_readings(entry("cyst"), {}, without, work)
    assert (row.reading, row.category, row.display_state, row.is_same) == ("solid_and_cyst", "PD", "growth", False)
    (other,) = judge_without._effects_on_readings(entry("cyst"), without, {}, work)
    assert (other.category, other.reason) == ("NE", "Not evaluable: no cyst of the tumour was measured.")
    assert judge_without._effects_on_readings(entry("cyst"), {}, {}, work) == []


def test_without_an_enhancing_mask_the_readings_of_the_parts_are_told_beside_the_verdict() -> None:
    small, grown = (PartSize(mm3, 0.05, slices_spanned=9) for mm3 in (400.0, 900.0))
    first = visit(0, 2000.0, enhancing=small, enhancing_mm3=400.0, contrast="T2w")
    last = visit(400, 2050.0, enhancing=grown, enhancing_mm3=900.0, contrast="T2w")
    work = work_of(first, last)
    now = judge_without._latest_readings(work)
    lost = replace(last, enhancing=PartSize(None, missing_reason="excluded"), enhancing_mm3=None)
    without = judge_without._latest_readings(work_of(first, lost))
    told = judge_without._effects_on_readings(entry("enhancing"), now, without, work)
    assert [(row.reading, row.category, row.is_same) for row in told] == [
        ("enhancing", "NE", False),
        ("mixed", "NE", False),
    ]
    assert {kind: now[kind].category for kind in ("enhancing", "mixed")} == {"enhancing": "PD", "mixed": "PD"}
    same = judge_without._effects_on_readings(entry("enhancing"), now, now, work)
    assert all(row.is_same for row in same)
