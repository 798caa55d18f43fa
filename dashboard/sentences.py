"""The lines that pages are read aloud from: rows of the store in, words out.

Nothing is computed here; every number is taken from a query as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from dashboard import labels


def board(rows: pd.DataFrame) -> tuple[str, str]:
    """Say how many patients need a decision, and what all are.

    Returns
    -------
    tuple of str
        The answer, and the rest in smaller type.
    """
    needs = int(rows["needs_decision"].sum())
    verb = "needs" if needs == 1 else "need"
    answer = f"{needs or 'None'} of {labels.count(len(rows), 'patient')} {verb} a decision."
    found = Counter(labels.look(row["state"], row["display_state"]).word for row in rows.to_dict("records"))
    return answer, ", ".join(f"{number} {word}" for word, number in found.items())


def change(row: pd.Series) -> str:
    """Say the change that a state rests on: since the smallest earlier scan, or why there is none."""
    if row["state"] in {"baseline", "context"}:
        return "first to compare with"
    if labels.is_known(row["change_percent"]):
        return labels.percent(row["change_percent"])
    if not labels.is_known(row["tumour_volume_mm3"]):
        return "cannot be judged"
    return "none seen" if row["tumour_volume_mm3"] == 0 else f"{labels.ml(row['tumour_volume_mm3'])}, none before"


def caveats(row: pd.Series, criteria_name: str, verdicts: pd.DataFrame) -> str:
    """Say by which rule, how sure, how many rules agree, and what makes the verdict less than final."""
    parts = [criteria_name]
    if labels.is_known(row["probability"]):
        parts.append(f"probability of a change beyond the threshold {labels.probability(row['probability'])}")
    if len(verdicts) > 1:
        agree = int((verdicts["category"] == row["category"]).sum())
        parts.append(f"{agree} of {len(verdicts)} criteria agree")
    if row["is_provisional"]:
        parts.append("mask automatic and unsigned: provisional")
    if row["category_shown"].endswith("?"):
        parts.append("awaits a confirming scan")
    return " · ".join(parts)


def facts(patient: pd.Series, treatments: pd.DataFrame) -> str:
    """Say who the patient is: age, diagnosis, level, operations."""
    age = f"{patient['age_years']:.0f}\u202fy" if labels.is_known(patient["age_years"]) else None
    grade = f"grade {labels.words(patient['who_grade'])}" if labels.is_known(patient["who_grade"]) else None
    diagnosis = ", ".join(part for part in (_word(patient["histology"]), grade) if part)
    surgeries = treatments[treatments["kind"] == "surgery"]
    operated = [
        f"surgery {labels.day(row['started_on'])}" + (f" ({row['extent']})" if labels.is_known(row["extent"]) else "")
        for row in surgeries.to_dict("records")
    ]
    parts = [age, _word(patient["sex"]), diagnosis, _word(patient["level"]), _word(patient["syndrome"]), *operated]
    return " · ".join(part for part in parts if part)


def cohort(count: int, total: int, chosen: Sequence[str]) -> str:
    """Say whom the figures show."""
    who = ", ".join(chosen) if chosen else "all patients"
    return f"{who[:1].upper()}{who[1:]}: n = {count}" + (f" of {total}" if chosen else "")


def _word(value: object) -> str | None:
    return labels.words(value) if labels.is_known(value) else None
