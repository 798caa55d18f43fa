"""Rows of treatments, grades and patients at the limit of what each may say. Milliseconds."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.core.records import Finding, Patient
from pipeline.core.vocabulary import ANY_DAY, TreatmentKind
from pipeline.core.written_day import WrittenDay, last_possible
from pipeline.study import clinical
from pipeline.study.study_tables import TableRow

TODAY = date(2024, 5, 6)


def row(line: int = 2, **cells: str | None) -> TableRow:
    return TableRow("t.tsv", line, {"participant_id": "sub-01", **cells})


def codes(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings]


# Words ---------------------------------------------------------------------------------------------------------------


def treatment(**cells: str | None) -> tuple[clinical.Treatment | None, list[str]]:
    findings: list[Finding] = []
    cells = {"date": "2020-03-01", "kind": "chemotherapy", **cells}
    return clinical.treatment_in(row(**cells), "sub-01", TODAY, findings, clinical.packaged()), codes(findings)


@pytest.mark.parametrize(
    ("kind", "end_date", "ended"),
    [
        ("surgery", None, ("2020-03-01", None)), ("surgery", "2020-02-01", ("2020-02-01", None)),
        ("surgery", "soon", ("2020-03-01", None)), ("chemotherapy", None, (None, None)),
        ("chemotherapy", "2020-03-01", ("2020-03-01", None)), ("chemotherapy", "2020-02-29", (None, None)),
        ("chemotherapy", "2020-04", ("2020-04-01", "2020-04-30")),
        ("chemotherapy", "2020-03", ("2020-03-01", "2020-03-31")),
        ("chemotherapy", "2020", ("2020-03-01", "2020-12-31")), ("chemotherapy", "soon", (None, None)),
    ],
)  # fmt: skip
def test_a_treatment_ends_on_or_after_the_day_it_began(
    kind: str, end_date: str | None, ended: tuple[str | None, str | None]
) -> None:
    given, _ = treatment(kind=kind, end_date=end_date)
    assert given is not None
    assert tuple(None if day is None else str(day) for day in (given.ended_on, given.ended_by)) == ended


def test_an_extent_is_said_of_surgery_alone() -> None:
    operated, none_odd = treatment(kind="surgery", extent="gtr")
    assert operated is not None
    assert (operated.extent, none_odd) == ("GTR", [])
    other, odd = treatment(extent="GTR")
    assert other is not None
    assert (other.extent, odd) == (None, ["word_unknown"])


@pytest.mark.parametrize(("dose", "is_taken"), [("200", True), ("200.1", False)])
def test_a_dose_is_up_to_two_hundred_gray_or_a_gram_of_steroid(dose: str, is_taken: bool) -> None:
    given, _ = treatment(kind="radiotherapy", dose_gy=dose)
    assert given is not None
    assert (given.dose_gy is not None) == is_taken
    steroid, _ = treatment(kind="steroid", dose_mg="1000")
    too_much, _ = treatment(kind="steroid", dose_mg="1000.1")
    assert steroid is not None
    assert too_much is not None
    assert (steroid.dose_mg, too_much.dose_mg) == (1000.0, None)


def test_a_drug_in_place_of_its_kind_is_the_agent_and_a_kind_by_its_own_name_is_not() -> None:
    by_name, _ = treatment(kind="Avastin")
    assert by_name is not None
    assert (by_name.kind, by_name.agent, by_name.written) == ("bevacizumab", "Avastin", "Avastin")
    itself, _ = treatment(kind="Bevacizumab")
    assert itself is not None
    assert (itself.agent, itself.written) == (None, None)
    named, _ = treatment(kind="chemotherapy", agent="temozolomide")
    assert named is not None
    assert named.agent == "temozolomide"
    operation, _ = treatment(kind="resection")
    assert operation is not None
    assert (operation.kind, operation.agent) == ("surgery", None)


def test_without_a_kind_the_agent_or_the_extent_tells_it_and_a_kind_nobody_knows_is_kept() -> None:
    by_agent, none_odd = treatment(kind=None, agent="temozolomide")
    assert by_agent is not None
    assert (by_agent.kind, none_odd) == ("chemotherapy", [])
    unknown, odd = treatment(kind="prayer", agent="temozolomide")
    assert unknown is not None
    assert (unknown.kind, unknown.written, odd) == ("unknown", "prayer", ["treatment_unknown"])
    nothing, odd = treatment(kind=None)
    assert nothing is not None
    assert (nothing.kind, odd) == ("unknown", ["treatment_unknown"])


def test_a_treatment_of_a_month_knows_its_last_possible_day_and_one_of_a_day_does_not() -> None:
    month, _ = treatment(date="2020-03")
    day, _ = treatment(date="2020-03-04T09:30")
    assert month is not None
    assert day is not None
    assert (month.started_by, day.started_by, day.started_at) == (date(2020, 3, 31), None, "09:30:00")
    assert treatment(date="2024-05-07")[0] is None
    assert clinical.treatment_in(row(date="2020-03-01", kind="surgery"), None, TODAY, [], {}) is None


@pytest.mark.parametrize(("grade", "is_read"), [("1000", True), ("1000.5", False), ("0", True)])
def test_a_grade_up_to_the_highest_is_read(grade: str, is_read: bool) -> None:
    cells = {"date": "2020-03", "scale_id": "nurick", "grade": grade, "tumour_related": None}
    score = clinical.function_score(row(**cells), "sub-01", TODAY, [])
    assert (score is not None) == is_read
    if score is not None:
        assert (score.assessed_on, score.assessed_by, score.tumour_related) == (
            date(2020, 3, 1),
            date(2020, 3, 31),
            False,
        )
    assert clinical.function_score(row(**cells), None, TODAY, []) is None


@pytest.mark.parametrize(("alive_on", "is_dead"), [(date(2020, 1, 1), True), (date(2020, 1, 2), False)])
@pytest.mark.parametrize("is_contact", [True, False])
def test_nobody_is_seen_alive_after_death(alive_on: date, is_dead: bool, is_contact: bool) -> None:
    contact = alive_on if is_contact else None
    patient = Patient("sub-01", died_on=date(2020, 1, 1), last_contact_on=contact)
    findings: list[Finding] = []
    found = clinical.with_possible_death(patient, [] if is_contact else [alive_on], findings)
    assert (found.died_on is not None) == is_dead
    assert codes(findings) == ([] if is_dead else ["death_date_conflict"])
    assert clinical.with_possible_death(Patient("sub-01", died_on=date(2020, 1, 1)), [], []).died_on is not None


@pytest.mark.parametrize(
    ("alive_on", "died", "is_conflict"),
    [
        (date(2020, 2, 28), (date(2020, 3, 1), date(2020, 3, 31)), False),
        (date(2020, 3, 12), (date(2020, 3, 12), date(2020, 3, 31)), False),
        (date(2020, 3, 31), (date(2020, 3, 31), None), False),
        (date(2020, 4, 1), (None, None), True),
    ],
)
def test_a_death_of_a_month_is_on_or_after_the_last_day_seen_alive(
    alive_on: date, died: tuple[date | None, date | None], is_conflict: bool
) -> None:
    patient = Patient("sub-01", died_on=date(2020, 3, 1), died_by=date(2020, 3, 31))
    findings: list[Finding] = []
    found = clinical.with_possible_death(patient, [alive_on], findings)
    assert (found.died_on, found.died_by) == died
    assert codes(findings) == (["death_date_conflict"] if is_conflict else [])


@pytest.mark.parametrize(
    ("cells", "is_synthetic"), [(["no", "0"], False), (["no", "yes"], True), ([None], False), (["maybe"], True)]
)
def test_a_study_is_made_where_any_patient_is(cells: list[str | None], is_synthetic: bool) -> None:
    assert clinical.says_synthetic([row(synthetic=cell) for cell in cells]) == is_synthetic


def test_a_row_that_says_again_what_an_earlier_one_says_is_named_with_its_line() -> None:
    findings: list[Finding] = []
    kept = clinical.unrepeated([row(2, a="x"), row(3, a="y"), row(4, a="x")], findings)
    assert [one.line for one in kept] == [2, 3]
    assert findings[0].message.endswith("found line 2 again")


def whose(*findings: Finding, **more: str | None) -> list[str]:
    rows = [TableRow("treatments.tsv", 2, {"participant_id": None, **more})]
    return [one.patient_id for one in clinical.unread_treatments(rows, findings, ["sub-01", "sub-02"])]


def odd(code: str, patient_id: str | None = None, path: str = "treatments.tsv") -> Finding:
    return Finding(code, "warning", "study", path, patient_id, None, "m", "r")


def test_whoever_may_have_been_treated_unread_is_not_taken_to_be_untreated() -> None:
    assert whose() == []
    assert whose(odd("table_delimiter")) == whose(odd("file_unreadable")) == ["sub-01", "sub-02"]
    assert whose(odd("row_long", "sub-01")) == ["sub-01"]
    assert whose(odd("row_unknown_patient", "sub-2")) == ["sub-02"], "whose id it resembles"
    assert whose(odd("row_long", "sub-01", "function.tsv")) == []
    assert whose(odd("row_short", "sub-01")) == []
    absent = TableRow("treatments.tsv", 2, {}, frozenset({"participant_id"}))
    found = clinical.unread_treatments([absent], [], ["sub-01"])
    assert [(one.kind, one.started_on, one.started_by) for one in found] == [(str(TreatmentKind.UNKNOWN), *ANY_DAY)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({date(2020, 3, 4)}, date(2020, 3, 4)),
        ({date(2020, 3, 4), date(2020, 3, 5)}, None),
        ({date(2020, 3, 31), WrittenDay(2020, 3, 1, "2020-03", date(2020, 3, 31))}, date(2020, 3, 31)),
        ({date(2020, 4, 1), WrittenDay(2020, 3, 1, "2020-03", date(2020, 3, 31))}, None),
        ({WrittenDay(2020, 3, 1, "2020-03", date(2020, 3, 31))}, date(2020, 3, 1)),
        (set(), None),
    ],
)
def test_a_month_says_nothing_else_than_a_day_within_it(days: set[date], expected: date | None) -> None:
    findings: list[Finding] = []
    assert clinical._only(days, "ses-01", "t.tsv", findings) == expected
    assert codes(findings) == (["visit_date_conflict"] if len(days) > 1 and expected is None else [])
    assert last_possible(date(2020, 3, 4)) is None
