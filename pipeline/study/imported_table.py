"""How the rows of the table of imported sizes inside a study folder become visits of patients.

A visit with images is measured on them; the table counts only for days without. What a visit is called follows from
what was imported up to then: a later import names its own visits and renames none, for acts of people speak of them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from itertools import count

from pipeline.core.findings import finding
from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment
from pipeline.measure.imported_sizes import NO_VOLUME, ImportedMeasure
from pipeline.study.lesion_rows import total_of
from pipeline.study.own_numbers import GivenVisit
from pipeline.study.visits import StudyVisit, by_date

IMPORTED_TABLE = "phenotype/cordtrack_volumes.tsv"
"""Where ``cordtrack import`` puts the rows, relative to the study folder."""

UNDATED = "ses-importedundated"
"""Beginning of the names of visits whose day nobody can tell; a number follows."""

WITH_TIME = re.compile(r"(ses-imported\d+)t(\d{6})")
"""The name of one of several visits of a day."""

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
    visits_given = sorted(given, key=lambda one: one.first_given.order)
    for one in visits_given:
        if not one.is_placed:
            merged.append(_undated_visit(patient_id, one, names))
            names.add(merged[-1].session_id)
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
            )
        else:
            merged.append(_new_visit(patient_id, one, names, with_time=not _was_alone(one, visits_given)))
            names.add(merged[-1].session_id)
    return tuple(sorted(merged, key=by_date))


def _of_time(one: GivenVisit, same_day: Sequence[StudyVisit]) -> list[StudyVisit]:
    """Return the visits of a day that a row may be of, by its time: that of the same time first, none of another."""
    timeless = [visit for visit in same_day if visit.acquired_at is None or one.acquired_at is None]
    return [visit for visit in same_day if visit.acquired_at and visit.acquired_at == one.acquired_at] + timeless


def _was_alone(one: GivenVisit, visits_given: Iterable[GivenVisit]) -> bool:
    """Say whether no other visit of the day had been given when this one first was."""
    day, order = str(one.acquired_on), one.first_given.order
    return not any(
        other is not one and str(other.acquired_on) == day and other.first_given.order <= order
        for other in visits_given
    )


def _new_visit(patient_id: str, one: GivenVisit, others: Container[str], *, with_time: bool) -> StudyVisit:
    """Name a visit by its day, one of several with its time; if the study calls another so, the name gets longer."""
    session_id = f"ses-imported{''.join(letter for letter in str(one.acquired_on) if letter.isdigit())}"
    clock = one.first_given.at or one.acquired_at
    session_id += f"t{clock:%H%M%S}" if with_time and clock else ""
    while session_id in others:
        session_id += "x"
    return StudyVisit(
        patient_id,
        session_id,
        one.acquired_on,
        (),
        (),
        one.measures or NOTHING,
        acquired_at=one.acquired_at,
        imported_lesions=one.lesions,
    )


def _undated_visit(patient_id: str, one: GivenVisit, others: Container[str]) -> StudyVisit:
    """Return a visit whose day nobody can tell, with sizes of the whole tumour; no lesion is followed there."""
    number = next(number for number in count(1) if f"{UNDATED}{number}" not in others)
    total = (total_of(one.lesions),) if one.lesions and not _has_tumour(one) else ()
    return StudyVisit(patient_id, f"{UNDATED}{number}", None, (), (), (*one.measures, *total) or NOTHING)


def name_now(session_id: str, visits: Iterable[StudyVisit]) -> str:
    """Return what a visit is called now that a second scan of its day once gave the name with its time.

    Parameters
    ----------
    session_id
        As somebody called it; returned as it is where a visit is called so, or none of that day and time is found.
    visits
        Of the patient; looked at only for such a name.
    """
    timed = WITH_TIME.fullmatch(session_id)
    if timed is None:
        return session_id
    by_name = {visit.session_id: visit for visit in visits}
    plain = by_name.get(timed[1])
    is_same = plain is not None and plain.acquired_at is not None and f"{plain.acquired_at:%H%M%S}" == timed[2]
    return timed[1] if session_id not in by_name and is_same else session_id


def _has_tumour(one: GivenVisit) -> bool:
    return any(measure.compartment == Compartment.TUMOUR for measure in one.measures)


def _not_used(one: GivenVisit, patient_id: str, session_id: str) -> Finding:
    where = f"{IMPORTED_TABLE} line {one.lines[0]}"
    message = f"{where}: expected a day without images of {patient_id}, found {session_id} on {one.acquired_on}"
    return finding("imported_not_used", message, IMPORTED_TABLE, patient_id=patient_id, session_id=session_id)
