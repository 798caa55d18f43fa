"""What the courses of the Cohort page rest on: made once a publication for everybody, selected from by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.charts import crowded_figures
from dashboard.data import queries
from dashboard.patient import judged_volumes


@dataclass(frozen=True)
class Courses:
    """Scans of the current period that have a ratio to the baseline.

    Attributes
    ----------
    everybody
        Rows of the cohort_course query.
    counted
        The scans of them that a figure of many patients counts.
    is_chosen
        For each patient with a course, whether it is shown.
    """

    everybody: pd.DataFrame
    counted: pd.DataFrame
    is_chosen: NDArray[np.bool_]

    @property
    def patient_count(self) -> int:
        """Number of patients that are shown and have a course."""
        return int(self.is_chosen.sum())

    def scans(self) -> pd.DataFrame:
        """Return the scans of the patients that are shown."""
        chosen = self.everybody[self.is_chosen[self.everybody["patient_id"].cat.codes]]
        return chosen.assign(patient_id=chosen["patient_id"].astype(object))

    def stretches(self) -> pd.DataFrame:
        """Return what a figure of many patients counts of them."""
        return self.counted[self.is_chosen[self.counted["patient_id"].cat.codes]]


def courses(criteria_id: str, compartment: str, patients: pd.Series) -> Courses:
    """Return the courses of one compartment of some patients under one set of criteria."""
    everybody, counted = queries.derived(_courses, criteria_id, compartment)
    followed = everybody["patient_id"].cat.categories
    places = followed.get_indexer(pd.Index(patients))  # by an index that is made once for all readers
    is_chosen = np.zeros(len(followed), dtype=bool)
    is_chosen[places[places >= 0]] = True
    return Courses(everybody, counted, is_chosen)


def _courses(criteria_id: str, compartment: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    volumes = queries.fresh("cohort_course", criteria_id=criteria_id, compartment=compartment)
    if compartment == "tumour":
        volumes = as_judged(volumes, judged_volumes.of_everybody(criteria_id))
    volumes = volumes.assign(patient_id=volumes["patient_id"].astype("category"))
    return volumes, crowded_figures.stretches(volumes)


def as_judged(volumes: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Put in place of all tumour what the rule compares, where criteria leave new tumours out.

    Intervals of what is replaced are of all tumour and go.

    Parameters
    ----------
    volumes
        Rows of the cohort_course query for the tumour.
    judged
        What ``judged_volumes.of_everybody`` returns.
    """
    sizes = judged.set_index(["patient_id", "session_id"])["judged_mm3"]
    now, then = (
        sizes.reindex(pd.MultiIndex.from_frame(volumes[["patient_id", name]])).to_numpy(dtype=float)
        for name in ("session_id", "baseline_session_id")
    )
    is_other = ~np.isnan(now) & ~np.isnan(then)
    is_other &= (now != volumes["volume_mm3"].to_numpy()) | (then != volumes["baseline_volume_mm3"].to_numpy())
    if not is_other.any():
        return volumes
    ratios = np.divide(now, then, out=np.full(len(now), np.nan), where=then > 0)
    values = {
        "volume_mm3": now, "baseline_volume_mm3": then, "baseline_ratio": ratios,
        "change_from_baseline_percent": 100 * (ratios - 1), "change_from_baseline_low_percent": np.nan,
        "change_from_baseline_high_percent": np.nan,
    }  # fmt: skip
    replaced = volumes.assign(**{name: volumes[name].where(~is_other, value) for name, value in values.items()})
    return replaced.dropna(subset=["baseline_ratio"])
