"""Masks on the reference grid, for the eye only: nothing is ever measured on them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.core import records
from pipeline.core.label_maps import label_map
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, finished_steps, images
from pipeline.run.steps.align_visits import REFERENCE
from pipeline.run.steps.patient_work import PatientWork, attempt
from pipeline.run.steps.visit_work import PlacedVisit
from pipeline.study import study_folder


def show(work: PatientWork) -> PatientWork:
    """Bring every visit's measured masks to the reference grid."""
    if work.reference is None:
        return work
    findings: list[records.Finding] = []
    for visit in work.placed:
        save = partial(save_display_masks, visit, work.reference.image, work.plan.out_dir)
        findings += attempt(save, visit.read, "display")[1]
    return work.adding(*findings)


def save_display_masks(visit: PlacedVisit, grid: Volume, out_dir: Path) -> None:
    """Bring a visit's primary masks to the reference grid as one label map, unless that is done already.

    Of a visit without masks nothing stays: a label map of masks that are no longer measured is removed.
    """
    path = study_folder.derivative_path(
        **visit.read.subject, suffix="dseg", extension=".nii.gz", space=REFERENCE
    ).as_posix()
    sidecar = path.replace(".nii.gz", ".json")
    if not visit.masks.primary:
        for file in (path, sidecar):
            (out_dir / file).unlink(missing_ok=True)
        return

    behind = frozenset(visit.out_of_use) & visit.masks.primary.keys()

    def make() -> finished_steps.StepResult:
        images.save(label_map(visit.masks.primary, grid, visit.place.from_reference, behind), out_dir / path)
        return finished_steps.StepResult((path,))

    mask_rows = visit.masks.measured_rows
    key = fingerprints.of_values(
        "display",
        [(row.compartment, row.sha256, Compartment(row.compartment) in behind) for row in mask_rows],
        visit.place.input_sha256 or visit.read.anchor_sha256,
        fingerprints.of_code("pipeline.core.label_maps"),
        fingerprints.of_file(Path(__file__)),
    )
    finished_steps.cached(sidecar, out_dir, key, [row.path for row in mask_rows], make)
