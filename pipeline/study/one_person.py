"""What several rows of a table say of one patient, put together; where they differ nothing is said."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from pipeline.core.records import Finding, Patient
from pipeline.core.syndromes import Syndrome
from pipeline.study.study_tables import TableRow

LAST_DAYS = {"died_on": "died_by", "last_contact_on": "last_contact_by"}
"""Days, and what holds the last one that they may mean."""


def agreed(first: Patient, other: Patient, row: TableRow, findings: list[Finding]) -> Patient:
    """Return what two rows say together: what only one says, and nothing where they differ, with a finding.

    Parameters
    ----------
    first
        Of the rows before.
    other
        Of ``row``.
    """
    by_name = {each.name: (getattr(first, each.name), getattr(other, each.name)) for each in fields(Patient)}
    odd = {name: pair for name, pair in by_name.items() if name not in LAST_DAYS.values() and _differ(*pair)}
    for name, (one, another) in odd.items():
        words = f"expected one {name} of {first.patient_id}, found {one} in an earlier row and {another} here"
        findings.append(row.problem("person_differs", f"{words}; neither is used"))
    together: dict[str, Any] = {name: one if another is None else another for name, (one, another) in by_name.items()}
    unsure = {name: str(Syndrome.UNKNOWN) if name == "syndrome" else None for name in odd}
    return replace(first, **{**together, **unsure, **{LAST_DAYS[name]: None for name in odd if name in LAST_DAYS}})


def _differ(one: object, another: object) -> bool:
    """Say whether two cells say different things; letter case says nothing, nor does a missing cell."""
    return one is not None and another is not None and str(one).casefold() != str(another).casefold()
