"""Second step: bring every visit to the patient's reference visit, and a visit's other sequences to its anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.align import registration
from pipeline.align.certificate import Alignment, judged_with_closure
from pipeline.core import records
from pipeline.core.transform import Transform, identity, resample
from pipeline.core.volume import Volume
from pipeline.files import derivatives, fingerprints, images
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder

REFERENCE = "reference"
LEAST_GREY_LEVELS, MOST_GREY_LEVELS = 250, 30_000
"""Display files are rescaled when their largest value leaves this range."""


@dataclass(frozen=True)
class AlignedVisit:
    """How a visit lies in the patient's reference space; grade and record are None for the reference visit itself.

    ``closure`` is None where no earlier visit could be gone by.
    """

    session_id: str
    from_reference: Transform
    to_reference: Transform
    aligned_path: str
    record: records.Registration | None
    closure: records.Closure | None = None

    @property
    def rows(self) -> tuple[records.Registration | records.Closure, ...]:
        """The records of this visit's alignment."""
        return tuple(row for row in (self.record, self.closure) if row is not None)

    @property
    def grade(self) -> str | None:
        """Alignment grade A, B or C; None for the reference visit, which is not aligned to anything."""
        return self.record.grade if self.record else None


Earlier = tuple[ReadVisit, AlignedVisit]
"""A visit before another one, with its place."""


def visit_before(visits: Iterable[ReadVisit], aligned: Mapping[str, AlignedVisit]) -> Earlier | None:
    """Return the latest of some visits that can be gone by: aligned, not the reference itself, not of grade C."""
    usable = [v for v in visits if v.session_id in aligned and aligned[v.session_id].grade in ("A", "B")]
    return (usable[-1], aligned[usable[-1].session_id]) if usable else None


def align_visit(
    reference: ReadVisit, visit: ReadVisit, lesion: Volume | None, earlier: Earlier | None, out_dir: Path
) -> AlignedVisit:
    """Align a visit to the reference visit, or read the finished alignment when nothing it depends on changed.

    Parameters
    ----------
    reference, visit
        Both with an image.
    lesion
        Boolean, on the reference scan's grid: where somebody drew a lesion; None when nobody did.
    earlier
        A visit before this one: going by way of it must lead to the same place.
    """
    if visit.session_id == reference.session_id:
        return _reference_itself(visit, out_dir)
    paths = _paths(visit)
    key = fingerprints.of_values(
        "align", reference.anchor_sha256, visit.anchor_sha256, _contrast(reference), _contrast(visit), _digest(lesion),
        earlier and (earlier[0].session_id, earlier[1].record),
        fingerprints.of_code("pipeline.align.registration"), fingerprints.of_file(Path(__file__)),
        fingerprints.software(),
    )  # fmt: skip
    step = derivatives.read_step(out_dir / paths["sidecar"], out_dir, key)
    if step is None:
        step = _align(reference, visit, lesion, earlier, key, out_dir)
    from_reference = images.load_transform(out_dir / paths["from_reference"], REFERENCE, visit.session_id)
    to_reference = images.load_transform(out_dir / paths["to_reference"], visit.session_id, REFERENCE)
    return AlignedVisit(visit.session_id, from_reference, to_reference, paths["aligned"], *step.records)


def align_sequences(visit: ReadVisit, out_dir: Path) -> tuple[records.Registration, ...]:
    """Align a visit's other readable sequences to its anchor scan, rigidly."""
    others = [scan for scan in visit.scans if not scan.is_anchor and scan.unreadable_reason is None]
    return tuple(_align_sequence(visit, scan, out_dir) for scan in others)


def scans_on_anchor(
    visit: ReadVisit, rows: Iterable[records.Registration], contrasts: Iterable[str], out_dir: Path
) -> dict[str, Volume]:
    """Read a visit's scans of some contrasts onto its anchor's grid: the first of each that could be aligned.

    Returns
    -------
    dict
        Contrast to scan, NaN where it does not reach; always with the anchor itself.
    """
    assert visit.image is not None  # only visits with an image come here
    assert visit.anchor is not None
    found = {visit.anchor.contrast: visit.image}
    scans = {scan.relative: scan for scan in visit.visit.scans if scan.contrast in set(contrasts)}
    for row in rows:
        scan = scans.get(row.moving_path)
        is_used = row.session_id == visit.session_id and row.grade != "C" and row.transform_path is not None
        if scan is None or not is_used or scan.contrast in found:
            continue
        there = images.load_transform(out_dir / str(row.transform_path), "anchor", scan.contrast)
        image = images.load_scan(scan.path)
        moved = image.with_array(image.array.astype(np.float64))
        found[scan.contrast] = resample(moved, visit.image, there, order=1, outside=np.nan)
    return found


def _align(
    reference: ReadVisit,
    visit: ReadVisit,
    lesion: Volume | None,
    earlier: Earlier | None,
    key: str,
    out_dir: Path,
) -> derivatives.Step:
    assert reference.image is not None  # both are usable visits
    assert visit.image is not None
    assert reference.anchor is not None
    assert visit.anchor is not None
    same = _contrast(reference) == _contrast(visit)
    found = registration.align(reference.image, visit.image, region=lesion, exclude=lesion, same_contrast=same)
    closure = None
    if same and earlier and _contrast(earlier[0]) == _contrast(visit):
        found, closure = _closed(reference, visit, lesion, earlier, found)
    paths = _paths(visit)
    from_reference = replace(found.to_follow_up, source=REFERENCE, target=visit.session_id)
    images.save_transform(from_reference, out_dir / paths["from_reference"])
    images.save_transform(
        replace(found.to_reference, source=visit.session_id, target=REFERENCE),
        out_dir / paths["to_reference"],
    )
    aligned = resample(visit.image, reference.image, from_reference, order=1)
    images.save(_compact(aligned), out_dir / paths["aligned"])
    record = _record(visit, reference.anchor.relative, visit.anchor.relative, found, key)
    record = replace(
        record,
        role="visit_to_reference",
        transform_path=paths["from_reference"],
        aligned_path=paths["aligned"],
    )
    files = (paths["from_reference"], paths["to_reference"], paths["aligned"])
    step = derivatives.Step(key, files, (record, closure) if closure else (record,))
    sources = (reference.anchor.relative, visit.anchor.relative)
    derivatives.write_step(out_dir / paths["sidecar"], step, sources, fingerprints.software())
    return step


def _closed(
    reference: ReadVisit, visit: ReadVisit, lesion: Volume | None, earlier: Earlier, found: Alignment
) -> tuple[Alignment, records.Closure | None]:
    """Go to the visit by way of an earlier one, and grade the alignment with what that misses."""
    if found.quality.grade == "C":
        return found, None
    before, place = earlier
    assert reference.image is not None
    assert before.image is not None
    assert visit.image is not None
    missed_mm = registration.closure_mm(
        reference.image, lesion, (before.image, place.from_reference), (visit.image, found.to_follow_up)
    )
    row = records.Closure(visit.visit.patient_id, visit.session_id, before.session_id, missed_mm)
    return replace(found, quality=judged_with_closure(found.quality, missed_mm)), row


def _contrast(visit: ReadVisit) -> str | None:
    """Return what a visit's anchor shows; gadolinium changes the lesion, which is left out, and little else."""
    return visit.contrast.removesuffix("_ce") if visit.contrast else None


def _align_sequence(visit: ReadVisit, scan: records.Scan, out_dir: Path) -> records.Registration:
    assert visit.image is not None
    assert visit.anchor is not None
    key = fingerprints.of_values(
        "sequence",
        visit.anchor_sha256,
        scan.sha256,
        fingerprints.of_code("pipeline.align.registration"),
        fingerprints.of_file(Path(__file__)),
        fingerprints.software(),
    )
    name = study_folder.label_of(scan.path.rpartition("/")[2].partition("_")[2].removesuffix(".nii.gz"))
    where = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    transform_path = study_folder.derivative_path(
        **where, suffix="xfm", extension=".h5", **{"from": name, "to": "anchor"}, mode="image"
    ).as_posix()
    sidecar = out_dir / transform_path.replace(".h5", ".json")
    step = derivatives.read_step(sidecar, out_dir, key)
    if step is None:
        other = next(file for file in visit.visit.scans if file.relative == scan.path)
        found = registration.align_within_visit(visit.image, images.load_scan(other.path))
        images.save_transform(replace(found.to_follow_up, source="anchor", target=name), out_dir / transform_path)
        record = _record(visit, visit.anchor.relative, scan.path, found, key)
        record = replace(record, role="sequence_to_anchor", transform_path=transform_path)
        step = derivatives.Step(key, (transform_path,), (record,))
        derivatives.write_step(sidecar, step, (visit.anchor.relative, scan.path), fingerprints.software())
    result: records.Registration = step.records[0]
    return result


def _reference_itself(visit: ReadVisit, out_dir: Path) -> AlignedVisit:
    assert visit.image is not None
    paths = _paths(visit)
    key = fingerprints.of_values("reference", visit.anchor_sha256)
    sidecar = out_dir / paths["aligned"].replace(".nii.gz", ".json")
    if derivatives.read_step(sidecar, out_dir, key) is None:
        images.save(_compact(visit.image), out_dir / paths["aligned"])
        step = derivatives.Step(key, (paths["aligned"],), ())
        assert visit.anchor is not None
        derivatives.write_step(sidecar, step, (visit.anchor.relative,), fingerprints.software())
    return AlignedVisit(
        visit.session_id,
        identity(REFERENCE, visit.session_id),
        identity(visit.session_id, REFERENCE),
        paths["aligned"],
        None,
    )


def _paths(visit: ReadVisit) -> dict[str, str]:
    where = {"patient_id": visit.visit.patient_id, "session_id": visit.session_id}
    session = study_folder.label_of(visit.session_id)

    def xfm(source: str, target: str) -> str:
        entities = {"from": source, "to": target, "mode": "image"}
        return study_folder.derivative_path(**where, suffix="xfm", extension=".h5", **entities).as_posix()

    return {
        # a file that moves points reference -> visit pulls the visit's *image* to the reference
        "from_reference": xfm(session, REFERENCE),
        "to_reference": xfm(REFERENCE, session),
        "sidecar": xfm(session, REFERENCE).replace(".h5", ".json"),
        "aligned": study_folder.derivative_path(
            **where,
            suffix=visit.anchor.contrast.removesuffix("_ce") if visit.anchor else "T2w",
            extension=".nii.gz",
            space=REFERENCE,
        ).as_posix(),
    }


def _record(visit: ReadVisit, fixed: str, moving: str, found: Alignment, key: str) -> records.Registration:
    quality = found.quality
    return records.Registration(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        moving_path=moving,
        fixed_path=fixed,
        role="visit_to_reference",
        method=found.method,
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


def _digest(lesion: Volume | None) -> str:
    if lesion is None:
        return "none"
    return fingerprints.of_values(np.packbits(lesion.array).tobytes().hex(), lesion.affine.round(4).tolist())
