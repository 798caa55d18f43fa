"""Tables of sizes from other programs: what one row, two rows and a whole table say, at the limits of each rule."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Category, Compartment
from pipeline.measure.imported_sizes import ImportedMeasure
from pipeline.study.own_numbers import VolumeTable, read_volumes
from pipeline.study.own_treatments import read_function_table, read_treatment_table

AS_OF = date(2026, 1, 31)


def table(folder: Path, columns: str, *rows: str) -> tuple[VolumeTable, list[Finding]]:
    path = folder / "sizes.csv"
    path.write_text("\n".join([f"patient_id,date,{columns}", *rows]) + "\n", encoding="utf-8")
    findings: list[Finding] = []
    return read_volumes(path, folder, AS_OF, findings), findings


def measure_of(folder: Path, columns: str, *rows: str) -> tuple[ImportedMeasure, list[str]]:
    found, findings = table(folder, columns, *rows)
    ((measure,),) = (visit.measures for visit in found.visits)
    return measure, [finding.code for finding in findings]


def test_a_row_given_three_times_counts_once_and_each_repetition_is_named(tmp_path: Path) -> None:
    found, findings = table(tmp_path, "volume_mm3", *["p1,2020-01-01,900"] * 3)
    assert [measure.volume_mm3 for visit in found.visits for measure in visit.measures] == [900.0]
    assert [finding.code for finding in findings] == ["row_repeated", "row_repeated"]
    assert [finding.message.count("found line 2 again") for finding in findings] == [1, 1]
    assert found.visits[0].lines == (2, 3, 4)


def test_rows_that_differ_leave_no_volume_and_name_each_other(tmp_path: Path) -> None:
    found, findings = table(tmp_path, "volume_mm3", "p1,2020-01-01,900", "p1,2020-01-01,800", "p1,2020-01-01,900")
    ((measure,),) = (visit.measures for visit in found.visits)
    assert (measure.volume_mm3, measure.missing_reason) == (
        None,
        "lines 2 and 3 and 4 of sizes.csv differ for this visit",
    )
    (differ,) = findings
    assert differ.code == "rows_differ"
    assert "line 4" in differ.message
    assert "found line 2, 3 too" in differ.message


def test_histology_and_syndrome_may_stand_in_any_row_and_where_rows_differ_neither_counts(tmp_path: Path) -> None:
    columns, rows = "volume_mm3,histology,syndrome,enhancing_tumour", ["p1,2020-01-01,900,,,"]
    rows.append("sub-p1,2021-01-01,900,ependymoma,nf2,yes")
    found, odd = table(tmp_path, columns, *rows)
    (patient,) = found.patients.values()
    assert (patient.patient_id, patient.histology, patient.syndrome, patient.is_enhancing) == (
        "p1", "ependymoma", "NF2", True,
    )  # fmt: skip
    assert odd == []
    found, odd = table(tmp_path, columns, *rows, "p1,2022-01-01,900,glioma,vhl,no")
    (patient,) = found.patients.values()
    assert (patient.histology, patient.syndrome, patient.is_enhancing) == (None, "unknown", None)
    assert [one.code for one in odd] == ["person_differs"] * 3
    assert len(found.visits) == 3


@pytest.mark.parametrize(("other", "codes"), [("909", []), ("910.1", ["cells_differ"])])
def test_cells_that_agree_within_their_rounding_are_one_size(tmp_path: Path, other: str, codes: list[str]) -> None:
    measure, found = measure_of(tmp_path, "volume_mm3,volume_ml", f"p1,2020-01-01,{other},0.9")
    assert found == codes
    assert (measure.volume_mm3 is None) == bool(codes)


@pytest.mark.parametrize(("product", "codes"), [("200", []), ("150", ["cells_differ"])])
def test_a_product_is_that_of_its_diameters(tmp_path: Path, product: str, codes: list[str]) -> None:
    measure, found = measure_of(tmp_path, "product_mm2,long_mm,perpendicular_mm", f"p1,2020-01-01,{product},20,10")
    assert found == codes
    assert measure.product_mm2 == (None if codes else 200.0)


@pytest.mark.parametrize(
    ("volume", "longest", "is_refused"),
    [("0", "0", False), ("900", "20", False), ("0", "20", True), ("900", "0", True)],
)
def test_a_volume_and_a_diameter_are_both_nothing_or_both_something(
    tmp_path: Path, volume: str, longest: str, is_refused: bool
) -> None:
    measure, found = measure_of(tmp_path, "volume_mm3,longest_mm", f"p1,2020-01-01,{volume},{longest}")
    assert found == (["cells_differ"] if is_refused else [])
    assert measure.volume_mm3 == (None if is_refused else float(volume))


@pytest.mark.parametrize(("columns", "cells"), [("longest_mm", "0"), ("long_mm,perpendicular_mm", "0,0")])
def test_a_diameter_of_nothing_is_a_volume_of_nothing_and_any_other_gives_none(
    tmp_path: Path, columns: str, cells: str
) -> None:
    assert measure_of(tmp_path, columns, f"p1,2020-01-01,{cells}")[0].volume_mm3 == 0.0
    some = measure_of(tmp_path, columns, f"p1,2020-01-01,{cells.replace('0', '12')}")[0]
    assert (some.volume_mm3, some.missing_reason) == (
        None,
        "the table gives no volume of solid tumour for this visit",
    )


@pytest.mark.parametrize(
    ("cv", "is_used"), [("0.001", True), ("0.999", True), ("0", False), ("1", False), ("12", False)]
)
def test_an_error_is_a_fraction_and_neither_nothing_nor_everything(tmp_path: Path, cv: str, is_used: bool) -> None:
    measure, found = measure_of(tmp_path, "volume_mm3,volume_cv", f"p1,2020-01-01,900,{cv}")
    assert measure.volume_cv == (float(cv) if is_used else None)
    assert found == ([] if is_used else ["number_malformed"])
    assert (measure.volume_mm3 is not None) == is_used, "a volume with an error that nobody understands is not used"


def test_what_a_bad_number_stands_beside_is_still_seen(tmp_path: Path) -> None:
    measure, _ = measure_of(tmp_path, "volume_mm3,new_lesion,leptomeningeal", "p1,2020-01-01,many,yes,no")
    assert (measure.volume_mm3, measure.new_lesion, measure.leptomeningeal) == (None, True, False)
    assert "volume_mm3 could not be used" in str(measure.missing_reason)


def test_thousands_make_a_millilitre_and_slices_are_whole(tmp_path: Path) -> None:
    measure, _ = measure_of(tmp_path, "volume_ml,slices_spanned", "p1,2020-01-01,1.25,4")
    assert (measure.volume_mm3, measure.slices_spanned) == (1250.0, 4)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ("volume_mm3,response", "column_repeated"),
        ("new_lesion", "column_missing"),
        ("long_mm", "column_missing"),
    ],
)
def test_a_table_has_sizes_or_words_and_neither_both_nor_none(tmp_path: Path, columns: str, code: str) -> None:
    found, findings = table(tmp_path, columns, "p1,2020-01-01" + ",1" * (columns.count(",") + 1))
    assert found.visits == ()
    assert [finding.code for finding in findings] == [code]


def test_words_of_two_rows_that_differ_are_no_answer(tmp_path: Path) -> None:
    same, findings = table(tmp_path, "response", "p1,2020-01-01,PD", "p1,2020-01-01,PD")
    assert [(visit.category, findings) for visit in same.visits] == [(Category.PD, [])]
    other, findings = table(tmp_path, "response", "p1,2020-01-01,PD", "p1,2020-01-01,SD", "p1,2021-01-01,CR")
    assert [visit.category for visit in other.visits] == [Category.NE, Category.CR]
    assert [finding.code for finding in findings] == ["rows_differ"]


def test_without_a_column_of_compartments_it_is_solid_tumour_and_with_an_empty_cell_nobody_knows(
    tmp_path: Path,
) -> None:
    assert measure_of(tmp_path, "volume_mm3", "p1,2020-01-01,9")[0].compartment == Compartment.TUMOUR
    found, findings = table(tmp_path, "volume_mm3,compartment", "p1,2020-01-01,9,", "p1,2020-01-01,9,spleen")
    assert [visit.measures for visit in found.visits] == [()]
    assert sorted(finding.code for finding in findings) == ["compartment_unknown", "row_incomplete"]


@pytest.mark.parametrize(
    ("column", "sizes", "is_suspect"),
    [
        ("volume_mm3", (19.9, 5000), False),  # the middle of the two is far above
        ("volume_mm3", (19.9, 19.9), True),
        ("volume_mm3", (20.0, 20.0), False),
        ("volume_ml", (100.0, 100.0), False),
        ("volume_ml", (100.1, 100.1), True),
    ],
)
def test_tumours_of_another_order_of_size_ask_for_their_unit(
    tmp_path: Path, column: str, sizes: tuple[float, ...], is_suspect: bool
) -> None:
    rows = [f"p{number},2020-01-01,{size}" for number, size in enumerate(sizes)]
    assert [f.code for f in table(tmp_path, column, *rows)[1]] == (["unit_suspect"] if is_suspect else [])


def test_cysts_and_empty_tumours_say_nothing_of_the_unit(tmp_path: Path) -> None:
    rows = ("p1,2020-01-01,5,cyst", "p1,2020-01-01,0,tumour", "p1,2021-01-01,900,tumour")
    assert table(tmp_path, "volume_mm3,compartment", *rows)[1] == []


def test_a_row_dated_after_today_is_not_used(tmp_path: Path) -> None:
    found, findings = table(tmp_path, "volume_mm3", "p1,2026-01-31,900", "p1,2026-02-01,900")
    assert [visit.acquired_on for visit in found.visits] == [AS_OF]
    assert len(findings) == 1


def test_treatments_and_grades_of_other_patients_are_said_and_never_dropped_in_silence(tmp_path: Path) -> None:
    sizes, _ = table(tmp_path, "volume_mm3", "sub-p1,2020-01-01,900")
    (tmp_path / "t.csv").write_text(
        "patient_id,date,kind,agent\np1,2021-05-01,radiotherapy,\np1,2020-05-01,,bevacizumab\np9,2020-05-01,surgery,\n"
    )
    findings: list[Finding] = []
    treatments = read_treatment_table(tmp_path / "t.csv", sizes, AS_OF, findings)
    assert [str(one.kind) for one in treatments["sub-p1"]] == ["bevacizumab", "radiotherapy"], "by day"
    assert [finding.code for finding in findings] == ["row_unknown_patient"]
    assert "'p9'" in findings[0].message
    (tmp_path / "f.csv").write_text(
        "patient_id,date,scale_id,grade\np1,2021-05-01,mmccormick,2\np1,2020-05-01,mmccormick,1\np9,2020-05-01,mmccormick,3\n"
    )
    grades = read_function_table(tmp_path / "f.csv", sizes, AS_OF, findings)
    assert [one.grade for one in grades["sub-p1"]] == [1, 2]
    assert [finding.code for finding in findings] == ["row_unknown_patient"] * 2
