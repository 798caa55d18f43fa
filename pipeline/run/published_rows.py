"""What is published of each patient and of the study, and which patients' rows have to be published anew.

A patient's rows are those of the finished step, and beside them what the study folder and people say of the patient;
what is open and how the patient stands follow from these alone. So cost goes with what changed: rows of a patient of
whom nothing changed are neither read nor written. What this module refuses: to take rows for unchanged whose step,
findings, acts, rules or code differ from those that they were published from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.core import records
from pipeline.core.findings import WORKER_DIED, finding
from pipeline.files import fingerprints, finished_steps
from pipeline.journal import decisions
from pipeline.judge import standing, urgency


@dataclass(frozen=True)
class RowsBeside:
    """What is laid beside the rows of one patient's finished step: findings of the study folder, acts, the criteria."""

    findings: tuple[records.Finding, ...]
    entries: tuple[records.JournalEntry, ...]
    criteria: tuple[records.Criteria, ...]

    def digest(self) -> str:
        """Return the hash of all that the published rows depend on beside the step, as 64 hexadecimal digits."""
        return fingerprints.of_values(self.findings, self.entries, self.criteria, fingerprints.of_all_code())


@dataclass(frozen=True)
class StudyRows:
    """What stands beside the finished steps of a study's patients.

    Attributes
    ----------
    findings, entries
        Of each patient of the study, and under ``None`` of anybody else and of nobody.
    criteria
        Those that all are judged by.
    """

    findings: Mapping[str | None, Sequence[records.Finding]]
    entries: Mapping[str | None, Sequence[records.JournalEntry]]
    criteria: tuple[records.Criteria, ...]

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """Hash of what is laid beside the step, of each patient of whom anything is said; "" for all others."""
        names = {name for name in (*self.findings, *self.entries) if name is not None}
        return {name: self.of_patient(name).digest() for name in (*names, "")}

    def digest_of(self, patient_id: str) -> str:
        """Return the hash of all that a patient's published rows depend on beside the step, 64 hexadecimal digits."""
        return self._digests.get(patient_id, self._digests[""])

    def of_patient(self, patient_id: str) -> RowsBeside:
        """Return what is laid beside the rows of a patient's finished step."""
        findings, entries = self.findings.get(patient_id, ()), self.entries.get(patient_id, ())
        return RowsBeside(tuple(findings), tuple(entries), self.criteria)

    def without_results(self, names: Iterable[str]) -> StudyRows:
        """Return the same, saying of each of these patients of the study that no results of theirs are published."""
        findings = dict(self.findings)
        for name in sorted(names):
            message = f"{name} is in the study folder, and no results of theirs are published yet"
            findings[name] = (*findings.get(name, ()), finding("results_missing", message, patient_id=name))
        return replace(self, findings=findings)

    def of_others(self, published: Container[str]) -> tuple[Any, ...]:
        """Return the rows that are about nobody whose results are published; the criteria too."""
        others = {name: some for name, some in self.entries.items() if name is not None and name not in published}
        waiting = [entry for some in others.values() for entry in some]  # nothing of theirs is known, and none lapses
        findings = [one for name, some in self.findings.items() if name not in published for one in some]
        of_nobody_here = decisions.standing(self.entries.get(None, ()), {}, {}, {}, {})
        return (*self.criteria, *findings, *of_nobody_here, *decisions.standing(waiting))


def study_rows(
    patients: Iterable[str],
    findings: Iterable[records.Finding],
    entries: Iterable[records.JournalEntry],
    criteria: Iterable[records.Criteria],
) -> StudyRows:
    """Sort what is said about a study by whom it is about.

    Parameters
    ----------
    patients
        Of the study.
    findings, entries
        In the order in which they were noticed and written.
    """
    names = frozenset(patients)
    of_whom: dict[str | None, list[records.Finding]] = defaultdict(list)
    by_whom: dict[str | None, list[records.JournalEntry]] = defaultdict(list)
    for one in findings:
        of_whom[one.patient_id if one.patient_id in names else None].append(one)
    for entry in entries:
        by_whom[entry.patient_id if entry.patient_id in names else None].append(entry)
    return StudyRows(of_whom, by_whom, tuple(criteria))


def rows_of_patient(
    step_rows: Sequence[Any], beside: RowsBeside, patient_id: str, input_sha256: str
) -> tuple[Any, ...]:
    """Return all rows that are published of one patient.

    Parameters
    ----------
    step_rows
        Records of the patient's finished step.
    input_sha256
        Of the step; empty for one that is no result and will be tried again.

    Returns
    -------
    tuple
        The last one is the ``PublishedPatient``.
    """
    acts = _acts(beside.entries, step_rows)
    result_rows = [*step_rows, *acts, *beside.findings]
    questions = urgency.open_questions([*result_rows, *beside.criteria])
    result_rows += [*questions, *standing.standings(result_rows, questions)]
    content = fingerprints.of_values([(type(row).__name__, row) for row in result_rows])
    return (*result_rows, records.PublishedPatient(patient_id, input_sha256, beside.digest(), content))


def changed_patients(
    steps: Mapping[str, str], beside: StudyRows, published: Mapping[str, records.PublishedPatient]
) -> list[str]:
    """Return the patients whose rows have to be published anew, sorted.

    Parameters
    ----------
    steps
        Each patient's finished step, by the hash of what it depended on; empty for one that is no result.
    published
        What the store says of those whose rows it has.
    """
    return [
        name
        for name, input_sha256 in sorted(steps.items())
        if not input_sha256
        or (one := published.get(name)) is None
        or (one.input_sha256, one.beside_sha256) != (input_sha256, beside.digest_of(name))
    ]


def content_of(published: Iterable[records.PublishedPatient], of_others: Sequence[Any], *study: str) -> str:
    """Return the hash of all that is published, as 64 hexadecimal digits.

    Parameters
    ----------
    study
        What else the content depends on: the criteria shown first, the study's name, the digest of the views.
    """
    patients = sorted((one.patient_id, one.content_sha256) for one in published)
    return fingerprints.of_values(patients, [(type(row).__name__, row) for row in of_others], *study)


def _masks(result_rows: Sequence[Any]) -> dict[tuple[str, str, str], str]:
    """Return which mask is measured now: patient, session and compartment to the digest of its file."""
    masks = (row for row in result_rows if isinstance(row, records.Segmentation) and row.is_primary)
    return {(row.patient_id, row.session_id, row.compartment): row.sha256 for row in masks}


def _scans(result_rows: Sequence[Any]) -> dict[tuple[str, str], str]:
    """Return which scan is measured on now: patient and session to the digest of its file."""
    scans = (row for row in result_rows if isinstance(row, records.Scan) and row.is_anchor)
    return {(row.patient_id, row.session_id): row.sha256 for row in scans}


def _acts(entries: Sequence[records.JournalEntry], step_rows: Sequence[Any]) -> tuple[records.JournalEntry, ...]:
    """Say which acts stand; where a run died before it came to the visits, nothing is known and nothing lapses."""
    if any(one.code == WORKER_DIED for one in finished_steps.of_kind(step_rows, records.Finding)):
        return decisions.standing(entries)
    return decisions.standing(
        entries, _masks(step_rows), _scans(step_rows), _pieces(step_rows), _table_scans(step_rows)
    )


def _table_scans(result_rows: Sequence[Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return which scans of a table each visit is: patient and session to digests of their days and times."""
    visits = finished_steps.of_kind(result_rows, records.Visit)
    return {(row.patient_id, row.session_id): frozenset((row.table_scans or "").split()) for row in visits}


def _pieces(result_rows: Sequence[Any]) -> dict[tuple[str, str], frozenset[str]]:
    """Return which pieces of tumour are followed now: patient and session to the digests of their voxels."""
    digests: dict[tuple[str, str], set[str]] = {}
    for row in finished_steps.of_kind(result_rows, records.LesionComponent):
        if row.component_sha256 is not None:
            digests.setdefault((row.patient_id, row.session_id), set()).add(row.component_sha256)
    return {visit: frozenset(digests_of_visit) for visit, digests_of_visit in digests.items()}
