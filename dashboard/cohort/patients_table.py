"""The table of the patients behind the figures of a cohort, in the words of the pages; the files keep the names."""

from __future__ import annotations

import pandas as pd

from dashboard.cohort.first_findings import FINDINGS
from dashboard.words import labels
from dashboard.words.table_rows import as_rows

HEADS = {
    "patient_id": "patient",
    "shown_state": "state by volume",
    "category_shown": "category",
    "histology": "histology",
    "who_grade": "WHO grade",
    "level": "level",
    "syndrome": "syndrome",
    "centre": "centre",
    "sex": "sex",
    "age_years": "age, years",
    "first_surgery_on": "first operation",
    "first_surgery_extent": "extent",
    "had_radiotherapy": "radiotherapy",
    "visit_count": "visits",
    "usable_visit_count": "scans used",
    "first_scan_on": "first scan",
    "last_scan_on": "last scan",
    "baseline_on": "baseline",
    "baseline_volume_mm3": "tumour at baseline, mL",
    "last_judged_on": "last judged",
    "last_volume_mm3": "tumour then, mL",
    "last_change_percent": "change then, %",
    "best_change_percent": "best change, %",
    "is_provisional": "on an unsigned mask",
    "time_zero_on": "time zero",
    "ended_on": "followed to",
    "duration_days": "days",
    "is_event": "progression",
}
"""Column of the cohort query to its head, in the order of the table."""
PERCENT = ("last_change_percent", "best_change_percent")
VOLUMES = ("baseline_volume_mm3", "last_volume_mm3")
AS_DRAWN = "best change without new tumours, %"
"""Head of the change that the figure draws, where the criteria leave new tumours out of what is compared."""
WORDS = ("histology", "who_grade", "syndrome", "centre")


def patients_table(patients: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is read: volumes in mL, days without hours, words for names, nothing where unknown.

    Parameters
    ----------
    patients
        Rows of the cohort query with the column shown_state. Where what the criteria compare is not all tumour of
        everybody, the best change of either stands there.
    """
    readable = patients[[name for name in HEADS if name in patients]].copy()
    for name, column in readable.items():
        if pd.api.types.is_datetime64_any_dtype(column):
            readable[name] = [labels.day(day) if labels.is_known(day) else "" for day in column]
        elif name in VOLUMES:
            readable[name] = (column / 1000).round(3)
        elif name in PERCENT:
            readable[name] = [_whole(value) for value in column]
        elif name == "first_surgery_extent":
            readable[name] = [labels.extent(code) if labels.is_known(code) else "" for code in column]
        elif name in WORDS:
            readable[name] = [labels.words(value) if labels.is_known(value) else "" for value in column]
        elif name == "shown_state":
            readable[name] = [labels.look_of(row).word for row in patients.pipe(as_rows)]
        elif column.dtype == object:
            readable[name] = column.where(column.notna(), "")
    stated = {label: patients[column] for column, label in FINDINGS.items() if column in patients}
    as_drawn = patients.get("judged_best_change_percent")
    if as_drawn is not None and not as_drawn.equals(patients["best_change_percent"]):
        place = list(readable).index("best_change_percent")
        readable.insert(place + 1, AS_DRAWN, [_whole(value) for value in as_drawn])
    return readable.rename(columns=HEADS).assign(**stated)


def _whole(value: float) -> str:
    return labels.percent(value).removesuffix("%").strip() if labels.is_known(value) else ""
