"""Fifth step: follow each lesion from visit to visit in the reference space; its volumes stay native ones.

Names once given stay with their pieces (``lesions.lesion_naming``). What this step refuses: leaving a lesion out of a
visit that could not look at it; it is not assessable there, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.core import records
from pipeline.core.piece_names import NamesGiven, PiecePlace
from pipeline.core.transform import coverage, resample_together
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, to_world
from pipeline.files import fingerprints
from pipeline.journal.decisions import Decisions
from pipeline.journal.lesion_acts import LesionWithdrawal
from pipeline.lesions import corrections as identities
from pipeline.lesions import lesion_naming, matching, new_lesions
from pipeline.measure import volumes
from pipeline.run.steps import apply_acts, imported_lesions
from pipeline.run.steps.measure_visits import NO_MASK, cut_off_reason, geometric_cv
from pipeline.run.steps.patient_work import FollowedLesions, PatientWork, PieceSize
from pipeline.run.steps.visit_work import PlacedVisit, ScannedVisit, VisitWork


@dataclass(frozen=True)
class SeenPieces:
    """The pieces of tumour of all visits that take part, and what each of them measures."""

    visits: tuple[matching.VisitComponents, ...] = ()
    sizes: Mapping[tuple[str, int], PieceSize] = field(default_factory=dict)

    @property
    def places(self) -> dict[tuple[str, int], PiecePlace]:
        """Session and number of each piece to what it is told by."""
        return {(visit.session_id, number): place for visit in self.visits for number, place in visit.places.items()}

    @property
    def digests(self) -> dict[tuple[str, int], str]:
        """Session and number of each piece to the digest of its voxels."""
        return {key: place.sha256 for key, place in self.places.items()}


def follow(work: PatientWork) -> PatientWork:
    """Follow each lesion from visit to visit; acts about lesions that do not fit any more lapse here."""
    pieces = seen_pieces(work.visits, work.reference, work.plan.patient.patient.histology)
    patient = work.plan.patient.patient
    by_session = imported_lesions.digests_of(work.visits)
    for (session_id, _), digest in pieces.digests.items():
        by_session[session_id] = by_session.get(session_id, frozenset()) | {digest}
    by_visit = {(patient.patient_id, session_id): digests for session_id, digests in by_session.items()}
    acts = apply_acts.acts_on(work.plan.patient.acts, work.visits, by_visit)
    of_scans = follow_lesions(work.visits, work.reference, pieces, acts.decided, work.plan.names)
    table = imported_lesions.lesions_of(
        work.visits, patient.syndrome, acts.decided.named, beside_scans=bool(of_scans.components)
    )
    visits = imported_lesions.table_visits(work.visits)
    lesions = imported_lesions.with_imported(of_scans, visits, table, acts.decided.withdrawn, patient)
    return replace(work, lesions=lesions, acts=acts).adding(*lesions.components)


def seen_pieces(
    visits: Sequence[VisitWork], reference: ScannedVisit | None, histology: str | None = None
) -> SeenPieces:
    """Return the pieces of solid tumour of the visits that take part: dated, well aligned, with a mask that counts."""
    if reference is None:
        return SeenPieces()
    taking_part = [visit for visit in visits if isinstance(visit, PlacedVisit) and _is_comparable(visit)]
    sizes: dict[tuple[str, int], PieceSize] = {}
    components = []
    for visit in taking_part:
        labels, volumes_mm3 = volumes.components(visit.counted.primary[Compartment.TUMOUR])
        components.append(_on_reference(visit, labels, volumes_mm3, reference.image))
        for number in volumes_mm3:
            sizes[visit.session_id, number] = _size(visit, labels.with_array(labels.array == number), histology)
    return SeenPieces(tuple(components), sizes)


def follow_lesions(
    visits: Sequence[VisitWork],
    reference: ScannedVisit | None,
    pieces: SeenPieces,
    decided: Decisions,
    names: NamesGiven,
) -> FollowedLesions:
    """Match the pieces of solid tumour of all dated visits, then let people's corrections decide.

    Visits whose alignment has grade C, or whose tumour was not measured, take no part: a lesion seen before is not
    assessable there. A recurrence after nothing was left is no *new lesion* here: the volume rules speak for it.
    """
    if reference is None:
        visits_without, lesions_without = _withdrawn(decided.withdrawn, (), frozenset(), {})
        return FollowedLesions(withdrawn_visits=visits_without, withdrawn_lesions=lesions_without)
    named = lesion_naming.names_of_pieces(pieces.visits, names.pieces)
    linked = matching.link(pieces.visits, named, names.taken)
    sightings = identities.corrected(linked, decided.lesions, pieces.digests)
    people = (MaskOrigin.MANUAL, MaskOrigin.EDITED)
    by_hand = {visit.session_id for visit in visits if visit.counted.origin_of(Compartment.TUMOUR) in people}
    excluded = _without_earlier_tumour(sightings)
    new = frozenset(
        one for one in new_lesions.unequivocal_new(sightings) if one[0] in by_hand and one[0] not in excluded
    )
    raw = {(s.session_id, s.component_id): s.lesion_id for s in linked if s.volume_mm3 is not None}
    patient_id = reference.visit.patient_id
    component_rows = [_record(patient_id, sighting, pieces.places, raw) for sighting in sightings]
    return FollowedLesions(
        (*component_rows, *_not_looked_at(visits, pieces, component_rows)),
        frozenset(session_id for session_id, _ in new),
        new_lesions.new_tumour_volumes(sightings),
        pieces.sizes,
        new_lesions.new_tumours(sightings),
        frozenset(by_hand),
        *_withdrawn(decided.withdrawn, sightings, new, pieces.digests),
        settled=_settled(decided, sightings, pieces.digests),
    )


def _settled(
    decided: Decisions, sightings: Sequence[matching.Sighting], digests: Mapping[tuple[str, int], str]
) -> frozenset[tuple[str, str]]:
    """Return visit and lesion of which a person said that it is this lesion, by another name or by its own."""
    settled = set()
    for one in decided.lesions:
        digest = one.component_sha256
        bearer = digest and identities.lesion_of(sightings, one.session_id, digest, digests)
        settled.add((one.session_id, bearer or one.same_as))
    return frozenset(settled)


def _withdrawn(
    withdrawals: Sequence[LesionWithdrawal],
    sightings: Sequence[matching.Sighting],
    new: frozenset[tuple[str, str]],
    digests: Mapping[tuple[str, int], str],
) -> tuple[dict[str, LesionWithdrawal], dict[str, LesionWithdrawal]]:
    """Return what was withdrawn: visits at which no new lesion or tumour is left, and lesions by name."""
    visits: dict[str, LesionWithdrawal] = {}
    lesions: dict[str, LesionWithdrawal] = {}
    for withdrawal in withdrawals:
        session_id, digest = withdrawal.session_id, withdrawal.component_sha256
        name = withdrawal.lesion_id if digest is None else identities.lesion_of(sightings, session_id, digest, digests)
        if name is not None:
            lesions[name] = withdrawal
        elif withdrawal.lesion_id is None:
            visits[session_id] = withdrawal
    beside = new_lesions.new_tumours(sightings)
    for session_id in dict.fromkeys(sighting.session_id for sighting in sightings):
        here = {s.lesion_id for s in sightings if s.session_id == session_id and s.volume_mm3}
        asked = (here & beside) | {lesion for visit, lesion in new if visit == session_id}
        if asked and asked <= lesions.keys():
            visits[session_id] = max((lesions[name] for name in asked), key=lambda one: one.withdrawn_on)
    return visits, lesions


def _is_comparable(visit: PlacedVisit) -> bool:
    is_dated = visit.read.acquired_on is not None
    return is_dated and visit.is_comparable and Compartment.TUMOUR in visit.counted.primary


def _size(visit: PlacedVisit, piece: Volume, histology: str | None) -> PieceSize:
    measured = volumes.measure(piece, visit.read.image)
    bound = cut_off_reason(measured, visit.read) or visit.masks.bound_of(Compartment.TUMOUR)
    cv = geometric_cv(measured, piece, visit.masks, Compartment.TUMOUR, histology)
    return PieceSize(measured.slices_spanned, measured.product_mm2, measured.longest_mm, bound, cv)


def _on_reference(
    visit: PlacedVisit, labels: Volume, volumes_mm3: Mapping[int, float], grid: Volume
) -> matching.VisitComponents:
    """Find each native piece's place on the reference grid.

    A piece is moved as a soft mask, and a voxel goes to the piece that fills it most, so that a piece thinner than
    the reference's slices is not lost.
    """
    from_reference = visit.place.from_reference
    soft = [labels.with_array((labels.array == number).astype(np.float32)) for number in volumes_mm3]
    moved = np.zeros(grid.shape, dtype=np.int32)
    strongest = np.full(grid.shape, 0.2)
    for number, piece in zip(volumes_mm3, resample_together(soft, grid, from_reference, order=1), strict=True):
        here = piece.array > strongest
        moved[here] = number
        strongest[here] = piece.array[here]
    reached = coverage(visit.read.image, grid, from_reference)
    places = {number: _place(labels, number) for number in volumes_mm3}
    return matching.VisitComponents(visit.session_id, grid.with_array(moved), volumes_mm3, reached, places)


def _place(labels: Volume, number: int) -> PiecePlace:
    """Return what a piece is told by: the digest of its voxels and their grid, and its centre in its own scan."""
    voxels = np.argwhere(labels.array == number)
    x, y, z = to_world(labels.affine, voxels).mean(axis=0)
    grid = (list(labels.shape), labels.affine.round(4).tolist())
    digest = fingerprints.of_values("piece", grid, voxels.astype("<i4").tobytes().hex())
    return PiecePlace(digest, (float(x), float(y), float(z)))


def _without_earlier_tumour(sightings: Sequence[matching.Sighting]) -> frozenset[str]:
    """Return the visits before which no tumour had been seen."""
    order = list(dict.fromkeys(sighting.session_id for sighting in sightings))
    first = next((order.index(s.session_id) for s in sightings if s.component_id), len(order))
    return frozenset(order[: first + 1])


def _not_looked_at(
    visits: Sequence[VisitWork], pieces: SeenPieces, component_rows: Sequence[records.LesionComponent]
) -> Iterator[records.LesionComponent]:
    """Yield each lesion seen before at each dated visit that took no part, not assessable with the reason."""
    looked = {visit.session_id for visit in pieces.visits}
    last: dict[str, records.LesionComponent] = {}
    for visit in visits:
        if visit.session_id in looked:
            last |= {row.lesion_id: row for row in component_rows if row.session_id == visit.session_id}
        elif visit.read.acquired_on is not None:
            why = _why_not_looked(visit)
            for name, row in last.items():
                if name != matching.UNPLACED:
                    yield replace(
                        row,
                        session_id=visit.session_id,
                        component_id=0,
                        status=str(matching.LesionStatus.NOT_ASSESSABLE),
                        volume_mm3=None,
                        component_sha256=None,
                        scan_x_mm=None,
                        scan_y_mm=None,
                        scan_z_mm=None,
                        missing_reason=why,
                    )


def _why_not_looked(visit: VisitWork) -> str:
    tumour = next((row for row in visit.measured if row.compartment == Compartment.TUMOUR), None)
    if tumour is not None and tumour.missing_reason is not None:
        return tumour.missing_reason
    if visit.place is not None and visit.place.grade == "C":
        return "its alignment has grade C, so that nobody can tell which lesion is which"
    if visit.place is None:
        return "the scan has no place in the reference space"
    return NO_MASK


def _record(
    patient_id: str,
    sighting: matching.Sighting,
    places: Mapping[tuple[str, int], PiecePlace],
    raw: Mapping[tuple[str, int], str],
) -> records.LesionComponent:
    x, y, z = sighting.centre_mm or (None, None, None)
    key = (sighting.session_id, sighting.component_id)
    place = places.get(key) if sighting.volume_mm3 is not None else None
    scan_x, scan_y, scan_z = place.centre_mm if place else (None, None, None)
    is_named = place is not None and raw.get(key) != matching.UNPLACED
    return records.LesionComponent(
        patient_id=patient_id,
        session_id=sighting.session_id,
        lesion_id=sighting.lesion_id,
        component_id=sighting.component_id,
        status=str(sighting.status),
        volume_mm3=sighting.volume_mm3,
        centre_x_mm=x,
        centre_y_mm=y,
        centre_z_mm=z,
        component_sha256=place.sha256 if place else None,
        scan_x_mm=scan_x,
        scan_y_mm=scan_y,
        scan_z_mm=scan_z,
        named_as=raw.get(key) if is_named else None,
        missing_reason=sighting.reason,
    )
