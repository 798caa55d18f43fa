"""Small curves, courses and bars of many patients show what the rule compares, as the timeline of one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.cohort import courses
from dashboard.cohort.patients_table import AS_DRAWN
from dashboard.patient import course, judged_volumes
from dashboard.shell import page as frame
from pipeline.core import records
from pipeline.judge import course_text
from pipeline.run.run_settings import RunSettings
from pipeline.run.study_run import run
from pipeline.store import publish, reader
from pipeline.study.import_numbers import import_table
from tests.dashboard.app_pages.test_pages import opened, text_of
from tests.factories import ADAPTED, course_of_growing, tiny_store

NEW_MM3 = 900.0
AS_OF = date(2026, 1, 31)


@pytest.fixture
def with_new_tumour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny store, in which most of what is seen last of sub-01 is a new tumour of her syndrome."""
    patient = course_of_growing()
    last = replace(patient.visits[-1], new_tumour_mm3=NEW_MM3)
    stored = course_text.to_text(replace(patient, syndrome="VHL", visits=(*patient.visits[:-1], last)))
    store = [_with_new(row, stored) for row in tiny_store()]
    publish.publish(tmp_path, store)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path))
    return tmp_path


def _with_new(row: Any, stored: str) -> Any:
    if isinstance(row, records.StoredCourse):
        return replace(row, course=stored)
    is_last = isinstance(row, records.Assessment) and (row.patient_id, row.session_id) == ("sub-01", "ses-05")
    return replace(row, left_out_mm3=NEW_MM3) if is_last else row


def test_what_the_rule_leaves_out_is_left_out_of_courses_and_best_changes(with_new_tumour: Path) -> None:
    judged = judged_volumes.of_everybody(ADAPTED).set_index("session_id")["judged_mm3"]
    assert judged.to_dict() == {"ses-02": 1000.0, "ses-03": 800.0, "ses-04": 900.0, "ses-05": 500.0}
    ratios = courses.courses(ADAPTED, "tumour", pd.Series(["sub-01"])).scans()
    assert ratios["baseline_ratio"].tolist() == [1.0, 0.8, 0.9, 0.5], "not ×1.4, beyond a line that is of the rest"
    assert ratios["change_from_baseline_percent"].tolist() == pytest.approx([0, -20, -10, -50])
    exported = reader.table(reader.database_path(with_new_tumour), "cohort")
    exported = exported[exported["criteria_id"] == ADAPTED].set_index("patient_id")
    both = exported[["best_change_percent", "judged_best_change_percent"]]
    assert both.loc["sub-01"].tolist() == pytest.approx([-20, ratios["change_from_baseline_percent"].min()])
    others = both.drop("sub-01").dropna()
    assert len(others) > 1
    assert others["best_change_percent"].tolist() == others["judged_best_change_percent"].tolist()
    which = exported["judged_lesions"].dropna()
    assert which[which == "tumour without new tumours"].index.tolist() == ["sub-01"]
    assert (which.drop("sub-01") == "all tumour").all()


def test_board_and_cohort_say_that_new_tumour_is_left_out_and_keep_it_in_sight(with_new_tumour: Path) -> None:
    del with_new_tumour
    board = text_of(opened("board"))
    assert "solid: what the rule compares, 0.50\u202fmL; dashed: all tumour, new included" in board
    assert board.count("dashed: all tumour") == 2, "the words and the title of one picture, of one patient"
    assert text_of(opened("cohort")).count("New tumours that the rule leaves out are left out here (n = 1).") == 2
    cohort = opened("cohort")
    cohort.session_state["table"] = True
    body = cohort.run().dataframe[0].value.set_index("patient")
    assert body.loc["sub-01", ["best change, %", AS_DRAWN]].tolist() == ["−20", "−50"], (
        "the bar's number stands here too"
    )


def test_where_nothing_is_left_out_nothing_is_said_of_it(tiny: Path) -> None:
    del tiny
    assert judged_volumes.of_everybody(ADAPTED).empty
    assert "dashed: all tumour" not in text_of(opened("board"))
    cohort = opened("cohort")
    cohort.session_state["table"] = True
    assert AS_DRAWN not in cohort.run().dataframe[0].value


def test_a_baseline_of_which_nothing_is_judged_gives_no_ratio() -> None:
    volumes = pd.DataFrame({
        "patient_id": ["a", "a", "b"], "session_id": ["1", "2", "1"], "baseline_session_id": ["1", "1", "1"],
        "volume_mm3": [100.0, 200.0, 300.0], "baseline_volume_mm3": [100.0, 100.0, 300.0],
        "baseline_ratio": [1.0, 2.0, 1.0], "change_from_baseline_percent": [0.0, 100.0, 0.0],
        "change_from_baseline_low_percent": [np.nan, 50.0, np.nan],
        "change_from_baseline_high_percent": [np.nan, 150.0, np.nan],
    })  # fmt: skip
    judged = pd.DataFrame({"patient_id": ["a", "a"], "session_id": ["1", "2"], "judged_mm3": [0.0, 50.0]})
    assert courses.as_judged(volumes, judged)["patient_id"].tolist() == ["b"]
    judged = judged.assign(judged_mm3=[100.0, 50.0])
    second = courses.as_judged(volumes, judged).iloc[1]
    assert (second["baseline_ratio"], second["volume_mm3"]) == (0.5, 50.0)
    assert np.isnan(second["change_from_baseline_low_percent"]), "an interval of all tumour is none of a part of it"


def test_the_lines_beside_the_curve_are_of_what_the_curve_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = ((2020, "L1", 1000, ""), (2021, "L1", 700, ""), (2021, "L2", 400, "yes"), (2022, "L1", 650, ""))
    lines = [f"p1,{year}-01-01,tumour,{name},{size},0.05,NF2,{new}" for year, name, size, new in sizes]
    head = "patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,syndrome,new_lesion"
    (tmp_path / "v.csv").write_text("\n".join([head, *lines, "p1,2022-01-01,tumour,L2,900,0.05,NF2,\n"]))
    import_table(tmp_path / "v.csv", None, tmp_path / "study", AS_OF)
    finished = datetime(2026, 1, 31)  # noqa: DTZ001  # the store keeps UTC without a zone
    run(RunSettings(tmp_path / "study", tmp_path / "out", ADAPTED, None, 1, AS_OF, finished), lambda *_: None)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    drawn = course.levels("sub-p1", frame.study())
    assert [round(line.volume_mm3) for line in drawn] == [1000, 650, 910], "a nadir of 1550 would be of all tumour"
    assert drawn[1].text.startswith("nadir 0.65"), drawn[1]
