"""Lesions that an imported table tells apart, followed by the names that the table gives them.

A table names its lesions itself, so nothing is matched; what people said of its names comes first (``named_lesions``).
Where the same patient has scans too, nobody says which lesion of the scans a name of the table means: both are kept
apart (``L1`` and ``L1 (table)``), not assessable on the days of the other. What this module refuses: a lesion without
a row as one that is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time

from pipeline.core import records
from pipeline.core.vocabulary import ANY_DAY, Compartment, VisitMeasure
from pipeline.journal.lesion_acts import LesionNaming, LesionWithdrawal
from pipeline.judge.lesion_courses import are_judged_apart
from pipeline.lesions.matching import LesionStatus
from pipeline.measure.imported_sizes import ImportedMeasure, lesion_measure
from pipeline.run.steps.named_lesions import NamedLesions, digest_of, named
from pipeline.run.steps.patient_work import FollowedLesions
from pipeline.run.steps.visit_work import VisitWork
from pipeline.study.lesion_rows import new_tumours, volume_of

OF_TABLE = "{name} (table)"
NOT_TOLD = "its sizes come from a table, which does not say which lesion of the scans it means"
NOT_IN_SCAN = "nobody says which lesion of this scan the table means"


@dataclass(frozen=True)
class TableVisit:
    """What following the lesions of a table needs to know of a visit; ``excluded`` says why it has no size, if so."""

    session_id: str
    acquired_on: date | None
    acquired_at: time | None = None
    excluded: str | None = None


@dataclass(frozen=True)
class TableLesions:
    """The lesions of imported visits by name, as they are to be called, in order of days, and what people said.

    ``undated`` holds those of visits whose day nobody can tell, as the table calls them.
    """

    by_session: Mapping[str, Mapping[str, ImportedMeasure]] = field(default_factory=dict)
    said: NamedLesions = field(default_factory=lambda: NamedLesions({}, {}))
    undated: Mapping[str, Mapping[str, ImportedMeasure]] = field(default_factory=dict)

    @property
    def new(self) -> frozenset[str]:
        """Names of lesions whose first row calls them new."""
        return new_tumours(self.by_session.values())

    @property
    def asked(self) -> Mapping[str, frozenset[str]]:
        """Names of lesions by session that are called new there, or are a new tumour that is seen still."""
        asked = {
            session_id: frozenset(
                name
                for name, lesion in lesions.items()
                if lesion.new_lesion or (name in self.new and lesion.volume_mm3)
            )
            for session_id, lesions in self.by_session.items()
        }
        return {session_id: names for session_id, names in asked.items() if names}


def lesions_of(
    visits: Sequence[VisitWork],
    syndrome: str | None,
    namings: Iterable[LesionNaming] = (),
    *,
    beside_scans: bool,
) -> TableLesions:
    """Return what imported tables tell of single lesions.

    Parameters
    ----------
    visits
        Of one patient, by date.
    syndrome
        Of the patient.
    namings
        What people said of the names, in the order in which it was put on record.
    beside_scans
        Lesions are followed in scans too; a table's only one is then the whole tumour of its days.
    """
    dated = [visit for visit in visits if visit.read.acquired_on is not None and visit.read.visit.imported_lesions]
    names = dict.fromkeys(name for visit in dated for name in visit.read.visit.imported_lesions)
    if beside_scans and not are_judged_apart(syndrome, names):
        return TableLesions()
    called = {name: OF_TABLE.format(name=name) if beside_scans else name for name in names}
    by_session = {
        visit.session_id: {called[name]: lesion for name, lesion in visit.read.visit.imported_lesions.items()}
        for visit in dated
    }
    digests = {visit.session_id: {called[name]: digest for name, digest in _digests(visit).items()} for visit in dated}
    said_now = [_as_called(naming, called, beside_scans=beside_scans) for naming in namings]
    lesions_named = named(by_session, digests, said_now)
    undated = {
        visit.session_id: {called.get(name, name): lesion for name, lesion in visit.read.visit.imported_lesions.items()}
        for visit in visits
        if visit.read.acquired_on is None and not visit.out_of_use.get(Compartment.TUMOUR)
    }
    return TableLesions(lesions_named.by_session, lesions_named, undated)


def _as_called(naming: LesionNaming, called: Mapping[str, str], *, beside_scans: bool) -> LesionNaming:
    """Return what a person said with the names that the table's lesions bear since scans came, or went.

    A lesion that the person named is the table's too: it gets no name that one of the scans might get.
    """
    ending = OF_TABLE.format(name="")

    def now(name: str) -> str:
        plain = name if name in called else name.removesuffix(ending)
        return called.get(plain) or (OF_TABLE.format(name=plain) if beside_scans else plain)

    return replace(naming, lesion_id=now(naming.lesion_id), other=now(naming.other))


def digests_of(visits: Iterable[VisitWork]) -> dict[str, frozenset[str]]:
    """Return by session the digests of what tables give of single lesions."""
    digests = {visit.session_id: frozenset(_digests(visit).values()) for visit in visits}
    return {session_id: of_visit for session_id, of_visit in digests.items() if of_visit}


def _digests(visit: VisitWork) -> dict[str, str]:
    return {name: digest_of(name, lesion) for name, lesion in visit.read.visit.imported_lesions.items()}


def table_visits(visits: Iterable[VisitWork]) -> tuple[TableVisit, ...]:
    """Return what following needs to know of each visit."""
    return tuple(
        TableVisit(
            visit.session_id,
            visit.read.acquired_on,
            visit.read.visit.acquired_at,
            visit.out_of_use.get(Compartment.TUMOUR),
        )
        for visit in visits
    )


def with_imported(
    followed: FollowedLesions,
    visits: Sequence[TableVisit],
    table: TableLesions,
    withdrawals: Sequence[LesionWithdrawal],
    patient: records.Patient,
) -> FollowedLesions:
    """Return the lesions of the scans with those of tables.

    Parameters
    ----------
    followed
        Those of the scans.
    visits
        Of the patient, by date (:func:`table_visits`).
    withdrawals
        By people; of a lesion by its name.
    """
    if not table.by_session:
        return followed
    measures = dict(_measures(visits, table, patient.histology))
    of_scans = [row for row in followed.components if row.session_id not in table.by_session]
    odd = [replace(row, missing_reason=NOT_TOLD) for row in followed.components if row.session_id in table.by_session]
    gone = {name: one for one in withdrawals if (name := _called_now(one, table)) in _names(table)}
    withdrawn = {**followed.withdrawn_lesions, **{name: one for name, one in gone.items() if name is not None}}
    return replace(
        followed,
        components=(*of_scans, *odd, *_components(patient.patient_id, visits, table, measures)),
        new_tumour_mm3={
            **followed.new_tumour_mm3,
            **{session_id: volume_of(lesions, table.new) for session_id, lesions in table.by_session.items()},
        },
        new_tumours=followed.new_tumours | table.new,
        imported=measures,
        withdrawn_lesions=withdrawn,
        settled=followed.settled | table.said.settled,
        named=frozenset(table.said.in_effect),
        undated=_undated(table, patient.histology),
        withdrawn_visits={
            **followed.withdrawn_visits,
            **{
                session_id: max((withdrawn[name] for name in names), key=lambda one: one.withdrawn_on)
                for session_id, names in table.asked.items()
                if names <= withdrawn.keys()
            },
        },
    )


def _called_now(withdrawal: LesionWithdrawal, table: TableLesions) -> str | None:
    """Return what a withdrawn lesion is called now: by the row that it is bound to, else by its name."""
    return table.said.bearer(withdrawal.session_id, withdrawal.component_sha256) or withdrawal.lesion_id


def _names(table: TableLesions) -> frozenset[str]:
    return frozenset(name for lesions in table.by_session.values() for name in lesions)


def _measures(
    visits: Sequence[TableVisit], table: TableLesions, histology: str | None
) -> Iterator[tuple[tuple[str, str], VisitMeasure]]:
    """Yield what judgement needs to know of each lesion, by session and name; of an excluded visit no size."""
    for visit in visits:
        for name, lesion in table.by_session.get(visit.session_id, {}).items():
            assert visit.acquired_on is not None  # only dated visits are in the table's lesions
            why = visit.excluded
            shown = ImportedMeasure(Compartment.TUMOUR, missing_reason=why) if why else lesion
            measure = lesion_measure(visit.session_id, visit.acquired_on, shown, histology, visit.acquired_at)
            yield (visit.session_id, name), measure


def _undated(table: TableLesions, histology: str | None) -> dict[str, tuple[VisitMeasure, ...]]:
    """Return what each lesion measures on scans without a day, by name, those without a size too."""
    first, last = ANY_DAY
    sizes = defaultdict[str, tuple[VisitMeasure, ...]](tuple)
    for session_id, lesions in table.undated.items():
        for name, lesion in lesions.items():
            measure = lesion_measure(session_id, first, lesion, histology)
            sizes[name] += (replace(measure, acquired_by=last),)
    return dict(sizes)


def _components(
    patient_id: str,
    visits: Sequence[TableVisit],
    table: TableLesions,
    measures: Mapping[tuple[str, str], VisitMeasure],
) -> Iterator[records.LesionComponent]:
    """Yield a row of each lesion at each visit from its first one on."""
    so_far: dict[str, None] = {}
    for visit in visits:
        here = table.by_session.get(visit.session_id, {})
        first = [name for name in here if name not in so_far]
        so_far |= dict.fromkeys(here)
        for number, name in enumerate(here, start=1):
            measure = measures[visit.session_id, name]
            is_new = name in first and here[name].new_lesion
            row = _component(patient_id, measure, name, number, is_new=is_new)
            yield replace(row, component_sha256=table.said.digests[visit.session_id].get(name))
            yield from _counted_with(row, table)
        if not here and visit.acquired_on is not None:
            missing = VisitMeasure(visit.session_id, visit.acquired_on, None, missing_reason=NOT_IN_SCAN)
            yield from (_component(patient_id, missing, name, 0, is_new=False) for name in so_far)


def _counted_with(row: records.LesionComponent, table: TableLesions) -> Iterator[records.LesionComponent]:
    """Yield a row of each lesion that is one with another since."""
    for (session_id, name), (whole, why) in table.said.counted_with.items():
        if (session_id, whole) == (row.session_id, row.lesion_id):
            digest = table.said.digests[session_id].get(name)
            merged = replace(row, lesion_id=name, status=str(LesionStatus.MERGED), volume_mm3=None)
            yield replace(merged, missing_reason=why, component_sha256=digest)


def _component(
    patient_id: str, measure: VisitMeasure, name: str, number: int, *, is_new: bool
) -> records.LesionComponent:
    status = LesionStatus.NEW if is_new else LesionStatus.PERSISTENT
    if measure.volume_mm3 == 0:
        status = LesionStatus.RESOLVED
    elif measure.volume_mm3 is None and measure.product_mm2 is None and measure.longest_mm is None:
        status = LesionStatus.NOT_ASSESSABLE
    return records.LesionComponent(
        patient_id=patient_id,
        session_id=measure.session_id,
        lesion_id=name,
        component_id=number if measure.volume_mm3 else 0,
        status=str(status),
        volume_mm3=measure.volume_mm3,
        centre_x_mm=None,
        centre_y_mm=None,
        centre_z_mm=None,
        missing_reason=measure.missing_reason,
    )
