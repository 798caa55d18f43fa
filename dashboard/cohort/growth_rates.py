"""From the scans of a cohort to growth by histology: the figure's rows and the words that say how they were made."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.charts.growth_figure import GrowthRow
from dashboard.words import labels, sentences
from dashboard.words.table_rows import as_rows
from pipeline.cohort import cohort_growth
from pipeline.cohort.cohort_growth import CohortGrowth, GrowthScan, HistologyGrowth

MODEL_NOTE = (
    "Linear mixed model of the logarithm of solid tumour volume on time, one stretch without treatment per patient, "
    "own size and own rate for each patient; 95\u202f% Wald interval by Student's t."
)


def estimate(scans: pd.DataFrame) -> CohortGrowth:
    """Fit the model to the rows of the cohort_growth query.

    Raises
    ------
    SettingsError
        Too few patients, in words.
    """
    return cohort_growth.by_histology([_scan(row) for row in scans.pipe(as_rows)])


def rows_of(rates: CohortGrowth) -> list[GrowthRow]:
    """Return the rows of the figure."""
    return [
        GrowthRow(
            labels.words(one.histology),
            one.relative_percent_per_year,
            one.relative_low,
            one.relative_high,
            (f"{labels.count(one.patient_count, 'patient')}, {labels.count(one.scan_count, 'scan')}", *_doubling(one)),
        )
        for one in rates.histologies
    ]


def method(rates: CohortGrowth) -> str:
    """Say how the rates were made, whom they leave out, and what speaks against them."""
    parts = [MODEL_NOTE]
    if rates.left_out:
        parts.append(
            "Left out: " + "; ".join(f"{labels.words(name)} ({why})" for name, why in rates.left_out.items()) + "."
        )
    if rates.empty_scan_count:
        parts.append(f"{labels.count(rates.empty_scan_count, 'scan')} without tumour cannot enter a rate.")
    return " ".join([*parts, *rates.warnings])


def _scan(row: dict[Any, Any]) -> GrowthScan:
    return GrowthScan(
        patient_id=str(row["patient_id"]),
        histology=str(row["histology"]),
        epoch=int(row["epoch"]),
        acquired_on=pd.Timestamp(row["acquired_on"]).date(),
        volume_mm3=_number(row["volume_mm3"]),
        volume_cv=_number(row["volume_cv"]),
    )


def _number(value: Any) -> float | None:
    return float(value) if labels.is_known(value) else None


def _doubling(one: HistologyGrowth) -> tuple[str, ...]:
    if one.doubling_time_days is None:
        return ()
    word = "doubles" if one.doubling_time_days > 0 else "halves"
    return (f"{word} in {labels.two_figures(abs(one.doubling_time_days) / sentences.DAYS_PER_MONTH)} months",)
