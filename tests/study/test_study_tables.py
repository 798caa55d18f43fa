"""The tables of a study folder: what is odd in a cell costs that cell, in a row that row, and is said with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.records import FunctionScore, Treatment
from pipeline.core.vocabulary import ANY_DAY
from pipeline.study.study_folder import StudyFolder
from pipeline.study.study_tables import is_complete, read_table
from pipeline.study.written_dates import parse_date
from tests.study_folder import AS_OF, codes, only_visit, study_of

TREATMENTS = "participant_id\tdate\tkind\tend_date\textent\tdose_gy\tagent\n"
FUNCTION = "participant_id\tdate\tscale_id\tgrade\ttumour_related\n"


def treatments_of(study: StudyFolder) -> tuple[Treatment, ...]:
    (patient,) = study.patients
    return patient.treatments


def scores_of(study: StudyFolder) -> tuple[FunctionScore, ...]:
    (patient,) = study.patients
    return patient.function_scores


# ---------------------------------------------------------------- text


PLAIN = "participant_id\tsex\tage\thistology\nsub-01\tF\t40\tÉpendymome (Köln)\n"


WRITINGS = {
    "plain": PLAIN.encode(),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "CR": PLAIN.replace("\n", "\r").encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "blank lines": ("\n\n" + PLAIN + "\n\t\t\t\n").encode(),
    "spaces": PLAIN.replace("\t", " \t ").encode(),
    "quotes": PLAIN.replace("sub-01", '"sub-01"').encode(),
    "capitals": PLAIN.replace("participant_id", "Participant_ID").encode(),
    "no prefix": PLAIN.replace("sub-01", "01").encode(),
    "extra column": PLAIN.replace("\n", "\tnotes\n", 1).replace("(Köln)\n", "(Köln)\ta\u2028b\n").encode(),
    "no last newline": PLAIN.rstrip("\n").encode(),
}


@pytest.mark.parametrize("content", WRITINGS.values(), ids=WRITINGS.keys())
def test_a_table_may_be_written_in_many_ways(tmp_path: Path, content: bytes) -> None:
    study = study_of(tmp_path, {"participants.tsv": content})
    assert codes(study) == (["column_unread"] if b"notes" in content else [])
    patient = study.patients[0].patient
    assert (patient.sex, patient.age_years, patient.histology) == ("F", 40.0, "Épendymome (Köln)")


@pytest.mark.parametrize(
    ("content", "expected", "words"),
    [
        (b"", "table_empty", "found nothing"),
        (b"\n \n\t\n", "table_empty", "found nothing"),
        (b"participant_id,sex\nsub-01,F\n", "table_delimiter", "found 'participant_id,sex'"),
        (b"participant_id;sex\nsub-01;F\n", "table_delimiter", "expected tabs"),
        (b"participant_id sex\nsub-01 F\n", "table_delimiter", "expected tabs"),
        (b"name\tsex\nsub-01\tF\n", "column_missing", "found no participant_id"),
        (b"participant_id\tcentre\nsub-01\tZ\xfcrich\n", "table_encoding", "expected UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_reported_and_patients_come_from_the_folders(
    tmp_path: Path, content: bytes, expected: str, words: str
) -> None:
    study = study_of(tmp_path, {"participants.tsv": content})
    (found,) = study.findings
    assert found.code == expected
    assert words in found.message
    assert found.message.startswith("participants.tsv")
    assert [patient.patient.patient_id for patient in study.patients] == ["sub-01"]


@pytest.mark.parametrize(
    ("second", "age", "found"), [("41", None, ["columns_differ"]), ("40", 40.0, []), ("n/a", 40.0, [])]
)
def test_a_repeated_column_costs_only_the_cells_that_differ(
    tmp_path: Path, second: str, age: float | None, found: list[str]
) -> None:
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tage\tsex\tage\nsub-01\t40\tF\t{second}\n"})
    assert codes(study) == sorted(["column_repeated", *found])
    assert (study.patients[0].patient.age_years, study.patients[0].patient.sex) == (age, "F")


def test_a_missing_column_is_said_once_and_the_other_cells_are_read(tmp_path: Path) -> None:
    (tmp_path / "any.tsv").write_text("participant_id\tkind\nsub-01\tsurgery\nsub-02\tsurgery\n")
    findings: list = []
    rows = read_table(tmp_path / "any.tsv", tmp_path, ("participant_id", "date", "kind"), findings)
    assert [row.cells["kind"] for row in rows] == ["surgery", "surgery"]
    assert not any(is_complete(row, ("participant_id", "date", "kind"), findings) for row in rows)
    assert [finding.code for finding in findings] == ["column_missing"]


@pytest.mark.parametrize("cell", ["89+", ">89", "> 89"])
def test_an_age_of_which_only_the_lower_end_is_told_is_read(tmp_path: Path, cell: str) -> None:
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tage\nsub-01\t{cell}\n"})
    assert (codes(study), study.patients[0].patient.age_years) == (["age_capped"], 89.0)


@pytest.mark.parametrize(("table_id", "found"), [("sub-1", True), ("1", True), ("001", True), ("sub-2", False)])
def test_an_id_that_lost_its_zeros_is_named_beside_the_one_it_resembles(
    tmp_path: Path, table_id: str, found: bool
) -> None:
    study = study_of(tmp_path, {"treatments.tsv": f"participant_id\tdate\tkind\n{table_id}\t2020-01-01\tsurgery\n"})
    (one,) = study.findings
    assert one.code == "row_unknown_patient"
    assert ("it resembles sub-01" in one.message) == found


@pytest.mark.parametrize("cell", ["n/a", "N/A", "", " ", "nan", "NULL"])
def test_a_missing_cell_is_none_and_no_finding(tmp_path: Path, cell: str) -> None:
    table = f"participant_id\tsex\tage\tsyndrome\nsub-01\t{cell}\t{cell}\tnone\n"
    study = study_of(tmp_path, {"participants.tsv": table})
    assert study.findings == ()
    patient = study.patients[0].patient
    assert (patient.sex, patient.age_years, patient.syndrome) == (None, None, "none")


@given(content=st.binary(max_size=200))
def test_any_bytes_make_a_table_or_findings(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.getbasetemp()
    (root / "any.tsv").write_bytes(content)
    findings: list = []
    rows = read_table(root / "any.tsv", root, ("participant_id",), findings)
    assert all(row.line >= 2 for row in rows)
    assert rows or findings or b"participant_id" in content.lower().replace(b"\0", b"")


# ---------------------------------------------------------------- participants


@pytest.mark.parametrize(
    ("row", "expected", "words"),
    [
        ("sub-01\tx\t40", "word_unknown", "line 2: expected one of m, male, f, female, o, other in sex, found 'x'"),
        ("sub-01\tF\tforty", "number_malformed", "in age, found 'forty'"),
        ("sub-01\tF\t-3", "number_malformed", "found '-3'"),
        ("sub-01\tF\t400", "number_malformed", "expected a number from 0 to 130"),
        ("sub-01\tF\tinf", "number_malformed", "found 'inf'"),
        ("sub-01\tF\t1e999", "number_malformed", "found '1e999'"),
        ("sub-01\tF\t٤٠", "number_malformed", "found '٤٠'"),
        ("sub-01\tF", "row_short", "line 2: expected 3 cells, found 2"),
        ("sub-01\tF\t40\nsub-01\tf\tn/a", "row_repeated", "line 3: expected one row for sub-01"),
        ("sub-01\tF\t40\n\tM\t50", "row_incomplete", "line 3: expected participant_id, found no participant_id"),
        ("sub-01\tF\t40\nsub_2\tM\t50", "row_unknown_patient", "found 'sub_2'"),
        ("sub-01\tF\t40\nsub-02\tM\t50\tmore", "row_long", "line 3: expected 3 cells, found 4"),
    ],
)
def test_an_odd_participants_row_is_one_finding(tmp_path: Path, row: str, expected: str, words: str) -> None:
    study = study_of(tmp_path, {"participants.tsv": f"participant_id\tsex\tage\n{row}\n"})
    (found,) = study.findings
    assert found.code == expected
    assert words in found.message
    patient = study.patients[0].patient
    assert patient.patient_id == "sub-01"
    assert patient.sex in ("F", None)
    assert patient.age_years in (40.0, None)


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize(
    ("rows", "day", "expected"),
    [
        ("ses-01\t2020-02-17T09:30:00\tn/a", date(2020, 2, 17), []),
        ("01\t2020-02-17 09:30:00.123Z\t2020-02-17", date(2020, 2, 17), []),
        ("ses-01\tn/a\tn/a", None, ["visit_undated"]),
        ("ses-01\t2020-02-17\t2020-02-18", None, ["visit_date_conflict", "visit_undated"]),
        ("ses-01\t17.02.2020\tn/a", None, ["date_malformed", "visit_undated"]),
        ("ses-01\t2020-02-30\tn/a", None, ["date_malformed", "visit_undated"]),
        ("ses-01\t2020-02\tn/a", date(2020, 2, 1), ["date_partial"]),
        ("ses-01\t2026-02-01\tn/a", None, ["date_future", "visit_undated"]),
        ("ses-01\t2020-02-17\tn/a\nses-01\t2020-02-17\tn/a", date(2020, 2, 17), ["row_repeated"]),
        (
            "ses-01\t2020-02-17\tn/a\nses-01\t2021-02-17\tn/a",
            None,
            ["row_repeated", "visit_date_conflict", "visit_undated"],
        ),
        ("ses-01\t2020-02-17\tn/a\n\t2021-02-17\tn/a", date(2020, 2, 17), ["row_incomplete"]),
        ("ses-01\t2020-02-17\tn/a\nses_2\t2021-02-17\tn/a", date(2020, 2, 17), ["word_unknown"]),
    ],
)
def test_the_visit_date_is_one_date_or_none(tmp_path: Path, rows: str, day: date | None, expected: list[str]) -> None:
    study = study_of(tmp_path, {"sub-01/sub-01_sessions.tsv": f"session_id\tacq_time\tacq_date\n{rows}\n"})
    assert only_visit(study).acquired_on == day
    assert codes(study) == expected
    assert all((found.patient_id or "sub-01") == "sub-01" for found in study.findings)


@given(st.dates(), st.times(), st.sampled_from(["T", " "]))
def test_a_date_is_read_back_with_and_without_a_time(day: date, time: object, between: str) -> None:
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day.isoformat()}{between}{time}") == day


@given(st.text(max_size=25))
def test_any_text_is_a_date_or_none(text: str) -> None:
    day = parse_date(text)
    assert day is None or text.startswith(day.isoformat())


@pytest.mark.parametrize("text", ["01/02/2020", "2020-2-7", "20200207", "2020-W06-5", "2020-02-07x", "٢٠٢٠-٠٢-٠٧"])
def test_a_date_in_another_style_is_not_guessed(text: str) -> None:
    assert parse_date(text) is None


# ---------------------------------------------------------------- treatments


def test_good_treatment_rows_become_treatments_by_date(tmp_path: Path) -> None:
    rows = "sub-01\t2021-01-10\tradiotherapy\t2021-02-20\t\t50.4\t\n01\t2020-01-08\tSurgery\t\tgtr\t\t\n"
    study = study_of(tmp_path, {"treatments.tsv": TREATMENTS + rows})
    assert study.findings == ()
    assert treatments_of(study) == (
        Treatment("sub-01", date(2020, 1, 8), "surgery", ended_on=date(2020, 1, 8), extent="GTR"),
        Treatment("sub-01", date(2021, 1, 10), "radiotherapy", ended_on=date(2021, 2, 20), dose_gy=50.4),
    )


GOOD = Treatment("sub-01", date(2020, 1, 8), "surgery", ended_on=date(2020, 1, 8), extent="STR")


@pytest.mark.parametrize(
    ("row", "expected", "kept"),
    [
        ("sub-99\t2021-01-08\tsurgery\t\t\t\t", "row_unknown_patient", 1),
        ("Zoë\t2021-01-08\tsurgery\t\t\t\t", "row_unknown_patient", 1),
        ("\t2021-01-08\tsurgery\t\t\t\t", "row_incomplete", 1),
        ("sub-01\t\tsurgery\t\t\t\t", "treatment_unplaced", 2),
        ("sub-01\t2021-01-08\tn/a\t\t\t\t", "treatment_unknown", 2),
        ("sub-01\t8.1.2021\tsurgery\t\t\t\t", "treatment_unplaced", 2),
        ("sub-01\t2021-01\tsurgery\t\t\t\t", "date_partial", 2),
        ("sub-01\t2026-02-01\tsurgery\t\t\t\t", "date_future", 1),
        ("sub-01\t2021-01-08\tsugery\t\t\t\t", "treatment_unknown", 2),
        ("sub-01\t2020-01-08\tsurgery\t\tSTR\t\t", "row_repeated", 1),
        ("sub-01\t2021-01-08\tsurgery\t\tcomplete\t\t", "word_unknown", 2),
        ("sub-01\t2021-01-08\tradiotherapy\t\tGTR\t\t", "word_unknown", 2),
        ("sub-01\t2021-01-08\tradiotherapy\t2021-01-01\t\t\t", "date_order", 2),
        ("sub-01\t2021-01-08\tradiotherapy\t2027-01-01\t\t\t", "date_future", 2),
        ("sub-01\t2021-01-08\tradiotherapy\t\t\t-50\t", "number_malformed", 2),
        ("sub-01\t2021-01-08\tradiotherapy", "row_short", 2),
    ],
)
def test_an_odd_treatment_row_is_one_finding_with_its_line(tmp_path: Path, row: str, expected: str, kept: int) -> None:
    good = "sub-01\t2020-01-08\tsurgery\t\tSTR\t\t\n"
    study = study_of(tmp_path, {"treatments.tsv": f"{TREATMENTS}{good}{row}\n"})
    (found,) = study.findings
    assert found.code == expected
    assert found.message.startswith("treatments.tsv line 3: expected ")
    treatments = treatments_of(study)
    assert len(treatments) == kept
    assert GOOD in treatments
    assert all(t.extent is None and t.dose_gy is None for t in treatments if t != GOOD)


def test_today_is_not_the_future(tmp_path: Path) -> None:
    files = {
        "treatments.tsv": f"{TREATMENTS}sub-01\t{AS_OF}\tsurgery\t\tSTR\t\t\n",
        "function.tsv": f"participant_id\tdate\tscale_id\tgrade\nsub-01\t{AS_OF}\tmmccormick\t2\n",
        "sub-01/sub-01_sessions.tsv": f"session_id\tacq_date\nses-01\t{AS_OF}\n",
    }
    study = study_of(tmp_path, files)
    assert study.findings == ()
    (patient,) = study.patients
    assert patient.treatments[0].started_on == AS_OF
    assert patient.function_scores[0].assessed_on == AS_OF
    assert patient.visits[0].acquired_on == AS_OF


@pytest.mark.parametrize(
    ("written", "kind", "agent"),
    [
        ("Operation", "surgery", None), ("re-OP", "surgery", None), ("Gamma Knife", "radiosurgery", None),
        ("SRS", "radiosurgery", None), ("proton", "radiotherapy", None), ("IMRT 50.4 Gy", "radiotherapy", None),
        ("Temozolomide", "chemotherapy", "Temozolomide"), ("TMZ/CCNU", "chemotherapy", "TMZ/CCNU"),
        ("belzutifan 120 mg", "targeted", "belzutifan 120 mg"),
        ("BRAF + MEK inhibitor", "targeted", "BRAF + MEK inhibitor"),
        ("dabrafenib + trametinib", "targeted", "dabrafenib + trametinib"), ("Avastin", "bevacizumab", "Avastin"),
        ("dexamethasone", "steroid", "dexamethasone"), ("VP shunt", "drainage", None),
        ("surgery and RT", "unknown", None), ("no surgery", "unknown", None), ("radiotherapy refused", "unknown", None),
        ("prayer", "unknown", None),
    ],
)  # fmt: skip
def test_a_kind_is_what_people_write_for_it(tmp_path: Path, written: str, kind: str, agent: str | None) -> None:
    study = study_of(tmp_path, {"treatments.tsv": f"{TREATMENTS}sub-01\t2021-01-08\t{written}\t\t\t\t\n"})
    (treatment,) = treatments_of(study)
    assert (treatment.kind, treatment.agent, treatment.written) == (kind, agent, written)
    assert codes(study) == (["treatment_unknown"] if kind == "unknown" else [])


def test_a_study_may_have_names_of_its_own(tmp_path: Path) -> None:
    rows = "sub-01\t2021-01-08\tKryptotherapie\t\t\t\t\n"
    names = "name\tkind\nkrypto-therapie\tradiotherapy\nrest\tnonsense\n"
    study = study_of(tmp_path, {"treatments.tsv": TREATMENTS + rows, "treatment_names.tsv": names})
    assert treatments_of(study)[0].kind == "radiotherapy"
    assert codes(study) == ["word_unknown"]


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2012", date(2012, 1, 1), date(2012, 12, 31)), ("2012-02", date(2012, 2, 1), date(2012, 2, 29)),
        ("2012-02-xx", date(2012, 2, 1), date(2012, 2, 29)), ("2012-00-00", date(2012, 1, 1), date(2012, 12, 31)),
        ("spring", *ANY_DAY), ("n/a", *ANY_DAY),
        ("2012-13", *ANY_DAY),
    ],
)  # fmt: skip
def test_a_treatment_without_a_whole_date_is_kept_with_the_days_it_may_be(
    tmp_path: Path, written: str, first: date, last: date
) -> None:
    study = study_of(tmp_path, {"treatments.tsv": f"{TREATMENTS}sub-01\t{written}\tsurgery\t\t\t\t\n"})
    (treatment,) = treatments_of(study)
    assert (treatment.started_on, treatment.started_by) == (first, last)
    assert codes(study) == [
        "date_partial" if written.startswith("2012") and written != "2012-13" else "treatment_unplaced"
    ]


def test_two_treatments_of_one_day_are_both_kept(tmp_path: Path) -> None:
    rows = "sub-01\t2020-01-08\tsurgery\t\tSTR\t\t\nsub-01\t2020-01-08\tsteroid\t\t\t\tdexamethasone\n"
    study = study_of(tmp_path, {"treatments.tsv": TREATMENTS + rows})
    assert study.findings == ()
    assert [treatment.kind for treatment in treatments_of(study)] == ["steroid", "surgery"]


def test_a_treatment_of_a_patient_without_images_is_kept(tmp_path: Path) -> None:
    study = study_of(
        tmp_path,
        {
            "participants.tsv": "participant_id\nsub-01\nsub-02\n",
            "treatments.tsv": TREATMENTS + "sub-02\t2020-01-08\tsurgery\t\t\t\t\n",
        },
    )
    assert codes(study) == ["patient_without_images"]
    assert [len(patient.treatments) for patient in study.patients] == [0, 1]


# ---------------------------------------------------------------- function


@pytest.mark.parametrize(
    ("row", "expected", "scores"),
    [
        (
            "sub-01\t2020-03-01\tmccormick\t2\tyes",
            [],
            [FunctionScore("sub-01", date(2020, 3, 1), "mccormick", 2.0, True)],
        ),
        ("sub-01\t2020-03-01\tmjoa\t14.5\t", [], [FunctionScore("sub-01", date(2020, 3, 1), "mjoa", 14.5)]),
        (
            "sub-01\t2020-03-01\tmccormick\tII\tyes",
            [],
            [FunctionScore("sub-01", date(2020, 3, 1), "mccormick", 2, tumour_related=True)],
        ),
        ("sub-01\t2020-03-01\tmccormick\ttwo\tyes", ["number_malformed"], []),
        ("sub-01\t2020-03-01\tmccormick\t\tyes", ["row_incomplete"], []),
        ("sub-01\t2020-03-01\t\t2\tyes", ["row_incomplete"], []),
        ("sub-01\tMarch\tmccormick\t2\tyes", ["date_malformed"], []),
        ("sub-02\t2020-03-01\tmccormick\t2\tyes", ["row_unknown_patient"], []),
        (
            "sub-01\t2020-03-01\tmjoa\t14\tmaybe",
            ["word_unknown"],
            [FunctionScore("sub-01", date(2020, 3, 1), "mjoa", 14)],
        ),
    ],
)
def test_functional_grades_are_read_or_reported(
    tmp_path: Path, row: str, expected: list[str], scores: list[FunctionScore]
) -> None:
    study = study_of(tmp_path, {"function.tsv": f"{FUNCTION}{row}\n"})
    assert codes(study) == expected
    assert list(scores_of(study)) == scores


@pytest.mark.parametrize(
    ("table", "concerned"),
    [
        ("participant_id;date;kind\nsub-01;2019-01-01;surgery\n", True),
        ("participant_id,date,kind\nsub-01,2019-01-01,surgery\n", True),
        ("date\tkind\n2019-01-01\tsurgery\n", True),
        ("participant_id\tdate\tkind\nsub-01\t2019-01-01\tsurgery\tGTR\n", True),
        ("participant_id\tdate\tkind\nsub-1\t2019-01-01\tsurgery\n", True),
        ("participant_id\tdate\tkind\nsub-77\t2019-01-01\tsurgery\n", False),
        ("participant_id\tdate\tkind\n", False),
    ],
    ids=["semicolons", "commas", "no patients", "too long", "lost zero", "somebody else", "nobody"],
)
def test_a_treatment_that_cannot_be_read_is_never_no_treatment(tmp_path: Path, table: str, concerned: bool) -> None:
    patient = study_of(tmp_path, {"treatments.tsv": table}).patients[0]
    kinds = {treatment.kind for treatment in patient.treatments}
    assert kinds == ({"unknown"} if concerned else set())


@pytest.mark.parametrize(("column", "highest", "field"), [("dose_gy", 200, "dose_gy"), ("dose_mg", 1000, "dose_mg")])
def test_a_dose_up_to_the_highest_is_taken_and_a_slip_of_the_pen_is_not(
    tmp_path: Path, column: str, highest: int, field: str
) -> None:
    for dose, is_taken in ((str(highest), True), (f"{highest}.5", False)):
        rows = f"participant_id\tdate\tkind\t{column}\nsub-01\t2020-01-01\tradiotherapy\t{dose}\n"
        study = study_of(tmp_path, {"treatments.tsv": rows})
        assert getattr(treatments_of(study)[0], field) == (highest if is_taken else None)
        assert codes(study) == ([] if is_taken else ["number_malformed"])


def test_an_age_up_to_the_oldest_and_a_grade_up_to_the_highest_are_taken(tmp_path: Path) -> None:
    for age, expected in (("130", 130.0), ("131", None)):
        study = study_of(tmp_path, {"participants.tsv": f"participant_id\tsex\tage\nsub-01\tF\t{age}\n"})
        assert study.patients[0].patient.age_years == expected
    for grade, is_taken in (("1000", True), ("1000.5", False)):
        rows = f"participant_id\tdate\tscale_id\tgrade\nsub-01\t2020-01-01\tour_own_scale\t{grade}\n"
        study = study_of(tmp_path / grade, {"function.tsv": rows})
        assert ("number_malformed" in codes(study)) != is_taken
