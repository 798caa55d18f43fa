"""A probability in the cohort of a judged table: beside the stated one, changed by others, and nothing else is."""

from __future__ import annotations

import math
import random
from datetime import date
from pathlib import Path

import pytest

from pipeline.tools import assess
from pipeline.tools.assess_cohort import COHORT

AS_OF = date(2026, 1, 31)
HEADER = "patient_id,date,volume_ml,volume_cv"


def person(name: str, yearly: float, seed: int) -> list[str]:
    source = random.Random(seed)
    sizes = (math.exp(yearly * year + source.gauss(0, 0.14)) for year in range(4))
    return [f"{name},{2018 + year}-03-01,{size:.4f},0.14" for year, size in enumerate(sizes)]


def table(people: int) -> list[str]:
    return [line for number in range(people) for line in person(f"p{number:02d}", 0.15 * (number % 5 == 0), number)]


def judged(folder: Path, lines: list[str], rule: str = "imsct_adapted_v1") -> list[dict[str, object]]:
    file = folder / "volumes.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return [dict(row) for row in assess.assess_table(file, None, rule, AS_OF).rows]


def apart(judged_rows: list[dict[str, object]]) -> tuple[dict[tuple, dict], dict[tuple, tuple]]:
    """Return all columns but those of the cohort, and those, by patient and day."""
    keys = [(row["patient_id"], row["date"], row["criteria_id"], row["lesion_id"]) for row in judged_rows]
    others = [{name: value for name, value in row.items() if name not in COHORT} for row in judged_rows]
    cohort = [tuple(row[name] for name in COHORT) for row in judged_rows]
    return dict(zip(keys, others, strict=True)), dict(zip(keys, cohort, strict=True))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    return judged(tmp_path_factory.mktemp("cohort"), table(21))


def test_the_last_visit_of_each_has_a_number_and_who_they_are(first: list[dict[str, object]]) -> None:
    with_number = [row for row in first if row["probability_in_cohort"] is not None]
    assert {row["date"] for row in with_number} == {date(2021, 3, 1)}
    assert len(with_number) == 21
    assert all(str(row["cohort"]).startswith("21 people, growing ") for row in with_number)
    assert any(row["probability_in_cohort"] != row["probability"] for row in with_number)


def test_one_more_person_changes_these_columns_alone(first: list[dict[str, object]], tmp_path: Path) -> None:
    before, cohort_before = apart(first)
    after, cohort_after = apart(judged(tmp_path, [*table(21), *person("late", 0.3, 99)]))
    assert {key: row for key, row in after.items() if key[0] != "late"} == before
    assert any(cohort_after[key] != told for key, told in cohort_before.items())


def test_the_same_people_in_another_order_give_the_same_numbers(first: list[dict[str, object]], tmp_path: Path) -> None:
    lines = table(21)
    random.Random(4).shuffle(lines)
    assert apart(judged(tmp_path, lines)) == apart(first)


def test_too_few_people_have_no_number_and_the_reason(tmp_path: Path) -> None:
    own, cohort = apart(judged(tmp_path, table(6)))
    told = {words for *_, number, words in cohort.values() if own and number is None}
    assert told == {None, "6 people in this cohort (watched), fewer than 20"}
    assert all(number is None for *_, number, _ in cohort.values())
    spans = [(low, own[key]["probability"], high) for key, (low, high, *_) in cohort.items() if low is not None]
    assert len(spans) == 6, "the range needs no other person"
    assert all(low <= stated <= high for low, stated, high in spans)
