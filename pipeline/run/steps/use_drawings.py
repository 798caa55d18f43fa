"""Masks that people drew in place of the measured ones: each stands in for one compartment of one visit.

The other compartments keep their own masks. What this step refuses: a drawing that is gone or was changed; then the
compartment has no volume, for the mask it replaced is one that somebody called wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.journal import drawn_masks
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.refind import refinding
from pipeline.run.steps import apply_acts, search_signal
from pipeline.run.steps.mask_records import SCAN_DISTURBED, SCANS_DIFFER, SHRINKAGE_UNSURE, drawn_record
from pipeline.run.steps.patient_work import PatientWork
from pipeline.run.steps.visit_work import Drawings, MaskedVisit, ReadVisit, ScannedVisit, VisitWork

OVERLAP_SHARE = 0.05
"""Share of an automatic mask from which its overlap with a drawing is said."""


def read_drawings(work: PatientWork) -> PatientWork:
    """Read what people drew in place of other masks; for a visit whose scan cannot be read, nothing."""
    corrections = apply_acts.corrections(work.plan.patient.acts, work.reads)
    scanned = [visit for visit in work.visits if isinstance(visit.read, ScannedVisit)]
    return work.changing(
        replace(visit, drawings=drawings_of(visit.session_id, corrections, work.plan.out_dir)) for visit in scanned
    )


def put_in_place(work: PatientWork) -> PatientWork:
    """Let drawings stand in for other masks, and put every visit's masks on record."""
    visits = [drawn_over(visit) for visit in work.visits]
    new = (row for visit in visits for row in visit.masks.findings if row not in work.rows)
    return work.changing(visits).adding(
        *(row for visit in visits for row in visit.masks.rows),
        *(row for visit in visits for row in visit.masks.signals),
        *new,
    )


def drawings_of(
    session_id: str, corrections: Mapping[tuple[str, str], records.JournalEntry], out_dir: Path
) -> Drawings:
    """Read the drawings of one visit that stand.

    Parameters
    ----------
    corrections
        Session and compartment to the entry of the journal.
    """
    entries = {Compartment(c): entry for (name, c), entry in corrections.items() if name == session_id}
    masks, unusable = dict[Compartment, Volume](), dict[Compartment, str]()
    for compartment, entry in entries.items():
        try:
            masks[compartment] = drawn_masks.read(out_dir, str(entry.mask_sha256))
        except InputError as error:
            unusable[compartment] = f"{error}; it was put on record by {_by(entry)}"
    return Drawings(entries, masks, unusable)


def drawn_over(visit: VisitWork) -> VisitWork:
    """Put a visit's drawings in the place of masks of the same compartments; all others stay."""
    read, masks, drawings = visit.read, visit.masks, visit.drawings
    if not drawings.entries or not isinstance(read, ScannedVisit):
        return visit
    undrawn = {c: mask for c, mask in masks.masks.get(masks.source or "", {}).items() if c not in drawings.entries}
    mask_rows = [
        replace(row, is_primary=row.is_primary and row.compartment not in drawings.entries) for row in masks.rows
    ]
    drawn = [drawn_record(read, c, drawings.entries[c], _by(drawings.entries[c])) for c in drawings.masks]
    is_answered = Compartment.TUMOUR in drawings.masks  # a person has looked
    answered = (*search_signal.CODES, SCANS_DIFFER, SCAN_DISTURBED, SHRINKAGE_UNSURE) if is_answered else ()
    findings = [row for row in masks.findings if row.code not in answered]
    better = replace(
        masks,
        masks={**masks.masks, masks.source: undrawn} if masks.source else masks.masks,
        drawn=drawings.masks,
        cord=None if Compartment.CORD in drawings.entries else masks.cord,
        rows=(*mask_rows, *drawn),
        findings=(*findings, *_findings(read, masks, undrawn, drawings)),
        signals=() if is_answered else masks.signals,
        missing={**{c: why for c, why in masks.missing.items() if c not in drawings.masks}, **drawings.unusable},
    )
    return replace(visit, masks=better, drawings=replace(drawings, before=masks))


def _by(entry: records.JournalEntry) -> str:
    return f"{entry.who} on {entry.written_at:%Y-%m-%d}"


def _findings(
    visit: ReadVisit, masked: MaskedVisit, undrawn: Mapping[Compartment, Volume], drawings: Drawings
) -> list[records.Finding]:
    """Say what a person should know: a drawing that is gone, a mask that came later, two masks on one place."""

    def about(code: str, words: str) -> records.Finding:
        return finding(code, f"{visit.named}: {words}", **visit.subject)

    findings = [about("drawing_unusable", why) for why in drawings.unusable.values()]
    for row in (row for row in masked.measured_rows if row.folder == "study"):
        entry = drawings.entries.get(Compartment(row.compartment))
        if entry is not None and row.sha256 != entry.replaces_sha256:
            words = (
                f"{row.path} is another mask than the one that {_by(entry)} corrected; the corrected "
                f"{row.compartment} is measured"
            )
            findings.append(about("drawing_and_mask", words))
    if masked.origin == MaskOrigin.AUTOMATIC:
        for compartment, mask in drawings.masks.items():
            for other, share in _covered(compartment, mask, undrawn):
                words = f"the corrected {compartment} covers {share:.0%} of the automatic {other}"
                findings.append(about("drawing_overlap", words))
    return findings


def _covered(
    compartment: Compartment, mask: Volume, others: Mapping[Compartment, Volume]
) -> list[tuple[Compartment, float]]:
    """Return the compartments that a drawing covers though they lie beside it, each with the share covered."""
    if compartment not in refinding.GROWING:
        return []
    shares = {
        other: float((other_mask.array * (mask.array >= OBJECT_PROBABILITY)).sum() / other_mask.array.sum())
        for other, other_mask in others.items()
        if other in refinding.GROWING and np.any(other_mask.array)
    }
    return [(other, share) for other, share in shares.items() if share >= OVERLAP_SHARE]
