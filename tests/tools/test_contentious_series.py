"""Series on which experts argue, through a table as a hospital writes it, each with the answer and why. Few seconds."""

from __future__ import annotations

import csv
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.tools.assess import assess_table

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("contentious_series.toml").read_text(encoding="utf-8")
)["case"]
COLUMNS = {"slices_spanned": "slices", "leptomeningeal": "leptomeningeal", "enhancing_tumour": "enhancing_tumour"}
"""Columns of a scan, with what they are called in a case."""
AS_OF = date(2026, 1, 31)


def _written(folder: Path, criteria: str) -> dict[int, dict[str, Any]]:
    """Judge all cases of one set of criteria in one table; return their rows by number of the case and day."""
    volumes, treatments = folder / f"{criteria}.csv", folder / f"{criteria}_treatments.csv"
    with volumes.open("w", newline="", encoding="utf-8") as sizes, treatments.open("w", encoding="utf-8") as given:
        writer, cures = csv.writer(sizes), csv.writer(given)
        first = ("patient_id", "date", "volume_mm3", "volume_cv", "new_lesion", "syndrome", "histology")
        writer.writerow([*first, *COLUMNS])
        cures.writerow(["patient_id", "date", "kind", "extent", "end_date", "agent", "dose_mg"])
        for number, case in enumerate(CASES):
            if case["criteria"] != criteria:
                continue
            for day, volume_mm3 in case["tumour"].items():
                marked = "yes" if day in case.get("new_lesion", ()) else ""
                words = (case.get("syndrome", ""), case.get("histology", ""))
                beside = [case.get(name, {}).get(day, "") for name in COLUMNS.values()]
                writer.writerow([number, day, volume_mm3, case.get("cv", ""), marked, *words, *beside])
            for line in case.get("treatments", ()):
                first, *rest = [part.strip() for part in line.split(",")]
                day, _, kind = first.partition(" ")
                cures.writerow([number, day, kind, *rest, *[""] * (4 - len(rest))])
    judged: dict[int, dict[str, Any]] = {}
    for row in assess_table(volumes, treatments, criteria, AS_OF).rows:
        judged.setdefault(int(row["patient_id"]), {})[str(row["date"])] = row
    return judged


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("contentious")
    return {
        number: row
        for criteria in sorted({case["criteria"] for case in CASES})
        for number, row in _written(folder, criteria).items()
    }


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number]["why"])
def test_a_contentious_series_is_judged_as_an_expert_would_sign_it(number: int, judged: Any) -> None:
    case, rows = CASES[number], judged[number]
    told = "\n".join(f"{day} {row['category']} {row['state']}: {row['reason']}" for day, row in rows.items())
    for day, category in case.get("category", {}).items():
        assert rows[day]["category"] == category, told
    for day, category in case.get("then", {}).items():
        assert rows[day]["category_then"] == category, told
    for day, state in case.get("state", {}).items():
        assert rows[day]["state"].replace("_", " ") == state, told
    for day, words in case.get("has", {}).items():
        assert words in rows[day]["reason"], told
    for day, words in case.get("lacks", {}).items():
        assert words not in rows[day]["reason"], told
    for day, category in case.get("never", {}).items():
        assert rows[day]["category"].rstrip("?") != category, told
    for day, state in case.get("never_state", {}).items():
        assert rows[day]["state"].replace("_", " ") != state, told


SOURCES = ("CLINICAL", "RANO 2.0 (Wen 2023)", "iRANO (Okada 2015)", "RECIST 1.1 (Eisenhauer 2009)", "proposal")


def test_every_case_says_something_and_whose_rule_it_is() -> None:
    assert len(CASES) >= 131
    for case in CASES:
        assert case.get("source", "").startswith(SOURCES), case["why"]
        assert case.keys() & {"category", "then", "state", "has", "never", "never_state"}, case["why"]
