"""The line under a verdict: by which rule, how probable and by what, how many rules agree, what is to be confirmed.

Nothing is computed here; every number is taken from a query as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from dashboard.words import labels
from pipeline.core.vocabulary import Category
from pipeline.judge.certainty import TOO_UNCERTAIN
from pipeline.judge.clauses import ClauseKind, from_json


def under_verdict(row: pd.Series, criteria_name: str, verdicts: pd.DataFrame) -> str:
    """Say by which rule, how sure, how many rules agree, and whether a scan must confirm it."""
    parts = [criteria_name]
    if labels.is_known(row["probability"]):
        parts_said = from_json(str(row["clauses"])) if labels.is_known(row.get("clauses")) else ()
        is_led = any(part.kind == ClauseKind.LESION for part in parts_said)
        whose = " of the total" if is_led else ""
        stated = labels.probability(row["probability"])
        parts.append(f"probability of a change{whose} beyond the threshold {stated}{_range(row)}{_source(row)}")
        parts += _in_cohort(row)
    if len(verdicts) > 1:
        parts.append(_agreement(str(row["category"]), verdicts["category"]))
    if row["category_shown"].endswith("?"):
        parts.append("awaits a confirming scan")
    return " · ".join(parts)


def _agreement(category: str, categories: pd.Series) -> str:
    """Say how many criteria give the same category; where this one could not judge, how many others could."""
    if category != Category.NE:
        return f"{(categories == category).sum()} of {len(categories)} criteria agree"
    judged = int((categories != Category.NE).sum())
    return f"{judged or 'none'} of {len(categories)} criteria could judge"


def _range(row: pd.Series) -> str:
    """Say between which numbers a probability lies where few or most people grow; nothing where they print alike."""
    if not labels.is_known(row.get("probability_low")):
        return ""
    low, high = (labels.probability(row[f"probability_{end}"]) for end in ("low", "high"))
    return "" if low == high else f", {low} to {high} where one in ten to nine in ten people grow"


def _source(row: pd.Series) -> str:
    """Say where a probability comes from if the scans leave growth open: more from other people than from them."""
    is_open = "display_state" in row and labels.finer_state(row) == TOO_UNCERTAIN
    return ", more by how tumours grow in people than by these scans" if is_open else ""


def _in_cohort(row: pd.Series) -> Iterator[str]:
    """Yield how probable the change is by how often tumours grow in this cohort; nothing where too few are in it."""
    if labels.is_known(row.get("probability_in_cohort")):
        names = ("growing_share", "growing_low_share", "growing_high_share")
        share, low, high = (f"{100 * row[f'cohort_{name}']:.0f}" for name in names)
        cohort_words = f"{row['cohort_people']:.0f} people, growing {share}\u202f%, {low} to {high}\u202f%"
        yield f"in this cohort {labels.probability(row['probability_in_cohort'])} ({cohort_words}; decides nothing)"
