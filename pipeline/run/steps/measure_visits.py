"""Fourth step: measure each compartment of each visit in the visit's own grid, with its error.

Every usable visit gets a row for every compartment that was ever drawn for the patient, and always one for solid
tumour: where nothing could be measured the volume is missing and the row says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.core import records, wording
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume, plane
from pipeline.measure import imported_sizes, measurement_error, own_cyst, volumes
from pipeline.refind.refinding import GROWN_LESS_SURELY
from pipeline.run.steps import search_signal
from pipeline.run.steps.mask_records import SCANS_DIFFER
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, VisitWork
from pipeline.study import study_folder

NO_MASK = "no mask: nobody drew one on this visit and none could be made from another visit's"
CORD_ALONE = (
    "the cord alone was drawn at this visit, so the {} of another visit was not looked for here; draw it as well, an "
    "empty mask if nothing is seen"
)
SAID_ELSEWHERE = frozenset({*search_signal.CODES, SCANS_DIFFER})
"""Codes of findings that say already why a visit has no tumour volume."""


def measure(work: PatientWork) -> PatientWork:
    """Measure every visit, and say which have no tumour volume."""
    compartments, histology = compartments_of(work.visits), work.plan.patient.patient.histology
    visits = tuple(replace(visit, measured=measure_visit(visit, compartments, histology)) for visit in work.visits)
    measurements = (row for visit in visits for row in visit.measured)
    cut = cut_off(row for visit in visits for row in visit.measured)
    return work.changing(visits).adding(*measurements, *cut, *unmeasured(visits), *cysts_apart(visits))


def compartments_of(visits: Iterable[VisitWork]) -> tuple[Compartment, ...]:
    """Return the compartments known at any visit, and always solid tumour, in the order of the enumeration."""
    present = {Compartment.TUMOUR}
    for visit in visits:
        present |= (
            visit.masks.compartments
            | visit.masks.missing.keys()
            | {size.compartment for size in visit.read.visit.imported}
        )
    return tuple(compartment for compartment in Compartment if compartment in present)


def measure_visit(
    visit: VisitWork, compartments: Iterable[Compartment], histology: str | None
) -> tuple[records.Measurement, ...]:
    """Measure the given compartments of one visit; where a table gives sizes in place of images, take those.

    What people excluded, and what is a copy of another visit, has no size, with the reason in its place.
    """
    return tuple(_measure(visit, compartment, histology) for compartment in compartments)


def _measure(visit: VisitWork, compartment: Compartment, histology: str | None) -> records.Measurement:
    is_imported = bool(visit.read.visit.imported)
    why_excluded = visit.out_of_use.get(compartment)
    if why_excluded is not None:
        source = study_folder.IMPORTED_TABLE if is_imported else visit.masks.source_of(compartment)
        return records.unmeasured(**visit.read.subject, compartment=compartment, source=source, reason=why_excluded)
    if is_imported:
        return _imported(visit.read, compartment, histology)
    mask = visit.masks.primary.get(compartment)
    if mask is None:
        return _missing(visit.read, visit.masks, compartment)
    measured = volumes.measure(mask, visit.read.image)
    cv, cv_source = _error(measured, mask, visit, compartment, histology)
    return records.Measurement(
        **visit.read.subject,
        compartment=str(compartment),
        source=visit.masks.source_of(compartment),
        volume_mm3=measured.volume_mm3,
        volume_cv=cv,
        cv_source=cv_source,
        mask_origin=str(visit.masks.origin_of(compartment)),
        slices_spanned=measured.slices_spanned,
        axial_long_mm=measured.axial_long_mm,
        axial_perpendicular_mm=measured.axial_perpendicular_mm,
        length_mm=measured.length_mm,
        component_count=measured.component_count,
        missing_reason=None,
        product_mm2=measured.product_mm2,
        longest_mm=measured.longest_mm,
        bound_reason=visit.masks.bound_of(compartment) or cut_off_reason(measured, visit.read),
    )


def cut_off_reason(measured: volumes.CompartmentMeasure, visit: ReadVisit) -> str | None:
    """Say where a compartment reaches the edge of its scan, so that its volume is a lower bound; None where not."""
    if not measured.edges:
        return None
    name = visit.anchor.path.name if visit.anchor else "the scan"
    return f"its mask reaches the edge of {name} ({', '.join(measured.edges)}), beyond which there may be more"


def _error(
    measured: volumes.CompartmentMeasure,
    mask: Volume,
    visit: VisitWork,
    compartment: Compartment,
    histology: str | None,
) -> tuple[float | None, str | None]:
    """Return the measurement error and where it comes from; an earlier visit's mask is no second reading of this."""
    masked = visit.masks
    geometric = geometric_cv(measured, mask, masked, compartment, histology)
    if geometric is None:
        return None, None
    row = masked.measured(compartment)
    reads = [
        volumes.measure(masks[compartment]).volume_mm3
        for source, masks in (*masked.masks.items(), (None, masked.drawn))
        if compartment in masks and (source, compartment) not in visit.copies.reads
    ]
    return measurement_error.largest_error(
        geometric,
        signal=row.signal_cv if row else None,
        shrinkage=row.shrinkage_cv if row and masked.origin_of(compartment) == MaskOrigin.AUTOMATIC else None,
        spread=row.spread_cv if row else None,
        repeat=measurement_error.repeat_reads_cv(reads),
    )


def geometric_cv(
    measured: volumes.CompartmentMeasure,
    mask: Volume,
    masked: MaskedVisit,
    compartment: Compartment,
    histology: str | None,
) -> float | None:
    """Return the error of a volume by its size, its sampling and who drew it; None for a volume of 0."""
    origin = masked.origin_of(compartment)
    if origin is None:
        raise ValueError(f"{masked.session_id}: expected who made the mask of {compartment}, found nobody")
    found_again = compartment if compartment in masked.found_again else None
    row = masked.measured(compartment)
    less_sure = row is not None and row.method == GROWN_LESS_SURELY
    boundary_mm = measurement_error.boundary_error_mm(origin, histology, found_again, less_sure=less_sure)
    return measurement_error.geometric_cv(
        measured.volume_mm3, boundary_mm, slices_spanned=measured.slices_spanned, plane=plane(mask)
    )


def _imported(visit: ReadVisit, compartment: Compartment, histology: str | None) -> records.Measurement:
    size = next((m for m in visit.visit.imported if m.compartment == compartment), None)
    if size is None:
        size = imported_sizes.not_given(compartment)
    cv, cv_source = imported_sizes.error_of(size, histology)
    return records.Measurement(
        **visit.subject,
        compartment=str(compartment),
        source=study_folder.IMPORTED_TABLE,
        volume_mm3=size.volume_mm3,
        volume_cv=cv,
        cv_source=cv_source,
        mask_origin=imported_sizes.IMPORTED if size.has_size else None,
        slices_spanned=size.slices_spanned,
        axial_long_mm=size.axial_long_mm,
        axial_perpendicular_mm=size.axial_perpendicular_mm,
        length_mm=None,
        component_count=None,
        missing_reason=size.missing_reason,
        product_mm2=size.product_mm2,
        longest_mm=size.longest_mm,
    )


def _missing(visit: ReadVisit, masked: MaskedVisit, compartment: Compartment) -> records.Measurement:
    reason = masked.missing.get(compartment) or masked.missing_reason
    if reason is None and masked.compartments == {Compartment.CORD}:
        is_drawn = any(row.folder == "study" for row in masked.rows)
        reason = CORD_ALONE.format(compartment) if is_drawn else NO_MASK
    if reason is None:
        reason = f"the reader's masks of this visit do not name {compartment}" if masked.masks else NO_MASK
    source = masked.source or "none"
    return records.unmeasured(**visit.subject, compartment=str(compartment), source=source, reason=reason)


def cut_off(measurements: Iterable[records.Measurement]) -> tuple[records.Finding, ...]:
    """Say which measured compartments reach the edge of their scan; the cord always does."""
    return tuple(
        finding(
            "mask_at_edge",
            f"{row.patient_id} {row.session_id}: the volume of {row.compartment} is a lower bound: {row.bound_reason}",
            patient_id=row.patient_id,
            session_id=row.session_id,
        )
        for row in measurements
        if row.bound_reason and row.compartment != Compartment.CORD
    )


def cyst_place(visit: VisitWork) -> own_cyst.CystPlace | None:
    """Return how much of what was drawn as cyst lies in or at the tumour; None where not both have masks that count."""
    masks = visit.counted.primary
    cyst, tumour = masks.get(Compartment.CYST), masks.get(Compartment.TUMOUR)
    return None if cyst is None or tumour is None else own_cyst.place_of(cyst, tumour)


def cysts_apart(visits: Iterable[VisitWork]) -> tuple[records.Finding, ...]:
    """Say of which visits something drawn as cyst lies away from the tumour: it is not counted with it."""
    findings = []
    for visit in visits:
        place = cyst_place(visit)
        if place is not None and place.apart_mm3:
            message = (
                f"{visit.read.named}: expected what is named cyst in or at the tumour, found "
                f"{wording.volume(place.apart_mm3)} of it away from it; that is not counted with the tumour"
            )
            findings.append(finding("cyst_apart", message, **visit.read.subject))
    return tuple(findings)


def unmeasured(visits: Iterable[VisitWork]) -> tuple[records.Finding, ...]:
    """Say which usable visits have no tumour volume, once each: not those where another finding says it."""
    findings = []
    for visit in (visit for visit in visits if visit.read.status == "usable"):
        is_said = any(row.code in SAID_ELSEWHERE for row in visit.masks.findings)
        tumour = next(row for row in visit.measured if row.compartment == Compartment.TUMOUR)
        if tumour.volume_mm3 is None and not is_said:
            message = f"{visit.read.named}: solid tumour was not measured: {tumour.missing_reason}"
            findings.append(finding("tumour_not_measured", message, **visit.read.subject))
    return tuple(findings)
