"""Masks that people drew in place of the measured ones: each stands in for one compartment of one visit.

The other compartments keep their own masks. What this step refuses: a drawing that is gone or was changed; then the
compartment has no volume, for the mask it replaced is one that somebody called wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.journal import drawn_masks
from pipeline.refind import refinding
from pipeline.run.steps import search_signal
from pipeline.run.steps.mask_visits import DRAWN_SOURCE, SCAN_DISTURBED, SCANS_DIFFER, MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit

OVERLAP_SHARE = 0.05
"""Share of an automatic mask from which its overlap with a drawing is said."""


@dataclass(frozen=True)
class Drawings:
    """What people drew for one visit: masks on its grid, and why one cannot be used, in words."""

    entries: Mapping[Compartment, records.JournalEntry] = field(default_factory=dict)
    masks: Mapping[Compartment, Volume] = field(default_factory=dict)
    unusable: Mapping[Compartment, str] = field(default_factory=dict)


def drawings_of(
    visits: Sequence[ReadVisit], corrections: Mapping[tuple[str, str], records.JournalEntry], out_dir: Path
) -> dict[str, Drawings]:
    """Read the drawings that stand, by session; a visit whose scan cannot be read has none.

    Parameters
    ----------
    corrections
        Session and compartment to the entry of the journal.
    """
    found = {}
    for visit in (visit for visit in visits if visit.image is not None):
        entries = {Compartment(c): entry for (name, c), entry in corrections.items() if name == visit.session_id}
        masks, unusable = dict[Compartment, Volume](), dict[Compartment, str]()
        for compartment, entry in entries.items():
            try:
                masks[compartment] = drawn_masks.read(out_dir, str(entry.mask_sha256))
            except InputError as error:
                unusable[compartment] = f"{error}; it was put on record by {_by(entry)}"
        if entries:
            found[visit.session_id] = Drawings(entries, masks, unusable)
    return found


def with_drawings(
    visits: Sequence[ReadVisit], masked: Mapping[str, MaskedVisit], drawings: Mapping[str, Drawings]
) -> dict[str, MaskedVisit]:
    """Put drawings in the place of masks of the same compartments; all others stay."""
    drawn_on = {visit.session_id: visit for visit in visits if visit.session_id in drawings}
    return {
        name: _with_drawings(drawn_on[name], one, drawings[name]) if name in drawn_on else one
        for name, one in masked.items()
    }


def _with_drawings(visit: ReadVisit, masked: MaskedVisit, drawings: Drawings) -> MaskedVisit:
    own = {
        compartment: mask
        for compartment, mask in masked.masks.get(masked.source or "", {}).items()
        if compartment not in drawings.entries
    }
    rows = [replace(row, is_primary=row.is_primary and row.compartment not in drawings.entries) for row in masked.rows]
    is_answered = Compartment.TUMOUR in drawings.masks  # a person has looked
    answered = (*search_signal.CODES, SCANS_DIFFER, SCAN_DISTURBED) if is_answered else ()
    findings = [row for row in masked.findings if row.code not in answered]
    return replace(
        masked,
        masks={**masked.masks, masked.source: own} if masked.source else masked.masks,
        drawn=drawings.masks,
        rows=(*rows, *(_row(visit, compartment, drawings.entries[compartment]) for compartment in drawings.masks)),
        findings=(*findings, *_findings(visit, masked, own, drawings)),
        signals=() if is_answered else masked.signals,
        missing={**{c: why for c, why in masked.missing.items() if c not in drawings.masks}, **drawings.unusable},
    )


def _by(entry: records.JournalEntry) -> str:
    return f"{entry.who} on {entry.written_at:%Y-%m-%d}"


def _row(visit: ReadVisit, compartment: Compartment, entry: records.JournalEntry) -> records.Segmentation:
    assert visit.anchor is not None
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=DRAWN_SOURCE,
        mask_origin=str(MaskOrigin.EDITED),
        folder="output",
        path=drawn_masks.relative_path(str(entry.mask_sha256)),
        scan_path=visit.anchor.relative,
        sha256=str(entry.mask_sha256),
        is_primary=True,
        method=f"drawn by {_by(entry)} in place of the measured mask",
        note=entry.reason,
        software="",
    )


def _findings(
    visit: ReadVisit, masked: MaskedVisit, own: Mapping[Compartment, Volume], drawings: Drawings
) -> list[records.Finding]:
    """Say what a person should know: a drawing that is gone, a mask that came later, two masks on one place."""
    where = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    named = f"{visit.visit.patient_id} {visit.session_id}"
    found = [finding("drawing_unusable", f"{named}: {why}", **where) for why in drawings.unusable.values()]
    for row in (row for row in masked.rows if row.is_primary and row.folder == "study"):
        entry = drawings.entries.get(Compartment(row.compartment))
        if entry is not None and row.sha256 != entry.replaces_sha256:
            message = (
                f"{named}: {row.path} is another mask than the one that {_by(entry)} corrected; the corrected "
                f"{row.compartment} is measured"
            )
            found.append(finding("drawing_and_mask", message, **where))
    if masked.origin == MaskOrigin.AUTOMATIC:
        for compartment, mask in drawings.masks.items():
            for other, share in _covered(compartment, mask, own):
                message = f"{named}: the corrected {compartment} covers {share:.0%} of the automatic {other}"
                found.append(finding("drawing_overlap", message, **where))
    return found


def _covered(
    compartment: Compartment, mask: Volume, others: Mapping[Compartment, Volume]
) -> list[tuple[Compartment, float]]:
    """Return the compartments that a drawing covers though they lie beside it, each with the share covered."""
    if compartment not in refinding.GROWING:
        return []
    shares = {
        other: float((own.array * (mask.array >= 0.5)).sum() / own.array.sum())
        for other, own in others.items()
        if other in refinding.GROWING and np.any(own.array)
    }
    return [(other, share) for other, share in shares.items() if share >= OVERLAP_SHARE]
