"""Whether the days of a person's scans fit each other: dates moved, and not alike, make a course that was not.

Who takes names out of headers often moves their dates, each delivery by other days. Dates alone do not show it. Age,
the maker's unique numbers and the day of a study that is known already do: where they contradict the dates from visit
to visit, either the dates were moved apart or two people share one number, and no day is taken. Nothing here is shown
with its days: they name people.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.core.records import Finding
from pipeline.hospital.oddities import oddity
from pipeline.hospital.read.instances import Instance, Person

YEAR_DAYS = 365.25
AGES_YEARS = (1.0, 89.0)
"""From the first on an age is one, and not a blank filled with 0; from the second on ages are cut off."""

SLACK_YEARS = 1.0
"""Ages are typed, rounded up, or taken at the appointment."""

ROUNDED_TO_YEARS, MOST_BY_CHANCE = (10.0, 5.0), 2
"""Ages that are all multiples of these, of so many studies or more, were rounded by whoever took names out."""

CONTRADICTED = "found days of this person that contradict each other: "
"""How a doubt of this module begins; visits of one study and several days are then told apart by their days."""

SAME_STUDY_DAYS = 1
"""A study that goes on over midnight has two days."""

APART_DAYS = 31
"""A step may be listed some days from the scan; dates that were moved are years apart (a proposal)."""


@dataclass(frozen=True)
class DatedStudy:
    """One examination: its day as the header has it, the age stated, the day that the maker's numbers tell.

    ``stepped_on`` is the day of the step, which whoever moves dates moves too, or fills with one day.
    """

    study_uid: str
    studied_on: date
    age_years: float | None = None
    made_on: date | None = None
    born_on: date | None = None
    stepped_on: date | None = None


def dated(instance: Instance) -> DatedStudy | None:
    """Return what a header says of its day; None where it has none that can be taken."""
    if instance.studied_on is None or instance.day_doubt is not None:
        return None
    person = instance.person
    return DatedStudy(
        instance.study_uid, instance.studied_on, person.age_years, instance.made_on, person.born_on, instance.stepped_on
    )


def contradiction(studies: Sequence[DatedStudy]) -> str | None:
    """Say why the days of one person's studies cannot all be true, or moved alike; None where they may be.

    Examples
    --------
    >>> first = DatedStudy("1", date(2010, 2, 1), 50.0)
    >>> contradiction([first, DatedStudy("2", date(2013, 2, 1), 53.0)])
    >>> contradiction([first, DatedStudy("2", date(2020, 2, 1), 53.0)])
    'the ages stated and the days of its visits differ by 7 years'
    """
    days: dict[str, date] = {}
    for study in studies:
        if abs((days.setdefault(study.study_uid, study.studied_on) - study.studied_on).days) > SAME_STUDY_DAYS:
            return "the same study came with two days"
    births = [births_years(study) for study in studies if _is_age(study.age_years)]
    apart_years = max((low for low, _ in births), default=0.0) - min((high for _, high in births), default=0.0)
    if apart_years > SLACK_YEARS + _rounded_to_years(studies):
        return f"the ages stated and the days of its visits differ by {round(apart_years + 1)} years"
    for moved in (_moved_by_numbers(studies), _moved_by_steps(studies)):  # apart: steps are moved with the days
        if moved and max(moved) - min(moved) > APART_DAYS:
            return "the numbers or steps of its images tell other days, not equally far from those of the headers"
    return None


def _rounded_to_years(studies: Sequence[DatedStudy]) -> float:
    """Return to how many years the ages of several studies seem to be rounded; 0 where they are whole years."""
    ages = {study.study_uid: study.age_years for study in studies if _is_age(study.age_years)}
    if len(ages) < MOST_BY_CHANCE:
        return 0.0
    return next((years for years in ROUNDED_TO_YEARS if all(age % years == 0 for age in ages.values() if age)), 0.0)


def _moved_by_numbers(studies: Sequence[DatedStudy]) -> list[int]:
    return [(study.made_on - study.studied_on).days for study in studies if study.made_on]


def _moved_by_steps(studies: Sequence[DatedStudy]) -> list[int]:
    """Return by how many days steps lie after the days of headers; nothing where one day stands in place of all."""
    stepped = [(study.stepped_on, study.studied_on) for study in studies if study.stepped_on]
    is_one_for_all = len({step for step, _ in stepped}) == 1 and len({day for _, day in stepped}) > 1
    return [] if is_one_for_all else [(step - day).days for step, day in stepped]


def births_years(study: DatedStudy) -> tuple[float, float]:
    """Return when somebody of the age stated was born at the earliest and at the latest, years since year 1."""
    assert study.age_years is not None
    on = study.studied_on.toordinal() / YEAR_DAYS
    return on - study.age_years - 1, on - study.age_years


def moved_alike(studies: Sequence[DatedStudy]) -> str | None:
    """Say why all days of a person seem to be other ones than the true ones; None where nothing says so."""
    moved = _moved_by_numbers(studies) or _moved_by_steps(studies)
    if moved and min(map(abs, moved)) > APART_DAYS:
        return "expected the days of its headers as the numbers of its images tell them, found them moved"
    for study in studies:
        if study.born_on is not None and study.born_on > study.studied_on:
            return "expected a date of birth before the scan, found one after it"
        if not _fits_birth(study, SLACK_YEARS + _rounded_to_years(studies)):
            return "expected the age of the header on the day of the scan, found another by the date of birth"
    return None


def _fits_birth(study: DatedStudy, slack_years: float) -> bool:
    """Say whether age and day of a study fit its date of birth; they do where one of them is not known."""
    if study.born_on is None or not _is_age(study.age_years):
        return True
    low, high = births_years(study)
    return low - slack_years <= study.born_on.toordinal() / YEAR_DAYS <= high + slack_years


def contradicting(studies: Sequence[DatedStudy]) -> frozenset[str]:
    """Return the studies whose days cannot be taken where days contradict each other.

    Those few whose age does not fit their date of birth, as one that was typed, where the others fit and agree; else
    all of them.
    """
    fitting = [study for study in studies if _fits_birth(study, SLACK_YEARS)]
    is_of_birth = all(study.born_on for study in studies) and len({study.born_on for study in studies}) == 1
    if is_of_birth and 2 * len(fitting) > len(studies) and contradiction(fitting) is None:
        return frozenset(study.study_uid for study in studies if study not in fitting)
    return frozenset(study.study_uid for study in studies)


def _is_age(years: float | None) -> bool:
    return years is not None and AGES_YEARS[0] <= years < AGES_YEARS[1]


def doubt_days(
    images: Sequence[Instance],
    people: Mapping[Person, str],
    before: Mapping[str, Sequence[DatedStudy]],
    findings: list[Finding],
    imported: Collection[str] = frozenset(),
) -> list[Instance]:
    """Return the images, without a day where the days of their person contradict each other.

    Parameters
    ----------
    before
        What earlier imports took, by pseudonym: studies that are there keep their day.
    findings
        One for each person whose days contradict each other, or all seem to be moved.
    imported
        Numbers of images that are in the study; where one came again with another day, it stays where it is.
    """
    by_patient: dict[str, dict[DatedStudy, None]] = {}
    for instance in images:
        study = dated(instance)
        if study is not None:
            by_patient.setdefault(people[instance.person], {})[study] = None
    doubts: dict[tuple[str, str], str] = {}
    for patient_id, studies in sorted(by_patient.items()):
        all_studies = [*before.get(patient_id, ()), *studies]
        reason = contradiction(all_studies)
        if reason is not None:
            doubts |= {(patient_id, study_uid): reason for study_uid in contradicting(all_studies)}
            message = f"{patient_id}: expected days of one person's scans that fit each other, found that {reason}"
            message += "; two people may share one ID, or days were moved by different numbers of days"
            findings.append(oddity("days_contradict", message, None, patient_id))
        elif (moved := moved_alike([*studies])) is not None:
            findings.append(oddity("days_moved", f"{patient_id}: {moved}", None, patient_id))
    there = {(study.study_uid, study.studied_on) for studies in before.values() for study in studies}
    return [
        replace(one, day_doubt=f"{CONTRADICTED}{doubts[people[one.person], one.study_uid]}")
        if (people[one.person], one.study_uid) in doubts
        and (one.study_uid, one.studied_on) not in there
        and one.sop_uid not in imported
        and one.day_doubt is None
        else one
        for one in images
    ]
