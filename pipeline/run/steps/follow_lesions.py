"""Fifth step: follow each lesion from visit to visit in the reference space; its volumes stay native ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.core import records
from pipeline.core.transform import coverage, resample_together
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.journal.decisions import LesionCorrection
from pipeline.lesions import corrections as identities
from pipeline.lesions import matching, new_lesions
from pipeline.measure import volumes
from pipeline.run.steps.align_visits import AlignedVisit
from pipeline.run.steps.mask_visits import MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit


@dataclass(frozen=True)
class FollowedLesions:
    """Each lesion at each visit, and the visits at which a person's mask shows an unequivocal new one.

    ``new_tumour_mm3`` is the volume by session of tumours that were new beside another, then or earlier, mm³.
    """

    components: tuple[records.LesionComponent, ...]
    new_lesion_sessions: frozenset[str]
    new_tumour_mm3: Mapping[str, float]


def follow_lesions(
    visits: Sequence[ReadVisit],
    masked: Mapping[str, MaskedVisit],
    aligned: Mapping[str, AlignedVisit],
    reference: ReadVisit | None,
    corrections: Sequence[LesionCorrection] = (),
) -> FollowedLesions:
    """Match the pieces of solid tumour of all dated visits, then let people's corrections decide.

    Visits whose alignment has grade C, or whose tumour was not measured, take no part. A recurrence after nothing was
    left is no *new lesion* here: the volume rules speak for it.
    """
    if reference is None or reference.image is None:
        return FollowedLesions((), frozenset(), {})
    taking_part = [
        visit for visit in visits if visit.acquired_on is not None and _is_comparable(visit, masked, aligned)
    ]
    seen = [
        _pieces(visit, masked[visit.session_id], aligned[visit.session_id], reference.image) for visit in taking_part
    ]
    sightings = identities.corrected(matching.link(seen), corrections)
    people = (MaskOrigin.MANUAL, MaskOrigin.EDITED)
    by_hand = {name for name, visit in masked.items() if visit.origin_of(Compartment.TUMOUR) in people}
    patient_id = reference.visit.patient_id
    return FollowedLesions(
        tuple(_record(patient_id, sighting) for sighting in sightings),
        frozenset((new_lesions.new_lesion_sessions(sightings) & by_hand) - _without_earlier_tumour(sightings)),
        new_lesions.new_tumour_volumes(sightings),
    )


def _is_comparable(visit: ReadVisit, masked: Mapping[str, MaskedVisit], aligned: Mapping[str, AlignedVisit]) -> bool:
    name = visit.session_id
    return name in aligned and aligned[name].grade != "C" and Compartment.TUMOUR in masked[name].primary


def _pieces(visit: ReadVisit, masked: MaskedVisit, aligned: AlignedVisit, grid: Volume) -> matching.VisitComponents:
    """Number a visit's pieces natively and find each one's place on the reference grid.

    A piece is moved as a soft mask, and a voxel goes to the piece that fills it most, so that a piece thinner than
    the reference's slices is not lost.
    """
    assert visit.image is not None
    labels, volumes_mm3 = volumes.components(masked.primary[Compartment.TUMOUR])
    soft = [labels.with_array((labels.array == number).astype(np.float32)) for number in volumes_mm3]
    moved = np.zeros(grid.shape, dtype=np.int32)
    strongest = np.full(grid.shape, 0.2)
    for number, piece in zip(volumes_mm3, resample_together(soft, grid, aligned.from_reference, order=1), strict=True):
        here = piece.array > strongest
        moved[here] = number
        strongest[here] = piece.array[here]
    reached = coverage(visit.image, grid, aligned.from_reference)
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
