"""Implanted growth in untouched scans, measured as ``cordtrack selftest`` does; and the same pairs for experiments.

For an experiment of your own::

    from tests.benchmark.implants import SCANS, implanted

    scan, cord = SCANS / "t2_fake_lesion.nii.gz", SCANS / "t2_fake_lesion_sc_seg.nii.gz"
    for pair in implanted(scan, cord, at_mm=8, slice_mm=3.3):
        pair.first, pair.first_masks, pair.later, pair.true_later_mm3, pair.true_shares

yields pairs one by one; the same arguments yield the same voxels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.core.volume import Volume
from pipeline.selftest import report, selftest_run
from pipeline.selftest.host_scan import PHANTOM, Place, read_source
from pipeline.selftest.implant import volume_mm3
from pipeline.selftest.implanted_pairs import Plan, drawn, drawn_masks, plans, refuse_what_does_not_fit, scanned
from tests.places import SHARED

SCANS = SHARED / "realcord" / "scans"
VOLUMES_ML = (0.3, 1.2)
THICK_MM = 3.3


@dataclass(frozen=True)
class Host:
    """A scan, its cord mask, and where to implant, mm above the middle of that mask."""

    scan: Path
    cord: Path
    at_mm: float


HOSTS = (
    Host(PHANTOM / "synthetic_T2w.nii.gz", PHANTOM / "synthetic_cord.nii.gz", 0.0),
    Host(SCANS / "t2_fake_lesion.nii.gz", SCANS / "t2_fake_lesion_sc_seg.nii.gz", 8.0),
    Host(SCANS / "t1w.nii.gz", SCANS / "t1w_seg-manual.nii.gz", 0.0),
)


@dataclass(frozen=True, eq=False)
class Implanted:
    """Two synthetic visits of one person.

    Attributes
    ----------
    plan
        First volume (mL), growth (%), number and seed.
    first, later
        Scans.
    first_masks, later_masks
        Compartment to the mask a perfect reader would draw; only the first is given to the program.
    true_first_mm3, true_later_mm3
        True volumes of the tumour.
    true_shares
        Compartment to its true share (0..1) in each voxel of the later scan.
    """

    plan: Plan
    first: Volume
    first_masks: dict[str, Volume]
    later: Volume
    later_masks: dict[str, Volume]
    true_first_mm3: float
    true_later_mm3: float
    true_shares: dict[str, Volume]


def implanted(
    scan: Path,
    cord: Path,
    *,
    at_mm: float = 0.0,
    slice_mm: float | None = None,
    volumes_ml: Sequence[float] = VOLUMES_ML,
    repeats: int = 1,
    seed: int = 1,
) -> Iterator[Implanted]:
    """Yield pairs of visits with growth of known size: every volume with -50, 0, 0, +20, +40 and +100 %."""
    source = read_source(scan, cord, Place(at_mm), slice_mm)
    wanted = plans(tuple(volumes_ml), repeats, seed)
    refuse_what_does_not_fit(source, wanted)
    for plan in wanted:
        first, later = scanned(source, plan)
        before, after = (volume_mm3(one.tumour) for one in drawn(plan, source.host.course, source.host.z_mm))
        shares = {"tumour": later.tumour, "cyst": later.cyst}
        yield Implanted(
            plan, first.scan, drawn_masks(first), later.scan, drawn_masks(later), before, after, shares
        )  # fmt: skip


def main() -> None:
    print("## Implanted growth\n")
    print(
        "`cordtrack selftest` in untouched scans: tumours of known volume before and after -50, 0, 0, +20, +40 and "
        "+100 %; columns as in [selftest.md](selftest.md). Synthetic.\n"
    )
    for host in HOSTS:
        if not host.scan.is_file():
            continue
        for slice_mm in (None, THICK_MM):
            _report(host, slice_mm)


def _report(host: Host, slice_mm: float | None) -> None:
    with TemporaryDirectory() as folder:
        settings = selftest_run.Settings(
            Path(folder), host.scan, host.cord, Place(host.at_mm), slice_mm, VOLUMES_ML, jobs=os.cpu_count() or 1
        )
        done = selftest_run.selftest(settings, lambda _done, _total: None)
    rows = report.table(done.found)
    print(f"{done.sentence}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(row.values())} |")
    print(flush=True)


if __name__ == "__main__":
    main()
