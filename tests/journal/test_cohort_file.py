"""Saved cohorts: a name for filters that nobody can lose, change or take twice. Half a second."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SettingsError
from pipeline.journal import act_file, cohort_file
from pipeline.journal.decisions import Act, ActKind

NOON = datetime.fromisoformat("2026-03-01T12:00:00")
FILTERS = {"histology": ["ependymoma"], "age": ["20-50"]}


def saved(out: Path, name: str = "young", who: str = "A. Reader") -> cohort_file.SavedCohort:
    return cohort_file.save(out, name, FILTERS, 12, who=who, at=NOON)


def test_what_was_saved_is_read_back_with_who_and_when(tmp_path: Path) -> None:
    made = saved(tmp_path, "  young   ones ")
    assert cohort_file.read(tmp_path) == cohort_file.Saved((made,), ())
    assert (made.name, made.who, made.saved_at, made.patient_count) == ("young ones", "A. Reader", NOON, 12)
    assert made.filters == {"histology": ("ependymoma",), "age": ("20-50",)}


def test_deleting_adds_a_line_and_frees_the_name(tmp_path: Path) -> None:
    first = saved(tmp_path)
    cohort_file.delete(tmp_path, first.entry_id, who="B. Reader", at=NOON)
    assert cohort_file.read(tmp_path).cohorts == ()
    lines = (tmp_path / cohort_file.FILE).read_text().splitlines()
    assert len(lines) == 2
    assert first.entry_id in lines[1]
    second = saved(tmp_path)
    assert cohort_file.read(tmp_path).cohorts == (second,)
    with pytest.raises(SettingsError, match="somebody deleted it"):
        cohort_file.delete(tmp_path, first.entry_id, who="B. Reader", at=NOON)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "expected a name of 1 to 80 characters, found 0"),
        ({"name": "x" * 81}, "found 81"),
        ({"name": "YOUNG"}, "another one has this name"),
        ({"filters": {}}, "choose patients first"),
        ({"who": " "}, "expected the name of the person"),
    ],
)
def test_a_cohort_that_says_too_little_is_refused_and_nothing_is_written(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    saved(tmp_path)
    before = (tmp_path / cohort_file.FILE).read_bytes()
    said: dict[str, Any] = {"name": "old", "filters": FILTERS, "who": "A. Reader"} | change
    with pytest.raises(SettingsError, match=message):
        cohort_file.save(tmp_path, said["name"], said["filters"], 3, who=said["who"], at=NOON)
    assert (tmp_path / cohort_file.FILE).read_bytes() == before


def test_a_changed_line_has_no_effect_and_is_said(tmp_path: Path) -> None:
    saved(tmp_path, "one")
    saved(tmp_path, "two")
    file = tmp_path / cohort_file.FILE
    file.write_text(file.read_text().replace('"patient_count": 12', '"patient_count": 13', 1))
    found = cohort_file.read(tmp_path)
    assert [cohort.name for cohort in found.cohorts] == ["two"]
    assert "line 1: its digest does not fit" in found.problems[0]
    assert "line 2: expected the line before it" in found.problems[1]


def test_acts_and_cohorts_do_not_touch_each_other(tmp_path: Path) -> None:
    made = saved(tmp_path)
    act_file.append(tmp_path, [Act(ActKind.COMMENT, "sub-01", reason="seen")], "A. Reader", NOON)
    assert len(act_file.read(tmp_path).entries) == 1
    assert cohort_file.read(tmp_path).cohorts == (made,)
