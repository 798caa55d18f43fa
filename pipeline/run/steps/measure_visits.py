"""Fourth step: measure each compartment of each visit in the visit's own grid, with its error.

Every usable visit gets a row for every compartment that was ever drawn for the patient, and always one for solid
tumour: where nothing could be measured the volume is missing and the row says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, plane
from pipeline.measure import imported_sizes, measurement_error, volumes
from pipeline.refind.refinding import GROWN_LESS_SURELY
from pipeline.run.steps import search_signal
from pipeline.run.steps.mask_visits import SCANS_DIFFER, MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder

NO_MASK = "no mask: nobody drew one on this visit and none could be made from another visit's"


def compartments_of(visits: Iterable[ReadVisit], masked: Iterable[MaskedVisit]) -> tuple[Compartment, ...]:
    """Return the compartments known at any visit, and always solid tumour, in the order of the enumeration."""
    drawn = {c for visit in masked for masks in (*visit.masks.values(), visit.drawn, visit.missing) for c in masks}
    given = {measure.compartment for visit in visits for measure in visit.visit.imported}
    return tuple(c for c in Compartment if c in drawn | given or c == Compartment.TUMOUR)


def measure_visit(
    visit: ReadVisit, masked: MaskedVisit, compartments: Iterable[Compartment], histology: str | None
) -> tuple[records.Measurement, ...]:
    """Measure the given compartments of one visit; where a table gives sizes in place of images, take those."""
    if visit.visit.imported:
        return tuple(_imported(visit, compartment, histology) for compartment in compartments)
    return tuple(_measure(visit, masked, compartment, histology) for compartment in compartments)


def _measure(
    visit: ReadVisit, masked: MaskedVisit, compartment: Compartment, histology: str | None
) -> records.Measurement:
    mask = masked.primary.get(compartment)
    if mask is None:
        return _missing(visit, masked, compartment)
    found = volumes.measure(mask, visit.image)
    cv, cv_source = _error(found, mask, masked, compartment, histology)
    return records.Measurement(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=masked.source_of(compartment),
        volume_mm3=found.volume_mm3,
        volume_cv=cv,
        cv_source=cv_source,
        mask_origin=str(masked.origin_of(compartment)),
        slices_spanned=found.slices_spanned,
        axial_long_mm=found.axial_long_mm,
        axial_perpendicular_mm=found.axial_perpendicular_mm,
        length_mm=found.length_mm,
        component_count=found.component_count,
        missing_reason=None,
        product_mm2=found.product_mm2,
        longest_mm=found.longest_mm,
        bound_reason=masked.bound_of(compartment) or _cut_off(found, visit),
    )


def _cut_off(found: volumes.CompartmentMeasure, visit: ReadVisit) -> str | None:
    """Say where a compartment reaches the edge of its scan, so that its volume is a lower bound; None where not."""
    if not found.edges:
        return None
    name = visit.anchor.path.name if visit.anchor else "the scan"
    return f"its mask reaches the edge of {name} ({', '.join(found.edges)}), beyond which there may be more"


def _error(
    found: volumes.CompartmentMeasure,
    mask: Volume,
    masked: MaskedVisit,
    compartment: Compartment,
    histology: str | None,
) -> tuple[float | None, str | None]:
    """Return the measurement error and where it comes from."""
    origin = masked.origin_of(compartment)
    assert origin is not None  # it has a mask
    found_again = compartment if compartment in masked.found_again else None
    row = masked.measured(compartment)
    less_sure = row is not None and row.method == GROWN_LESS_SURELY
    boundary_mm = measurement_error.boundary_error_mm(origin, histology, found_again, less_sure=less_sure)
    geometric = measurement_error.geometric_cv(
        found.volume_mm3, boundary_mm, slices_spanned=found.slices_spanned, plane=plane(mask)
    )
    if geometric is None:
        return None, None
    reads = [
        volumes.measure(masks[compartment]).volume_mm3
        for masks in (*masked.masks.values(), masked.drawn)
        if compartment in masks
    ]
    return measurement_error.largest_error(
        geometric,
        signal=row.signal_cv if row else None,
        spread=row.spread_cv if row else None,
        repeat=measurement_error.repeat_reads_cv(reads),
    )


def _imported(visit: ReadVisit, compartment: Compartment, histology: str | None) -> records.Measurement:
    found = next((m for m in visit.visit.imported if m.compartment == compartment), None)
    if found is None:
        found = imported_sizes.ImportedMeasure(
            compartment, missing_reason=f"the imported table gives no {compartment} here"
        )
    cv, cv_source = imported_sizes.error_of(found, histology)
    return records.Measurement(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=study_folder.IMPORTED_TABLE,
        volume_mm3=found.volume_mm3,
        volume_cv=cv,
        cv_source=cv_source,
        mask_origin=imported_sizes.IMPORTED if found.has_size else None,
        slices_spanned=found.slices_spanned,
        axial_long_mm=found.axial_long_mm,
        axial_perpendicular_mm=found.axial_perpendicular_mm,
        length_mm=None,
        component_count=None,
        missing_reason=found.missing_reason,
        product_mm2=found.product_mm2,
        longest_mm=found.longest_mm,
    )


def _missing(visit: ReadVisit, masked: MaskedVisit, compartment: Compartment) -> records.Measurement:
    reason = masked.missing.get(compartment) or masked.missing_reason
    if reason is None:
        reason = f"the reader's masks of this visit do not name {compartment}" if masked.masks else NO_MASK
    return records.unmeasured(
        visit.visit.patient_id, visit.session_id, str(compartment), masked.source or "none", reason
    )


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


def unmeasured(
    visits: Sequence[ReadVisit],
    measurements: Sequence[records.Measurement],
    masked: Mapping[str, MaskedVisit],
) -> tuple[records.Finding, ...]:
    """Say which usable visits have no tumour volume, once each: not those where another finding says it."""
    told = {*search_signal.CODES, SCANS_DIFFER}
    said = {found.session_id for one in masked.values() for found in one.findings if found.code in told}
    missing = {
        row.session_id: row.missing_reason
        for row in measurements
        if row.compartment == "tumour" and row.volume_mm3 is None
    }
    return tuple(
        finding(
            "tumour_not_measured",
            f"{visit.visit.patient_id} {visit.session_id}: solid tumour was not measured: {missing[visit.session_id]}",
            patient_id=visit.visit.patient_id,
            session_id=visit.session_id,
        )
        for visit in visits
        if visit.status == "usable" and visit.session_id in missing and visit.session_id not in said
    )
