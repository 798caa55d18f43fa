"""Fifth step: follow each lesion from visit to visit in the reference space; its volumes stay native ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.core import records
from pipeline.core.transform import coverage, resample_together
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.journal.decisions import LesionCorrection
from pipeline.lesions import matching, new_lesions
from pipeline.lesions.corrections import corrected
from pipeline.measure import volumes
from pipeline.run.steps.patient_work import FollowedLesions, PatientWork
from pipeline.run.steps.visit_work import PlacedVisit, ScannedVisit, VisitWork


def follow(work: PatientWork) -> PatientWork:
    """Follow each lesion from visit to visit."""
    lesions = follow_lesions(work.visits, work.reference, work.acts.decided.lesions)
    return replace(work, lesions=lesions).adding(*lesions.components)


def follow_lesions(
    visits: Sequence[VisitWork], reference: ScannedVisit | None, corrections: Sequence[LesionCorrection] = ()
) -> FollowedLesions:
    """Match the pieces of solid tumour of all dated visits, then let people's corrections decide.

    Visits whose alignment has grade C, or whose tumour was not measured, take no part. A recurrence after nothing was
    left is no *new lesion* here: the volume rules speak for it.
    """
    if reference is None:
        return FollowedLesions()
    taking_part = [visit for visit in visits if isinstance(visit, PlacedVisit) and _is_comparable(visit)]
    seen = [_pieces(visit, reference.image) for visit in taking_part]
    sightings = corrected(matching.link(seen), corrections)
    people = (MaskOrigin.MANUAL, MaskOrigin.EDITED)
    by_hand = {visit.session_id for visit in visits if visit.counted.origin_of(Compartment.TUMOUR) in people}
    patient_id = reference.visit.patient_id
    return FollowedLesions(
        tuple(_record(patient_id, sighting) for sighting in sightings),
        frozenset((new_lesions.new_lesion_sessions(sightings) & by_hand) - _without_earlier_tumour(sightings)),
        new_lesions.new_tumour_volumes(sightings),
    )


def _is_comparable(visit: PlacedVisit) -> bool:
    is_dated = visit.read.acquired_on is not None
    return is_dated and visit.is_comparable and Compartment.TUMOUR in visit.counted.primary


def _pieces(visit: PlacedVisit, grid: Volume) -> matching.VisitComponents:
    """Number a visit's pieces natively and find each one's place on the reference grid.

    A piece is moved as a soft mask, and a voxel goes to the piece that fills it most, so that a piece thinner than
    the reference's slices is not lost.
    """
    from_reference = visit.place.from_reference
    labels, volumes_mm3 = volumes.components(visit.counted.primary[Compartment.TUMOUR])
    soft = [labels.with_array((labels.array == number).astype(np.float32)) for number in volumes_mm3]
    moved = np.zeros(grid.shape, dtype=np.int32)
    strongest = np.full(grid.shape, 0.2)
    for number, piece in zip(volumes_mm3, resample_together(soft, grid, from_reference, order=1), strict=True):
        here = piece.array > strongest
        moved[here] = number
        strongest[here] = piece.array[here]
    reached = coverage(visit.read.image, grid, from_reference)
    return matching.VisitComponents(visit.session_id, grid.with_array(moved), volumes_mm3, reached)


def _without_earlier_tumour(sightings: Sequence[matching.Sighting]) -> frozenset[str]:
    """Return the visits before which no tumour had been seen."""
    order = list(dict.fromkeys(sighting.session_id for sighting in sightings))
    first = next((order.index(s.session_id) for s in sightings if s.component_id), len(order))
    return frozenset(order[: first + 1])


def _record(patient_id: str, sighting: matching.Sighting) -> records.LesionComponent:
    x, y, z = sighting.centre_mm or (None, None, None)
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
    )
