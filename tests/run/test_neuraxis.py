"""A form of the whole neuraxis from the table to the verdict, the store and the board. About 20 s."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.run import study_run
from pipeline.run.run_settings import RunSettings
from pipeline.store import reader
from pipeline.study.import_numbers import import_table

CRITERIA = "imsct_adapted_v1"
SIZES = "".join(f"p1,{year}-01-01,tumour,1000,0.05,9\n" for year in (2019, 2020, 2021))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    table, folder = tmp_path / "volumes.csv", tmp_path / "study"
    table.write_text(f"patient_id,date,compartment,volume_mm3,volume_cv,slices_spanned\n{SIZES}", encoding="utf-8")
    import_table(table, None, folder, date(2022, 1, 1))
    return folder


def run(study: Path, *forms: str) -> tuple[Path, int]:
    if forms:
        text = "\n".join(form.replace(" | ", "\t") for form in forms)
        (study / "neuraxis.tsv").write_text(f"{text}\n", encoding="utf-8")
    at = datetime(2022, 1, 1)  # noqa: DTZ001
    settings = RunSettings(study, study.parent / "out", CRITERIA, None, 1, date(2022, 1, 1), at, None)
    done = study_run.run(settings, lambda *_: None)
    return reader.database_path(study.parent / "out"), len(done.computed)


def verdicts(database: Path) -> list[str]:
    rows = reader.query(database, "patient_assessments", patient_id="sub-p1")
    rows = rows[rows["criteria_id"] == CRITERIA].sort_values("acquired_on")
    return rows["category"].tolist()


def questions(database: Path) -> list[str]:
    rows = reader.query(database, "board", criteria_id=CRITERIA)
    return [str(words) for words in rows["open_questions"]]


def test_a_nodule_is_progression_a_reason_on_the_board_and_in_every_table(study: Path) -> None:
    database, _ = run(study)
    assert verdicts(database) == ["SD", "SD", "SD"]
    assert reader.table(database, "neuraxis").empty
    header = "participant_id | date | brain | whole_spine | contrast | spine_nodules"
    database, computed = run(study, header, "p1 | 2021-01-01 | yes | yes | yes | present")
    assert computed == 1, "the form is part of what the patient depends on"
    (row,) = reader.table(database, "neuraxis").to_dict("records")
    assert (row["leptomeningeal"], row["present"]) == ("yes", "nodules in the spinal subarachnoid space")
    assert "linear leptomeningeal enhancement of the spine: not said" in row["missing"]
    assert verdicts(database) == ["SD", "SD", "PD"]
    nodule = "whole neuraxis on 2021-01-01: nodules in the spinal subarachnoid space"
    assert any(nodule in one for one in questions(database))
    assert run(study)[1] == 0


def test_a_form_without_answers_changes_no_verdict_and_lists_what_is_missing(study: Path) -> None:
    database, _ = run(study, "participant_id | date | brain", "p1 | 2021-01-01 | no")
    (row,) = reader.table(database, "neuraxis").to_dict("records")
    assert row["leptomeningeal"] == "not imaged"
    assert pd.isna(row["present"])
    assert row["missing"].startswith("brain not imaged; cervical cord: not said; ")
    assert verdicts(database) == ["SD", "SD", "SD"]
    assert not any("neuraxis" in one for one in questions(database))


def test_hydrocephalus_alone_is_for_the_board_and_no_progression(study: Path) -> None:
    database, _ = run(study, "participant_id | date | hydrocephalus", "p1 | 2021-01-01 | yes")
    assert verdicts(database) == ["SD", "SD", "SD"]
    assert any("whole neuraxis on 2021-01-01: hydrocephalus" in one for one in questions(database))


@pytest.mark.parametrize(
    ("line", "expected", "words"),
    [
        ("p1 | n/a | 2021-02-01 | present", ["SD", "SD", "SD", "PD"], "found 0 for 2021-02-01"),
        ("p1 | n/a | 2020-02-01 | present", ["SD", "SD", "PD", "PD"], "found 0 for 2020-02-01"),
        ("p1 | ses-99 | n/a | present", ["SD", "NE", "NE"], "found 0 for ses-99"),
        ("p1 | n/a | 2021-02-01 | absent", ["SD", "SD", "SD"], "found 0 for 2021-02-01"),
        ("p1 | n/a | 2031-02-01 | present", ["SD", "SD", "SD"], "found 0 for 2031-02-01"),
    ],
)
def test_seeding_that_no_scan_of_a_visit_saw_is_an_event_of_its_own_day(
    study: Path, line: str, expected: list[str], words: str
) -> None:
    database, _ = run(study, "participant_id | session_id | date | spine_nodules", line)
    assert verdicts(database) == expected
    assert any(words in one for one in questions(database))


@pytest.mark.parametrize("syndrome", ["VHL", "NF2", "NF1", "none"])
def test_seeding_is_progression_in_every_syndrome(study: Path, syndrome: str) -> None:
    (study / "participants.tsv").write_text(f"participant_id\tsyndrome\nsub-p1\t{syndrome}\n", encoding="utf-8")
    database, _ = run(study, "participant_id | date | csf_cytology", "p1 | 2021-01-01 | positive")
    assert verdicts(database) == ["SD", "SD", "PD"]


def test_a_word_about_seeding_that_nobody_understands_is_on_the_board_as_it_stands(study: Path) -> None:
    database, _ = run(study, "participant_id | date | spine_nodules", "p1 | 2021-01-01 | 2 new at L3")
    assert any("whole neuraxis not read: " in one and "found '2 new at L3'" in one for one in questions(database))
