"""Who results are for: a person's own record (name, true dates, no pseudonym) or research (neither name nor true date).

The two are never mixed: one object with a true and a shifted date, or with a name and a pseudonym, would tell anybody
the study's secret. Identifiers differ as well, so that an object of one kind does not lead to its like of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.hospital.export.gathering import ExportPatient, ExportVisit
from pipeline.hospital.export.source_images import Names
from pipeline.hospital.export.true_days import Retelling
from pipeline.hospital.private import identity_links
from pipeline.hospital.private.identity_links import SourceScan
from pipeline.hospital.private.pseudonyms import Identities, default_private_folder, open_private


@dataclass(frozen=True)
class Audience:
    """Who results are for, and what is known of the patient there.

    Attributes
    ----------
    person
        Who the patient is; empty for research, and where nobody knows.
    sources
        The hospital's own images of each scan; empty for research.
    days
        How many days the study's dates lie before the true ones; 0 for research.
    """

    private: Path
    names: Names
    person: Mapping[str, Any]
    sources: Mapping[str, SourceScan]
    days: int = 0

    @property
    def is_named(self) -> bool:
        """Whether results carry a person's name and true dates."""
        return bool(self.person)

    def is_certain(self, day: date | None, sources: Sequence[SourceScan]) -> bool:
        """Say whether a true day is that of the hospital's own images; without shifted dates it always is."""
        stated = {source.study.get("studied_on") for source in sources}
        return not self.days or (day is not None and stated == {day.isoformat()})

    def folder(self, patient: ExportPatient) -> str:
        """Return the folder of a patient's files: the pseudonym, or for a person a name that says nothing."""
        return f"person-{str(self.names.uid('folder', patient.patient_id))[-8:]}" if self.is_named else patient.label


def audience_of(patient_id: str, bids_dir: Path, private: Path | None, *, keeps_pseudonyms: bool) -> Audience:
    """Return who a patient's results are for, and what the private folder knows of the patient.

    Raises
    ------
    InputError
        The private folder is damaged.
    """
    folder = private or default_private_folder(bids_dir)
    key = open_private(folder, bids_dir)
    person = {} if keeps_pseudonyms else identity_links.person_of(folder, patient_id)
    if not person:
        return Audience(folder, Names(key), {}, {})
    sources = {scan.file: scan for scan in identity_links.source_scans(folder, patient_id)}
    days = Identities(key, None, identity_links.shifts_dates(folder)).shift_days(patient_id)
    return Audience(folder, Names(key, "record"), person, sources, days)


def told_to(patient: ExportPatient, audience: Audience) -> ExportPatient:
    """Return results as their audience may read them.

    For a person's record every date and every day in a text is moved to the true one, visits are called by their true
    day, and the pseudonym is replaced wherever it stands. A visit whose true day is not certain is left out by name.
    """
    if not audience.is_named:
        return patient
    retelling = Retelling(patient.patient_id, audience.days)
    visits, left_out = [], [retelling.text(sentence) for sentence in patient.left_out]
    for visit in patient.visits:
        day = moved(visit.acquired_on, retelling)
        source = audience.sources.get(visit.scan)
        if not audience.is_certain(day, [source] if source else []):
            left_out.append(f"visit {visit.number}: its true date is not known; it is not written into a record")
            continue
        visits.append(_visit_told(visit, day, retelling))
    return replace(patient, label="", visits=tuple(visits), left_out=tuple(left_out))


def _visit_told(visit: ExportVisit, day: date | None, retelling: Retelling) -> ExportVisit:
    def rows(row: Mapping[str, Any]) -> dict[str, Any]:
        return {key: moved(value, retelling) for key, value in row.items()}

    return replace(
        visit,
        label=f"ses-{day:%Y%m%d}" if day else f"visit-{visit.number}",
        acquired_on=day,
        measurements=tuple(rows(row) | {"compartment": row["compartment"]} for row in visit.measurements),
        description=tuple(rows(row) | {"finding": row["finding"]} for row in visit.description),
        verdict=None if visit.verdict is None else _verdict_told(visit, rows(visit.verdict)),
    )


def _verdict_told(visit: ExportVisit, row: dict[str, Any]) -> dict[str, Any]:
    """Keep which visit is the baseline: only its name is a date."""
    assert visit.verdict is not None
    return {**row, "baseline_session_id": visit.verdict["baseline_session_id"]}


def moved(value: Any, retelling: Retelling) -> Any:
    """Return a value as a person's record has it: its date moved to the true one, a text told anew."""
    if isinstance(value, datetime | date):
        return value + timedelta(days=retelling.days)
    return retelling.text(value) if isinstance(value, str) else value
