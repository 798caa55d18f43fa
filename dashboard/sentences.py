"""The lines that pages are read aloud from: rows of the store in, words out.

Nothing is computed here; every number is taken from a query as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard import labels

AGAINST = {"nadir": "since nadir", "baseline": "since baseline", "judged": "as judged"}


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
    found: Counter[str] = Counter()
    sizes = rows.groupby(["state", "display_state"], dropna=False, sort=False).size().reset_index(name="number")
    for row in sizes.to_dict("records"):
        found[labels.look(row["state"], row["display_state"]).word] += int(row["number"])
    return answer, ", ".join(f"{number} {word}" for word, number in found.items())


def change(row: pd.Series) -> tuple[str, str]:
    """Say the change that a state rests on with its interval, or why there is none.

    Parameters
    ----------
    row
        Columns state, tumour_volume_mm3 and those of the board_change query.

    Returns
    -------
    tuple of str
        The change, and its interval.
    """
    if row["state"] in {"baseline", "context"}:
        return "first to compare with", ""
    if labels.is_known(row["change_percent"]):
        since = AGAINST[row["against"]]
        interval = labels.percent_interval(row["change_low_percent"], row["change_high_percent"])
        return f"{labels.percent(row['change_percent'])} {since}", interval
    if not labels.is_known(row["tumour_volume_mm3"]):
        return "cannot be judged", ""
    return "none seen" if row["tumour_volume_mm3"] == 0 else f"{labels.ml(row['tumour_volume_mm3'])}, none before", ""


def no_change(reference_volume_mm3: Any, volume_mm3: Any) -> str:
    """Say why there is no percentage between two volumes; nothing where there is one."""
    if not labels.is_known(reference_volume_mm3):
        return "not measured then"
    if not labels.is_known(volume_mm3):
        return "not measured now"
    if volume_mm3 == 0:
        return "none seen now"
    return "none seen then" if reference_volume_mm3 == 0 else ""


def due(row: pd.Series) -> str:
    """Say until when a schedule would have the next scan; nothing where there is no schedule or it has ended."""
    if not labels.is_known(row["due_on"]):
        return ""
    return f"due {labels.day(row['due_on'])}{', overdue' if row['is_overdue'] else ''}"


def further_reasons(row: pd.Series) -> list[str]:
    """Say what speaks for discussing a patient beside the verdict: overdue, disagreement, function."""
    reasons = []
    if row["is_overdue"] is True or (labels.is_known(row["is_overdue"]) and bool(row["is_overdue"])):
        reasons.append("scan overdue")
    if row["has_disagreement"]:
        reasons.append(f"{row['agreeing_count']} of {row['criteria_count']} criteria agree")
    if labels.is_known(row["worse_on"]):
        reasons.append(f"function worse on {labels.day(row['worse_on'])}")
    return reasons


def beside(row: pd.Series) -> str:
    """Say what stands beside the open question: diagnosis, level, and what failed."""
    parts = [labels.words(row[name]) for name in ("histology", "level") if labels.is_known(row[name])]
    if row["error_count"]:
        parts.append(labels.count(int(row["error_count"]), "failure"))
    return " · ".join(parts)


def verdict(reason: str) -> tuple[str, str]:
    """Split a verdict into its main clause, to be read first, and what else belongs to it.

    >>> verdict("ses-02: grew; new lesion seen; provisional: automatic mask.")
    ('Ses-02: grew.', 'New lesion seen; provisional: automatic mask.')
    """
    main, _, further = labels.typeset(reason).partition("; ")
    return f"{labels.capital(main).removesuffix('.')}.", labels.capital(further)


def short_reason(row: Mapping[Any, Any]) -> str:
    """Say in a few words why one set of criteria judged as it did: the change, and where it lies to the rule."""
    main, _ = verdict(row["reason"])
    place = main.rpartition(": ")[2]
    if row["state"] in {"baseline", "context"} or not labels.is_known(row["judged_change_percent"]):
        return labels.capital(place)
    return f"{labels.percent(row['judged_change_percent'])}: {place}"


def caveats(row: pd.Series, criteria_name: str, verdicts: pd.DataFrame) -> str:
    """Say by which rule, how sure, how many rules agree, and whether a scan must confirm it."""
    parts = [criteria_name]
    if labels.is_known(row["probability"]):
        parts.append(f"probability of a change beyond the threshold {labels.probability(row['probability'])}")
    if len(verdicts) > 1:
        agree = int((verdicts["category"] == row["category"]).sum())
        parts.append(f"{agree} of {len(verdicts)} criteria agree")
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
        f"surgery {labels.day(row['started_on'])}"
        + (f", {labels.EXTENTS.get(row['extent'], row['extent'])}" if labels.is_known(row["extent"]) else "")
        for row in surgeries.to_dict("records")
    ]
    parts = [age, _word(patient["sex"]), diagnosis, _word(patient["level"]), _word(patient["syndrome"]), *operated]
    return " · ".join(part for part in parts if part)


def act(row: Mapping[Any, Any]) -> str:
    """Say who decided what, when and why; one line of the journal."""
    where = " ".join(
        str(row[name]) for name in ("session_id", "compartment", "lesion_id") if labels.is_known(row[name])
    )
    why = f": {row['reason']}" if labels.is_known(row["reason"]) else ""
    place = f" ({where})" if where else ""
    return f"{labels.day(row['written_at'])} {row['who']}, {labels.words(row['act'])}{place}{why}"


def cohort(count: int, total: int, chosen: Sequence[str]) -> str:
    """Say whom the figures show."""
    who = labels.capital(", ".join(chosen) if chosen else "all patients")
    return f"{who}: n = {count}" + (f" of {total}" if chosen else "")


def _word(value: object) -> str | None:
    return labels.words(value) if labels.is_known(value) else None
