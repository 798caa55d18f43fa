"""The same numbers give the same verdicts by every path: assess, and import with a run of the study. 30 seconds."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.judge import criteria_files
from pipeline.run.study_run import RunSettings, run
from pipeline.store import reader
from pipeline.study.import_numbers import import_table
from pipeline.tools import assess
from tests.command import script_beside
from tests.places import SHARED

AS_OF = date(2026, 1, 31)
COLUMNS = (
    "patient_id", "date", "compartment", "volume_mm3", "volume_cv", "slices_spanned", "new_lesion", "leptomeningeal",
    "syndrome", "histology", "enhancing_tumour", "lesion_id",
)  # fmt: skip
VOLUMES = """
watched 2015-01-01 tumour 1000 0.08
watched 2016-01-01 tumour 1600 0.08
watched 2019-06-10 tumour 0
month 2012-03-01 tumour 5000 0.08
month 2012-09-01 tumour 1000 0.08
month 2013-09-01 tumour 1500 0.08
year 2012-03-01 tumour 5000 0.08
year 2012-09-01 tumour 1000 0.08
prayed 2020-01-01 tumour 1000 0.08
prayed 2021-01-01 tumour 300 0.08
undated 2020-01-01 tumour 1000 0.08
undated 2021-01-01 tumour 300 0.08
steroid 2012-04-01 tumour 1000 0.08
steroid 2012-08-01 tumour 300 0.08
steroid 2012-12-01 tumour 310 0.08
negative 2020-01-21 tumour 1000 0.08 - - - VHL_negative
negative 2021-01-26 tumour 1000 0.08 - yes
vhl 2020-01-21 tumour 1000 0.08 - - - von_Hippel-Lindau
vhl 2021-01-26 tumour 1000 0.08 - yes
vhl 2022-01-26 tumour 1000 0.08 - - yes
minor 2020-01-21 tumour 1000 0.08 - - - - astrocytoma no
minor 2021-01-26 tumour 500 0.08
dark 2020-01-21 tumour 1000 0.08
dark 2020-01-21 enhancing 0
dark 2021-01-26 tumour 500 0.08
again 2020-04-01 tumour 0
again 2021-04-01 tumour 150
again 2021-10-01 tumour 260
large 2020-04-01 tumour 0
large 2021-04-01 tumour 5000
worse 2020-04-01 tumour 800 0.08
worse 2021-04-01 tumour 800 0.08
line 2019-04-01 tumour 1000 0.08
line 2021-01-01 tumour 3000 0.08
line 2021-07-01 tumour 900 0.08
unread 2020-01-01 tumour - -
unread 2021-01-01 tumour 900 0.08
byyear 2012 tumour 1000 0.08
byyear 2014 tumour 1500 0.08
bymonth 2019-05 tumour 1000 0.08
bymonth 2019-05-20 tumour 2000 0.08
vague 2020-04-01 tumour 800 0.08
vague 2021-04-01 tumour 800 0.08
clock 2020-01-01 tumour 5000 0.08
clock 2020-02-01T17:00 tumour 900 0.08
many 2020-01-01 tumour 1000 0.05 - - - VHL - - L1
many 2021-01-01 tumour 1010 0.05 - - - - - - L1
many 2021-01-01 tumour 300 0.05 - yes - - - - L2
many 2022-01-01 tumour 1000 - - - - - - - L1
many 2022-01-01 tumour 600 - - - - - - - L2
two 2020-01-01 tumour 1000 0.05 - - - - - - Th5_left
two 2020-01-01 tumour 12 - - - - - - - C2
two 2021-01-01 tumour 400 0.05 - - - - - - Th5_left
two 2022-01-01 tumour 1500 - - - - - - - -
two 2022-01-01 tumour 200 - - - - - - - Th5_left
two 2022-01-01 tumour 1300 - - yes - - - - C2
two 2023 tumour 1500
two 2023 cyst 100
twice 2020-01-01 tumour 1000 0.08
twice 2021-01-01T08:30 tumour 1100 0.08
twice 2021-01-01T08:30 enhancing 500 0.08
twice 2021-01-01T16:10 tumour 1700 0.08
twice 2021-01-01T16:10 enhancing 520 0.08
twice 2022-01-01 tumour 1750 0.08
opday 2020-03-01T08:00 tumour 4000 0.08
opday 2020-03-01T18:00 tumour 400 0.08
opday 2020-07-01 tumour 410 0.08
merged 2020-01-01 tumour 600 0.08 - - - - - - L1
merged 2020-01-01 tumour 500 0.08 - - - - - - L2
merged 2021-01-01 tumour 1100 0.08 - - - - - - L1
merged 2021-01-01 tumour 0 - - - - - - - L2
merged 2022-01-01 tumour 1120 0.08 - - - - - - L1
astray 2013-10-29 tumour 366 - - - - - - - L1
astray 2013-10-29 tumour 82 - - - - - - - L2
astray 2O15-09-29 tumour 825 - - - - - - - L1
astray 2O15-09-29 tumour 114 - - - - - - - L2
astray 2015-12-28 tumour 880 - - - - - - - L1
astray 2015-12-28 tumour 118 - - - - - - - L2
order 2010-11-20 tumour 2971
order 2011-03 tumour 4308
order 2O12-03-19 tumour 6893
order 2012-07-17 tumour 9994
sized 2013-10-29 tumour 366 - - - - - - - L1
sized 2013-10-29 tumour 82 - - - - - - - L2
sized 2O15-09-29 tumour - - - - - - - - L1
sized 2O15-09-29 tumour 84 - - - - - - - L2
sized 2015-12-28 tumour 880 - - - - - - - L1
sized 2015-12-28 tumour 118 - - - - - - - L2
traded 2013-08-01 tumour 194.4 - - - - NF2 - - L1
traded 2013-08-01 tumour 356.9 - - - - - - - L2
traded 2015-08-01 tumour 430.8 - - - - - - - L1
traded 2015-08-01 tumour 236.7 - - - - - - - L2
traded 2O16-09-19 tumour 449.9 - - - - - - - L1
traded 2O16-09-19 tumour 0 - - - - - - - L2
lost 2015-01-01 tumour 1000 0.08
lost 2016-01-01 tumour 1050 0.08
lost 2O17 tumour 400 0.08
kept 2015-01-01 tumour 1000 0.08
kept 2O16 tumour 1020 0.08
kept 2017-01-01 tumour 1050 0.08
turned 2020-01-01 tumour 1000 0.08
turned 2021-01-01 tumour 1500 0.08
drained 2020-01-01 tumour 1000 0.08
drained 2020-07-01 syrinx 600
drained 2021-07-01 tumour 1500 0.08
"""
TREATMENTS = """patient_id,date,kind,extent,end_date,agent,dose_mg
watched,2019-03-01,Resection,GTR,,,
month,2012-05,surgery,STR,,,
year,2012,Operation,STR,,,
prayed,2020-06-01,prayer,,,,
undated,n/a,radiotherapy,,,,
steroid,2012-01-01,surgery,STR,,,
steroid,2012-06-01,dexamethasone,,,,8
again,2020-01-01,surgery,GTR,,,
large,2020-01-01,surgery,GTR,,,
line,2019-01-01,surgery,STR,,,
line,2021-02-01,belzutifan,,2021-08,,
turned,2020-06-01,radiotherapy,,2019-07-01,,
clock,2020-02-01T08:30,surgery,STR,,,
opday,2020-03-01T12:00,surgery,STR,,,
drained,2020-02-01,VP shunt,,,,
"""
FUNCTION = """patient_id,date,scale_id,grade,tumour_related
worse,2020-05-01,mmccormick,1,yes
worse,2020-09-01,mmccormick,2,yes
worse,2021-01-01,mmccormick,2,yes
vague,2020-05,mmccormick,1,yes
vague,2020-09,mmccormick,2,yes
vague,2021-01,mmccormick,2,yes
"""
SHOWN = ("category", "category_then", "state", "state_then", "display_state", "course", "reason", "reason_then")


def _volumes() -> str:
    rows = [line.split() for line in VOLUMES.strip().splitlines()]
    cells = [["" if cell == "-" else cell.replace("_", " ") for cell in row] for row in rows]
    lines = [",".join(row + [""] * (len(COLUMNS) - len(row))) for row in cells]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the verdicts by both paths, one row per patient, day and criteria, in the same order."""
    folder = tmp_path_factory.mktemp("paths")
    paths = [folder / name for name in ("volumes.csv", "treatments.csv", "function.csv")]
    for path, text in zip(paths, (_volumes(), TREATMENTS, FUNCTION), strict=True):
        path.write_text(text, encoding="utf-8")
    volumes, treatments, function = paths
    judged = assess.assess_table(volumes, treatments, assess.ALL_CRITERIA, AS_OF, function)
    one = [
        {"patient": str(r["patient_id"]), "day": f"{r['date']}-01-01"[:10] + _clock(str(r["date"])[10:]), **r}
        for r in judged.rows
        if "unknown day" not in str(r["date"])  # a study has no place for the verdict of a scan without a day
    ]
    study, out = folder / "study", folder / "out"
    import_table(volumes, treatments, study, AS_OF)
    scores = FUNCTION.replace("patient_id", "participant_id").replace(",", "\t")
    scores = scores.replace("worse", "sub-worse").replace("vague", "sub-vague")
    (study / "function.tsv").write_text(scores, encoding="utf-8")
    settings = RunSettings(study, out, "imsct_adapted_v1", None, 1, AS_OF, datetime(2026, 1, 31))  # noqa: DTZ001
    run(settings, lambda *_: None)
    tables = [reader.table(reader.database_path(out), name) for name in ("assessment", "lesion_assessment")]
    stored = [row for table in tables for row in table.to_dict("records")]
    other = [
        {
            **row,
            "patient": row["patient_id"].removeprefix("sub-"),
            "day": str(row["acquired_on"])[:10] + _clock(row["session_id"].removeprefix("ses-imported")[8:]),
            "category": row["category_shown"],
        }
        for row in stored
    ]
    return tuple(sorted(rows, key=_place) for rows in (one, other))


def _clock(written: str) -> str:
    """Return what tells scans of one day apart: their times, written in digits."""
    digits = "".join(letter for letter in written if letter.isdigit())
    return digits if written[:1] in ("T", "t") else ""


def _place(row: dict[str, Any]) -> tuple[str, ...]:
    return row["patient"], row["day"], row["criteria_id"], row.get("lesion_id") or ""


def test_the_best_responses_of_both_paths_are_the_same(answers, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = next(tmp_path_factory.getbasetemp().glob("paths*"))
    judged = assess.assess_table(
        folder / "volumes.csv", folder / "treatments.csv", assess.ALL_CRITERIA, AS_OF, folder / "function.csv"
    )
    stored = reader.table(reader.database_path(folder / "out"), "best_response").to_dict("records")
    names = ("criteria_id", "epoch", "look", "best", "days_to_best", "duration_days", "reason")
    mine = [(str(row["patient_id"]), *(str(row[name]) for name in names)) for row in judged.best_responses]
    theirs = [(row["patient_id"].removeprefix("sub-"), *(_cell(row[name]) for name in names)) for row in stored]
    assert sorted(mine) == sorted(theirs)
    assert len({row[4] for row in mine}) > 4


def _cell(value: Any) -> str:
    """Write a cell of the store as the table has it."""
    if str(value) in ("None", "nan", "NaT", "<NA>"):
        return "None"
    return str(int(value)) if isinstance(value, float) else str(value)


def test_assess_and_a_study_of_the_imported_table_say_the_same(answers) -> None:
    one, other = answers
    days = {tuple(line.split()[:2]) for line in VOLUMES.strip().splitlines() if "O" not in line.split()[1]}
    assert len([row for row in one if row["lesion_id"] is None]) == len(days) * len(criteria_files.names())
    assert len([row for row in one if row["lesion_id"]]) == (3 + 2 + 2 * 4 + 2 * 3 + 2 * 2 + 2 * 2 + 2 * 2) * len(
        criteria_files.names()
    )
    astray = [row["category"] for row in one if row["patient"] == "astray" and row["lesion_id"]]
    assert "NE" in astray, "a lesion of a scan without a day may have been smaller"
    traded = [row for row in one if row["patient"] == "traded" and row["lesion_id"] == "L1"]
    assert {row["category"] for row in traded if row["criteria_id"] == "reins_2013"} == {"NE"}
    sized = [row for row in one if row["patient"] == "sized" and row["lesion_id"] == "L1"]
    assert all("unchanged by what is not known" in row["reason"] for row in sized), "a scan without a size is a scan"
    assert not any("on the same scan" in row["reason"] for row in traded), "with a scan whose day nobody knows"
    for mine, theirs in zip(one, other, strict=True):
        assert _place(mine) == _place(theirs)
        assert {name: mine[name] for name in SHOWN} == {name: theirs[name] for name in SHOWN}


@pytest.mark.parametrize(
    ("patient", "criteria_id", "expected"),
    [
        ("watched", "imsct_adapted_v1", "SD PD SD"),
        ("month", "imsct_adapted_v1", "SD SD PD"),
        ("twice", "imsct_adapted_v1", "SD SD SD PD"),  # the scan of that morning does not show it
        ("opday", "imsct_adapted_v1", "SD NE SD"),
        ("merged", "imsct_adapted_v1", "SD SD NE"),
        ("year", "imsct_adapted_v1", "NE NE"),  # the first scan may lie within 42 days after it
        ("prayed", "imsct_adapted_v1", "SD NE"),
        ("undated", "imsct_adapted_v1", "NE NE"),
        ("steroid", "rano2_vol", "SD SD SD"),
        ("negative", "imsct_adapted_v1", "SD PD"),
        ("vhl", "imsct_adapted_v1", "SD SD PD"),
        ("minor", "rano2_vol", "SD MR"),
        ("dark", "rano2_vol", "SD MR"),
        ("again", "imsct_adapted_v1", "SD PD PD"),
        ("large", "imsct_adapted_v1", "SD PD"),
        ("worse", "imsct_adapted_v1", "SD PD"),
        ("line", "rano2_vol", "SD PD PR?"),
        ("unread", "imsct_adapted_v1", "NE SD"),
        ("byyear", "imsct_adapted_v1", "SD PD"),
        ("lost", "imsct_adapted_v1", "NE NE"),  # the smallest scan may lie before either
        ("kept", "imsct_adapted_v1", "SD SD"),
        ("bymonth", "imsct_adapted_v1", "SD NE"),  # which of the two came first is not known
        ("vague", "imsct_adapted_v1", "SD PD"),
        ("drained", "imsct_adapted_v1", "SD NE PD"),
        ("turned", "imsct_adapted_v1", "NE NE"),  # the start is in doubt as much as the end before it
        ("clock", "imsct_adapted_v1", "SD NE"),  # made after the surgery of that morning: too early to follow from
    ],
)
def test_what_a_table_may_hold_is_judged_as_the_rules_say(
    answers, patient: str, criteria_id: str, expected: str
) -> None:
    rows = [
        row
        for row in answers[0]
        if (row["patient"], row["criteria_id"], row["lesion_id"]) == (patient, criteria_id, None)
    ]
    assert [row["category"] for row in rows] == expected.split()


def test_the_contentious_series_are_judged_as_expected(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="the runner of the series needs PyYAML")
    runner = SHARED / "keys" / "run_course_cases.py"
    if not runner.is_file():
        pytest.skip("the contentious series are not on this machine")
    done = script_beside(runner, tmp_path)
    wrong = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("MISMATCH")}
    assert not wrong, done.stdout
    assert done.returncode == 0, done.stdout
