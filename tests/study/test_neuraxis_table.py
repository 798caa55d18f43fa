"""Forms of the whole neuraxis as hospitals fill them in: placed, understood, or reported; never negative by silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.context import neuraxis
from pipeline.core.neuraxis_form import ITEMS, LEVELS, NeuraxisForm
from pipeline.core.records import Finding
from pipeline.study.neuraxis_table import with_forms
from pipeline.study.visits import StudyVisit

AS_OF = date(2024, 1, 1)
CLEAR = {**dict.fromkeys(LEVELS, "yes"), "contrast": "yes", **dict.fromkeys(ITEMS, "absent")}
VISITS = {
    "sub-01": (
        StudyVisit("sub-01", "ses-01", date(2021, 1, 1), (), ()),
        StudyVisit("sub-01", "ses-02", date(2022, 1, 1), (), ()),
        StudyVisit("sub-01", "ses-03", None, (), ()),
    )
}


def read(tmp_path: Path, *lines: str) -> tuple[dict[str, NeuraxisForm | None], list[Finding]]:
    (tmp_path / "neuraxis.tsv").write_text(
        "\n".join(line.replace(" | ", "\t") for line in lines) + "\n", encoding="utf-8"
    )
    findings: list[Finding] = []
    visits = with_forms(tmp_path, VISITS, {"sub-01", "sub-02"}, AS_OF, findings)
    return {visit.session_id: visit.neuraxis for visit in visits["sub-01"]}, findings


def test_a_whole_form_is_read_and_excludes_seeding(tmp_path: Path) -> None:
    forms, findings = read(
        tmp_path,
        " | ".join(["participant_id", "session_id", *CLEAR]),
        " | ".join(["sub-01", "ses-02", *CLEAR.values()]),
    )
    assert not findings
    assert forms["ses-01"] is None
    assert forms["ses-02"] is not None
    assert neuraxis.seeding(forms["ses-02"]) is False
    assert neuraxis.missing(forms["ses-02"]) == ()


SHORT_OF_CLEAR = [
    *((name, answer) for name in LEVELS for answer in (None, "no", "partly")),
    *((name, answer) for name in ITEMS for answer in (None, "not evaluable")),
    ("contrast", None), ("contrast", "no"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), SHORT_OF_CLEAR)
def test_seeding_is_excluded_by_nothing_less_than_a_whole_form(name: str, answer: str | None) -> None:
    form = NeuraxisForm(**{**CLEAR, name: answer})
    expected = False if name in ("hydrocephalus", "csf_cytology") else None
    assert neuraxis.seeding(form) is expected
    assert len(neuraxis.missing(form)) == 1, "what is missing is named"
    assert not neuraxis.present(form)


@pytest.mark.parametrize("name", list(ITEMS))
def test_one_item_is_enough_however_little_was_imaged(name: str) -> None:
    form = NeuraxisForm(**{name: "present"})
    assert neuraxis.seeding(form) is (None if name == "hydrocephalus" else True)
    assert neuraxis.present(form) == (ITEMS[name],)
    row = neuraxis.record("sub-01", "ses-01", form)
    assert row.leptomeningeal == ("not imaged" if name == "hydrocephalus" else "yes")
    assert row.missing is not None
    assert "brain: not said" in row.missing


def test_other_words_and_columns_are_understood(tmp_path: Path) -> None:
    forms, findings = read(
        tmp_path,
        "participant_id | date | Head | whole_spine | gadolinium | spine_nodules | spine_linear | csf | radiologist",
        "sub-01 | 2022-01-01 | no | Yes | Gd | 1 | NE | neg | A. Reader",
    )
    assert not findings
    assert forms["ses-02"] == NeuraxisForm(
        brain="no", cervical="yes", thoracic="yes", lumbar="yes", contrast="yes", spine_nodules="present",
        spine_linear="not evaluable", csf_cytology="absent", reader="A. Reader",
    )  # fmt: skip


def test_a_word_that_nobody_knows_leaves_its_item_missing_and_is_reported(tmp_path: Path) -> None:
    forms, findings = read(
        tmp_path, "participant_id | session_id | brain | spine_nodules", "sub-01 | 01 | yes | s. report"
    )
    assert forms["ses-01"] == NeuraxisForm(brain="yes")
    assert [one.code for one in findings] == ["neuraxis_word"]
    assert "expected present or absent or not evaluable in spine_nodules, found 's. report'" in findings[0].message


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("sub-01 | ses-09 | n/a | present", "found 0 for ses-09"),
        ("sub-01 | n/a | 2022-01-02 | present", "found 0 for 2022-01-02"),
        ("sub-01 | ses-01 | 2022-01-01 | present", "found 0 for ses-01 and 2022-01-01"),
        ("sub-01 | n/a | n/a | present", "expected session_id or date of a visit of sub-01, found neither"),
        ("sub-01 | n/a | 1.1.2022 | present", "found 0 for 1.1.2022"),
    ],
)
def test_a_form_that_cannot_be_placed_is_reported(tmp_path: Path, row: str, words: str) -> None:
    forms, findings = read(tmp_path, "participant_id | session_id | date | spine_nodules", row)
    assert not any(forms.values())
    assert findings[-1].code == "neuraxis_unplaced"
    assert findings[-1].severity == "error"
    assert words in findings[-1].message


def test_two_forms_of_one_visit_that_differ_leave_nothing_certain(tmp_path: Path) -> None:
    forms, findings = read(
        tmp_path,
        "participant_id | session_id | brain | spine_nodules | reader",
        "sub-01 | ses-01 | yes | absent | A",
        "sub-01 | ses-01 | n/a | present | B",
    )
    assert forms["ses-01"] == NeuraxisForm(brain="yes", spine_nodules="not evaluable", reader="A, B")
    assert [one.code for one in findings] == ["neuraxis_differ"]
    assert "found absent and present for one visit; neither is used" in findings[0].message


def test_somebody_elses_form_is_reported(tmp_path: Path) -> None:
    forms, findings = read(tmp_path, "participant_id | session_id | brain", "sub-77 | ses-01 | yes")
    assert not any(forms.values())
    assert [one.code for one in findings] == ["row_unknown_patient"]


def test_without_a_table_nothing_is_said(tmp_path: Path) -> None:
    findings: list[Finding] = []
    assert with_forms(tmp_path, VISITS, {"sub-01"}, AS_OF, findings) == VISITS
    assert not findings
