"""Sizes that another program or person measured: what they are worth when the images are not at hand.

What this module refuses: a sampling error of zero. Where nothing is known of the slices, thick sagittal ones through
an ordinary tumour are assumed, by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time

from pipeline.core.vocabulary import Compartment, MaskOrigin, PartSize, VisitMeasure
from pipeline.core.written_day import last_possible
from pipeline.measure import measurement_error
from pipeline.measure.measurement_error import ASSUMED

IMPORTED = "imported"
"""What stands as origin of such a size, and as source of an error that came with it."""

ASSUMED_SLICE_MM = 3.3
"""Distance between sagittal slices where the table says nothing, mm: the usual protocol (ACR: 3 mm and a gap)."""

ASSUMED_LENGTH_RATIO = 2.5
"""Length over width of a tumour in the cord, as in the simulation that the sampling error was fitted to."""

NO_VOLUME = "the table gives no volume of solid tumour for this visit"
UNSEEN = "the table gives no row for this lesion on this day"


@dataclass(frozen=True, slots=True)
class ImportedMeasure:
    """One compartment of one visit, as a table gives it.

    Attributes
    ----------
    volume_mm3
        0 means that it was looked for and not there; None that the table does not say, and ``missing_reason`` why.
    volume_cv
        Coefficient of variation (a fraction) that came with it; None when none did.
    product_mm2, longest_mm
        Sums over pieces, as in ``entities.VisitMeasure``.
    new_lesion
        Somebody saw an unequivocal new lesion at this visit.
    leptomeningeal
        Seeding was seen, or looked for and not seen; None when the meninges were not imaged.
    """

    compartment: Compartment
    volume_mm3: float | None = None
    volume_cv: float | None = None
    product_mm2: float | None = None
    longest_mm: float | None = None
    axial_long_mm: float | None = None
    axial_perpendicular_mm: float | None = None
    slices_spanned: int | None = None
    new_lesion: bool = False
    leptomeningeal: bool | None = None
    missing_reason: str | None = None

    @property
    def has_size(self) -> bool:
        """Something that criteria compare is given."""
        return any(size is not None for size in (self.volume_mm3, self.product_mm2, self.longest_mm))


def error_of(measure: ImportedMeasure, histology: str | None) -> tuple[float | None, str | None]:
    """Return the coefficient of variation of an imported volume, and where it comes from.

    Returns
    -------
    tuple
        The table's own error, ``imported``; else that of the geometric model, ``geometric_model``; None twice where
        there is no volume above 0.

    Examples
    --------
    >>> error_of(ImportedMeasure(Compartment.TUMOUR, 1000.0, 0.08), None)
    (0.08, 'imported')
    >>> cv, source = error_of(ImportedMeasure(Compartment.TUMOUR, 1000.0), None)
    >>> round(cv, 2), source
    (0.14, 'geometric_model')
    """
    if not measure.volume_mm3:
        return None, None
    if measure.volume_cv is not None:
        return measure.volume_cv, IMPORTED
    boundary_mm = measurement_error.boundary_error_mm(MaskOrigin.MANUAL, histology)
    slices = measure.slices_spanned or assumed_slices(measure.volume_mm3)
    cv = measurement_error.geometric_cv(measure.volume_mm3, boundary_mm, slices_spanned=slices, plane="sagittal")
    return cv, ASSUMED


def assumed_slices(volume_mm3: float) -> int:
    """Return the sagittal slices that an ordinary tumour of this volume crosses, at least one.

    Examples
    --------
    >>> [assumed_slices(volume_mm3) for volume_mm3 in (50, 1000, 5000)]
    [1, 2, 4]
    """
    width_mm = (6 * volume_mm3 / (math.pi * ASSUMED_LENGTH_RATIO)) ** (1 / 3)
    return max(1, math.floor(width_mm / ASSUMED_SLICE_MM))


def visit_measure(
    session_id: str, acquired_on: date, measures: Iterable[ImportedMeasure], histology: str | None
) -> VisitMeasure:
    """Return what judgement needs to know of a visit that only a table knows."""
    measures = tuple(measures)
    tumour = next((m for m in measures if m.compartment == Compartment.TUMOUR), None)
    cyst, enhancing = (_part(name, measures, histology) for name in (Compartment.CYST, Compartment.ENHANCING))
    seeding = any_seeding(measure.leptomeningeal for measure in measures)
    marked = any(measure.new_lesion for measure in measures)
    if tumour is None:
        return VisitMeasure(
            session_id,
            acquired_on,
            None,
            new_lesion=marked,
            leptomeningeal=seeding,
            missing_reason=NO_VOLUME,
            acquired_by=last_possible(acquired_on),
            cyst=cyst,
            enhancing=enhancing,
        )
    volume_cv, source = error_of(tumour, histology)
    return VisitMeasure(
        session_id=session_id,
        acquired_on=acquired_on,
        volume_mm3=tumour.volume_mm3,
        volume_cv=volume_cv,
        cv_is_assumed=source == ASSUMED,
        product_mm2=tumour.product_mm2,
        longest_mm=tumour.longest_mm,
        slices_spanned=tumour.slices_spanned,
        new_lesion=marked,
        leptomeningeal=seeding,
        enhancing_mm3=enhancing.volume_mm3,
        missing_reason=tumour.missing_reason,
        acquired_by=last_possible(acquired_on),
        cyst=cyst,
        enhancing=enhancing,
    )


def not_given(compartment: Compartment) -> ImportedMeasure:
    """Return what stands for a compartment of which a visit's table has no row."""
    is_tumour = compartment == Compartment.TUMOUR  # said as where the table alone is judged
    reason = NO_VOLUME if is_tumour else f"the imported table gives no {compartment} here"
    return ImportedMeasure(compartment, missing_reason=reason)


def _part(compartment: Compartment, measures: Iterable[ImportedMeasure], histology: str | None) -> PartSize:
    measure = next((one for one in measures if one.compartment == compartment), not_given(compartment))
    volume_cv, source = error_of(measure, histology)
    return PartSize(
        measure.volume_mm3,
        volume_cv,
        source == ASSUMED,
        measure.product_mm2,
        measure.longest_mm,
        measure.slices_spanned,
        missing_reason=None if measure.missing_reason == NO_VOLUME else measure.missing_reason,
    )


def lesion_measure(
    session_id: str,
    acquired_on: date,
    lesion: ImportedMeasure,
    histology: str | None,
    acquired_at: time | None = None,
) -> VisitMeasure:
    """Return what judgement needs to know of one lesion alone; what is said of the whole patient is left out."""
    alone = visit_measure(session_id, acquired_on, (lesion,), histology)
    return replace(alone, new_lesion=False, leptomeningeal=None, acquired_at=acquired_at)


def any_seeding(seen: Iterable[bool | None]) -> bool | None:
    """Return whether any row saw seeding; None where none looked.

    Examples
    --------
    >>> any_seeding([None, False]), any_seeding([False, True]), any_seeding([None])
    (False, True, None)
    """
    looked = [one for one in seen if one is not None]
    return any(looked) if looked else None
