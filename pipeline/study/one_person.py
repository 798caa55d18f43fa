"""What several rows of a table say of one patient, put together; where they differ nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from pipeline.core.records import Finding, Patient
from pipeline.core.syndromes import Syndrome
from pipeline.study.study_tables import TableRow

LAST_DAYS = {"died_on": "died_by", "last_contact_on": "last_contact_by"}
"""Days, and what holds the last one that they may mean."""
RISING = "age_years"
"""What need not be the same in rows of different days."""
AGES_APART_YEARS = 20.0
"""Ages further apart are not those of one person's scans (a proposal)."""


def agreed(patients: Sequence[tuple[TableRow, Patient]], findings: list[Finding]) -> Patient:
    """Return what all rows on a person say together: nothing where any two differ, with a finding for each difference.

    Parameters
    ----------
    patients
        Each row with what it says, in the order of the table; at least one. Ages that differ as they may in a table
        with a row for each scan are no error, and are not used.
    """
    first = patients[0][1]
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(Patient) if each.name not in LAST_DAYS.values()):
        given = [(row, getattr(one, name)) for row, one in patients if getattr(one, name) is not None]
        odd = next(((row, value) for row, value in given[1:] if _differ(given[0][1], value)), None)
        if odd is None:
            values[name] = given[0][1] if given else None
            continue
        values[name] = str(Syndrome.UNKNOWN) if name == "syndrome" else None
        if name != RISING or _ages_differ([value for _, value in given]):
            row, value = odd
            words = f"expected one {name} of {first.patient_id}, found {given[0][1]} in an earlier row and {value} here"
            findings.append(row.problem("person_differs", f"{words}; neither is used"))
    for name, last in LAST_DAYS.items():
        lasts = [getattr(one, last) for _, one in patients if getattr(one, last) is not None]
        values[last] = max(lasts, default=None) if values[name] is not None else None
    return replace(first, **values)


def _ages_differ(ages: Sequence[float]) -> bool:
    """Say whether ages cannot be those of one person on several days."""
    return max(ages) - min(ages) > AGES_APART_YEARS


def _differ(one: object, another: object) -> bool:
    """Say whether two cells say different things; letter case says nothing, nor does a missing cell."""
    return one is not None and another is not None and str(one).casefold() != str(another).casefold()
