"""Third step: the masks of every visit. A mask that a person drew is never changed.

A visit without one gets the lesion of the latest earlier visits that have masks (else of the earliest later one), found
again on its own scan (:mod:`pipeline.run.steps.refind_masks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files import fingerprints
from pipeline.journal import drawn_masks
from pipeline.refind import refinding
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder
from pipeline.study.mask_voxels import MaskReading

AUTOMATIC_SOURCE = "cordtrack"
DRAWN_SOURCE = drawn_masks.FOLDER
"""Source of the masks that people drew in place of others; no derivatives folder can have this name."""
PROBABILITY_DECIMALS = 3
"""Probabilities are stored and measured with this many decimals: far finer than they are known, and small on disk."""

SCANS_DIFFER, SCAN_DISTURBED = "scans_differ", "scan_disturbed"
"""Code of the finding that masks cannot be found again on a scan."""

DRAWN_NOT_READ = ("mask_values", "mask_is_scan", "mask_covers_scan", "mask_label_unlisted")
"""Findings about drawings on the scan's own voxels that say nothing certain: no automatic mask stands in for them."""

FOUND_AGAIN = (refinding.GROWN, refinding.GROWN_LESS_SURELY)


@dataclass(frozen=True)
class MaskedVisit:
    """A visit's masks on its own grid, by source and compartment.

    ``source`` names the masks that are measured, the others are repeat reads; ``drawn`` holds those that people drew in
    place of measured ones, whose compartments ``masks[source]`` then lacks; ``origin`` is that of the source.
    ``missing`` says in words why a compartment known at another visit has no mask here; ``signals`` are places that may
    be new tumour; ``bounds`` says why there may be more of a compartment than the source's mask shows.
    """

    session_id: str
    origin: MaskOrigin | None
    masks: Mapping[str, Mapping[Compartment, Volume]]
    rows: tuple[records.Segmentation, ...] = ()
    findings: tuple[records.Finding, ...] = ()
    missing: Mapping[Compartment, str] = field(default_factory=dict)
    missing_reason: str | None = None
    source: str | None = None
    drawn: Mapping[Compartment, Volume] = field(default_factory=dict)
    signals: tuple[records.NewSignal, ...] = ()
    bounds: Mapping[Compartment, str] = field(default_factory=dict)

    @property
    def is_drawn_on(self) -> bool:
        """Whether somebody drew on this visit's scan, be it something that says nothing certain."""
        return bool(self.masks or self.missing)

    @property
    def is_carried_over(self) -> bool:
        """Whether the tumour was only warped here from another visit, so that it can show no change."""
        tumour = (row for row in self.rows if row.is_primary and row.compartment == Compartment.TUMOUR)
        return any(row.method == refinding.CARRIED_OVER for row in tumour)

    @property
    def found_again(self) -> frozenset[str]:
        """Compartments whose masks were found again on this visit's own scan."""
        return frozenset(row.compartment for row in self.rows if row.is_primary and row.method in FOUND_AGAIN)

    @property
    def has_tumour(self) -> bool:
        """Whether solid tumour was drawn; an empty mask is none."""
        return bool(Compartment.TUMOUR in self.primary and self.primary[Compartment.TUMOUR].array.any())

    @property
    def primary(self) -> Mapping[Compartment, Volume]:
        """The masks that are measured: a person's before a program's, then by the name of the source."""
        return {**(self.masks[self.source] if self.source else {}), **self.drawn}

    def measured(self, compartment: Compartment) -> records.Segmentation | None:
        """Return the record of a compartment's measured mask."""
        return next((row for row in self.rows if row.is_primary and row.compartment == compartment), None)

    def origin_of(self, compartment: Compartment) -> MaskOrigin | None:
        """Return who made a compartment's measured mask."""
        return MaskOrigin.EDITED if compartment in self.drawn else self.origin

    def bound_of(self, compartment: Compartment) -> str | None:
        """Return why there may be more of a compartment than its measured mask shows; None where not."""
        return None if compartment in self.drawn else self.bounds.get(compartment)

    def source_of(self, compartment: Compartment) -> str:
        """Return which source a compartment's measured mask comes from."""
        return DRAWN_SOURCE if compartment in self.drawn else self.source or "none"


def given_masks(visit: ReadVisit) -> MaskedVisit:
    """Read the masks that people drew for a visit; odd ones are left out and said in findings."""
    if visit.image is None or visit.anchor is None:
        return MaskedVisit(visit.session_id, None, {}, missing_reason=visit.status_reason)
    masks: dict[str, dict[Compartment, Volume]] = {}
    readings, findings = study_folder.read_masks(visit.visit, visit.image, visit.anchor)
    missing = _unread(visit.visit.masks, readings, findings)
    for one in readings:
        masks.setdefault(one.file.source, {})[one.compartment] = one.volume
    if not masks:
        return MaskedVisit(visit.session_id, None, {}, findings=tuple(findings), missing=missing)
    origins = {one.file.source: one.file.origin for one in readings}
    primary = min(origins, key=lambda source: (origins[source] == MaskOrigin.AUTOMATIC, source))
    rows = [_given_row(visit, one.compartment, one.file, is_primary=one.file.source == primary) for one in readings]
    bounds = {one.compartment: one.bound_reason for one in readings if one.bound_reason and one.file.source == primary}
    return MaskedVisit(
        visit.session_id, origins[primary], masks, tuple(rows), tuple(findings), missing, source=primary, bounds=bounds
    )


def _unread(
    files: Sequence[study_folder.MaskFile],
    readings: Sequence[MaskReading],
    findings: Sequence[records.Finding],
) -> dict[Compartment, str]:
    """Say of each compartment that somebody drew here and nobody can read why it is missing, which is not 0."""
    reasons = {found.path: found.message for found in findings if found.code in DRAWN_NOT_READ}
    read = {one.compartment for one in readings}
    return {
        compartment: reasons[file.relative]
        for file in files
        for compartment in file.compartments
        if file.relative in reasons and compartment not in read
    }


def with_likely_labels(given: Mapping[str, MaskedVisit]) -> dict[str, MaskedVisit]:
    """Add to findings about an unlisted label what it most likely means, as the patient's other visits show.

    That is the one compartment which the same source draws at another visit and which is gone where the unlisted
    label appeared. It is a remedy to look at, and nothing is measured by it.
    """
    return {name: _with_likely_label(visit, given) for name, visit in given.items()}


def _with_likely_label(visit: MaskedVisit, given: Mapping[str, MaskedVisit]) -> MaskedVisit:
    unlisted = [row for row in visit.findings if row.code == "mask_label_unlisted"]
    seen = {
        (row.compartment, other.session_id)
        for other in given.values()
        for row in other.rows
        if row.compartment in visit.missing and other.masks[row.source][Compartment(row.compartment)].array.any()
    }
    likely = {compartment for compartment, _ in seen}
    if len(unlisted) != 1 or len(likely) != 1:
        return visit
    sessions = ", ".join(sorted(session_id for _, session_id in seen))
    words = f"; most likely it is {next(iter(likely))}, which is drawn at {sessions} and missing here"
    findings = [replace(row, message=f"{row.message}{words}") if row in unlisted else row for row in visit.findings]
    return replace(visit, findings=tuple(findings))


def lesion_region(masked: MaskedVisit) -> Volume | None:
    """Return where a visit's masks show any lesion (not the cord itself), or None when they show none."""
    lesions = [mask for compartment, mask in masked.primary.items() if compartment != Compartment.CORD]
    if not lesions:
        return None
    union = np.any([mask.array >= 0.5 for mask in lesions], axis=0)
    return lesions[0].with_array(union) if union.any() else None


def _given_row(
    visit: ReadVisit, compartment: Compartment, file: study_folder.MaskFile, *, is_primary: bool
) -> records.Segmentation:
    assert visit.anchor is not None
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=file.source,
        mask_origin=str(file.origin),
        folder="study",
        path=file.relative,
        scan_path=visit.anchor.relative,
        sha256=fingerprints.of_file(file.path),
        is_primary=is_primary,
        method="given: drawn by a person" if file.origin != MaskOrigin.AUTOMATIC else "given: origin not stated",
        note=None,
        software="",
    )
