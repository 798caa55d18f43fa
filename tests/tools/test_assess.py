"""Tables of other software judged without images, and everything that can be wrong with them. A few seconds."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.core.vocabulary import MaskOrigin
from pipeline.errors import InputError
from pipeline.judge import criteria_files
from pipeline.judge.response import judge
from pipeline.measure.measurement_error import boundary_error_mm, geometric_cv
from pipeline.tools import assess
from tests.judge.course_maker import course, on, surgery, visit

AS_OF = date(2026, 1, 31)
DEFAULT = "imsct_adapted_v1"
NOT_BY_THE_CLOCK = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def table(folder: Path, text: str | bytes, name: str = "volumes.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def series(*volumes_mm3: float, cv: str = "0.05") -> str:
    """One patient, a scan each first of January from 2020 on."""
    rows = [f"p1,{2020 + n}-01-01,tumour,{volume!r},{cv}\n" for n, volume in enumerate(volumes_mm3)]
    return "patient_id,date,compartment,volume_mm3,volume_cv\n" + "".join(rows)


def judged(folder: Path, text: str | bytes, treatments: str | None = None, rule: str = DEFAULT) -> assess.JudgedTable:
    given_treatments = table(folder, treatments, "treatments.csv") if treatments is not None else None
    return assess.assess_table(table(folder, text), given_treatments, rule, AS_OF)


def categories(found: assess.JudgedTable) -> list[str]:
    return [row["category"] for row in found.rows]


def codes(found: assess.JudgedTable) -> list[str]:
    return [finding.code for finding in found.findings]


# ---------------------------------------------------------------- thresholds


@pytest.mark.parametrize(
    ("volumes_mm3", "rule", "expected"),
    [
        ((1000, 1399.9), DEFAULT, ["SD", "SD"]),
        ((1000, 1400), DEFAULT, ["SD", "PD"]),
        ((1000, 700, 980), DEFAULT, ["SD", "SD", "PD"]),
        ((100, 199.9), DEFAULT, ["SD", "SD"]),
        ((100, 200), DEFAULT, ["SD", "PD"]),
        ((1000, 350), DEFAULT, ["SD", "PR?"]),
        ((1000, 350.1), DEFAULT, ["SD", "SD"]),
        ((1000, 350, 350), DEFAULT, ["SD", "PR", "PR"]),
        ((1000, 0), DEFAULT, ["SD", "CR?"]),
        ((1000, 0, 0), DEFAULT, ["SD", "CR", "CR"]),
        ((1000, 600), "rano2_vol", ["SD", "SD"]),
        ((1000, 600), "rano_lgg_vol", ["SD", "MR"]),
        ((3000, 3600), "reins_2013", ["SD", "PD"]),
        ((3000, 3599), "reins_2013", ["SD", "SD"]),
    ],
)
def test_a_table_is_judged_at_the_thresholds_as_the_rules_say(
    tmp_path: Path, volumes_mm3: tuple[float, ...], rule: str, expected: list[str]
) -> None:
    assert categories(judged(tmp_path, series(*volumes_mm3), rule=rule)) == expected


@pytest.mark.parametrize("rule", criteria_files.names())
def test_a_table_is_judged_exactly_as_a_study(tmp_path: Path, rule: str) -> None:
    days, volumes_mm3 = (0, 100, 300, 500, 900), (3000.0, 800.0, 700.0, 990.0, 1800.0)
    rows = "".join(f"p1;{on(d)};tumour;{v / 1000};0.05\n" for d, v in zip(days, volumes_mm3, strict=True))
    treatments = f"patient_id\tdate\tkind\textent\np1\t{on(10)}\tsurgery\tSTR\n"
    found = judged(tmp_path, "patient_id;date;compartment;volume_ml;volume_cv\n" + rows, treatments, rule)
    visits = [visit(day, volume) for day, volume in zip(days, volumes_mm3, strict=True)]
    expected = judge(course(*visits, treatments=(surgery(10, "STR"),)), criteria_files.load(rule))
    assert categories(found) == [f"{one.category}{'' if one.confirmed else '?'}" for one in expected]
    assert [row["reason"] for row in found.rows] == [one.reason for one in expected]


def test_the_reference_days_and_the_interval_are_given(tmp_path: Path) -> None:
    last = judged(tmp_path, series(1000, 800, 1200)).rows[-1]
    assert (last["baseline_date"], last["nadir_date"]) == ("2020-01-01", "2021-01-01")
    # by all three scans, so a little otherwise than 1.5 times or divided by exp(1.96 * sqrt(2) * 0.05): 30.6 to 72.3
    assert last["change_percent"] == 50.0
    assert 26 < last["change_low_percent"] < 31
    assert 69 < last["change_high_percent"] < 73
    assert f"95 % CI by all scans +{last['change_low_percent']:.0f} to" in last["reason"]


def test_without_an_error_the_geometric_model_of_a_mask_by_hand_speaks_and_says_so(tmp_path: Path) -> None:
    text = "patient_id,date,volume_mm3,slices_spanned,histology\np1,2020-01-01,1000,3,astrocytoma\n"
    (row,) = judged(tmp_path, text).rows
    boundary_mm = boundary_error_mm(MaskOrigin.MANUAL, "astrocytoma")
    expected = geometric_cv(1000.0, boundary_mm, slices_spanned=3, plane="sagittal")
    assert (row["volume_cv"], row["cv_source"]) == (pytest.approx(expected, abs=1e-4), "geometric_model")


def test_a_small_tumour_without_error_is_not_called_progression_within_it(tmp_path: Path) -> None:
    text = "patient_id,date,volume_mm3\np1,2020-01-01,250\np1,2021-01-01,400\n"
    found = judged(tmp_path, text)
    assert (found.rows[1]["category"], found.rows[1]["display_state"]) == ("SD", "possible_growth")


@pytest.mark.parametrize(
    ("columns", "cells", "rule", "expected"),
    [
        ("product_mm2", [("100",), ("124.9",)], "rano2_2d", "SD"),
        ("product_mm2", [("100",), ("125",)], "rano2_2d", "PD"),
        ("long_mm,perpendicular_mm", [("20", "10"), ("25", "10")], "rano2_2d", "PD"),
        ("long_mm,perpendicular_mm", [("20", "10"), ("20", "5")], "rano2_2d", "PR?"),
        ("longest_mm", [("30",), ("36",)], "recist_1_1", "PD"),
        ("longest_mm", [("30",), ("21",)], "recist_1_1", "PR?"),
        ("longest_mm", [("30",), ("0",)], "recist_1_1", "CR?"),
        ("longest_mm", [("30",), ("36",)], DEFAULT, "NE"),
    ],
)
def test_diameters_are_judged_by_the_criteria_that_compare_them(
    tmp_path: Path, columns: str, cells: list[tuple[str, ...]], rule: str, expected: str
) -> None:
    rows = [f"p1,{2020 + n}-01-01,{','.join(one)}\n" for n, one in enumerate(cells)]
    assert categories(judged(tmp_path, f"patient_id,date,{columns}\n{''.join(rows)}", rule=rule))[1] == expected


@settings(max_examples=40, deadline=None, suppress_health_check=NOT_BY_THE_CLOCK)
@given(st.lists(st.floats(0.02, 50).map(lambda ml: round(ml, 4)), min_size=1, max_size=5))
def test_millilitres_and_cubic_millimetres_are_judged_alike(tmp_path: Path, volumes_ml: list[float]) -> None:
    in_mm3 = series(*(1000 * volume for volume in volumes_ml))
    in_ml = series(*volumes_ml).replace("volume_mm3", "volume_ml")
    one, other = judged(tmp_path, in_mm3), judged(tmp_path, in_ml)
    assert categories(one) == categories(other)
    assert [row["volume_mm3"] for row in one.rows] == pytest.approx([row["volume_mm3"] for row in other.rows])


@settings(max_examples=30, deadline=None, suppress_health_check=NOT_BY_THE_CLOCK)
@given(st.permutations(series(1000, 600, 900, 200, 0).splitlines()[1:]))
def test_the_order_of_rows_does_not_matter(tmp_path: Path, rows: list[str]) -> None:
    header = series(1000).splitlines()[0]
    assert categories(judged(tmp_path, "\n".join([header, *rows]))) == ["SD", "SD", "PD", "PR", "CR?"]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("words", "treatments", "expected"),
    [
        ("SD PR", "", "SD PR?"),
        ("SD PR PR", "", "SD PR PR"),
        ("SD CR PR", "", "SD CR? PR?"),
        ("SD PR NE PR", "", "SD PR NE PR"),
        ("SD PR SD", "", "SD PR? SD"),
        ("SD PD", "", "SD PD"),
        ("PD SD", "2019-12-20,radiotherapy,2019-12-30", "SD SD"),
        ("PD PD", "2019-12-20,radiotherapy,2019-12-30", "PD PD"),
        ("PD", "2019-12-20,radiotherapy,2019-12-30", "PD?"),
        ("PR PR", "2020-06-01,surgery,", "PR? PR?"),
    ],
)
def test_words_of_a_reader_are_only_confirmed(tmp_path: Path, words: str, treatments: str, expected: str) -> None:
    rows = "".join(f"p1,{2020 + n}-01-01,{word}\n" for n, word in enumerate(words.split()))
    given_rows = f"patient_id,date,kind,end_date\n{f'p1,{treatments}' if treatments else ''}\n"
    found = judged(tmp_path, f"patient_id,date,response\n{rows}", given_rows)
    assert categories(found) == expected.split()
    assert {row["change_percent"] for row in found.rows} == {None}
    assert all(row["reason"].endswith(".") and "None" not in row["reason"] for row in found.rows)


# ---------------------------------------------------------------- odd tables

GOOD = "patient_id,date,compartment,volume_mm3\np1,2020-01-01,tumour,1000\np1,2021-01-01,tumour,1000\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode("utf-16"),
        GOOD.replace("patient_id", "Participant_ID").replace("tumour", '"Solid tumor"').encode(),
        GOOD.replace("1000\n", "1000,\n").replace("mm3\n", "mm3,note\n").encode(),
    ],
)
def test_a_table_may_be_written_in_many_ways(tmp_path: Path, content: bytes) -> None:
    found = judged(tmp_path, content)
    assert found.findings == ()
    assert [(row["patient_id"], row["category"]) for row in found.rows] == [("p1", "SD"), ("p1", "SD")]


BAD_ROWS: list[tuple[str, list[str], list[str], str]] = [
    # row, findings, categories of 2020, 2021 and of its own day, words of the message
    ("p1,2022-01-01,tumour,-5", ["number_malformed"], ["SD", "SD", "NE"], "line 4: expected a number from 0"),
    ("p1,2022-01-01,tumour,inf", ["number_malformed"], ["SD", "SD", "NE"], "found 'inf'"),
    ("p1,2022-01-01,tumour,2e9", ["number_malformed"], ["SD", "SD", "NE"], "found '2e9'"),
    ("p1,2022-01-01,tumour,1e-320", ["number_malformed"], ["SD", "SD", "NE"], "found '1e-320'"),
    ("p1,2022-01-01,tumour,0.0000009", ["number_malformed"], ["SD", "SD", "NE"], "found '0.0000009'"),
    ('p1,2022-01-01,tumour,"1,5"', ["number_malformed"], ["SD", "SD", "NE"], "found '1,5'"),
    ("p1,2022-01-01,tumour,1,5", ["row_long"], ["SD", "SD"], "expected 4 cells, found 5"),
    ("p1,2022-01-01,tumour,n/a", [], ["SD", "SD", "NE"], ""),
    ("p1,2022-01-01,tumour", ["row_short"], ["SD", "SD", "NE"], "expected 4 cells, found 3"),
    ("p1,01.02.2022,tumour,1000", ["date_malformed"], ["SD", "SD", "SD"], "YYYY-MM-DD"),
    ("p1,2022-02-30,tumour,1000", ["date_malformed"], ["SD", "SD", "SD"], "found '2022-02-30'"),
    ("p1,2099-01-01,tumour,1000", ["date_future"], ["SD", "SD"], "expected date up to 2026-01-31"),
    ("p1,,tumour,1000", ["row_incomplete"], ["SD", "SD", "SD"], "found no date"),
    ("p1,,cyst,1000", ["row_incomplete"], ["SD", "SD"], "found no date"),
    (",2022-01-01,tumour,1000", ["row_incomplete"], ["SD", "SD"], "found no participant_id"),
    ("p1,2022-01-01,lesion,1000", ["compartment_unknown"], ["SD", "SD", "NE"], "found 'lesion'"),
    ("p1,2022-01-01,,1000", ["row_incomplete"], ["SD", "SD", "NE"], "expected a compartment"),
    ("p1,2021-01-01,tumour,1000", ["row_repeated"], ["SD", "SD"], "found line 3 again"),
    ("p1,2021-01-01,tumour,1001", ["rows_differ"], ["SD", "NE"], "found line 3 too"),
    ("sub-p1,2022-01-01,tumour,1000", [], ["SD", "SD", "SD"], ""),
    ("p1,2022-01-01,cyst,1000", [], ["SD", "SD", "NE"], ""),
]


def test_rows_of_sizes_in_no_verdict_are_counted(tmp_path: Path) -> None:
    assert judged(tmp_path, GOOD).lost_rows == 0
    rows = "p1,2022-01-01,tumour,1,5\n,2022-01-01,tumour,900\np1,2099-01-01,tumour,900\np1,2022-02-01,tumour,x\n"
    assert judged(tmp_path, GOOD + rows).lost_rows == 3


@pytest.mark.parametrize("day", ["", "01.02.2020", "2020-02-30"])
def test_a_scan_of_an_unreadable_day_may_have_been_the_smallest(tmp_path: Path, day: str) -> None:
    found = judged(tmp_path, GOOD + f"p1,{day},tumour,500\n")
    assert categories(found) == ["SD", "SD", "NE"]  # its own, 2020 and 2021: progression if it came first
    assert found.undecided_count == 1
    assert "the scan without a readable date" in next(row["reason"] for row in found.rows if row["category"] == "NE")


@pytest.mark.parametrize(("row", "expected", "verdicts", "words"), BAD_ROWS)
def test_a_bad_row_is_named_by_its_line_and_the_good_ones_survive(
    tmp_path: Path, row: str, expected: list[str], verdicts: list[str], words: str
) -> None:
    found = judged(tmp_path, GOOD + row + "\n")
    assert codes(found) == expected
    assert categories(found) == verdicts
    assert all("volumes.csv line 4" in finding.message and words in finding.message for finding in found.findings)


@pytest.mark.parametrize(
    ("columns", "cells", "code"),
    [
        ("volume_mm3,volume_cv", "1000,12", "number_malformed"),
        ("volume_mm3,volume_cv", "1000,0", "number_malformed"),
        ("volume_mm3,volume_cv", "1000,1", "number_malformed"),
        ("volume_mm3,volume_ml", "1000,2", "cells_differ"),
        ("volume_mm3,longest_mm", "0,12", "cells_differ"),
        ("volume_mm3,product_mm2,long_mm,perpendicular_mm", "1000,100,20,10", "cells_differ"),
    ],
)
def test_cells_that_cannot_both_be_true_give_no_number(tmp_path: Path, columns: str, cells: str, code: str) -> None:
    found = judged(tmp_path, f"patient_id,date,{columns}\np1,2020-01-01,{cells}\n")
    assert codes(found) == [code]
    assert categories(found) == ["NE"]
    assert "line 2" in found.rows[0]["reason"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "table_empty"),
        ("patient_id,date\np1,2020-01-01\n", "column_missing"),
        ("patient_id,volume_mm3\np1,1000\n", "column_missing"),
        ("patient_id,date,long_mm\np1,2020-01-01,10\n", "column_missing"),
        ("patient_id,date,volume_mm3,response\np1,2020-01-01,10,SD\n", "column_repeated"),
        ("patient_id date volume_mm3\np1 2020-01-01 10\n", "table_delimiter"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, text: str, code: str) -> None:
    found = judged(tmp_path, text)
    assert code in codes(found)
    assert found.rows == ()
    with pytest.raises(InputError, match="nothing could be judged"):
        assess.write_judged(found, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_mistaken_unit_is_suspected_aloud(tmp_path: Path) -> None:
    assert codes(judged(tmp_path, series(1.0, 1.4))) == ["unit_suspect"]
    assert codes(judged(tmp_path, series(50, 70).replace("volume_mm3", "volume_ml"))) == []
    assert codes(judged(tmp_path, series(900, 950).replace("volume_mm3", "volume_ml"))) == ["unit_suspect"]


def test_treatments_of_unknown_patients_and_bad_ones_are_named(tmp_path: Path) -> None:
    treatments = "patient_id,date,kind\np1,2020-06-01,surgery\np2,2020-06-01,surgery\np1,2020-06-02,prayer\n"
    found = judged(tmp_path, series(1000, 1000), treatments)
    assert codes(found) == ["row_unknown_patient", "treatment_unknown"]
    assert [row["state"] for row in found.rows] == ["baseline", "not_evaluable"]
    assert found.rows[1]["reason"].startswith("Not evaluable: nobody here knows what 'prayer' of 2020-06-02 was")


# ---------------------------------------------------------------- the command


def run(*arguments: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(commands.app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def test_the_command_writes_what_no_spreadsheet_runs(tmp_path: Path) -> None:
    volumes = table(tmp_path, GOOD.replace("p1", "=HYPERLINK(1)") + "p1,2022-01-01,tumour,x\n")
    target, findings = tmp_path / "out.csv", tmp_path / "odd.csv"
    code, _, said = run("assess", volumes, "-o", target, "--findings", findings, "--as-of", "2026-01-31")
    assert code == 0
    assert "volumes.csv line 4" in said
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(assess.COLUMNS)
    assert [row["patient_id"] for row in rows] == ["'=HYPERLINK(1)"] * 2 + ["p1"]
    assert "number_malformed" in findings.read_text(encoding="utf-8")


def test_all_criteria_make_a_panel(tmp_path: Path) -> None:
    found = judged(tmp_path, GOOD, rule="all")
    assert [row["criteria_id"] for row in found.rows][::2] == list(criteria_files.names())


def test_nothing_judged_is_a_refusal_and_the_findings_are_still_written(tmp_path: Path) -> None:
    volumes = table(tmp_path, GOOD.replace("1000", "-1"))
    with pytest.raises(InputError, match="nothing could be judged"):
        run("assess", volumes, "-o", tmp_path / "out.csv", "--findings", tmp_path / "odd.csv")
    assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "odd.csv").read_text(encoding="utf-8").count("number_malformed") == 2
