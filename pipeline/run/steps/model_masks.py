"""The masks of a visit that nobody drew on, from the source that the study chose, kept beside the other results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline import mask_models
from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.errors import InputError
from pipeline.files import derivatives, fingerprints, images
from pipeline.run.steps.mask_visits import PROBABILITY_DECIMALS, MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder

LEAST_COVERED = 0.9
"""Below this share of the anchor scan that another scan covers, the masks' note says so."""


def sourced_masks(
    visit: ReadVisit,
    source: mask_models.MaskSource,
    scans: Mapping[str, Volume],
    aligned: Sequence[records.Registration],
    out_dir: Path,
) -> MaskedVisit:
    """Draw a visit's masks with a source, or read the finished ones when nothing they depend on changed.

    Parameters
    ----------
    scans
        The visit's scans by contrast on the anchor's grid, NaN where one does not reach.
    aligned
        How those scans were brought there.

    Returns
    -------
    MaskedVisit
        Without masks, and with a finding that says why, where the source cannot draw on these scans.
    """
    own = [(row.moving_path, row.input_sha256) for row in aligned if row.session_id == visit.session_id]
    key = fingerprints.of_values(
        "sourced", visit.anchor_sha256, own, source.fingerprint(), fingerprints.of_code("pipeline.mask_models"),
        fingerprints.of_file(Path(__file__)), fingerprints.software(),
    )  # fmt: skip
    sidecar = out_dir / _path(visit, source, Compartment.TUMOUR).replace(".nii.gz", ".json")
    step = derivatives.read_step(sidecar, out_dir, key)
    if step is None:
        try:
            step = _draw(visit, source, scans, key, out_dir)
        except InputError as error:
            return _without(visit, source, str(error))
        derivatives.write_step(sidecar, step, [scan.path for scan in visit.scans], fingerprints.software())
    rows = derivatives.of_kind(step.records, records.Segmentation)
    masks = {Compartment(row.compartment): images.load(out_dir / row.path) for row in rows}
    return MaskedVisit(visit.session_id, MaskOrigin.AUTOMATIC, {source.name: masks}, tuple(rows), source=source.name)


def _draw(
    visit: ReadVisit, source: mask_models.MaskSource, scans: Mapping[str, Volume], key: str, out_dir: Path
) -> derivatives.Step:
    assert visit.anchor is not None  # only visits with an image come here
    filled = {name: scan.with_array(np.nan_to_num(scan.array)) for name, scan in scans.items()}
    drawn = mask_models.masks_of(filled, source)
    notes = [f"valid for {drawn.valid_for}", *_partly_covered(scans, source)]
    rows = []
    for compartment, mask in sorted(drawn.masks.items()):
        path = _path(visit, source, compartment)
        images.save(mask.with_array(np.round(mask.array, PROBABILITY_DECIMALS).astype(np.float32)), out_dir / path)
        row = records.Segmentation(
            patient_id=visit.visit.patient_id,
            session_id=visit.session_id,
            compartment=str(compartment),
            source=source.name,
            mask_origin=str(MaskOrigin.AUTOMATIC),
            folder="output",
            path=path,
            scan_path=visit.anchor.relative,
            sha256=fingerprints.of_file(out_dir / path),
            is_primary=True,
            method=drawn.method,
            note="; ".join(notes),
            software=fingerprints.software(),
        )
        rows.append(row)
    return derivatives.Step(key, tuple(row.path for row in rows), tuple(rows))


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
    where = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    said = f"no masks from {source.name}: {reason}"
    found = finding("mask_source_failed", f"{visit.visit.patient_id} {visit.session_id}: {said}", **where)
    return MaskedVisit(visit.session_id, None, {}, findings=(found,), missing_reason=said)


def _path(visit: ReadVisit, source: mask_models.MaskSource, compartment: Compartment) -> str:
    return study_folder.derivative_path(
        visit.visit.patient_id,
        visit.session_id,
        suffix="probseg",
        extension=".nii.gz",
        space="orig",
        seg=source.name,
        label=str(compartment),
    ).as_posix()
