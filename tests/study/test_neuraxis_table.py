"""Forms of the whole neuraxis as hospitals fill them in: placed, understood, or reported; never negative by silence."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.context import neuraxis
from pipeline.core.neuraxis_form import ITEMS, LEVELS, NeuraxisForm
from pipeline.core.records import Finding
from pipeline.study.neuraxis_table import with_forms
from pipeline.study.visits import StudyVisit, by_date

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
        ("sub-01 | ses-09 | n/a | absent", "found 0 for ses-09"),
        ("sub-01 | n/a | 2022-01-02 | absent", "found 0 for 2022-01-02"),
        ("sub-01 | ses-01 | 2022-01-01 | absent", "found 0 for ses-01 and 2022-01-01"),
        ("sub-01 | n/a | n/a | absent", "expected session_id or date of a visit of sub-01, found neither"),
        ("sub-01 | n/a | 1.1.2022 | absent", "found 0 for 1.1.2022"),
        ("sub-01 | n/a | 2025-01-01 | present", "found 0 for 2025-01-01"),
    ],
)
def test_a_form_that_cannot_be_placed_is_reported(tmp_path: Path, row: str, words: str) -> None:
    forms, findings = read(tmp_path, "participant_id | session_id | date | spine_nodules", row)
    assert not any(forms.values())
    assert findings[-1].code == "neuraxis_unplaced"
    assert findings[-1].severity == "error"
    assert words in findings[-1].message


@pytest.mark.parametrize(
    ("row", "session_id", "day"),
    [
        ("sub-01 | ses-09 | n/a | present", "ses-09", None),
        ("sub-01 | ses-09 | 2022-01-02 | present", "ses-09", date(2022, 1, 2)),
        ("sub-01 | n/a | 2022-01-02 | present", "ses-neuraxis20220102", date(2022, 1, 2)),
        ("sub-01 | n/a | 2022-03 | present", "ses-neuraxis202203", date(2022, 3, 1)),
        ("sub-01 | ses-01 | 2022-06-01 | present", "ses-neuraxisline2", None),
        ("sub-01 | n/a | n/a | present", "ses-neuraxisline2", None),
        ("sub-01 | n/a | 1.1.2022 | present", "ses-neuraxisline2", None),
    ],
)
def test_seeding_of_a_form_that_cannot_be_placed_is_a_visit_of_its_own(
    tmp_path: Path, row: str, session_id: str, day: date | None
) -> None:
    lines = ["participant_id | session_id | date | spine_nodules", row]
    (tmp_path / "neuraxis.tsv").write_text("\n".join(lines).replace(" | ", "\t") + "\n", encoding="utf-8")
    findings: list[Finding] = []
    visits = with_forms(tmp_path, VISITS, {"sub-01"}, AS_OF, findings)["sub-01"]
    (added,) = [visit for visit in visits if visit.neuraxis is not None]
    assert (added.session_id, added.acquired_on) == (session_id, day)
    assert list(visits) == sorted(visits, key=by_date)
    assert findings[-1].code == "neuraxis_unplaced"


@pytest.mark.parametrize(
    ("columns", "cells", "name", "answer"),
    [
        ("csf_cytology | csf", "negative | positive", "csf_cytology", "not evaluable"),
        ("csf_cytology | csf", "negative | traces", "csf_cytology", "not evaluable"),
        ("lumbar | whole_spine", "no | yes", "lumbar", None),
        ("lumbar | whole_spine", "partly | yes", "lumbar", None),
        ("brain | brain_nodules", "no | absent", "brain_nodules", "not evaluable"),
        ("brain | hydrocephalus", "no | absent", "hydrocephalus", "not evaluable"),
        ("whole_spine | spine_linear", "no | absent", "spine_linear", "not evaluable"),
    ],
)
def test_answers_that_contradict_one_another_are_missing_and_reported(
    tmp_path: Path, columns: str, cells: str, name: str, answer: str | None
) -> None:
    forms, findings = read(tmp_path, f"participant_id | session_id | {columns}", f"sub-01 | ses-01 | {cells}")
    assert getattr(forms["ses-01"], name) == answer
    assert "neuraxis_differ" in [one.code for one in findings]


@pytest.mark.parametrize(
    ("columns", "cells", "name", "answer"),
    [
        ("csf_cytology | csf", "negative | neg", "csf_cytology", "absent"),
        ("lumbar | whole_spine", "yes | no", "lumbar", "yes"),
        ("lumbar | whole_spine", "no | partly", "lumbar", "no"),
        ("brain | brain_nodules", "no | present", "brain_nodules", "present"),
        ("brain | brain_nodules", "partly | absent", "brain_nodules", "absent"),
        ("cervical | thoracic | lumbar | spine_linear", "yes | no | no | absent", "spine_linear", "absent"),
    ],
)
def test_answers_that_go_together_stand(tmp_path: Path, columns: str, cells: str, name: str, answer: str) -> None:
    forms, findings = read(tmp_path, f"participant_id | session_id | {columns}", f"sub-01 | ses-01 | {cells}")
    assert getattr(forms["ses-01"], name) == answer
    assert not findings


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
