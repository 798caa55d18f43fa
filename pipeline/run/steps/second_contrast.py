"""A second contrast that both visits have, asked what it says of a tumour found again on the scan measured on.

Each visit's scan of that contrast was laid on its own anchor (:mod:`pipeline.run.steps.align_visits`); one that could
not be is not asked. Nothing here gives a size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import records
from pipeline.core.transform import Transform, compose, inverse
from pipeline.core.volume import Volume
from pipeline.files import images
from pipeline.refind import other_contrast
from pipeline.refind.other_contrast import TUMOUR
from pipeline.refind.refinding import FollowUpMasks
from pipeline.run.steps.visit_work import PlacedVisit
from pipeline.study.scans import ScanFile


@dataclass(frozen=True)
class SecondScan:
    """A scan of a visit that was laid on its anchor, and the record of how."""

    file: ScanFile
    row: records.Registration

    def read(self, visit: PlacedVisit, out_dir: Path) -> tuple[Volume, Transform]:
        """Read the scan, and the transform that moves points from the visit's anchor to it."""
        here = visit.place.to_reference.source
        transform = images.load_transform(out_dir / str(self.row.transform_path), here, f"{self.file.contrast}, {here}")
        return images.load_scan(self.file.path), transform


def second_scans(visit: PlacedVisit) -> tuple[SecondScan, ...]:
    """Return the scans of a visit that may say more of its tumour than its anchor does, by name."""
    files = {scan.relative: scan for scan in visit.read.visit.scans}
    usable = (row for row in visit.sequences if row.grade != "C" and row.transform_path is not None)
    scans = [SecondScan(files[row.moving_path], row) for row in usable if row.moving_path in files]
    telling = other_contrast.TELLING.keys() - {visit.read.contrast}
    return tuple(sorted((one for one in scans if one.file.contrast in telling), key=lambda one: one.file.relative))


def digest(visits: Sequence[PlacedVisit]) -> list[tuple[str, str, str]]:
    """Return what the answer depends on beside what finding the tumour again does."""
    return [(one.row.moving_path, one.row.grade, one.row.input_sha256) for v in visits for one in second_scans(v)]


def pairs_of(visit: PlacedVisit, donors: Sequence[PlacedVisit]) -> Iterator[tuple[PlacedVisit, SecondScan, SecondScan]]:
    """Yield donors with their scan and the visit's of one contrast, those made alike (``acq-``) first."""
    for donor in donors:
        pairs = [
            (donor, before, after)
            for before in second_scans(donor)
            for after in second_scans(visit)
            if before.file.contrast == after.file.contrast
        ]
        yield from sorted(pairs, key=lambda pair: pair[1].file.acquisition != pair[2].file.acquisition)


def held_against_it(
    again: FollowUpMasks, visit: PlacedVisit, donors: Sequence[PlacedVisit], out_dir: Path
) -> FollowUpMasks:
    """Return masks found again, the tumour's size held against the first second contrast that can tell."""
    if TUMOUR not in again.ways_mm3:
        return again
    for donor, before, after in pairs_of(visit, donors):
        drawn_scan, to_drawn_scan = before.read(donor, out_dir)
        scan, to_scan = after.read(visit, out_dir)
        masked = other_contrast.laid_on(drawn_scan, donor.donor, inverse(to_drawn_scan))
        if masked is None:
            continue
        between = compose(visit.place.to_reference, donor.place.from_reference)
        way = compose(compose(inverse(to_scan), between), to_drawn_scan)
        seen = other_contrast.size_elsewhere(after.file.contrast, masked, scan, way)
        if seen is not None:
            return other_contrast.held_against(again, other_contrast.volume_mm3(donor.donor.masks[TUMOUR]), seen)
    return again
