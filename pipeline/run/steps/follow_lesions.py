"""Fifth step: follow each lesion from visit to visit in the reference space; its volumes stay native ones.

Names once given stay with their pieces (``lesions.lesion_naming``). What this step refuses: leaving a lesion out of a
visit that could not look at it; it is not assessable there, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.core.piece_names import NamesGiven, PiecePlace
from pipeline.core.transform import coverage, resample_together
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, to_world
from pipeline.files import fingerprints
from pipeline.lesions import lesion_naming, matching
from pipeline.lesions.matching import LesionStatus
from pipeline.measure import volumes
from pipeline.run.steps import apply_acts, imported_lesions
from pipeline.run.steps.linked_lesions import as_people_said
from pipeline.run.steps.measure_visits import NO_MASK, cut_off_reason, geometric_cv
from pipeline.run.steps.patient_work import LinkedLesions, PatientWork, PieceSize
from pipeline.run.steps.visit_work import PlacedVisit, ScannedVisit, VisitWork


@dataclass(frozen=True)
class SeenPieces:
    """The pieces of tumour of all visits that take part, and what each of them measures."""

    visits: tuple[matching.VisitComponents, ...] = ()
    sizes: Mapping[tuple[str, int], PieceSize] = field(default_factory=dict)
    undated: tuple[matching.VisitComponents, ...] = ()

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
    linked = link_pieces(work.visits, work.reference, pieces, work.plan.names)
    of_scans = as_people_said(linked, acts.decided.lesions, acts.decided.withdrawn)
    table = imported_lesions.lesions_of(
        work.visits, patient.syndrome, acts.decided.named, beside_scans=bool(of_scans.components)
    )
    visits = imported_lesions.table_visits(work.visits)
    lesions = imported_lesions.with_imported(of_scans, visits, table, acts.decided.withdrawn, patient)
    return replace(work, lesions=lesions, acts=acts).adding(*lesions.components)


def seen_pieces(
    visits: Sequence[VisitWork], reference: ScannedVisit | None, histology: str | None = None
) -> SeenPieces:
    """Return the pieces of solid tumour of the visits that take part: well aligned, with a mask that counts."""
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
    dated = {visit.session_id for visit in taking_part if visit.read.acquired_on is not None}
    return SeenPieces(
        tuple(one for one in components if one.session_id in dated),
        sizes,
        tuple(one for one in components if one.session_id not in dated),
    )


def link_pieces(
    visits: Sequence[VisitWork], reference: ScannedVisit | None, pieces: SeenPieces, names: NamesGiven
) -> LinkedLesions:
    """Match the pieces of solid tumour of all dated visits, and each scan without a day with ever more of those.

    Visits whose alignment has grade C, or whose tumour was not measured, take no part: a lesion seen before is not
    assessable there.
    """
    if reference is None:
        return LinkedLesions()
    named = lesion_naming.names_of_pieces(pieces.visits, names.pieces)
    sightings = matching.link(pieces.visits, named, names.taken)
    people = (MaskOrigin.MANUAL, MaskOrigin.EDITED)
    looked = {visit.session_id for visit in pieces.visits}
    dated = [visit for visit in visits if visit.read.acquired_on is not None]
    return LinkedLesions(
        reference.visit.patient_id,
        sightings,
        undated_sightings(pieces, sightings, names.taken),
        tuple((visit.session_id, None if visit.session_id in looked else _why_not_looked(visit)) for visit in dated),
        pieces.places,
        pieces.sizes,
        frozenset(visit.session_id for visit in visits if visit.counted.origin_of(Compartment.TUMOUR) in people),
    )


def undated_sightings(
    pieces: SeenPieces, sightings: Sequence[matching.Sighting], taken: frozenset[str]
) -> tuple[matching.Sighting, ...]:
    """Return what scans without a day show of the lesions of dated ones, and of tumour that no dated one shows.

    What such a scan shows of a lesion is told once, by the dated scans up to the first that shows the lesion: a later
    one moves no piece, and makes no lesion gone that was not. A piece is new where the first dated scan shows tumour,
    and none at its place.
    """
    bearers = {(s.session_id, s.component_id): s.lesion_id for s in sightings if s.volume_mm3 is not None}
    named = {place: name for place, name in bearers.items() if name != matching.UNPLACED}
    return tuple(one for visit in pieces.undated for one in _told_once(visit, pieces.visits, named, taken))


def _told_once(
    visit: matching.VisitComponents,
    dated: Sequence[matching.VisitComponents],
    named: Mapping[tuple[str, int], str],
    taken: frozenset[str],
) -> list[matching.Sighting]:
    """Match one scan without a day with ever more dated ones; what was told of a lesion stays."""
    names, of_lesions, new = dict(named), list[matching.Sighting](), frozenset[int]()
    lesions: set[str] = set()
    for count, last in enumerate(dated, start=1):
        shown = {name for (session_id, _), name in named.items() if session_id == last.session_id} - lesions
        if shown:
            again = matching.link((*dated[:count], visit), names, taken)
            here = [one for one in again if one.session_id == visit.session_id]
            new = frozenset(one.component_id for one in here if one.status == LesionStatus.NEW) if count == 1 else new
            first_told = [one for one in here if one.lesion_id in shown]
            names |= {(visit.session_id, one.component_id): one.lesion_id for one in first_told if one.volume_mm3}
            of_lesions += first_told
            lesions |= shown
    bearing = {one.component_id for one in of_lesions if one.volume_mm3}
    nameless = [
        matching.Sighting(
            visit.session_id, matching.UNPLACED, number, LesionStatus.NEW, visit.volumes_mm3[number], None
        )
        for number in sorted(new - bearing)
    ]
    lesions_shown = (
        replace(one, status=LesionStatus.NEW) if one.component_id in new and one.volume_mm3 else one
        for one in of_lesions
    )
    return [*lesions_shown, *nameless]


def _is_comparable(visit: PlacedVisit) -> bool:
    return not visit.read.visit.is_to_come and visit.is_comparable and Compartment.TUMOUR in visit.counted.primary


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


def _why_not_looked(visit: VisitWork) -> str:
    tumour = next((row for row in visit.measured if row.compartment == Compartment.TUMOUR), None)
    if tumour is not None and tumour.missing_reason is not None:
        return tumour.missing_reason
    if visit.place is not None and visit.place.grade == "C":
        return "its alignment has grade C, so that nobody can tell which lesion is which"
    if visit.place is None:
        return "the scan has no place in the reference space"
    return NO_MASK
