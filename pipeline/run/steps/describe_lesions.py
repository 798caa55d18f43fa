"""What each lesion looks like at each visit, finding by finding; nothing of it is judged.

Made once for each visit and kept beside its images: a visit added later measures itself only. Every lesion of the
patient stands at every visit, with the reason where nothing can be said of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.cord.cord_finding import find_cord
from pipeline.core import records
from pipeline.core.finding_terms import Described, LesionFinding, Sureness
from pipeline.core.transform import identity
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.description import histology_fit, limit_file, spectra, tissue_diffusion
from pipeline.description.finding_change import NEVER, HowScanned, change_of
from pipeline.description.lesion_place import LevelsHere
from pipeline.description.lesion_scene import AlignedScan, CordCourse, LesionScene
from pipeline.description.visit_description import USED, contrast_of, description_of, undescribed
from pipeline.files import fingerprints, finished_steps, images
from pipeline.measure import cord, volumes
from pipeline.measure.volumes import OBJECT_PROBABILITY
from pipeline.run.steps import visit_diffusion
from pipeline.run.steps.describe_shape import FoundLine, centre_line
from pipeline.run.steps.measure_visits import NO_MASK
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.place_levels import FoundLevels, find_levels
from pipeline.run.steps.visit_work import MaskedVisit, ReadVisit, ScannedVisit, VisitWork
from pipeline.study import study_folder

NO_LESION = "none"
"""Stands for the lesion at the visits of a patient in whom none has a name."""

NOT_SEEN = "this lesion was not drawn at this visit"
UNSIGNED = "from an automatic mask that nobody signed"
BY_OUTLINE = frozenset({
    LesionFinding.LENGTH, LesionFinding.LEVELS, LesionFinding.CORD_SHARE, LesionFinding.EXPANSION,
    LesionFinding.ECCENTRICITY, LesionFinding.NEAREST_SURFACE, LesionFinding.MARGIN, LesionFinding.TUMORAL_CYST,
    LesionFinding.POLAR_CYST_ABOVE, LesionFinding.POLAR_CYST_BELOW, LesionFinding.SYRINX, LesionFinding.OEDEMA_ABOVE,
    LesionFinding.OEDEMA_BELOW,
})  # fmt: skip
"""Findings that are as sure as the outline is; the others are read well within it."""

MASK_OF = {
    LesionFinding.TUMORAL_CYST: Compartment.CYST, LesionFinding.POLAR_CYST_ABOVE: Compartment.CYST,
    LesionFinding.POLAR_CYST_BELOW: Compartment.CYST, LesionFinding.SYRINX: Compartment.SYRINX,
    LesionFinding.OEDEMA_ABOVE: Compartment.OEDEMA, LesionFinding.OEDEMA_BELOW: Compartment.OEDEMA,
}  # fmt: skip
"""Finding to the mask that it rests on beside the tumour's."""


@dataclass(frozen=True)
class PatientLine:
    """The patient's centre line in the reference space and the levels along it."""

    line: FoundLine | None
    levels: FoundLevels


def describe(work: PatientWork) -> PatientWork:
    """Describe every lesion of the patient at every visit; nothing for patients without a scan."""
    if not any(isinstance(visit.read, ScannedVisit) for visit in work.visits):
        return work
    line = centre_line(work.visits, work.reference)
    along = PatientLine(line, find_levels(work.visits, work.reference, line.line if line else None))
    seen = work.lesions.components
    names = sorted({row.lesion_id for row in seen}) or [NO_LESION]
    rows_made: list[records.Description] = []
    findings: list[records.Finding] = []
    for visit in work.visits:
        here = [row for row in seen if row.session_id == visit.session_id]
        look = partial(_described, visit, here, along, work.plan.out_dir)
        described, not_described = attempt(look, visit.read, "description")
        findings += not_described
        of_visit = described or {}
        for name in names:
            listed = of_visit.get(name) or (
                *undescribed(_why_not(visit, here, name, bool(not_described))),
                *spectra.metabolites_of(visit.read.visit.spectra, None, limit_file.packaged().spectrum),
            )
            rows_made += [_row(visit.read, name, one) for one in listed]
    fit_rows = histology_fits(rows_made, work.visits, work.plan.patient.patient.histology)
    return work.adding(*rows_made, *changes_between(work.visits, rows_made), *fit_rows, *findings)


def histology_fits(
    description_rows: Sequence[records.Description], visits: Sequence[VisitWork], histology: str | None
) -> Iterator[records.Fits]:
    """Yield the published frequencies of each lesion's findings, each as the last visit tells it that is sure of it."""
    order = {visit.session_id: place for place, visit in enumerate(visits)}
    latest: dict[str, dict[str, records.Description]] = {}
    for row in sorted(description_rows, key=lambda row: order[row.session_id]):
        if row.sureness == Sureness.SURE and row.value is not None:
            latest.setdefault(row.lesion_id, {})[row.finding] = row
    for lesion_id, by_finding in sorted(latest.items()):
        sure = {finding: str(row.value) for finding, row in by_finding.items()}
        for fit in histology_fit.fits(sure, histology, histology_fit.packaged()):
            one, row = fit.frequency, by_finding[fit.frequency.finding]
            yield records.Fits(
                row.patient_id, lesion_id, row.session_id, one.finding, fit.value, one.histology, fit.is_recorded,
                one.term, one.low_percent, one.high_percent, one.n or None, one.source, fit.note,
            )  # fmt: skip


def changes_between(
    visits: Sequence[VisitWork], description_rows: Sequence[records.Description]
) -> Iterator[records.DescriptionChange]:
    """Yield what became of each finding at each dated visit since the one before at which it was told."""
    order = {v.session_id: place for place, v in enumerate(visits) if v.read.acquired_on is not None}
    how = {scan.path: _how_scanned(visit, scan) for visit in visits for scan in visit.read.scans}
    latest: dict[tuple[str, str], records.Description] = {}
    dated = (row for row in description_rows if row.session_id in order and row.finding not in NEVER)
    for row in sorted(dated, key=lambda row: order[row.session_id]):
        before = latest.get((row.lesion_id, row.finding))
        if before is not None:
            then, now = _of_row(before), _of_row(row)
            scanned_then, scanned = (tuple(how[path] for path in one.scans if path in how) for one in (then, now))
            change = change_of(then, now, scanned_then, scanned)
            yield records.DescriptionChange(
                row.patient_id,
                row.session_id,
                row.lesion_id,
                row.finding,
                before.session_id,
                str(change.course),
                change.reason,
                before.value,
                before.number,
            )
        if row.sureness is not None:
            latest[row.lesion_id, row.finding] = row


def _how_scanned(visit: VisitWork, scan: records.Scan) -> HowScanned:
    file = next((one for one in visit.read.visit.scans if one.relative == scan.path), None)
    return HowScanned(scan.contrast, scan.plane, file.facts.field_tesla if file else None)


def _why_not(visit: VisitWork, here: Sequence[records.LesionComponent], name: str, failed: bool) -> str:
    """Say why nothing can be said of a lesion at a visit."""
    if visit.read.status_reason is not None:
        return visit.read.status_reason
    why_out_of_use = visit.out_of_use.get(Compartment.TUMOUR)
    if why_out_of_use is not None:
        return why_out_of_use
    if failed:
        return "the description stopped; the findings of this visit say why"
    row = next((row for row in here if row.lesion_id == name), None)
    if row is not None and row.missing_reason is not None:
        return row.missing_reason
    return NOT_SEEN if visit.counted.has_tumour or visit.counted.primary else NO_MASK


def _row(visit: ReadVisit, lesion_id: str, one: Described) -> records.Description:
    return records.Description(
        **visit.subject,
        lesion_id=lesion_id,
        finding=str(one.finding),
        value=one.value,
        number=one.number,
        low=one.low,
        high=one.high,
        unit=one.unit,
        sureness=one.sureness and str(one.sureness),
        reason=one.reason,
        scans="; ".join(one.scans) or None,
    )


def _described(
    visit: VisitWork, here: Sequence[records.LesionComponent], along: PatientLine, out_dir: Path
) -> Mapping[str, tuple[Described, ...]]:
    """Return the description of each lesion that was drawn at a visit, from its finished step where nothing changed."""
    read, masked = visit.read, visit.counted
    pieces = [row for row in here if row.volume_mm3 and row.component_id]
    if not isinstance(read, ScannedVisit) or Compartment.TUMOUR not in masked.primary or not pieces:
        return {}
    line = along.line
    key = fingerprints.of_values(
        "description", read.anchor_sha256, sorted(row.input_sha256 for row in visit.sequences),
        sorted((row.compartment, row.sha256, row.is_primary) for row in masked.rows), str(masked.origin),
        sorted(map(str, masked.primary)), sorted(map(str, visit.decided.accepted)),
        sorted((row.lesion_id, row.component_id, row.component_sha256) for row in pieces),
        visit.place and visit.place.input_sha256, line and (line.session_id, line.line.points_mm.round(3).tolist()),
        along.levels.levels and dict(along.levels.levels.positions_mm), along.levels.reason,
        fingerprints.of_code("pipeline.description.visit_description"), limit_file.packaged(), read.visit.spectra,
        visit_diffusion.digest(read),
        fingerprints.of_file(Path(__file__)), fingerprints.software(),
    )  # fmt: skip
    sidecar = study_folder.derivative_path(**read.subject, suffix="findings", extension=".json", desc="lesions")
    sources = tuple(scan.path for scan in read.scans if scan.unreadable_reason is None)
    make = partial(_look, read, visit, pieces, along, out_dir)
    step = finished_steps.cached(sidecar.as_posix(), out_dir, key, sources, make)
    described: dict[str, list[Described]] = {}
    for row in step.records:
        described.setdefault(row.lesion_id, []).append(_of_row(row))
    return {name: tuple(listed) for name, listed in described.items()}


def _of_row(row: records.Description) -> Described:
    scans = tuple(row.scans.split("; ")) if row.scans else ()
    sureness = Sureness(row.sureness) if row.sureness else None
    return Described(row.finding, row.value, row.number, row.low, row.high, row.unit, sureness, row.reason, scans)


def _look(
    read: ScannedVisit,
    visit: VisitWork,
    pieces: Sequence[records.LesionComponent],
    along: PatientLine,
    out_dir: Path,
) -> finished_steps.StepResult:
    """Describe each lesion that was drawn at a visit."""
    masked, limits = visit.counted, limit_file.packaged()
    labels, _ = volumes.components(masked.primary[Compartment.TUMOUR])
    scans, no_map = visit_diffusion.with_map(read, list(_scans(read, visit.sequences, out_dir)), visit.sequences)
    course, reason = _course(masked, read)
    made_rows: list[records.Description] = []
    for name in sorted({row.lesion_id for row in pieces}):
        numbers = [row.component_id for row in pieces if row.lesion_id == name]
        solid = labels.with_array(np.isin(labels.array, numbers))
        others = _others(masked, labels, numbers)
        unsigned = frozenset(c for c in others if is_unsigned(c, visit))
        scene = LesionScene(solid, others, course, reason, unsigned)
        here = _levels_here(solid, visit, along)
        listed = (
            *description_of(scene, scans, here, limits, no_map or tissue_diffusion.NO_MAP),
            *spectra.metabolites_of(read.visit.spectra, scene, limits.spectrum),
        )
        made_rows += [_row(read, name, _as_sure_as_its_mask(one, visit)) for one in listed]
    return finished_steps.StepResult((), tuple(made_rows))


def is_unsigned(compartment: Compartment, visit: VisitWork) -> bool:
    """Say whether a program made a mask and nobody accepted it."""
    is_automatic = visit.masks.origin_of(compartment) == MaskOrigin.AUTOMATIC
    return is_automatic and compartment not in visit.decided.accepted


def _as_sure_as_its_mask(one: Described, visit: VisitWork) -> Described:
    """Take the sureness from what rests on an outline that nobody signed."""
    is_by_outline = one.finding in BY_OUTLINE or visit.counted.is_carried_over
    beside = MASK_OF.get(LesionFinding(one.finding)) if is_by_outline and one.finding in list(LesionFinding) else None
    rests_on_unsigned = any(is_unsigned(c, visit) for c in (Compartment.TUMOUR, beside) if c is not None)
    if not rests_on_unsigned or not is_by_outline or one.sureness is None:
        return one
    reason = UNSIGNED if one.reason is None else f"{one.reason}; {UNSIGNED}"
    return replace(one, sureness=Sureness.UNSURE, reason=reason)


def _others(masked: MaskedVisit, labels: Volume, numbers: Sequence[int]) -> dict[Compartment, Volume]:
    """Return all that was drawn beside the lesion; tumour of other lesions stands under tumour."""
    others = {c: mask for c, mask in masked.primary.items() if c not in (Compartment.TUMOUR, Compartment.ENHANCING)}
    elsewhere = (labels.array > 0) & ~np.isin(labels.array, numbers)
    return others | ({Compartment.TUMOUR: labels.with_array(elsewhere)} if elsewhere.any() else {})


def _course(masked: MaskedVisit, read: ScannedVisit) -> tuple[CordCourse | None, str | None]:
    """Return the cord's course in the visit's own world: from a mask of the cord, else as found in the scan."""
    drawn = masked.primary.get(Compartment.CORD)
    if drawn is not None and (drawn.array >= OBJECT_PROBABILITY).any():
        union = np.any([mask.array >= OBJECT_PROBABILITY for mask in masked.primary.values()], axis=0)
        whole = drawn.with_array(union.astype(np.float32))
        here = identity("anchor", "anchor")
        line = cord.line_of_cord(whole, here)
        areas = cord.areas_mm2(cord.stretches_of(whole, here, line), line)
        usual = float(np.median(areas[areas > 0]))
        return CordCourse(line, np.sqrt(np.where(areas > 0, areas, usual) / np.pi), is_drawn=True), None
    finding = find_cord(read.image)
    if not finding.is_found:
        return None, f"no cord to hold it against: {finding.reason}"
    return CordCourse.of_points(finding.points_mm[::-1], finding.radius_mm[::-1]), None


def _levels_here(solid: Volume, visit: VisitWork, along: PatientLine) -> LevelsHere:
    """Return the patient's levels and the lesion's ends along the patient's line."""
    if along.line is None or visit.place is None:
        return LevelsHere(None, None, along.levels.reason or "the visit has no place in the reference space")
    soft = solid.with_array(solid.array.astype(np.float32))
    ends_mm = cord.ends_along_mm(cord.stretches_of(soft, visit.place.to_reference, along.line.line))
    return LevelsHere(along.levels.levels, ends_mm, along.levels.reason)


def _scans(read: ScannedVisit, registrations: Sequence[records.Registration], out_dir: Path) -> Iterator[AlignedScan]:
    """Yield the anchor, then each other scan of use that could be aligned to it, on its own grid."""
    anchor_contrast = contrast_of(read.anchor.contrast, read.anchor.acquisition)
    yield AlignedScan(read.image, identity("anchor", "anchor"), read.anchor.relative, anchor_contrast)
    by_path = {scan.relative: scan for scan in read.visit.scans}
    for row in sorted(registrations, key=lambda row: (row.grade, row.moving_path)):
        scan = by_path.get(row.moving_path)
        if scan is None or row.grade == "C" or row.transform_path is None:
            continue
        contrast = contrast_of(scan.contrast, scan.acquisition)
        if contrast in USED or contrast == "STIR":
            there = images.load_transform(out_dir / row.transform_path, "anchor", contrast)
            yield AlignedScan(images.load_scan(scan.path), there, scan.relative, contrast)
