"""The masks of a visit that nobody drew on, found again from those of masked visits.

Such masks are ``automatic`` and wait for a person. After surgery between the two visits the lesion is another one: then
masks are only carried over, and show no change. No mask is made where the alignment has grade C, none of a lesion
where the scans differ too much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.findings import finding
from pipeline.core.transform import compose
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files import derivatives, fingerprints, images
from pipeline.measure import measurement_error
from pipeline.refind import refinding
from pipeline.refind.likeness import disturbed_in_words
from pipeline.run.steps.align_visits import AlignedVisit
from pipeline.run.steps.mask_visits import (
    AUTOMATIC_SOURCE,
    PROBABILITY_DECIMALS,
    SCAN_DISTURBED,
    SCANS_DIFFER,
    MaskedVisit,
)
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder

OPERATED = "only carried over, for surgery lies between the two visits"
NOT_COVERED = "not assessable: the place of this compartment lies outside the visit's field of view"
NOT_LOOKED = (
    "the earlier mask was empty here, and nobody looked at this visit; draw a mask, an empty one if nothing is seen"
)


def automatic_masks(
    visit: ReadVisit,
    sources: Sequence[tuple[ReadVisit, MaskedVisit]],
    aligned: Mapping[str, AlignedVisit],
    out_dir: Path,
    *,
    operated_between: bool,
) -> MaskedVisit:
    """Find the compartments of masked visits again on a visit without masks.

    Parameters
    ----------
    visit
        The visit to mask.
    sources
        Visits with the masks that are used, at least one; the first says which compartments there are, and further
        ones are passed over where their alignment is poor. All with an image.
    aligned
        Alignments by session; all visits must be in it.
    operated_between
        Surgery lies between the visit and the first of the sources, or one of them has no date.
    """
    (first, given), *others = sources
    poor = [name for name in (visit.session_id, first.session_id) if aligned[name].grade == "C"]
    if poor:
        reason = f"alignment of {poor[0]} has grade C, so no mask was made; draw one on this visit's scan"
        return MaskedVisit(visit.session_id, None, {}, missing_reason=reason)
    used = [(first, given), *(pair for pair in others if aligned[pair[0].session_id].grade != "C")]
    rows_given = [row for _, masked in used for row in masked.rows if row.is_primary]
    key = fingerprints.of_values(
        "mask", visit.anchor_sha256, [source.anchor_sha256 for source, _ in used], operated_between,
        visit.contrast, [source.contrast for source, _ in used],
        [(row.path, row.sha256) for row in rows_given],
        [
            aligned[each.session_id].record and aligned[each.session_id].record.input_sha256  # type: ignore[union-attr]  # the `and` guards it
            for each in (visit, *(source for source, _ in used))
        ],
        fingerprints.of_code("pipeline.refind.refinding"), fingerprints.of_file(Path(__file__)),
        fingerprints.software(),
    )  # fmt: skip
    sidecar = out_dir / _mask_path(visit, Compartment.TUMOUR).replace(".nii.gz", ".json")
    step = derivatives.read_step(sidecar, out_dir, key)
    if step is None:
        files, made = _segment(visit, used, aligned, out_dir, may_grow=not operated_between)
        step = derivatives.Step(key, files, made)
        derivatives.write_step(sidecar, step, [row.path for row in rows_given], fingerprints.software())
    rows = derivatives.of_kind(step.records, records.Segmentation)
    findings = derivatives.of_kind(step.records, records.Finding)
    masks = {Compartment(row.compartment): images.load(out_dir / row.path) for row in rows}
    return MaskedVisit(
        visit.session_id,
        MaskOrigin.AUTOMATIC,
        {AUTOMATIC_SOURCE: masks},
        tuple(rows),
        tuple(findings),
        missing=_missing(given, masks, findings),
        source=AUTOMATIC_SOURCE,
    )


def _segment(
    visit: ReadVisit,
    used: Sequence[tuple[ReadVisit, MaskedVisit]],
    aligned: Mapping[str, AlignedVisit],
    out_dir: Path,
    *,
    may_grow: bool,
) -> tuple[tuple[str, ...], tuple[records.Segmentation | records.Finding, ...]]:
    """Write the masks of one visit; return their paths and records, and what is to be said of it."""
    ways = tuple(_ways(visit, used, aligned, may_grow=may_grow))
    found, given = refinding.together(ways), used[0][1]
    is_used = [found.refusal is not None or way.refusal is None for way in ways]
    named = " and ".join(source.session_id for (source, _), counts in zip(used, is_used, strict=True) if counts)
    rows, files = [], []
    for name, probability in sorted(found.probabilities.items()):
        if _is_empty(given, Compartment(name)):
            continue  # an empty mask that was warped looked at nothing: neither "still nothing" nor a volume
        path = _mask_path(visit, Compartment(name))
        rounded = np.round(probability.array, PROBABILITY_DECIMALS).astype(np.float32)
        images.save(probability.with_array(rounded), out_dir / path)
        files.append(path)
        operated = () if may_grow else (OPERATED,)
        own = [f"less sure: {disturbed_in_words(name, found.signal_cv[name])}"] if name in found.disturbed else []
        note = "; ".join([f"from the masks of {named}", *operated, *found.notes, *own])
        row = _row(visit, Compartment(name), path, out_dir, found.methods[name], note)
        spread_cv = measurement_error.mean_cv(found.ways_mm3.get(name, ()))
        rows.append(replace(row, spread_cv=spread_cv, signal_cv=found.signal_cv.get(name)))
    return tuple(files), (*rows, *_said(visit, named, found))


def _said(visit: ReadVisit, named: str, found: refinding.FollowUpMasks) -> Iterator[records.Finding]:
    """Say what a person should know of a visit's scan: nothing could be found on it, or not surely."""
    whose = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    where = f"{visit.visit.patient_id} {visit.session_id}"
    if found.refusal is not None:
        yield finding(SCANS_DIFFER, f"{where}: the masks of {named} cannot be found again: {found.refusal}", **whose)
    for name in (name for name in found.disturbed if name == Compartment.TUMOUR):
        yield finding(SCAN_DISTURBED, f"{where}: {disturbed_in_words(name, found.signal_cv[name])}", **whose)


def _ways(
    visit: ReadVisit,
    used: Sequence[tuple[ReadVisit, MaskedVisit]],
    aligned: Mapping[str, AlignedVisit],
    *,
    may_grow: bool,
) -> Iterator[refinding.FollowUpMasks]:
    """Find the masks of each of the masked visits again."""
    assert visit.image is not None
    for source, masked in used:
        assert source.image is not None
        to_source = compose(aligned[visit.session_id].to_reference, aligned[source.session_id].from_reference)
        yield refinding.follow_up_masks(
            refinding.DonorVisit(source.image, {str(c): mask for c, mask in masked.primary.items()}),
            visit.image,
            to_source,
            may_grow=may_grow,
            same_contrast=visit.contrast == source.contrast,
            is_sure="B" not in {aligned[each.session_id].grade for each in (visit, source)},
        )


def _missing(
    given: MaskedVisit, masks: Mapping[Compartment, Volume], findings: Sequence[records.Finding]
) -> dict[Compartment, str]:
    """Say why compartments of the masked visit have no mask here; a refusal speaks for all that could have grown."""
    refused = (row for row in findings if row.code == SCANS_DIFFER)
    refusal = next((f"{row.message.split(': ', 1)[1]}; {row.remedy}" for row in refused), None)
    return {
        compartment: _why_missing(given, compartment, refusal)
        for compartment in given.primary
        if compartment not in masks
    }


def _why_missing(given: MaskedVisit, compartment: Compartment, refusal: str | None) -> str:
    if _is_empty(given, compartment):
        return NOT_LOOKED
    return refusal if refusal is not None and compartment in refinding.GROWING else NOT_COVERED


def _is_empty(given: MaskedVisit, compartment: Compartment) -> bool:
    return not given.primary[compartment].array.any()


def _mask_path(visit: ReadVisit, compartment: Compartment) -> str:
    return study_folder.derivative_path(
        visit.visit.patient_id,
        visit.session_id,
        suffix="probseg",
        extension=".nii.gz",
        space="orig",
        seg=AUTOMATIC_SOURCE,
        label=str(compartment),
    ).as_posix()


def _row(
    visit: ReadVisit, compartment: Compartment, path: str, out_dir: Path, method: str, note: str
) -> records.Segmentation:
    assert visit.anchor is not None
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=AUTOMATIC_SOURCE,
        mask_origin=str(MaskOrigin.AUTOMATIC),
        folder="output",
        path=path,
        scan_path=visit.anchor.relative,
        sha256=fingerprints.of_file(out_dir / path),
        is_primary=True,
        method=method,
        note=note,
        software=fingerprints.software(),
    )
