"""The masks of a visit that nobody drew on, from the source that the study chose, kept beside the other results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import mask_models
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import derivatives, fingerprints
from pipeline.run.steps import mask_records
from pipeline.run.steps.align_visits import scans_on_anchor
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, ScannedVisit, VisitWork

LEAST_COVERED = 0.9
"""Below this share of the anchor scan that another scan covers, the masks' note says so."""


def draw(work: PatientWork) -> PatientWork:
    """Let the study's mask source, where it names one, draw on every visit that nobody drew on."""
    source, out_dir = work.plan.mask_source, work.plan.out_dir
    if source is None:
        return work
    wanted = {contrast for accepted in source.channels for contrast in accepted}
    visits: list[VisitWork] = []
    findings: list[records.Finding] = []
    for visit in work.visits:
        read = visit.read
        if not isinstance(read, ScannedVisit) or visit.masks.is_drawn_on:
            continue
        scans, not_read = attempt(partial(scans_on_anchor, read, visit.sequences, wanted, out_dir), read, "mask")
        findings += not_read
        if scans is not None:
            make = partial(sourced_masks, read, source, scans, visit.sequences, out_dir)
            masks, not_drawn = attempt(make, read, "mask")
            findings += not_drawn
            visits.append(replace(visit, masks=masks or visit.masks))
    return work.changing(visits).adding(*findings)


def sourced_masks(
    visit: ScannedVisit,
    source: mask_models.MaskSource,
    scans: Mapping[str, Volume],
    sequences: Sequence[records.Registration],
    out_dir: Path,
) -> MaskedVisit:
    """Draw a visit's masks with a source, or read the finished ones when nothing they depend on changed.

    Parameters
    ----------
    scans
        The visit's scans by contrast on the anchor's grid, NaN where one does not reach.
    sequences
        How those scans were brought there.

    Returns
    -------
    MaskedVisit
        Without masks, and with a finding that says why, where the source cannot draw on these scans.
    """
    key = fingerprints.of_values(
        "sourced", visit.anchor_sha256, [(row.moving_path, row.input_sha256) for row in sequences],
        source.fingerprint(), fingerprints.of_code("pipeline.mask_models"),
        [fingerprints.of_file(Path(code)) for code in (__file__, mask_records.__file__)],
        fingerprints.software(),
    )  # fmt: skip
    sidecar, sources = mask_records.automatic_sidecar(visit, source.name), [scan.path for scan in visit.scans]
    try:
        step = derivatives.cached(sidecar, out_dir, key, sources, partial(_draw, visit, source, scans, out_dir))
    except InputError as error:
        return _without(visit, source, str(error))
    mask_rows: tuple[records.Segmentation, ...] = step.of_kind(records.Segmentation)
    masks = {source.name: mask_records.read_automatic(mask_rows, out_dir)}
    return MaskedVisit(visit.session_id, MaskOrigin.AUTOMATIC, masks, mask_rows, source=source.name)


def _draw(
    visit: ScannedVisit, source: mask_models.MaskSource, scans: Mapping[str, Volume], out_dir: Path
) -> derivatives.StepResult:
    filled = {name: scan.with_array(np.nan_to_num(scan.array)) for name, scan in scans.items()}
    drawn = mask_models.masks_of(filled, source)
    note = "; ".join([f"valid for {drawn.valid_for}", *_partly_covered(scans, source)])
    making = mask_records.MaskMaking(source.name, drawn.method, note)
    mask_rows = tuple(
        mask_records.keep_automatic(visit, compartment, mask, making, out_dir)
        for compartment, mask in sorted(drawn.masks.items())
    )
    return derivatives.StepResult(tuple(row.path for row in mask_rows), mask_rows)


def _partly_covered(scans: Mapping[str, Volume], source: mask_models.MaskSource) -> list[str]:
    """Say which of the scans that the source reads reach only a part of the scan that the masks are drawn on."""
    notes = []
    for accepted in source.channels:
        name = next((contrast for contrast in accepted if contrast in scans), None)
        share = float(np.isfinite(scans[name].array).mean()) if name is not None else 1.0
        if share < LEAST_COVERED:
            notes.append(f"the {name} scan covers only {share:.0%} of this scan")
    return notes


def _without(visit: ReadVisit, source: mask_models.MaskSource, reason: str) -> MaskedVisit:
    why = f"no masks from {source.name}: {reason}"
    failed = finding("mask_source_failed", f"{visit.named}: {why}", **visit.subject)
    return MaskedVisit(visit.session_id, None, {}, findings=(failed,), missing_reason=why)
