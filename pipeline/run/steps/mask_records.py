"""Masks on disk and their records: the one place that says of a mask where it lies, who made it and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.core import records
from pipeline.core.vocabulary import Compartment, MaskOrigin
from pipeline.core.volume import Volume
from pipeline.files import fingerprints, images
from pipeline.journal import drawn_masks
from pipeline.run.steps.visit_work import DRAWN_SOURCE, ReadVisit, ScannedVisit
from pipeline.study import study_folder

AUTOMATIC_SOURCE = "cordtrack"

SCANS_DIFFER, SCAN_DISTURBED, SHRINKAGE_UNSURE = "scans_differ", "scan_disturbed", "shrinkage_unsure"
"""Codes of the findings that masks cannot be found again on a scan, not surely, or clearly smaller."""

PROBABILITY_DECIMALS = 3
"""Probabilities are stored and measured with this many decimals: far finer than they are known, and small on disk."""


@dataclass(frozen=True)
class MaskMaking:
    """How an automatic mask was made, for its record.

    ``spread_cv`` is how far several ways of finding it differ, ``signal_cv`` what unexplained signal could do to its
    volume, ``shrinkage_cv`` what it is unsure by for being found smaller than drawn, or for having shrunk unseen:
    standard deviations of ln V.
    """

    source: str
    method: str
    note: str
    spread_cv: float | None = None
    signal_cv: float | None = None
    shrinkage_cv: float | None = None


def given_record(
    visit: ScannedVisit, compartment: Compartment, file: study_folder.MaskFile, *, is_primary: bool
) -> records.Segmentation:
    """Return the record of a mask of the study folder."""
    row = _record(visit, compartment, file.source, file.origin, fingerprints.of_file(file.path))
    method = "given: drawn by a person" if file.origin != MaskOrigin.AUTOMATIC else "given: origin not stated"
    return replace(row, folder="study", path=file.relative, is_primary=is_primary, method=method)


def drawn_record(
    visit: ScannedVisit, compartment: Compartment, entry: records.JournalEntry, drawn_by: str
) -> records.Segmentation:
    """Return the record of a mask that a person drew in place of the measured one."""
    sha256 = str(entry.mask_sha256)
    row = _record(visit, compartment, DRAWN_SOURCE, MaskOrigin.EDITED, sha256)
    method = f"drawn by {drawn_by} in place of the measured mask"
    return replace(row, path=drawn_masks.relative_path(sha256), method=method, note=entry.reason)


def keep_automatic(
    visit: ScannedVisit, compartment: Compartment, mask: Volume, making: MaskMaking, out_dir: Path
) -> records.Segmentation:
    """Write an automatic mask, the share (0..1) of each voxel, beside the other results and return its record."""
    path = automatic_path(visit, making.source, compartment)
    rounded = np.round(mask.array, PROBABILITY_DECIMALS).astype(np.float32)
    images.save(mask.with_array(rounded), out_dir / path)
    row = _record(visit, compartment, making.source, MaskOrigin.AUTOMATIC, fingerprints.of_file(out_dir / path))
    return replace(
        row,
        path=path,
        method=making.method,
        note=making.note,
        software=fingerprints.software(),
        spread_cv=making.spread_cv,
        signal_cv=making.signal_cv,
        shrinkage_cv=making.shrinkage_cv,
    )


def read_automatic(mask_rows: Iterable[records.Segmentation], out_dir: Path) -> Mapping[Compartment, Volume]:
    """Read the automatic masks of some records."""
    return {Compartment(row.compartment): images.load(out_dir / row.path) for row in mask_rows}


def automatic_path(visit: ReadVisit, source: str, compartment: Compartment) -> str:
    """Return where an automatic mask lies, relative to the output folder."""
    return study_folder.derivative_path(
        **visit.subject, suffix="probseg", extension=".nii.gz", space="orig", seg=source, label=str(compartment)
    ).as_posix()


def automatic_sidecar(visit: ReadVisit, source: str) -> str:
    """Return the file that says what a visit's automatic masks were made from, relative to the output folder."""
    return automatic_path(visit, source, Compartment.TUMOUR).replace(".nii.gz", ".json")


def _record(
    visit: ScannedVisit, compartment: Compartment, source: str, origin: MaskOrigin, sha256: str
) -> records.Segmentation:
    """Return what all masks' records have in common: a measured mask of the output folder."""
    return records.Segmentation(
        patient_id=visit.visit.patient_id,
        session_id=visit.session_id,
        compartment=str(compartment),
        source=source,
        mask_origin=str(origin),
        folder="output",
        path="",
        scan_path=visit.anchor.relative,
        sha256=sha256,
        is_primary=True,
        method="",
        note=None,
        software="",
    )
