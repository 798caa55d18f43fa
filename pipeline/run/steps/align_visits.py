"""Second step: bring every visit to the patient's reference visit, and a visit's other sequences to its anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.align import registration, without_mask
from pipeline.align.certificate import Alignment, judged_with_closure
from pipeline.align.without_mask import CordRegion
from pipeline.cord.cord_likeness import LAYERS
from pipeline.core import records
from pipeline.core.transform import identity, resample
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, finished_steps, images
from pipeline.run.steps.mask_visits import lesion_region
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.visit_diffusion import to_align
from pipeline.run.steps.visit_work import (
    AlignedVisit,
    PlacedVisit,
    ReadVisit,
    ScannedVisit,
    VisitWork,
    placed_visit,
)
from pipeline.study import study_folder

REFERENCE = "reference"
LEAST_GREY_LEVELS, MOST_GREY_LEVELS = 250, 30_000
"""Display files are rescaled when their largest value leaves this range."""


def align(work: PatientWork) -> PatientWork:
    """Bring every visit to the reference visit, and its other sequences to its anchor scan."""
    if work.reference is None:
        return work
    reference, out_dir = work.reference, work.plan.out_dir
    around = _what_to_align_around(work, reference)
    visits: list[VisitWork] = []
    findings: list[records.Finding] = []
    for visit in work.visits:
        read = visit.read
        if not isinstance(read, ScannedVisit):
            continue
        to_place = partial(align_visit, reference, read, around, visit_before(visits), out_dir)
        place, not_placed = attempt(to_place, read, "align")
        sequences, not_laid = attempt(partial(align_sequences, read, out_dir), read, "align")
        better = replace(visit, sequences=sequences or ())
        visits.append(better if place is None else placed_visit(better, read, place))
        findings += (*not_placed, *not_laid)
    return work.changing(visits).adding(
        *(row for visit in visits if visit.place for row in visit.place.rows),
        *(row for visit in visits for row in visit.sequences),
        *findings,
    )


def visit_before(visits: Iterable[VisitWork]) -> PlacedVisit | None:
    """Return the latest of some visits that can be gone by: aligned, not the reference itself, not of grade C."""
    usable = [visit for visit in visits if isinstance(visit, PlacedVisit) and visit.grade in ("A", "B")]
    return usable[-1] if usable else None


def _what_to_align_around(work: PatientWork, reference: ScannedVisit) -> Volume | CordRegion | None:
    """Return the lesion somebody drew on the reference scan, else its cord; None where there is nothing to align."""
    lesion = next(lesion_region(v.masks) for v in work.visits if v.session_id == reference.session_id)
    others = [v for v in work.visits if isinstance(v.read, ScannedVisit) and v.session_id != reference.session_id]
    return without_mask.cord_of(reference.image) if lesion is None and others else lesion


def align_visit(
    reference: ScannedVisit,
    visit: ScannedVisit,
    around: Volume | CordRegion | None,
    earlier: PlacedVisit | None,
    out_dir: Path,
) -> AlignedVisit:
    """Align a visit to the reference visit, or read the finished alignment when nothing it depends on changed.

    Parameters
    ----------
    around
        Boolean, on the reference scan's grid: where somebody drew a lesion; where nobody did, the cord that was looked
        for there; None to align around the scan's middle.
    earlier
        A visit before this one: going by way of it must lead to the same place.
    """
    if visit.session_id == reference.session_id:
        return _reference_itself(visit, out_dir)
    paths = _paths(visit)
    key = fingerprints.of_values(
        "align", reference.anchor_sha256, visit.anchor_sha256, _contrast(reference), _contrast(visit), _digest(around),
        earlier and (earlier.session_id, earlier.place.record),
        fingerprints.of_code("pipeline.align.without_mask"), fingerprints.of_file(LAYERS),
        fingerprints.of_file(Path(__file__)), fingerprints.software(),
    )  # fmt: skip
    sources = (reference.anchor.relative, visit.anchor.relative)
    make = partial(_align, reference, visit, around, earlier, _AlignmentFiles(key, paths, out_dir))
    step = finished_steps.cached(paths["sidecar"], out_dir, key, sources, make)
    from_reference = images.load_transform(out_dir / paths["from_reference"], REFERENCE, visit.session_id)
    to_reference = images.load_transform(out_dir / paths["to_reference"], visit.session_id, REFERENCE)
    return AlignedVisit(visit.session_id, from_reference, to_reference, paths["aligned"], *step.records)


def align_sequences(visit: ScannedVisit, out_dir: Path) -> tuple[records.Registration, ...]:
    """Align a visit's other readable sequences to its anchor scan, rigidly."""
    return tuple(_align_sequence(visit, scan, out_dir) for scan in to_align(visit))


def scans_on_anchor(
    visit: ScannedVisit, registrations: Iterable[records.Registration], contrasts: Iterable[str], out_dir: Path
) -> dict[str, Volume]:
    """Read a visit's scans of some contrasts onto its anchor's grid: the first of each that could be aligned.

    Returns
    -------
    dict
        Contrast to scan, NaN where it does not reach; always with the anchor itself.
    """
    on_anchor = {visit.anchor.contrast: visit.image}
    scans = {scan.relative: scan for scan in visit.visit.scans if scan.contrast in set(contrasts)}
    for row in registrations:
        scan = scans.get(row.moving_path)
        is_used = row.session_id == visit.session_id and row.grade != "C" and row.transform_path is not None
        if scan is None or not is_used or scan.contrast in on_anchor:
            continue
        there = images.load_transform(out_dir / str(row.transform_path), "anchor", scan.contrast)
        image = images.load_scan(scan.path)
        moved = image.with_array(image.array.astype(np.float64))
        on_anchor[scan.contrast] = resample(moved, visit.image, there, order=1, outside=np.nan)
    return on_anchor


@dataclass(frozen=True)
class _AlignmentFiles:
    """What an alignment depends on, and where it is kept."""

    key: str
    paths: Mapping[str, str]
    out_dir: Path


def _align(
    reference: ScannedVisit,
    visit: ScannedVisit,
    around: Volume | CordRegion | None,
    earlier: PlacedVisit | None,
    files: _AlignmentFiles,
) -> finished_steps.StepResult:
    same = _contrast(reference) == _contrast(visit)
    lesion = None if isinstance(around, CordRegion) else around
    if isinstance(around, CordRegion):
        alignment = without_mask.align_around(around, reference.image, visit.image, same_contrast=same)
    else:
        alignment = registration.align(reference.image, visit.image, region=lesion, exclude=lesion, same_contrast=same)
    closure = None
    if same and earlier and _contrast(earlier.read) == _contrast(visit):
        alignment, closure = _closed(reference, visit, lesion, earlier, alignment)
    paths, out_dir = files.paths, files.out_dir
    from_reference = replace(alignment.to_follow_up, source=REFERENCE, target=visit.session_id)
    to_reference = replace(alignment.to_reference, source=visit.session_id, target=REFERENCE)
    images.save_transform(from_reference, out_dir / paths["from_reference"])
    images.save_transform(to_reference, out_dir / paths["to_reference"])
    aligned = resample(visit.image, reference.image, from_reference, order=1)
    images.save(_compact(aligned), out_dir / paths["aligned"])
    record = replace(
        _record(visit, reference.anchor.relative, visit.anchor.relative, alignment, files.key),
        role="visit_to_reference",
        transform_path=paths["from_reference"],
        aligned_path=paths["aligned"],
    )
    written = (paths["from_reference"], paths["to_reference"], paths["aligned"])
    return finished_steps.StepResult(written, (record, closure) if closure else (record,))


def _closed(
    reference: ScannedVisit, visit: ScannedVisit, lesion: Volume | None, earlier: PlacedVisit, alignment: Alignment
) -> tuple[Alignment, records.Closure | None]:
    """Go to the visit by way of an earlier one, and grade the alignment with what that misses."""
    if alignment.quality.grade == "C":
        return alignment, None
    before = (earlier.read.image, earlier.place.from_reference)
    missed_mm = registration.closure_mm(reference.image, lesion, before, (visit.image, alignment.to_follow_up))
    row = records.Closure(visit.visit.patient_id, visit.session_id, earlier.session_id, missed_mm)
    return replace(alignment, quality=judged_with_closure(alignment.quality, missed_mm)), row


def _contrast(visit: ReadVisit) -> str | None:
    """Return what a visit's anchor shows; gadolinium changes the lesion, which is left out, and little else."""
    return visit.contrast.removesuffix("_ce") if visit.contrast else None


def _align_sequence(visit: ScannedVisit, scan: records.Scan, out_dir: Path) -> records.Registration:
    key = fingerprints.of_values(
        "sequence",
        visit.anchor_sha256,
        scan.sha256,
        fingerprints.of_code("pipeline.align.registration"),
        fingerprints.of_file(Path(__file__)),
        fingerprints.software(),
    )
    name = study_folder.label_of(scan.path.rpartition("/")[2].partition("_")[2].removesuffix(".nii.gz"))
    transform_path = study_folder.derivative_path(
        **visit.subject, suffix="xfm", extension=".h5", **{"from": name, "to": "anchor"}, mode="image"
    ).as_posix()

    def make() -> finished_steps.StepResult:
        other = next(file for file in visit.visit.scans if file.relative == scan.path)
        alignment = registration.align_within_visit(visit.image, images.load_scan(other.path))
        images.save_transform(replace(alignment.to_follow_up, source="anchor", target=name), out_dir / transform_path)
        record = _record(visit, visit.anchor.relative, scan.path, alignment, key)
        record = replace(record, role="sequence_to_anchor", transform_path=transform_path)
        return finished_steps.StepResult((transform_path,), (record,))

    sidecar, sources = transform_path.replace(".h5", ".json"), (visit.anchor.relative, scan.path)
    result: records.Registration = finished_steps.cached(sidecar, out_dir, key, sources, make).records[0]
    return result


def _reference_itself(visit: ScannedVisit, out_dir: Path) -> AlignedVisit:
    path = _paths(visit)["aligned"]

    def make() -> finished_steps.StepResult:
        images.save(_compact(visit.image), out_dir / path)
        return finished_steps.StepResult((path,))

    key = fingerprints.of_values("reference", visit.anchor_sha256)
    finished_steps.cached(path.replace(".nii.gz", ".json"), out_dir, key, (visit.anchor.relative,), make)
    there, back = identity(REFERENCE, visit.session_id), identity(visit.session_id, REFERENCE)
    return AlignedVisit(visit.session_id, there, back, path, None)


def _paths(visit: ScannedVisit) -> dict[str, str]:
    session = study_folder.label_of(visit.session_id)

    def xfm(source: str, target: str) -> str:
        entities = {"from": source, "to": target, "mode": "image"}
        return study_folder.derivative_path(**visit.subject, suffix="xfm", extension=".h5", **entities).as_posix()

    return {
        # a file that moves points reference -> visit pulls the visit's *image* to the reference
        "from_reference": xfm(session, REFERENCE),
        "to_reference": xfm(REFERENCE, session),
        "sidecar": xfm(session, REFERENCE).replace(".h5", ".json"),
        "aligned": study_folder.derivative_path(
            **visit.subject,
            suffix=visit.anchor.contrast.removesuffix("_ce"),
            extension=".nii.gz",
            space=REFERENCE,
        ).as_posix(),
    }


def _record(visit: ReadVisit, fixed: str, moving: str, alignment: Alignment, key: str) -> records.Registration:
    quality = alignment.quality
    return records.Registration(
        **visit.subject,
        moving_path=moving,
        fixed_path=fixed,
        role="visit_to_reference",
        method=alignment.method,
        grade=quality.grade,
        grade_reasons="; ".join(quality.reasons),
        local_correlation=quality.local_correlation,
        inverse_consistency_mm=quality.inverse_consistency_mm,
        jacobian_min=quality.jacobian_min,
        jacobian_max=quality.jacobian_max,
        coverage_ratio=quality.coverage_ratio,
        transform_path=None,
        aligned_path=None,
        input_sha256=key,
        software=fingerprints.software(),
    )


def _compact(volume: Volume) -> Volume:
    """Round intensities to whole numbers that fit 16 bits, for display files; nothing is ever measured on them."""
    largest = float(np.abs(volume.array).max())
    fits = LEAST_GREY_LEVELS <= largest <= MOST_GREY_LEVELS
    scale = 1.0 if fits or largest == 0 else MOST_GREY_LEVELS / largest
    return volume.with_array(np.round(volume.array * scale).astype(np.int16))


def _digest(around: Volume | CordRegion | None) -> str:
    marked = around.region if isinstance(around, CordRegion) else around
    kind = "cord" if isinstance(around, CordRegion) else "lesion"
    if marked is None:
        return f"no {kind}"
    return fingerprints.of_values(kind, np.packbits(marked.array).tobytes().hex(), marked.affine.round(4).tolist())
