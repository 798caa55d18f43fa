"""A visit's diffusion-weighted scans: which files belong together, which of them is aligned, the map fitted to them.

A map that the scanner sent goes first: then nothing is fitted and no weighted scan is aligned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.core import records
from pipeline.description import diffusion_fit, limit_file
from pipeline.description.lesion_scene import AlignedScan
from pipeline.errors import InputError
from pipeline.files import diffusion_files, fingerprints
from pipeline.run.steps.visit_work import ReadVisit
from pipeline.study.scans import ScanFile

WEIGHTED, MAP = "dwi", "ADC"
B_IN_LABEL = re.compile(r"b\d+$")
"""End of an ``acq-`` label that tells a file of one b-value from the next, as ``cordtrack import-dicom`` names them."""

GRADE_C = "{path} could not be laid on the measured scan (grade C)"


def series_of(scans: Iterable[ScanFile]) -> tuple[tuple[ScanFile, ...], ...]:
    """Return the files of each diffusion series of a visit, such as one file for each b-value.

    Examples
    --------
    >>> from pathlib import Path
    >>> files = [ScanFile(Path(a), a, "sub-x", "ses-1", "dwi", acquisition=a) for a in ("axb0", "axb800", "sag")]
    >>> [[scan.relative for scan in series] for series in series_of(files)]
    [['axb0', 'axb800'], ['sag']]
    """
    groups: dict[tuple[str, str], list[ScanFile]] = {}
    for scan in scans:
        if scan.contrast == WEIGHTED:
            label = B_IN_LABEL.sub("", scan.acquisition or "")
            groups.setdefault((label, scan.chunk or ""), []).append(scan)
    return tuple(tuple(group) for group in groups.values())


def to_align(visit: ReadVisit) -> tuple[records.Scan, ...]:
    """Return the scans of a visit that are laid on its anchor; of diffusion the least weighted, if without a map."""
    readable = [row for row in visit.scans if not row.is_anchor and row.unreadable_reason is None]
    standing = set()
    if not any(row.contrast == MAP for row in readable):
        standing = {_least_weighted(series).relative for series in series_of(visit.visit.scans)}
    return tuple(row for row in readable if row.contrast != WEIGHTED or row.path in standing)


def digest(visit: ReadVisit) -> str:
    """Return a hash of all that a map would be fitted from, and of the code that does."""
    sha256 = {row.path: row.sha256 for row in visit.scans}
    files = [scan for series in series_of(visit.visit.scans) for scan in series]
    return fingerprints.of_values(
        [(one.relative, sha256.get(one.relative), diffusion_files.digest_of_weights(one.path)) for one in files],
        fingerprints.of_code("pipeline.description.diffusion_fit"), fingerprints.of_file(Path(__file__)),
        fingerprints.of_values(limit_file.packaged().weighting),
    )  # fmt: skip


def with_map(
    visit: ReadVisit, scans: Sequence[AlignedScan], registrations: Sequence[records.Registration]
) -> tuple[list[AlignedScan], str | None]:
    """Put the fitted map in the place of the weighted scan that was aligned.

    Returns
    -------
    list of AlignedScan
        Without weighted scans; with a map where one could be fitted.
    str or None
        Why the visit has neither a map nor one fitted; None where it has.
    """
    others = [scan for scan in scans if scan.contrast != WEIGHTED]
    if any(scan.contrast == MAP for scan in others):
        return others, None
    by_path = {scan.path: scan for scan in scans if scan.contrast == WEIGHTED}
    reasons = [
        GRADE_C.format(path=row.moving_path)
        for row in registrations
        if row.grade == "C" and row.moving_path.endswith(("_ADC.nii.gz", "_ADC.nii"))
    ]
    for series in series_of(visit.visit.scans):
        aligned = next((by_path[scan.relative] for scan in series if scan.relative in by_path), None)
        fitted = _fitted(visit, series, aligned)
        if isinstance(fitted, AlignedScan):
            return [*others, fitted], None
        reasons.append(fitted)
    return others, "no ADC map at this visit" + "".join(f"; {reason}" for reason in reasons)


def _fitted(visit: ReadVisit, series: Sequence[ScanFile], aligned: AlignedScan | None) -> AlignedScan | str:
    unreadable = [row.unreadable_reason for row in visit.scans if row.path in {scan.relative for scan in series}]
    reason = next((one for one in unreadable if one is not None), None)
    if reason is not None:
        return reason
    try:
        fitted = diffusion_fit.fitted_map(
            [diffusion_files.read(scan.path) for scan in series], limit_file.packaged().weighting
        )
    except InputError as error:
        return str(error)
    if isinstance(fitted, str):
        return fitted
    if aligned is None:
        return GRADE_C.format(path=_least_weighted(series).relative)
    image, words = fitted
    return replace(aligned, image=image, contrast=MAP, made_from=words)


def _least_weighted(series: Sequence[ScanFile]) -> ScanFile:
    """Return the file with the least weighting: it shows the cord and its fluid as T2w does; else the first."""
    return min(series, key=lambda scan: diffusion_files.least_b(scan.path))
