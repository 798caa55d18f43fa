"""Masks on the reference grid, for the eye only: nothing is ever measured on them."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.label_maps import label_map
from pipeline.core.volume import Volume
from pipeline.files import derivatives, fingerprints, images
from pipeline.run.steps.align_visits import REFERENCE, AlignedVisit
from pipeline.run.steps.mask_visits import MaskedVisit
from pipeline.run.steps.read_visits import ReadVisit
from pipeline.study import study_folder


def save_display_masks(
    visit: ReadVisit, masked: MaskedVisit, aligned: AlignedVisit, grid: Volume, out_dir: Path
) -> str | None:
    """Bring a visit's primary masks to the reference grid as one label map, unless that is done already.

    Returns
    -------
    str or None
        Path of the label map relative to the output folder; None when the visit has no masks.
    """
    path = study_folder.derivative_path(
        visit.visit.patient_id, visit.session_id, suffix="dseg", extension=".nii.gz", space=REFERENCE
    ).as_posix()
    sidecar = out_dir / path.replace(".nii.gz", ".json")
    if not masked.primary:
        for file in (out_dir / path, sidecar):  # of masks that are no longer measured
            file.unlink(missing_ok=True)
        return None
    rows = [row for row in masked.rows if row.is_primary]
    key = fingerprints.of_values(
        "display",
        [(row.compartment, row.sha256) for row in rows],
        aligned.record.input_sha256 if aligned.record else visit.anchor_sha256,
        fingerprints.of_code("pipeline.core.label_maps"),
        fingerprints.of_file(Path(__file__)),
    )
    if derivatives.read_step(sidecar, out_dir, key) is None:
        images.save(label_map(masked.primary, grid, aligned.from_reference), out_dir / path)
        step = derivatives.Step(key, (path,), ())
        derivatives.write_step(sidecar, step, [row.path for row in rows], fingerprints.software())
    return path
