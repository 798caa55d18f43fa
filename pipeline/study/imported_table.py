"""How the rows of the table of imported sizes inside a study folder become visits of patients.

A visit with images is measured on them; the table counts only for days without. What a visit is called follows from
what was imported up to then: a later import names its own visits and renames none, for acts of people speak of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import time

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.measure.imported_sizes import NO_VOLUME, ImportedMeasure
from pipeline.study.first_given import scan_digest
from pipeline.study.imported_names import free_name, named
from pipeline.study.lesion_rows import total_of
from pipeline.study.own_numbers import GivenVisit
from pipeline.study.visits import StudyVisit, by_date

IMPORTED_TABLE = "phenotype/cordtrack_volumes.tsv"
"""Where ``cordtrack import`` puts the rows, relative to the study folder."""

NOTHING = (ImportedMeasure(Compartment.TUMOUR, missing_reason=NO_VOLUME),)


def with_imported(
    patient_id: str, visits: tuple[StudyVisit, ...], given: Iterable[GivenVisit], findings: list[Finding]
) -> tuple[StudyVisit, ...]:
    """Return a patient's visits with those that only the table knows, by date.

    A day on which the patient has images keeps them, which is said in a finding.
    """
    merged = list(visits)
    names = {visit.session_id for visit in visits}
    filled: set[str] = set()
    for one, name in named(given):
        session_id = free_name(name, names)
        if not one.is_placed:
            merged.append(_undated_visit(patient_id, one, session_id))
            names.add(session_id)
            continue
        same_day = [visit for visit in visits if str(visit.acquired_on) == str(one.acquired_on)]
        imaged = next((visit for visit in same_day if visit.scans), None)
        listed = next(iter(_of_time(one, [v for v in same_day if v.session_id not in filled])), None)
        if imaged is not None:
            findings.append(_not_used(one, patient_id, imaged.session_id))
        elif listed is not None:
            filled.add(listed.session_id)
            merged[merged.index(listed)] = replace(
                listed,
                imported=one.measures or NOTHING,
                imported_lesions=one.lesions,
                acquired_at=listed.acquired_at or one.acquired_at,
                table_scans=_digests(one, listed.acquired_at),
            )
        else:
            merged.append(_new_visit(patient_id, one, session_id))
            names.add(session_id)
    return tuple(sorted(merged, key=by_date))


def _of_time(one: GivenVisit, same_day: Sequence[StudyVisit]) -> list[StudyVisit]:
    """Return the visits of a day that a row may be of, by its time: that of the same time first, none of another."""
    timeless = [visit for visit in same_day if visit.acquired_at is None or one.acquired_at is None]
    return [visit for visit in same_day if visit.acquired_at and visit.acquired_at == one.acquired_at] + timeless


def _new_visit(patient_id: str, one: GivenVisit, session_id: str) -> StudyVisit:
    return StudyVisit(
        patient_id,
        session_id,
        one.acquired_on,
        (),
        (),
        one.measures or NOTHING,
        acquired_at=one.acquired_at,
        imported_lesions=one.lesions,
        table_scans=_digests(one),
    )


def _undated_visit(patient_id: str, one: GivenVisit, session_id: str) -> StudyVisit:
    """Return a visit whose day nobody can tell: its lesions are not followed, but may be smaller than on any other."""
    total = (total_of(one.lesions),) if one.lesions and not _has_tumour(one) else ()
    sizes = (*one.measures, *total) or NOTHING
    return StudyVisit(patient_id, session_id, None, (), (), sizes, imported_lesions=one.lesions)


def _digests(one: GivenVisit, listed_at: time | None = None) -> tuple[str, ...]:
    """Return what acts on a visit may be bound to: one digest for each time of its rows, and of its list."""
    clocks = {*one.first_given.times, *(() if listed_at is None else (listed_at,))}
    return tuple(scan_digest(str(one.acquired_on), clock) for clock in sorted(clocks))


def _has_tumour(one: GivenVisit) -> bool:
    return any(measure.compartment == Compartment.TUMOUR for measure in one.measures)


def _not_used(one: GivenVisit, patient_id: str, session_id: str) -> Finding:
    where = f"{IMPORTED_TABLE} line {one.lines[0]}"
    message = f"{where}: expected a day without images of {patient_id}, found {session_id} on {one.acquired_on}"
    return finding("imported_not_used", message, IMPORTED_TABLE, patient_id=patient_id, session_id=session_id)
