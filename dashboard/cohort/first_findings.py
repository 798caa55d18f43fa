"""What the MRI first said of each patient of a cohort, as columns that filters, curves and the first table take.

What this module refuses: a patient without a word on a finding among those who do not have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from dashboard.words import labels
from pipeline.cohort import finding_groups
from pipeline.cohort.finding_groups import NOT_TOLD
from pipeline.core.finding_terms import TERMS, LesionFinding

PREFIX = "mri_"
"""How the columns begin, and the parameters of the address that hold what was chosen of them."""

FINDINGS = {
    "mri_enhancement": "Enhancement",
    "mri_enhancement_pattern": "Pattern of enhancement",
    "mri_t2_signal": "T2w signal",
    "mri_t1_signal": "T1w signal",
    "mri_heterogeneity": "Texture",
    "mri_margin": "Edge",
    "mri_expansion": "Cord",
    "mri_eccentricity": "Place in the cord",
    "mri_tumoral_cyst": "Tumoral cyst",
    "mri_polar_cyst": "Polar cyst",
    "mri_syrinx": "Syrinx",
    "mri_oedema": "Oedema",
    "mri_blood_cap": "Blood cap",
}
"""Column to what it is called."""

EITHER = {
    "mri_polar_cyst": (LesionFinding.POLAR_CYST_ABOVE, LesionFinding.POLAR_CYST_BELOW),
    "mri_oedema": (LesionFinding.OEDEMA_ABOVE, LesionFinding.OEDEMA_BELOW),
}
"""Columns of what may lie in one place or another."""

METHOD = (
    "What the MRI says is of the largest lesion on the first scan that was described, no later than the baseline; a "
    "reader's own reading, once a run has published it, stands for what was measured. "
    "Shares are of the patients of whom it was told, surely or not; not told is never absent."
)


def named(column: str, group: str) -> str:
    """Write a group so that it says what it is of.

    Examples
    --------
    >>> named("mri_polar_cyst", "present (not sure)")
    'polar cyst present (not sure)'
    """
    label = FINDINGS[column]
    return f"{label if label[:2] in ('T1', 'T2') else label.lower()} {group}"


def joined(patients: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    """Return patients with a column for each of :data:`FINDINGS`.

    Parameters
    ----------
    patients
        Column patient_id and any other.
    first
        Rows of the cohort_finding query. Who has no row is in the group *not told*.
    """
    cells = first[["value", "sureness", "corrected_to"]].itertuples(index=False, name=None)
    groups = [finding_groups.group_of(*(None if pd.isna(word) else str(word) for word in row)) for row in cells]
    lesions = first.assign(group=groups)
    wide = lesions.pivot(index="patient_id", columns="finding", values="group")  # noqa: PD010  # refuses two of one
    wide = wide.reindex(index=patients["patient_id"], columns=list(map(str, TERMS))).fillna(NOT_TOLD)
    columns = {column: _column(column, wide) for column in FINDINGS}
    return patients.assign(**columns)


def told(patients: pd.DataFrame) -> Mapping[str, list[str]]:
    """Return the groups of each finding that was told of somebody, in the order of its terms, not told last."""
    met = {column: set(patients[column]) for column in FINDINGS}
    return {column: _order(column, groups) for column, groups in met.items() if groups - {NOT_TOLD}}


def for_curves(patients: pd.DataFrame, column: str) -> tuple[pd.DataFrame, str]:
    """Return the patients of whom a finding was told, its groups named in full, and how many are left out, in words."""
    is_told = patients[column] != NOT_TOLD
    missing = int((~is_told).sum())
    full_names = patients[column].map(lambda group: named(column, group))
    words = f"{labels.count(missing, 'patient')} of whom {FINDINGS[column].lower()} was not told" if missing else ""
    return patients[is_told].assign(**{column: full_names[is_told]}), words


def _column(column: str, wide: pd.DataFrame) -> list[str]:
    places = EITHER.get(column)
    if places is None:
        return [str(group) for group in wide[column.removeprefix(PREFIX)]]
    return [finding_groups.either(groups) for groups in wide[list(map(str, places))].itertuples(index=False, name=None)]


def _order(column: str, groups: Iterable[str]) -> list[str]:
    """Sort groups as the list of terms has them, each sure before unsure, not told last."""
    own_finding = LesionFinding(column.removeprefix(PREFIX)) if column not in EITHER else EITHER[column][0]
    in_order = [f"{term}{end}" for term in TERMS[own_finding] for end in ("", finding_groups.UNSURE)]
    return sorted(groups, key=[*in_order, NOT_TOLD].index)
